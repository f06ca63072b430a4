# A service manager for specs: runs a command with NOTIFY_SOCKET, prints the notifications, and sends SIGTERM
# once it has received the given line that many times.
# Usage: service_manager.py SOCKET LINE COUNT COMMAND...
import os, signal, socket, subprocess, sys

path, line, count, command = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind("\0" + path[1:] if path.startswith("@") else path)
manager.settimeout(60)
program = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": path})
told = []
while told.count(line) < count:
    told.append(manager.recv(1000).decode())
program.send_signal(signal.SIGTERM)
while told[-1] != "STOPPING=1":
    told.append(manager.recv(1000).decode())
code = program.wait()
print(*told, "code %d" % code, sep="\n")

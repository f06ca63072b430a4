"""Clients of examples/kv: kv_client.py PORT WHAT. Prints what the specs look at."""
import resource
import socket
import sys

PORT = int(sys.argv[1])


def connect():
    client = socket.create_connection(("127.0.0.1", PORT), 30)
    client.settimeout(30)
    return client


def ask(client, line, answers=1):
    client.sendall(line)
    text = b""
    while text.count(b"\r\n") < answers:
        piece = client.recv(4096)
        if not piece:
            return text + b"(closed)"
        text += piece
    return text


def session():
    """Sends stdin as it is, says that nothing follows, and prints all that comes back."""
    client = connect()
    client.sendall(sys.stdin.buffer.read())
    client.shutdown(socket.SHUT_WR)
    while True:
        piece = client.recv(4096)
        if not piece:
            break
        sys.stdout.buffer.write(piece)


def pieces():
    """A command that comes byte by byte, and two in one piece."""
    client = connect()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"CREATE pieces\r":
        client.sendall(bytes([byte]))
    print(ask(client, b"\n"), ask(client, b"PUT pieces a 1\nGET pieces a\r\n", 3))


def crowd():
    """A thousand clients at once, who share a bucket and have one of their own each."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = [connect() for _ in range(1000)]
    ask(clients[0], b"CREATE shared\n")
    answers = set()
    for i, client in enumerate(clients):
        answers.add(ask(client, b"CREATE own%d\nPUT own%d k %d\nPUT shared k%d %d\n" % (i, i, i, i, i), 3))
    for i, client in enumerate(reversed(clients)):
        i = 999 - i
        expected = b"%d\r\nOK\r\n" % i
        answers.add(ask(client, b"GET own%d k\n" % i, 2) == expected)
        answers.add(ask(client, b"GET shared k%d\n" % (999 - i), 2) == b"%d\r\nOK\r\n" % (999 - i))
    print(sorted(answers, key=str))


def endless():
    """A line without an end, as much of it as the server takes; and silent clients beside."""
    silent = [connect() for _ in range(100)]
    client = connect()
    sent = 0
    try:
        while sent < 64 << 20:
            client.sendall(b"x" * 65536)
            sent += 65536
        print("taken")
    except OSError:
        print("sent away")
    print(ask(connect(), b"CREATE after\n"), len(silent))


{"session": session, "pieces": pieces, "crowd": crowd, "endless": endless}[sys.argv[2]]()

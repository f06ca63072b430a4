"""A client of `dynsup run --listen`, written by docs/attach.md alone: attach_client.py SOCKET. Prints what
the spec looks at."""
import json
import socket
import sys


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r", encoding="utf-8", errors="surrogateescape")
        self.hello = self.receive()

    def receive(self):
        line = self.lines.readline()
        return json.loads(line) if line else None

    def ask(self, **request):
        """Sends a request; all that comes up to its end."""
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        messages = []
        while not messages or ("done" not in messages[-1] and "error" not in messages[-1]):
            messages.append(self.receive())
        return messages

    def line(self, text):
        messages = self.ask(do="line", text=text, width=120)
        return "".join(m.get("out", "") for m in messages), messages[-1]

    def eval(self, text, *args):
        messages = self.ask(do="eval", text=text, args=args, json=True)
        values = [""] * messages[-1].get("values", 0)
        for message in messages:
            if "value" in message:
                values[message["value"] - 1] += message["text"]
        return [json.loads(value) for value in values]


client = Client(sys.argv[1])
assert client.hello["hello"] == "dynsup" and client.hello["protocol"] == 1, client.hello
print(client.line("x = 'ä'")[1]["ok"], client.line("x")[0], end="")
print(client.line("for i = 1, 2 do")[1]["prompt"], client.line("print(i) end")[0].split())
print(client.ask(do="complete", text="dynsup.count_c", id=7)[-1])
print(client.eval("return { 1, { a = 'b' } }, ..., 1 / 0", "c", 2))
print(client.eval("dynsup.observer.tree()")[0][0]["name"])
print(len(client.eval("('\\n'):rep(100000)")[0]))
print(client.ask(do="watch", level="warning")[-1])
messages = client.ask(do="line", text="dynsup.log.warning 'beware'")
logged = [m for m in messages if "log" in m] or [client.receive()]
print(messages[-1]["ok"], logged[0])
print(client.ask(do="nothing", id="a"))
print(client.ask(do="drop")[-1]["prompt"])
client.socket.sendall(b'{"do":"line","text":"dynsup.halt(3)"}\n')
print(client.receive(), client.receive())

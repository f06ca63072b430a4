"""A server for the specs of dynsup.http: the path says what it answers, mostly what no server should.

Prints its port, and ends with the process that has started it. With arguments CERTIFICATE KEY it
speaks TLS. Each connection has a thread and serves one request, but for /keep/....
"""

import gzip
import os
import socket
import ssl
import struct
import sys
import threading
import time

open_connections = set()
sent = {"bytes": 0}
seen = {"requests": 0, "others": 0}


def head(status, *lines):
    return ("HTTP/1.1 %s\r\n%s\r\n" % (status, "".join(line + "\r\n" for line in lines))).encode()


def whole(body, *lines, status="200 OK"):
    return head(status, "Content-Length: %d" % len(body), *lines) + body


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())  # its reader would keep it open


def hang(connection):
    while connection.recv(65536):
        pass


def pour(connection, piece):
    while True:
        connection.sendall(piece)
        sent["bytes"] += len(piece)


def chunked(*chunks, trailer=b""):
    parts = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return head("200 OK", "Transfer-Encoding: chunked") + b"".join(parts) + b"0\r\n" + trailer + b"\r\n"


# What is sent, whatever was asked.
ANSWERS = {
    "hello": whole(b"hello", "Content-Type: text/plain"),
    "nothing": head("204 No Content"),
    "not-found": whole(b"gone", status="404 Not Found"),
    "cookies": whole(b"", "Set-Cookie: a=1, b", "set-cookie: c=2", "X-Folded: one", "  two", "X-Empty:"),
    "interim": head("103 Early Hints", "X-Early: 1") + whole(b"late", "X-Late: 1"),
    "chunked": chunked(b"one", b"two", b"three"),
    "trailer": chunked(b"one", trailer=b"X-Trailer: 1\r\n"),
    "bad-trailer": chunked(b"one", trailer=b"HTTP/1.1 999 no\r\n"),
    "until-close": head("200 OK") + b"to the end",
    "gzip": whole(gzip.compress(b"hello " * 1000), "Content-Encoding: gzip"),
    "bad-gzip": whole(b"\x1f\x8bno gzip at all", "Content-Encoding: gzip"),
    "bomb": whole(gzip.compress(bytes(50000000), 9), "Content-Encoding: gzip"),
    "garbage": b"\x00\xff\x01 garbage \r\n\r\n\r\n",
    "http09": b"just text\n",
    "bad-status": b"HTTP/1.1 abc\r\n\r\n",
    "bad-chunk": head("200 OK", "Transfer-Encoding: chunked") + b"zz\r\nno\r\n",
    "huge-chunk": head("200 OK", "Transfer-Encoding: chunked") + b"ffffffffffffffffff\r\nno\r\n",
    "bad-length": head("200 OK", "Content-Length: -5") + b"hello",
    "null-header": head("200 OK", "X-Null: a\x00b", "Content-Length: 2") + b"ok",
    "cr-header": head("200 OK", "X-Cr: a\rX-Injected: b", "Content-Length: 2") + b"ok",
    "spaces": head("200 OK", "X-Spaces: a" + " " * 60000 + "b", "Content-Length: 2") + b"ok",
    "only-spaces": head("200 OK", "X-Spaces:" + " " * 60000, "Content-Length: 2") + b"ok",
    "space-header": head("200 OK", " X-Space: a", "Content-Length: 2") + b"ok",
    "long-status": head("200 " + "x" * 1000000),
    "long-trailer": chunked(b"one", trailer=b"X-Long: " + b"x" * 100000 + b"\r\n"),
    "many-headers": head("200 OK", *["X-%d: %s" % (i, "x" * 90) for i in range(1000)]) + b"",
    "long-header": head("200 OK", "X-Long: " + "x" * 1000000),
    "close-head": b"HTTP/1.1 200 OK\r\nContent-",
    "close-body": head("200 OK", "Content-Length: 100") + b"ten bytes.",
    "empty": b"",
    "two-locations": head("302 Found", "location: /hello", "Location: /not-found", "Content-Length: 0"),
    "no-location": head("302 Found", "Content-Length: 0"),
    "bad-location": head("302 Found", "Location: http://[/", "Content-Length: 0"),
    "to-file": head("302 Found", "Location: file:///etc/passwd", "Content-Length: 0"),
}

# What is sent first; then the connection stays open and silent.
SILENT = {
    "hang": b"",
    "hang-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "hang-body": head("200 OK", "Content-Length: 100") + b"ten bytes.",
}

# What is sent first; then the other again and again.
ENDLESS = {
    "endless": (head("200 OK"), b"x" * 65536),
    "endless-headers": (b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n"),
    "endless-interim": (b"", head("100 Continue")),
    "endless-redirect": (head("302 Found", "Location: /hello"), b"x" * 65536),
    "drip": (head("200 OK"), None),
}


def redirect(words):
    if words[0] == "loop":
        return head("302 Found", "Location: /loop", "Content-Length: 0")
    if words[0] == "down":  # down/3 -> down/2 -> ... -> hello
        left = int(words[1])
        target = "/down/%d" % (left - 1) if left > 1 else "../hello#there"
        return whole(b"over there", "Location: " + target, status="302 Found")
    # to/303/echo, or to/303/PORT/echo on another port
    target = "/" + words[2] if len(words) == 3 else "http://127.0.0.1:%s/%s" % (words[2], words[3])
    return whole(b"over there", "Location: " + target, status=words[1] + " There")


# Answers before the request's body is read, and closes: then the kernel resets the connection.
def answer_early(connection):
    got = b""
    while not got.endswith(b"\r\n\r\n"):
        got += connection.recv(1)
    connection.sendall(whole(b"too large", status="413 Too Large"))


def read_request(reader):
    lines = []
    if reader.peek(1)[:1] == b"\x16":  # somebody speaks TLS
        return b"GET /not-found HTTP/1.1\r\n\r\n"
    while True:
        line = reader.readline()
        if not line:
            return None
        if line == b"\r\n":
            break
        lines.append(line)
    length = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
    return b"".join(lines) + b"\r\n" + reader.read(length[0] if length else 0)


def answer(connection, request):
    words = request.split()[1].decode().split("?")[0].strip("/").split("/")
    name = words[0]
    if name in ANSWERS:
        connection.sendall(ANSWERS[name])
    elif name == "echo":
        connection.sendall(whole(request))
    elif name == "keep":
        connection.sendall(whole(b"kept"))
        if words[1] == "once":  # the next request finds the connection reset
            connection.recv(1, socket.MSG_PEEK)
        return words[1] not in ("once", "reset") or reset(connection)
    elif name in ("loop", "down", "to"):
        connection.sendall(redirect(words))
    elif name == "big":
        connection.sendall(whole(b"0123456789abcdef" * (int(words[1]) // 16)))
    elif name == "slow":
        time.sleep(int(words[1]) / 1000)
        connection.sendall(ANSWERS["hello"])
    elif name == "reset-body":
        connection.sendall(SILENT["hang-body"])
        time.sleep(0.05)
        reset(connection)
    elif name == "reset":
        reset(connection)
    elif name in SILENT:
        connection.sendall(SILENT[name])
        hang(connection)
    elif name == "drip":
        connection.sendall(head("200 OK"))
        while True:
            connection.sendall(b"drop")
            time.sleep(0.01)
    elif name in ENDLESS:
        connection.sendall(ENDLESS[name][0])
        pour(connection, ENDLESS[name][1])
    elif name == "open":  # how many connections beside this one
        connection.sendall(whole(str(len(open_connections) - 1).encode()))
    elif name == "seen":
        connection.sendall(whole(str(seen["requests"]).encode()))
    elif name == "others":  # that were no GET
        connection.sendall(whole(str(seen["others"]).encode()))
    elif name == "sent":
        connection.sendall(whole(str(sent["bytes"]).encode()))
    return False


def serve(connection, context):
    open_connections.add(connection)
    raw = connection
    try:
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        elif connection.recv(11, socket.MSG_PEEK) == b"POST /early":
            return answer_early(connection)
        reader = connection.makefile("rb")
        kept = True
        while kept:
            request = read_request(reader)
            seen["requests"] += 1
            seen["others"] += not (request or b"GET ").startswith(b"GET ")
            kept = request and answer(connection, request)
        connection.shutdown(socket.SHUT_WR)
        hang(connection)
    except (OSError, ValueError, IndexError):
        pass
    finally:
        open_connections.discard(raw)
        connection.close()


def main():
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    print(listener.getsockname()[1], flush=True)
    parent = os.getppid()
    listener.settimeout(1)
    while os.getppid() == parent:
        try:
            connection, _ = listener.accept()
        except socket.timeout:
            continue
        connection.settimeout(None)
        threading.Thread(target=serve, args=(connection, context), daemon=True).start()


main()

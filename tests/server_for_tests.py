#!/usr/bin/python3
"""A server with faults to order, for test_program.py: echoes one line per connection; its argument says what
goes wrong."""
import os
import signal
import socket
import subprocess
import sys
import time

fault = sys.argv[-1]
if fault == "silent":
    sys.exit(3)
listener = socket.create_server(("127.0.0.1", 0))
print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN if fault == "deaf" else lambda *_: sys.exit(0))
kept = []
while True:
    connection = listener.accept()[0]
    line = connection.recv(1000)
    if fault == "leak":
        kept.append(os.dup(connection.fileno()))
    if fault == "crash":
        os.abort()
    if fault == "sanitizer":
        print("x.c:1:2: runtime error: shift exponent 99 is too large", file=sys.stderr, flush=True)
    if fault == "child":
        subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if fault == "slow":
        time.sleep(30)
    connection.sendall(line)
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()

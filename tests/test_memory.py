"""Flat memory: large bodies both ways do not stay in it."""
import hashlib
import json
import pathlib
import socket
import time

import pytest

import program

pytestmark = pytest.mark.plain  # a sanitizer's own memory says nothing

MIB = 1 << 20


def peak(pid):
    """-> VmHWM, the most that a process ever had resident, in bytes"""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def test_an_upload_of_500_mb(start):
    echo = start("echo")
    piece = bytes(MIB)
    size = 500 * 1000 * 1000
    expected = hashlib.sha256()
    with program.connect(echo.port, 120) as connection:
        connection.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
        left = size
        while left:
            part = piece[:min(left, MIB)]
            connection.sendall(part)
            expected.update(part)
            left -= len(part)
        answer = b""
        while got := connection.recv(65536):
            answer += got
    told = json.loads(answer.split(b"\r\n\r\n", 1)[1])
    assert told == {"bytes": size, "sha256": expected.hexdigest()}
    assert peak(echo.pid) < 64 * MIB


def test_a_slow_reader_of_a_gigabyte(start):
    """The reader pauses with the server far ahead of it if it could be: it must wait instead of piling up."""
    echo = start("echo")
    received = 0
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.settimeout(120)
        connection.connect(("127.0.0.1", echo.port))
        connection.sendall(b"GET /stream?n=1024&size=1048576 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        for _ in range(5):
            received += len(connection.recv(1 << 16))
            time.sleep(0.2)
        assert peak(echo.pid) < 64 * MIB
        buffer = bytearray(MIB)
        while got := connection.recv_into(buffer):
            received += got
    assert received > 1024 * MIB
    assert peak(echo.pid) < 64 * MIB

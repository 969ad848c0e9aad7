"""Real clients, and real trouble with clients."""
import contextlib
import hashlib
import http.client
import json
import random
import re
import socket
import struct
import subprocess
import threading
import time
import urllib.request

import pytest

import answers
import program

HOST = b"Host: a\r\n"
LAST = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


def curl(*arguments):
    """-> (stdout, stderr) of a curl that succeeded, as bytes and as text"""
    done = subprocess.run(["curl", "-sS", "--max-time", "60", *map(str, arguments)], capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr.decode(errors="replace")


def at(server, path="/"):
    return f"http://127.0.0.1:{server.port}{path}"


# ---- curl ----

def test_curl_posts(start, tmp_path):
    echo = start("echo")
    data = random.Random(1).randbytes(3 << 20)
    (tmp_path / "data").write_bytes(data)
    assert curl("--data-binary", f"@{tmp_path / 'data'}", at(echo))[0] == data
    assert curl("-H", "Transfer-Encoding: chunked", "--data-binary", f"@{tmp_path / 'data'}", at(echo))[0] == data
    told = json.loads(curl("--data-urlencode", "a=ä&b", "-d", "c", at(echo, "/json/?q=1"))[0])
    assert told["arguments"] == {"q": ["1"], "a": ["ä&b"], "c": [""]}


def test_curl_uploads_and_waits_to_be_asked(start, tmp_path):
    echo = start("echo")
    data = random.Random(2).randbytes(5 << 20)
    (tmp_path / "data").write_bytes(data)
    for options in ([], ["-H", "Transfer-Encoding: chunked"]):
        told, said = curl("-v", "-T", tmp_path / "data", "-H", "Expect: 100-continue", *options,
                          "--request-target", "/", at(echo))  # else curl appends the file's name
        assert told == data and "< HTTP/1.1 100 Continue" in said
        told, said = curl("-v", "-T", tmp_path / "data", "-X", "POST", "-H", "Expect: 100-continue", *options,
                          at(echo, "/upload"))
        assert json.loads(told) == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        assert "< HTTP/1.1 100 Continue" in said


def test_curl_is_refused_before_it_uploads(start, tmp_path):
    echo = start("echo", "--max-body=1M")
    (tmp_path / "data").write_bytes(bytes(2 << 20))
    shown, said = curl("-v", "-T", tmp_path / "data", "-H", "Expect: 100-continue", "-w", "%{size_upload}",
                       "-o", tmp_path / "answer", "--request-target", "/", at(echo))
    assert "< HTTP/1.1 413 " in said and shown == b"0"
    assert (tmp_path / "answer").read_text().startswith("413 ")


def test_curl_speaks_http_1_0(start):
    echo = start("echo")
    head_and_body, _ = curl("--http1.0", "-i", at(echo))
    assert head_and_body.startswith(b"HTTP/1.1 200 OK\r\n") and head_and_body.endswith(b"\r\n\r\nOK")
    assert curl("--http1.0", at(echo, "/stream?n=50&size=10000"))[0] == b"x" * 500000


def test_curl_asks_for_the_head_only(start):
    echo = start("echo")
    for path in ("/", "/stream?n=3&size=10", "/nowhere"):
        head, _ = curl("-I", at(echo, path))
        assert head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1
    head, said = curl("-v", "-I", at(echo), at(echo))
    assert head.count(b"HTTP/1.1 200 OK") == 2 and "Re-using existing connection" in said


def test_curl_keeps_its_connection(start):
    echo = start("echo")
    paths = ["/", "/nowhere", "/stream?n=3&size=1000", "/fail?code=409", "/"]
    nowhere = [word for _ in paths for word in ("-o", "/dev/null")]
    shown, _ = curl(*nowhere, "-w", "%{num_connects} %{http_code}\n", *[at(echo, path) for path in paths])
    assert shown.decode().splitlines() == ["1 200", "0 404", "0 200", "0 409", "0 200"]
    shown, _ = curl(*nowhere, "-H", "Connection: close", "-w", "%{num_connects}\n", *[at(echo)] * 3)
    assert shown == b"1\n1\n1\n"


def test_curl_sees_the_chunks(start):
    echo = start("echo")
    assert curl("--raw", at(echo, "/stream?n=2&size=18"))[0] == (b"12\r\n" + b"x" * 18 + b"\r\n") * 2 + b"0\r\n\r\n"
    assert curl("--raw", at(echo, "/stream?n=0"))[0] == b""


def test_curl_downloads(start):
    """200 MB, and 4 MB slowly, side by side."""
    echo = start("echo")
    slow = subprocess.Popen(["curl", "-sS", "--limit-rate", "2M", "-o", "/dev/null", "-w", "%{size_download}",
                             at(echo, "/stream?n=64&size=65536")], stdout=subprocess.PIPE)
    try:
        shown, _ = curl("-o", "/dev/null", "-w", "%{size_download}", at(echo, "/stream?n=200&size=1000000"))
        assert shown == b"200000000"
        assert slow.communicate(timeout=60)[0] == b"%d" % (64 * 65536)
    finally:
        slow.kill()
        slow.wait()


def test_curl_in_parallel(start):
    echo = start("echo")
    shown, _ = curl("-Z", "--parallel-max", "30", "--parallel-immediate", at(echo, "/stream?n=[1-60]&size=1"))
    assert shown == b"x" * (60 * 61 // 2)


# ---- Python ----

def test_http_client_keeps_its_connection(start):
    echo = start("echo")
    connection = http.client.HTTPConnection("127.0.0.1", echo.port, timeout=program.PATIENCE)
    with contextlib.closing(connection):
        connection.connect()
        first = connection.sock.getsockname()
        for number in range(50):
            connection.request("POST", "/", body=iter([b"a" * number, b"b"]), encode_chunked=True,
                               headers={"Transfer-Encoding": "chunked"})
            assert connection.getresponse().read() == b"a" * number + b"b"
            connection.request("HEAD", "/")
            assert connection.getresponse().read() == b""
            connection.request("GET", f"/stream?n={number}&size=2")
            assert connection.getresponse().read() == b"xx" * number
        assert connection.sock.getsockname() == first


def test_urllib(start):
    echo = start("echo")
    with urllib.request.urlopen(at(echo, "/json/?a=%C3%BC"), timeout=program.PATIENCE) as answer:
        assert json.load(answer)["arguments"] == {"a": ["ü"]}


# ---- load generators: nothing is lost ----

@pytest.mark.parametrize("options", [["-k"], []], ids=["kept", "closed"])
def test_ab(start, options):
    hello = start("hello")
    done = subprocess.run(["ab", "-q", "-n", "2000", "-c", "20", *options, at(hello)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Complete requests: +2000\n", done.stdout) and re.search(r"Failed requests: +0\n", done.stdout)
    assert "Non-2xx" not in done.stdout


@pytest.mark.parametrize("pipelined", ["1", "16"])
def test_h2load(start, pipelined):
    hello = start("hello")
    done = subprocess.run(["h2load", "--h1", "-n", "2000", "-c", "20", "-m", pipelined, at(hello)],
                          capture_output=True, text=True)
    assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in done.stdout, done.stdout
    assert "status codes: 2000 2xx" in done.stdout


# ---- slow and silent ones ----

def drip(connection, text):
    """Sends byte by byte until the other side has had enough. -> what it said"""
    received = b""
    connection.settimeout(0.05)
    for byte in text:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(bytes([byte]))
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            piece = connection.recv(4096)
            if not piece:
                break
            received += piece
    return received


def test_a_head_that_drips_in_has_its_time(start):
    """However steadily it comes; meanwhile others are served."""
    hello = start("hello", "--header-timeout=1s")
    said = []

    def slowly():
        with program.connect(hello.port) as connection:
            said.append(drip(connection, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000))

    clients = [threading.Thread(target=slowly) for _ in range(30)]
    for client in clients:
        client.start()
    for _ in range(20):
        assert program.talk(hello.port, LAST).endswith(b"Hello, world!\n")
    for client in clients:
        client.join()
    assert [answers.split(text)[0].status for text in said] == [408] * 30


def test_a_connection_that_says_nothing_is_closed_without_a_word(start):
    hello = start("hello", "--idle-timeout=500ms", "--header-timeout=60s")
    assert program.talk(hello.port, b"") == b""
    answer, = answers.split(program.talk(hello.port, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"))
    assert answer.status == 200 and "connection" not in answer.headers


def test_a_slow_but_steady_client_is_served(start):
    """Each request within its time, the connection longer than all of them."""
    hello = start("hello", "--header-timeout=5s", "--idle-timeout=5s")
    with program.connect(hello.port) as connection:
        for _ in range(5):
            for piece in (b"GET / HT", b"TP/1.1\r\nHo", b"st: a\r", b"\n\r", b"\n"):
                connection.sendall(piece)
                time.sleep(0.02)
            assert connection.recv(4096).endswith(b"Hello, world!\n")


# ---- half-closed ones ----

@pytest.mark.parametrize("request_text, body", [
    (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", b"OK"),
    (b"GET /delay?ms=300 HTTP/1.1\r\n" + HOST + b"\r\n", b"waited 300 ms\n"),
    (b"GET /stream?n=100&size=50000 HTTP/1.1\r\n" + HOST + b"\r\n", b"x" * 5000000),
    (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n" + b"y" * 100000, b"y" * 100000),
    (b"POST /upload HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello",
     b'{"bytes":5,"sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}'),
], ids=["at-once", "waiting", "streaming", "body", "upload"])
def test_a_client_that_only_listens_gets_its_answer(start, request_text, body):
    echo = start("echo")
    got = answers.split(program.talk(echo.port, request_text * 2, half_close=True))
    assert [(answer.status, answer.body) for answer in got] == [(200, body)] * 2


# ---- those that go ----

STAGES = {
    "nothing": b"",
    "mid-line": b"GET /del",
    "mid-head": b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
    "mid-body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50000,
    "mid-chunk": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nxxxx",
    "mid-upload": b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100000,
    "mid-form": b"POST /multipart HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n"
                b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-",
    "waits-to-be-asked": b"POST /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    "mid-answer": b"GET /stream?n=1000&size=100000 HTTP/1.1\r\nHost: a\r\n\r\n",
    "mid-answer-of-one-piece": b"GET /stream?n=2&size=16000000 HTTP/1.1\r\nHost: a\r\n\r\n",
    "handler-waits": b"GET /delay?ms=200 HTTP/1.1\r\nHost: a\r\n\r\n",
    "handler-waits-and-more-came": b"GET /delay?ms=200 HTTP/1.1\r\nHost: a\r\n\r\n" * 5,
    "many-answers": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 500,
    "refused": b"nonsense\r\n\r\n",
    "answered": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
}
RESET = struct.pack("ii", 1, 0)


def go_away(port, source):
    """Says something and goes: sometimes after a while, sometimes having read a little, mostly by a reset."""
    with program.connect(port) as connection:
        connection.sendall(STAGES[source.choice(list(STAGES))])
        time.sleep(source.choice([0, 0, 0.001, 0.01]))
        if source.random() < 0.3:
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                connection.recv(source.choice([1, 100, 100000]))
        if source.random() < 0.2:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        if source.random() < 0.8:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


@pytest.mark.parametrize("options", [[], ["--max-connections=3"]], ids=["all", "three-at-once"])
def test_clients_that_go_at_any_moment_leave_nothing(start, options):
    """The fixture counts the descriptors and waits for the last handler."""
    echo = start("echo", *options)
    problems = []

    def client(seed):
        source = random.Random(seed)
        try:
            for _ in range(50):
                go_away(echo.port, source)
        except Exception as error:
            problems.append(error)

    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(4)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert problems == []
    assert program.talk(echo.port, LAST).endswith(b"OK")


@pytest.mark.parametrize("stage", STAGES)
def test_a_client_that_goes(start, stage):
    """Each stage for itself, several times, so that a failure has a name."""
    echo = start("echo")
    for wait in (0, 0.005, 0.05):
        for linger in (RESET, None):
            with program.connect(echo.port) as connection:
                connection.sendall(STAGES[stage])
                time.sleep(wait)
                if linger:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    assert program.talk(echo.port, LAST).endswith(b"OK")

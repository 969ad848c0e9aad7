"""Each limit that the command line sets: below, at and above it. Refusal is an answer, never silence."""
import select
import socket
import time

import pytest

import answers
import program

HOST = b"Host: a\r\n"
LAST = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


def statuses(server, text):
    """-> of all answers, once the connection has ended; the last is closed by what is sent, or by the refusal"""
    return [answer.status for answer in answers.split(program.talk(server.port, text + LAST))]


# ---- the body ----

def counted(size, more=b""):
    return b"POST / HTTP/1.1\r\n" + HOST + more + b"Content-Length: %d\r\n\r\n" % size + b"x" * size


def chunked(size, piece):
    chunks = [min(piece, size - at) for at in range(0, size, piece)]
    body = b"".join(b"%x\r\n" % chunk + b"x" * chunk + b"\r\n" for chunk in chunks)
    return b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


@pytest.mark.parametrize("limit", [1, 1000, 70000])
def test_max_body(start, limit):
    echo = start("echo", f"--max-body={limit}")
    forms = [counted, lambda size: chunked(size, 1 << 20), lambda size: chunked(size, 7)]
    for form in forms:
        for size, expected in ((limit - 1, [200, 200]), (limit, [200, 200]), (limit + 1, [413])):
            assert statuses(echo, form(size)) == expected


def test_max_body_with_a_unit(start):
    echo = start("echo", "--max-body=2K")
    assert statuses(echo, counted(2048)) == [200, 200]
    assert statuses(echo, counted(2049)) == [413]


def test_max_body_of_nothing(start):
    echo = start("echo", "--max-body=0")
    assert statuses(echo, counted(0)) == [200, 200]
    assert statuses(echo, counted(1)) == [413]
    assert statuses(echo, chunked(1, 1)) == [413]


def test_a_route_with_its_own_limit_keeps_it(start):
    echo = start("echo", "--max-body=10")
    assert statuses(echo, counted(20).replace(b"POST /", b"POST /upload", 1)) == [200, 200]


def test_a_body_over_the_limit_is_not_asked_for(start):
    """413 before the body, instead of 100 (Continue)."""
    echo = start("echo", "--max-body=1000")
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    assert [a.status for a in answers.split(program.talk(echo.port, head % 1001))] == [413]
    with program.connect(echo.port) as connection:
        connection.sendall(head % 1000)
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_refused_body_that_comes_all_the_same_does_not_cost_the_answer(start):
    echo = start("echo", "--max-body=1000")
    assert statuses(echo, counted(200000)) == [413]


def may_go_on_sending(server):
    """Whether a refused client can send some of its body before it looks for the answer."""
    with program.connect(server.port) as connection:
        connection.sendall(counted(200000)[:100])
        select.select([connection], [], [], program.PATIENCE)  # the answer is here
        try:
            for _ in range(3):
                time.sleep(0.02)
                connection.sendall(b"x" * 1000)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_refused_body_is_read_for_a_while(start):
    """Closing at once would reset the connection, and a reset may take the answer out of the client's hands. Once
    in three times is enough: the server's patience is a second, which this machine may sleep through."""
    echo = start("echo", "--max-body=1000")
    assert any(may_go_on_sending(echo) for _ in range(3))


# ---- the head ----

def head_of(size):
    text = b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"\r\n\r\n"
    return text[:-4] + b"y" * (size - len(text)) + text[-4:]


@pytest.mark.parametrize("limit", [128, 1000, 20000])
def test_max_header(start, limit):
    hello = start("hello", f"--max-header={limit}")
    assert len(head_of(limit)) == limit
    for size, expected in ((limit - 1, [200, 200]), (limit, [200, 200]), (limit + 1, [431])):
        assert statuses(hello, head_of(size)) == expected


def line_of(size):
    text = b"GET / HTTP/1.1\r\n"
    return text.replace(b"/ ", b"/" + b"a" * (size - len(text)) + b" ", 1) + HOST + b"\r\n"


@pytest.mark.parametrize("options, limit", [([], 16384), (["--max-header=1000"], 1000 - len(HOST) - 2)])
def test_the_first_line(start, options, limit):
    """At most 16 KiB, its CRLF included, and the head's limit if that is less."""
    hello = start("hello", *options)
    for size, expected in ((limit - 1, [404, 200]), (limit, [404, 200])):
        assert statuses(hello, line_of(size)) == expected
    assert statuses(hello, line_of(limit + 1)) in ([414], [431])
    assert statuses(hello, line_of(limit + 1000)) == [414]


@pytest.mark.parametrize("limit", [2, 100, 1000])
def test_max_headers(start, limit):
    hello = start("hello", f"--max-headers={limit}")
    for count, expected in ((limit - 1, [200, 200]), (limit, [200, 200]), (limit + 1, [431])):
        text = b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * (count - 1) + b"\r\n"
        assert statuses(hello, text) == expected


@pytest.mark.parametrize("trailers, expected", [
    (b"X: y\r\n" * 15, [200, 200]), (b"X: y\r\n" * 16, [200, 200]), (b"X: y\r\n" * 17, [431]),
    (b"X: " + b"y" * 2042 + b"\r\n", [200, 200]), (b"X: " + b"y" * 2043 + b"\r\n", [200, 200]),
    (b"X: " + b"y" * 2044 + b"\r\n", [431])], ids=["15", "16", "17", "2047-bytes", "2048-bytes", "2049-bytes"])
def test_trailers(start, trailers, expected):
    """At most 16, and 2 KiB of them."""
    echo = start("echo")
    text = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + trailers + b"\r\n"
    assert statuses(echo, text) == expected


# ---- connections ----

def ask(connection):
    connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")


def answered(connection):
    return connection.recv(4096).endswith(b"Hello, world!\n")


def silent(connection, seconds=0.3):
    """Whether nothing comes for a while."""
    connection.settimeout(seconds)
    try:
        return not connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(program.PATIENCE)


@pytest.mark.parametrize("limit", [1, 3])
def test_max_connections(start, limit):
    """Up to the limit all are served; one more waits, unharmed, until another ends."""
    hello = start("hello", f"--max-connections={limit}")
    held = [program.connect(hello.port) for _ in range(limit)]
    more = program.connect(hello.port)
    try:
        for connection in held:
            ask(connection)
            assert answered(connection)
        ask(more)
        assert silent(more)
        ask(held[-1])
        assert answered(held[-1])
        held.pop().close()
        assert answered(more)
    finally:
        for connection in [*held, more]:
            connection.close()


# ---- time ----

def test_a_body_has_its_time(start):
    echo = start("echo", "--body-timeout=300ms")
    for path in (b"/", b"/upload"):
        head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhell"
        answer, = answers.split(program.talk(echo.port, head))
        assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert statuses(echo, counted(5)) == [200, 200]


def test_a_handler_has_its_time(start):
    echo = start("echo", "--timeout=200ms")
    got = answers.split(program.talk(echo.port, b"GET /delay?ms=60000 HTTP/1.1\r\n" + HOST + b"\r\n" + LAST))
    assert [answer.status for answer in got] == [503, 200]
    echo.wait_for_line(r"\n +at ")
    echo.mark_descriptors()  # the backtrace of the log opened the program's file, to read its lines from


def test_a_client_that_does_not_read_has_its_time(start):
    """A reader without progress is cut off; one that is only slow is not."""
    echo = start("echo", "--write-timeout=500ms")
    request = b"GET /stream?n=100000&size=65536 HTTP/1.1\r\n" + HOST + b"\r\n"
    with socket.socket() as connection, socket.socket() as slow:
        for one in (connection, slow):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            one.settimeout(program.PATIENCE)
            one.connect(("127.0.0.1", echo.port))
            one.sendall(request)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert slow.recv(1 << 20)
            time.sleep(0.02)
        assert program.wait_until(lambda: program.descriptors(echo.pid) <= echo.marked[echo.pid] + 1)
        assert slow.recv(1 << 20)

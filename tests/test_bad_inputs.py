"""Inputs that broke other servers: the exact answer, the connection's fate, and the next client is served.

What is refused ends its connection: nothing that follows on it is looked at, for it may be part of what was refused
(request smuggling). What only looks odd is answered, and the connection stays.
"""
import contextlib
import itertools
import json
import random
import socket
import time

import pytest

import answers
import program

HOST = b"Host: a\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
GOOD = GET + b"\r\n"
LAST = GET + b"Connection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.fixture(scope="module")
def echo(build):
    with program.Starter(build / "examples") as starter:
        yield starter.start("echo")


def with_header(*lines):
    return GET + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def with_body(*lines, body=b"hello"):
    return POST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def cases(named):
    return [pytest.param(*(value if isinstance(value, tuple) else (value,)), id=name) for name, value in named.items()]


# ---- the first line ----

REFUSED_LINES = {
    "tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "garbage": b"GARBAGE\r\n\r\n",
    "only-a-method": b"GET\r\n" + HOST + b"\r\n",
    "no-version": b"GET /\r\n" + HOST + b"\r\n",
    "lower-case-version": b"GET / http/1.1\r\n" + HOST + b"\r\n",
    "two-digits": b"GET / HTTP/1.10\r\n" + HOST + b"\r\n",
    "two-spaces": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "space-first": b" GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "space-last": b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n",
    "tab-between": b"GET\t/\tHTTP/1.1\r\n" + HOST + b"\r\n",
    "bad-method": b"GE(T / HTTP/1.1\r\n" + HOST + b"\r\n",
    "space-in-target": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "nul-in-target": b"GET /a\0b HTTP/1.1\r\n" + HOST + b"\r\n",
    "control-in-target": b"GET /a\x01b HTTP/1.1\r\n" + HOST + b"\r\n",
    "delete-in-target": b"GET /a\x7fb HTTP/1.1\r\n" + HOST + b"\r\n",
    "cr-in-target": b"GET /a\rb HTTP/1.1\r\n" + HOST + b"\r\n",
    "target-without-slash": b"GET echo HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk-with-get": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    "another-scheme": b"GET ftp://a/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute-without-host": b"GET http:///x HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute-with-user": b"GET http://u@a/x HTTP/1.1\r\n" + HOST + b"\r\n",
    "connect-without-port": b"CONNECT a HTTP/1.1\r\n" + HOST + b"\r\n",
    "line-feeds-only": b"GET / HTTP/1.1\nHost: a\n\n",
    "line-feed-in-the-first-line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "bare-cr-as-end": b"GET / HTTP/1.1\rHost: a\r\n\r\n",
    "only-empty-lines": b"\r\n\r\n\r\n\r\n",
}

# ---- headers ----

REFUSED_HEADERS = {
    "no-colon": b"nonsense",
    "empty-name": b": x",
    "space-before-the-colon": b"X : y",
    "tab-before-the-colon": b"X\t: y",
    "space-in-a-name": b"X Y: z",
    "non-ascii-name": b"X\xe9: y",
    "control-in-a-name": b"X\x01: y",
    "nul-in-a-name": b"X\0Y: z",
    "bracket-in-a-name": b"X(: y",
    "nul-in-a-value": b"X: a\0b",
    "cr-in-a-value": b"X: a\rb",
    "lf-in-a-value": b"X: a\nb",
    "cr-lf-and-cr": b"X: a\r\n\rX: b",
    "control-in-a-value": b"X: a\x01b",
    "delete-in-a-value": b"X: a\x7fb",
    "folded": b"X: a\r\n b",
    "folded-by-a-tab": b"X: a\r\n\tb",
    "two-hosts": b"Host: b",
    "two-equal-hosts": b"Host: a",
}

REFUSED_HOSTS = {
    "none": b"",
    "comma": b"Host: a,b\r\n",
    "space": b"Host: a b\r\n",
    "user": b"Host: u@a\r\n",
    "path": b"Host: a/b\r\n",
    "port-too-large": b"Host: a:65536\r\n",
    "port-of-letters": b"Host: a:http\r\n",
    "open-bracket": b"Host: [::1\r\n",
    "folded-first-line": b" Host: a\r\n",
}

REFUSED_LENGTHS = [b"-48", b"+10", b"+1_0", b"1_0", b"0x10", b"1Z", b"", b"  ", b"foo", b"5.", b"5 5", b"5;", b"5,",
                   b",5", b"5, 6", b"18446744073709551616", b"9223372036854775808", b"99999999999999999999999",
                   b"\xb2", b"5\xa0", b'"5"', b"5\r\nContent-Length: 6", b"6\r\nX: y\r\ncontent-length: 5"]

REFUSED_ENCODINGS = [b"", b"gzip", b"identity", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"chunked,",
                     b"\xa0chunked", b"chunked\xa0", b"chunked\x0b", b"xchunked", b"chunked;q=1", b'"chunked"',
                     b"chunked\r\nTransfer-Encoding: chunked", b"chunked\r\nTransfer-Encoding: identity",
                     b"identity\r\nTransfer-Encoding: chunked", b"\r\n chunked", b"chunked\r\nContent-Length: 5"]

# What two servers in a row may see differently. Each carries a second request inside.
SMUGGLING = {
    "cl-te": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "te-cl": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
                    b"2f\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\nX: 01234567\r\n\r\n0\r\n\r\n",
    "te-te": POST + b"Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n0\r\n\r\n",
    "te-with-a-space": POST + b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "te-folded": POST + b"Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "te-behind-a-bare-lf": POST + b"X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "te-behind-a-bare-cr": POST + b"X: y\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "te-behind-a-tab": POST + b"\tTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "te-in-1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "only-te-in-1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "cl-cl": POST + b"Content-Length: 0\r\nContent-Length: 39\r\n\r\n" + SMUGGLED,
    "cl-behind-an-empty-name": POST + b": x\r\nContent-Length: 39\r\n\r\n",
    "header-hidden-by-a-nul": POST + b"X: \0\r\nContent-Length: 39\r\n\r\n",
    "head-ended-by-bare-lf": GET + b"\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    "head-ended-by-bare-cr": GET + b"\rX\r\n\r\n",
}

# ---- chunks: behind CHUNKED, and streamed to /upload ----

REFUSED_CHUNKS = {
    "underscore": b"1_a\r\n", "0_2e": b"0_2e\r\n", "negative": b"-1\r\n", "-0x0": b"-0x0\r\n", "plus": b"+5\r\n",
    "0x": b"0x5\r\n", "blank": b"\r\n", "space-first": b" 5\r\n", "space-last": b"5 \r\n", "no-hex": b"g\r\n",
    "nul": b"5\0\r\n", "semicolon-first": b";x\r\n5\r\n",
    "64-bits": b"ffffffffffffffff\r\n", "63-bits": b"8000000000000000\r\n", "wrapped-to-5": b"10000000000000005\r\n",
    "17-zeros": b"00000000000000005\r\n",
    "bare-lf": b"5\nhello\r\n0\r\n\r\n", "bare-cr": b"5\r\r;x\r\nhello", "lf-in-an-extension": b"5;a\nb\r\nhello",
    "cr-in-an-extension": b"5;a\rb\r\nhello",
    "nothing-behind-a-chunk": b"5\r\nhelloXX", "lf-behind-a-chunk": b"5\r\nhello\n0\r\n\r\n",
    "cr-and-more-behind-a-chunk": b"5\r\nhello\rX0\r\n\r\n", "longer-than-said": b"4\r\nhello\r\n0\r\n\r\n",
    "endless-extension": b"5;" + b"x" * 65536, "many-extensions": b"5" + b";a=b" * 16384,
    "trailer-without-colon": b"0\r\nX\r\n\r\n", "trailer-without-name": b"0\r\n: x\r\n\r\n",
    "trailer-folded": b"0\r\nX: a\r\n b\r\n\r\n", "trailer-with-a-space": b"0\r\nX : a\r\n\r\n",
    "trailer-with-nul": b"0\r\nX: \0\r\n\r\n", "trailer-ended-by-lf": b"0\r\nX: a\n\r\n",
    "end-by-lf": b"0\r\n\n", "end-by-cr-and-more": b"0\r\n\rX",
}
TOO_MUCH_CHUNKED = {"long-trailer": b"0\r\nX: " + b"y" * 4096 + b"\r\n\r\n",
                    "many-trailers": b"0\r\n" + b"X: y\r\n" * 17 + b"\r\n"}


def refused():
    """-> {name: (bytes, status)}"""
    rows = {f"line-{name}": (text, 400) for name, text in REFUSED_LINES.items()}
    rows |= {f"line-version-{version}": (f"GET / HTTP/{version}\r\nHost: a\r\n\r\n".encode(), 505)
             for version in ("0.9", "2.0", "3.0", "9.9")}
    rows["line-http2-preface"] = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
    rows["line-too-long"] = (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414)
    rows |= {f"header-{name}": (with_header(line), 400) for name, line in REFUSED_HEADERS.items()}
    rows |= {f"host-{name}": (b"GET / HTTP/1.1\r\n" + line + b"\r\n", 400) for name, line in REFUSED_HOSTS.items()}
    rows["header-name-too-long"] = (with_header(b"X" * 70000 + b": y"), 431)
    rows["header-value-too-long"] = (with_header(b"X: " + b"y" * 70000), 431)
    rows["one-header-too-often"] = (with_header(*[b"X: y"] * 5000), 431)
    rows["many-headers"] = (with_header(*[b"X%d: y" % i for i in range(101)]), 431)
    rows |= {f"length-{value!r}": (with_body(b"Content-Length: " + value), 400) for value in REFUSED_LENGTHS}
    rows |= {f"encoding-{value!r}": (with_body(b"Transfer-Encoding: " + value, body=b"0\r\n\r\n"), 400)
             for value in REFUSED_ENCODINGS}
    rows |= {f"smuggling-{name}": (text, 400) for name, text in SMUGGLING.items()}
    rows |= {f"chunk-{name}": (CHUNKED + text, 400) for name, text in REFUSED_CHUNKS.items()}
    rows |= {f"chunk-{name}": (CHUNKED + text, 431) for name, text in TOO_MUCH_CHUNKED.items()}
    rows["another-expectation"] = (with_body(b"Content-Length: 5", b"Expect: 200-maybe"), 417)
    rows["length-over-the-limit"] = (with_body(b"Content-Length: 104857601"), 413)
    return rows


def check_alive(server):
    assert answers.split(program.talk(server.port, LAST))[0].body == b"OK"


@pytest.mark.parametrize("text, status", cases(refused()))
def test_it_is_refused_and_nothing_behind_it_is_looked_at(echo, text, status):
    """Alone, and behind a good request; a request that follows on the connection is never answered."""
    alone = answers.split(program.talk(echo.port, text + SMUGGLED))
    assert [answer.status for answer in alone] == [status]
    assert alone[0].headers["connection"] == "close"
    behind = answers.split(program.talk(echo.port, GOOD + text + SMUGGLED))
    assert [answer.status for answer in behind] == [200, status]
    assert "connection" not in behind[0].headers and behind[1].headers["connection"] == "close"
    check_alive(echo)


def drip(port, text, sizes, pause=0.0):
    """Sends text in pieces of such sizes, each a packet of its own. -> all that came back until it was closed"""
    received = b""
    with program.connect(port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        at = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it answers before it has read all
            while at < len(text):
                size = next(sizes)
                connection.sendall(text[at:at + size])
                at += size
                time.sleep(pause)
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
    return received


def at_random(seed):
    source = random.Random(seed)
    while True:
        yield source.randint(1, 40)


@pytest.mark.parametrize("sizes, pause", [(lambda: itertools.repeat(1), 0), (lambda: at_random(5), 0.0005)],
                         ids=["bytes", "pieces"])
def test_it_is_refused_however_it_comes(echo, sizes, pause):
    wrong = {}
    for name, (text, status) in refused().items():
        if len(text) < 1000:
            statuses = [answer.status for answer in answers.split(drip(echo.port, text, sizes(), pause))]
            if statuses != [status]:
                wrong[name] = statuses
    assert wrong == {}
    check_alive(echo)


@pytest.mark.parametrize("text, status", cases(
    {name: (text, 400) for name, text in REFUSED_CHUNKS.items()} |
    {name: (text, 431) for name, text in TOO_MUCH_CHUNKED.items()}))
@pytest.mark.parametrize("path", [b"/upload", b"/multipart"])
def test_a_streamed_body_with_bad_chunks_is_refused(echo, path, text, status):
    head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"
    head += b'Content-Type: multipart/form-data; boundary=b\r\n\r\n'
    got = answers.split(program.talk(echo.port, head + text + SMUGGLED))
    assert [answer.status for answer in got] == [400 if path == b"/multipart" else status]  # that handler's choice
    assert got[0].headers["connection"] == "close"
    check_alive(echo)


@pytest.mark.parametrize("text", cases(REFUSED_CHUNKS))
def test_a_bad_body_that_nobody_reads_ends_the_connection_too(echo, text):
    """404 and 405 do not wait for the body; what is behind a broken one is not a request."""
    for path, status in ((b"/nowhere", 404), (b"/stream", 405)):
        head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        got = answers.split(program.talk(echo.port, head + text + SMUGGLED))
        assert [answer.status for answer in got] == [status]
    check_alive(echo)


# ---- cut short ----

@pytest.mark.parametrize("text, status", cases({
    "in-the-first-line": (b"GET / HT", 400),
    "in-a-header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: y", 400),
    "before-the-empty-line": (b"GET / HTTP/1.1\r\nHost: a\r\n", 400),
    "in-a-body": (with_body(b"Content-Length: 6"), 400),
    "in-a-chunk": (CHUNKED + b"6\r\nhello", 400),
    "before-the-last-chunk": (CHUNKED + b"5\r\nhello\r\n", 400),
    "in-the-trailers": (CHUNKED + b"0\r\nX: y\r\n", 400),
}))
def test_a_request_that_ends_early_is_answered(echo, text, status):
    assert [a.status for a in answers.split(program.talk(echo.port, text, half_close=True))] == [status]
    assert [a.status for a in answers.split(program.talk(echo.port, GOOD + text, half_close=True))] == [200, status]
    check_alive(echo)


def test_nothing_at_all_is_no_request(echo):
    assert program.talk(echo.port, b"", half_close=True) == b""
    assert program.talk(echo.port, b"\r\n", half_close=True)[:12] in (b"", b"HTTP/1.1 400")


# ---- odd, but right: answered, and the connection stays ----

ODD = {
    "empty-line-first": (b"\r\n" + GOOD, 200),
    "absolute-form": (b"GET http://b:80/ HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "absolute-form-without-path": (b"GET http://b HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "absolute-form-with-query": (b"GET http://b/?x=y HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "options-asterisk": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 204),
    "options-of-a-server": (b"OPTIONS http://a HTTP/1.1\r\n" + HOST + b"\r\n", 204),
    "options-of-a-path": (b"OPTIONS /stream HTTP/1.1\r\n" + HOST + b"\r\n", 204),
    "empty-host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 200),
    "ipv6-host": (b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200),
    "decimal-010": (with_body(b"Content-Length: 010", body=b"0123456789"), 200),
    "two-equal-lengths": (with_body(b"Content-Length: 5", b"Content-Length: 5"), 200),
    "a-list-of-equal-lengths": (with_body(b"Content-Length: 5, 5"), 200),
    "get-with-a-body": (GET + b"Content-Length: 5\r\n\r\nhello", 200),
    "upper-case-chunked": (with_body(b"TRANSFER-ENCODING: CHUNKED", body=b"5\r\nhello\r\n0\r\n\r\n"), 200),
    "chunk-extension": (CHUNKED + b'5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n', 200),
    "chunk-extension-behind-space": (CHUNKED + b"5 ; a\r\nhello\r\n0\r\n\r\n", 200),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nX-One: 1\r\nX-Two: 2\r\n\r\n", 200),
    "upper-case-and-zeros": (CHUNKED + b"00A\r\n0123456789\r\n000\r\n\r\n", 200),
    "empty-connection-options": (with_header(b"Connection: ,, ,keep-alive,,"), 200),
    "only-commas": (with_header(b"Connection: ,,,,,,,,"), 200),
    "high-bytes-in-a-value": (with_header(b"X: gr\xfc\xdfe"), 200),
    "no-value": (with_header(b"X:"), 200),
    "spaces-around": (with_header(b"X: \t y \t "), 200),
    "unknown-method": (b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "trace": (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "upgrade-to-what-is-not-there": (with_header(b"Connection: upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
                                     200),
    "range-that-overflows": (with_header(b"Range: bytes=-9223372036854775809,18446744073709551616-"), 200),
    "thousands-of-ranges": (with_header(b"Range: bytes=" + b"0-," * 5000 + b"0-"), 200),
    "backslashes-in-a-cookie": (with_header(b'Cookie: a="' + b"\\" * 60000 + b'"'), 200),
    "cookie-that-begins-with-a-delimiter": (with_header(b"Cookie: ;=;,;=a;b"), 200),
    "many-cookies": (with_header(b"Cookie: " + b"a=b;" * 15000), 200),
    "one-header-100-times": (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 99 + b"\r\n", 200),
    "up-and-out": (b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "encoded-up-and-out": (b"GET /..%2f..%2fetc%2fpasswd HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "two-slashes": (b"GET //evil.com/../ HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "long-path": (b"GET /" + b"a" * 16000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 404),
}


@pytest.mark.parametrize("text, status", cases(ODD))
def test_what_only_looks_odd_is_answered_and_the_connection_stays(echo, text, status):
    for before in ([], [GOOD]):
        got = answers.split(program.talk(echo.port, b"".join(before) + text + LAST))
        assert [answer.status for answer in got] == [200] * len(before) + [status, 200]
        assert "connection" not in got[-2].headers and got[-1].body == b"OK"


def test_a_405_says_what_is_allowed(echo):
    for method, path, allowed in ((b"DELETE", b"/", "GET, HEAD, POST, PUT, PATCH, OPTIONS"),
                                  (b"PUT", b"/stream", "GET, HEAD, OPTIONS"), (b"GET", b"/upload", "POST, OPTIONS")):
        text = method + b" " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        answer, = answers.split(program.talk(echo.port, text))
        assert (answer.status, set(answer.headers["allow"].split(", "))) == (405, set(allowed.split(", ")))


def test_an_absolute_target_overrules_the_host(echo):
    text = b"GET http://b:81/json/x?y=z HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    told = json.loads(answers.split(program.talk(echo.port, text))[0].body)
    assert (told["path"], told["query"]) == ("/json/x", "y=z")


@pytest.mark.parametrize("options", [b"close", b"close, foo", b"foo, close", b"Close", b",close,", b"keep-alive, close",
                                     b"foo\r\nConnection: close"])
def test_close_among_other_options_closes(echo, options):
    got = answers.split(program.talk(echo.port, with_header(b"Connection: " + options) + SMUGGLED))
    assert [(answer.status, answer.headers["connection"]) for answer in got] == [(200, "close")]


def test_http_1_0(echo):
    """It closes, unless asked to stay; a flushed answer, which has no length, ends with the connection even then."""
    plain = answers.split(program.talk(echo.port, b"GET / HTTP/1.0\r\n\r\n" + SMUGGLED))
    assert [answer.headers["connection"] for answer in plain] == ["close"]
    kept = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    got = answers.split(program.talk(echo.port, kept + kept + b"GET / HTTP/1.0\r\n\r\n"))
    assert [answer.headers["connection"] for answer in got] == ["keep-alive", "keep-alive", "close"]
    stream = b"GET /stream?n=3&size=1000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    got = answers.split(program.talk(echo.port, stream + SMUGGLED))
    assert [(answer.headers["connection"], answer.until_close, answer.body) for answer in got] == [
        ("close", True, b"x" * 3000)]


def test_http_1_0_gets_no_interim_answer(echo):
    text = b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    got = answers.split(drip(echo.port, text + b"hello", iter([len(text), 5])))
    assert [(answer.status, answer.body) for answer in got] == [(200, b"hello")]


def test_trailers_cannot_become_headers(echo):
    """A trailer is not a header: not seen among them, and cannot change the framing."""
    text = b"POST /json/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
    text += b"Content-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nConnection: close\r\n\r\n"
    first, second = answers.split(program.talk(echo.port, text + LAST))
    told = json.loads(first.body)
    assert told["headers"] == [["Host", "a"], ["Transfer-Encoding", "chunked"]] and told["body_length"] == 5
    assert second.body == b"OK"


# ---- forms ----

def form(path, kind, body):
    head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\nContent-Type: " + kind
    return head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def part(disposition, data=b"x", more=b""):
    return b"--b\r\nContent-Disposition: form-data; " + disposition + b"\r\n" + more + b"\r\n" + data + b"\r\n"


MULTIPART = b"multipart/form-data; boundary=b"
BAD_MULTIPART = {
    "no-boundary": (b"multipart/form-data", part(b'name="a"') + b"--b--\r\n"),
    "empty-boundary": (b'multipart/form-data; boundary=""', part(b'name="a"') + b"--b--\r\n"),
    "long-boundary": (b"multipart/form-data; boundary=" + b"b" * 71, b"--" + b"b" * 71 + b"--\r\n"),
    "another-type": (b"text/plain", part(b'name="a"') + b"--b--\r\n"),
    "empty": (MULTIPART, b""),
    "no-end": (MULTIPART, part(b'name="a"')),
    "another-boundary": (MULTIPART, b"--c\r\n\r\n\r\n--c--\r\n"),
    "cut-in-a-header": (MULTIPART, b"--b\r\nContent-Disposition: form-da"),
    "cut-in-the-boundary": (MULTIPART, part(b'name="a"') + b"--b"),
    "part-without-disposition": (MULTIPART, b"--b\r\nX: y\r\n\r\nx\r\n--b--\r\n"),
    "part-without-name": (MULTIPART, part(b"x=y") + b"--b--\r\n"),
    "disposition-of-semicolons": (MULTIPART, part(b'x="' + b";" * 5000) + b"--b--\r\n"),
    "header-over-10-kib": (MULTIPART, part(b'name="a"', more=b"X: " + b"y" * 11000 + b"\r\n") + b"--b--\r\n"),
    "many-part-headers": (MULTIPART, part(b'name="a"', more=b"X: y\r\n" * 5000) + b"--b--\r\n"),
    "more-than-100-parts": (MULTIPART, part(b'name="a"') * 101 + b"--b--\r\n"),
    "nul-in-a-part-header": (MULTIPART, part(b'name="a\0b"') + b"--b--\r\n"),
}


@pytest.mark.parametrize("kind, body", cases(BAD_MULTIPART))
@pytest.mark.parametrize("sizes", [lambda: iter([1 << 20]), lambda: at_random(7)], ids=["whole", "pieces"])
def test_a_bad_multipart_body_is_refused(echo, kind, body, sizes):
    got = answers.split(drip(echo.port, form(b"/multipart", kind, body), sizes()))
    assert [answer.status for answer in got] == [400]
    check_alive(echo)


def test_100_parts_are_taken(echo):
    got, = answers.split(program.talk(echo.port, form(b"/multipart", MULTIPART, part(b'name="a"') * 100 + b"--b--\r\n")))
    assert got.status == 200 and len(json.loads(got.body)) == 100


@pytest.mark.parametrize("name, shown", [(b"../../x", ("../../x", "x")), (b"..\\..\\x", ("....x",)),
                                         (b"/etc/passwd", ("/etc/passwd", "passwd"))])
def test_a_file_name_with_a_path_is_only_text(echo, name, shown):
    body = part(b'name="a"; filename="' + name + b'"') + b"--b--\r\n"
    got, = answers.split(program.talk(echo.port, form(b"/multipart", MULTIPART, body)))
    assert got.status == 200 and json.loads(got.body)[0]["file_name"] in shown


def test_a_very_long_encoded_file_name(echo):
    for text in (b"%41" * 2500, b"%" * 9000, b"'" * 9000, b"UTF-8''" + b"a" * 9000):
        body = part(b'name="a"; filename*=' + text) + b"--b--\r\n"
        got, = answers.split(program.talk(echo.port, form(b"/multipart", MULTIPART, body)))
        assert got.status in (200, 400)
    check_alive(echo)


FORM = b"application/x-www-form-urlencoded"


@pytest.mark.parametrize("body, status", cases({
    "nul": (b"a=b\0c", 400), "encoded-nul": (b"a=b%00c", 400), "not-utf-8": (b"a=%ff", 400),
    "1001-arguments": (b"&".join([b"a=b"] * 1001), 400), "1000-arguments": (b"&".join([b"a=b"] * 1000), 200),
    "a-broken-escape": (b"a=%zz", 400), "empty": (b"", 200), "only-separators": (b"&&&&==&", 200),
}))
def test_a_bad_form_is_refused(echo, body, status):
    got, = answers.split(program.talk(echo.port, form(b"/json/", FORM, body)))
    assert got.status == status
    check_alive(echo)

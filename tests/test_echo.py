"""The echo example keeps its contract."""
import base64
import hashlib
import http.client
import json
import subprocess

import pytest


@pytest.fixture
def echo(start):
    return start("echo")


def ask(server, method, path, body=None, headers=None):
    """-> (status, headers, body) of one request on a connection of its own"""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_ok(echo):
    assert ask(echo, "GET", "/")[::2] == (200, b"OK")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("size", [0, 1, 1000, 65536, 1 << 20])
def test_the_body_comes_back(echo, method, size):
    body = bytes(i * 7 % 256 for i in range(256)) * (size // 256 + 1)
    status, _, answer = ask(echo, method, "/", body[:size])
    assert (status, answer) == (200, body[:size])


def test_a_chunked_body_comes_back(echo, talk):
    answer = talk(echo.port, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                             b"4;name=value\r\nWiki\r\n5\r\npedia\r\n0\r\nX-Trailer: yes\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nWikipedia")


def test_headers_come_back_as_they_were_sent(echo, talk):
    answer = talk(echo.port, b"GET /echo HTTP/1.1\r\nhOsT: a\r\nX-One: 1\r\nx-ONE:  two \r\nConnection: close\r\n\r\n")
    assert answer.split(b"\r\n\r\n", 1)[1] == b"hOsT: a\nX-One: 1\nx-ONE: two\nConnection: close\n"


def test_cookies(echo):
    body = ask(echo, "GET", "/cookie", headers={"Cookie": 'a=1; b="two words"; c='})[2]
    assert body == b"a=1\nb=two words\nc=\n"


def test_a_request_as_json(echo):
    status, headers, body = ask(echo, "POST", "/json/x%20y?a=1&b=2&a=3", b"c=4&a=5",
                                {"Content-Type": "application/x-www-form-urlencoded", "X-Test": "yes"})
    told = json.loads(body)
    assert status == 200 and headers["Content-Type"].startswith("application/json")
    assert (told["method"], told["uri"], told["path"]) == ("POST", "/json/x%20y?a=1&b=2&a=3", "/json/x%20y")
    assert (told["query"], told["version"], told["remote_ip"]) == ("a=1&b=2&a=3", "HTTP/1.1", "127.0.0.1")
    assert ["X-Test", "yes"] in told["headers"]
    assert {name: sorted(values) for name, values in told["arguments"].items()} == {
        "a": ["1", "3", "5"], "b": ["2"], "c": ["4"]}
    assert told["body_length"] == 7
    assert told["body_sha256"] == hashlib.sha256(b"c=4&a=5").hexdigest()


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "PURGE"])
def test_json_takes_any_method(echo, method):
    assert json.loads(ask(echo, method, "/json/")[2])["method"] == method


def test_a_form_of_curl(echo, tmp_path):
    data = bytes(range(256)) * 40
    (tmp_path / "data.bin").write_bytes(data)
    done = subprocess.run(["curl", "-sS", "-F", "text=grüße", "-F", f"file=@{tmp_path / 'data.bin'}",
                           f"http://127.0.0.1:{echo.port}/multipart"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    field, file = json.loads(done.stdout)
    assert (field["name"], field["type"], base64.b64decode(field["data"])) == ("text", "field", "grüße".encode())
    assert (file["name"], file["type"], file["file_name"]) == ("file", "file", "data.bin")
    assert base64.b64decode(file["data"]) == data


def test_an_upload_is_counted_and_hashed(echo):
    data = b"0123456789abcdef" * 100000
    told = json.loads(ask(echo, "POST", "/upload", data)[2])
    assert told == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_an_upload_over_the_limit_is_refused_before_it_comes(echo, talk):
    answer = talk(echo.port, b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 600000001\r\n"
                             b"Expect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("count, size", [(0, 1), (1, 1), (10, 1000), (3, 100000)])
def test_a_stream(echo, count, size):
    status, headers, body = ask(echo, "GET", f"/stream?n={count}&size={size}")
    assert (status, body) == (200, b"x" * (count * size))
    assert count == 0 or headers["Transfer-Encoding"] == "chunked"


def test_delays_do_not_add_up(echo, talk):
    """Many wait at once on one thread: each is answered, whatever the others do."""
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: ask(echo, "GET", "/delay?ms=50")[::2], range(200)))
    assert answers == [(200, b"waited 50 ms\n")] * 200


@pytest.mark.parametrize("code, shown", [(404, b"404 Not Found: failed on request\n"), (409, None), (422, None),
                                         (500, b"500 Internal Server Error\n"), (503, None)])
def test_a_failure_from_three_calls_deep(echo, code, shown):
    ask(echo, "GET", "/fail?code=599")
    echo.wait_for_line(r"\n +at ")
    echo.mark_descriptors()  # the first backtrace opened the program's file, to read its lines from
    status, _, body = ask(echo, "GET", f"/fail?code={code}")
    assert status == code
    assert shown is None or body == shown
    assert (b"failed on request" in body) == (code < 500)


def test_a_number_out_of_range_is_named(echo):
    status, _, body = ask(echo, "GET", "/delay?ms=-1")
    assert status == 400 and b"ms must be 0..600000" in body

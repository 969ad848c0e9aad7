"""The first program, asked by curl and by hand."""
import subprocess


def curl(*arguments):
    """-> what curl printed; fails when it could not talk to the server"""
    done = subprocess.run(["curl", "-sS", "--max-time", "20", *arguments], capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()  # the lines' ends as they came


def test_text_at_the_front(start):
    hello = start("hello")
    answer = curl("-i", f"http://127.0.0.1:{hello.port}/")
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK")
    assert "content-type: text/plain; charset=utf-8" in head.lower()
    assert "content-length: 14" in head.lower()
    assert "\r\ndate: " in head.lower()
    assert body == "Hello, world!\n"


def test_a_name_from_the_path_is_decoded(start):
    hello = start("hello")
    assert curl(f"http://127.0.0.1:{hello.port}/hello/J%C3%BCrgen%20M") == "Hello, Jürgen M!\n"


def test_a_name_that_is_not_text_is_refused(start, talk):
    hello = start("hello")
    answer = talk(hello.port, b"GET /hello/%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_an_unknown_path_and_a_wrong_method(start, talk):
    hello = start("hello")
    answer = talk(hello.port, b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    answer = talk(hello.port, b"DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert b"\r\nAllow: GET, HEAD, OPTIONS\r\n" in answer


def test_head_has_gets_head_and_no_body(start):
    hello = start("hello")
    answer = curl("-I", f"http://127.0.0.1:{hello.port}/")
    assert answer.startswith("HTTP/1.1 200 OK")
    assert "content-length: 14" in answer.lower()
    assert answer.endswith("\r\n\r\n") and answer.count("\r\n\r\n") == 1


def test_pipelined_requests_are_answered_in_order(start, talk):
    hello = start("hello")
    names = [b"n%d" % i for i in range(50)]
    requests = b"".join(b"GET /hello/%s HTTP/1.1\r\nHost: a\r\n\r\n" % name for name in names)
    answers = talk(hello.port, requests + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    bodies = [part.split(b"\r\n\r\n", 1)[1] for part in answers.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"Hello, %s!\n" % name for name in names] + [b"Hello, world!\n"]

"""Signed cookies and XSRF tokens: what the real Tornado makes is read here, and the reverse."""
import contextlib
import http.client
import http.cookies
import re
import urllib.parse

import pytest
import tornado.web

SECRET = "the secret that both have"


@pytest.fixture
def login(start):
    return start("login", environment={"COOKIE_SECRET": SECRET})


def ask(server, method, path, cookies=None, form=None):
    """-> status, headers, text"""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, urllib.parse.urlencode(form or {}) if form is not None else None, headers)
    answer = connection.getresponse()
    with contextlib.closing(connection):
        return answer.status, answer.headers, answer.read().decode()


def cookies_of(headers):
    """-> name to value, as a browser sends them back and as Tornado reads them"""
    jar = http.cookies.SimpleCookie()
    for line in headers.get_all("Set-Cookie", []):
        jar.load(line)
    return {name: morsel.coded_value for name, morsel in jar.items()}, {n: m.value for n, m in jar.items()}


def test_tornados_cookie_is_read(login):
    made = tornado.web.create_signed_value(SECRET, "user", "Zoë").decode()
    assert ask(login, "GET", "/me", {"user": f'"{made}"'})[::2] == (200, "You are Zoë.\n")
    assert ask(login, "GET", "/me", {"user": made})[::2] == (200, "You are Zoë.\n")


@pytest.mark.parametrize("name, secret", [("user", "the secret that others have"), ("admin", SECRET)])
def test_a_cookie_of_another_name_or_secret_is_not(login, name, secret):
    made = tornado.web.create_signed_value(secret, name, "Zoë").decode()
    assert ask(login, "GET", "/me", {"user": f'"{made}"'})[0] == 403


def test_a_login_from_form_to_tornado(login):
    status, headers, page = ask(login, "GET", "/")
    sent, _ = cookies_of(headers)
    token = re.search(r'name="_xsrf" value="([^"]+)"', page)[1]
    assert status == 200
    assert ask(login, "POST", "/login", sent, {"name": "Zoë"})[0] == 403
    status, headers, _ = ask(login, "POST", "/login", sent, {"name": "Zoë", "_xsrf": token})
    again, plain = cookies_of(headers)
    assert status == 303 and headers["Location"] == "/me"
    assert ask(login, "GET", "/me", again)[2] == "You are Zoë.\n"
    assert tornado.web.decode_signed_value(SECRET, "user", plain["user"]).decode() == "Zoë"


class TornadosTokens(tornado.web.RequestHandler):
    """Tornado's own code for tokens, without a server."""

    def __init__(self):  # pylint: disable=super-init-not-called
        pass


def test_tokens_are_tornados(login):
    cookie = "2|5f3a91c0|" + "".join(f"{byte ^ mask:02x}" for byte, mask in
                                     zip(range(16), [0x5f, 0x3a, 0x91, 0xc0] * 4)) + "|1700000000"
    _, headers, page = ask(login, "GET", "/", {"_xsrf": cookie})
    token = re.search(r'name="_xsrf" value="([^"]+)"', page)[1]
    assert "Set-Cookie" not in headers
    read = TornadosTokens()._decode_xsrf_token  # pylint: disable=protected-access
    assert read(token) == (2, bytes(range(16)), 1700000000) == read(cookie)
    assert ask(login, "POST", "/logout", {"_xsrf": cookie}, {"_xsrf": cookie})[0] == 303


def test_a_route_may_do_without(login):
    assert ask(login, "POST", "/ping", form={})[::2] == (200, "pong\n")

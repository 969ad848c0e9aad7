"""Sessions in each of their stores, with a real Redis, through the members example."""
import contextlib
import http.client
import http.cookies
import os
import re
import subprocess
import urllib.parse

import pytest

import servers


class Browser:
    """Keeps cookies, follows nothing."""

    def __init__(self, server):
        self.server = server
        self.cookies = {}

    def ask(self, method, path, form=None):
        """-> status, headers, text"""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = urllib.parse.urlencode(form) if form is not None else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in http.cookies.SimpleCookie(line).items():
                self.cookies[name] = morsel.coded_value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return answer.status, answer.headers, text

    def log_in(self, name, password, page="/login"):
        _, _, text = self.ask("GET", page)
        token = re.search(r'name="_xsrf" value="([^"]+)"', text)[1]
        answer = self.ask("POST", "/login", {"name": name, "password": password, "_xsrf": token})
        self.server.mark_descriptors()  # the store is open from now on
        return answer


KINDS = ["memory", "sqlite", "redis"]


@pytest.fixture(params=KINDS)
def store(request, tmp_path):
    if request.param == "redis":
        server = request.getfixturevalue("redis")
        return f"redis://127.0.0.1:{server.port}/3"
    return f"sqlite:{tmp_path}/sessions.db" if request.param == "sqlite" else "memory"


def test_a_member_logs_in_and_out(start, store):
    browser = Browser(start("members", environment={"SESSIONS": store}))
    assert browser.ask("GET", "/")[::2] == (200, "nobody\n")
    status, headers, _ = browser.ask("GET", "/members?a=1")
    assert (status, headers["Location"]) == (302, "/login?next=%2Fmembers%3Fa%3D1")
    assert browser.log_in("bob", "sesame")[0] == 403
    before = browser.cookies["session"]
    status, headers, _ = browser.log_in("bob", "swordfish", page="/login?next=%2Fmembers%3Fa%3D1")
    assert (status, headers["Location"]) == (303, "/members?a=1")
    assert browser.cookies["session"] != before
    assert browser.ask("GET", "/members")[2] == "Hello bob, visit 1.\n"
    assert browser.ask("GET", "/members")[2] == "Hello bob, visit 2.\n"
    assert browser.ask("GET", "/admin")[0] == 403
    stranger = Browser(browser.server)
    stranger.cookies["session"] = before
    assert stranger.ask("GET", "/")[2] == "nobody\n"
    token = re.search(r'value="([^"]+)"', browser.ask("GET", "/login")[2])[1]
    kept = dict(browser.cookies)
    assert browser.ask("POST", "/logout", {"_xsrf": token})[0] == 303
    assert "session" not in browser.cookies
    browser.cookies = kept
    assert browser.ask("GET", "/")[2] == "nobody\n"


def test_an_admin_may_more(start):
    browser = Browser(start("members"))
    assert browser.log_in("ann", "open sesame")[0] == 303
    assert browser.ask("GET", "/admin")[2] == "ann may do everything.\n"


@pytest.mark.parametrize("store", KINDS[1:], indirect=True)
def test_sessions_outlive_the_process(start, store):
    first = start("members", environment={"SESSIONS": store})
    browser = Browser(first)
    browser.log_in("bob", "swordfish")
    first.stop()
    browser.server = start("members", environment={"SESSIONS": store})
    assert browser.ask("GET", "/")[2] == "bob\n"
    browser.server.mark_descriptors()


def test_a_redis_that_is_gone_is_503(start):
    server = servers.Redis().start()
    try:
        browser = Browser(start("members", environment={"SESSIONS": f"redis://127.0.0.1:{server.port}"}))
        assert browser.log_in("bob", "swordfish")[0] == 303
        assert browser.ask("GET", "/")[2] == "bob\n"
    finally:
        server.stop()
    assert browser.ask("GET", "/")[0] == 503
    assert browser.ask("GET", "/login")[0] == 503


def test_a_store_that_is_none_is_named(build):
    done = subprocess.run([build / "examples/members", "--port=0"], env={**os.environ, "SESSIONS": "disk"},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert 'sessions in "disk": expected memory, sqlite:FILE, redis://HOST or redis+unix:FILE' in done.stderr


def test_memory_of_one_of_several_processes_warns(start):
    server = start("members", "--processes=2")
    assert Browser(server).log_in("bob", "swordfish")[0] == 303
    server.wait_for_line("sessions in memory are lost on requests that another process answers")


def test_memory_of_one_process_does_not_warn(start):
    server = start("members")
    assert Browser(server).log_in("bob", "swordfish")[0] == 303
    assert "lost" not in server.output()

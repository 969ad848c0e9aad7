"""tests/browser.py drives a real Chromium: what the other tests lean on."""
import http.server
import socket
import threading
import urllib.parse

import pytest

from browser import BrowserError

pytestmark = pytest.mark.plain

FORM = """<!doctype html><title>form</title><form method=post>
<p style="height: 3000px">far above</p>
<input name=text value=old><select name=choice><option>one<option>two</select><button>send</button></form>"""


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        data = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(f"<p>{self.headers['Cookie']}</p>" if self.path == "/cookie" else FORM)

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(f"<p>sent {form['text'][0]} {form['choice'][0]}</p><script>undefinedFunction()</script>")

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_form_is_filled_and_sent(page, site, tmp_path):
    page.open(site)
    page.fill("input", "né w")
    page.fill("select", "two")
    page.click("button")
    page.wait_for_text("sent")
    assert page.text() == "sent né w two"
    assert "undefinedFunction" in " ".join(page.problems)
    page.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


def test_a_script_that_throws_is_an_error(page):
    with pytest.raises(BrowserError, match="not here"):
        page.evaluate("(() => { throw new Error('not here') })()")
    assert page.evaluate("Promise.resolve({a: [1, null]})") == {"a": [1, None]}


def test_a_condition_that_stays_false_shows_the_page(page, site):
    page.open(site)
    with pytest.raises(AssertionError, match="far above"):
        page.wait_for("false", seconds=0.1)


def test_nobody_there(page):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(BrowserError, match="ERR_CONNECTION_REFUSED"):
            page.open(f"http://127.0.0.1:{taken.getsockname()[1]}/")


def test_two_pages_are_two_people(chromium, page, site):
    other = chromium.page()
    page.open(site)
    page.evaluate("document.cookie = 'name=ann'")
    other.open(f"{site}/cookie")
    page.open(f"{site}/cookie")
    assert page.text() == "name=ann"
    assert other.text() == "None"
    other.close()

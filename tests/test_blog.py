"""The blog: each of its flows in a browser, as a person goes through it, and its edges by plain HTTP.

Screenshots of the pages go to BUILD/artefacts/blog-*.png. Each page that is shown is checked by axe-core too.
"""
import contextlib
import html
import http.client
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import threading
import urllib.parse
import xml.etree.ElementTree
import zlib

import pytest

import conftest
import program

PASSWORD = "correct horse"


def png(width=40, height=30, colour=(200, 40, 60)):
    """A picture's bytes."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes(colour) * width
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(row * height)) + chunk(b"IEND", b""))


class Client:
    """Somebody with cookies, by plain HTTP. Redirects are not followed."""

    def __init__(self, port):
        self.port = port
        self.cookies = {}

    def ask(self, method, path, body=None, headers=None):
        """-> (status, headers, text)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=program.PATIENCE)
        try:
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.request(method, path, body, {**({"Cookie": cookies} if cookies else {}), **(headers or {})})
            answer = connection.getresponse()
            data = answer.read()
            for line in answer.headers.get_all("Set-Cookie", []):
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.headers, data.decode("utf-8", "replace")
        finally:
            connection.close()

    def get(self, path):
        status, _, page = self.ask("GET", path)
        assert status == 200, page
        return page

    def token(self):
        if "_xsrf" not in self.cookies:
            self.get("/login")
        return self.cookies["_xsrf"]

    def post(self, path, **fields):
        """-> (status, headers, text)"""
        body = urllib.parse.urlencode({"_xsrf": self.token(), **fields})
        return self.ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def upload(self, data, name="x.png", kind="image/png"):
        body = b"".join([
            b'--sep\r\nContent-Disposition: form-data; name="_xsrf"\r\n\r\n', self.token().encode(), b"\r\n",
            b'--sep\r\nContent-Disposition: form-data; name="image"; filename="', name.encode(), b'"\r\nContent-Type: ',
            kind.encode(), b"\r\n\r\n", data, b"\r\n--sep--\r\n"])
        return self.ask("POST", "/images", body, {"Content-Type": "multipart/form-data; boundary=sep"})

    def register(self, name):
        status, headers, page = self.post("/register", name=name, password=PASSWORD, again=PASSWORD)
        assert (status, headers["Location"]) == (303, "/"), page
        return self

    def write(self, title="A title", text="Some text", action="publish"):
        """-> the post's path"""
        status, headers, page = self.post("/posts", title=title, text=text, action=action)
        assert status == 303, page
        return headers["Location"]


class Blog:
    def __init__(self, started, folder):
        self.program, self.port, self.folder = started, started.port, folder

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def client(self, name=None):
        client = Client(self.port)
        return client.register(name) if name else client

    def database(self):
        return contextlib.closing(sqlite3.connect(self.folder / "blog.db", isolation_level=None, timeout=10))


@pytest.fixture
def blog(start, build, tmp_path):
    """A blog without accounts."""
    if not (build / "examples/blog").exists():
        pytest.skip("the build has no examples/blog: sqlite3 or md4c-html was not found")
    started = start("blog", f"--db={tmp_path}/blog.db", f"--uploads={tmp_path}/images", "--title=Ann's notes")
    yield Blog(started, tmp_path)
    started.marked = {}  # its connections to the database are kept: as many as there are at most


# ---- with a browser ----


@pytest.fixture(scope="session")
def axe(build):
    """The script of axe-core, from npm, kept in BUILD/node."""
    script = build / "node/node_modules/axe-core/axe.min.js"
    if not script.exists():
        if not shutil.which("npm"):
            pytest.skip("there is no npm to install axe-core with")
        with tempfile.TemporaryDirectory(dir=build) as folder:
            done = subprocess.run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts",
                                   "axe-core@4"], capture_output=True, text=True, timeout=120)
            if done.returncode:
                pytest.skip(f"npm cannot install axe-core: {done.stderr[-300:]}")
            build.joinpath("node").mkdir(exist_ok=True)
            with contextlib.suppress(OSError):  # another test process was faster
                os.rename(f"{folder}/node_modules", build / "node/node_modules")
    return script.read_text()


class Person:
    """Somebody in front of a browser."""

    def __init__(self, page, blog, axe, artefacts):
        self.page, self.blog, self.axe, self.artefacts = page, blog, axe, artefacts

    def go(self, path):
        self.page.open(self.blog.url(path))

    def follow(self, selector, text):
        """Clicks, and waits until the text is to be read in the main part of what comes."""
        self.page.click(selector)
        self.page.wait_for_text(text, "main")

    def link(self, text):
        """-> a selector of the link or button with this text."""
        found = self.page.evaluate("""(() => {
            const wanted = %s;
            const fits = element => (element.getAttribute("aria-label") || element.innerText).trim() === wanted;
            const found = [...document.querySelectorAll("a, button")].filter(fits)[0];
            if (found) found.id ||= "found-by-the-test";
            return found && "#" + found.id;
        })()""" % json.dumps(text))
        assert found, f"no {text!r} on {self.page.url()}:\n{self.page.text()}"
        return found

    def press(self, text, then):
        self.follow(self.link(text), then)

    def violations(self):
        if conftest.instrumented():  # the pages are the same ones
            return []
        if not self.page.evaluate("!!window.axe"):
            self.page.evaluate(self.axe + "; true")
        found = self.page.evaluate("axe.run().then(result => result.violations)")
        return [f"{violation['id']} ({violation['impact']}): {node['html']} {node['failureSummary']}"
                for violation in found if violation["impact"] in ("serious", "critical") for node in violation["nodes"]]

    def check(self, name):
        """Takes a picture and has axe-core look at the page, in light and in dark colours."""
        self.page.screenshot(self.artefacts / f"blog-{name}.png")
        for scheme in ("dark", "light"):
            self.page._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            assert self.violations() == [], f"{name}, {scheme}"

    def register(self, name, password=PASSWORD):
        self.go("/register")
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.fill("#again", password)
        self.page.click("main button")

    def log_in(self, name, password=PASSWORD):
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("main button")

    def write(self, title, text, button, then):
        self.go("/posts/new")
        self.page.fill("#title", title)
        self.page.fill("#text", text)
        self.press(button, then)


@pytest.fixture
def artefacts(build):
    folder = build / "artefacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def person(page, blog, axe, artefacts):
    yield Person(page, blog, axe, artefacts)
    # An answer of the 400s is an "error" in the browser's log; anything else should not be there.
    assert [problem for problem in page.problems if "responded with a status of 4" not in problem] == []


def test_register_log_out_log_in(person):
    page = person.page
    person.go("/")
    assert "Nothing is published yet" in page.text()
    person.check("empty")
    person.register("ann", "short")
    page.wait_for_text("at least 8 characters", "[role=alert]")
    person.check("register-refused")
    person.register("ann")
    page.wait_for_text("Welcome, ann", "[role=status]")
    assert "Admin" in page.text("nav")  # the first account
    person.go("/")
    assert not page.text("[role=status]")  # told once
    page.click(person.link("Log out"))
    page.wait_for_text("Log in", "nav")
    person.go("/posts/new")
    page.wait_for_text("Log in", "h1")
    person.log_in("ann", "wrong password")
    page.wait_for_text("The name or the password is wrong", "[role=alert]")
    assert page.evaluate("document.querySelector('#name').value") == "ann"
    person.check("login-refused")
    person.log_in("ANN")  # names are the same in small letters and capitals
    page.wait_for_text("You are logged in as ann", "[role=status]")
    assert page.url().endswith("/posts/new")  # where it was going


TEXT = """A *first* paragraph with a [link](https://example.org).

# A heading

| a | b |
|---|---|
| 1 | 2 |

    code that is long: """ + "x" * 200 + """

1. one
2. two
"""


def test_write_preview_draft_publish_edit_delete(person):
    page = person.page
    person.register("ann")
    page.wait_for_text("Welcome")
    person.press("Write", "Title")
    person.check("write")
    page.fill("#title", "On <b>herons</b>")
    page.fill("#text", TEXT)
    person.press("Preview", "A first paragraph")
    assert page.text(".preview h2") == "On <b>herons</b>" and page.text(".preview em") == "first"
    assert page.evaluate("document.querySelector('#text').value") == TEXT
    person.check("preview")
    person.press("Save as a draft", "The draft is saved")
    assert page.text(".draft") == "Draft"
    draft = urllib.parse.urlsplit(page.url()).path
    assert person.blog.client().ask("GET", draft)[0] == 404
    person.go("/posts")
    person.check("own-posts")
    person.press("Edit On <b>herons</b>", "Preview")
    page.fill("#title", "On herons")
    person.press("Publish", "The post is published")
    assert page.text("h1") == "On herons" and "A heading" in page.text("article h2")
    person.check("post")
    person.go("/")
    assert "On herons" in page.text("article")
    person.check("front")
    page._call("Emulation.setDeviceMetricsOverride", width=380, height=800, deviceScaleFactor=1, mobile=True)
    person.go(draft)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    person.check("post-phone")
    page._call("Emulation.clearDeviceMetricsOverride")
    person.press("Delete the post", "The post is deleted")
    assert "Nothing is published yet" in page.text()


def test_comment_and_delete_comments(person):
    page = person.page
    author = person.blog.client("ann")  # an admin
    path = author.write()
    person.go(path)
    assert "No comments yet" in page.text()
    person.press("Log in", "No account?")
    person.register("bob")
    page.wait_for_text("Welcome")
    person.go(path)
    page.fill("#comment", "First line\n<script>alert(1)</script>")
    person.press("Add the comment", "Your comment is there")
    assert page.text(".comment .plain") == "First line\n<script>alert(1)</script>"
    person.check("comments")
    person.press("Delete the comment by bob", "The comment is deleted")
    page.fill("#comment", "Another")
    person.press("Add the comment", "Your comment is there")
    assert author.post("/comments/2/delete")[0] == 303  # as the admin
    person.go(path)
    assert "No comments yet" in page.text()


def test_upload_an_image_and_show_it_in_a_post(person, tmp_path):
    page = person.page
    person.register("ann")
    page.wait_for_text("Welcome")
    person.press("Images", "Upload")
    (tmp_path / "notes.txt").write_text("no image")
    page.choose_files("#image", tmp_path / "notes.txt")
    person.press("Upload", "That is no image")
    (tmp_path / "heron.png").write_bytes(png())
    page.choose_files("#image", tmp_path / "heron.png")
    person.press("Upload", "The image is there")
    page.wait_for("document.querySelector('.images img').naturalWidth === 40")
    person.check("images")
    line = page.evaluate("document.querySelector('.images input').value")
    person.write("A heron", line.replace("what it shows", "a red heron"), "Publish", "The post is published")
    page.wait_for("document.querySelector('article img').naturalWidth === 40")
    assert page.evaluate("document.querySelector('article img').alt") == "a red heron"
    person.check("post-with-image")


def test_search_pages_and_feed(person):
    page, blog = person.page, person.blog
    ann = blog.client("ann")
    ann.write("Über Reiher", "The heron stands in the water & waits.")
    with blog.database() as database:
        database.executemany("INSERT INTO posts(author, title, text, published) VALUES ('ann', ?, ?, ?)",
                             [(f"Filler {i}", f"words number {i}", 1000 + i) for i in range(24)])
    person.go("/")
    assert page.evaluate("document.querySelectorAll('article').length") == 10
    person.press("Older", "Filler 14")
    person.press("Older", "Filler 0")
    assert page.evaluate("document.querySelectorAll('article').length") == 5 and "Older" not in page.text("main")
    person.check("last-page")
    person.press("Newer", "Filler 14")
    page.fill("#q", "heron wat")
    page.press("Enter")
    page.wait_for_text("Posts with all of “heron wat”", "main")
    assert page.text("main h2") == "Über Reiher"
    assert page.evaluate("[...document.querySelectorAll('mark')].map(mark => mark.innerText)") == ["heron", "water"]
    assert "& waits" in page.text("main article")
    person.check("search")
    page.fill("#q", "filler")
    page.press("Enter")
    page.wait_for_text("“filler”", "main")
    person.press("Older", "Filler")
    assert "q=filler" in page.url() and page.evaluate("document.querySelectorAll('article').length") == 10
    page.fill("#q", "pelican")
    page.press("Enter")
    page.wait_for_text("No post has all of “pelican”", "main")
    assert page.evaluate("document.querySelector('link[rel=alternate]').href") == blog.url("/feed.xml")


def test_admin(person):
    page, blog = person.page, person.blog
    person.register("ann")
    page.wait_for_text("Welcome")
    bob = blog.client("bob")
    path = bob.write("Bob's post")
    bob.post(path + "/comments", text="Bob's comment")
    person.press("Admin", "Accounts")
    person.check("admin")
    person.press("Make admin", "bob is an admin now")
    assert bob.ask("GET", "/admin")[0] == 200
    person.press("Make author", "bob is an author now")
    assert bob.ask("GET", "/admin")[0] == 403
    person.press("Ban", "bob is banned")
    assert "author, banned" in page.text("main")
    assert bob.ask("GET", "/posts/new")[0] == 302  # the session he had is worth nothing any more
    status, _, text = blog.client().post("/login", name="bob", password=PASSWORD)
    assert status == 422 and "This account is closed" in text
    person.press("Let back in", "bob may come back")
    assert bob.ask("GET", "/posts/new")[0] == 200
    person.press("Delete the comment by bob", "The comment is deleted")
    person.press("Delete Bob's post", "The post is deleted")
    assert page.url().endswith("/admin") and "Bob's post" not in page.text("main")


def test_error_pages_are_in_the_layout(person):
    page, blog = person.page, person.blog
    ann = blog.client("ann")
    path = ann.write()
    person.go("/nowhere")
    assert page.text("h1") == "Error 404" and "There is nothing here" in page.text("main")
    person.check("error-404")
    person.register("bob")
    page.wait_for_text("Welcome")
    person.go(path + "/edit")
    assert page.text("h1") == "Error 403" and "Only ann and admins" in page.text("main")
    assert "Log out" in page.text("nav")


def test_the_keyboard_is_enough(person):
    page = person.page
    person.go("/")
    page.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.press("Enter")
    page.wait_for("document.activeElement.id === 'main'")
    page.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Register"
    page.press("Enter")
    page.wait_for_text("Register", "h1")


# ---- by plain HTTP ----


CHANGES = ["/register", "/login", "/logout", "/posts", "/posts/1", "/posts/1/delete", "/posts/1/comments",
           "/comments/1/delete", "/images", "/admin/accounts/bob"]


def test_no_change_without_the_token(blog):
    ann = blog.client("ann")
    ann.write()
    for path in CHANGES:
        status, _, text = ann.ask("POST", path, "title=x&text=x&action=publish&name=x&password=x",
                                  {"Content-Type": "application/x-www-form-urlencoded"})
        assert status == 403 and "_xsrf" in text, path
    assert "A title" in ann.get("/")


def test_what_needs_a_login(blog):
    blog.client("ann").write()
    stranger = blog.client()
    for path in ("/posts", "/posts/new", "/posts/1/edit", "/images", "/admin"):
        status, headers, _ = stranger.ask("GET", path)
        assert (status, headers["Location"]) == (302, "/login?next=" + urllib.parse.quote(path, "")), path
    for path in CHANGES[3:]:
        assert stranger.post(path, title="x", text="x", action="publish")[0] == 403, path


def test_others_posts_and_comments_are_not_for_me(blog):
    ann, bob, eve = blog.client("ann"), blog.client("bob"), blog.client("eve")
    path = bob.write("Bob's")
    bob.post(path + "/comments", text="mine")
    for refused in (eve.ask("GET", path + "/edit"), eve.post(path, title="x", text="x", action="publish"),
                    eve.post(path + "/delete"), eve.post("/comments/1/delete"), eve.ask("GET", "/admin"),
                    eve.post("/admin/accounts/bob", action="ban"), eve.post("/admin/accounts/eve", action="make-admin"),
                    ann.post("/admin/accounts/ANN", action="ban")):
        assert refused[0] == 403
    assert "Bob&#x27;s" in eve.get(path).replace("&#39;", "&#x27;") and "mine" in eve.get(path)
    assert ann.post(path, title="By the admin", text="x", action="publish")[0] == 303
    assert "By the admin" in eve.get(path) and "by bob" in eve.get(path)


def test_drafts_are_invisible(blog):
    blog.client("ann")
    bob, eve = blog.client("bob"), blog.client("eve")
    path = bob.write("Secret plans", "herons", "draft")
    assert "Secret plans" in bob.get(path) and "Secret plans" in bob.get("/posts")
    for client in (eve, blog.client()):
        assert client.ask("GET", path)[0] == 404
        for page in ("/", "/feed.xml", "/search?q=herons"):
            assert "Secret" not in client.get(page)
    assert eve.ask("GET", path + "/edit")[0] == 404
    assert eve.post(path, title="x", text="x", action="publish")[0] == 404
    assert eve.post(path + "/comments", text="x")[0] == 404
    assert bob.post(path, title="Secret plans", text="herons", action="publish")[0] == 303
    assert "Secret plans" in eve.get("/search?q=herons")
    assert bob.post(path, title="Secret plans", text="herons", action="draft")[0] == 303  # and back
    assert eve.ask("GET", path)[0] == 404


EVIL = """<script>alert(1)</script> <img src=x onerror=alert(1)>

[one](javascript:alert(1)) [two](JavaScript&colon;alert(1)) [three](&#106;avascript:alert(1)) [four](<java	script:alert(1)>)
[five](data:text/html,x) [six](vbscript:x) ![seven](javascript:alert(1)) <javascript:alert(1)>

[eight](/posts) [nine](mailto:a@example.org) [ten](HTTPS://example.org/?a=1&b="2") [eleven](a:b)
"""


def test_nothing_that_is_written_runs(blog):
    ann = blog.client("ann")
    path = ann.write("<script>alert(2)</script>", EVIL)
    ann.post(path + "/comments", text="<script>alert(3)</script>\"'")
    for place in ("/", path, "/posts", "/admin", "/search?q=" + urllib.parse.quote("<script>alert"), path + "/edit"):
        page = ann.get(place)
        assert "<script" not in page and not re.search(r"<[^>]*\sonerror", page), place
    links = [html.unescape(link) for link in re.findall(r'(?:href|src)="([^"]*)"', ann.get(path))]
    assert not [link for link in links if re.match(r"(?i)[^/?#]*(script|data|a)\s*:", link)], links
    assert links.count("about:invalid#blocked") >= 7
    assert {"/posts", "mailto:a@example.org", "HTTPS://example.org/?a=1&b=%222%22"} <= set(links)


def image_of(client):
    return re.search(r"/uploads/[0-9a-f]{32}\.\w+", client.get("/images")).group()


@pytest.mark.parametrize("data, ending, kind", [
    (png(), "png", "image/png"), (b"\xff\xd8\xff\xe0....", "jpg", "image/jpeg"), (b"GIF89a...", "gif", "image/gif"),
    (b"RIFF\1\2\3\4WEBPVP8 ", "webp", "image/webp")], ids=["png", "jpeg", "gif", "webp"])
def test_images_are_served_as_images(blog, data, ending, kind):
    ann = blog.client("ann")
    assert ann.upload(data, "../../evil.html", "text/html")[0] == 303
    path = image_of(ann)
    assert path.endswith("." + ending)
    status, headers, _ = blog.client().ask("GET", path)
    assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (200, kind, "nosniff")
    assert "sandbox" in headers["Content-Security-Policy"] and int(headers["Content-Length"]) == len(data)
    kept = list((blog.folder / "images").iterdir())
    assert [file.name for file in kept] == [path.rpartition("/")[2]] and kept[0].read_bytes() == data


def test_what_is_no_image_is_refused(blog):
    ann = blog.client("ann")
    for data in (b"<!doctype html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG",
                 b"%PDF-1.4", b"x" * (2 << 20)):  # the last one comes by a file
        status, _, text = ann.upload(data)
        assert status == 422 and "That is no image" in text
    status, _, text = ann.upload(b"")
    assert status == 422 and "Choose an image" in text
    assert not list((blog.folder / "images").iterdir())


def test_the_largest_image(blog):
    ann = blog.client("ann")
    limit = 5 << 20
    assert ann.upload(png() + b"\0" * (limit - len(png())))[0] == 303
    status, _, text = ann.upload(png() + b"\0" * (limit + 1 - len(png())))
    assert status == 422 and "5 MiB" in text
    head = f"POST /images HTTP/1.1\r\nHost: a\r\nContent-Length: {limit + (1 << 20)}\r\n\r\n"
    assert program.talk(blog.port, head.encode()).startswith(b"HTTP/1.1 413 ")
    assert [file.stat().st_size for file in (blog.folder / "images").iterdir()] == [limit]


def test_no_path_leads_out(blog):
    for path in ("/uploads/../blog.db", "/uploads/..%2fblog.db", "/uploads/%2e%2e/blog.db", "/uploads/blog.db",
                 "/static/../store.c", "/static/%2e%2e/store.c", "/static/..%2fstore.c", "/uploads/", "/static/",
                 "/uploads/" + "0" * 32 + ".png"):
        status, _, text = blog.client().ask("GET", path)
        assert status in (403, 404) and "SQLite" not in text[:20], path


def test_wrong_passwords_are_counted(blog):
    blog.client("ann")
    blog.client("bob")
    client = blog.client()
    for _ in range(5):
        assert client.post("/login", name="ann", password="wrong password")[0] == 422
    assert client.post("/login", name="Ann", password=PASSWORD)[0] == 429
    status, headers, text = client.post("/login", name="ann", password=PASSWORD)
    assert (status, headers["Retry-After"]) == (429, "900") and "Too many attempts" in text
    assert client.post("/login", name="bob", password=PASSWORD)[0] == 303
    with blog.database() as database:
        database.execute("UPDATE attempts SET since = since - 1000")
    assert client.post("/login", name="ann", password=PASSWORD)[0] == 303


def test_an_address_with_too_many_attempts(blog):
    blog.client("ann")
    with blog.database() as database:
        database.execute("INSERT INTO attempts VALUES ('127.0.0.1', 49, strftime('%s', 'now'))")
    client = blog.client()
    assert client.post("/login", name="ann", password=PASSWORD)[0] == 303
    assert client.post("/login", name="ann", password=PASSWORD)[0] == 429


def test_a_login_leads_to_no_other_site(blog):
    blog.client("ann")
    for place in ("https://example.org/", "//example.org", "/\\example.org"):
        status, headers, _ = blog.client().post("/login", name="ann", password=PASSWORD, next=place)
        assert (status, headers["Location"]) == (303, "/")


def test_a_login_changes_the_session(blog):
    ann = blog.client("ann")
    before = ann.cookies["session"]
    ann.post("/login", name="ann", password=PASSWORD)
    assert ann.cookies["session"] != before
    kept = ann.cookies["session"]
    ann.post("/logout")
    ann.cookies["session"] = kept
    assert ann.ask("GET", "/posts/new")[0] == 302


@pytest.mark.parametrize("fields, problem", [
    ({"name": "a"}, "A name has"), ({"name": "a" * 31}, "A name has"), ({"name": "ann b"}, "A name has"),
    ({"name": "<b>"}, "A name has"), ({"password": "1234567", "again": "1234567"}, "at least 8"),
    ({"password": "x" * 501, "again": "x" * 501}, "at most 500"), ({"again": "other one"}, "not the same"),
    ({"name": "ANN"}, "Somebody has this name")])
def test_accounts_that_are_refused(blog, fields, problem):
    blog.client("ann")
    status, _, text = blog.client().post("/register", **{"name": "bob", "password": PASSWORD, "again": PASSWORD, **fields})
    assert status == 422 and problem in text


def test_the_longest_and_shortest_that_is_taken(blog):
    for name, password in (("ab", "12345678"), ("a" * 30, "x" * 500)):
        client = blog.client()
        assert client.post("/register", name=name, password=password, again=password)[0] == 303
    assert client.write("x" * 200, "y" * (64 << 10))
    for fields, problem in (({"title": "x" * 201}, "1 to 200"), ({"title": ""}, "1 to 200"), ({"text": " \n"}, "empty"),
                            ({"text": "y" * ((64 << 10) + 1)}, "too long")):
        status, _, text = client.post("/posts", **{"title": "x", "text": "x", "action": "publish", **fields})
        assert status == 422 and problem in text
    for text, message in (("x" * 4000, "Your comment is there"), ("x" * 4001, "1 to 4000"), (" ", "1 to 4000")):
        assert client.post("/posts/1/comments", text=text)[0] == 303
        assert message in client.get("/posts/1")
    assert client.get("/posts/1").count('class="comment"') == 1


def test_the_feed_is_atom(blog):
    ann = blog.client("ann")
    assert "1970-01-01T00:00:00Z" in ann.get("/feed.xml")
    ann.write("On <herons> & \"more\"", "**bold** & <b>")
    status, headers, text = blog.client().ask("GET", "/feed.xml")
    assert headers["Content-Type"] == "application/atom+xml; charset=UTF-8"
    atom = "{http://www.w3.org/2005/Atom}"
    entry = xml.etree.ElementTree.fromstring(text).find(atom + "entry")
    assert entry.findtext(atom + "title") == "On <herons> & \"more\""
    assert entry.findtext(atom + "content") == "<p><strong>bold</strong> &amp; &lt;b&gt;</p>\n"
    assert entry.find(atom + "link").get("href") == blog.url("/posts/1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry.findtext(atom + "published"))


def test_a_site_that_is_known(start, blog):
    known = start("blog", f"--db={blog.folder}/blog.db", f"--uploads={blog.folder}/images", "--site=https://example.org")
    known.marked = {}  # as the blog's own
    ann = Client(known.port)
    status, headers, _ = ann.post("/register", name="ann", password=PASSWORD, again=PASSWORD)
    session = [cookie for cookie in headers.get_all("Set-Cookie") if cookie.startswith("session=")]
    assert session and all("; Secure" in cookie and "HttpOnly" in cookie for cookie in session)
    assert '<link href="https://example.org/"/>' in ann.get("/feed.xml")
    _, headers, _ = blog.client().post("/register", name="bob", password=PASSWORD, again=PASSWORD)
    assert "Secure" not in "".join(headers.get_all("Set-Cookie"))


def test_a_search_is_words_and_nothing_else(blog):
    ann = blog.client("ann")
    ann.write("Quoted", 'say "hello" NOT OR near(x) title: * ^ -')
    for words in ('"', '""', '"hello', "*", "-", "^x", "title:", "NOT", "a OR", "NEAR(", "(", "{a b}:", "'", "%", "x" * 300,
                  "\x00", "\xff"):
        assert ann.ask("GET", "/search?q=" + urllib.parse.quote(words))[0] in (200, 400), words
    assert "Quoted" in ann.get("/search?q=HEL") and "Quoted" in ann.get("/search?q=%22hello%22+near")
    assert "Quoted" not in ann.get("/search?q=hello+absent")
    ann.post("/posts/1", title="Changed", text="goodbye", action="publish")
    assert "Changed" not in ann.get("/search?q=hello") and "Changed" in ann.get("/search?q=goodbye")


def test_pages_that_are_none(blog):
    for page in ("0", "-1", "x", "1x", "99999999999999999999"):
        assert blog.client().ask("GET", f"/?page={page}")[0] == 404
    assert blog.client().ask("GET", "/posts/99999999999999999999")[0] == 404
    assert blog.client().ask("GET", "/?page=7")[0] == 200


def test_reading_goes_on_while_a_writer_waits_for_the_database(blog):
    """The statement of the writer waits on a thread for as long as somebody else holds the database."""
    ann, reader = blog.client("ann"), blog.client()
    path = ann.write()
    answers = []
    with blog.database() as database:
        database.execute("BEGIN IMMEDIATE")
        writer = threading.Thread(target=lambda: answers.append(ann.post(path + "/comments", text="late")[0]))
        writer.start()
        for _ in range(20):
            assert "A title" in reader.get("/")
        assert not answers
        database.execute("COMMIT")
    writer.join(program.PATIENCE)
    assert answers == [303] and "late" in reader.get(path)


def test_everything_is_kept(blog, start):
    ann = blog.client("ann")
    path = ann.write()
    ann.upload(png())
    image = image_of(ann)
    blog.program.marked = {}
    assert blog.program.stop() == []
    again = start("blog", f"--db={blog.folder}/blog.db", f"--uploads={blog.folder}/images")
    ann.port = again.port
    assert "A title" in ann.get(path) and ann.ask("GET", image)[0] == 200
    assert ann.ask("GET", "/posts/new")[0] == 200  # the session too
    again.marked = {}


def test_several_processes_serve_one_file(blog, start):
    several = start("blog", f"--db={blog.folder}/blog.db", f"--uploads={blog.folder}/images", "--processes=2")
    several.marked = {}  # as the blog's own
    clients = [Blog(several, blog.folder).client(f"user{i}") for i in range(4)]
    threads = [threading.Thread(target=client.write, args=(f"Post {i}", "x")) for i, client in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(program.PATIENCE)
    for _ in range(4):
        page = clients[0].get("/")
        assert all(f"Post {i}" in page for i in range(4))
    with blog.database() as database:
        assert database.execute("SELECT count(*) FROM accounts WHERE role = 'admin'").fetchone() == (1,)


def test_a_database_that_cannot_be_opened(start, build, tmp_path):
    done = subprocess.run([build / "examples/blog", "--port=0", f"--db={tmp_path}/no/such/folder.db",
                           f"--uploads={tmp_path}/images"], capture_output=True, text=True, timeout=program.PATIENCE)
    assert done.returncode == 1 and "folder.db: unable to open database file" in done.stdout + done.stderr


def test_the_parts_below_the_pages(build):
    done = subprocess.run([build / "examples/blog_tests"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr

"""greenblog: an application over plain blocking database code, on each of its databases."""
import concurrent.futures
import contextlib
import html
import html.parser
import http.client
import os
import re
import subprocess
import urllib.parse

import pytest

import program


class Blog:
    """A running greenblog, and what a browser would do with it."""

    def __init__(self, started, sql=None):
        self.program = started
        self.port = started.port
        self.sql = sql  # runs a statement behind its back

    def ask(self, method, path, form=None):
        """-> (status, page, Location)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=program.PATIENCE)
        try:
            body = urllib.parse.urlencode(form) if form is not None else None
            connection.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.getheader("Location")
        finally:
            connection.close()

    def get(self, path):
        status, page, _ = self.ask("GET", path)
        assert status == 200, page
        return page

    def post(self, path, **form):
        """Sends a form that is accepted. -> the path that it leads to"""
        status, page, location = self.ask("POST", path, form)
        assert status == 303, page
        return location

    def new_post(self, title="A title", text="Some text"):
        """-> its path"""
        return self.post("/posts", title=title, text=text)


# What one connection may hold: SQLite has a file, its log and its index open.
DESCRIPTORS = {"sqlite": 3, "postgresql": 1, "mariadb": 1}


def held(pid):
    """-> how many descriptors it holds, without those of the code that backtraces were looked up in."""
    names = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            names.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return sum(1 for name in names if ".so" not in name and not name.endswith("/greenblog"))


@pytest.fixture(params=list(DESCRIPTORS))
def open_blog(request, start, tmp_path):
    """open_blog(connections=2) starts it on an empty database. It must not hold more descriptors than its connections
    need in the end."""
    if request.param == "sqlite":
        place, sql = tmp_path / "blog.db", lambda text: sqlite(tmp_path / "blog.db", text)
    else:
        server = request.getfixturevalue(request.param)
        server.sql("drop table if exists comments, posts")
        place, sql = server.url, server.sql
    opened = []

    def open_one(connections=8, wait=10):
        started = start("greenblog", f"--db={place}", f"--connections={connections}", f"--wait={wait}")
        opened.append((started, held(started.pid) + connections * DESCRIPTORS[request.param]))
        return Blog(started, sql)

    yield open_one
    for started, most in opened:
        assert program.wait_until(lambda: held(started.pid) <= most, 5)
        started.mark_descriptors()


def sqlite(path, text):
    import sqlite3
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        return connection.execute(text).fetchall()


@pytest.fixture
def blog(open_blog):
    return open_blog()


class Controls(html.parser.HTMLParser):
    """What a browser would send of a page's one form."""

    def __init__(self, page):
        super().__init__()
        self.fields, self.area = {}, None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.action = attributes["action"]
        if tag == "input":
            self.fields[attributes["name"]] = attributes["value"]
        if tag == "textarea":
            self.area = attributes["name"]
            self.fields[self.area] = ""

    def handle_endtag(self, tag):
        if tag == "textarea":
            self.fields[self.area] = self.fields[self.area].removeprefix("\n")
            self.area = None

    def handle_data(self, data):
        if self.area:
            self.fields[self.area] += data


# ---- what readers and writers do ----

def test_an_empty_blog(blog):
    assert "Nothing here yet" in blog.get("/")


def test_a_post_is_written_and_read(blog):
    form = Controls(blog.get("/posts/new"))
    assert form.action == "/posts" and form.fields == {"title": "", "text": ""}
    path = blog.new_post("Über Böen", "Erste Zeile\nzweite ☂ Zeile")
    page = blog.get(path)
    assert "<h1>Über Böen</h1>" in page and "<pre>Erste Zeile\nzweite ☂ Zeile</pre>" in page
    assert "0 comments" in page
    assert f'<a href="{path}">Über Böen</a>' in blog.get("/")


def test_the_newest_post_is_first(blog):
    for title in ("one", "two", "three"):
        blog.new_post(title)
    assert re.findall(r"<h2><a [^>]*>(.*?)</a>", blog.get("/")) == ["three", "two", "one"]


def test_comments_stand_below_their_post(blog):
    path, other = blog.new_post("one"), blog.new_post("two")
    form = Controls(blog.get(path + "/comments/new"))
    assert form.action == path + "/comments" and form.fields == {"author": "", "text": ""}
    for text in ("first", "second"):
        assert blog.post(form.action, author="Ada", text=text) == path
    assert re.findall(r"<h3>Ada</h3>.*?<pre>(.*?)</pre>", blog.get(path)) == ["first", "second"]
    assert "2 comments" in blog.get(path) and "0 comments" in blog.get(other)


EVIL = "<script>alert('1')</script> & \"quoted\" %s %d '); drop table posts; --"


def test_text_cannot_become_markup_or_sql(blog):
    path = blog.new_post(EVIL, EVIL)
    blog.post(path + "/comments", author=EVIL[:50], text=EVIL)
    for page in map(blog.get, ("/", path, path + "/comments/new", "/admin/posts", "/admin/comments",
                               path.replace("/posts", "/admin/posts"))):
        assert "<script>" not in page
        assert html.escape(EVIL[:50]).replace("&#x27;", "&#39;") in page
    assert Controls(blog.get(path.replace("/posts", "/admin/posts"))).fields["text"] == EVIL


@pytest.mark.parametrize("title, text, problem", [
    ("", "text", "must not be empty"),
    (" \t", "text", "must not be empty"),
    ("title", "", "must not be empty"),
    ("x" * 101, "text", "must not be longer than 100 characters"),
    ("title", "x" * 10001, "must not be longer than 10000 characters"),
], ids=["no-title", "blank-title", "no-text", "long-title", "long-text"])
def test_what_is_not_valid_comes_back_with_the_reason(blog, title, text, problem):
    status, page, _ = blog.ask("POST", "/posts", {"title": title, "text": text})
    assert status == 422
    assert page.count(problem) == 1
    assert Controls(page).fields == {"title": title.strip(), "text": text}
    assert "Nothing here yet" in blog.get("/")


def test_lengths_at_the_limit_are_kept_whole(blog):
    title, text = "ü" * 100, "☂" * 10000
    page = blog.get(blog.new_post(title, text))
    assert title in page and text in page


def test_a_field_that_is_missing_is_refused(blog):
    status, page, _ = blog.ask("POST", "/posts", {"title": "alone"})
    assert status == 400, page


@pytest.mark.parametrize("path", ["/posts/999999", "/posts/999999/comments/new", "/posts/99999999999999999999999",
                                  "/admin/posts/999999", "/admin/sqlite_master", "/admin/nothing/new"])
def test_what_is_not_there_is_not_found(blog, path):
    assert blog.ask("GET", path)[0] == 404


def test_a_comment_on_a_post_that_is_gone_is_not_found(blog):
    assert blog.ask("POST", "/posts/999999/comments", {"author": "a", "text": "b"})[0] == 404


# ---- what the administrator does ----

def test_the_admin_page_leads_to_every_table(blog):
    assert re.findall(r'href="(/admin/\w+)"', blog.get("/admin/")) == ["/admin/posts", "/admin/comments"]
    assert Controls(blog.get("/admin/comments/new")).fields.keys() == {"post_id", "author", "text", "created"}


def test_the_administrator_adds_edits_and_deletes(blog):
    path = blog.new_post("before")
    number = path.rpartition("/")[2]
    assert blog.post("/admin/comments", post_id=number, author="me", text="added", created=86400) == "/admin/comments"
    assert "1970-01-02" in blog.get(path)

    edit = re.search(r'href="(/admin/comments/\d+)"', blog.get("/admin/comments")).group(1)
    form = Controls(blog.get(edit))
    assert form.fields == {"post_id": number, "author": "me", "text": "added", "created": "86400"}
    form.fields["text"] = "edited,\n\ntwice"
    assert blog.post(form.action, **form.fields) == "/admin/comments"
    assert "<pre>edited,\n\ntwice</pre>" in blog.get(path)
    assert Controls(blog.get(edit)).fields == form.fields

    assert blog.post(edit + "/delete") == "/admin/comments"
    assert "0 comments" in blog.get(path)
    assert blog.ask("GET", edit)[0] == 404
    assert blog.ask("POST", edit, form.fields)[0] == 404
    assert blog.ask("POST", edit + "/delete", {})[0] == 404


def test_saving_what_is_unchanged_is_no_failure(blog):
    edit = blog.new_post("same").replace("/posts", "/admin/posts")
    form = Controls(blog.get(edit))
    for _ in range(2):
        assert blog.post(form.action, **form.fields) == "/admin/posts"


def test_a_post_takes_its_comments_with_it(blog):
    path = blog.new_post()
    blog.post(path + "/comments", author="a", text="going")
    blog.post(path.replace("/posts", "/admin/posts") + "/delete")
    assert blog.ask("GET", path)[0] == 404
    assert "going" not in blog.get("/admin/comments")


def test_an_edit_that_is_not_valid_comes_back(blog):
    edit = blog.new_post("before").replace("/posts", "/admin/posts")
    form = Controls(blog.get(edit)).fields
    status, page, _ = blog.ask("POST", edit, {**form, "title": ""})
    assert status == 422 and page.count("must not be empty") == 1
    assert blog.ask("POST", edit, {**form, "created": "yesterday"})[0] == 400
    assert Controls(blog.get(edit)).fields == form


# ---- many at once, and what goes wrong ----

def test_20_clients_write_at_once(open_blog):
    blog = open_blog(connections=8)

    def write(client):
        path = blog.new_post(f"post of {client}", f"text of {client}")
        for number in range(3):
            blog.post(path + "/comments", author=f"author {client}", text=f"comment {number}")
        return path

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        paths = list(pool.map(write, range(20)))
    assert len(set(paths)) == 20
    for client, path in enumerate(paths):
        page = blog.get(path)
        assert f"<h1>post of {client}</h1>" in page and f"<pre>text of {client}</pre>" in page
        assert re.findall(r"<pre>(comment \d)</pre>", page) == ["comment 0", "comment 1", "comment 2"]
        assert page.count(f"<h3>author {client}</h3>") == 3
    assert len(re.findall(r"<h2>", blog.get("/"))) == 20


def test_a_request_that_fails_midway_gives_its_connection_back(open_blog):
    blog = open_blog(connections=2)
    path = blog.new_post()
    for _ in range(50):
        assert blog.ask("GET", "/posts/999999")[0] == 404
        assert blog.ask("POST", "/posts", {"title": "text is missing"})[0] == 400
    assert "<h1>A title</h1>" in blog.get(path)


def test_a_query_that_fails_gives_the_connection_back_and_tells_the_client_nothing(open_blog):
    blog = open_blog(connections=2)
    path = blog.new_post()
    blog.sql("drop table comments")
    for _ in range(50):
        status, page, _ = blog.ask("GET", path)
        assert status == 502 and "comments" not in page
    blog.program.wait_for_line("comments")  # in the log
    assert "A title" in blog.get("/")


def test_failures_of_many_at_once_give_all_connections_back(open_blog):
    blog = open_blog(connections=2)
    path = blog.new_post()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: blog.ask("GET", "/posts/999999")[0], range(50)))
    assert statuses == [404] * 50
    assert "<h1>A title</h1>" in blog.get(path)


# ---- a database that lets us wait ----

@pytest.fixture
def locked(postgresql):
    """locked("posts"): a context in which another session holds the table."""
    @contextlib.contextmanager
    def lock(table):
        session = subprocess.Popen(["psql", "--no-psqlrc", "-qAt", "-d", postgresql.url], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            session.stdin.write(f"begin; lock table {table} in access exclusive mode; select 'held';\n")
            session.stdin.flush()
            assert session.stdout.readline() == "held\n"
            yield
        finally:
            session.stdin.close()
            session.stdout.close()
            session.wait()
    return lock


@pytest.mark.parametrize("open_blog", ["postgresql"], indirect=True)
def test_who_waits_for_the_database_keeps_nobody_else_waiting(open_blog, locked, postgresql):
    blog = open_blog(connections=2)
    path = blog.new_post()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with locked("comments"):
            waiting = pool.submit(blog.get, path)
            assert program.wait_until(lambda: "1" in postgresql.sql(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"))
            assert "A title" in blog.get("/")
            assert "Tables" in blog.get("/admin/")
            assert not waiting.done()
        assert "0 comments" in waiting.result()


@pytest.mark.parametrize("open_blog", ["postgresql"], indirect=True)
def test_who_finds_no_free_connection_is_refused_after_a_while(open_blog, locked):
    blog = open_blog(connections=1, wait=0.2)
    path = blog.new_post()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with locked("comments"):
            waiting = pool.submit(blog.get, path)
            assert program.wait_until(lambda: blog.ask("GET", "/")[0] == 503)
            assert not waiting.done()
        assert "0 comments" in waiting.result()
    assert "A title" in blog.get("/")


@pytest.mark.parametrize("open_blog, kill", [
    ("postgresql", "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() "
                   "and backend_type = 'client backend'"),
    ("mariadb", "kill user gust"),
], indirect=["open_blog"], ids=["postgresql", "mariadb"])
def test_a_connection_that_the_server_dropped_is_replaced(open_blog, kill):
    blog = open_blog(connections=1)
    path = blog.new_post()
    with contextlib.suppress(OSError):  # MariaDB's client kills itself too
        blog.sql(kill)
    assert blog.ask("GET", path)[0] == 502
    assert "<h1>A title</h1>" in blog.get(path)


def test_without_db_the_file_goes_with_the_program(start):
    blog = Blog(start("greenblog"))
    blog.new_post()
    opened = {os.readlink(f"/proc/{blog.program.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{blog.program.pid}/fd")}
    file = next(name for name in opened if name.endswith("/blog.db"))
    assert os.path.exists(file)
    blog.program.mark_descriptors()  # it keeps the file open
    blog.program.stop()
    assert not os.path.exists(os.path.dirname(file))


@pytest.mark.parametrize("place", ["/no/such/folder/blog.db", "postgresql://127.0.0.1:1/x", "mysql://no",
                                   "mysql://a:b@127.0.0.1:1/x"])
def test_a_database_that_cannot_be_opened_is_said_at_the_start(build, place):
    done = subprocess.run([build / "examples/greenblog", "--port=0", f"--db={place}"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "database" in done.stderr, done.stderr

"""What the log promises from outside: JSON, ids of requests, files, rotation, and their renaming."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading

import pytest

import program

SOURCE = pathlib.Path(__file__).parent / "programs/logging.c"


def get(port, target=b"/", headers=b""):
    return program.talk(port, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + headers + b"\r\n")


def json_lines(path):
    text = path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def messages(path):
    return [line.get("message") for line in json_lines(path)]


@pytest.fixture(scope="module")
def logging(build, tmp_path_factory):
    """tests/programs/logging.c, compiled."""
    return program.compile_statically(build, SOURCE, tmp_path_factory.mktemp("logging") / "logging")


@pytest.mark.parametrize("arguments, complaint", [
    (["--log-format=xml"], "--log-format=xml: expected text or json"),
    (["--log-rotate=noon"], "--log-rotate=noon: expected midnight or a time"),
    (["--log-rotate=999ms"], "--log-rotate=999ms: expected midnight or a time"),
    (["--log-keep=0"], "--log-keep=0: expected a whole number, 1 to 10000"),
    (["--log-keep=10001"], "--log-keep=10001: expected a whole number, 1 to 10000"),
    (["--log-file=/no/such/file"], "--log-file=/no/such/file: No such file or directory"),
    (["--access-log=/no/such/file"], "--access-log=/no/such/file: No such file or directory"),
    (["--log-level=info,gust=loud"], "--log-level=info,gust=loud: expected debug, info, warning or error"),
])
def test_a_bad_option_is_answered_in_one_line(build, arguments, complaint):
    done = subprocess.run([build / "examples/hello", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == ""
    assert complaint in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.plain  # linked by hand, without sanitizers
def test_json_lines_parse_whatever_is_logged(start, logging, tmp_path):
    log = tmp_path / "log"
    server = start(logging, f"--log-file={log}", "--log-format=json", "--access-log=on")
    nasty = [b"plain", b"%22%5c%00%01%0a%0d%09%1b[2J%7f", b"%ff%fe%c0%80%ed%a0%80%e2%82", b"%f0%9f%98%80%c3%bc%c2%85",
             b"%7b%22time%22:1%7d%0a%7b%22forged%22:true%7d"]
    for text in nasty:
        get(server.port, b"/say/" + text)
    get(server.port, b"/nowhere/\"|\\x?<>\"")
    assert program.wait_until(lambda: log.read_text().count("\n") >= 2 * len(nasty) + 1)
    lines = json_lines(log)
    assert not any("forged" in line for line in lines)
    said = [line["message"] for line in lines if line["name"] == "app"]
    assert said == ["started", "plain", '"\\\ufffd\x01\n\r\t\x1b[2J\x7f', "\ufffd" * 9, "\U0001f600\xfc\x85",
                    '{"time":1}\n{"forged":true}']
    answers = [line for line in lines if line["name"] == "access"]
    assert [line["status"] for line in answers] == [200] * len(nasty) + [404]
    assert answers[-1]["path"].startswith('/nowhere/"|\\x') and answers[-1]["query"].endswith('"')


def test_an_access_line_has_what_people_count(start, tmp_path):
    log = tmp_path / "access"
    hello = start("hello", f"--access-log={log}", "--log-format=json")
    get(hello.port, b"/hello/x?y=1")
    assert program.wait_until(lambda: log.read_text().endswith("\n"))
    line, = json_lines(log)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("time"))
    assert re.fullmatch(r"[0-9a-v]{8}-1", line.pop("request"))
    assert line.pop("ms") >= 0 and line.pop("bytes") > 0
    assert line == {"level": "info", "name": "access", "method": "GET", "path": "/hello/x", "query": "y=1",
                    "status": 200, "remote_ip": "127.0.0.1"}


def test_an_error_has_its_backtrace_and_request(start, tmp_path):
    log = tmp_path / "log"
    echo = start("echo", f"--log-file={log}", "--log-format=json")
    get(echo.port, b"/fail?code=500")
    assert program.wait_until(lambda: log.read_text().endswith("\n"))
    line = json_lines(log)[0]
    assert line["level"] == "error" and line["name"] == "app" and "-1" in line["request"]
    assert "failed on request" in line["message"] and "\n" not in line["message"]
    assert any("echo.c" in frame for frame in line["backtrace"])
    echo.mark_descriptors()  # libdw has opened the program's file


@pytest.mark.plain  # linked by hand, without sanitizers
def test_each_line_of_a_request_has_its_id(start, logging, tmp_path):
    """In the handler, far below it, in a child and a child's child; not outside; another for each request."""
    log = tmp_path / "log"
    server = start(logging, f"--log-file={log}", "--log-format=json", "--access-log=on")
    answers = [get(server.port, b"/deep").rpartition(b"\r\n\r\n")[2].decode() for _ in range(2)]
    assert program.wait_until(lambda: log.read_text().count('"access"') == 2)
    lines = json_lines(log)
    for answer in answers:
        assert [line.get("message") for line in lines if line.get("request") == answer] == \
            ["handler", "below", "child", "grandchild", None]
    assert len(set(answers)) == 2 and "request" not in next(line for line in lines if line["message"] == "started")


@pytest.mark.plain  # linked by hand, without sanitizers
def test_the_id_is_in_text_lines_too(start, logging, tmp_path):
    log = tmp_path / "log"
    server = start(logging, f"--log-file={log}", "--access-log=on")
    id = get(server.port, b"/deep").rpartition(b"\r\n\r\n")[2].decode()
    assert program.wait_until(lambda: "access" in log.read_text())
    assert re.search(rf"^\[I \d{{6}} \d\d:\d\d:\d\d logging:\d+ {id}\] grandchild$", log.read_text(), re.MULTILINE)
    assert re.search(rf"^\[I .* access {id}\] 200 GET /deep ", log.read_text(), re.MULTILINE)


@pytest.mark.parametrize("given, trusted, taken", [
    (b"abc.D-9_", True, True), (b"abc", False, False), (b"", True, False), (b"a b", True, False),
    (b"a\"b", True, False), (b"x" * 63, True, True), (b"x" * 64, True, True), (b"x" * 65, True, False),
])
@pytest.mark.plain  # linked by hand, without sanitizers
def test_a_proxys_id_is_taken_where_it_is_trusted(start, logging, given, trusted, taken):
    server = start(logging, *["--trust-request-id"][:trusted])
    id = get(server.port, b"/deep", b"X-Request-Id: " + given + b"\r\n").rpartition(b"\r\n\r\n")[2]
    assert (id == given) == taken
    assert taken or re.fullmatch(rb"[0-9a-v]{8}-1", id)


@pytest.mark.plain  # linked by hand, without sanitizers
def test_levels_for_names(start, logging, tmp_path):
    log = tmp_path / "log"
    server = start(logging, f"--log-file={log}", "--log-format=json", "--access-log=on",
                   "--log-level=warning,access=error,db=debug")
    get(server.port, b"/deep")
    get(server.port, b"/levels")
    assert program.wait_until(lambda: "db warning" in log.read_text())
    assert [(line["name"], line["message"]) for line in json_lines(log)] == \
        [("db", "db debug"), ("app", "app warning"), ("db", "db warning")]


@pytest.mark.plain  # linked by hand, without sanitizers
def test_processes_that_rotate_one_file_lose_no_line(start, logging, tmp_path):
    """Four processes, each file far smaller than what they write at once."""
    log = tmp_path / "log"
    server = start(logging, f"--log-file={log}", "--processes=4", "--log-max-size=16K", "--log-keep=1000")
    clients = [threading.Thread(target=get, args=(server.port, b"/many?from=%d" % (i * 1000))) for i in range(12)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    files = list(tmp_path.iterdir())
    numbers = sorted(int(number) for file in files for number in re.findall(r"\] number (\d+)$", file.read_text(), re.M))
    assert numbers == sorted(i * 1000 + j for i in range(12) for j in range(500))
    assert len(files) > 10


def test_a_renamed_log_is_begun_anew_at_sighup(start, tmp_path):
    """logrotate's way: mv, then SIGHUP, which is a new process (nothing else has to reopen anything)."""
    log, access = tmp_path / "log", tmp_path / "access"
    hello = start("hello", f"--log-file={log}", f"--access-log={access}")
    get(hello.port, b"/hello/before")
    assert program.wait_until(lambda: "before" in access.read_text())
    for path in (log, access):
        path.rename(path.with_suffix(".old"))
    os.kill(hello.pid, signal.SIGHUP)
    assert hello.process.wait(program.PATIENCE) == 0
    get(hello.port, b"/hello/after")
    assert program.wait_until(lambda: access.exists() and "/hello/after" in access.read_text())
    assert "/hello/before" in access.with_suffix(".old").read_text() and "before" not in access.read_text()
    heir, = program.members(hello.pid)
    os.kill(heir, signal.SIGTERM)
    assert program.wait_until(lambda: not program.members(hello.pid))
    hello.stopped = True
    assert "terminated" in log.read_text()


def test_a_truncated_log_is_written_on_from_its_start(start, tmp_path):
    """logrotate's copytruncate."""
    access = tmp_path / "access"
    hello = start("hello", f"--access-log={access}")
    get(hello.port, b"/hello/before")
    assert program.wait_until(lambda: "before" in access.read_text())
    os.truncate(access, 0)
    get(hello.port, b"/hello/after")
    assert program.wait_until(lambda: "after" in access.read_text())
    assert access.read_bytes().startswith(b"[I ")

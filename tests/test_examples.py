"""sync_stack, futures and the demo, from outside."""
import concurrent.futures
import contextlib
import http.client
import json
import socket
import subprocess
import time

import program


def get(port, path):
    """-> (status, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


STACK = b"answer to stuff for / <- func10" + b"".join(b" <- func%d" % i for i in range(9, 0, -1)) + b"\n"


def test_the_stack_runs_unchanged_in_both_programs(start):
    assert get(start("sync_stack_threads").port, "/") == (200, STACK)
    assert get(start("sync_stack").port, "/") == (200, STACK)


def section(path, name):
    done = subprocess.run(["readelf", "--wide", "--symbols", path], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.endswith(" " + name)]


def test_the_object_file_in_the_middle_is_one_and_the_same(build):
    """Both link lines name the same object file, and its functions are in both programs."""
    objects = list(build.glob("CMakeFiles/**/sync-stack-middle.dir/stack.c.o"))
    assert len(objects) == 1
    links = [path.read_text() for path in build.glob("CMakeFiles/example-sync_stack*.dir/link.txt")]
    if links:  # what the Makefile generator leaves
        assert len(links) == 2 and all("sync-stack-middle.dir/stack.c.o" in link for link in links)
    for name in ("sync_stack", "sync_stack_threads"):
        assert section(build / "examples" / name, "handle_request")


def test_200_requests_wait_at_the_same_time(start):
    """One after the other they would take 200 times as long as one; bench/run has the exact bar (5 times)."""
    server = start("sync_stack")
    began = time.monotonic()
    assert get(server.port, "/") == (200, STACK)
    one = time.monotonic() - began
    connections = [program.connect(server.port) for _ in range(200)]
    try:
        began = time.monotonic()
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        for connection in connections:
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            assert answer.endswith(b"\r\n\r\n" + STACK)
        assert time.monotonic() - began < 50 * one
    finally:
        for connection in connections:
            connection.close()


def test_a_future_set_by_a_thread(start):
    futures = start("futures", "--seconds", "0.2")
    assert json.loads(get(futures.port, "/7")[1]) == {"pk": 7, "data": "Data from No.7's"}
    futures.wait_for_line("long task done in 0.2 sec")


def test_futures_wait_side_by_side(start):
    futures = start("futures", "--seconds", "0.1")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda pk: json.loads(get(futures.port, f"/{pk}")[1]), range(20)))
    assert answers == [{"pk": pk, "data": f"Data from No.{pk}'s"} for pk in range(20)]


def test_the_demo_shows_what_runs_and_its_links_work(start):
    import re
    demo = start("demo")
    get(demo.port, "/both")
    demo.mark_descriptors()  # the client keeps its two connections for the next time
    status, page = get(demo.port, "/")
    assert status == 200 and b"gust is running" in page
    links = set(re.findall(rb'href="(/[^"]*)"', page))
    assert {b"/hello/you", b"/fail", b"/status"} <= links
    assert get(demo.port, "/blog")[0] == 404 and b"make demo starts both" in get(demo.port, "/blog")[1]
    for link in links - {b"/fail", b"/blog", b"/stream?n=10", b"/sleep?ms=2000"}:
        assert get(demo.port, link.decode())[0] == 200, link
    status, text = get(demo.port, "/fail")
    assert status == 418 and b"three calls below the handler, and still an answer" in text
    assert get(demo.port, "/stream?n=2") == (200, b"line 1 of 2\nline 2 of 2\n")
    told = json.loads(get(demo.port, "/status")[1])
    assert told["pid"] == demo.pid and told["requests"] >= len(links) - 2


def two_ports():
    """-> a number of which it and the next one are free now."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError, OverflowError):
                other.bind(("127.0.0.1", one.getsockname()[1] + 1))
                return one.getsockname()[1]


def test_make_demo_runs_the_demo_and_the_blog(root, build, tmp_path):
    port = two_ports()
    demo = program.Program([root / "tools/demo", port, tmp_path], {"GUST_BUILD": str(build)}, announces=False)
    try:
        demo.wait_for_line(rf"listening on \S*:{port}\b")
        demo.wait_for_line(rf"listening on \S*:{port + 1}\b")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=program.PATIENCE)
        connection.request("GET", "/blog")
        answer = connection.getresponse()
        connection.close()
        assert (answer.status, answer.headers["Location"]) == (302, f"http://127.0.0.1:{port + 1}/")
        status, page = get(port + 1, "/")
        assert status == 200 and b"The gust blog" in page
    finally:
        demo.marked = {}  # what was opened for the first page
        assert demo.stop() == [], demo.output()
    assert (tmp_path / "blog.db").exists()


def test_the_guest_books_own_tests(build):
    def run(*arguments):
        return subprocess.run([build / "examples/tested_tests", *arguments], capture_output=True, text=True, timeout=120)

    done = run()
    assert done.returncode == 0 and done.stdout.endswith("4 passed, 0 failed\n"), done.stdout
    assert done.stdout.startswith("ok 1 - an_empty_book\n") and "\n1..4\n" in done.stdout
    names = run("--list").stdout.split()
    assert names[0] == "an_empty_book" and len(names) == 4
    assert run(names[2]).stdout == f"ok 1 - {names[2]}\n1..1\n1 passed, 0 failed\n"
    for wrong in ("nothing", "--nothing"):
        done = run(wrong)
        assert done.returncode == 2 and wrong in done.stderr and done.stderr.count("\n") == 1


def test_the_guest_book(start):
    assert get(start("tested").port, "/") == (200, b"")

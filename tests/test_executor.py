"""The executor example, and what gust_main does with calls on threads at its end."""
import concurrent.futures
import http.client
import json
import re
import select
import signal
import subprocess

import pytest

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


def figures(server):
    return json.loads(get(server.port, "/")[1])


def test_side_by_side_on_the_pool_one_by_one_on_the_loop(build, start):
    server = start("executor", "--seconds", "0.1")
    done = subprocess.run([build / "examples/executor_client", f"--port={server.port}", "--count=20"],
                          capture_output=True, text=True, timeout=60)
    took = {path: float(seconds) for path, seconds in re.findall(r"^(/\w+): 20 requests in ([\d.]+) s$", done.stdout, re.M)}
    assert done.returncode == 0 and set(took) == {"/loop", "/pool"}, done
    assert took["/loop"] > 3 * took["/pool"]
    assert figures(server)["done"] == 20


def test_others_are_served_while_the_pool_works(start):
    server = start("executor", "--seconds", "1")
    with concurrent.futures.ThreadPoolExecutor(1) as client:
        asked = client.submit(get, server.port, "/pool")
        assert program.wait_until(lambda: figures(server)["running"] == 1)
        assert asked.result() == (200, b"slept on the pool\n")
    assert figures(server)["running"] == 0


def test_nobody_is_served_while_the_loop_works(start):
    server = start("executor", "--seconds", "0.2")
    with program.connect(server.port) as first, program.connect(server.port) as second:
        first.sendall(b"GET /loop HTTP/1.1\r\nHost: a\r\n\r\n")
        second.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert second.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert select.select([first], [], [], 0)[0]  # its answer came before
        assert first.recv(65536).endswith(b"slept on the loop\n")


@pytest.mark.parametrize("count, refused", [(2, 0), (3, 0), (4, 1)])
def test_beyond_threads_and_queue_the_answer_is_503(start, count, refused):
    server = start("executor", "--seconds", "0.5", "--pool", "2", "--queue", "1")
    with concurrent.futures.ThreadPoolExecutor(count) as clients:
        answers = list(clients.map(lambda _: get(server.port, "/pool")[0], range(count)))
    assert sorted(answers) == [200] * (count - refused) + [503] * refused
    assert figures(server)["refused"] == refused
    if refused:
        server.wait_for_line('the pool "sleepers" is full: its limit is 2 calls that run and 1 that wait')
        server.wait_for_line(r"\n +at ")
        server.mark_descriptors()  # a backtrace keeps the debugging information open


def test_a_failure_on_a_thread_is_logged_with_its_text(start):
    server = start("executor")
    assert get(server.port, "/fail")[0] == 502
    server.wait_for_line("failed on a thread")
    server.wait_for_line(r"\n +at ")
    server.mark_descriptors()  # a backtrace keeps the debugging information open


def test_requests_on_the_pool_are_answered_before_it_ends(start):
    server = start("executor", "--seconds", "0.5")
    with concurrent.futures.ThreadPoolExecutor(1) as client:
        asked = client.submit(get, server.port, "/pool")
        assert program.wait_until(lambda: figures(server)["running"] == 1)
        assert server.stop() == []
        assert asked.result() == (200, b"slept on the pool\n")


@pytest.mark.parametrize("argument, complaint", [("--pool=10001", "10001 threads are too many, 10000 are the most"),
                                                 ("--queue=-2", ".max_queue = -2")])
def test_a_pool_that_cannot_be_is_said_at_the_start(build, argument, complaint):
    done = subprocess.run([build / "examples/executor", "--port=0", argument], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == "" and complaint in done.stderr


def test_the_client_says_what_went_wrong(build):
    client = build / "examples/executor_client"
    done = subprocess.run([client, "--port=1", "--count=1"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr == f"{client}: 127.0.0.1:1: Connection refused\n"
    assert subprocess.run([client, "--help"], capture_output=True, timeout=60).returncode == 0
    assert subprocess.run([client, "--lions"], capture_output=True, timeout=60).returncode == 2


# ---- calls that no request waits for ----

@pytest.fixture(scope="module")
def background(build, root, tmp_path_factory):
    """The program, built against the library under test."""
    return program.compile_statically(build, root / "tests/programs/background.c",
                                      tmp_path_factory.mktemp("background") / "background")


@pytest.mark.plain  # linked by hand, without sanitizers
def test_gust_main_lets_calls_on_threads_end_those_that_wait_too(start, background):
    server = start(background)
    assert get(server.port, "/100")[0] == 200
    assert server.stop() == []
    assert server.output().count("worked\n") == 100
    assert server.output().endswith("stopped\n")  # the stop function ran behind them, on the pool


@pytest.mark.plain
def test_when_the_time_to_drain_is_over_what_waits_is_cancelled(start, background):
    server = start(background, "--drain=100ms", "--seconds=1")
    assert get(server.port, "/100")[0] == 200
    assert server.stop() == []
    running = server.output().count("worked\n")
    assert 0 < running < 100
    found = re.search(r'the pool "gust" was not drained in time: (\d+) calls were cancelled, (\d+) still run', server.output())
    assert found and int(found[1]) + int(found[2]) == 100 and int(found[2]) == running, server.output()
    assert server.output().count("cancelled: the pool of threads was drained before the call began\n") == int(found[1])
    assert "stopped\n" in server.output()


@pytest.mark.plain
def test_a_second_signal_ends_it_with_calls_on_threads(start, background):
    server = start(background, "--seconds=20")
    assert get(server.port, "/3")[0] == 200
    server.process.send_signal(signal.SIGTERM)
    server.wait_for_line("terminated: finishing what runs")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(program.PATIENCE) == 128 + signal.SIGTERM
    server.stopped = True

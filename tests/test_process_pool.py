"""The process pool from outside: examples multi and errors, and what a serving process leaves when it dies."""
import http.client
import os
import pathlib
import re
import signal
import subprocess

import pytest

import program


def get(port, path):
    """-> (status, body as text)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def call(build, kind, port):
    """-> the lines that call_multi prints, in their order"""
    done = subprocess.run([build / "examples" / "call_multi", kind, f"--port={port}"], capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sorted(line for line in lines if line.startswith("fast ")) == sorted(f"fast {id}" for id in range(20))
    assert sorted(line.partition(":")[0] for line in lines if not line.startswith("fast ")) == \
        [f"{kind} {id}" for id in range(3)]
    return lines


def fast_before_slow(lines):
    """-> how many fast answers came before the first slow one"""
    return next(place for place, line in enumerate(lines) if line.startswith("slow"))


def test_fast_answers_come_first_when_workers_compute(start, build):
    multi = start("multi")
    call(build, "slow_threaded", multi.port)
    multi.mark_descriptors()  # the pool's thread and sockets are there from now on
    assert fast_before_slow(call(build, "slow_threaded", multi.port)) == 20


def test_fast_answers_wait_while_the_loop_computes(start, build):
    assert fast_before_slow(call(build, "slow", start("multi").port)) < 20


def test_both_compute_the_same(start):
    multi = start("multi", "--work", "1")
    assert get(multi.port, "/slow?id=1")[1].partition(": ")[2] == \
        get(multi.port, "/slow_threaded?id=1")[1].partition(": ")[2]
    multi.mark_descriptors()


def blocks(text):
    """-> [(first line, its indented lines)]"""
    return [(lines[0], lines[1:]) for lines in (block.splitlines() for block in re.split(r"\n(?! )", text) if block)]


@pytest.mark.plain  # a sanitizer speaks of the third worker's NULL itself
def test_errors_of_workers_come_with_their_traceback(start):
    errors = start("errors")
    status, text = get(errors.port, "/test")
    errors.mark_descriptors()
    assert status == 200
    done, thrown, _ = blocks(text)
    assert done == ("done", [])
    assert thrown[0] == "Caught an exception: not a number: 'seven'"
    assert re.fullmatch(r"  at parse \(.*/errors\.c:\d+\)", thrown[1][1])
    assert re.fullmatch(r"  at read_number \(.*/errors\.c:\d+\)", thrown[1][2])


@pytest.mark.plain
def test_a_worker_that_crashes_comes_with_its_traceback(start):
    errors = start("errors")
    for _ in range(3):
        _, _, crashed = blocks(get(errors.port, "/test")[1])
        assert crashed[0] == "Caught an exception: the worker was killed by SIGSEGV"
        assert re.fullmatch(r"  at dereference\S* \(.*/errors\.c:\d+\)", crashed[1][0])
        assert re.fullmatch(r"  at crash \(.*/errors\.c:\d+\)", crashed[1][1])
    errors.mark_descriptors()


def named(session, name):
    """-> the pids of a session's processes that have a name"""
    return [pid for pid in program.members(session) if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name]


def test_the_servers_death_ends_zygote_and_workers(build):
    server = program.Program([build / "examples" / "multi", "--port", "0", "--work", "1"])
    try:
        get(server.port, "/slow_threaded?id=1")
        assert len(named(server.pid, "multi-fork")) == 1
        assert program.wait_until(lambda: len(named(server.pid, "multi-work")) == 4)
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait(program.PATIENCE)
        assert program.wait_until(lambda: not program.members(server.pid))
    finally:
        server.stop()


def test_signals_for_the_server_leave_zygote_and_workers_alone(start):
    multi = start("multi", "--work", "1")
    get(multi.port, "/slow_threaded?id=1")
    program.wait_until(lambda: len(named(multi.pid, "multi-work")) == 4)
    before = named(multi.pid, "multi-fork") + sorted(named(multi.pid, "multi-work"))
    assert len(before) == 5
    for pid in before:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            os.kill(pid, number)
    assert get(multi.port, "/slow_threaded?id=2")[0] == 200
    assert before == named(multi.pid, "multi-fork") + sorted(named(multi.pid, "multi-work"))
    multi.mark_descriptors()


def test_no_worker_holds_the_listener(start):
    multi = start("multi", "--work", "1")
    get(multi.port, "/slow_threaded?id=1")
    multi.mark_descriptors()
    links = [os.readlink(fd) for pid in named(multi.pid, "multi-fork") + named(multi.pid, "multi-work")
             for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
    inode = [line.split()[9] for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
             if line.split()[1].endswith(f":{multi.port:04X}") and line.split()[3] == "0A"]
    assert len(inode) == 1 and f"socket:[{inode[0]}]" not in links

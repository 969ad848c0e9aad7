"""The watchdog names what holds the loop up; SIGUSR1 dumps all coroutines; gdb shows them in a core file."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

import program

pytestmark = pytest.mark.plain  # built here, by the plain compiler


@pytest.fixture(scope="module")
def watched(build, root, tmp_path_factory):
    """The program, built against the library under test."""
    return program.compile_statically(build, root / "tests/programs/watched.c",
                                      tmp_path_factory.mktemp("watched") / "watched", "-O1")


def get(server, path):
    answer = program.talk(server.port, f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return answer.rpartition(b"\r\n\r\n")[2].decode()


def forget_descriptors(server):
    server.mark_descriptors()  # symbols are read from the program's file, which stays open


def line_of(root, text):
    lines = (root / "tests/programs/watched.c").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_handler_that_spins_is_named_while_it_does(start, watched, root):
    server = start(watched, "--watchdog=100ms")
    program.wait_until(lambda: get(server, "/spin/300") and "at spin_here" in server.output())  # a busy machine may miss it
    report = server.wait_for_line(r"\[W .*\] /spin/.* holds the loop up, since (\d+) ms.*\n((?:      at .*\n)+)")
    assert int(report[1]) >= 100
    line = line_of(root, "the line that a report may name")
    assert re.search(rf"at spin_here \(\S*watched\.c:({line}|{line + 1})\)\n      at spin \(\S*watched\.c:", report[2]), report[2]
    server.wait_for_line("at spin_here")
    forget_descriptors(server)


def test_a_block_that_lasts_is_reported_again_after_twice_the_time(start, watched):
    server = start(watched, "--watchdog=50ms")
    get(server, "/spin/1500")
    program.wait_until(lambda: len(re.findall("holds the loop up", server.output())) >= 3)
    times = [int(time) for time in re.findall(r"since (\d+) ms", server.output())]
    assert 3 <= len(times) <= 6 and all(2 * one <= other for one, other in zip(times, times[1:])), times
    forget_descriptors(server)


@pytest.mark.parametrize("call", ["nanosleep", "poll"])
def test_a_call_that_a_signal_would_end_is_not_disturbed(start, watched, call):
    server = start(watched, "--watchdog=50ms")
    begin = time.monotonic()
    assert get(server, f"/{call}/600") == "0\n"
    assert time.monotonic() - begin >= 0.6
    report = server.wait_for_line(r"holds the loop up, since \d+ ms, perhaps here.*\n((?:      at .*\n)+)")
    assert "watched.c" in report[1]
    if call == "nanosleep":
        assert re.search(r"at sleep_here \(\S*watched\.c:", report[1])
    forget_descriptors(server)


def test_it_is_off_unless_asked_for(start, watched):
    server = start(watched)
    get(server, "/spin/300")
    assert "gust-watchdog" not in threads(server)
    assert "holds the loop up" not in server.output()


def test_it_is_on_in_development(start, watched):
    server = start(watched, environment={"GUST_ENV": "development"})
    assert "gust-watchdog" in threads(server)
    get(server, "/spin/300")
    server.wait_for_line("holds the loop up")
    server.wait_for_line("at spin_here")
    forget_descriptors(server)


def threads(server):
    names = []
    for task in os.listdir(f"/proc/{server.pid}/task"):
        with open(f"/proc/{server.pid}/task/{task}/comm") as file:
            names.append(file.read().strip())
    return names


def test_a_dump_of_ten_thousand_comes_out_whole_and_the_server_goes_on(start, watched, tmp_path):
    file = tmp_path / "dump"
    server = start(watched, f"--dump={file}", "--watchdog=0")
    get(server, "/park/10000")
    get(server, "/stats")  # which begins the longest lag anew
    os.kill(server.pid, signal.SIGUSR1)
    slowest, answered = 0, 0
    while not (file.exists() and "---- end of" in file.read_text()):
        begin = time.monotonic()
        get(server, "/stats")
        slowest, answered = max(slowest, time.monotonic() - begin), answered + 1
    text = file.read_text()
    assert answered > 0
    head = re.match(r"---- (\d+) coroutines of process (\d+), \d{6} \d\d:\d\d:\d\d ----\n", text)
    assert int(head[1]) >= 10001 and int(head[2]) == server.pid
    group = re.search(r"^10000 all here:\n((?:  at .*\n)+)((?:    .*\n)+)", text, re.MULTILINE)
    assert "at gust_sleep (" in group[1] and re.search(r"at park_here \(\S*watched\.c:\d+\)\n", group[1])
    lines = group[2].splitlines()
    assert len(lines) == 10000 == len(set(line.partition(":")[0] for line in lines))
    assert all(re.fullmatch(r"    coroutine \d+: sleep, for \d+\.\d{3} s; \d+\.\d{3} s old", line) for line in lines)
    assert re.search(r": runs, for", text)
    assert text.endswith(f"---- end of {head[1]} coroutines ----\n")
    os.kill(server.pid, signal.SIGUSR1)
    assert program.wait_until(lambda: file.read_text().count("---- end of") == 2)
    forget_descriptors(server)


def test_a_dump_goes_to_standard_error(start, watched):
    server = start(watched)
    os.kill(server.pid, signal.SIGUSR1)
    server.wait_for_line(r"---- end of \d+ coroutines ----")
    assert get(server, "/stats")
    forget_descriptors(server)


def test_figures_show_the_lag(start, watched):
    server = start(watched)
    get(server, "/stats")
    get(server, "/spin/120")
    coroutines, lag, sound = get(server, "/stats").split()
    assert int(coroutines) >= 2 and int(lag) >= 120 and sound == "1"
    coroutines, lag, sound = get(server, "/stats").split()
    assert int(lag) < 120  # counted anew


def skip_where_forbidden(text):
    """Some machines let nobody but a process's parent attach to it."""
    if "ptrace: Operation not permitted" in text:
        pytest.skip("this machine lets no debugger attach")


def shown_by_gdb(root, watched, *target):
    done = subprocess.run(["gdb", "-q", "-batch", "-nx", "-x", root / "tools/gust-gdb.py", *target, "-ex",
                           "gust coroutines", watched], capture_output=True, text=True, timeout=60)
    skip_where_forbidden(done.stderr)
    group = re.search(r"^5 all here:\n((?:  at .*\n)+)((?:    .*\n)+)", done.stdout, re.MULTILINE)
    assert group, done.stdout + done.stderr
    assert re.search(r"at gust_sleep \(park\.c:\d+\)\n  at park_here \(watched\.c:\d+\)\n", group[1]), group[1]
    assert len(re.findall(r"    coroutine \d+: sleep, for \d+\.\d{3} s; \d+\.\d{3} s old\n", group[2])) == 5


@pytest.mark.skipif(not shutil.which("gdb"), reason="needs gdb")
def test_gdb_shows_them_in_a_stopped_program(start, watched, root):
    server = start(watched)
    get(server, "/park/5")
    shown_by_gdb(root, watched, "-p", str(server.pid))
    assert get(server, "/stats")


@pytest.mark.skipif(not shutil.which("gcore"), reason="needs gdb")
def test_gdb_shows_them_in_a_core_file(start, watched, root, tmp_path):
    server = start(watched, environment={"GUST_NO_GUARD_INSTALL": "1"})  # gcore gives up at the other kind of guard
    get(server, "/park/5")
    done = subprocess.run(["gcore", "-o", tmp_path / "core", str(server.pid)], capture_output=True, text=True, timeout=60)
    skip_where_forbidden(done.stderr)
    assert done.returncode == 0, done.stderr
    core = tmp_path / f"core.{server.pid}"
    assert core.stat().st_size < 1 << 30  # not all addresses of all stacks there could be
    shown_by_gdb(root, watched, "-c", core)
    core.unlink()

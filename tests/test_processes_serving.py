"""Many processes and threads that serve, their supervisor, and what takes a program's place while it serves."""
import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import program

RELOADS, TAKEOVERS = 20, 5


# ---- asking ----

def ask(port, path="/", connection=None):
    """-> (task, process, thread) of who answered; the connection stays open if one was given"""
    def talk(client):
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(b"\n") or b"\r\n\r\n" not in answer:
            piece = client.recv(4096)
            assert piece, answer
            answer += piece
        found = re.search(rb"task (\d+), process (\d+), thread (\d+)", answer)
        assert found, answer
        return tuple(int(number) for number in found.groups())

    if connection:
        return talk(connection)
    with program.connect(port) as client:
        return talk(client)


def children(pid):
    """-> the processes that a process has forked"""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += [int(child) for child in file.read().split()]
    return found


def by_task(port, count):
    """Asks on connections of its own, side by side, until each task has answered. -> {task: process}"""
    found = {}

    def complete():
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(program.connect(port)) for _ in range(4 * count)]
            found.update({task: process for task, process, _ in (ask(port, connection=client) for client in clients)})
        return len(found) == count

    assert program.wait_until(complete), found
    return found


def end(started, number=signal.SIGTERM, status=0, pid=None):
    """Ends a program (or what has taken its place) by a signal, and checks that nothing is left of it."""
    os.kill(pid or started.pid, number)
    assert started.process.wait(program.PATIENCE) == status, started.output()
    assert program.wait_until(lambda: not program.members(started.pid)), started.output()
    started.stopped = True
    assert not program.SANITIZER.search(started.output()), started.output()


def heir(started, before):
    """-> the pid of the process that has taken the place of the one before"""
    match = program.wait_until(lambda: re.search(rf"(?s).*process (\d+) serves now", started.output())
                               if int((re.findall(r"process (\d+) serves now", started.output()) or [before])[-1]) != before
                               else None)
    assert match, started.output()
    return int(match.group(1))


# ---- processes ----

def test_help_names_the_options(build):
    said = subprocess.run([build / "examples/processes", "--help"], capture_output=True, text=True).stdout
    for option in ("processes", "threads", "max-restarts", "reuse-port", "takeover-timeout"):
        assert f"--{option}" in said


@pytest.mark.parametrize("argument", ["--processes=1025", "--threads=0", "--threads=257", "--processes=-1"])
def test_numbers_have_bounds(build, argument):
    done = subprocess.run([build / "examples/processes", argument], capture_output=True, text=True)
    assert done.returncode == 2 and argument in done.stderr


def test_each_process_has_its_number(start):
    """Three children of one supervisor, numbered from 0; the first loop of each runs its hooks."""
    server = start("processes", "--processes=3")
    tasks = by_task(server.port, 3)
    assert sorted(tasks) == [0, 1, 2]
    assert sorted(tasks.values()) == sorted(children(server.pid))
    end(server)
    for task in range(3):
        assert server.output().count(f"task {task} starts") == 1
        assert server.output().count(f"task {task} ends") == 1


def test_one_process_is_task_0_and_has_no_supervisor(start):
    server = start("processes")
    assert ask(server.port)[:2] == (0, server.pid)
    assert children(server.pid) == []


def test_0_processes_are_as_many_as_cores(start):
    server = start("processes", "--processes=0")
    cores = len(os.sched_getaffinity(0))
    assert len(children(server.pid)) == (cores if cores > 1 else 0)


def test_listeners_are_opened_once(start):
    """All have the very same socket, and the port is not shared by SO_REUSEPORT: nobody else gets it."""
    server = start("processes", "--processes=2")

    def sockets(pid):
        return {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")
                if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")}

    assert len(sockets(server.pid)) == 1
    for child in children(server.pid):
        assert sockets(child) == sockets(server.pid)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError):
            other.bind(("127.0.0.1", server.port))


def test_reuse_port_is_asked_for(start):
    first = start("processes", "--reuse-port")
    second = start("processes", "--reuse-port", f"--port={first.port}")
    assert second.port == first.port


def test_a_port_in_use(build):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run([build / "examples/processes", "--processes=2", f"--port={taken.getsockname()[1]}"],
                              capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "another program listens there" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--refuse=0"], ["--refuse=0", "--threads=3"],
                                       ["--refuse=1", "--processes=3"], ["--refuse=0", "--processes=2", "--threads=2"]])
def test_a_start_that_fails_ends_all(build, arguments):
    """At once, and not after a hundred restarts: what cannot start once says why."""
    done = subprocess.run([build / "examples/processes", "--port=0", *arguments], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 1 and "listening on" not in done.stdout
    assert f"processes: task {arguments[0][-1]} was told not to start\n" in done.stderr
    assert ("before it served" in done.stderr) == any("--processes" in argument for argument in arguments)


def test_connections_are_balanced(start):
    """Idle ones too, which cost nobody time; bench/run has the exact bar."""
    server = start("processes", "--processes=2")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(program.connect(server.port)) for _ in range(100)]
        tasks = [ask(server.port, connection=client)[0] for client in clients]
    assert max(tasks.count(0), tasks.count(1)) <= 60


def test_a_process_that_hangs_keeps_nobody_waiting(start):
    """The one with fewer connections stands still: the other takes what comes, in spite of its own count."""
    server = start("processes", "--processes=2")
    with contextlib.ExitStack() as stack:
        tasks = by_task(server.port, 2)
        os.kill(tasks[0], signal.SIGSTOP)
        try:
            for _ in range(30):
                client = stack.enter_context(program.connect(server.port))
                assert ask(server.port, connection=client)[1] == tasks[1]
        finally:
            os.kill(tasks[0], signal.SIGCONT)


# ---- crashes ----

def test_a_process_that_crashes_is_started_anew_under_its_number(start):
    server = start("processes", "--processes=2")
    before = by_task(server.port, 2)
    os.kill(before[1], signal.SIGKILL)
    server.wait_for_line(rf"process {before[1]} \(task 1\) was ended by signal 9 .*starting it anew")
    assert program.wait_until(lambda: len(children(server.pid)) == 2 and before[1] not in children(server.pid))
    after = by_task(server.port, 2)
    assert after[0] == before[0] and after[1] != before[1]


def test_a_crash_in_a_handler(start):
    server = start("processes", "--processes=2")
    with pytest.raises(AssertionError):
        ask(server.port, "/crash")
    server.wait_for_line("was ended by signal 6")
    by_task(server.port, 2)


def test_what_has_crashed_has_no_connections(start):
    """The new process gets those that come next: the count of the one before it is not held against it."""
    server = start("processes", "--processes=2")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(program.connect(server.port)) for _ in range(60)]
        tasks = [ask(server.port, connection=client)[:2] for client in clients]
        os.kill(dict(tasks)[1], signal.SIGKILL)
        server.wait_for_line("starting it anew")
        assert program.wait_until(lambda: server.output().count("task 1 starts") == 2)
        clients = [stack.enter_context(program.connect(server.port)) for _ in range(20)]
        assert [ask(server.port, connection=client)[0] for client in clients].count(1) >= 15


def test_a_process_that_does_not_stay_up(start):
    """After --max-restarts in a row the supervisor says so, ends the others and itself, with status 1."""
    server = start("processes", "--processes=2", "--max-restarts=2")
    for _ in range(3):
        assert program.wait_until(lambda: len(children(server.pid)) == 2)
        victim = by_task(server.port, 2)[1]
        os.kill(victim, signal.SIGKILL)
        server.wait_for_line(rf"process {victim} ")
    server.wait_for_line("gave up after 2 restarts in a row")
    assert server.process.wait(program.PATIENCE) == 1
    assert program.wait_until(lambda: not program.members(server.pid))
    server.stopped = True


def test_without_restarts(start):
    server = start("processes", "--processes=2", "--max-restarts=0")
    os.kill(children(server.pid)[0], signal.SIGKILL)
    assert server.process.wait(program.PATIENCE) == 1
    server.stopped = True


def test_children_end_with_their_supervisor(start):
    server = start("processes", "--processes=2")
    with program.connect(server.port) as busy:
        busy.sendall(b"GET /wait?ms=500 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.1)
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait(program.PATIENCE)
        assert b"task" in busy.recv(4096), "what ran was finished"
    assert program.wait_until(lambda: not program.members(server.pid))
    server.stopped = True


def test_a_process_alone_may_be_replaced_by_its_end(start):
    """SIGTERM to one process: it finishes what runs, and another comes in its place."""
    server = start("processes", "--processes=2")
    before = by_task(server.port, 2)
    os.kill(before[0], signal.SIGTERM)
    server.wait_for_line(rf"process {before[0]} \(task 0\) ended with status 0; starting it anew")
    assert by_task(server.port, 2)[0] != before[0]


# ---- the end ----

def refused(port):
    try:
        program.connect(port).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # in the very moment of the close
        pass
    return False


@pytest.mark.parametrize("processes, threads", [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_a_signal_drains_all(start, processes, threads):
    """What runs is answered, and meanwhile nobody waits in a queue that is never looked at again."""
    server = start("processes", f"--processes={processes}", f"--threads={threads}")
    with contextlib.ExitStack() as stack:
        busy = [stack.enter_context(program.connect(server.port)) for _ in range(8)]
        for client in busy:
            client.sendall(b"GET /wait?ms=2000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        os.kill(server.pid, signal.SIGTERM)
        assert program.wait_until(lambda: refused(server.port))
        assert select.select(busy, [], [], 0)[0] == []
        for client in busy:
            assert b"200 OK" in client.recv(4096)
    assert server.process.wait(program.PATIENCE) == 0
    assert program.wait_until(lambda: not program.members(server.pid))
    for task in range(processes):
        assert server.output().count(f"task {task} ends") == threads
    server.stopped = True


def test_a_signal_for_the_whole_group_counts_once(start):
    """As a terminal's interrupt does, and a service manager: nobody takes it for the second."""
    server = start("processes", "--processes=2")
    with program.connect(server.port) as busy:
        busy.sendall(b"GET /wait?ms=500 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.1)
        os.killpg(server.pid, signal.SIGINT)
        assert b"200 OK" in busy.recv(4096)
    assert server.process.wait(program.PATIENCE) == 0
    server.stopped = True


def test_a_signal_that_came_too_late_is_dropped(start):
    """SIGHUP for the group is the supervisor's alone: it does not end its processes behind their drain."""
    server = start("processes", "--processes=2")
    for child in children(server.pid):
        os.kill(child, signal.SIGHUP)
    end(server)
    assert "was ended by" not in server.output()


def test_a_second_signal_ends_all_at_once(start):
    server = start("processes", "--processes=2")
    with program.connect(server.port) as busy:
        busy.sendall(b"GET /wait?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.1)
        os.kill(server.pid, signal.SIGTERM)
        server.wait_for_line("finishing what runs")
        end(server, status=128 + signal.SIGTERM)


def test_a_process_that_does_not_end_is_killed(start):
    """Behind the time to drain; the supervisor still ends well."""
    server = start("processes", "--processes=2", "--drain=0")
    os.kill(children(server.pid)[0], signal.SIGSTOP)
    os.kill(server.pid, signal.SIGTERM)
    server.wait_for_line("processes that did not end in time are killed")
    assert server.process.wait(program.PATIENCE) == 0
    assert program.wait_until(lambda: not program.members(server.pid))
    server.stopped = True


def test_the_file_of_a_unix_socket_goes_with_the_supervisor(start, tmp_path):
    path = tmp_path / "socket"
    server = start("processes", "--processes=2", f"--unix={path}")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        ask(None, connection=client)
    os.kill(children(server.pid)[0], signal.SIGKILL)
    server.wait_for_line("starting it anew")
    assert path.exists()
    end(server)
    assert not path.exists()


# ---- threads ----

def test_threads_serve_side_by_side(start):
    server = start("processes", "--threads=3")
    threads = set()

    def complete():
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(program.connect(server.port)) for _ in range(12)]
            for client in clients:
                _, process, thread = ask(server.port, connection=client)
                assert process == server.pid
                threads.add(thread)
        return len(threads) == 3

    assert program.wait_until(complete)
    assert server.output().count("task 0 starts") == 3
    end(server)
    assert server.output().count("task 0 ends") == 3


def test_many_clients_of_many_threads(start):
    """For thread sanitizers: routes, hooks, logs and counts from several threads at once."""
    server = start("echo", "--threads=3", "--access-log=on")

    def client():
        with program.connect(server.port) as connection:
            for number in range(30):
                connection.sendall(b"GET /json/%d?x=1 HTTP/1.1\r\nHost: a\r\n\r\n" % number)
                assert b"200 OK" in connection.recv(65536)

    clients = [threading.Thread(target=client) for _ in range(12)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    assert program.wait_until(lambda: server.output().count("200 GET /json/") == 12 * 30)


# ---- another takes its place ----

@pytest.mark.parametrize("processes", [1, 2])
def test_a_reload_keeps_serving(start, processes):
    """SIGHUP: the listeners live on in another process, an idle connection is answered once more, and the end
    of the last one leaves nothing."""
    server = start("processes", f"--processes={processes}")
    with program.connect(server.port) as idle:
        old = ask(server.port, connection=idle)[1]
        os.kill(server.pid, signal.SIGHUP)
        new = heir(server, server.pid)
        assert ask(server.port, connection=idle)[1] == old
        assert idle.recv(4096) == b""
    assert server.process.wait(program.PATIENCE) == 0
    assert ask(server.port)[1] in ([new] if processes == 1 else children(new))
    os.kill(new, signal.SIGHUP)
    newest = heir(server, new)
    assert program.wait_until(lambda: new not in program.members(server.pid))
    assert program.descriptors(newest) <= server.marked[server.pid] + 3
    end(server, pid=newest)
    assert server.output().count("listening on") == 3
    with pytest.raises(ConnectionRefusedError):
        program.connect(server.port)


@pytest.fixture
def installed(build, tmp_path):
    """A copy of the program, which a test may replace -> its path"""
    return shutil.copy(build / "examples/processes", tmp_path / "processes")


def replace(path, by):
    """As an installation does: the new file gets the name, the old one lives on while it runs."""
    shutil.copy(by, f"{path}.new")
    os.rename(f"{path}.new", path)


def write(path, text):
    """The same with a script."""
    with open(f"{path}.new", "w") as file:
        file.write(text)
    os.chmod(f"{path}.new", 0o755)
    os.rename(f"{path}.new", path)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_new_file_takes_over(start, build, installed, processes):
    server = start(installed, f"--processes={processes}")
    replace(installed, build / "examples/hello")
    os.kill(server.pid, signal.SIGUSR2)
    new = heir(server, server.pid)
    assert server.process.wait(program.PATIENCE) == 0
    assert b"Hello, world!" in program.talk(server.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    end(server, pid=new)


def test_a_reload_runs_the_old_file(start, installed):
    """SIGHUP is the same program, though another file has its name by now."""
    server = start(installed)
    replace(installed, "/bin/false")
    os.kill(server.pid, signal.SIGHUP)
    new = heir(server, server.pid)
    assert program.wait_until(lambda: ask(server.port)[1] == new)
    end(server, pid=new)


BAD_FILES = {
    "ends at once": ("#!/bin/sh\nexit 3\n", "it ended with status 3 before it served"),
    "is killed": ("#!/bin/sh\nkill -9 $$\n", "it ended by signal 9"),
    "does not serve": ("#!/bin/sh\nexec sleep 600\n", "it did not serve in time"),
    "is no program": ("nothing to run\n", "it cannot be run: Exec format error"),
    "is not there": (None, "it cannot be run: No such file or directory"),
}


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_new_file_that_does_not_start_changes_nothing(start, installed, name, processes):
    text, complaint = BAD_FILES[name]
    server = start(installed, f"--processes={processes}", "--takeover-timeout=500ms")
    before = set(program.members(server.pid))
    os.unlink(installed)
    if text:
        write(installed, text)
    os.kill(server.pid, signal.SIGUSR2)
    server.wait_for_line(re.escape(complaint))
    server.wait_for_line("this process serves on")
    ask(server.port)
    assert program.wait_until(lambda: set(program.members(server.pid)) == before)
    os.kill(server.pid, signal.SIGHUP)  # and it can still be reloaded
    end(server, pid=heir(server, server.pid))


def ignored_in(status):
    return int(re.search(r"SigIgn:\s+([0-9a-f]+)\n", status)[1], 16)


def ignored_by_us():
    """What a child of ours inherits: subprocess gives back what Python itself ignores."""
    pythons = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    return ignored_in(pathlib.Path("/proc/self/status").read_text()) & ~pythons


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_successor_is_started_with(installed, processes):
    """No signal is blocked, and none is ignored that we do not ignore ourselves; of the descriptors it has only the usual three, the listener and the pipe,
    though the program had others open; the command line is the same."""
    server = program.Program(["/bin/sh", "-c", 'exec 9</dev/null; exec "$0" "$@"', installed, "--port=0",
                              f"--processes={processes}"])
    try:
        write(installed, "#!/bin/sh\necho given $(ls /proc/self/fd), command $@\n"
              "grep Sig /proc/self/status\necho variables $GUST_LISTENERS $GUST_READY end\n")
        os.kill(server.pid, signal.SIGUSR2)
        server.wait_for_line("this process serves on")
        said = server.output()
        assert re.search(r"SigBlk:\s+0+\n", said) and ignored_in(said) == ignored_by_us(), said
        listener, ready = re.search(r"variables (\d+) 127.0.0.1:0 (\d+) end", said).groups()
        given = re.search(r"given ([\d ]+), command (.*)", said)
        ours = given[1].split()
        assert {"0", "1", "2", listener, ready} <= set(ours) and len(ours) == 6, said  # ls has the folder open, too
        assert given[2] == f"--port=0 --processes={processes}"
        end(server)
    finally:
        server._kill()


def test_a_successor_whose_options_are_wrong_changes_nothing(start, installed, tmp_path):
    """Here: its log cannot be opened any more, which it reads anew."""
    folder = tmp_path / "logs"
    folder.mkdir()
    server = start(installed, "--processes=2", f"--access-log={folder}/log")
    shutil.rmtree(folder)
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for_line("it ended with status 2 before it served; this process serves on")
    ask(server.port)


def test_the_log_is_opened_anew(start, tmp_path):
    log = tmp_path / "log"
    server = start("processes", f"--access-log={log}")
    ask(server.port)
    assert program.wait_until(lambda: "GET /" in log.read_text())
    log.rename(tmp_path / "log.1")
    os.kill(server.pid, signal.SIGHUP)
    new = heir(server, server.pid)
    assert program.wait_until(lambda: ask(server.port)[1] == new)
    assert program.wait_until(lambda: "GET /" in log.read_text())
    end(server, pid=new)


def test_two_signals_start_one_successor(start, installed):
    server = start(installed, "--takeover-timeout=500ms")
    write(installed, BAD_FILES["does not serve"][0])
    os.kill(server.pid, signal.SIGUSR2)
    server.wait_for_line("starting a successor")
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for_line("no successor is started: one is starting already")
    server.wait_for_line("it did not serve in time")


@pytest.mark.parametrize("processes", [1, 2])
def test_the_end_while_a_successor_starts(start, installed, processes):
    """SIGTERM rules: the successor, which does not serve yet, goes too."""
    server = start(installed, f"--processes={processes}")
    write(installed, BAD_FILES["does not serve"][0])
    os.kill(server.pid, signal.SIGUSR2)
    server.wait_for_line("starting a successor")
    end(server)


def test_a_unix_socket_is_handed_on(start, tmp_path):
    """Its file is neither removed nor made anew, and goes with the last owner."""
    path = tmp_path / "socket"
    server = start("processes", "--processes=2", f"--unix={path}")
    file = path.stat().st_ino
    os.kill(server.pid, signal.SIGHUP)
    new = heir(server, server.pid)
    assert server.process.wait(program.PATIENCE) == 0
    assert path.stat().st_ino == file
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        ask(None, connection=client)
    end(server, pid=new)
    assert not path.exists()


def test_process_1_is_not_replaced(build):
    """The end of a container's first process would end the container."""
    unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        return  # no namespaces for us on this machine: nothing can be process 1
    server = program.Program([*unshare, build / "examples/processes", "--port=0"])
    try:
        inside = children(server.pid)[0]
        os.kill(inside, signal.SIGHUP)
        server.wait_for_line("no successor is started: process 1 cannot be replaced")
        assert ask(server.port)[1] == 1
        end(server, pid=inside)
    finally:
        server._kill()


# ---- wrk, while it is replaced again and again ----

@pytest.mark.parametrize("headers", [[], ["-H", "Connection: close"]], ids=["kept", "closed"])
def test_no_request_fails_while_it_is_replaced(start, build, installed, headers):
    """wrk against two processes, with 20 reloads and 5 new files; on connections that stay, and on one for each
    request: those wait in the queues that are handed on."""
    server = start(installed, "--processes=2")
    wrk = subprocess.Popen(["wrk", "-t2", "-c50", "-d600s", "--timeout=10s", *headers,
                            f"http://127.0.0.1:{server.port}/wait?ms=2"], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
    pid = server.pid
    try:
        time.sleep(0.5)
        for turn in range(RELOADS + TAKEOVERS):
            new_file = turn % (1 + RELOADS // TAKEOVERS) == 0
            if new_file:
                replace(installed, build / "examples/processes")
            os.kill(pid, signal.SIGUSR2 if new_file else signal.SIGHUP)
            pid, old = heir(server, pid), pid
            assert program.wait_until(lambda: old not in program.members(server.pid))
        wrk.send_signal(signal.SIGINT)
        said = wrk.communicate(timeout=60)[0]
    finally:
        wrk.kill()
    assert int(re.search(r"(\d+) requests in", said)[1]) > 1000, said
    assert "Socket errors" not in said and "Non-2xx" not in said, said
    assert server.output().count("serves now") == RELOADS + TAKEOVERS
    assert server.output().count("starting a successor from") == TAKEOVERS
    end(server, pid=pid)


# ---- systemd ----

LAUNCHER = """
import os, socket, sys
kind, names, count, *command = sys.argv[1:]
sockets = [socket.socket(type=socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM) for _ in range(int(count))]
for number, each in enumerate(sockets):
    each.bind(("127.0.0.1", 0))
    if kind == "listens":
        each.listen()
for number, each in enumerate(os.dup(each.fileno()) for each in sockets):  # first out of the way
    os.dup2(each, 100 + number)
for number in range(int(count)):
    os.dup2(100 + number, 3 + number)
os.closerange(3 + int(count), 300)
pid = os.getpid() + (1 if kind == "stranger" else 0)
os.environ.update(LISTEN_FDS=count, LISTEN_PID=str(pid), LISTEN_FDNAMES=names)
os.execv(command[0], command)
"""


def launched(build, kind, names, count, *arguments):
    return [sys.executable, "-c", LAUNCHER, kind, names, str(count), build / "examples/processes", *arguments]


@pytest.mark.parametrize("processes", [1, 2])
def test_sockets_of_a_service_manager(build, processes):
    """They are served instead of --port, and handed on when the program is reloaded."""
    server = program.Program(launched(build, "listens", "one:two", 2, "--port=1", f"--processes={processes}"))
    try:
        server.wait_for_line("(?s)listening on .*listening on ")
        ports = [int(port) for port in re.findall(r"listening on http://127.0.0.1:(\d+)", server.output())]
        for port in ports:
            ask(port)
        os.kill(server.pid, signal.SIGHUP)
        new = heir(server, server.pid)
        assert server.process.wait(program.PATIENCE) == 0
        for port in ports:
            assert ask(port)[1] in ([new] if processes == 1 else children(new))
        end(server, pid=new)
    finally:
        server._kill()


@pytest.mark.parametrize("kind, complaint", [
    ("bound", r"LISTEN_FDS: descriptor 3 \(one\) is not a listening stream socket"),
    ("datagram", r"LISTEN_FDS: descriptor 3 \(one\) is not a listening stream socket"),
])
def test_what_does_not_listen_is_refused(build, kind, complaint):
    done = subprocess.run(launched(build, kind, "one", 1), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and re.search(complaint, done.stderr), done.stderr


def test_sockets_for_another_process_are_left_alone(build):
    server = program.Program(launched(build, "stranger", "one", 1, "--port=0"))
    try:
        assert server.output().count("listening on") == 1
        ask(server.port)
        end(server)
    finally:
        server._kill()


class Manager:
    """The socket that a service manager listens on."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(program.PATIENCE)
        self.socket.bind(path)
        self.messages = []

    def wait_for(self, name):
        """-> the first message with NAME=, from now on, as a dictionary"""
        while True:
            text = self.socket.recv(4096).decode()
            self.messages.append(text)
            message = dict(line.split("=", 1) for line in text.splitlines())
            if name in message:
                return message


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("abstract", [False, True])
def test_a_service_manager_is_told(start, tmp_path, installed, processes, abstract):
    name = f"\0gust-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    manager = Manager(name)
    with manager.socket:
        server = start(installed, f"--processes={processes}", "--takeover-timeout=500ms", environment={
            "NOTIFY_SOCKET": name.replace("\0", "@"), "WATCHDOG_USEC": "200000"})
        assert manager.wait_for("READY")["READY"] == "1"
        assert manager.wait_for("WATCHDOG")["WATCHDOG"] == "1"
        os.kill(server.pid, signal.SIGHUP)
        message = manager.wait_for("RELOADING")
        assert abs(int(message["MONOTONIC_USEC"]) / 1e6 - time.monotonic()) < 60
        message = manager.wait_for("MAINPID")
        new = heir(server, server.pid)
        assert message["READY"] == "1" and message["MAINPID"] == str(new)
        assert server.process.wait(program.PATIENCE) == 0
        manager.wait_for("WATCHDOG")  # the new one feeds it
        os.unlink(installed)
        os.kill(new, signal.SIGUSR2)
        manager.wait_for("RELOADING")
        message = manager.wait_for("READY")
        assert "MAINPID" not in message and "the last reload failed: it cannot be run" in message["STATUS"]
        end(server, pid=new)
        assert manager.wait_for("STOPPING")["STOPPING"] == "1"


def test_a_successor_knows_the_manager(start, tmp_path):
    """By the variables that this process has taken out of its own environment."""
    manager = Manager(str(tmp_path / "notify"))
    with manager.socket:
        server = start("processes", "--processes=2", environment={
            "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "5000000", "LISTEN_FDS": "1",
            "LISTEN_PID": "1", "WATCHDOG_PID": ""})
        os.kill(server.pid, signal.SIGHUP)
        new = heir(server, server.pid)
        with open(f"/proc/{new}/environ", "rb") as file:
            given = dict(entry.split(b"=", 1) for entry in file.read().split(b"\0") if entry)
        assert given[b"NOTIFY_SOCKET"] == str(tmp_path / "notify").encode()
        assert given[b"WATCHDOG_USEC"] == b"5000000"
        assert not {b"LISTEN_FDS", b"LISTEN_PID", b"WATCHDOG_PID"} & set(given)
        end(server, pid=new)

"""What gust_main promises: options, help, errors in one line, signals, drain, logs."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import program


def run(build, *arguments):
    return subprocess.run([build / "examples/hello", *arguments], capture_output=True, text=True, timeout=60)


def test_help_names_the_options(build):
    done = run(build, "--help")
    assert done.returncode == 0 and done.stderr == ""
    for option in ("port", "address", "unix", "access-log", "max-body", "idle-timeout", "drain"):
        assert f"--{option}" in done.stdout


@pytest.mark.parametrize("arguments, complaint", [
    (["--port=99999"], "--port=99999: expected a whole number, 0 to 65535"),
    (["--port=http"], "--port=http: expected a whole number"),
    (["--port"], "--port needs a value"),
    (["--prot=1"], "unknown option --prot; --help lists them"),
    (["fast"], 'unexpected argument "fast"'),
    (["--max-body=big"], "--max-body=big: expected a size"),
    (["--idle-timeout=soon"], "--idle-timeout=soon: expected a time"),
    (["--log-level=loud"], "--log-level=loud: expected debug, info, warning or error"),
])
def test_a_bad_option_is_answered_in_one_line(build, arguments, complaint):
    done = run(build, *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert complaint in done.stderr and done.stderr.count("\n") == 1


def test_underscores_and_hyphens_are_the_same(start):
    start("hello", "--idle_timeout=5s", "--max_body", "1K")


def test_a_port_in_use_is_answered_in_one_line(build):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(build, f"--port={taken.getsockname()[1]}")
    assert done.returncode == 1
    assert "another program listens there" in done.stderr and done.stderr.count("\n") == 1


def test_an_address_that_is_not_ours(build):
    done = run(build, "--port=0", "--address=192.0.2.1")
    assert done.returncode == 1 and "cannot listen on 192.0.2.1" in done.stderr


def test_a_unix_socket(start, tmp_path):
    path = tmp_path / "hello.sock"
    hello = start("hello", f"--unix={path}")
    assert program.wait_until(path.exists)
    assert path.stat().st_mode & 0o777 == 0o600
    done = subprocess.run(["curl", "-sS", "--unix-socket", path, "http://localhost/"], capture_output=True)
    assert done.stdout == b"Hello, world!\n"
    assert hello.stop() == []
    assert not path.exists()


def test_the_access_log_in_tornados_format(start, tmp_path):
    log = tmp_path / "access.log"
    hello = start("hello", f"--access-log={log}")
    program.talk(hello.port, b"GET /hello/x?y=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    program.talk(hello.port, b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert program.wait_until(lambda: log.read_text().count("\n") == 2)
    first, second = log.read_text().splitlines()
    assert re.fullmatch(r"\[I \d{6} \d\d:\d\d:\d\d access [0-9a-v]{8}-1\] 200 GET /hello/x\?y=1 \(127\.0\.0\.1\) \d+\.\d\dms", first)
    assert re.fullmatch(r"\[W .* access [0-9a-v]{8}-2\] 404 GET /nowhere \(127\.0\.0\.1\) \d+\.\d\dms", second)


def test_the_access_log_is_off_without_a_terminal(start):
    hello = start("hello")
    program.talk(hello.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert "GET /" not in hello.output()


def test_a_server_error_is_logged_with_its_backtrace(start):
    echo = start("echo")
    program.talk(echo.port, b"GET /fail?code=500 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    echo.wait_for_line("failed on request")
    echo.wait_for_line(r"(third|fail|first|second).*echo")
    echo.wait_for_line(r"\n +at ")
    echo.mark_descriptors()  # the first backtrace opened the program's file, to read its lines from
    program.talk(echo.port, b"GET /fail?code=501 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    echo.wait_for_line("code=501.*failed on request")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_drains(start, name):
    """What runs is answered, an idle connection may send one more, a new one is refused, and the status is 0."""
    echo = start("echo")
    with program.connect(echo.port) as idle, program.connect(echo.port) as busy:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"OK" in idle.recv(4096)
        busy.sendall(b"GET /delay?ms=700 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        os.kill(echo.pid, getattr(signal, name))
        echo.wait_for_line("finishing what runs")
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while piece := idle.recv(4096):
            answer += piece
        assert b"\r\nConnection: close\r\n" in answer and answer.endswith(b"OK")
        answer = b""
        while piece := busy.recv(4096):
            answer += piece
        assert answer.endswith(b"waited 700 ms\n")
    assert echo.process.wait(program.PATIENCE) == 0
    with contextlib.suppress(ConnectionRefusedError):
        program.connect(echo.port).close()
        raise AssertionError("it still accepts")
    echo.stopped = True


def test_a_second_signal_ends_at_once(start):
    echo = start("echo")
    with program.connect(echo.port) as busy:
        busy.sendall(b"GET /delay?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        os.kill(echo.pid, signal.SIGTERM)
        echo.wait_for_line("finishing what runs")
        os.kill(echo.pid, signal.SIGTERM)
        assert echo.process.wait(program.PATIENCE) == 128 + signal.SIGTERM
    echo.stopped = True


def test_the_drain_has_a_deadline(start):
    echo = start("echo", "--drain=300ms")
    with program.connect(echo.port) as busy:
        busy.sendall(b"GET /delay?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        os.kill(echo.pid, signal.SIGTERM)
        assert echo.process.wait(program.PATIENCE) == 0
        echo.wait_for_line("cut off")
    echo.stopped = True


def test_running_out_of_descriptors_is_survived(start):
    """More connections than descriptors: the rest wait, and are served once others have gone."""
    import resource
    limit = 80
    hello = start("hello", "--idle-timeout=60s", environment={})
    resource.prlimit(hello.pid, resource.RLIMIT_NOFILE, (limit, limit))
    held = [program.connect(hello.port) for _ in range(limit + 20)]
    try:
        for connection in held[:10]:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"Hello" in connection.recv(4096)
    finally:
        for connection in held:
            connection.close()
    assert b"Hello" in program.talk(hello.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    hello.wait_for_line("cannot accept connections for now: Too many open files")


def test_many_clients_at_once(start):
    hello = start("hello")
    problems = []

    def client():
        with program.connect(hello.port) as connection:
            for _ in range(50):
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                answer = connection.recv(4096)
                if not answer.endswith(b"Hello, world!\n"):
                    problems.append(answer)

    threads = [threading.Thread(target=client) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []

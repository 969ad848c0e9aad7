"""examples/deploy: the real nginx in front of two groups of processes, and the units for systemd."""
import configparser
import contextlib
import os
import re
import shutil
import signal
import subprocess

import pytest

import program
import servers
from test_processes_serving import ask, by_task, heir


@pytest.fixture
def site(start, root, tmp_path):
    """nginx by the example's configuration, with free ports -> (its port, the fast group, the slow one)"""
    fast = start("processes", "--processes=2")
    slow = start("processes", "--processes=2")
    port = servers.free_port()
    text = (root / "examples/deploy/nginx.conf").read_text()
    for before, now in (("8000", port), ("8001", fast.port), ("8002", slow.port)):
        assert len(re.findall(rf"127\.0\.0\.1:{before}\b", text)) == 1
        text = text.replace(f"127.0.0.1:{before}", f"127.0.0.1:{now}")
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(text)
    if os.getuid() == 0:  # its workers are another user, who writes below this folder
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == os.getuid() and str(folder).startswith("/tmp/"):
                folder.chmod(0o755)
    nginx = subprocess.Popen(["nginx", "-p", tmp_path, "-e", "stderr", "-c", configuration, "-g", "daemon off;"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True)
    try:
        def answers():
            with contextlib.suppress(ConnectionError):
                return ask(port)
            return nginx.poll() is not None

        assert program.wait_until(answers) and nginx.poll() is None, nginx.stdout.read()
        yield port, fast, slow
    finally:
        nginx.terminate()
        nginx.wait(program.PATIENCE)
        nginx.stdout.close()
        assert program.wait_until(lambda: not program.members(nginx.pid))


def test_slow_paths_have_a_group_of_their_own(site):
    port, fast, slow = site
    fast_ones, slow_ones = set(by_task(fast.port, 2).values()), set(by_task(slow.port, 2).values())
    for _ in range(10):
        assert ask(port)[1] in fast_ones
        assert ask(port, "/wait?ms=1")[1] in slow_ones


def test_slow_requests_hold_no_fast_ones_up(site):
    """All of the slow group's processes stand still: the fast paths do not notice."""
    port, _, slow = site
    slow_ones = by_task(slow.port, 2).values()
    for pid in slow_ones:
        os.kill(pid, signal.SIGSTOP)
    try:
        with program.connect(port) as waiting:
            waiting.sendall(b"GET /wait?ms=1 HTTP/1.1\r\nHost: a\r\n\r\n")
            for _ in range(10):
                ask(port)
            for pid in slow_ones:
                os.kill(pid, signal.SIGCONT)
            assert b"200 OK" in waiting.recv(4096)
    finally:
        for pid in slow_ones:
            os.kill(pid, signal.SIGCONT)


def test_a_group_is_reloaded_behind_nginx(site):
    port, fast, _ = site
    pid = fast.pid
    with program.connect(port) as client:
        for _ in range(3):
            os.kill(pid, signal.SIGHUP)
            pid = heir(fast, pid)
            for _ in range(20):
                ask(port, connection=client)
    os.kill(pid, signal.SIGTERM)
    assert program.wait_until(lambda: not program.members(fast.pid))
    fast.stopped = True


# ---- systemd ----

def read_unit(path):
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read(path)
    return unit


def test_the_units_say_what_the_program_does(build, root):
    service, sockets = (read_unit(root / f"examples/deploy/gust.{kind}") for kind in ("service", "socket"))
    assert service["Service"]["Type"] == "notify"
    assert service["Service"]["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["Unit"]["Requires"] == "gust.socket"
    assert sockets["Socket"]["Accept"] == "no"
    said = subprocess.run([build / "examples/processes", "--help"], capture_output=True, text=True).stdout
    for option in re.findall(r"--[a-z-]+", service["Service"]["ExecStart"]):
        assert option in said


def test_systemd_accepts_the_units(root, tmp_path):
    """By its own judgement, where it is installed: the tests do not ask for it."""
    if not shutil.which("systemd-analyze"):
        return
    for kind in ("service", "socket"):
        text = (root / f"examples/deploy/gust.{kind}").read_text()
        (tmp_path / f"gust.{kind}").write_text(text.replace("/usr/local/bin/app", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / "gust.service"], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "gust." in line]
    assert said == [], done.stderr

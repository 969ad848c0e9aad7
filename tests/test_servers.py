"""The servers that other tests use: they answer, and leave nothing behind."""
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

import pytest

import program
import servers

pytestmark = pytest.mark.plain


def everything_of(server):
    """-> the pids of its process group, which it is the leader of."""
    return servers.processes_in(server.process.pid)


@pytest.mark.parametrize("name", ["postgresql", "mariadb", "redis", "memcached", "https"])
def test_a_server_answers_and_leaves_nothing_behind(name):
    server = servers.KINDS[name]().start()
    folder, port, group = server.folder, server.port, server.process.pid
    try:
        server.ask()
        assert everything_of(server)
    finally:
        server.stop()
    assert not folder.exists()
    assert not servers.processes_in(group)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, port), timeout=5)


def test_a_server_that_does_not_start_says_why_and_leaves_nothing_behind():
    class Broken(servers.Redis):
        def command(self):
            return ["redis-server", "--no-such-option", "1"]

    server = Broken()
    with pytest.raises(AssertionError, match="no-such-option"):
        server.start()
    assert server.folder is None and server.process is None


@pytest.fixture
def folder_for_all():
    """A folder for temporary files that other users may go through."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)
        yield folder


def test_servers_end_with_whoever_started_them(folder_for_all):
    """Killed, a test runner cannot stop anything."""
    tool = pathlib.Path(servers.__file__)
    runner = subprocess.Popen([sys.executable, tool, "redis"], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "TMPDIR": folder_for_all})
    try:
        runner.stdout.readline()  # ODBCSYSINI
        port = int(runner.stdout.readline().rstrip("'\n").rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    finally:
        runner.kill()
        runner.wait()
        runner.stdout.close()

    def gone():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            return True

    assert program.wait_until(gone)


def test_a_command_runs_with_the_addresses():
    tool = pathlib.Path(servers.__file__)
    done = subprocess.run([sys.executable, tool, "redis", "memcached", "--", "env"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "GUST_REDIS_URL=redis://127.0.0.1:" in done.stdout
    assert "GUST_MEMCACHED_URL=memcached://127.0.0.1:" in done.stdout

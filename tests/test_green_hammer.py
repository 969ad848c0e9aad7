"""90 coroutines on one thread ask PostgreSQL without a pause while its backends are killed at random.

GUST_HAMMER_SECONDS: how long, 30 unless told.
"""
import contextlib
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time

import pytest

import servers
from test_green_recipes import RECIPES, WARNINGS, flags, recipes

pytestmark = pytest.mark.plain

SECONDS = int(os.environ.get("GUST_HAMMER_SECONDS", 30))
SPARED = 3  # seconds at the end: what was killed last is answered within the run


@pytest.fixture(scope="module")
def hammer(root, build, tmp_path_factory):
    """The program, compiled with the recipe for libpq as it stands in the manual."""
    folder = tmp_path_factory.mktemp("hammer")
    program = folder / "green_hammer"
    (folder / "libpq.h").write_text(recipes(root)["libpq"])
    done = subprocess.run(
        ["gcc", *WARNINGS, f"-DRECIPE=\"{folder}/libpq.h\"", "-I", root / "include",
         *flags("--cflags", RECIPES["libpq"]), root / "tests/programs/green_hammer.c", "-o", program,
         "-Wl,--no-as-needed", f"-L{build}", "-lgust-green", "-lgust", f"-Wl,-rpath,{build}", "-Wl,--as-needed",
         *flags("--libs", RECIPES["libpq"])], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture
def server():
    """One of its own: it is not what it was afterwards."""
    started = servers.Postgresql().start()
    yield started
    started.stop()


class Killer(threading.Thread):
    """Ends backends at random until told to stop; .counts says how many, and how."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.over = threading.Event()
        self.counts = {"pg_terminate_backend": 0, "SIGTERM": 0, "SIGINT": 0, "SIGKILL": 0}
        self.random = random.Random()

    def backends(self):
        """-> the pids of the server's children that serve the hammer; each leads a process group of its own"""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    if (parent == self.server.process.pid
                            and b"gust postgres 127.0.0.1" in (entry / "cmdline").read_bytes()):
                        found.append(int(entry.name))
        return found

    def kill(self, number):
        backends = self.backends()
        if backends:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.random.choice(backends), number)
                self.counts[number.name] += 1

    def ask_server_to(self):
        with contextlib.suppress(OSError):
            ended = self.server.sql("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = "
                                    "'client backend' and pid <> pg_backend_pid() order by random() limit 5")
            self.counts["pg_terminate_backend"] += ended.count("t")

    def run(self):
        """PostgreSQL starts anew after a SIGKILL: one in some ten seconds, the first soon."""
        again = time.monotonic() + 3
        while not self.over.wait(self.random.uniform(0, 0.15)):
            if time.monotonic() > again:
                again = time.monotonic() + self.random.uniform(6, 14)
                self.kill(signal.SIGKILL)
            else:
                self.random.choice([self.ask_server_to, lambda: self.kill(signal.SIGTERM),
                                    lambda: self.kill(signal.SIGINT)])()


def run_and_kill(hammer, server, killer, path):
    """-> (exit status, what it said). By a file: libpq prints while it connects, and stdio on a full pipe that nobody
    reads would hold up the thread."""
    with open(path, "w") as out:
        asker = subprocess.Popen([hammer, server.url, str(SECONDS)], stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT)
    killer.start()
    try:
        killer.join(SECONDS - SPARED)
        killer.over.set()
        status = asker.wait(90)
    finally:
        killer.over.set()
        killer.join()
        asker.kill()
        asker.wait()
    return status, "".join(line for line in path.read_text().splitlines(True)
                           if not re.match("FATAL:|WARNING:|DETAIL:|HINT:", line))


def test_every_call_is_answered_while_backends_are_killed(hammer, server, tmp_path):
    killer = Killer(server)
    status, said = run_and_kill(hammer, server, killer, tmp_path / "said")
    print(f"kills: {killer.counts}\n{said}")
    assert status == 0, said
    calls, answered, errors = map(int, re.search(r"queries: (\d+) calls, (\d+) answered, (\d+) errors", said).groups())
    assert answered > 0 and errors > 0 and calls == answered + errors
    before, after = map(int, re.search(r"descriptors: (\d+) before, (\d+) after", said).groups())
    assert before == after
    assert killer.counts["SIGKILL"] > 0 and killer.counts["SIGTERM"] > 0 and killer.counts["pg_terminate_backend"] > 0

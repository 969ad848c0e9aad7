"""A server under test: started, watched and stopped."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

ANNOUNCEMENT = re.compile(r"listening on \S*?(?:\[[0-9a-f:]+\]|[\w.*]+):(\d+)")
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|: runtime error: ")
PATIENCE = float(os.environ.get("GUST_PATIENCE", 20))  # seconds; sanitizers and noisy machines are slow


def wait_until(condition, seconds=None):
    """Polls until condition() is true, for PATIENCE seconds if none are named. -> its last value"""
    end = time.monotonic() + (seconds or PATIENCE)
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


def compile_statically(build, source, to, *flags):
    """Builds a program of tests/programs against the static library under test and what gust.pc says it needs."""
    needed = re.search(r"^Requires\.private: (.*)$", (build / "gust.pc").read_text(), re.MULTILINE)[1].replace(",", " ")
    libraries = subprocess.run(["pkg-config", "--libs", *needed.split()], capture_output=True, text=True, check=True)
    subprocess.run(["cc", "-g", "-D_GNU_SOURCE", *flags, f"-I{source.parents[2] / 'include'}", source,
                    build / "libgust.a", *libraries.stdout.split(), "-lm", "-o", to], check=True)
    return to


def connect(port, seconds=PATIENCE):
    """A TCP connection to 127.0.0.1:port, its operations limited to as many seconds."""
    return socket.create_connection(("127.0.0.1", port), timeout=seconds)


def talk(port, data, seconds=PATIENCE, half_close=False):
    """Sends data and returns all that comes back until the peer closes. TimeoutError when it does not close.

    A peer that answers and closes before it read everything resets the connection: what came before it counts.
    """
    end = time.monotonic() + seconds
    received = bytearray()
    with connect(port, seconds) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while True:
                connection.settimeout(max(0.001, end - time.monotonic()))
                piece = connection.recv(65536)
                if not piece:
                    break
                received += piece
    return bytes(received)


def descriptors(pid):
    """-> how many descriptors a process holds; None when it is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except FileNotFoundError:
        return None


def members(session):
    """-> the pids of a session's living processes (zombies do not count)."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session and fields[0] not in "ZX":
                    found.append(int(entry.name))
    return found


class Program:
    """One running server. .port, .pid, .output() and stop(); problems are collected by stop()."""

    def __init__(self, command, environment=None, announces=True):
        self.command = [str(part) for part in command]
        self.problems = []
        self.stopped = False
        self.lines = []
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})}, start_new_session=True, text=True, errors="replace")
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.port = self._wait_for_port() if announces else None
        self.mark_descriptors()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def output(self):
        """All that it has written so far, stdout and stderr."""
        return "".join(self.lines)

    def _wait_for_port(self):
        wait_until(lambda: ANNOUNCEMENT.search(self.output()) or self.process.poll() is not None)
        self.process.poll()
        announced = ANNOUNCEMENT.search(self.output())
        if not announced:
            self._kill()
            raise AssertionError(f"{self.command[0]} did not say where it listens:\n{self.output()}")
        return int(announced.group(1))

    def mark_descriptors(self):
        """Takes the number of descriptors that stop() compares with: call it again once the program is warm."""
        self.marked = {pid: descriptors(pid) for pid in members(self.pid)}

    def wait_for_line(self, pattern, seconds=None):
        """Waits until the output matches. -> the match; fails otherwise"""
        match = wait_until(lambda: re.search(pattern, self.output()), seconds)
        assert match, f"no {pattern!r} in the output:\n{self.output()}"
        return match

    def _leaks(self):
        now = {pid: descriptors(pid) for pid in self.marked}
        return {pid: (before, now[pid]) for pid, before in self.marked.items()
                if before is not None and now[pid] is not None and now[pid] > before}

    def _kill(self):
        while left := members(self.pid):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.poll()
            time.sleep(0.01)
        self.process.wait()
        self.reader.join(PATIENCE)

    def _end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.problems.append(f"did not stop within {PATIENCE} s of SIGTERM")
            return 0

    def stop(self):
        """Ends it, once, and returns what was wrong with it: a list of sentences, empty when all was well."""
        if self.stopped:
            return self.problems
        self.stopped = True
        status = self.process.poll()
        if status is not None:
            self.problems.append(f"ended by itself, with status {status}")
        else:
            if not wait_until(lambda: not self._leaks(), min(5, PATIENCE)):
                self.problems.append(f"descriptors leaked, {{pid: (before, now)}}: {self._leaks()}")
            status = self._end()
            if status not in (0, -signal.SIGTERM):
                self.problems.append(f"stopped with status {status}")
        if not wait_until(lambda: not members(self.pid), min(5, PATIENCE)):
            self.problems.append(f"left processes behind: {members(self.pid)}")
        self._kill()
        if SANITIZER.search(self.output()):
            self.problems.append("a sanitizer reported")
        return self.problems


class Starter:
    """Starts programs of one folder; on leaving, stops them and raises what was wrong."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = []

    def start(self, name, *arguments, environment=None, announces=True):
        """name is an example, or a path. --port 0 --address 127.0.0.1 go first; arguments may override them."""
        command = [self.folder / name, "--port", "0", "--address", "127.0.0.1", *arguments]
        started = Program(command, environment, announces)
        self.programs.append(started)
        return started

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        failures = []
        for started in reversed(self.programs):
            problems = started.stop()
            if problems:
                failures.append(f"{' '.join(started.command)}: {'; '.join(problems)}\n{started.output()}")
        if failures:
            raise AssertionError("\n".join(failures))

"""Clients of real PostgreSQL and Redis servers, one way of running them beside the other: `bench/run green`."""
import contextlib
import importlib.util
import re
import socket
import subprocess

from servers import BUILD, ROOT, Failed

COUNTS = (1, 20, 50, 500)
KINDS = {"postgresql": "libpq", "redis": "hiredis"}
CONTENDERS = {
    "coroutines": ["green_coroutines"],
    "a thread each": ["green_threads", "each"],
    "thread pool": ["green_threads", "pool-all"],
    "pool with a connection a thread": ["green_threads", "pool"],
    "Go": ["green_go"],
}
# Who is measured on other terms than the coroutines: another language, or far fewer connections.
WITHOUT_BAR = {"Go", "pool with a connection a thread"}
MOST = max(COUNTS) + 50  # connections that a server must be able to hold


def real_servers():
    """tests/servers.py, whose name is that of the other module here"""
    spec = importlib.util.spec_from_file_location("servers_of_tests", ROOT / "tests/servers.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except OSError as error:
        raise Failed(str(error)) from None
    module.CONNECTIONS = MOST
    return module


def pinned(kind, cpu):
    """The kind of server, on one processor."""
    class Pinned(kind):
        def command(self):
            return ["taskset", "-c", cpu, *super().command()]
    return Pinned()


def set_key(server):
    with socket.create_connection((server.host, server.port), timeout=5) as connection:
        connection.sendall(b"SET key value\r\n")
        if connection.recv(100) != b"+OK\r\n":
            raise Failed("redis does not keep a key")


@contextlib.contextmanager
def running(cpu):
    """Servers on one processor. -> {kind: one that answers}"""
    module = real_servers()
    started = {}
    try:
        try:
            for kind in KINDS:
                started[kind] = pinned(module.KINDS[kind], cpu)
                started[kind].start()
        except (AssertionError, OSError) as error:
            raise Failed(str(error)) from None
        set_key(started["redis"])
        yield started
    finally:
        for server in started.values():
            server.stop()


def ask(contender, kind, server, count, seconds, cpu):
    """Clients on one processor. -> microseconds of the clients' own processor time for each query, queries a second"""
    program, *mode = CONTENDERS[contender]
    command = ["taskset", "-c", cpu, BUILD / "bench" / program, *mode, kind, server.host, server.port, count, seconds]
    try:
        done = subprocess.run([str(a) for a in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=seconds + 120)
    except subprocess.TimeoutExpired:
        raise Failed(f"{contender}, {kind}, {count} connections: no end") from None
    found = re.search(r"^answered (\d+) in (\d+) us, cpu (\d+) ns$", done.stdout, re.M)
    if done.returncode != 0 or not found or int(found[1]) == 0:
        raise Failed(f"{contender}, {kind}, {count} connections: status {done.returncode}\n{done.stdout}")
    answered, took, used = map(int, found.groups())
    return used / 1e3 / answered, answered / took * 1e6

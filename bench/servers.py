"""The servers that are compared: how each is started and stopped, and what it used of processor and memory."""
import os
import pathlib
import re
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
BODY = b"Hello, world!\n"  # of examples/hello.c; all others answer the same
CONNECTIONS = 20000        # that a server must be able to hold


class Failed(Exception):
    """Something could not be measured."""


# ---- how each is started: -> the command; port is free ----

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections {connections}; use epoll; }}
http {{
    access_log off; default_type text/plain; keepalive_requests 1000000000; keepalive_timeout 75s;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "Hello, world!\\n"; }} }}
}}
"""

# h2o has no constant answer but a redirect; a tiny file, which it keeps open, is the nearest 200.
H2O = """
listen: {{ host: 127.0.0.1, port: {port} }}
num-threads: 1
max-connections: {connections}
http1-request-timeout: 75
error-log: /dev/null
hosts: {{ default: {{ paths: {{ "/": {{ file.dir: {folder}/files, file.index: [hello.txt], file.etag: OFF }} }} }} }}
"""


def hello(port, folder):
    return [BUILD / "examples/hello", "--port", port]


def two_processes(port, folder):
    return [BUILD / "examples/processes", "--port", port, "--processes", 2]


def sync_stack(port, folder):
    return [BUILD / "examples/sync_stack", "--port", port]


def floor(port, folder):
    return [BUILD / "bench/floor", "--port", port, "--size", len(BODY)]


def nginx(port, folder):
    text = NGINX.format(port=port, folder=folder, connections=CONNECTIONS)
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]


def h2o(port, folder):
    (folder / "files").mkdir(exist_ok=True)
    (folder / "files/hello.txt").write_bytes(BODY)
    (folder / "h2o.conf").write_text(H2O.format(port=port, folder=folder, connections=CONNECTIONS))
    return ["h2o", "-c", folder / "h2o.conf"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server: `with Server(nginx, folder, cpu) as server`. cpu: where it runs; None: anywhere."""

    def __init__(self, command, folder, cpu=None):
        self.name = command.__name__
        self.port = free_port()
        # Debian's workers run as nobody or www-data, who have to find their files.
        self.folder = pathlib.Path(folder) / f"{self.name}-{self.port}"
        self.folder.mkdir(mode=0o755)
        arguments = [str(a) for a in command(self.port, self.folder)]
        ends_with_us = ["setpriv", "--pdeathsig", "TERM"]  # however we end
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        self.log = open(self.folder / "log", "w+b")
        try:  # a session of its own: Ctrl-C reaches bench/run alone, which stops it
            self.process = subprocess.Popen(ends_with_us + pin + arguments, start_new_session=True,
                                            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        except OSError as error:
            self.log.close()
            raise Failed(f"{self.name}: {error}") from None

    def __enter__(self):
        try:
            self.answer = self.wait_for_answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_for_word(self, word):
        """Until it has said so: one answers as soon as its first process does."""
        end = time.monotonic() + 10
        while word not in read(self.folder / "log"):
            if time.monotonic() > end:
                raise Failed(f"{self.name} did not say {word!r}")
            time.sleep(0.02)

    def __exit__(self, *_):
        workers = processes(self.process.pid)[1:]
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            kill_what_is_left(workers)
        self.log.close()

    def wait_for_answer(self):
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                    answer = ask(client, self.port)
            except ConnectionError:
                time.sleep(0.02)
                continue
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise Failed(f"{self.name} answers {answer!r}")
            return answer
        self.log.seek(0)
        raise Failed(f"{self.name} does not answer: {self.log.read().decode(errors='replace').strip()}")

    def cpu(self):
        """Nanoseconds of processor time so far, of all its processes and threads."""
        return sum(cpu_of(pid) for pid in processes(self.process.pid))

    def memory(self):
        """Bytes of memory that are its own: what it allocated, not files, page tables or socket buffers."""
        text = "".join(read(f"/proc/{pid}/smaps_rollup") for pid in processes(self.process.pid))
        return 1024 * sum(int(kilobytes) for kilobytes in re.findall(r"^Pss_Anon:\s+(\d+) kB", text, re.M))


# ---- one request ----

def ask(client, port):
    """One request on a connection -> the answer's bytes, which end with a body of a Content-Length.

    It is as long as wrk's: floor takes all requests to be as long as the first one."""
    client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
    answer = b""
    while b"\r\n\r\n" not in answer or len(body_of(answer)) < content_length(answer):
        got = client.recv(65536)
        if not got:
            raise ConnectionError("closed in the middle of an answer")
        answer += got
    return answer


def body_of(answer):
    return answer.partition(b"\r\n\r\n")[2]


def content_length(answer):
    found = re.search(rb"\r\ncontent-length: *(\d+)", answer, re.I)
    return int(found[1]) if found else 0


# ---- what /proc says ----

def read(path):
    return pathlib.Path(path).read_text()


def processes(pid):
    """A process and all below it, itself first."""
    try:
        children = "".join(read(f"/proc/{pid}/task/{thread}/children") for thread in os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return [pid]
    return [pid] + [below for child in children.split() for below in processes(int(child))]


def cpu_of(pid):
    # utime + stime to the nanosecond; /proc/PID/stat has the same sum in ticks of 10 ms.
    return sum(int(read(f"/proc/{pid}/task/{thread}/schedstat").split()[0])
               for thread in os.listdir(f"/proc/{pid}/task"))


def kill_what_is_left(workers):
    for pid in workers:
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass

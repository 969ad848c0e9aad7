#!/usr/bin/python3
"""Real servers for the tests: started on free ports of the loopback, in folders of their own, and gone afterwards.

By hand: tests/servers.py postgresql redis -- COMMAND... runs the command with GUST_POSTGRESQL_URL and GUST_REDIS_URL
in its environment; without a command it prints them and serves until it is interrupted.
"""
import contextlib
import ctypes
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
STARTUP = 60.0  # seconds a server may take until it answers, on a machine that is busy with other tests
PR_SET_PDEATHSIG = 1
CONNECTIONS = 300


def free_port(host="127.0.0.1"):
    """-> a port that nobody listens on now"""
    with socket.create_server((host, 0)) as listener:
        return listener.getsockname()[1]


def processes_in(group):
    """-> the pids of a process group that still live."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group and fields[0] not in "ZX":
                    found.append(int(entry.name))
    return found


class Server:
    """One server. start() returns once it answers; .url is where; stop() leaves nothing behind."""

    name = None
    stop_signal = signal.SIGTERM

    def __init__(self):
        self.host = "127.0.0.1"
        self.process = None
        self.folder = None
        self.port = None

    # ---- what each kind says ----

    def prepare(self):
        """Makes what the server needs in self.folder."""

    def command(self):
        """-> its command line; stays in the foreground"""
        raise NotImplementedError

    def environment(self):
        return {}

    def ask(self):
        """Asks for something that only a working server answers; raises OSError while it does not."""
        socket.create_connection((self.host, self.port), timeout=5).close()

    @property
    def url(self):
        return f"{self.name}://{self.host}:{self.port}"

    # ---- what all have ----

    def _as_user(self):
        """Some servers refuse to be root: they all run as nobody then."""
        if os.getuid() != 0:
            return {}
        user = pwd.getpwnam("nobody")
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def run(self, *command, **more):
        """Runs a tool of the server to its end, as the server's user; fails with what it said."""
        done = subprocess.run([str(part) for part in command], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **self._as_user(), **more)
        assert done.returncode == 0, f"{self.name}: {command[0]}: {done.stdout}"
        return done.stdout

    def _end_with_us(self):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(self.stop_signal))

    def _spawn(self):
        self.port = free_port(self.host)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in self.command()], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=self._end_with_us,
                env={**os.environ, "HOME": str(self.folder), **self.environment()}, **self._as_user())

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def _answers(self):
        end = time.monotonic() + STARTUP
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.ask()
                return True
            except (OSError, AssertionError):
                time.sleep(0.05)
        return False

    def start(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"gust-{self.name}-"))
        try:
            if os.getuid() == 0:
                shutil.chown(self.folder, "nobody")
            self.prepare()
            for _ in range(3):  # somebody else may have taken the port meanwhile
                self._spawn()
                if self._answers():
                    return self
                self._kill()
            raise AssertionError(f"{self.name} does not start:\n{self.log()}")
        except BaseException:
            self.stop()
            raise

    def _kill(self):
        group = self.process.pid
        self.process.send_signal(self.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        end = time.monotonic() + 5
        while processes_in(group) and time.monotonic() < end:
            time.sleep(0.02)
        for pid in processes_in(group):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        if self.process:
            self._kill()
        if self.folder:
            shutil.rmtree(self.folder)
            self.folder = None


class Postgresql(Server):
    name = "postgresql"
    stop_signal = signal.SIGINT  # "fast": ends its sessions; SIGTERM would wait for them

    @staticmethod
    def tool(name):
        """Debian keeps each version's tools apart, outside PATH."""
        folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        return folders[-1] / name if folders else name

    def prepare(self):
        self.run(self.tool("initdb"), "--pgdata", self.folder / "data", "--username=gust", "--auth=trust",
                 "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")

    def command(self):
        settings = {"listen_addresses": self.host, "port": self.port, "unix_socket_directories": self.folder,
                    "max_connections": CONNECTIONS, "fsync": "off", "full_page_writes": "off",
                    "synchronous_commit": "off", "shared_buffers": "32MB"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self.tool("postgres"), "-D", self.folder / "data", *options]

    def ask(self):
        self.sql("select 1")

    def sql(self, text):
        """-> the rows as psql prints them, columns divided by |"""
        done = subprocess.run(["psql", "--no-psqlrc", "-qAt", "-d", self.url, "-c", text], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError(done.stderr)
        return done.stdout

    @property
    def url(self):
        return f"postgresql://gust@{self.host}:{self.port}/postgres"

    @property
    def odbc(self):
        return (f"Driver=PostgreSQL;Servername={self.host};Port={self.port};Database=postgres;UserName=gust;"
                "SSLmode=disable")


class Mariadb(Server):
    name = "mariadb"
    first = ("create database gust character set utf8mb4;\ncreate user gust identified by 'secret';\n"
             "grant all on *.* to gust;\n")  # a statement a line

    def prepare(self):
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}", "--skip-test-db",
                 "--auth-root-authentication-method=normal", "--innodb-flush-method=nosync")
        (self.folder / "first.sql").write_text(self.first)

    def command(self):
        return ["mariadbd", "--no-defaults", f"--datadir={self.folder / 'data'}", f"--port={self.port}",
                f"--bind-address={self.host}", f"--socket={self.folder / 'socket'}",
                f"--pid-file={self.folder / 'pid'}", f"--init-file={self.folder / 'first.sql'}",
                f"--max-connections={CONNECTIONS}", f"--back-log={CONNECTIONS}", "--skip-name-resolve",
                "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M",
                "--innodb-flush-method=nosync"]

    def ask(self):
        self.sql("select 1")

    def sql(self, text):
        """-> the rows as the client prints them, columns divided by tabs"""
        done = subprocess.run(["mariadb", "--no-defaults", "-N", "-B", f"-h{self.host}", f"-P{self.port}", "-ugust",
                               "-psecret", "gust", "-e", text], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise OSError(done.stderr)
        return done.stdout

    def _answers(self):
        answers = super()._answers()
        (self.folder / "first.sql").write_text("")  # for a second start
        return answers

    @property
    def url(self):
        return f"mysql://gust:secret@{self.host}:{self.port}/gust"

    @property
    def odbc(self):
        return f"Driver=MariaDB;Server={self.host};Port={self.port};Database=gust;User=gust;Password=secret"


class Redis(Server):
    name = "redis"

    def command(self):
        return ["redis-server", "--bind", self.host, "--port", self.port, "--save", "", "--appendonly", "no",
                "--dir", self.folder, "--maxclients", "1000"]

    def ask(self):
        self.talk(b"PING\r\n", b"+PONG")

    def talk(self, command, wanted):
        with socket.create_connection((self.host, self.port), timeout=5) as connection:
            connection.sendall(command)
            answer = connection.recv(1000)
        if not answer.startswith(wanted):
            raise OSError(answer)


class Memcached(Redis):
    name = "memcached"

    def command(self):
        return ["memcached", "-l", self.host, "-p", self.port, "-U", "0", "-c", "1000"]

    def ask(self):
        self.talk(b"version\r\n", b"VERSION")


class Https(Server):
    """Answers each request 200 ms later, under the machine's own name: a client has to look that up."""

    name = "https"

    def __init__(self, seconds=0.2):
        super().__init__()
        self.seconds = seconds
        self.machine = socket.gethostname()
        self.host = socket.getaddrinfo(self.machine, None, type=socket.SOCK_STREAM)[0][4][0]

    def prepare(self):
        self.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-days", "2", "-subj", f"/CN={self.machine[:60]}", "-addext", f"subjectAltName=DNS:{self.machine}",
                 "-keyout", "key.pem", "-out", "certificate.pem")

    def command(self):
        return ["/usr/bin/python3", HERE / "slow_https.py", self.host, self.port, self.certificate,
                self.folder / "key.pem", self.seconds]

    def ask(self):
        context = ssl.create_default_context(cafile=self.certificate)
        with socket.create_connection((self.host, self.port), timeout=5) as plain:
            context.wrap_socket(plain, server_hostname=self.machine).close()

    @property
    def certificate(self):
        return self.folder / "certificate.pem"

    @property
    def url(self):
        return f"https://{self.machine}:{self.port}/"


class Rabbitmq(Server):
    """RabbitMQ without plugins."""

    name = "rabbitmq"

    def prepare(self):
        (self.folder / "rabbitmq.conf").write_text(
            "loopback_users = none\nlog.console = true\nlog.file = false\n")
        (self.folder / "plugins").write_text("[].\n")

    def command(self):
        # Erlang would leave its port mapper behind as a daemon: one of our own is there first, and ends with the rest.
        return ["/bin/sh", "-c", "epmd & exec /usr/lib/rabbitmq/bin/rabbitmq-server"]

    def environment(self):
        return {"RABBITMQ_NODENAME": f"gust{self.port}@localhost", "RABBITMQ_NODE_IP_ADDRESS": self.host,
                "RABBITMQ_NODE_PORT": str(self.port), "RABBITMQ_DIST_PORT": str(free_port()),
                "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"), "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
                "RABBITMQ_PID_FILE": str(self.folder / "pid"), "RABBITMQ_HOME": "/usr/lib/rabbitmq",
                "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"), "ERL_EPMD_PORT": str(free_port()),
                "ERL_EPMD_ADDRESS": "127.0.0.1"}

    def ask(self):
        with socket.create_connection((self.host, self.port), timeout=5) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            if not connection.recv(100).startswith(b"\x01"):
                raise OSError("no AMQP")

    @property
    def url(self):
        return f"amqp://guest:guest@{self.host}:{self.port}/"


class Mongodb(Server):
    """A stub (mongo_stub.py): Debian has no server of MongoDB."""

    name = "mongodb"

    def command(self):
        return ["/usr/bin/python3", HERE / "mongo_stub.py", self.host, self.port]


KINDS = {kind.name: kind for kind in (Postgresql, Mariadb, Redis, Memcached, Https, Rabbitmq, Mongodb)}


def write_odbc_drivers(folder):
    """Makes folder a place for ODBCSYSINI whose drivers say Threading=0: the default (3) has one lock for all of a
    driver's connections. -> folder"""
    found = subprocess.run(["odbcinst", "-q", "-d"], capture_output=True, text=True, check=True).stdout
    assert "MariaDB" in found and "PostgreSQL" in found, found
    (folder / "odbcinst.ini").write_text(
        "[PostgreSQL]\nDriver=psqlodbcw.so\nThreading=0\n\n[MariaDB]\nDriver=libmaodbc.so\nThreading=0\n")
    (folder / "odbc.ini").write_text("")
    return folder


@contextlib.contextmanager
def running(names):
    """Starts servers by name. -> {name: Server}; they have ended when the block has"""
    started = {}
    try:
        for name in names:
            started[name] = KINDS[name]().start()
        yield started
    finally:
        for server in started.values():
            server.stop()


def main():
    arguments = sys.argv[1:]
    divide = arguments.index("--") if "--" in arguments else len(arguments)
    names, command = arguments[:divide], arguments[divide + 1:]
    if not names or not set(names) <= set(KINDS):
        sys.exit(f"usage: tests/servers.py {{{','.join(KINDS)}}}... [-- COMMAND...]")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with running(names) as started, tempfile.TemporaryDirectory(prefix="gust-odbc-") as odbc:
        found = {"ODBCSYSINI": str(write_odbc_drivers(pathlib.Path(odbc)))}
        for name, server in started.items():
            found[f"GUST_{name.upper()}_URL"] = server.url
            if hasattr(server, "odbc"):
                found[f"GUST_{name.upper()}_ODBC"] = server.odbc
            if hasattr(server, "certificate"):
                found["GUST_CERTIFICATE"] = str(server.certificate)
        if command:
            sys.exit(subprocess.run(command, env={**os.environ, **found}).returncode)
        for name, value in found.items():
            print(f"export {name}='{value}'", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()

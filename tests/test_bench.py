"""bench/run, with programs in the place of those that it runs: what it says of them, and what it leaves behind."""
import shutil
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.plain

SWITCH = """#!/bin/sh
echo 'boost fcontext      4.00 ns per switch'
echo 'gust, in place      {gust} ns per switch'
echo 'swapcontext       200.00 ns per switch'
"""


@pytest.fixture
def tree(root, tmp_path):
    """A checkout with bench/ and nothing built -> its path"""
    shutil.copytree(root / "bench", tmp_path / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("build/bench", "build/examples", "temporary"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def put(tree, name, text):
    path = tree / "build" / name
    path.write_text(text)
    path.chmod(0o755)


def start(tree, *arguments):
    return subprocess.Popen([tree / "bench/run", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": str(tree / "temporary")})


def run(tree, *arguments):
    """-> exit status, what it said on stdout and on stderr"""
    process = start(tree, *arguments)
    out, err = process.communicate(timeout=60)
    assert list((tree / "temporary").iterdir()) == []
    return process.returncode, out, err


@pytest.mark.parametrize("gust, verdict", [("4.80", "met"), ("4.84", "missed")])
def test_a_bar_is_met_or_missed_and_the_status_is_0(tree, gust, verdict):
    put(tree, "bench/switch", SWITCH.format(gust=gust))
    status, out, _ = run(tree, "switch")
    line = next(line for line in out.splitlines() if "boost" in line)
    assert status == 0 and line.split()[-1] == verdict, out


THREADS = """#!/bin/sh
echo 'gust, one by one             {gust} ns   1.0 to 2.0'
echo 'pthreads, one by one       1000.0 ns   1.0 to 2.0'
echo 'gust, 64 at once            500.0 ns   1.0 to 2.0'
echo 'gust futures, 64 at once   9000.0 ns   1.0 to 2.0'
echo 'pthreads, 64 at once       1000.0 ns   1.0 to 2.0'
"""


@pytest.mark.parametrize("gust, verdict", [("1300.0", "met"), ("1301.0", "missed")])
def test_calls_on_threads_are_compared(tree, gust, verdict):
    put(tree, "bench/threads", THREADS.format(gust=gust))
    (tree / "bench/threads.py").write_text("".join(
        f"print('{name}, {kind}    2000.0 ns   1.0 to 2.0')\n" for name in ("ThreadPoolExecutor", "ProcessPoolExecutor")
        for kind in ("one by one", "64 at once")))
    status, out, err = run(tree, "threads", "--rounds", "1")
    lines = [line for line in out.splitlines() if "pthreads" in line]
    assert status == 0 and [line.split()[-1] for line in lines] == [verdict, "met"], out + err
    assert out.count("PoolExecutor") == 4


@pytest.mark.parametrize("text, complaint", [
    (None, "No such file"),
    ("#!/bin/sh\necho broken >&2; exit 3\n", "broken"),
    ("#!/bin/sh\necho 'gust, in place 4.0 ns per switch'\n", "built without boost"),
])
def test_what_cannot_be_measured_is_said_and_the_status_is_1(tree, text, complaint):
    if text:
        put(tree, "bench/switch", text)
    status, out, err = run(tree, "switch")
    assert status == 1 and "could not be measured" in out and complaint in err, err


def test_a_server_that_ends_at_once_is_said(tree):
    put(tree, "examples/hello", "#!/bin/sh\necho no port for me; exit 1\n")
    status, _, err = run(tree, "idle")
    assert status == 1 and "hello does not answer: no port for me" in err, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_its_servers(tree, number):
    put(tree, "examples/hello", f"#!/bin/sh\necho $$ >{tree}/pid; exec sleep 60\n")
    process = start(tree, "idle")
    while not (tree / "pid").exists() or not (tree / "pid").read_text():
        time.sleep(0.02)
    server = (tree / "pid").read_text().strip()
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert subprocess.run(["kill", "-0", server], stderr=subprocess.DEVNULL).returncode != 0
    assert list((tree / "temporary").iterdir()) == []


def test_names_and_options(tree):
    assert run(tree, "--help")[0] == 0
    for arguments in (["lions"], ["--rounds", "0"], ["--seconds", "0.5"]):
        assert run(tree, *arguments)[0] == 2

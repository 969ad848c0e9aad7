"""The command gust, installed: `gust new` makes a project that builds, `gust dev` shows it in a browser as it changes."""
import os
import re
import signal
import socket
import subprocess

import pytest

from program import PATIENCE, Program, members, talk, wait_until

pytestmark = pytest.mark.plain

BUILD = 3 * PATIENCE  # what a build may take

def run(*command, status=0, **more):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)
    assert done.returncode == status, f"{command}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(build, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed") / "gust"
    run("cmake", "--install", build, "--prefix", folder)
    return folder


@pytest.fixture(scope="module")
def gust(prefix):
    return prefix / "bin" / "gust"


@pytest.fixture(scope="module")
def built_once(gust, prefix, tmp_path_factory):
    folder = tmp_path_factory.mktemp("project") / "blog"
    run(gust, "new", "blog", cwd=folder.parent)
    run("cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", folder / "build", "--parallel", "2")
    return folder


@pytest.fixture
def built(built_once):
    """A new project, built; its sources are put back behind each test."""
    before = {path: path.read_bytes() for path in built_once.rglob("*")
              if path.is_file() and built_once / "build" not in path.parents}
    yield built_once
    for path, data in before.items():
        if path.read_bytes() != data:
            path.write_bytes(data)


class Dev:
    """gust dev of a project, on a free port."""

    def __init__(self, gust, project, *arguments):
        self.project = project
        self.program = Program([gust, "dev", "--port", "0", "--directory", project, *arguments])
        self.url = f"http://127.0.0.1:{self.program.port}"

    def edit(self, name, old, new):
        path = self.project / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def get(self, path="/", accept="*/*"):
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
        return talk(self.program.port, request.encode()).decode()


@pytest.fixture
def develop(gust):
    """develop(project, "--build", "true", ...) -> Dev. It must end by SIGINT, with all that it started."""
    started = []

    def start(project, *arguments):
        started.append(Dev(gust, project, *arguments))
        return started[-1]

    yield start
    problems = []
    for dev in started:
        pids = subprocess.run(["ps", "-o", "pid=", "--ppid", str(dev.program.pid)], capture_output=True,
                              text=True).stdout.split()
        os.kill(dev.program.pid, signal.SIGINT)
        if not wait_until(lambda: dev.program.process.poll() is not None):
            problems.append("did not end by SIGINT")
        elif dev.program.process.returncode != 0:
            problems.append(f"ended with {dev.program.process.returncode}")
        problems += [f"left {pid}" for pid in pids if os.path.exists(f"/proc/{pid}")]
        if members(dev.program.pid):
            problems.append("left processes in its session")
        dev.program.stop()
        if problems:
            problems.append(dev.program.output())
    assert not problems, "\n".join(problems)


# ---- gust ----

def test_what_it_can_do(gust, root):
    version = run(gust, "--version")
    assert re.fullmatch(r"gust \d+\.\d+\.\d+\n", version)
    assert "gust new NAME" in run(gust, "--help")
    assert "--directory" in run(gust, "new", "--help")
    assert "--build" in run(gust, "dev", "--help")
    assert 'no command "serve"' in run(gust, "serve", status=2)
    assert "Usage" in run(gust, status=2)


# ---- gust new ----

@pytest.mark.parametrize("name", ["", "Blog", "9lives", "my blog", "../x", "test", "a" * 65])
def test_bad_names_are_refused(gust, tmp_path, name):
    assert "the name" in run(gust, "new", name, cwd=tmp_path, status=2)
    assert not list(tmp_path.iterdir())


def test_a_directory_with_something_in_it_is_refused(gust, tmp_path):
    (tmp_path / "blog").mkdir()
    (tmp_path / "blog" / "mine").write_text("kept")
    assert "not empty" in run(gust, "new", "blog", cwd=tmp_path, status=1)
    assert [path.name for path in (tmp_path / "blog").iterdir()] == ["mine"]


def test_an_empty_directory_is_taken(gust, tmp_path):
    (tmp_path / "here").mkdir()
    run(gust, "new", "a" * 64, "--directory", "here", cwd=tmp_path)
    assert f"project({'a' * 64} " in (tmp_path / "here/CMakeLists.txt").read_text()
    assert "@NAME@" not in "".join(path.read_text() for path in (tmp_path / "here").rglob("*") if path.is_file())


def test_a_new_project_passes_its_tests(built):
    assert "3 passed, 0 failed" in run(built / "build/blog_tests")
    assert "100% tests passed" in run("ctest", "--test-dir", built / "build")


# ---- gust dev ----

def test_from_nothing_to_a_mended_mistake(gust, develop, page, tmp_path):
    """The story of docs/development.md: a fresh directory, a template, a C file, a mistake, its end."""
    run(gust, "new", "shop", cwd=tmp_path)
    dev = develop(tmp_path / "shop")
    page.open(dev.url, BUILD)  # waits in the queue until it is built
    assert "Hello, world!" in page.text()
    page.evaluate("window.sameDocument = true")

    dev.edit("templates/index.html", "Hello,", "Good morning,")
    page.wait_for_text("Good morning, world!", seconds=BUILD)
    assert not page.evaluate("window.sameDocument")
    assert dev.program.output().count("started build/shop") == 1, "a template needs no other program"

    dev.edit("app.c", '"world"', '"everybody"')
    page.wait_for_text("Good morning, everybody!", seconds=BUILD)
    assert dev.program.output().count("started build/shop") == 2

    dev.edit("app.c", '"everybody");', '"everybody")')
    page.wait_for_text("The build has failed", seconds=BUILD)
    line = next(number for number, text in enumerate((dev.project / "app.c").read_text().splitlines(), 1)
                if "everybody" in text)
    assert re.search(rf"app\.c:{line}:\d+: error: expected .;. before", page.text("header"))
    assert "everybody" in page.text("pre"), "the compiler shows the line"

    dev.edit("app.c", '"everybody")', '"you all");')
    page.wait_for_text("Good morning, you all!", seconds=BUILD)
    assert all("Failed to load resource" in problem for problem in page.problems), page.problems


def test_no_connection_is_refused_while_programs_change(built, develop):
    dev = develop(built)
    dev.program.wait_for_line("started build/blog")
    seen, index = [], (built / "app.c").read_text()
    for number in range(2):
        (built / "app.c").write_text(index.replace('"Welcome"', f'"Number {number}"'))
        while not seen or f"Number {number}" not in seen[-1]:
            seen.append(dev.get())
            assert seen[-1].startswith("HTTP/1.1 200"), seen[-1]
            assert len(seen) < 100000
    assert dev.program.output().count("started build/blog") == 3


def test_a_program_that_ends_is_shown_with_its_last_words(built, develop):
    dev = develop(built)
    dev.program.wait_for_line("started build/blog")
    assert "200" in dev.get()
    dev.edit("main.c", "return gust_main", 'fprintf(stderr, "<no> money\\n"); abort(); return gust_main')
    dev.edit("main.c", "#include", "#include <stdio.h>\n#include <stdlib.h>\n#include")
    dev.program.wait_for_line("The program has ended: signal 6", BUILD)
    answer = dev.get(accept="text/html")
    assert answer.startswith("HTTP/1.1 500")
    assert "&lt;no&gt; money" in answer and "signal 6" in answer
    assert "text/plain" in dev.get()


def test_only_pages_get_the_script_and_nothing_is_cached(built, develop):
    dev = develop(built)
    dev.program.wait_for_line("started build/blog")
    answer = dev.get()
    assert re.search(r'<script src="/\.gust/reload\.js\?\d+-\d+"></script>\n$', answer)
    assert "Cache-Control: no-store" in answer
    style = dev.get("/static/style.css")
    assert "reload.js" not in style and "Cache-Control: no-store" in style
    fragment = talk(dev.program.port, b"GET / HTTP/1.1\r\nHost: x\r\nSec-Fetch-Dest: empty\r\nConnection: close\r\n\r\n")
    assert b"reload.js" not in fragment
    assert "EventSource" in dev.get("/.gust/reload.js")


def test_without_gust_dev_nothing_is_added(built):
    program = Program([built / "build/blog", "--port", "0"])
    answer = talk(program.port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    none = talk(program.port, b"GET /.gust/reload.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert not program.stop()
    assert b"Hello, world!" in answer and b".gust" not in answer and b"no-store" not in answer
    assert none.startswith(b"HTTP/1.1 404")


def test_what_it_cannot_do_it_says(gust, tmp_path, built):
    assert "no CMakeLists.txt" in run(gust, "dev", cwd=tmp_path, status=2)
    assert "which program" in run(gust, "dev", "--build", "true", cwd=tmp_path, status=2)
    assert "Usage" in run(gust, "dev", "--what", cwd=tmp_path, status=2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "--port PORT" in run(gust, "dev", "--port", port, cwd=built, status=1)


def test_a_build_that_hangs_ends_with_it(develop, tmp_path):
    dev = develop(tmp_path, "--build", "echo begun; sleep 1000 & sleep 1000", "./none")
    dev.program.wait_for_line("begun")


def test_many_processes_and_a_death_without_warning(built, gust):
    """The program's own options stand behind --; should gust be killed, the program goes too."""
    program = Program([gust, "dev", "--port", "0", "--directory", built, "--", "--processes=2"])
    program.wait_for_line("started build/blog")
    assert b"Hello, world!" in talk(program.port, b"GET / HTTP/1.0\r\n\r\n")
    assert len(groups_of_children(program.pid)) == 3, "a supervisor and two processes"
    os.kill(program.pid, signal.SIGKILL)
    assert wait_until(lambda: not members(program.pid))
    program.stop()


def groups_of_children(pid):
    """-> the processes of the groups that this process's children lead."""
    listed = [line.split() for line in run("ps", "-e", "-o", "pid=,ppid=,pgid=").splitlines()]
    leaders = {child for child, parent, group in listed if parent == str(pid) and child == group}
    return [int(child) for child, _, group in listed if group in leaders]


def test_a_program_that_is_missing(develop, tmp_path):
    dev = develop(tmp_path, "--build", "true", "./none")
    dev.program.wait_for_line("has ended: exit code 127")
    assert "cannot run ./none: No such file" in dev.get(accept="text/html")

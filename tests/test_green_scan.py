"""tools/green-scan: what it says of libraries made here, and of the client libraries that people use."""
import ctypes
import importlib.machinery
import importlib.util
import json
import pathlib
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.plain

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOL = ROOT / "tools/green-scan"

# The client libraries of the green layer's table, by the start of their file names.
LIBRARIES = ["libpq.so.", "libmariadb.so.", "libhiredis.so.", "libmongoc-1.0.so.", "libcurl.so.", "libcrypto.so.",
             "libssl.so.", "libodbc.so.", "libsqlite3.so.", "librdkafka.so.", "librabbitmq.so.", "libkrb5.so.",
             "libldap"]


def run(*arguments, tool=TOOL):
    done = subprocess.run([tool, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def scan(path, tool=TOOL):
    """-> (exit status, what it says of that file)"""
    status, said, complaint = run("--json", path, tool=tool)
    assert status in (0, 1), complaint
    return status, json.loads(said)[0]


@pytest.fixture(scope="module")
def tool():
    """The tool as a module."""
    loader = importlib.machinery.SourceFileLoader("green_scan", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("green_scan", loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def known(tool):
    return tool.Known(ROOT / "src/green/symbols.h", ROOT / "tools/green-limits")


@pytest.fixture
def make(tmp_path):
    """make(source, *flags) -> a shared library of that source"""
    def make(source, *flags, name="x.so"):
        (tmp_path / "x.c").write_text(source)
        subprocess.run(["gcc", "-O2", "-fPIC", *(flags or ("-shared",)), "-w", tmp_path / "x.c", "-o", tmp_path / name],
                       check=True)
        return tmp_path / name
    return make


COVERED = "long read(int, void *, unsigned long); long x(char *p) { return read(0, p, 1); }\n"
UNCOVERED = "void *getspnam(void *); void *y(void *p) { return getspnam(p); }\n"


def test_a_covered_call(make):
    status, found = scan(make(COVERED))
    assert status == 0 and "read" in found["covered"] and not found["uncovered"]


def test_an_uncovered_call_is_reported_and_fails(make):
    status, found = scan(make(COVERED + UNCOVERED))
    assert status == 1 and list(found["uncovered"]) == ["getspnam"]
    status, said, _ = run(make(COVERED + UNCOVERED))
    assert status == 1 and "uncovered    getspnam" in said


def test_one_bad_file_among_good_ones_fails(make):
    good, bad = make(COVERED, name="a.so"), make(UNCOVERED, name="b.so")
    assert run(good, bad, good)[0] == 1


@pytest.mark.parametrize("call, word", [
    ("int vfork(void); int x(void) { return vfork(); }", "vfork"),
    ("long syscall(long, ...); long x(void) { return syscall(202); }", "syscall"),
    ("#include <stdio.h>\nint x(int fd, char *p) { return fgets(p, 9, fdopen(fd, \"r\")) != 0; }", "fgets"),
])
def test_what_is_covered_only_with_a_reason(make, call, word):
    status, found = scan(make(call))
    assert status == 0 and found["reasons"][word]


def test_a_table_of_pointers_counts(make):
    status, found = scan(make("extern int poll(); extern int close(); void *table[] = {(void *)poll, (void *)close};"))
    assert status == 0 and found["covered"] == ["close", "poll"]
    assert any("tables of pointers" in note and "poll" in note for note in found["notes"])


def test_a_fortified_call_counts(make):
    source = "#include <poll.h>\nint x(struct pollfd *p, int n) { struct pollfd a[4]; return poll(a, n, 0) + a[1].revents; }"
    status, found = scan(make(source, "-shared", "-D_FORTIFY_SOURCE=2"))
    assert status == 0 and "__poll_chk" in found["covered"]


@pytest.mark.parametrize("flag", ["-static", "-static-pie"])
def test_a_static_program_is_uncovered_as_a_whole(make, flag):
    status, found = scan(make("int main(void) { return 0; }", flag, name="x"))
    assert status == 1 and found["static"]


def test_a_dynamic_program(make):
    status, found = scan(make(COVERED + "int main(void) { return x(\"\"); }", "-pie", name="x"))
    assert status == 0 and found["covered"] == ["read"]


def test_who_loads_libraries_is_told_so(make):
    _, found = scan(make("void *dlopen(const char *, int); void *x(void) { return dlopen(\"x\", 1); }"))
    assert any("RTLD_DEEPBIND" in note for note in found["notes"])


def test_who_defines_a_hooked_function_is_told_so(make):
    _, found = scan(make("int connect(int a, void *b, int c) { return 0; }"))
    assert any("defines itself: connect" in note for note in found["notes"])


def test_a_function_of_another_library_is_not_libcs(make, tmp_path):
    (tmp_path / "own.map").write_text("OWN_1 { global: flock; };")
    (tmp_path / "own.c").write_text("int flock(int a, int b) { return 0; }")
    subprocess.run(["gcc", "-shared", "-fPIC", tmp_path / "own.c", f"-Wl,--version-script={tmp_path / 'own.map'}", "-o",
                    tmp_path / "libown.so"], check=True)
    _, found = scan(make("int flock(int, int); int x(void) { return flock(0, 0); }", "-shared", f"-L{tmp_path}", "-Wl,--no-as-needed", "-lown"))
    assert "flock" not in [*found["covered"], *found["reasons"], *found["uncovered"]]


@pytest.mark.parametrize("content", [b"", b"no library", b"\x7fELF"])
def test_what_is_no_library_is_an_error(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    status, _, complaint = run(tmp_path / "x")
    assert status == 2 and complaint.startswith("green-scan: ")


def test_a_missing_file_and_no_file_are_errors(tmp_path):
    assert run(tmp_path / "nothing")[0] == 2
    assert run()[0] == 2


def test_help():
    status, said, _ = run("--help")
    assert status == 0 and "uncovered" in said


def test_an_installed_tool_finds_its_lists(make, tmp_path):
    for source, to in (("tools/green-scan", "bin/green-scan"), ("tools/green-limits", "share/gust/green-limits"),
                       ("src/green/symbols.h", "share/gust/green-symbols.h")):
        (tmp_path / to).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, tmp_path / to)
    assert scan(make(UNCOVERED), tool=tmp_path / "bin/green-scan")[0] == 1


# ---- the lists ----

def test_the_list_of_hooks_is_read_whole(known):
    """A line of symbols.h that the tool's expression misses would be a call reported as if it could not block."""
    lines = [line for line in (ROOT / "src/green/symbols.h").read_text().splitlines()
             if line.startswith("GUST__HOOK(")]
    assert len(lines) == len(known.hooks) > 60
    assert {"read", "__poll_chk", "freopen64", "__fdelt_chk"} <= known.hooks


def test_what_has_a_hook_has_no_limit(known):
    """But for those whose hook does not reach everything."""
    assert known.hooks & set(known.limits) == {"fopen", "fopen64", "freopen", "freopen64", "syscall"}


def test_every_limit_is_a_function_of_libc(known):
    libc = ctypes.CDLL(None)
    strangers = sorted(name for name in known.limits if not hasattr(libc, name))
    assert strangers == sorted(set(strangers) & GONE), strangers


# What newer C libraries no longer offer to new programs; older libraries import them.
GONE = {"pthread_yield", "__res_search", "__res_query", "__res_nsearch", "__res_nquery", "__res_querydomain",
        "__res_nquerydomain", "clnt_create", "clnttcp_create", "clntudp_create", "clntunix_create", "clnt_broadcast",
        "callrpc", "pmap_getport", "pmap_set", "pmap_unset", "pmap_rmtcall", "svc_run", "gets", "__mq_open_2"}


# ---- the client libraries ----

def installed(start):
    """The library's file, or None."""
    lines = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout.splitlines()
    return next((line.split()[-1] for line in lines if line.strip().startswith(start) and "x86-64" in line), None)


@pytest.mark.parametrize("start", LIBRARIES)
def test_client_libraries_have_nothing_uncovered(start):
    path = installed(start)
    if not path:
        pytest.skip(f"{start}* is not installed")
    _, found = scan(path)
    assert found["covered"]
    assert found["uncovered"] == {}

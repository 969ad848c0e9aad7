"""The rules of the house hold, and each check can fail: it is shown a tree that breaks its rule."""
import os
import pathlib
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.plain

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"


def run(tool, *arguments, **more):
    """-> (exit status, all it said)"""
    done = subprocess.run([TOOLS / tool, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)
    return done.returncode, done.stdout


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


# ---- folders ----

def test_folders():
    status, said = run("check-folders", ROOT)
    assert status == 0, said


@pytest.mark.parametrize("name, text, complaint", [
    ("src/base/x.c", '#include "coro/future.h"\n', "base may not include"),
    ("src/web/x.h", '#include "ops/main.h"\n', "web may not include"),
    ("src/coro/x.c", '#include "green/green.h"\n', "coro may not include"),
    ("src/green/x.c", '#include "net/stream.h"\n', "green may not include"),
    ("src/base/x.c", '#  include "arena.h"\n', 'write "base/..."'),
    ("src/misc/x.c", "", "no such room"),
    ("src/base/deep/x.c", "", "no such room"),
    ("src/x.h", "", "no such room"),
    ("helper.c", "", "in no room"),
    ("lib/helper.c", "", "in no room"),
    ("include/other/x.h", "", "public headers are"),
    ("include/gust/x.h", '#include "base/arena.h"\n', "as <gust/...>"),
    ("include/gust/x.h", "#include <openssl/ssl.h>\n", "is not libc's"),
    ("include/gust/x.h", "#include <jansson.h>\n", "is not libc's"),
    ("include/gust/x.h", "#include <gust/json.h>\n", "brings jansson.h"),
])
def test_folders_can_fail(tmp_path, name, text, complaint):
    status, said = run("check-folders", write(tmp_path, {name: text}))
    assert status == 1 and complaint in said, said


def test_folders_accept_what_is_right(tmp_path):
    status, said = run("check-folders", write(tmp_path, {
        "src/web/x.c": '#include "base/arena.h"\n#include "web/x.h"\n#include <gust/web.h>\n#include <pcre2.h>\n',
        "include/gust/json.h": "#include <gust/base.h>\n#include <jansson.h>\n#include <stddef.h>\n",
        "build/anything.c": "", "examples/demo/x.c": "", ".git/x.c": "",
    }))
    assert status == 0, said


# ---- headers ----

def test_headers():
    status, said = run("check-headers", ROOT)
    assert status == 0, said


@pytest.mark.parametrize("text, complaint", [
    ("size_t length(void);\n", "gcc -std=c17"),  # not alone
    ("struct x { int class; };\n", "g++ -std=c++17"),
    ("static int unused(void) { return 1; }\n", "-Wunused-function"),
    ("#ifdef __clang__\n#error no\n#endif\n", "clang"),
])
def test_headers_can_fail(tmp_path, text, complaint):
    status, said = run("check-headers", write(tmp_path, {"include/gust/x.h": text}))
    assert status == 1 and complaint in said, said


# ---- format ----

def test_format():
    status, said = run("check-format", cwd=ROOT)
    assert status == 0, said


def test_format_can_fail_and_mend(tmp_path):
    shutil.copy(ROOT / ".clang-format", tmp_path)
    write(tmp_path, {"src/base/x.c": "int  main(void){return 0;}\n", "build/x.c": "int  x;\n"})
    assert run("check-format", tmp_path)[0] != 0
    assert run("check-format", "--fix", tmp_path)[0] == 0
    assert run("check-format", tmp_path)[0] == 0
    assert (tmp_path / "build/x.c").read_text() == "int  x;\n"


# ---- symbols ----

def make_build(root, source, exported=""):
    """A build's folder with one object base/x, the archive and the library made of it."""
    objects = root / "CMakeFiles/gust-objects.dir/src/base"
    write(objects, {"x.c": source})
    write(root, {"x.map": "{ global: gust_*; " + exported + " local: *; };\n"})
    for command in (["gcc", "-fPIC", "-c", objects / "x.c", "-o", objects / "x.c.o"],
                    ["ar", "rc", root / "libgust.a", objects / "x.c.o"],
                    ["gcc", "-shared", f"-Wl,--version-script={root / 'x.map'}", objects / "x.c.o", "-o",
                     root / "libgust.so"]):
        subprocess.run(command, check=True)
    return root


def check_symbols(build, allowed=""):
    write(build, {"allowed": allowed})
    return run("check-symbols", "--build", build, "--allowed", build / "allowed")


def test_symbols(build):
    status, said = run("check-symbols", "--build", build)
    assert status == 0, said


SOUND = "int gust_x(void) { return 0; }\n"
CALLS_READ = "#include <unistd.h>\nlong gust_x(void) { return read(0, 0, 0); }\n"


def test_symbols_accept_what_is_right(tmp_path):
    status, said = check_symbols(make_build(tmp_path, SOUND + "static int bare(void) { return gust_x(); }\n"))
    assert status == 0, said


@pytest.mark.parametrize("source, exported, complaint", [
    ("int helper(void) { return 0; }\n", "", "defines the global helper"),
    ("int helper(void) { return 0; }\n", "helper;", "exports helper"),
    (CALLS_READ, "", "base/x calls read"),
    ("int gust__missing(void);\nint gust_x(void) { return gust__missing(); }\n", "", "uses gust__missing, which nothing"),
    ("#include <stdlib.h>\nvoid *gust_x(void) { return malloc(3); }\n", "", "base/x calls malloc"),
    ("#include <pthread.h>\nint gust_x(pthread_mutex_t *m) { return pthread_mutex_lock(m); }\n", "",
     "base/x calls pthread_mutex_lock"),
])
def test_symbols_can_fail(tmp_path, source, exported, complaint):
    status, said = check_symbols(make_build(tmp_path, SOUND.replace("gust_x", "gust_y") + source, exported))
    assert status == 1 and complaint in said, said


def test_an_allowed_call_needs_a_reason(tmp_path):
    build = make_build(tmp_path, CALLS_READ)
    assert check_symbols(build, "base/x read it is a test\n")[0] == 0
    status, said = check_symbols(build, "base/x read\n")
    assert status == 1 and "no reason" in said, said


def test_an_allowance_that_nobody_uses_is_an_error(tmp_path):
    status, said = check_symbols(make_build(tmp_path, SOUND), "base/x read it was needed once\n")
    assert status == 1 and "no longer calls read" in said, said


GREEN_MAP = "GLIBC_2.3.2 { global: pthread_cond_wait; }; GREEN { global: gust_*; };\n"
HOOKS = "GUST__HOOK(ssize_t, recv, (int fd), (fd), 0)\nGUST__HOOK(int, pthread_cond_wait, (void *c), (c), 0)\n"
GREEN = "int gust_green(void) { return 0; }\nlong recv(int fd) { return fd; }\nint pthread_cond_wait(void) { return 0; }\n"


def make_green(root, source, version_map=GREEN_MAP):
    objects = make_build(root, SOUND) / "CMakeFiles/gust-green-objects.dir/src/green"
    write(objects, {"y.c": source})
    write(root, {"green.map": version_map, "symbols.h": HOOKS})
    for command in (["gcc", "-fPIC", "-w", "-fno-builtin", "-c", objects / "y.c", "-o", objects / "y.c.o"],
                    ["ar", "rc", root / "libgust-green.a", objects / "y.c.o"],
                    ["gcc", "-shared", f"-Wl,--version-script={root / 'green.map'}", objects / "y.c.o", "-o",
                     root / "libgust-green.so"]):
        subprocess.run(command, check=True)
    write(root, {"allowed": ""})
    return run("check-symbols", "--build", root, "--allowed", root / "allowed", "--hooks", root / "symbols.h")


def test_symbols_of_the_green_layer(tmp_path):
    status, said = make_green(tmp_path, GREEN)
    assert status == 0, said


@pytest.mark.parametrize("source, version_map, complaint", [
    (GREEN.replace("recv", "send"), GREEN_MAP, "does not export recv"),
    (GREEN, GREEN_MAP.replace("gust_*", "gust_*; recv"), "does not export recv, or only under a version"),
    (GREEN + "int helper(void) { return 0; }\n", GREEN_MAP, "exports helper"),
    (GREEN + "int gust_x(int fd) { return close(fd); }\n", GREEN_MAP, "green/y calls close"),
])
def test_symbols_of_the_green_layer_can_fail(tmp_path, source, version_map, complaint):
    status, said = make_green(tmp_path, source, version_map)
    assert status == 1 and complaint in said, said


# ---- tags: who may call what ----

def test_tags():
    status, said = run("check-tags", ROOT)
    assert status == 0, said


TAGGED = "GUST_API int gust_x(void);\n"


@pytest.mark.parametrize("text, missing", [
    (TAGGED, "gust_x"),
    ("/* Does x. */\n" + TAGGED, "gust_x"),
    ("/* [all] Does x. */\n" + TAGGED, "gust_x"),
    ("/* [any] Does y. */\nGUST_API int gust_y(void);\n/* Does x. */\n" + TAGGED, "gust_x"),
    ("/* [any] Does y. */\nGUST_API int gust_y(void);\n\n" + TAGGED, "gust_x"),
    ("GUST_API int gust_y(void); /* [any] */\n" + TAGGED, "gust_x"),
    ("/* [any] A type. */\n\n/* Does x. */\nGUST_API struct x *gust_x(int (*f)(void),\n    int i);\n", "gust_x"),
    ("/* An essay: some are [any]. */\n\n" + TAGGED, "gust_x"),
])
def test_tags_can_fail(tmp_path, text, missing):
    status, said = run("check-tags", write(tmp_path, {"include/gust/x.h": "/* An essay. */\n#define X 1\n" + text}))
    assert status == 1 and said.count("does not say") == 1 and f"{missing} does not say" in said, said


@pytest.mark.parametrize("text", [
    "/* [any] Does x. */\n" + TAGGED,
    "/* Does x.\n * It waits. [blk] */\nGUST_API int gust_y(void);\n" + TAGGED,
    "GUST_API int gust_x(void); /* [loop] does x */\n",
    "/* [any, where a loop runs] */\n" + TAGGED,
    "GUST_API int gust__private(void);\n",
    "#define GUST_API __attribute__((__visibility__(\"default\")))\n/* [sig] */\n" + TAGGED,
])
def test_tags_accept_what_is_right(tmp_path, text):
    status, said = run("check-tags", write(tmp_path, {"include/gust/x.h": "/* An essay. */\n" + text}))
    assert status == 0, said


def test_a_header_may_set_the_default_tag(tmp_path):
    text = "/*\n * x.h: what is untagged is [loop]: it is for the loop's thread.\n */\n" + TAGGED
    status, said = run("check-tags", write(tmp_path, {"include/gust/x.h": text}))
    assert status == 0, said


# ---- the runner ----

def run_tests(build, **more):
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    return run("run-tests", "--unit", "--build", build, env={**environment, **more})


def test_the_runner_fails_when_nothing_ran(tmp_path):
    status, said = run_tests(write(tmp_path, {"CTestTestfile.cmake": ""}))
    assert status == 1 and said.splitlines()[-1] == "0 passed, 0 failed", said


@pytest.mark.parametrize("commands, status, last", [
    (["true"], 0, "1 passed, 0 failed"),
    (["true", "false"], 1, "1 passed, 1 failed"),
    (["true", "/does/not/exist"], 1, "1 passed, 1 failed"),
    (["true", "./skip"], 0, "1 passed, 0 failed, 1 skipped"),
])
def test_the_runner_counts(tmp_path, commands, status, last):
    write(tmp_path, {"skip": "#!/bin/sh\nexit 77\n"}).joinpath("skip").chmod(0o755)
    listing = "".join(f'add_test([=[{number}]=] "{command}")\n'
                      f'set_tests_properties([=[{number}]=] PROPERTIES SKIP_RETURN_CODE 77)\n'
                      for number, command in enumerate(commands))
    ended, said = run_tests(write(tmp_path, {"CTestTestfile.cmake": listing}))
    assert (ended, said.splitlines()[-1]) == (status, last), said


def test_in_ci_a_skip_is_a_failure(tmp_path):
    listing = 'add_test(a "true")\nadd_test(b "false")\nset_tests_properties(b PROPERTIES SKIP_RETURN_CODE 1)\n'
    build = write(tmp_path, {"CTestTestfile.cmake": listing})
    assert run_tests(build)[0] == 0
    assert run_tests(build, CI="true")[0] == 1


# ---- the reference ----

def test_the_reference_has_a_page_for_each_header(tmp_path):
    status, said = run("make-docs", tmp_path)
    assert status == 0, said
    pages = {path.stem for path in tmp_path.glob("*.md")} - {"index"}
    assert pages == {path.stem for path in (ROOT / "include/gust").glob("*.h")}

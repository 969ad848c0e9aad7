"""libgust-green comes to stand before libc however a program is linked, or says why it does not and what to do."""
import os
import subprocess

import pytest

pytestmark = pytest.mark.plain

# Two coroutines: one reads from a socket, the other writes to it. Without the layer the first blocks both.
PROGRAM = """
#include <gust/coroutine.h>
#ifdef WITH_GREEN
#include <gust/green.h>
#endif
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];

static int wait_for_it(void *unused)
{
    char room[8];
    (void)unused;
    return read(ends[0], room, sizeof(room)) == 5 ? 0 : -1;
}

static int write_it(void *unused)
{
    (void)unused;
    return write(ends[1], "hello", 5) == 5 ? 0 : -1;
}

static int both(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    gust_go(&group, wait_for_it, NULL);
    gust_go(&group, write_it, NULL);
    return gust_group_wait(&group);
}

int main(void)
{
#ifdef WITH_GREEN
    gust_green_require();
#endif
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    int result = gust_run(both, NULL, 0);
    puts(result ? "failed" : "well");
    return result ? 3 : 0;
}
"""
# What a library between the program and libgust-green does.
BETWEEN = """
#include <gust/green.h>
int between(void) { return gust_green_on() < 0; }
"""
THROUGH = """
#include <gust/error.h>
#include <stdio.h>
int between(void);
int main(void)
{
    int failed = between();
    puts(failed ? gust_error_text(gust_error_last()) : "well");
    return failed;
}
"""
DEEP = """
#include <dlfcn.h>
#include <gust/error.h>
#include <gust/green.h>
#include <stdio.h>
int main(int count, char **arguments)
{
    if (count < 2 || !dlopen(arguments[1], RTLD_NOW | RTLD_DEEPBIND))
        return 2;
    int failed = gust_green_on() < 0;
    puts(failed ? gust_error_text(gust_error_last()) : "well");
    return failed;
}
"""
READS = """
#include <unistd.h>
long reads(int fd, void *room) { return read(fd, room, 1); }
"""


def run(*command, **environment):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, env={**os.environ, **environment})
    return done.returncode, done.stdout.strip()


class Linker:
    def __init__(self, root, build, folder):
        self.folder, self.build = folder, build
        self.common = ["gcc", "-O1", "-g", f"-I{root}/include", f"-L{build}", f"-Wl,-rpath,{build}:{folder}"]

    def link(self, name, text, *flags):
        """-> the program's path"""
        source = self.folder / f"{name}.c"
        source.write_text(text)
        status, said = run(*self.common, source, "-o", self.folder / name, *flags)
        assert status == 0, said
        return self.folder / name


@pytest.fixture
def linker(root, build, tmp_path):
    return Linker(root, build, tmp_path)


def test_plain(linker):
    assert run(linker.link("x", PROGRAM, "-DWITH_GREEN", "-lgust-green", "-lgust")) == (0, "well")


def test_as_needed(linker):
    """gust_green_require is what the linker needs the library for."""
    program = linker.link("x", PROGRAM, "-DWITH_GREEN", "-Wl,--as-needed", "-lgust-green", "-lgust")
    assert run(program) == (0, "well")


def test_as_needed_would_drop_it(linker):
    """So the packages link it with --no-as-needed, for programs that only preload it or call nothing of it."""
    flags = ["-Wl,--push-state,--no-as-needed", "-lgust-green", "-Wl,--pop-state", "-lgust"]
    program = linker.link("x", PROGRAM, "-Wl,--as-needed", *flags)
    assert run(program) == (0, "well")


def test_archive_as_a_whole(linker, build):
    flags = ["-Wl,--whole-archive", f"{build}/libgust-green.a", "-Wl,--no-whole-archive", f"{build}/libgust.a"]
    assert run(linker.link("x", PROGRAM, "-DWITH_GREEN", *flags)) == (0, "well")


def test_archive(linker, build):
    """gust_green_require has every hook linked."""
    program = linker.link("x", PROGRAM, "-DWITH_GREEN", f"{build}/libgust-green.a", f"{build}/libgust.a")
    assert run(program) == (0, "well")


def test_a_program_that_is_not_position_independent(linker):
    address = PROGRAM.replace("socketpair(AF_UNIX", "int (*volatile f)(int) = close; f(-1);\n    socketpair(AF_UNIX")
    program = linker.link("x", address, "-DWITH_GREEN", "-fno-pie", "-no-pie", "-fno-pic", "-lgust-green", "-lgust")
    assert run(program) == (0, "well")


def test_preload(linker, build):
    program = linker.link("x", PROGRAM, "-lgust")
    assert run(program, LD_PRELOAD=f"{build}/libgust-green.so.0") == (0, "well")


def test_through_another_library_is_reported(linker):
    linker.link("libbetween.so", BETWEEN, "-shared", "-fPIC", "-lgust-green", "-lgust")
    program = linker.link("x", THROUGH, "-lc", f"-L{linker.folder}", "-lbetween", "-lgust")
    status, said = run(program)
    assert status == 1 and "bound to" in said and "libc.so" in said and "LD_PRELOAD" in said, said


def test_preload_mends_a_link_through_another_library(linker, build):
    linker.link("libbetween.so", BETWEEN, "-shared", "-fPIC", "-lgust-green", "-lgust")
    program = linker.link("x", THROUGH, "-lc", f"-L{linker.folder}", "-lbetween", "-lgust")
    assert run(program, LD_PRELOAD=f"{build}/libgust-green.so.0") == (0, "well")


def test_a_library_bound_elsewhere_is_named(linker):
    library = linker.link("libreads.so", READS, "-shared", "-fPIC")
    program = linker.link("x", DEEP, "-lgust-green", "-lgust", "-ldl")
    status, said = run(program, library)
    assert status == 1 and "libreads.so calls read of" in said and "RTLD_DEEPBIND" in said, said


def test_a_sanitized_program(linker):
    """ThreadSanitizer wraps libc's functions in the program itself, and comes to us from there."""
    program = linker.link("x", PROGRAM, "-DWITH_GREEN", "-fsanitize=thread", "-lgust-green", "-lgust")
    assert run(program) == (0, "well")


def test_the_hooks_are_unversioned_and_conditions_have_glibcs_node(build):
    status, said = run("nm", "-D", "--defined-only", build / "libgust-green.so")
    names = [line.split()[-1] for line in said.splitlines()]
    assert status == 0 and "recv" in names and "poll" in names
    versioned = [name for name in names if "@" in name and not name.startswith(("gust_", "pthread_cond_"))]
    assert not versioned

"""libgust-green under the feet of those who come before it: allocators that call its hooks while it looks for libc's."""
import os
import subprocess

import pytest

pytestmark = pytest.mark.plain

# An allocator as some are: it locks, reads its settings and waits, from the first allocation on, of which one is dlsym's.
ALLOCATOR = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
int allocator_calls;

static void call_hooks(void)
{
    char byte;
    pthread_mutex_lock(&mutex);
    allocator_calls++;
    (void)!read(-1, &byte, 1);
    (void)!write(-1, &byte, 1);
    (void)!recv(-1, &byte, 1, MSG_DONTWAIT);
    close(open("/dev/null", O_RDONLY));
    poll(NULL, 0, 0);
    pthread_mutex_unlock(&mutex);
}

void *malloc(size_t size) { call_hooks(); return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { call_hooks(); return __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { call_hooks(); return __libc_realloc(block, size); }
void free(void *block) { call_hooks(); __libc_free(block); }
"""
PROGRAM = r"""
#include <gust/coroutine.h>
#include <gust/green.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

extern int allocator_calls;
static int ends[2];

static int wait_for_it(void *unused)
{
    char room[8];
    free(malloc(100));
    return read(ends[0], room, sizeof(room)) == 5 ? 0 : -1;
}

static int write_it(void *unused)
{
    free(malloc(100));
    return write(ends[1], "hello", 5) == 5 ? 0 : -1;
}

static int both(void *unused)
{
    GUST_GROUP(group);
    gust_go(&group, wait_for_it, NULL);
    gust_go(&group, write_it, NULL);
    return gust_group_wait(&group);
}

int main(void)
{
    gust_green_require();
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    int result = gust_run(both, NULL, 0);
    puts(result || allocator_calls < 2 ? "failed" : "well");
    return 0;
}
"""


def run(*command, **environment):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, env={**os.environ, **environment})


@pytest.mark.parametrize("order", ["before", "after"])
def test_an_allocator_that_calls_hooks(root, build, tmp_path, order):
    (tmp_path / "allocator.c").write_text(ALLOCATOR)
    (tmp_path / "x.c").write_text(PROGRAM)
    flags = ["-w", f"-I{root / 'include'}", "-O1", "-fno-builtin"]
    done = run("gcc", *flags, "-shared", "-fPIC", str(tmp_path / "allocator.c"), "-o", str(tmp_path / "liballocator.so"))
    assert done.returncode == 0, done.stdout
    libraries = ["-lallocator", "-lgust-green"] if order == "before" else ["-lgust-green", "-lallocator"]
    done = run("gcc", *flags, str(tmp_path / "x.c"), f"-L{tmp_path}", f"-L{build}", "-Wl,--no-as-needed", *libraries, "-lgust",
               "-o", str(tmp_path / "x"))
    assert done.returncode == 0, done.stdout
    done = run(str(tmp_path / "x"), LD_LIBRARY_PATH=f"{tmp_path}:{build}")
    assert (done.returncode, done.stdout) == (0, "well\n")

"""A coroutine whose stack is too small: the process dies, and says which one it was and where."""
import signal

import pytest

import program

pytestmark = pytest.mark.plain  # a sanitizer reports overflows itself


@pytest.fixture(scope="module")
def overflow(build, root, tmp_path_factory):
    """The program, built against the library under test."""
    return program.compile_statically(build, root / "tests/programs/overflow.c",
                                      tmp_path_factory.mktemp("overflow") / "overflow", "-O0")


def test_a_shallow_recursion_is_answered(start, overflow):
    server = start(overflow)
    answer = program.talk(server.port, b"GET /dig/100 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("guards", ["install", "mprotect"])
def test_too_deep_a_recursion_is_reported_by_its_route(start, overflow, guards):
    server = start(overflow, environment={"GUST_NO_GUARD_INSTALL": "1"} if guards == "mprotect" else {})
    program.talk(server.port, b"GET /dig/100000 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert server.process.wait(program.PATIENCE) == -signal.SIGSEGV
    server.wait_for_line(r'the stack of coroutine "/dig/\(\\d\+\)" overflowed')
    server.wait_for_line(r"program\+0x[0-9a-f]+")
    server.stopped = True

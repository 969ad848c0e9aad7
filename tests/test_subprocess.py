"""What a request started ends with it: the program, and what that started in turn, killed and reaped."""
import os
import signal

import pytest

import program

pytestmark = pytest.mark.plain  # built here, by the plain compiler


@pytest.fixture(scope="module")
def compiled(build, root, tmp_path_factory):
    return program.compile_statically(build, root / "tests/programs/children.c",
                                      tmp_path_factory.mktemp("children") / "children")


@pytest.fixture
def server(start, compiled):
    return start(compiled)


def text_of(path):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()


def ask(server, path):
    """-> the status, and the number of the process that was started last"""
    status = int(program.talk(server.port, text_of(path)).split()[1])
    return status, int(program.talk(server.port, text_of("/last")).rpartition(b"\r\n\r\n")[2])


def ask_and_leave(server, path):
    """The client goes while its process runs. -> the process's number"""
    with program.connect(server.port) as connection:
        connection.sendall(text_of(path))
        assert program.wait_until(lambda: len(program.members(server.pid)) == 3)
    return ask(server, "/last")[1]


def check_runs(server, shell):
    """The shell, and its child: nothing else beside the server."""
    assert program.wait_until(lambda: len(program.members(server.pid)) == 3) and shell in program.members(server.pid)


def check_gone(server, shell):
    """Of all that was started nothing runs, and the shell has been reaped: it is not even a zombie."""
    assert program.wait_until(lambda: program.members(server.pid) == [server.pid]), program.members(server.pid)
    assert program.wait_until(lambda: not os.path.exists(f"/proc/{shell}"))


def test_a_handler_that_ends_leaves_no_process(server):
    status, shell = ask(server, "/leave")
    assert status == 200
    check_gone(server, shell)


def test_a_handler_that_fails_leaves_no_process(server):
    status, shell = ask(server, "/fail")
    assert status == 409
    check_gone(server, shell)


def test_a_handler_that_runs_out_of_time_leaves_no_process(server):
    status, shell = ask(server, "/timeout")
    assert status == 409
    check_gone(server, shell)


def test_a_client_that_leaves_ends_the_process_where_the_route_says_so(server):
    check_gone(server, ask_and_leave(server, "/gone"))


def test_a_client_that_leaves_ends_no_process_elsewhere(server):
    """The handler goes on, and its process with it, until that ends."""
    shell = ask_and_leave(server, "/wait")
    check_runs(server, shell)
    os.kill(shell, signal.SIGTERM)
    check_gone(server, shell)


def test_a_detached_one_outlives_its_request_until_it_is_freed(server):
    shell = ask(server, "/detached")[1]
    check_runs(server, shell)
    ask(server, "/free")
    check_gone(server, shell)


def test_many_requests_leave_no_process(server):
    for _ in range(20):
        assert ask(server, "/leave")[0] == 200
    check_gone(server, ask(server, "/leave")[1])

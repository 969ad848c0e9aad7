"""The fixtures notice what they are there to notice."""
import pathlib

import pytest

import program

pytestmark = pytest.mark.plain

SERVER = pathlib.Path(__file__).with_name("server_for_tests.py")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(program, "PATIENCE", 2)


def run(fault):
    """-> what was wrong with a server that has this fault, after one exchange"""
    server = program.Program([SERVER, fault])
    try:
        program.talk(server.port, b"hello\n")
    finally:
        problems = server.stop()
    assert not program.members(server.pid)
    return "; ".join(problems)


def test_a_sound_server_passes(start):
    server = start(SERVER, "none")
    assert program.talk(server.port, b"hello\n") == b"hello\n"
    assert server.stop() == []


@pytest.mark.parametrize("fault, problem", [
    ("leak", "descriptors leaked"),
    ("crash", "status -6"),
    ("sanitizer", "a sanitizer reported"),
    ("child", "left processes behind"),
    ("deaf", "did not stop"),
])
def test_a_fault_is_noticed(fault, problem):
    assert problem in run(fault)


def test_the_fixture_raises_what_was_wrong():
    with pytest.raises(AssertionError, match="descriptors leaked"):
        with program.Starter(SERVER.parent) as starter:
            program.talk(starter.start(SERVER.name, "leak").port, b"hello\n")


def test_a_server_that_does_not_listen_is_an_error():
    with pytest.raises(AssertionError, match="did not say where it listens"):
        program.Program([SERVER, "silent"])


def test_talk_does_not_wait_for_ever():
    server = program.Program([SERVER, "slow"])
    with pytest.raises(TimeoutError):
        program.talk(server.port, b"hello\n", seconds=0.3)
    server._kill()

"""What every test from outside has at hand."""
import os
import pathlib

import pytest

import program

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def build():
    """The build under test: GUST_BUILD, or build/."""
    return pathlib.Path(os.environ.get("GUST_BUILD", ROOT / "build")).resolve()


@pytest.fixture
def start(build):
    """start("hello", "--processes", "2") starts an example on a free port of 127.0.0.1 and returns a Program.

    When the test ends, the program is asked to stop, and the test fails if it had crashed, a sanitizer spoke, it
    held more descriptors than when it began to listen, or it left a process behind.
    """
    with program.Starter(build / "examples") as starter:
        yield starter.start


@pytest.fixture(scope="session")
def talk():
    """talk(port, b"GET / HTTP/1.0\\r\\n\\r\\n") -> all that the peer sent until it closed."""
    return program.talk

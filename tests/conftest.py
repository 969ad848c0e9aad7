"""What every test from outside has at hand."""
import os
import pathlib

import pytest

import browser
import program
import servers

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("GUST_BUILD", ROOT / "build")).resolve()


def instrumented():
    """Whether the build's code is not what people install: sanitizers, faults to order."""
    if not (BUILD / "CMakeCache.txt").exists():
        return False
    cache = dict(line.partition("=")[::2] for line in (BUILD / "CMakeCache.txt").read_text().splitlines())
    return bool(cache.get("GUST_SANITIZE:STRING")) or "ON" in (cache.get("GUST_FAULTS:BOOL"),
                                                               cache.get("GUST_LIBFUZZER:BOOL"))


def pytest_collection_modifyitems(config, items):
    if instrumented():
        dropped = [item for item in items if item.get_closest_marker("plain")]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def build():
    """The build under test: GUST_BUILD, or build/."""
    return BUILD


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


def one_for_all(kind):
    @pytest.fixture(scope="session", name=kind.name)
    def fixture():
        started = kind().start()
        yield started
        started.stop()

    fixture.__doc__ = f"A {kind.name} server of its own, started when first asked for: servers.{kind.__name__}."
    return fixture


postgresql = one_for_all(servers.Postgresql)
mariadb = one_for_all(servers.Mariadb)
redis = one_for_all(servers.Redis)
memcached = one_for_all(servers.Memcached)
https = one_for_all(servers.Https)
rabbitmq = one_for_all(servers.Rabbitmq)
mongodb = one_for_all(servers.Mongodb)


@pytest.fixture(scope="session")
def odbc_drivers(tmp_path_factory):
    """What a program's environment needs to find both drivers, each without a lock for all its connections."""
    return {"ODBCSYSINI": str(servers.write_odbc_drivers(tmp_path_factory.mktemp("odbc")))}


@pytest.fixture(scope="session")
def chromium():
    """One Chromium for all tests: browser.Browser."""
    with browser.Browser() as started:
        yield started


@pytest.fixture
def page(chromium):
    """A tab with cookies of its own: browser.Page."""
    opened = chromium.page()
    yield opened
    opened.close()

"""green_load: many blocking calls of plain libraries at once, on one thread, against real servers."""
import os
import re
import subprocess

import pytest

# One after the other would be `count` times one call. How much less it is depends on the machine and on what else it
# does; that it is much less does not.
LEAST_GAIN = 4


def green_load(build, *arguments, environment=None):
    """-> (exit status, what it said)"""
    done = subprocess.run([build / "examples/green_load", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90,
                          env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout


def load(build, kind, url, count, *more, seconds="0.2", environment=None):
    """Runs it and looks at what it measured."""
    status, said = green_load(build, f"--kind={kind}", f"--url={url}", f"--count={count}", f"--seconds={seconds}",
                              f"--max-ratio={count / LEAST_GAIN}", *more, environment=environment)
    assert status == 0, said
    assert re.search(rf"^{count} at once: ", said, re.M), said


def test_200_queries_of_libpq_at_once(build, postgresql):
    load(build, "postgresql", postgresql.url, 200)


def test_200_queries_of_libmariadb_at_once(build, mariadb):
    load(build, "mariadb", mariadb.url, 200)


def test_200_blocking_pops_of_hiredis_at_once(build, redis):
    load(build, "redis", redis.url, 200)


def test_200_finds_of_libmongoc_at_once(build, mongodb):
    """Against a stub: no server of MongoDB is packaged."""
    load(build, "mongodb", mongodb.url, 200)


def test_50_transfers_of_libcurl_at_once_under_a_name_that_has_to_be_looked_up(build, https):
    load(build, "https", https.url, 50, f"--certificate={https.certificate}")


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_50_odbc_queries_at_once(build, request, odbc_drivers, kind):
    load(build, "odbc", request.getfixturevalue(kind).odbc, 50, environment=odbc_drivers)


def test_a_call_that_fails_is_told(build, postgresql):
    status, said = green_load(build, "--kind=postgresql", f"--url={postgresql.url}?options=-cstatement_timeout%3D50",
                              "--count=20")
    assert status == 1 and "canceling statement due to statement timeout" in said, said


def test_a_connection_that_does_not_open_is_told(build, postgresql):
    status, said = green_load(build, "--kind=postgresql", f"--url={postgresql.url}-missing", "--count=2")
    assert status == 1 and 'database "postgres-missing" does not exist' in said, said


def test_a_ratio_that_is_exceeded_is_told(build, redis):
    status, said = green_load(build, "--kind=redis", f"--url={redis.url}", "--count=3", "--max-ratio=0.01")
    assert status == 1 and "more than 0.01 times one call" in said, said


@pytest.mark.parametrize("arguments", [[], ["--kind=postgresql"], ["--kind=none", "--url=x"],
                                       ["--kind=redis", "--url=x", "--count=0"], ["--kind=redis", "--url=x", "more"],
                                       ["--kind=redis", "--url=x", "--count=10001"]])
def test_a_command_line_that_makes_no_sense(build, arguments):
    status, said = green_load(build, *arguments)
    assert status == 2 and "usage: green_load" in said, said

"""The recipes of docs/pool-recipes.md: each compiles as it stands, and survives being interrupted."""
import os
import re
import subprocess

import pytest

pytestmark = pytest.mark.plain

# The page's heading: what pkg-config calls the library.
RECIPES = {"libpq": "libpq", "libmariadb": "libmariadb", "hiredis": "hiredis", "ODBC": "odbc", "libcurl": "libcurl",
           "libmemcached": "libmemcached", "librabbitmq": "librabbitmq",
           "libmongoc": "libmongoc-1.0"}
WARNINGS = ["-std=gnu17", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-O2", "-g"]


def recipes(root):
    """-> {heading: its C}"""
    sections = re.split(r"^## ", (root / "docs/pool-recipes.md").read_text(), flags=re.M)[1:]
    return {section.partition("\n")[0]: re.search(r"^```c\n(.*?)^```$", section, re.M | re.S).group(1)
            for section in sections}


def flags(what, package):
    return subprocess.run(["pkg-config", what, package], capture_output=True, text=True, check=True).stdout.split()


def test_every_recipe_is_tested(root):
    assert set(recipes(root)) == set(RECIPES)


@pytest.mark.parametrize("compiler", ["gcc", "clang-14"])
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_compiles_as_it_stands(root, tmp_path, name, compiler):
    (tmp_path / "recipe.c").write_text(recipes(root)[name])
    done = subprocess.run([compiler, *WARNINGS, "-I", root / "include", *flags("--cflags", RECIPES[name]), "-c",
                           tmp_path / "recipe.c", "-o", tmp_path / "recipe.o"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def interrupt(root, build, tmp_path_factory):
    """interrupt("libpq", where) -> what green_interrupt said of this recipe"""
    folder = tmp_path_factory.mktemp("recipes")

    def compile_recipe(name):
        program = folder / f"green_interrupt_{name}"
        if not program.exists():
            (folder / f"{name}.h").write_text(recipes(root)[name])
            programs = root / "tests/programs"
            done = subprocess.run(
                ["gcc", *WARNINGS, f"-DRECIPE=\"{folder / name}.h\"", f"-DCLIENT=\"interrupt_{name.lower()}.h\"", "-I",
                 root / "include", "-I", programs, *flags("--cflags", RECIPES[name]), programs / "green_interrupt.c",
                 "-o", program, "-Wl,--no-as-needed", f"-L{build}", "-lgust-green", "-lgust", f"-Wl,-rpath,{build}",
                 "-Wl,--as-needed", *flags("--libs", RECIPES[name])], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        return program

    def run(name, where, *more, environment=None, status=0):
        done = subprocess.run([compile_recipe(name), where, *more], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=90, env={**os.environ, **(environment or {})})
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


# 5 rounds with 2 interruptions each, and 3 questions on the connection after each of them.
ALL_DEAD = "interrupted 10, then dead 30, answered 0\n"
CONNECTED_ANEW = "interrupted 10, then dead 0, answered 30\n"


def test_an_interrupted_libpq_never_shows_earlier_rows(interrupt, postgresql):
    assert interrupt("libpq", postgresql.url) == ALL_DEAD


def test_left_alone_an_interrupted_libpq_shows_them(interrupt, postgresql):
    """Why the layer shuts the socket down, and that these tests would see it if it did not."""
    assert "the answer to an earlier question: earlier" in interrupt("libpq", postgresql.url, "keep", status=1)


def test_an_interrupted_libmariadb_never_shows_earlier_rows(interrupt, mariadb):
    assert interrupt("libmariadb", mariadb.url) == ALL_DEAD


def test_an_interrupted_hiredis_never_shows_earlier_replies(interrupt, redis):
    assert interrupt("hiredis", redis.url) == ALL_DEAD


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_an_interrupted_odbc_driver_never_shows_earlier_rows(interrupt, request, odbc_drivers, kind):
    assert interrupt("ODBC", request.getfixturevalue(kind).odbc, environment=odbc_drivers) == ALL_DEAD


def test_an_interrupted_libcurl_connects_anew(interrupt, https):
    said = interrupt("libcurl", https.url, environment={"GUST_CERTIFICATE": str(https.certificate)})
    assert said == CONNECTED_ANEW


def test_an_interrupted_libmemcached_never_shows_earlier_values(interrupt, memcached):
    assert interrupt("libmemcached", f"--SERVER={memcached.host}:{memcached.port}",
                     environment={"GUST_MEMCACHED_PID": str(memcached.process.pid)}) == CONNECTED_ANEW


def test_an_interrupted_librabbitmq_never_shows_earlier_messages(interrupt, rabbitmq):
    assert interrupt("librabbitmq", rabbitmq.url) == ALL_DEAD


def test_an_interrupted_libmongoc_never_shows_earlier_documents(interrupt, mongodb):
    """Against a stub: no server of MongoDB is packaged. It connects anew at once, within the same scope: mostly that is
    interrupted too, and then it does not try again for a while."""
    said = interrupt("libmongoc", mongodb.url)
    dead, answered = map(int, re.fullmatch(r"interrupted 10, then dead (\d+), answered (\d+)\n", said).groups())
    assert dead + answered == 30

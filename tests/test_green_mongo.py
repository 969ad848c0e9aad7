"""libmongoc on coroutines, against a stub that speaks enough of the protocol: no server of MongoDB is packaged."""
import re
import subprocess

import pytest

from test_green_load import LEAST_GAIN
from test_green_recipes import WARNINGS, flags

pytestmark = pytest.mark.plain


@pytest.fixture(scope="module")
def program(root, build, tmp_path_factory):
    compiled = tmp_path_factory.mktemp("mongo") / "green_mongo"
    done = subprocess.run(
        ["gcc", *WARNINGS, "-I", root / "include", *flags("--cflags", "libmongoc-1.0"),
         root / "tests/programs/green_mongo.c", "-o", compiled, "-Wl,--no-as-needed", f"-L{build}", "-lgust-green",
         "-lgust", f"-Wl,-rpath,{build}", "-Wl,--as-needed", *flags("--libs", "libmongoc-1.0")],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return compiled


@pytest.mark.parametrize("kind", ["single", "pool"])
def test_forty_coroutines_talk_to_mongodb_at_once(program, mongodb, kind):
    done = subprocess.run([program, mongodb.url, kind], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=90)
    assert done.returncode == 0, done.stdout
    one, count, all_at_once = map(int, re.fullmatch(r"one: (\d+) ms, (\d+): (\d+) ms\n", done.stdout).groups())
    assert one >= 200 and all_at_once < one * count / LEAST_GAIN

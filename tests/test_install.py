"""What make install leaves can be built against: with pkg-config and with find_package, shared and static."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.plain

PROGRAM = """
#include <gust/base.h>
#include <stdio.h>

int main(void)
{
    puts(gust_version_string());
    return gust_version() == GUST_VERSION ? 0 : 1;
}
"""
CMAKE = """
cmake_minimum_required(VERSION 3.22)
project(x LANGUAGES C)
find_package(gust REQUIRED)
add_executable(shared x.c)
target_link_libraries(shared PRIVATE gust::gust)
add_executable(static x.c)
target_link_libraries(static PRIVATE gust::gust_static)
add_executable(green x.c)
target_link_libraries(green PRIVATE gust::green)
"""


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **more)
    assert done.returncode == 0, f"{command}:\n{done.stdout}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def prefix(build, tmp_path_factory):
    """Installed, then moved: nothing in it may remember where it was."""
    first = tmp_path_factory.mktemp("installed") / "first"
    run("cmake", "--install", build, "--prefix", first)
    return first.rename(first.with_name("moved"))


@pytest.fixture(scope="module")
def libraries(prefix):
    return next(prefix.rglob("libgust.a")).parent


@pytest.fixture
def source(tmp_path):
    (tmp_path / "x.c").write_text(PROGRAM)
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    return tmp_path


def pkg_config(libraries, *arguments, package="gust"):
    paths = f"{libraries / 'pkgconfig'}:{os.environ.get('PKG_CONFIG_PATH', '')}"
    return run("pkg-config", *arguments, package, env={**os.environ, "PKG_CONFIG_PATH": paths})


def needs_gust(program):
    return "libgust.so.0" in run("readelf", "-d", program)


def version(root=pathlib.Path(__file__).resolve().parent.parent):
    text = (root / "include/gust/base.h").read_text()
    return ".".join(re.search(rf"define GUST_VERSION_{part} (\d+)", text).group(1) for part in ("MAJOR", "MINOR", "PATCH"))


def test_the_files_are_where_people_look(prefix, libraries):
    assert (prefix / "include/gust/gust.h").exists()
    assert os.readlink(libraries / "libgust.so") == "libgust.so.0"
    assert not [path for path in prefix.rglob("*") if path.suffix == ".c" or path.stem.endswith("_test")]


def test_the_version_is_one(libraries):
    assert pkg_config(libraries, "--modversion") == version()


def test_pkg_config_shared(source, libraries):
    flags = shlex.split(pkg_config(libraries, "--cflags", "--libs"))
    run("gcc", source / "x.c", *flags, "-o", source / "x")
    assert needs_gust(source / "x")
    assert run(source / "x", env={"LD_LIBRARY_PATH": str(libraries)}) == version()


def needed(program):
    return re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", program))


def test_pkg_config_green(source, libraries):
    """Before libc, and there although nothing refers to it."""
    flags = shlex.split(pkg_config(libraries, "--cflags", "--libs", package="gust-green"))
    run("gcc", "-Wl,--as-needed", source / "x.c", *flags, "-o", source / "x")
    assert needed(source / "x")[0] == "libgust-green.so.0"
    assert run(source / "x", env={"LD_LIBRARY_PATH": str(libraries)}) == version()


def test_pkg_config_static(source, libraries):
    """Static libgust, with the system's other libraries as they come."""
    flags = shlex.split(pkg_config(libraries, "--cflags", "--libs", "--static"))
    flags = ["-l:libgust.a" if flag == "-lgust" else flag for flag in flags]
    run("gcc", source / "x.c", *flags, "-o", source / "x")
    assert not needs_gust(source / "x")
    assert run(source / "x") == version()


def test_find_package(source, prefix):
    folder = source / "build"
    run("cmake", "-S", source, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", folder)
    assert needs_gust(folder / "shared") and not needs_gust(folder / "static")
    assert needed(folder / "green")[0] == "libgust-green.so.0"
    assert run(folder / "shared") == run(folder / "static") == version()


TEMPLATES = """
cmake_minimum_required(VERSION 3.22)
project(x LANGUAGES C)
find_package(gust REQUIRED)
add_executable(x x.c)
gust_add_templates(x DIRECTORY pages NAME pages WHITESPACE oneline)
target_link_libraries(x PRIVATE gust::gust)
"""
RENDERS = """
#include <gust/template.h>
#include <stdio.h>

extern const gust_compiled_templates pages;

int main(void)
{
    gust_templates *templates = gust_templates_new();
    gust_templates_add_compiled(templates, &pages);
    char *text = gust_render_text(templates, NULL, "hello.html", "{s:s}", "name", "<you>");
    return !text || puts(text) < 0;
}
"""


def test_templates_are_compiled_into_programs(tmp_path, prefix):
    (tmp_path / "pages").mkdir()
    page = tmp_path / "pages/hello.html"
    page.write_text("Hello\n  {{ name }}!")
    (tmp_path / "x.c").write_text(RENDERS)
    (tmp_path / "CMakeLists.txt").write_text(TEMPLATES)
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build")
    assert run(tmp_path / "build/x") == "Hello &lt;you&gt;!"
    page.write_text("Bye {{ name }}")
    run("cmake", "--build", tmp_path / "build")
    page.unlink()
    assert run(tmp_path / "build/x") == "Bye &lt;you&gt;"


def test_destdir_is_honoured(build, tmp_path):
    run("cmake", "--install", build, "--prefix", "/opt/gust", env={**os.environ, "DESTDIR": str(tmp_path)})
    assert (tmp_path / "opt/gust/include/gust/gust.h").exists()
    shutil.rmtree(tmp_path / "opt")

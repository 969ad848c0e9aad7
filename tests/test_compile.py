"""Programs that must not compile, each with the words the compiler has to say, and programs that must.

tests/compile_fail/x.c begins with the line   /* error: REGEX */   (or with two, /* gcc: REGEX */ and
/* clang: REGEX */). If it contains `#ifndef SOUND`, it is compiled again with -DSOUND and must then pass: so it fails
for the reason that it is about.
tests/compile_pass/x.c compiles as C17, and as C++17 too when its first line names that.
"""
import pathlib
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.plain

HERE = pathlib.Path(__file__).resolve().parent
COMPILERS = {"gcc": "gcc", "clang": shutil.which("clang-14") or "clang"}
LANGUAGES = {"c17": ["-x", "c", "-std=gnu17"], "c++17": ["-x", "c++", "-std=gnu++17"]}


def compile_it(path, compiler, language="c17", define=()):
    """-> (exit status, what the compiler said)"""
    done = subprocess.run([COMPILERS[compiler], *LANGUAGES[language], "-O1", "-Wall", "-Wextra", "-Werror",
                           "-I", HERE.parent / "include", *define, "-c", path, "-o", "/dev/null"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stderr


def expectations(text):
    """-> {compiler: regex}, from a compile_fail file's first lines"""
    found = dict(re.findall(r"^/[/*] (error|gcc|clang): (.+?)(?: \*/)?$", text, re.MULTILINE))
    return {compiler: found.get(compiler, found.get("error")) for compiler in COMPILERS}


def fails_as_said(path, compiler):
    """-> what is wrong: the file compiled, or failed for another reason; None when all is well"""
    text = path.read_text()
    pattern = expectations(text)[compiler]
    if pattern is None:
        return "its first lines do not say /* error: REGEX */"
    status, said = compile_it(path, compiler)
    if status == 0:
        return "it compiles"
    if not re.search(rf"error: .*{pattern}", said):
        return f"no error matches {pattern!r}:\n{said}"
    if "#ifndef SOUND" in text:
        status, said = compile_it(path, compiler, define=["-DSOUND"])
        if status != 0:
            return f"without its fault it does not compile either:\n{said}"
    return None


def passing():
    for path in sorted(HERE.glob("compile_pass/*.c")):
        for compiler in COMPILERS:
            yield pytest.param(path, compiler, "c17", id=f"{path.name}-{compiler}-c17")
            if "C++17" in path.read_text().partition("\n")[0]:
                yield pytest.param(path, compiler, "c++17", id=f"{path.name}-{compiler}-c++17")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("path", sorted(HERE.glob("compile_fail/*.c")), ids=lambda path: path.name)
def test_it_must_not_compile(path, compiler):
    assert fails_as_said(path, compiler) is None


@pytest.mark.parametrize("path, compiler, language", passing())
def test_it_must_compile(path, compiler, language):
    status, said = compile_it(path, compiler, language)
    assert status == 0, said


@pytest.mark.parametrize("text, complaint", [
    ("// error: anything\nint x;\n", "it compiles"),
    ("// error: too few arguments\nint x = y;\n", "no error matches"),
    ("int x = y;\n", "do not say"),
    ("// error: undeclared\n#ifndef SOUND\nint x = y;\n#endif\nint z = u;\n", "does not compile either"),
])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_runner_can_fail(tmp_path, text, complaint, compiler):
    path = tmp_path / "x.c"
    path.write_text(text)
    assert complaint in (fails_as_said(path, compiler) or "")

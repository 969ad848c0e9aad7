"""What the assembly of the switch says about itself to linkers: IBT and BTI, but no shadow stack."""
import pathlib
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.plain

CORO = pathlib.Path(__file__).resolve().parent.parent / "src" / "coro"


def properties(*command):
    """The x86 or aarch64 features that readelf finds in what the command writes to its last argument."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    said = subprocess.run(["readelf", "-n", command[-1]], check=True, capture_output=True, text=True).stdout
    lines = [line for line in said.splitlines() if "feature:" in line]
    return {word.strip(",") for line in lines for word in line.partition("feature:")[2].split()}


def native(source, output, *more):
    return properties("gcc", "-fcf-protection=full", *more, source, "-o", output)


def needs(tool):
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")


def test_x86_64_marks_ibt_and_withholds_the_shadow_stack(tmp_path):
    needs("gcc")
    if "x86_64" not in subprocess.run(["gcc", "-dumpmachine"], capture_output=True, text=True).stdout:
        pytest.skip("the compiler is for another processor")
    assert native(CORO / "switch_x86_64.S", tmp_path / "switch.o", "-c") == {"IBT"}
    (tmp_path / "other.c").write_text("int other(void) { return 0; }")
    assert native(tmp_path / "other.c", tmp_path / "other.o", "-c") == {"IBT", "SHSTK"}
    linked = properties("gcc", "-shared", "-nostdlib", tmp_path / "switch.o", tmp_path / "other.o", "-o",
                        tmp_path / "both.so")
    assert linked == {"IBT"}


def test_aarch64_marks_bti_alone(tmp_path):
    needs("aarch64-linux-gnu-gcc")
    assert properties("aarch64-linux-gnu-gcc", "-c", CORO / "switch_aarch64.S", "-o", tmp_path / "switch.o") == {"BTI"}


@pytest.mark.parametrize("compiler, source", [("gcc", "switch_x86_64.S"), ("aarch64-linux-gnu-gcc", "switch_aarch64.S")])
def test_the_stack_stays_without_execute_permission(tmp_path, compiler, source):
    needs(compiler)
    subprocess.run([compiler, "-c", CORO / source, "-o", tmp_path / "switch.o"], check=True)
    said = subprocess.run(["readelf", "-SW", tmp_path / "switch.o"], check=True, capture_output=True, text=True).stdout
    line = next(line for line in said.splitlines() if ".note.GNU-stack" in line)
    assert "X" not in line.split("00000000", 1)[1].split()

"""docs/green.md keeps to what is there: the hooks, the tests that it names, the differences that the tests allow."""
import pathlib
import re

import pytest

pytestmark = pytest.mark.plain

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/green.md").read_text()


def section(title):
    """The text under a heading."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(title):
    """-> the cells of each row of the section's table, without its head"""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def names_in(text):
    return re.findall(r"`([A-Za-z0-9_]+)`", text)


def known_tests():
    """Every function of a test."""
    files = [*ROOT.glob("src/*/*_test.c"), *ROOT.glob("src/*/*_test.cc"), *ROOT.glob("tests/green/*.c")]
    names = {name for file in files for name in re.findall(r"^static \w+ (\w+)\(", file.read_text(), re.MULTILINE)}
    return names | {name for file in ROOT.glob("tests/test_*.py")
                    for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)}


def test_the_table_and_the_hooks_agree():
    listed = [name for row in rows("What is covered") for name in names_in(row[2])]
    hooks = re.findall(r"^GUST__HOOK\(.*?, (\w+), \(", (ROOT / "src/green/symbols.h").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(hooks)


def test_what_blocks_without_a_hook_is_not_listed_as_one_that_waits():
    assert not re.findall(r"^GUST__LATER\((\w+)\)", (ROOT / "src/green/symbols.h").read_text(), re.MULTILINE)


@pytest.mark.parametrize("title", ["Limits", "The hard cases"])
def test_each_row_names_tests_that_there_are(title):
    known = known_tests()
    table = rows(title)
    assert len(table) > 8
    for row in table:
        named = names_in(row[2])
        assert named or row[2].startswith("none: "), row
        assert not set(named) - known, row


def test_all_hard_cases_are_there():
    """15 is no number of the list, as two were one."""
    numbers = [int(row[0].split()[0]) for row in rows("The hard cases") if row[0][0].isdigit()]
    assert numbers == [number for number in range(1, 31) if number != 15]


def test_the_differences_are_those_that_the_tests_allow():
    reasons = set()
    for file in ROOT.glob("tests/green/*_differential.c"):
        text = file.read_text()
        macros = dict(re.findall(r'^#define (\w+) +"([^"]*)"', text, re.MULTILINE))
        table = text.partition("differential_difference differences")[2].partition("};")[0]
        for entry in re.findall(r'\{"[^{}]*\}', table):
            last = entry.strip("{}").split(",")[-1].strip() if '"' not in entry.split(",")[-1] else None
            reasons.add(macros[last] if last in macros else re.findall(r'"([^"]*)"', entry)[-1])
    assert {row[0] for row in rows("Where a coroutine differs from a thread")} == reasons

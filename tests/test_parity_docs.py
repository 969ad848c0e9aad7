"""docs/tornado-parity.md keeps to what is there: each row names tests that exist, or says that it comes later."""
import pathlib
import re

import pytest

pytestmark = pytest.mark.plain

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/tornado-parity.md").read_text()
TEST = re.compile(r"`((?:src|tests)/[\w./]+)::(\w+)`")


def rows(page):
    """-> the cells of each row of the page's tables, without their heads"""
    lines = [line for line in page.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [cells for cells in ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines)
            if cells[-1] != "shown by"]


def named_in(file):
    """-> the names of a file's tests: functions, and those that a macro names"""
    if not (ROOT / file).is_file():
        return set()
    text = (ROOT / file).read_text()
    if file.endswith(".py"):
        return set(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))
    return set(re.findall(r"^static (?:void|int) (\w+)\((?:void|int)\b", text, re.MULTILINE)) | set(re.findall(r"^GUST_TEST\((\w+)\)", text, re.MULTILINE))


def complaints(page):
    """-> what is wrong with the page's rows"""
    found = []
    for row in rows(page):
        named = TEST.findall(row[-1])
        if not named and not row[-1].startswith(("later: ", "none: ")):
            found.append(f"no test: {row[0]}")
        found += [f"no such test: {file}::{name}" for file, name in named if name not in named_in(file)]
        found += [f"not a test: {word}" for word in re.findall(r"`([^`]*::[^`]*)`", row[-1]) if not TEST.fullmatch(f"`{word}`")]
    return found


def test_each_row_names_tests_that_there_are():
    assert len(rows(PAGE)) > 120 and complaints(PAGE) == []


@pytest.mark.parametrize("cell, complaint", [
    ("", "no test: x"), ("`tests/test_nothing.py::test_x`", "no such test: tests/test_nothing.py::test_x"),
    ("`tests/test_parity_docs.py::test_nothing`", "no such test: tests/test_parity_docs.py::test_nothing"),
    ("`src/web/route_test.c::test_nothing`", "no such test: src/web/route_test.c::test_nothing"),
    ("`test_parity_docs.py::rows`", "no test: x"),
])
def test_a_row_can_be_wrong(cell, complaint):
    assert complaint in complaints(f"| Tornado | here | shown by |\n|---|---|---|\n| x | y | {cell} |\n")


def test_a_row_can_be_right():
    assert complaints("| x | y | `tests/test_parity_docs.py::test_a_row_can_be_right` |\n| x | | later: soon |\n") == []


def anchors_of(page):
    """-> the anchors of a page's headings, as GitHub makes them"""
    headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([\w.-]+)#([\w-]+)\)", PAGE)
    assert len(links) > 10
    assert [link for link in links if link[1] not in anchors_of(link[0])] == []

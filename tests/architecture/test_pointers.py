"""From a rule to its code and its test: what modules say of the specification and of their tests is so.

A module's first lines name the pages and sections that it follows and the tests that prove it
(CONTRIBUTING.md, style 1). A pointer that leads nowhere fails here, and so does a section of the
specification that no module of the product names. Steps, codes and tables have tests of their own:
tests/unit/check/test_judge.py, tests/hostile/test_catalogue.py,
tests/unit/check/test_texts.py, tests/unit/anchor/test_spec_table.py.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("verifier", "notary", "api")
POINTER = re.compile(rf"\b(?:{'|'.join((*PRODUCT, 'tests', 'docs', 'contracts'))})/[\w./-]*\w")
# `format.md §9 to §11`: a section belongs to the page before it. Others' papers are no pages of ours.
SECTION = re.compile(r"([\w-]+\.md)|§(\d+)(?: to §(\d+))?(?!\.?\d)")


@cache
def docstrings(*folders: str) -> dict[str, str]:
    """The first lines of every module, by its path."""
    found = {}
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            text = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
            found[file.relative_to(ROOT).as_posix()] = text
    return found


@cache
def sections() -> frozenset[tuple[str, int]]:
    """Page and number of every numbered section of the specification."""
    return frozenset(
        (page.name, int(number))
        for page in (ROOT / "docs/spec").glob("*.md")
        for number in re.findall(r"^## (\d+)\. ", page.read_text("utf-8"), re.MULTILINE)
    )


def named_sections(text: str) -> set[tuple[str, int]]:
    """Page and number of every section that a docstring names."""
    found, page = set(), None
    for match in SECTION.finditer(text):
        if match[1] is not None:
            page = match[1]
        elif page is not None:
            first = int(match[2])
            found |= {(page, number) for number in range(first, int(match[3] or first) + 1)}
    return found


def test_sections_are_read_as_people_write_them() -> None:
    text = "Follows docs/spec/format.md §9 to §11, §13 and anchor.md §5; RFC 8032 §5.1."
    wanted = {("format.md", number) for number in (9, 10, 11, 13)} | {("anchor.md", 5)}
    assert named_sections(text) == wanted
    assert len(sections()) > 40


def test_what_a_module_points_to_is_there() -> None:
    astray = {}
    for path, text in docstrings(*PRODUCT, "tests").items():
        files = [one for one in POINTER.findall(text) if not (ROOT / one).exists()]
        if faults := [*files, *named_sections(text) - sections()]:
            astray[path] = faults
    assert astray == {}


@pytest.mark.parametrize(("page", "number"), sorted(sections()))
def test_a_module_names_the_section(page: str, number: int) -> None:
    texts = docstrings(*PRODUCT).values()
    assert any((page, number) in named_sections(text) for text in texts)

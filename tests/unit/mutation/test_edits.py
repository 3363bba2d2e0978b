"""Proves tests/mutation: which faults it makes of a module, and that it tells noticed from unnoticed ones."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.edits import edits

ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted((ROOT / "verifier").rglob("*.py"))


def faults(source: str) -> list[str]:
    """The module with each of its faults, as text."""
    tree = ast.parse(source)
    made = []
    for edit in edits(tree):
        edit.exchange()
        made.append(ast.unparse(tree))
        edit.exchange()
    assert ast.dump(tree) == ast.dump(ast.parse(source))
    return made


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a == b", {"x = a != b"}),
        ("x = a < b <= c", {"x = a <= b <= c", "x = a < b < c", "x = a < b", "x = b <= c"}),
        ("x = (a, b) == (c, d)", {"x = (a, b) != (c, d)", "x = (b,) == (d,)", "x = (a,) == (c,)"}),
        ("x = a and b", {"x = a or b", "x = a", "x = b"}),
        ("x = not a", {"x = a"}),
        ("x = 7", {"x = 8", "x = 6"}),
        ("x = True", {"x = False"}),
        ("x = a if b else c", {"x = a", "x = c"}),
        ("x = a[b:c]", {"x = a[:c]", "x = a[b:]"}),
        ("x = [a for a in b if a]", {"x = [a for a in b]"}),
        ("x = 'LOG_FORKED'", {"x = 'LOG_FORKED_'"}),
        ("x = {a, b}", {"x = {b}", "x = {a}"}),
        ("x = sorted(a, key=b)", {"x = list(a)"}),
        ("def f():\n    return a", {"def f():\n    return None"}),
        ("def f():\n    yield a", {"def f():\n    pass"}),
        ("def f():\n    raise A", {"def f():\n    pass"}),
        (
            "if a:\n    b = c",
            {f"if {test}:\n    b = c" for test in ("not a", "False", "True")},
        ),
        ("for a in b:\n    c = a", {"for a in iter(()):\n    c = a"}),
        (
            "try:\n    a\nexcept (A, B):\n    pass",
            {"try:\n    a\nexcept (A,):\n    pass", "try:\n    a\nexcept (B,):\n    pass"},
        ),
    ],
)  # fmt: skip
def test_the_faults_of_a_piece_of_code(source: str, wanted: set[str]) -> None:
    assert set(faults(source)) == wanted


@pytest.mark.parametrize(
    "words", ['"""Words."""', "x = 'some words'", "x = f'{a} words'", "x: int"]
)
def test_words_and_types_have_no_faults(words: str) -> None:
    assert faults(words) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_faults_of_the_verifier_compile_and_can_be_taken_back(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    before = ast.dump(tree)
    for edit in edits(tree)[::20]:  # of every kind some; all of them take half a minute
        edit.exchange()
        compile(tree, path.name, "exec")
        assert ast.dump(tree) != before, edit.words
        edit.exchange()
    assert ast.dump(tree) == before


@pytest.mark.slow
def test_a_fault_that_no_test_notices_is_named(tmp_path: Path) -> None:
    (tmp_path / "sizes.py").write_text("def is_larger(a, b):\n    return a > b\n", "utf-8")
    (tmp_path / "test_sizes.py").write_text(
        "import sizes\n"
        "def test_two_is_larger_than_one():\n"
        "    assert sizes.is_larger(2, 1)\n"
        "    assert not sizes.is_larger(1, 2)\n",
        "utf-8",
    )
    ran = subprocess.run(
        [sys.executable, "-m", "tests.mutation", "sizes", "--tests", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    named = [line for line in ran.stdout.splitlines() if "sizes:" in line]
    assert named == ["survived: sizes:2: a > b: GtE (1 tests)", "sizes: 3 noticed, 1 survived"]

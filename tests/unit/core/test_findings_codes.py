"""The page on findings says what the code says."""

from __future__ import annotations

from pathlib import Path

from notary.core.findings.finding import KINDS


def test_the_table_of_the_page_is_that_of_the_code() -> None:
    lines = Path("docs/spec/findings.md").read_text("utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert rows == [
        f"| `{code}` | {kind.english}（{kind.chinese}） | {kind.clears} |"
        for code, kind in KINDS.items()
    ]

"""The contract's own tests reach all of it, by forge's count.

forge counts lines, statements, functions and branches; of an `if` that only reverts it
counts the reverting side as a branch and the other side by the lines that follow.
"""

import re
from pathlib import Path

import pytest

from tests.contracts.forge import CONTRACTS, forge

CELL = re.compile(r"% \((\d+)/(\d+)\)")
COUNTED = ("lines", "statements", "branches", "functions")  # forge's columns, in order


class NotCoveredError(AssertionError):
    """Something in contracts/src is not reached by the contract's tests."""


def source_rows(report: str) -> dict[str, list[tuple[int, int]]]:
    """The rows of contracts/src in forge's summary: for each column (reached, all)."""
    rows = (line for line in report.splitlines() if line.startswith("| src/"))
    return {
        row.split("|")[1].strip(): [(int(hit), int(of)) for hit, of in CELL.findall(row)]
        for row in rows
    }


def require_full_coverage(report: str) -> None:
    """Raises NotCoveredError unless every file with code is there, and all of it reached."""
    rows = source_rows(report)
    # An interface alone has no code, and so no row.
    with_code = {
        f"src/{path.name}"
        for path in (CONTRACTS / "src").glob("*.sol")
        if re.search(r"^(abstract )?(contract|library) ", path.read_text("utf-8"), re.MULTILINE)
    }
    if rows.keys() != with_code or not with_code:
        raise NotCoveredError(f"counted were {sorted(rows)}, wanted {sorted(with_code)}")
    for name, figures in rows.items():
        for what, (hit, of) in zip(COUNTED, figures, strict=True):
            if hit < of or of == 0:
                raise NotCoveredError(f"{name}: {hit} of {of} {what} are reached")


def coverage(scratch: Path, *selection: str) -> str:
    # Coverage is counted on code that is not optimized, which costs another gas.
    ran = forge(scratch, "coverage", "--offline", "--no-match-test", "GasSnapshot", *selection)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_all_of_the_contract_is_reached(tmp_path: Path) -> None:
    require_full_coverage(coverage(tmp_path))


@pytest.mark.slow
def test_a_check_that_no_test_reaches_is_found(tmp_path: Path) -> None:
    report = coverage(tmp_path, "--match-test", "FirstAnchorFoldsFromZero")
    with pytest.raises(
        NotCoveredError, match=r"^src/Anchors\.sol: 10 of 13 statements are reached$"
    ):
        require_full_coverage(report)


def test_a_report_without_the_contract_is_refused() -> None:
    with pytest.raises(
        NotCoveredError, match=r"^counted were \[\], wanted \['src/Anchors\.sol'\]$"
    ):
        require_full_coverage("")

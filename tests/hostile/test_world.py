"""The undamaged world is VALID, in every kind and both as zip and as a directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hostile.case import case, damaged, honest
from tests.hostile.package import Package
from tests.hostile.verify import NOT_IN_THE_STORY, Outcome, verify
from tests.hostile.world import World
from verifier.format import bag

KINDS = ("complete", "extract", "absent")


def package_of(kind: str, world: World) -> Package:
    made = getattr(world, kind)()
    assert isinstance(made, Package)
    return made


def assert_valid(outcome: Outcome, kind: str) -> None:
    unanswered = {
        "complete": {"receipts", "events"},
        "extract": {"receipts", "events", "completeness"},
        "absent": {"receipts", "events", "integrity", "order", "time", "withheld"},
    }
    expected = {
        name: "NOT APPLICABLE" if name in unanswered[kind] | NOT_IN_THE_STORY else "PASS"
        for name in outcome.rows
    }
    assert {name: row.result for name, row in outcome.rows.items()} == expected
    assert (outcome.verdict, outcome.error) == ("VALID", None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_zip_is_valid(kind: str, tmp_path: Path) -> None:
    assert_valid(verify(case(package_of(kind, honest())), tmp_path), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_directory_is_valid(kind: str, tmp_path: Path) -> None:
    package = package_of(kind, honest())
    as_folder = case(lambda folder: package.write_folder(folder / "package"), matter=matter(kind))
    assert_valid(verify(as_folder, tmp_path), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_directory_around_the_base_folder_is_valid(kind: str, tmp_path: Path) -> None:
    """What unzipping makes: a folder that holds `evidence` alone (docs/spec/package.md §2)."""
    package = package_of(kind, honest())

    def unzipped(folder: Path) -> Path:
        package.write_folder(folder / "unzipped" / "evidence")
        return folder / "unzipped"

    assert_valid(verify(case(unzipped, matter=matter(kind)), tmp_path), kind)


def matter(kind: str) -> str:
    return "nobody" if kind == "absent" else "case"


@pytest.mark.parametrize("kind", KINDS)
def test_the_sm3_list_is_right(kind: str, tmp_path: Path) -> None:
    assert_valid(verify(case(package_of(kind, honest()), sm3=True), tmp_path), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_verifiers_own_writer_makes_the_same_bag(kind: str) -> None:
    """Two readings of docs/spec/package.md §1 give the same bytes."""
    package = package_of(kind, honest())
    payload: dict[str, Any] = {
        path: content
        for path, content in package.files.items()
        if path.startswith("data/") and path != bag.SM3
    }
    assert payload | bag.add_tag_files(payload) == package.files


WORLDS: dict[str, dict[str, Any]] = {
    "legacy transactions": {"tx_type": 0},
    "transactions with access lists": {"tx_type": 1},
    "transactions with blobs": {"tx_type": 3},
    "transactions with authorizations": {"tx_type": 4},
    "headers of Frontier": {"header_size": 15},
    "headers of London": {"header_size": 16},
    "headers of Shanghai": {"header_size": 17},
    "headers of Cancun": {"header_size": 20},
    "headers of Amsterdam": {"header_size": 23},
    "another chain id": {"chain_id": 1},
    "a long log name": {"log_name": "notary.example/" + "x" * 85},
    "every batch anchored": {"anchored": {i: (i + 1,) for i in range(6)}},
    "one anchor for all batches": {"anchored": {5: (6,)}},
    "one batch for all records": {"anchored": {4: (5,)}, "batches": 5},
    "many empty batches": {"batches": 20, "anchored": {3: (4,), 19: (20,)}},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WORLDS)
def test_other_worlds_are_valid(name: str, kind: str, tmp_path: Path) -> None:
    assert_valid(verify(damaged(kind, **WORLDS[name]), tmp_path), kind)

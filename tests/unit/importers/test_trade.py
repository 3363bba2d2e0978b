"""The trade case is the same for a seed, another for another, and holds nothing that reaches a person."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path

import pytest

from notary.cases import trade
from notary.cases.template import load_template
from notary.cases.trade_dealings import OTHERS_CALL


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    trade.generate(tmp_path / "one", seed=7)
    trade.generate(tmp_path / "two", seed=7)
    trade.generate(tmp_path / "other", seed=8)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_the_bytes_of_the_case_stay_as_they_were(tmp_path: Path) -> None:
    # Whoever kept the digests of a generated case must find them again, also with a later version.
    trade.generate(tmp_path / "case", seed=1)
    digest = hashlib.sha256()
    for name, content in contents(tmp_path / "case").items():
        digest.update(f"{name}\n{hashlib.sha256(content).hexdigest()}\n".encode())
    assert digest.hexdigest() == "cf7f6fa754aee01696099eb452695e42019ca8474555698802ec5852976da039"


def test_a_numbered_case_numbers_without_gaps_but_for_the_call_of_another_contract(
    tmp_path: Path,
) -> None:
    trade.generate(tmp_path / "case", seed=1, sources=True)
    messages, calls = [], []
    for path in sorted((tmp_path / "case").rglob("messages.ndjson")):
        messages += [json.loads(line)["seq"] for line in path.read_text("utf-8").splitlines()]
    for path in sorted((tmp_path / "case").rglob("calls.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            calls += [int(row["seq"]) for row in csv.DictReader(file)]
    assert sorted(messages) == list(range(1, 13))
    assert sorted(calls) == [n for n in range(1, 14) if n != OTHERS_CALL]


def test_the_template_has_six_consignments_of_twelve_steps() -> None:
    template = load_template(trade.TEMPLATE)
    assert len(template.nodes) == 72
    assert [node.label for node in template.of_consignment("6")] == [
        "order accepted",
        "packed",
        "inspected",
        "loaded",
        "bill of lading issued",
        "departed",
        "arrived",
        "discharged",
        "customs released",
        "delivered",
        "received and counted",
        "accepted",
    ]


def test_the_lists_name_every_file(tmp_path: Path) -> None:
    case = trade.generate(tmp_path / "case")
    assert sorted({*case.files, *case.maps}) == [
        path for path in sorted((tmp_path / "case").rglob("*")) if path.is_file()
    ]


def test_addresses_and_numbers_are_reserved_ones(tmp_path: Path) -> None:
    case = trade.generate(tmp_path / "case")
    for path in case.files:
        text = path.read_text("utf-8", "replace")
        for address in re.findall(r"[\w.]+@[\w.]+", text):
            assert address.endswith("@example.com")
        for number in re.findall(r"\+\d{9,}", text):
            assert re.fullmatch(r"\+447700900\d{3}|\+4420794601\d\d|\+120255501\d\d", number)


def test_the_accounts_are_three(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="want 3 accounts, got 1"):
        trade.generate(tmp_path / "case", accounts=["PO-1"])

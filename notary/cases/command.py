"""Owns what `notary case` does: a generated case in a folder of its own, with its register and a README.

Test: tests/unit/cases/test_command.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from notary.cases import register, trade
from notary.cases.case_folder import CaseFolder
from notary.cases.collection import files as collection
from notary.cases.frauds.plant import KEY, parse_kinds, plant
from notary.errors import CallerError

COLLECTION = "collection"
TRADE = "trade"


def write_case(name: str, seed: int, out: Path, frauds: str | None = None) -> dict[str, object]:
    """Write the case into `out`, which is made or empty; return what was written, as JSON values.

    `frauds` names those to plant in it. Raises CallerError CASE_UNKNOWN, CASE_FOLDER, FRAUD_UNKNOWN or
    FRAUD_CASE, before anything is written.
    """
    if name not in (COLLECTION, TRADE):
        raise CallerError("CASE_UNKNOWN", f"want {COLLECTION} or {TRADE}, got {name!r}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CallerError(
            "CASE_FOLDER",
            f"{out} is not an empty folder. Nothing was touched; name another by --out.",
        )
    kinds = () if frauds is None else parse_kinds(frauds)
    if kinds and name != COLLECTION:
        raise CallerError("FRAUD_CASE", f"frauds are planted in the case {COLLECTION} alone.")
    return _collection(seed, out, kinds) if name == COLLECTION else _trade(seed, out)


def said(written: Mapping[str, object]) -> str:
    """What was written, for people."""
    planted = ""
    if written.get("frauds"):
        planted = (
            f"{written['frauds']} frauds are planted; {KEY} says where, and the counts above are those of "
            "the case without them\n"
        )
    billed = ""
    if written["billed_days"]:
        billed = f", and with the carrier's bills {written['billed_days']} more"
    return (
        f"case {written['case']}, seed {written['seed']}: {written['files']} files in {written['folder']}\n"
        f"{written['matters']} matters; a right import gives {written['records']} records, "
        f"{written['documents']} documents, {written['mails']} messages, and {written['unassigned']} rows "
        f"that wait{billed}\n"
        f"{planted}{written['folder']}/README.md says what is what and how to take it in"
    )


def _collection(seed: int, out: Path, kinds: Sequence[str]) -> dict[str, object]:
    case = collection.generate(out, seed)
    planted = plant(out, seed, kinds) if kinds else []
    return {
        "case": COLLECTION,
        "seed": seed,
        "folder": str(out),
        "files": len(case.files),
        "matters": len(case.case.debtors),
        "records": case.answer["records"],
        "by_kind": case.answer["by_kind"],
        "documents": case.answer["documents"],
        "mails": case.answer["mails"],
        "billed_days": case.answer["billed_days"],
        "unassigned": case.answer["unassigned"],
        "expected": collection.EXPECTED,
        "frauds": len(planted),
    }


def _trade(seed: int, out: Path) -> dict[str, object]:
    case = trade.generate(out, seed)
    beside = CaseFolder(out)
    register.write(beside, [register.Entry("T-1", case.title, case.accounts)])
    text = resources.files("notary.cases").joinpath("trade-readme.md").read_text("utf-8")
    beside.write("README.md", text.format(seed=seed, records=case.total).encode())
    return {
        "case": TRADE,
        "seed": seed,
        "folder": str(out),
        "files": len(case.files) + len(case.maps) + len(beside.files),
        "matters": 1,
        "records": case.total,
        "by_kind": dict(case.records),
        "documents": 0,
        "mails": 0,
        "billed_days": 0,
        "unassigned": 0,
        "expected": None,
        "frauds": 0,
    }

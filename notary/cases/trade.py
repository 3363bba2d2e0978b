"""Owns the trade case: one contract, six consignments, 72 nodes, as the files of those who took part.

The physical nodes come as EPCIS documents, the commercial ones and the accounts side as CSV, messages as
NDJSON, calls as a call-record export, and the parties' certificates as files that their acts attach. Every
file leads to the one matter by an account of it. The last consignment is accepted and not paid.
Test: tests/unit/importers/test_trade.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from notary.cases.case_folder import CaseFolder
from notary.cases.template import load_template
from notary.cases.trade_exports import TradeExports
from notary.cases.trade_facts import TradeFacts

TEMPLATE = "trade-72"
TITLE = "Example Trading B.V. / Example Machinery Co., contract SC-2025-0088"
# How the matter is spelled by the carrier's events, by the accounts side, and by the exchange.
ACCOUNTS = ("urn:epcglobal:cbv:bt:9521321000005:PO-2025-0417", "SC-2025-0088", "880417")
CONSIGNMENTS_A_STAGE = 2
# Who numbers its records, by the map of its files.
SOURCES = {"calls": "exchange", "messages": "mail-gateway"}


@dataclass(frozen=True)
class Stage:
    """A part of the case that is taken in at once. Its maps lie in its folder, so it needs no other."""

    title: str
    paths: tuple[Path, ...]
    records: int
    column_map: Path | None = None
    whole_matter: bool = False


@dataclass(frozen=True)
class CaseFiles:
    """A generated case. `records` is how many records of each kind the matter has in the end."""

    folder: Path
    title: str
    accounts: tuple[str, ...]
    stages: tuple[Stage, ...]
    files: tuple[Path, ...]
    maps: tuple[Path, ...]
    records: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many records the matter has in the end."""
        return sum(self.records.values())


def generate(
    folder: Path, seed: int = 1, accounts: Sequence[str] = ACCOUNTS, *, sources: bool = False
) -> CaseFiles:
    """Write the case's files into `folder`, which is made; the same bytes for the same arguments.

    `accounts` are the spellings that lead to the matter, in the order of ACCOUNTS: the purchase order, the
    contract, and the account code of the calls. With `sources` the maps of calls and messages name SOURCES,
    which must be registered before the files are taken in. Raises ValueError unless there are three.
    """
    if len(accounts) != len(ACCOUNTS):
        raise ValueError(f"want {len(ACCOUNTS)} accounts, got {len(accounts)}")
    out = CaseFolder(folder)
    named = SOURCES if sources else {}
    writer = TradeExports(out, TradeFacts(seed), tuple(accounts), named)
    template = load_template(TEMPLATE)
    consignments = sorted({node.consignment for node in template.nodes})
    stages = []
    for first in range(0, len(consignments), CONSIGNMENTS_A_STAGE):
        part = consignments[first : first + CONSIGNMENTS_A_STAGE]
        last = part[-1] == consignments[-1]
        before = writer.total
        path = folder / writer.stage(
            part, {one: template.of_consignment(one) for one in part}, last=last
        )
        stages.append(
            Stage(f"consignments {part[0]} to {part[-1]}", (path,), records=writer.total - before)
        )
    return CaseFiles(
        folder,
        TITLE,
        tuple(accounts),
        tuple(stages),
        tuple(sorted(out.files)),
        tuple(sorted(out.maps)),
        dict(sorted(writer.records.items())),
    )

"""Owns the inputs file: what the verifying person knows (docs/spec/verification.md §2).

Step 1.2. Proved by tests/unit/check/test_inputs.py.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from verifier.check.toml import Table, read_document, read_file
from verifier.format import numbers
from verifier.format.digests import Digest
from verifier.format.numbers import MatterNumber

FORMAT = "notary-inputs/1"
CODE = "INPUTS"

MAX_GIVEN = 10_000  # receipts or checkpoints: a person who holds more gives them in several runs
MAX_GIVEN_BYTES = 2**20  # a receipt has about 2 KiB, a checkpoint at most 16


class GivenFile(NamedTuple):
    """The bytes of a receipt or checkpoint and the name under which the person gave it."""

    name: str
    data: bytes


class Inputs(NamedTuple):
    """An inputs file. `blocks` maps chain id and number to the hash that the person has.

    `receipts` and `checkpoints` hold each different file once: given twice, it is one promise.
    """

    matter: MatterNumber | None
    earliest_as_of: datetime | None
    receipts: tuple[GivenFile, ...]
    checkpoints: tuple[GivenFile, ...]
    blocks: Mapping[tuple[int, int], Digest]


def read_inputs(path: Path) -> Inputs:
    """Read an inputs file and the files that it names. Raises CannotJudge INPUTS_…."""
    top = read_document(path, CODE).table
    top.word("format", (FORMAT,))
    matter = top.read("matter", numbers.parse, "MATTER") if "matter" in top else None
    earliest = top.time("earliest_as_of") if "earliest_as_of" in top else None
    receipts = top.texts("receipts", MAX_GIVEN) if "receipts" in top else []
    checkpoints = top.texts("checkpoints", MAX_GIVEN) if "checkpoints" in top else []
    blocks = _blocks(top.tables("block"))
    top.done()
    return Inputs(
        matter,
        earliest,
        _given(path.parent, receipts, f"{CODE}_RECEIPT"),
        _given(path.parent, checkpoints, f"{CODE}_CHECKPOINT"),
        blocks,
    )


def _given(folder: Path, names: list[str], code: str) -> tuple[GivenFile, ...]:
    found: dict[bytes, GivenFile] = {}
    for name in names:
        data = read_file(folder / name, MAX_GIVEN_BYTES, code)
        found.setdefault(data, GivenFile(name, data))
    return tuple(found.values())


def _blocks(tables: list[Table]) -> dict[tuple[int, int], Digest]:
    blocks: dict[tuple[int, int], Digest] = {}
    for table in tables:
        key = (table.integer("chain_id"), table.integer("number"))
        hash_ = Digest(table.zerox("hash", 32))
        if "origin" in table:
            table.text("origin")
        table.done()
        if blocks.setdefault(key, hash_) != hash_:
            raise table.error(
                "BLOCK_CONFLICT", f"chain {key[0]} block {key[1]} has two different hashes"
            )
    return blocks

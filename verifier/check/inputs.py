"""Owns the inputs file: what the verifying person knows (docs/spec/verification.md §2).

Step 1.2. Proved by tests/unit/check/test_inputs.py.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from verifier.check import block_lists
from verifier.check.blocks import OWN_LEVEL, BlockId, Said, SourceKind
from verifier.check.rows import CannotJudge
from verifier.check.toml import Table, parse_table, read_document, read_file
from verifier.format import numbers
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.numbers import MatterNumber, SourceNumber
from verifier.format.source_log import parse_day

FORMAT = "notary-inputs/1"
CODE = "INPUTS"

MAX_GIVEN = 10_000  # receipts or checkpoints: a person who holds more gives them in several runs
MAX_GIVEN_BYTES = 2**20  # a receipt has about 2 KiB, a checkpoint at most 16


class GivenFile(NamedTuple):
    """The bytes of a receipt or checkpoint and the name under which the person gave it."""

    name: str
    data: bytes


class AskedSource(NamedTuple):
    """A source whose log the package must show, with closings from the first to the last of the days."""

    number: SourceNumber
    days: tuple[date, date] | None


class Inputs(NamedTuple):
    """An inputs file. `blocks` holds the person's own hashes; a signed list is somebody else's word.

    `receipts`, `checkpoints` and `signed_lists` hold each different file once: given twice, it is
    one promise.
    """

    matter: MatterNumber | None
    earliest_as_of: datetime | None
    receipts: tuple[GivenFile, ...]
    checkpoints: tuple[GivenFile, ...]
    blocks: Mapping[BlockId, Said]
    signed_lists: tuple[GivenFile, ...]
    sources: tuple[AskedSource, ...] = ()


def read_inputs(
    path: Path | None,
    block_hashes: Iterable[tuple[BlockId, Digest]] = (),
    block_files: Iterable[Path] = (),
) -> Inputs:
    """Read an inputs file and the files that it names, and take in what the command line adds.

    Some commands ask for no inputs file; the command line then is all.

    Raises CannotJudge INPUTS_….
    """
    if path is None:
        top, folder = Table({"format": FORMAT}, "the command line", CODE), Path()
    else:
        top, folder = read_document(path, CODE).table, path.parent
    top.word("format", (FORMAT,))
    matter = top.read("matter", numbers.parse, "MATTER") if "matter" in top else None
    earliest = top.time("earliest_as_of") if "earliest_as_of" in top else None
    receipts = top.texts("receipts", MAX_GIVEN) if "receipts" in top else []
    checkpoints = top.texts("checkpoints", MAX_GIVEN) if "checkpoints" in top else []
    sources = _asked_sources(top.tables("source"))
    blocks = _Blocks()
    blocks.add_tables(top.tables("block"), None)
    files = top.texts("blocks", MAX_GIVEN) if "blocks" in top else []
    top.done()
    for block, hash_ in block_hashes:
        blocks.add(block, hash_, "command line")
    for file in [*(folder / name for name in files), *block_files]:
        blocks.add_file(file)
    return Inputs(
        matter,
        earliest,
        _given(folder, receipts, f"{CODE}_RECEIPT"),
        _given(folder, checkpoints, f"{CODE}_CHECKPOINT"),
        blocks.own,
        tuple(blocks.signed.values()),
        sources,
    )


def _asked_sources(tables: list[Table]) -> tuple[AskedSource, ...]:
    """The sources of the inputs. Raises CannotJudge INPUTS_…."""
    found: dict[Digest, AskedSource] = {}
    for table in tables:
        number = table.read("number", numbers.parse_source, "SOURCE")
        days = None
        if "from" in table or "to" in table:
            days = table.read("from", parse_day), table.read("to", parse_day)
            if days[0] > days[1]:
                raise table.error("VALUE", f"{days[1]} is before {days[0]}")
        table.done()
        if number.key in found:
            raise table.error("SOURCE", f"{number.text} is named twice")
        found[number.key] = AskedSource(number, days)
    return tuple(found.values())


def _given(folder: Path, names: list[str], code: str) -> tuple[GivenFile, ...]:
    found: dict[bytes, GivenFile] = {}
    for name in names:
        data = read_file(folder / name, MAX_GIVEN_BYTES, code)
        found.setdefault(data, GivenFile(name, data))
    return tuple(found.values())


class _Blocks:
    """Gathers hashes of blocks from every place where the person gives them."""

    def __init__(self) -> None:
        self.own: dict[BlockId, Said] = {}
        self.signed: dict[bytes, GivenFile] = {}

    def add(self, block: BlockId, hash_: Digest, origin: str | None) -> None:
        """Take a hash of the person's own. Raises CannotJudge INPUTS_BLOCK_CONFLICT."""
        who = "you" if origin is None else f"you ({origin})"
        other = self.own.setdefault(block, Said(SourceKind.OWN, who, hash_, OWN_LEVEL))
        if other.hash != hash_:
            raise CannotJudge(
                f"{CODE}_BLOCK_CONFLICT",
                f"chain {block.chain_id} block {block.number} has two different hashes",
            )

    def add_tables(self, tables: list[Table], file: str | None) -> None:
        for table in tables:
            block = BlockId(table.integer("chain_id"), table.integer("number"))
            hash_ = Digest(table.zerox("hash", 32))
            origin = table.text("origin") if "origin" in table else file
            table.done()
            self.add(block, hash_, origin)

    def add_file(self, path: Path) -> None:
        """Take a file of hashes: signed by somebody, or the person's own in one of two forms."""
        data = read_file(path, block_lists.MAX_BYTES, f"{CODE}_BLOCKS")
        name = ascii(path.name)[1:-1]
        if block_lists.is_signed(data):
            self.signed.setdefault(data, GivenFile(path.name, data))
        elif data[:1].isdigit():
            try:
                text = data.decode("ascii", "replace").replace("\r\n", "\n")
                found = block_lists.read_lines(text.removesuffix("\n").split("\n"))
            except FormatError as error:
                raise CannotJudge(f"{CODE}_BLOCKS_FORM", f"{name}: {error.message}") from error
            for block, hash_ in found.items():
                self.add(block, hash_, name)
        else:
            top = parse_table(data, path, CODE)
            tables = top.tables("block")
            if not tables:
                raise top.error("BLOCKS_FORM", "want [[block]], or a line CHAIN:NUMBER:HASH first")
            self.add_tables(tables, name)
            top.done()

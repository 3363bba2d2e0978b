"""Reads an earlier package, so that the same is exported again as of a later block.

Owns what counts as shown by it: a field whose disclosure is there, byte for byte as the store has it. Its
lists are not asked: whoever changed them could otherwise have a field shown that was kept back.
Spec: docs/spec/package.md §1, §4. Test: tests/scenarios/service/test_reissue.py.
"""

from __future__ import annotations

import zipfile
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from notary.errors import CallerError
from notary.usecases.export_sources import NamedSource
from verifier.format import bag, lines, records, source_log, statement, stored_zip
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.source_log import Closing
from verifier.format.statement import Kind, Reason

MAX_FILE_BYTES = 64 * 2**20  # docs/spec/package.md §2


@dataclass(frozen=True)
class Earlier:
    """What an earlier package showed. `lines` are its disclosures as they stand in it."""

    stated: statement.Statement
    leaves: Mapping[int, bytes]
    lines: frozenset[bytes]
    reasons: Mapping[tuple[int, str], Reason]
    sources: bool  # whether it showed the logs of its records' sources
    named_sources: tuple[NamedSource, ...]  # those that it showed beside what its records name

    @property
    def kind(self) -> Kind:
        """Its kind, which stays."""
        return self.stated.choices.kind

    @property
    def positions(self) -> tuple[int, ...]:
        """The records of an extract; of other kinds none is named."""
        return tuple(self.leaves) if self.kind is Kind.EXTRACT else ()

    def shows(self, position: int, disclosure: str) -> bool:
        """Whether it disclosed that field."""
        return records.disclosure_line(position, disclosure) in self.lines


def read_earlier(path: Path) -> Earlier:
    """Read a package, zip or directory. Raises CallerError AGAIN_UNREADABLE.

    Nothing of it is believed: what it shows is compared with the store.
    """
    try:
        stated = statement.parse(_file(path, bag.STATEMENT) or b"")
        read = [(line, records.parse_leaf(line)) for line in _lines(path, bag.LEAVES)]
        named = {leaf.source for _, leaf in read if leaf.source is not None}
        keys = {Digest(bytes.fromhex(key)) for name in _names(path) if (key := bag.source_in(name))}
        others = tuple(_named_sources(path, keys, named))
        shown = frozenset(_lines(path, bag.DISCLOSURES))
    except (OSError, zipfile.BadZipFile, FormatError) as error:
        raise CallerError("AGAIN_UNREADABLE", f"{path} is no package: {error}.") from error
    reasons = {(one.position, one.claim): one.reason for one in stated.choices.withheld}
    leaves = {leaf.position: line for line, leaf in read}
    # One in which no record names a source kept nothing of them back.
    sources = bool(named & keys) or (not named and stated.choices.kind is Kind.COMPLETE)
    return Earlier(stated, dict(sorted(leaves.items())), shown, reasons, sources, others)


def _named_sources(
    path: Path, keys: Iterable[Digest], by_records: Container[Digest]
) -> Iterator[NamedSource]:
    """The sources that are shown beside what records name, or from a day on. Raises FormatError."""
    for key in sorted(keys):
        names = bag.source_names(key.hex())
        since = source_log.parse_proof(_file(path, names.proof) or b"").since
        if since is None:
            if key not in by_records:
                yield NamedSource(key)
            continue
        entries = dict(map(source_log.parse_line, _lines(path, names.entries)))
        entry = source_log.parse(entries.get(since, b""))
        # Entry 0 is the first profile: all is shown.
        closed = entry.day if isinstance(entry, Closing) else None
        yield NamedSource(key, date.min if closed is None else closed + timedelta(days=1))


def _lines(path: Path, name: str) -> Iterable[bytes]:
    data = _file(path, name)
    return () if data is None else lines.read_lines(data, name)


def _base(path: Path) -> Path:
    """The folder of an unpacked package that holds its files."""
    inside = path / stored_zip.BASE
    return inside if (inside / bag.STATEMENT).exists() else path


def _names(path: Path) -> list[str]:
    """The names of the package's files."""
    if path.is_dir():
        base = _base(path)
        return [one.relative_to(base).as_posix() for one in base.rglob("*") if one.is_file()]
    with zipfile.ZipFile(path) as package:
        names = package.namelist()
    return [one.removeprefix(stored_zip.BASE) for one in names if one.startswith(stored_zip.BASE)]


def _file(path: Path, name: str) -> bytes | None:
    """A file of the package; None where it has none."""
    if path.is_dir():
        inside = _base(path) / name
        if not inside.exists():
            return None
        size = inside.stat().st_size
        data = inside.read_bytes() if size <= MAX_FILE_BYTES else b""
    else:
        with zipfile.ZipFile(path) as package:
            if stored_zip.BASE + name not in package.namelist():
                return None
            size = package.getinfo(stored_zip.BASE + name).file_size
            data = package.read(stored_zip.BASE + name) if size <= MAX_FILE_BYTES else b""
    if size > MAX_FILE_BYTES:
        raise CallerError("AGAIN_UNREADABLE", f"{path}: {name} has {size} bytes.")
    return data

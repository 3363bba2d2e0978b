"""Owns the rejects file: refused rows in a form that can be mended and fed again (column-map.md §8).

The file appears under its name only when it is whole. It holds what the source held, so nobody but the
owner may read it. Test: tests/scenarios/ingest/test_promises.py.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import BinaryIO

from notary.errors import NothingHappened
from notary.importers.column_map import REJECT_COLUMNS
from notary.importers.epcis import EpcisRows
from notary.importers.json_rows import JsonRows
from notary.importers.lines import BOM_UTF8
from notary.importers.ndjson import RAW_MEMBER, REJECT_MEMBER
from notary.importers.original import Original
from notary.importers.recognise import Rows
from notary.importers.rows import Reject
from notary.importers.tabular import CsvRows

PRIVATE_FILE = 0o600
NAME = re.compile(r"(.*)\.rejects(-[0-9]+)?", re.DOTALL)

# What this module puts in front of an object. Its texts hold no brace, so its end is certain.
_OWN_MEMBER = re.compile(rb'\s*\{\s*"_reject"\s*:\s*\{[^{}]*\}\s*(,|(?=\}))')
_OPENING = re.compile(rb"\s*\{")


def is_rejects_file(path: Path) -> bool:
    """Whether a file's name is that of a rejects file."""
    return NAME.fullmatch(path.stem) is not None


class RejectsFile:
    """The rejects of one file on their way to disk."""

    def __init__(self, original: Original, rows: Rows, folder: Path | None) -> None:
        """`folder` is where the file goes; None: beside the source."""
        self._original = original
        self._rows = rows
        match = NAME.fullmatch(original.path.stem)
        self._stem = match[1] if match is not None else original.path.stem
        self._suffix = original.path.suffix
        self._folder = original.path.parent if folder is None else folder
        self._part = self._folder / f".{self._stem}.rejects{self._suffix}.part"
        self._file: BinaryIO | None = None
        self._count = 0

    def add(self, reject: Reject) -> None:
        """Write one refused row."""
        if self._file is None:
            self._file = self._open()
            self._write(self._head())
        rows = self._rows
        if isinstance(rows, CsvRows):
            self._write(self._csv_row(rows, reject))
        elif isinstance(rows, (EpcisRows, JsonRows)) and rows.elements is not None:
            self._write((b",\n" if self._count else b"\n") + _json_row(reject).rstrip(b"\r\n"))
        else:
            self._write(_json_row(reject))
        self._count += 1

    def close(self) -> Path | None:
        """Finish the file and give it its name; None if nothing was refused."""
        if self._file is None:
            return None
        self._write(self._tail())
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            return self._place()
        except OSError as error:
            raise self._unwritable(error) from error

    def abandon(self) -> None:
        """Take back what was written."""
        if self._file is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)

    def _open(self) -> BinaryIO:
        try:
            # What an earlier run that was killed left is begun again; a link is not followed.
            self._part.unlink(missing_ok=True)
            fd = os.open(
                self._part,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                PRIVATE_FILE,
            )
        except OSError as error:
            raise self._unwritable(error) from error
        return os.fdopen(fd, "wb")

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        try:
            self._file.write(data)
        except OSError as error:
            raise self._unwritable(error) from error

    def _place(self) -> Path:
        """The first name that is free, or that holds the same bytes already."""
        number = 1
        while True:
            mark = "" if number == 1 else f"-{number}"
            path = self._folder / f"{self._stem}.rejects{mark}{self._suffix}"
            if path == self._original.path:
                number += 1
                continue
            if not path.exists():
                self._part.rename(path)
                return path
            if _same(path, self._part):
                self._part.unlink()
                return path
            number += 1

    def _unwritable(self, error: OSError) -> NothingHappened:
        return NothingHappened(
            "REJECTS_UNWRITABLE",
            f"{self._folder}: the rejects file can't be written: {error.strerror}. Good rows that were "
            "read so far have entered. Name another folder with --rejects and run again.",
        )

    def _head(self) -> bytes:
        rows = self._rows
        if isinstance(rows, CsvRows):
            names = _cells([*REJECT_COLUMNS], rows.map.delimiter).encode("ascii")
            delimiter = rows.map.delimiter.encode("ascii")
            if rows.header is None:
                columns = _cells(list(rows.map.columns), rows.map.delimiter)
                return names + delimiter + columns.encode(rows.map.encoding) + b"\r\n"
            return names + delimiter + _ended(_without_own(rows, rows.header))
        if isinstance(rows, (EpcisRows, JsonRows)) and rows.elements is not None:
            return self._original.read(0, rows.elements.start).removeprefix(BOM_UTF8) + b"["
        return b""

    def _tail(self) -> bytes:
        rows = self._rows
        if isinstance(rows, (EpcisRows, JsonRows)) and rows.elements is not None:
            return b"\n]" + self._original.read(rows.elements.end, self._original.size)
        return b""

    def _csv_row(self, rows: CsvRows, reject: Reject) -> bytes:
        delimiter = rows.map.delimiter
        encoding = rows.map.encoding
        front = _cells(_reason(reject), delimiter).encode(encoding, "backslashreplace")
        if reject.raw is None:
            named = f"bytes {reject.start} to {reject.end} of {self._original.path.name}"
            rest = _cells([named], delimiter).encode(encoding, "backslashreplace") + b"\r\n"
        elif reject.cells:
            rest = _ended(_without_own(rows, reject.raw))
        else:
            # As one quoted cell it disturbs no other row, and is refused again until it is mended.
            rest = b'"' + reject.raw.rstrip(b"\r\n").replace(b'"', b'""') + b'"\r\n'
        return front + delimiter.encode("ascii") + rest


def _reason(reject: Reject) -> list[str]:
    return [str(reject.row), reject.field, reject.reason, reject.remedy]


def _cells(cells: list[str], delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(cells)
    return out.getvalue()


def _ended(raw: bytes) -> bytes:
    return raw if raw.endswith((b"\n", b"\r")) else raw + b"\r\n"


def _without_own(rows: CsvRows, raw: bytes) -> bytes:
    """A row of a rejects file without the columns of the last refusal; any other row as it is."""
    if rows.header is None or not rows.header.startswith(REJECT_COLUMNS[0].encode()):
        return raw
    text = raw.decode(rows.map.encoding, "surrogateescape")
    lines = io.StringIO(text, newline="")
    cells = next(csv.reader(lines, delimiter=rows.map.delimiter), [])
    kept = _cells(cells[len(REJECT_COLUMNS) :], rows.map.delimiter) + "\r\n"
    return kept.encode(rows.map.encoding, "surrogateescape")


def _json_row(reject: Reject) -> bytes:
    reason = dict(zip(("row", "field", "reason", "remedy"), _reason(reject), strict=True))
    # Braces inside texts are escaped, so that the member's end can be found again.
    inner = json.dumps(reason)[1:-1].replace("{", "\\u007b").replace("}", "\\u007d")
    own = f'{{"{REJECT_MEMBER}": {{{inner}}}'.encode("ascii")
    raw = reject.raw
    if raw is None:
        named = f"bytes {reject.start} to {reject.end}"
        return own + f', "{RAW_MEMBER}": {json.dumps(named)}}}\n'.encode("ascii")
    raw = _OWN_MEMBER.sub(b"{", raw, count=1)
    opening = _OPENING.match(raw)
    if not reject.cells or opening is None:
        shown = json.dumps(raw.decode("utf-8", "backslashreplace").rstrip("\r\n"))
        return own + f', "{RAW_MEMBER}": {shown}}}\n'.encode("ascii")
    rest = raw[opening.end() :]
    comma = b"" if rest.lstrip().startswith(b"}") else b", "
    return own + comma + (rest if rest.endswith((b"\n", b"\r")) else rest + b"\n")


def _same(one: Path, other: Path) -> bool:
    try:
        if one.stat().st_size != other.stat().st_size:
            return False
        with one.open("rb") as left, other.open("rb") as right:
            while block := left.read(2**20):
                if block != right.read(2**20):
                    return False
            return True
    except OSError:
        return False

"""Owns what an importer gives: rows, rejects, and the identity of a row (docs/spec/column-map.md §4 to §6).

Test: tests/unit/importers/test_plan.py.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

from notary.core.intake import IncomingFile
from verifier.format.digests import b64url_encode
from verifier.format.jsonc import Json

IMPORTER_VERSION = "1"  # goes up when the same bytes and map would give other claims
# A row is held whole, and stands in its record twice: as claims and as `raw`. The acceptor takes 1 MiB of
# values, and quotes and binary bytes grow in them.
MAX_ROW_BYTES = 256 * 2**10
MAX_COLUMNS = 1_000  # a header with more is a file of another kind
MAX_ACCOUNT_CHARACTERS = 200  # an account is a number or a code, not a text
IDENTITY_BYTES = 16  # 2^64 rows before two are likely to share one

_IDENTITY_DOMAIN = b"notary/import-identity/v1\n"


class ImportedRow(NamedTuple):
    """A row as it would be recorded. A tuple, because a frozen dataclass costs a tenth of the time a row has.

    `account` leads to the matter through the register; `matter` is a matter number that the row itself
    states. `identity` is what makes the row this row; `counted` says that equal rows are told apart by their
    order in the file. `target` is the identity of the record that a correction corrects. `raw` is the
    original's bytes from `start` to `end`. `number` is the source's own, where it gives one.
    """

    row: int
    account: str | None
    matter: str | None
    kind: str
    claims: dict[str, Json]
    identity: bytes
    counted: bool
    start: int
    end: int
    raw: bytes
    files: tuple[IncomingFile, ...] = ()
    target: bytes | None = None
    number: int | None = None


@dataclass(frozen=True)
class Reject:
    """A stretch of the original that does not enter, and what to do about it.

    `raw` is None where the stretch is too long to be held. `whole` says that it is the file that was
    refused. `cells` says that `raw` splits into cells as it stands, so that it can be mended in place.
    """

    row: int
    field: str
    code: str
    reason: str
    remedy: str
    start: int
    end: int
    raw: bytes | None
    whole: bool = False
    cells: bool = True

    def sentence(self) -> str:
        """Row, field, cause and remedy for people, in one line. Without remedy, the reason has both."""
        where = ", ".join(
            part for part in (f"row {self.row}" if self.row else "", self.field) if part
        )
        said = f"{where + ': ' if where else ''}{self.reason}"
        return f"{said}. Remedy: {self.remedy}." if self.remedy else said


Item: TypeAlias = ImportedRow | Reject


class BadRow(Exception):
    """Why a row is refused, from the depth of a conversion to the importer that gives the Reject."""

    def __init__(self, code: str, field: str, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.code = code
        self.field = field
        self.reason = reason
        self.remedy = remedy

    def reject(
        self, row: int, start: int, end: int, raw: bytes | None, *, cells: bool = True
    ) -> Reject:
        """The Reject of the row at that place."""
        return Reject(
            row, self.field, self.code, self.reason, self.remedy, start, end, raw, cells=cells
        )


def whole_file(code: str, reason: str, remedy: str, size: int) -> Reject:
    """The Reject of a file of which nothing can be trusted."""
    return Reject(0, "", code, reason, remedy, 0, size, None, whole=True)


def too_long(row: int, start: int, end: int) -> Reject:
    """The Reject of a row that is too long to be held."""
    return Reject(
        row,
        "",
        "ROW_SIZE",
        f"the row has {end - start} bytes, at most {MAX_ROW_BYTES} are read",
        "split the row at the source, or attach its text as a file",
        start,
        end,
        None,
        cells=False,
    )


@dataclass(frozen=True)
class Source:
    """By whom and from what rows are read: goes into each record's `import` and `raw`."""

    importer: str
    version: str
    file_sha256: str
    key: bytes = field(repr=False)

    def identify(self, parts: Iterable[str]) -> bytes:
        """The identity of a row, from the texts that make it this row.

        Keyed, because phone numbers and names are guessed from a bare digest.
        """
        # column-map.md §6. The lengths stand in front, so that no two lists of parts give one message.
        texts = [self.importer, *parts]
        lengths = ",".join([str(len(text)) for text in texts])
        # Surrogates may stand in JSON that is refused later.
        message = _IDENTITY_DOMAIN + f"{lengths}:{''.join(texts)}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, message, "sha256")[:IDENTITY_BYTES]

    def import_claim(self, row: int, start: int, end: int) -> dict[str, Json]:
        """The claim `import` of a row at bytes [start, end) of the file (format.md §7)."""
        return {
            "importer": self.importer,
            "version": self.version,
            "file_sha256": self.file_sha256,
            "row": row,
            "start": start,
            "end": end,
        }


def raw_claim(raw: bytes) -> dict[str, Json]:
    """The claim `raw` of a row (format.md §7): text where the bytes are UTF-8."""
    try:
        return {"text": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"bytes": b64url_encode(raw)}


def attached(folder: Path, name: str, media_type: str) -> IncomingFile:
    """The file that a row names, which must lie below the folder of the row's own file.

    Raises BadRow.
    """
    fault = BadRow(
        "ROW_ATTACHMENT",
        "attachments",
        f"no file {name!r} below the folder of this file",
        "put the file beside this one, or mend the name",
    )
    if not name or "\0" in name or "\\" in name:
        raise fault
    try:
        root = folder.resolve(strict=True)
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise fault from error
    if not path.is_relative_to(root) or not path.is_file():
        raise fault
    return IncomingFile(path=path, filename=path.name, media_type=media_type)

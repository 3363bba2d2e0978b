"""What a submitter offers and what it gets back, before any storage.

Spec: docs/spec/format.md §5, §6, §12. Test: tests/unit/core/test_acceptance.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from verifier.format.jsonc import Json


@dataclass(frozen=True)
class IncomingFile:
    """An original to keep byte-exact. `path` is read once, streamed, and never kept."""

    path: Path
    filename: str | None
    media_type: str


@dataclass(frozen=True)
class StreamedFile:
    """An original whose bytes come by once. `sha256` (hex) and `size` are what its sender said, if it did."""

    pieces: Iterator[bytes]
    filename: str | None
    media_type: str
    sha256: str | None = None
    size: int | None = None


class Incoming(NamedTuple):
    """One record offered for a matter. A tuple, because an import makes one for every row.

    `claims` holds every claim but the attachments', by registered name. `idempotency_key` is the
    submitter's own (at most 200 characters) or derived from the source and its numbering; it is unique
    within an agency. `source` is the key of the source that it came from, `number` its own number there,
    None where the service gives it (docs/spec/format.md §16).
    `by_service` says that the service itself makes it: some kinds nobody else may. `aside` is the salt of a
    row that waited, whose number was set aside.
    """

    matter_key: bytes
    kind: str
    claims: Mapping[str, Json]
    idempotency_key: str
    files: tuple[IncomingFile | StreamedFile, ...] = ()
    source: bytes | None = None
    number: int | None = None
    by_service: bool = False
    aside: bytes | None = None


@dataclass(frozen=True)
class Accepted:
    """A durable record. `replayed` says that an earlier, equal submission made it."""

    record_id: int
    matter_key: bytes
    position: int
    leaf: bytes
    disclosures: tuple[str, ...]
    receipt: bytes
    replayed: bool


@dataclass(frozen=True)
class Refused:
    """A record that did not enter. `conflict` says that its idempotency key stands for other content."""

    code: str
    field: str
    reason: str
    conflict: bool = False


Outcome = Accepted | Refused

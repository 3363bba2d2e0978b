"""What a client hands in: records and their originals (docs/http.md).

Test: tests/unit/client/test_checking.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from notary.errors import CallerError
from verifier.format import jsonc
from verifier.format.jsonc import Json

READ_BYTES = 2**20  # of a file in memory at a time


@dataclass(frozen=True)
class Record:
    """A record offered for a matter: `claims` are the names of its kind (format.md §7).

    `idempotency_key` is the sender's own name for it, at most 200 characters: sent again under the same key,
    the same content gives the same answer, and other content is refused.
    """

    matter: str
    kind: str
    claims: Mapping[str, Json]
    idempotency_key: str
    source: str | None = None  # the number of the source that it comes from, ns1…
    number: int | None = None  # the source's own, where the source counts

    def document(self) -> dict[str, Json]:
        """The record as it travels."""
        document: dict[str, Json] = {
            "matter": self.matter,
            "kind": self.kind,
            "claims": dict(self.claims),
            "idempotency_key": self.idempotency_key,
        }
        if self.source is not None:
            document["source"] = self.source
        if self.number is not None:
            document["number"] = self.number
        return document

    def line(self) -> bytes:
        """The record as one line of NDJSON. Raises FormatError for values that no record can hold."""
        return jsonc.encode(self.document()) + b"\n"


@dataclass(frozen=True)
class OriginalFile:
    """A file that goes in with its record. It is read twice: for its digest, then to be sent."""

    path: Path
    filename: str | None
    media_type: str

    @cached_property
    def facts(self) -> tuple[int, str]:
        """Size and hex SHA-256. Raises CallerError FILE_UNREADABLE."""
        whole = hashlib.sha256()
        size = 0
        try:
            with self.path.open("rb") as file:
                while block := file.read(READ_BYTES):
                    whole.update(block)
                    size += len(block)
        except OSError as error:
            raise CallerError(
                "FILE_UNREADABLE", f"{self.path}: {error.strerror}. Check the path and its rights."
            ) from error
        return size, whole.hexdigest()

    def document(self) -> dict[str, Json]:
        """The file as a record's member `files` names it."""
        size, sha256 = self.facts
        return {
            "filename": self.filename,
            "media_type": self.media_type,
            "size": size,
            "sha256": sha256,
        }

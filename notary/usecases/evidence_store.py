"""What an export needs of the store: the port, and its values.

Spec: docs/spec/package.md §1. Implemented by notary.usecases.evidence. Tests:
tests/unit/store/test_read.py, tests/unit/store/test_history.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from notary.ports import SealedHead
from notary.usecases.export_sources import SourceEvidence
from verifier.format import matter_map
from verifier.format.digests import Digest


@dataclass(frozen=True)
class Original:
    """An attachment's bytes in the clear, opened as often as asked, checked while they are read."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class RecordContent:
    """What one record discloses: strings by claim name, originals by stored name."""

    disclosures: Mapping[str, str]
    originals: tuple[Original, ...]


class EvidenceStore(SourceEvidence, Protocol):
    """What an export reads. Everything is of the agency's own matter, or CallerError."""

    def heads(self, agency_id: int, key: Digest) -> list[SealedHead]:
        """The matter's heads by batch, ascending; empty for a matter that was never sealed."""
        ...

    def map_proofs(self, key: Digest, batches: int) -> Iterator[matter_map.MapProof]:
        """The map's answer for the key in each batch from 0 to `batches` − 1, as it is asked for."""
        ...

    def headers(self, batches: int) -> list[bytes]:
        """The header bytes of batches 0 to `batches` − 1."""
        ...

    def leaves(self, agency_id: int, key: Digest, size: int) -> list[bytes]:
        """The bytes of leaves 0 to size − 1."""
        ...

    def contents(
        self, agency_id: int, key: Digest, positions: Sequence[int]
    ) -> Iterable[RecordContent]:
        """Disclosures and originals of records, in order of their ascending positions.

        Raises CallerError KEY_MISSING without the key encryption key.
        """
        ...

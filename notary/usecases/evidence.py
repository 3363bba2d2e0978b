"""Reads what an export shows of a matter: heads, proofs in the map, headers, leaves and content.

Every proof is held against the head that it is of before it is given out. Spec: docs/spec/format.md §10.
Tests: tests/unit/store/test_read.py, tests/unit/store/test_seal.py, tests/unit/store/test_history.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from notary.core import map_pages, sealing
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.errors import CallerError, Contradiction
from notary.ports import SealedHead
from notary.usecases.evidence_store import RecordContent
from notary.usecases.export_sources import SealedSource
from notary.usecases.read import RecordReader
from verifier.format.digests import Digest
from verifier.format.matter_map import Kind, MapProof


class EvidenceSeen(Protocol):
    """What proofs are made of, as one transaction sees it. Keys are of matters and of sources alike."""

    def has_matter(self, agency_id: int, key: bytes) -> bool:
        """Whether the agency has that matter."""
        ...

    def batch_count(self) -> int:
        """The number of stored batches, signed or not."""
        ...

    def headers(self, batches: int) -> list[bytes]:
        """The header bytes of batches 0 to `batches` − 1; fewer if there are fewer."""
        ...

    def heads(self, key: bytes, up_to: int | None) -> list[SealedHead]:
        """The heads of the key by batch, ascending; with `up_to`, those of batches 0 to `up_to`."""
        ...

    def pages(self, batch: int) -> map_pages.LoadPage:
        """Reads the pages of the map as a batch left them."""
        ...

    def page_versions(self, batches: int) -> map_pages.LoadVersions:
        """Reads the versions of a page that batches 0 to `batches` − 1 left, one after the other."""
        ...

    def leaves(self, agency_id: int, key: bytes, size: int) -> list[bytes]:
        """The leaves at positions 0 to size − 1 of the agency's matter, as far as they exist."""
        ...

    def source_number(self, agency_id: int, key: bytes) -> str | None:
        """The printed number of the agency's source with that key."""
        ...

    def entries(self, key: bytes, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of a source's entries from `first` to before `end`, as they are asked for."""
        ...


class EvidenceArchive(Protocol):
    """Where evidence is read. Raises NothingHappened if it can't be had, Contradiction if it is damaged."""

    def reading(self) -> AbstractContextManager[EvidenceSeen]:
        """One unchanging view."""
        ...


class SealedValue(NamedTuple):
    """What a batch put into the map for a matter: the head's text, its blind, and their value."""

    batch: int
    head: str
    blind: bytes
    value: Digest


class EvidenceReader:
    """Implements the port `EvidenceStore` (usecases.evidence_store)."""

    def __init__(
        self, archive: EvidenceArchive, reader: RecordReader, keys: Keyring, identity: LogIdentity
    ) -> None:
        self._archive = archive
        self._reader = reader
        self._keys = keys
        self._identity = identity

    def heads(self, agency_id: int, key: Digest) -> list[SealedHead]:
        """The matter's heads by batch, ascending; empty if it was never sealed or is another's."""
        with self._archive.reading() as seen:
            return seen.heads(key, None) if seen.has_matter(agency_id, key) else []

    def map_proof(self, key: Digest, batch: int) -> MapProof:
        """The map's answer for any key as batch `batch` sealed it.

        Raises CallerError BATCH_UNKNOWN, and Contradiction if heads and pages disagree.
        """
        with self._archive.reading() as seen:
            _need_batch(seen, batch)
            path = map_pages.find_path(key, seen.pages(batch))
            heads = seen.heads(key, batch)
        return self._proof(batch, path, self._sealed_value(key, heads[-1]) if heads else None, key)

    def map_proofs(self, key: Digest, batches: int) -> Iterator[MapProof]:
        """The map's answer for any key in each batch from 0 to `batches` − 1.

        Raises as `map_proof`, at the batch concerned.
        """
        with self._archive.reading() as seen:
            _need_batch(seen, batches - 1)
            heads = deque(seen.heads(key, batches - 1))
            value: SealedValue | None = None
            paths = map_pages.find_paths(key, seen.page_versions(batches), batches)
            for batch, path in enumerate(paths):
                if heads and heads[0].batch == batch:
                    value = self._sealed_value(key, heads.popleft())
                yield self._proof(batch, path, value, key)

    def headers(self, batches: int) -> list[bytes]:
        """The header bytes of batches 0 to `batches` − 1. Raises CallerError BATCH_UNKNOWN."""
        with self._archive.reading() as seen:
            _need_batch(seen, batches - 1)
            return seen.headers(batches)

    def _sealed_value(self, key: Digest, head: SealedHead) -> SealedValue:
        text, blind, value = sealing.map_value(
            self._identity.name, head.batch, self._keys.map_secret, key, head.size, head.root
        )
        return SealedValue(head.batch, text, blind, value)

    def _proof(
        self, batch: int, path: map_pages.MapPath, sealed: SealedValue | None, key: Digest
    ) -> MapProof:
        if path.kind is not Kind.INCLUSION:
            other_key, other_value = path.leaf or (None, None)
            return MapProof(
                batch, path.kind, path.siblings, leaf_key=other_key, leaf_value=other_value
            )
        assert path.leaf is not None
        if sealed is None:
            raise Contradiction(
                "HEAD_MISSING",
                f"the map of batch {batch} has matter {key.hex()}, no head is stored",
            )
        if sealed.value != path.leaf[1]:
            raise Contradiction(
                "HEAD_DIFFERS",
                f"the head of matter {key.hex()} in batch {sealed.batch} does not give the map's "
                "value",
            )
        return MapProof(batch, path.kind, path.siblings, head=sealed.head, blind=sealed.blind)

    def leaves(self, agency_id: int, key: Digest, size: int) -> list[bytes]:
        """The bytes of leaves 0 to size − 1. Raises CallerError RECORD_UNKNOWN if there are fewer."""
        with self._archive.reading() as seen:
            found = seen.leaves(agency_id, key, size)
        if len(found) != size:
            raise CallerError(
                "RECORD_UNKNOWN",
                f"the agency has {len(found)} records of matter {key.hex()}, want {size}",
            )
        return found

    def source(self, agency_id: int, key: Digest, batch: int) -> SealedSource | None:
        """The agency's source as of a batch; None for another's, or one that no batch held by then."""
        with self._archive.reading() as seen:
            number = seen.source_number(agency_id, key)
            heads = seen.heads(key, batch)
        return None if number is None or not heads else SealedSource(number, heads[-1])

    def entries(self, key: Digest, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of a source's entries from `first` to before `end`, as they are asked for."""
        with self._archive.reading() as seen:
            yield from seen.entries(key, first, end)

    def contents(
        self, agency_id: int, key: Digest, positions: Sequence[int]
    ) -> Iterator[RecordContent]:
        """Disclosures and originals of records, in order of their ascending positions."""
        return self._reader.contents(agency_id, key, positions)


def _need_batch(seen: EvidenceSeen, batch: int) -> None:
    if not 0 <= batch < seen.batch_count():
        raise CallerError("BATCH_UNKNOWN", f"batch {batch} is not sealed")

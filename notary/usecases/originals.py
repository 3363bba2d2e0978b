"""Keeps the originals that come with records: each sealed into the object store as it streams by.

Also what is done with all of them: the sweep of those that no record names, whether each is there, and the
copy from one place to another. Spec: docs/spec/format.md §7;
docs/design/0001-storage-encryption.md. Tests: tests/unit/store/test_accept.py,
tests/unit/store/test_originals.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from cryptography.hazmat.primitives import hashes

from notary.core import acceptance, envelope
from notary.core.acceptance import FileFacts
from notary.core.intake import Incoming, IncomingFile, Refused, StreamedFile
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Entropy, Listed, ObjectStore, Progress

NAME_LENGTH = 16  # bytes; random, so that nobody learns anything from a name or meets it twice
READ_LENGTH = 2**20  # bytes of an offered file in memory at a time
# A submission writes its originals before its commit; none takes a day.
ORPHAN_AGE = timedelta(days=1)
SWEEP_PAGE = 1_000  # objects that the store is asked about at once, and a listing's page in S3

Known = Callable[[Sequence[bytes]], set[bytes]]
"""Of these names those that a record has."""


class NamedOriginals(Protocol):
    """What the store says of the originals that its records name."""

    def known(self, names: Sequence[bytes]) -> set[bytes]:
        """Of these names those that a record has."""
        ...

    def all(self) -> list[tuple[bytes, int]]:
        """Every original that a record names, ascending by name, with its size before sealing."""
        ...

    def backup_made_at(self) -> datetime | None:
        """Of a store that was restored: when its backup was made."""
        ...


class Originals:
    """The originals of one call: kept before its commit, taken away again if nothing entered."""

    def __init__(self, objects: ObjectStore, entropy: Entropy) -> None:
        self._objects = objects
        self._entropy = entropy
        self._kept: list[bytes] = []

    def keep(self, item: Incoming, secret: bytes) -> list[FileFacts] | Refused:
        """Seal the item's files under its record's secret; durable after `make_durable`."""
        # Files are slow, so a record that can't enter is found out before they are read.
        refused = acceptance.try_out(item, [_placeholder(file) for file in item.files])
        if refused is not None:
            return refused
        found = []
        for place, file in enumerate(item.files):
            name = self._entropy.token(NAME_LENGTH)
            digests = _FileDigests()
            sealed = envelope.seal_chunks(secret, name, _read(file, f"files[{place}]", digests))
            # Before the write: one whose answer is lost may have applied all the same.
            self._kept.append(name)
            try:
                self._objects.write(name, sealed)
            except CallerError as error:
                return Refused(error.code, f"files[{place}]", str(error))
            facts = digests.facts(name, file)
            other = _other_than_said(file, facts) if isinstance(file, StreamedFile) else None
            if other is not None:
                return Refused(other[0], f"files[{place}]", other[1])
            found.append(facts)
        return found

    def make_durable(self) -> None:
        """What was kept survives a power loss when this returns."""
        if self._kept:
            self._objects.make_durable(self._kept)

    def remove_but(self, used: Iterable[bytes]) -> None:
        """Take away what was kept and no record names, as far as that can be done now.

        What stays is left to the sweep: an answer that was decided must not change because of it.
        """
        named = set(used)
        left = [name for name in self._kept if name not in named]
        if left:
            with suppress(NothingHappened):
                self._objects.remove(left)


@dataclass(frozen=True)
class CopyDone:
    """What a copy from one place to another found and did; sizes are in bytes, sealed."""

    named: int
    there: int
    copied: int
    copied_bytes: int


def sealed_length(size: int) -> int:
    """The bytes of a sealed original of that size (docs/design/0001-storage-encryption.md)."""
    chunks = max(1, -(-size // envelope.CHUNK_LENGTH))
    return len(envelope.ATTACHMENT_MAGIC) + size + chunks * envelope.TAG_LENGTH


def compared(
    wanted: Iterable[tuple[bytes, int]], listed: Iterable[Listed]
) -> Iterator[tuple[bytes, int, int | None]]:
    """Each wanted object with the bytes that it should have, and those it has; None if it is not there.

    Both come ascending by name, and neither is held in memory.
    """
    there = iter(listed)
    at = next(there, None)
    for name, size in wanted:
        while at is not None and at.name < name:
            at = next(there, None)
        yield name, size, at.size if at is not None and at.name == name else None


def copy_all(
    wanted: Sequence[tuple[bytes, int]],
    source: ObjectStore,
    target: ObjectStore,
    progress: Progress,
    *,
    dry_run: bool,
) -> CopyDone:
    """Copy every wanted object that the target lacks, and read each back. Stopped, it goes on.

    `wanted` is ascending, with the bytes that each should have.

    Raises Contradiction OBJECT_MISSING or OBJECT_LENGTH if the source hasn't it as its record wants it,
    COPY_DIFFERS if the target gives other bytes back; NothingHappened if a place can't be reached.
    """
    there = copied = copied_bytes = 0
    for place, (name, size, found) in enumerate(compared(wanted, target.listed()), 1):
        if found == size:
            there += 1
        else:
            copied += 1
            copied_bytes += size
            if not dry_run:
                _copy(name, size, source, target)
        progress(place, len(wanted))
    return CopyDone(len(wanted), there, copied, copied_bytes)


def _copy(name: bytes, size: int, source: ObjectStore, target: ObjectStore) -> None:
    read = Digesting(source.read(name))
    target.write(name, read)
    target.make_durable([name])
    back = Digesting(target.read(name))
    for _ in back:
        pass
    if read.size != size:
        target.remove([name])
        raise Contradiction(
            "OBJECT_LENGTH",
            f"{source.place}: object {name.hex()} has {read.size} bytes, its record wants {size}. Restore it "
            "from a backup; nothing of it was copied.",
        )
    if back.digest() != read.digest():
        target.remove([name])
        raise Contradiction(
            "COPY_DIFFERS",
            f"{target.place}: object {name.hex()} came back with other bytes than were written. Look into "
            "that store before anything is kept there.",
        )


class Digesting:
    """Passes pieces on, counting and hashing them."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._digest = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            self._digest.update(piece)
            yield piece

    def digest(self) -> bytes:
        """The SHA-256 of what was passed on so far."""
        return self._digest.digest()


def try_out(objects: ObjectStore, entropy: Entropy) -> None:
    """Write, read, list and remove an object; raises what one of these raises."""
    name, content = entropy.token(NAME_LENGTH), entropy.token(NAME_LENGTH)
    objects.write(name, [content])
    objects.make_durable([name])
    if b"".join(objects.read(name)) != content:
        raise Contradiction("COPY_DIFFERS", f"{objects.place} gives other bytes than were written.")
    next(iter(objects.listed()), None)
    objects.remove([name])


def facts_of(item: Incoming) -> list[FileFacts] | Refused:
    """What would be disclosed of the item's files, without keeping them and without their names."""
    found = []
    for place, file in enumerate(item.files):
        digests = _FileDigests()
        try:
            for _ in _read(file, f"files[{place}]", digests):
                pass
        except CallerError as error:
            return Refused(error.code, f"files[{place}]", str(error))
        found.append(digests.facts(bytes(NAME_LENGTH), file))
    return found


def sweep_orphans(
    named: NamedOriginals,
    objects: ObjectStore,
    now: datetime,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Remove originals that no record names, as a crash or a lost race leaves them; how many.

    Ends early when `is_over` says so. Raises as `sweep`.

    A restored store takes no original away that came after its backup was made: the store that was
    backed up may have gone on since, and may name it, and may lie in the same place.
    """
    end = named.backup_made_at() or now
    return sweep(objects, named.known, end - ORPHAN_AGE, is_over)


def sweep(
    objects: ObjectStore,
    known: Known,
    before: datetime,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Remove objects that no record names, last changed before `before`; how many.

    An original is written before its record is committed, so `before` must lie at least `ORPHAN_AGE`
    before now. Raises NothingHappened if the place can't be reached; run again, it goes on.
    """
    removed = objects.remove_unfinished(before)
    old = (one.name for one in objects.listed() if one.changed_at < before)
    while not is_over() and (page := list(islice(old, SWEEP_PAGE))):
        named = known(page)
        orphans = [name for name in page if name not in named]
        if orphans:
            objects.remove(orphans)
            removed += len(orphans)
    return removed


class _FileDigests:
    """The digests of a file while it streams by."""

    def __init__(self) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        # Courts of the PRC expect SM3 beside SHA-256.
        self._sm3 = hashes.Hash(hashes.SM3())

    def update(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._sha256.update(chunk)
        self._sha512.update(chunk)
        self._sm3.update(chunk)

    def facts(self, name: bytes, file: IncomingFile | StreamedFile) -> FileFacts:
        return FileFacts(
            name,
            file.filename,
            self.size,
            file.media_type,
            self._sha256.hexdigest(),
            self._sha512.hexdigest(),
            self._sm3.finalize().hex(),
        )


def _other_than_said(file: StreamedFile, facts: FileFacts) -> tuple[str, str] | None:
    """Code and reason if other bytes came than the submitter said."""
    if file.size not in (None, facts.size):
        return "FILE_SIZE_DIFFERS", f"{facts.size} bytes came, {file.size} were said; send it again"
    if file.sha256 not in (None, facts.sha256):
        return (
            "FILE_DIGEST",
            f"what came has SHA-256 {facts.sha256}, not the one that was said; send it again",
        )
    return None


def _read(file: IncomingFile | StreamedFile, what: str, digests: _FileDigests) -> Iterator[bytes]:
    """The bytes of an offered file, hashed on the way. Raises CallerError if it can't be kept."""
    for piece in file.pieces if isinstance(file, StreamedFile) else _pieces(file, what):
        digests.update(piece)
        if digests.size > acceptance.MAX_FILE_BYTES:
            raise CallerError(
                "FILE_SIZE", f"{what} is longer than {acceptance.MAX_FILE_BYTES} bytes; split it"
            )
        yield piece


def _pieces(file: IncomingFile, what: str) -> Iterator[bytes]:
    try:
        with file.path.open("rb") as stream:
            while piece := stream.read(READ_LENGTH):
                yield piece
    except OSError as error:
        # The path is the submitter's and may name a person: only the place in the offer is said.
        raise CallerError("FILE_UNREADABLE", f"{what} can't be read: {error.strerror}") from error


def _placeholder(file: IncomingFile | StreamedFile) -> FileFacts:
    return FileFacts(
        bytes(NAME_LENGTH), file.filename, 0, file.media_type, "0" * 64, "0" * 128, "0" * 64
    )

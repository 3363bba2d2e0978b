"""Publish what a stranger needs to replay the log, and nothing of a person (docs/spec/format.md §13).

Owns the order of writing: a key set before the batch that names it, a batch whole or not at all, the
anchors last. A crash anywhere leaves a folder that the next run goes on with. Test:
tests/unit/core/test_publish.py and tests/scenarios/service/test_publish.py.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from notary.adapters.durable import force_names, only_one
from notary.core.log_identity import LogIdentity
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import AnchorBook, Progress, SealedBatch
from verifier.format import public
from verifier.format.digests import ZERO, Digest
from verifier.format.fold import Fold

_INCOMING = (
    ".incoming"  # a batch while it is written; beside `batches`, so that a rename moves it in
)
_LOCK = ".lock"


class PublicBatches(Protocol):
    """What of the batch log is public."""

    def size(self) -> int:
        """The number of sealed batches."""
        ...

    def batch(self, index: int) -> SealedBatch:
        """Batch `index`."""
        ...

    def checkpoint(self, size: int) -> str:
        """The signed note for that size, always the same bytes."""
        ...

    def delta(self, index: int) -> bytes:
        """The delta file of batch `index`."""
        ...

    def key_set(self, digest: Digest) -> bytes:
        """The key set of that digest, which a header names in `keys`."""
        ...


@dataclass(frozen=True)
class Published:
    """What the folder holds now, and how many batches this run added."""

    batches: int
    added: int
    anchors: int


@dataclass(frozen=True)
class Publisher:
    """Writes the log's public folder."""

    identity: LogIdentity
    batch_log: PublicBatches
    book: AnchorBook

    def publish(self, folder: Path, progress: Progress) -> Published:
        """Add what is sealed and not in the folder yet; make the folder if it is not there.

        Raises CallerError PUBLIC_FOLDER or PUBLIC_OTHER_LOG for a folder that is not this log's,
        NothingHappened PUBLISHER_RUNS, and Contradiction PUBLIC_DIFFERS where what was published
        is not what the store holds.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            busy = NothingHappened(
                "PUBLISHER_RUNS", f"another process publishes to {folder}; it does the same."
            )
            with only_one(folder / _LOCK, busy):
                return self._publish(folder, progress)
        except OSError as error:
            raise CallerError(
                "PUBLIC_FOLDER", f"{error.filename or folder}: {error.strerror}."
            ) from error

    def _publish(self, folder: Path, progress: Progress) -> Published:
        # Anchors are read before the batches: so each of their sizes is in the folder at the end.
        anchors = self.book.anchors()
        self._claim(folder, public.encode_log(self.identity.log))
        done, sealed = self._published(folder), self.batch_log.size()
        self._check_last(folder, done, sealed)
        for batch in range(done, sealed):
            self._add(folder, batch)
            progress(batch + 1, sealed)
        fold = Fold(ZERO, tuple([anchor.link for anchor in anchors]))
        _write(folder / public.FOLD_FILE, public.encode_fold(fold))
        return Published(sealed, sealed - done, len(anchors))

    def _claim(self, folder: Path, log: bytes) -> None:
        file = folder / public.LOG_FILE
        if file.exists():
            if file.read_bytes() != log:
                raise CallerError(
                    "PUBLIC_OTHER_LOG", f"{file} names another log than {self.identity}."
                )
            return
        # A crash here leaves log.json half written under another name.
        ours = {_LOCK, _part(file).name}
        if any(one.name not in ours for one in folder.iterdir()):
            raise CallerError(
                "PUBLIC_FOLDER", f"{folder} holds other things. Name a new or an empty folder."
            )
        _write(file, log)

    def _published(self, folder: Path) -> int:
        """How many batches the folder has."""
        batches = folder / public.BATCHES
        batches.mkdir(exist_ok=True)
        (folder / public.KEYS).mkdir(exist_ok=True)
        names = {one.name for one in batches.iterdir()}
        wanted = {str(batch) for batch in range(len(names))}
        if names != wanted:
            first = min(wanted - names, key=int)
            raise CallerError(
                "PUBLIC_FOLDER",
                f"{batches} has {len(names)} folders, and {first} is not among them. Publish anew.",
            )
        return len(names)

    def _check_last(self, folder: Path, done: int, sealed: int) -> None:
        """A store that was put back from an old copy must not publish a second history."""
        if not done:
            return
        differs = done > sealed
        if not differs:
            files = self._files(done - 1)
            there = folder / public.BATCHES / str(done - 1)
            differs = any((there / name).read_bytes() != data for name, data in files.items())
        if differs:
            raise Contradiction(
                "PUBLIC_DIFFERS",
                f"{folder} holds batch {done - 1} otherwise than the store of {sealed} batches. "
                "If the store is an old copy, stop: what it seals now would fork the log.",
            )

    def _files(self, batch: int) -> dict[str, bytes]:
        return {
            public.HEADER: self.batch_log.batch(batch).header_bytes,
            public.DELTA: self.batch_log.delta(batch),
            public.CHECKPOINT: self.batch_log.checkpoint(batch + 1).encode("utf-8"),
        }

    def _add(self, folder: Path, batch: int) -> None:
        digest = self.batch_log.batch(batch).header.keys
        key_set = folder / public.key_set_file(digest)
        # The file is named for its content and appears by a rename: one that is there is right.
        if not key_set.exists():
            _write(key_set, self.batch_log.key_set(digest))
        incoming = folder / _INCOMING
        # What a crash left of a batch is worth nothing.
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir()
        for name, data in self._files(batch).items():
            _write(incoming / name, data)
        force_names(incoming)
        incoming.rename(folder / public.BATCHES / str(batch))
        force_names(folder / public.BATCHES)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _write(path: Path, data: bytes) -> None:
    """Write a file durably, whole or not at all."""
    part = _part(path)
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    force_names(path.parent)

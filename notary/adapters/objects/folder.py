"""A folder of sealed attachments under random names of 16 bytes.

An object is whole or absent: it is written under a temporary name in its own folder, forced to
disk, then renamed. It becomes part of a record only by the store's commit, which comes after; what
a crash leaves before that is an orphan, sealed under a secret that nobody has, and is swept later.

Test: tests/unit/store/test_object_folder.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from notary.adapters.durable import PRIVATE_FILE, PRIVATE_FOLDER, READ_LENGTH, force_names
from notary.errors import Contradiction, NothingHappened

NAME_LENGTH = 16  # bytes

_NAME = re.compile(r"[0-9a-f]{32}")
_PART = ".part"  # a file that is still being written


class ObjectFolder:
    """Objects by name. Methods may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: bytes, chunks: Iterable[bytes]) -> None:
        """Keep an object. Its bytes are on disk when this returns, its name after `make_durable`.

        What `chunks` raises passes through and leaves nothing. Raises NothingHappened if the disk
        refuses.
        """
        path = self._path(name)
        part = path.with_suffix(_PART)
        try:
            path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    for chunk in chunks:
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise NothingHappened(
                "OBJECT_NOT_KEPT",
                f"{path}: {error.strerror}. Check that the disk has room, then try again.",
            ) from error

    def make_durable(self, names: Sequence[bytes]) -> None:
        """Force the names themselves to disk, each folder once."""
        parents = {self._path(name).parent for name in names}
        try:
            if parents:
                force_names(*sorted(parents), self.folder, self.folder.parent)
        except OSError as error:
            raise NothingHappened(
                "OBJECT_NOT_KEPT",
                f"{self.folder}: {error.strerror}. Check the disk, then try again.",
            ) from error

    def read(self, name: bytes) -> Iterator[bytes]:
        """The object's bytes in pieces. Raises Contradiction if it is not there."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                while piece := file.read(READ_LENGTH):
                    yield piece
        except FileNotFoundError as error:
            raise Contradiction(
                "OBJECT_MISSING",
                f"{path}: the store names this attachment and the folder has it not. Restore it from a "
                "backup of the data folder.",
            ) from error

    def remove(self, names: Iterable[bytes]) -> None:
        """Take objects away; one that is not there is no fault."""
        for name in names:
            self._path(name).unlink(missing_ok=True)

    def sweep(self, is_known: Callable[[bytes], bool], older_than: datetime) -> int:
        """Remove what no record names, last changed before `older_than`; return how many.

        An attachment is written before its record is committed, so `older_than` must lie well
        before every submission that may still be under way.
        """
        limit = older_than.timestamp()
        removed = 0
        for path in sorted(self.folder.glob("??/*")):
            is_part = path.suffix == _PART and _NAME.fullmatch(path.stem)
            is_object = _NAME.fullmatch(path.name)
            if not is_part and not is_object:
                # Not ours: somebody put it here, and nothing is known about it.
                continue
            if path.stat().st_mtime >= limit:
                continue
            if is_part or not is_known(bytes.fromhex(path.name)):
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _path(self, name: bytes) -> Path:
        text = name.hex()
        # 256 folders keep each of them short; the names are random, so they fill evenly.
        return self.folder / text[:2] / text

"""Originals in a folder of this machine; implements the port `ObjectStore`.

An object is written under a temporary name in its own folder, forced to disk, then renamed. Tests:
tests/unit/store/test_object_stores.py, test_object_folder.py there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from notary.adapters.durable import PRIVATE_FILE, PRIVATE_FOLDER, READ_LENGTH, force_names
from notary.errors import Contradiction, NothingHappened
from notary.ports import Listed

_NAME = re.compile(r"[0-9a-f]{32}")
_PART = ".part"  # a file that is still being written


class ObjectFolder:
    """Implements the port `ObjectStore` in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.folder)

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

    def read(self, name: bytes, at: int = 0) -> Iterator[bytes]:
        """The object's bytes in pieces, from byte `at` on. Raises Contradiction if it is not there."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                file.seek(at)
                while piece := file.read(READ_LENGTH):
                    yield piece
        except FileNotFoundError as error:
            raise Contradiction(
                "OBJECT_MISSING",
                f"{path}: the store names this attachment and the folder has it not. Restore it from a "
                "backup of the data folder.",
            ) from error
        except OSError as error:
            raise self._unreadable(error) from error

    def remove(self, names: Iterable[bytes]) -> None:
        """Take objects away; one that is not there is no fault."""
        try:
            paths = [self._path(name) for name in names]
            for path in paths:
                path.unlink(missing_ok=True)
            # What was erased must not come back with the power.
            force_names(*sorted({path.parent for path in paths if path.parent.exists()}))
        except OSError as error:
            raise self._unreadable(error) from error

    def listed(self) -> Iterator[Listed]:
        """Every object, ascending by name."""
        for path in self._files():
            if not _NAME.fullmatch(path.name):
                # Not ours: somebody put it here, and nothing is known about it.
                continue
            try:
                found = path.stat()
            except FileNotFoundError:
                # Taken away since the folder was read.
                continue
            except OSError as error:
                raise self._unreadable(error) from error
            changed_at = datetime.fromtimestamp(found.st_mtime, UTC)
            yield Listed(bytes.fromhex(path.name), found.st_size, changed_at)

    def remove_unfinished(self, older_than: datetime) -> int:
        """Take away what writes left that were cut off before `older_than`; how many."""
        removed = 0
        try:
            for path in self._files():
                is_part = path.suffix == _PART and _NAME.fullmatch(path.stem)
                if is_part and path.stat().st_mtime < older_than.timestamp():
                    path.unlink(missing_ok=True)
                    removed += 1
        except OSError as error:
            raise self._unreadable(error) from error
        return removed

    def _files(self) -> Iterator[Path]:
        """Whatever lies where objects lie, in order; a folder at a time."""
        try:
            folders = sorted(self.folder.glob("??"))
            for folder in folders:
                yield from sorted(folder.iterdir())
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> NothingHappened:
        return NothingHappened(
            "OBJECTS_UNREADABLE",
            f"{self.folder}: {error.strerror}. Check the disk, then try again.",
        )

    def _path(self, name: bytes) -> Path:
        text = name.hex()
        # 256 folders keep each of them short; the names are random, so they fill evenly.
        return self.folder / text[:2] / text

"""The mark of the newest signed checkpoint, a file of the key folder.

It lies on the key volume, so that it does not go back when the data does. Spec of the argument:
docs/design/0012-restored-stores.md. Test: tests/unit/store/test_mark.py.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notary.adapters.durable import PRIVATE_FILE, force_names
from notary.core.mark import Mark, behind
from notary.errors import CallerError, NothingHappened

MARK = "signed.mark"
LOCK = "signed.lock"
MAX_LENGTH = 1_000  # bytes: three short lines

_FORM = re.compile(rb"notary-signed/1\n([ -~]+)\n([1-9][0-9]{0,18}) ([0-9a-f]{64})\n")


class MarkFile:
    """Implements the port `SignedMark` for one log."""

    def __init__(self, folder: Path, log: str) -> None:
        self._path = folder / MARK
        self._lock = folder / LOCK
        self._log = log

    def read(self) -> Mark | None:
        """The mark; None if there is no file."""
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_LENGTH)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CallerError(
                "MARK_UNREADABLE",
                f"{self._path}: {error.strerror}. Run as the account of the keys.",
            ) from error
        found = _FORM.fullmatch(content)
        if found is None:
            raise CallerError(
                "MARK_FORM",
                f"{self._path} is damaged: it says how far the log is signed. Take the file from the "
                "newest copy of the key folder.",
            )
        if found[1] != self._log.encode():
            raise CallerError(
                "MARK_OF_OTHER_LOG",
                f"{self._path} is of the log {found[1].decode()}, this store's is {self._log}. "
                "Point the configuration to this store's own key folder.",
            )
        return Mark(int(found[2]), bytes.fromhex(found[3].decode()))

    def raise_to(self, mark: Mark) -> None:
        """Keep the mark: written, forced to disk, renamed, and the name forced to disk."""
        try:
            # The lock is for a second copy of the store at work beside this one: the store's own
            # lock keeps the sealers of one store apart.
            with self._locked():
                kept = self.read()
                if kept == mark:
                    return
                if kept is not None and kept.size >= mark.size:
                    raise behind(kept, mark)
                self._write(mark)
        except OSError as error:
            raise NothingHappened(
                "MARK_NOT_KEPT",
                f"{self._path}: {error.strerror}. Nothing is signed without it; check the volume of the "
                "key folder.",
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._lock, os.O_CREAT | os.O_RDWR, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, mark: Mark) -> None:
        part = self._path.with_suffix(".part")
        descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"notary-signed/1\n{self._log}\n{mark.size} {mark.root.hex()}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        force_names(self._path.parent)

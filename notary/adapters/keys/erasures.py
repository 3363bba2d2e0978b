"""The register of erasures, a file of the key folder that is only appended to, its lines sealed by a key.

It lies on the key volume, so that it does not go back when the data does. Spec: docs/spec/erasure.md §4.
Test: tests/unit/store/test_erasure_register.py.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from notary.adapters.durable import one_at_a_time, write_file
from notary.adapters.keys.folder import ERASURES_KEY, read_key
from notary.core import erasure_chain
from notary.core.erasures import Line
from notary.errors import CallerError, NothingHappened
from verifier.format.errors import FormatError

REGISTER = "erasures.txt"
LOCK = "erasures.lock"
NEWEST_COPY = "It says what was erased; put its newest whole copy in its place."


class ErasureFile:
    """Implements the port `ErasureRegister` for one log."""

    def __init__(self, folder: Path, log: str) -> None:
        self.path = folder / REGISTER
        self._key = folder / ERASURES_KEY
        self._lock = folder / LOCK
        self._log = log

    def exists(self) -> bool:
        """Whether there is a register."""
        return self.path.exists()

    def create(self) -> None:
        """Begin the register, durable when this returns, unless it is there."""
        with one_at_a_time(self._lock):
            if not self.exists():
                write_file(self.path, erasure_chain.head(self._log).encode())

    def lines(self) -> list[Line]:
        """As ErasureRegister."""
        return self.lines_of(self.path)

    def lines_of(self, path: Path) -> list[Line]:
        """The steps of a copy of this register. Raises as `lines`."""
        try:
            return erasure_chain.parse_lines(
                read_key(self._key), self._log, _texts(path, _read(path), self._log)
            )
        except FormatError as error:
            if error.code == "REGISTER_CHAIN":
                raise CallerError(
                    "ERASURES_CHANGED", f"{path}: {error.message}. {NEWEST_COPY}"
                ) from error
            raise _damaged(path, error.message) from error

    def texts(self) -> list[str]:
        """The lines as they stand, without LF."""
        return _texts(self.path, _read(self.path), self._log)

    def append(self, lines: Sequence[Line]) -> None:
        """As ErasureRegister."""
        try:
            with one_at_a_time(self._lock):
                content = _read(self.path)
                texts = _texts(self.path, content, self._log)
                try:
                    written = erasure_chain.encode_lines(
                        read_key(self._key), self._log, lines, texts[-1] if texts else None
                    )
                except FormatError as error:
                    raise _damaged(self.path, error.message) from error
                with os.fdopen(os.open(self.path, os.O_RDWR), "r+b") as file:
                    # What a loss of power left of a line was never relied on.
                    file.truncate(content.rfind(b"\n") + 1)
                    file.seek(0, os.SEEK_END)
                    file.write(written.encode())
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise NothingHappened(
                "REGISTER_NOT_KEPT",
                f"{self.path}: {error.strerror}. Nothing is erased without it; check the volume of the key "
                "folder.",
            ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CallerError(
            "ERASURES_MISSING",
            f"there is no {path}: it says what was erased. Put its newest copy there.",
        ) from error
    except OSError as error:
        raise CallerError(
            "ERASURES_UNREADABLE", f"{path}: {error.strerror}. Run as the account of the keys."
        ) from error


def _texts(path: Path, content: bytes, log: str) -> list[str]:
    """The whole lines after the head, without LF: a last one without it was never durable."""
    try:
        lines = content[: content.rfind(b"\n") + 1].decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise _damaged(path, "it is no UTF-8") from error
    if lines[0] != erasure_chain.FIRST_LINE or len(lines) < 3:
        raise _damaged(
            path, f"its first line is not {erasure_chain.FIRST_LINE}, or its second not there"
        )
    if lines[1] != log:
        raise CallerError(
            "ERASURES_OF_OTHER_LOG",
            f"{path} is of the log {lines[1]:.100}, this store's is {log}. Point to this store's own.",
        )
    return lines[2:-1]


def _damaged(path: Path, what: str) -> CallerError:
    return CallerError("ERASURES_FORM", f"{path} is damaged: {what}. {NEWEST_COPY}")

"""The register of erasures, a file of the key folder that is only appended to.

It lies on the key volume, so that it does not go back when the data does. Spec: docs/spec/erasure.md §4.
Test: tests/unit/store/test_erasure_register.py.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from notary.adapters.durable import one_at_a_time, write_file
from notary.core.erasures import FIRST_LINE, Line, encode_line, parse_line
from notary.errors import CallerError, NothingHappened
from verifier.format.errors import FormatError

REGISTER = "erasures.txt"
LOCK = "erasures.lock"


class ErasureFile:
    """Implements the port `ErasureRegister` for one log."""

    def __init__(self, folder: Path, log: str) -> None:
        self.path = folder / REGISTER
        self._lock = folder / LOCK
        self._log = log

    def exists(self) -> bool:
        """Whether there is a register."""
        return self.path.exists()

    def lines(self) -> list[Line]:
        """As ErasureRegister."""
        return [parsed(self.path, line) for line in self.texts()]

    def texts(self) -> list[str]:
        """The lines as they stand, without LF; none if there is no register yet."""
        return read_texts(self.path, self._log) if self.path.exists() else []

    def append(self, lines: Sequence[Line]) -> None:
        """As ErasureRegister."""
        self.append_texts([encode_line(line) for line in lines])

    def append_texts(self, texts: Sequence[str]) -> None:
        """The same for lines that are written already, each with its LF."""
        try:
            with one_at_a_time(self._lock):
                if not self.path.exists():
                    write_file(self.path, f"{FIRST_LINE}\n{self._log}\n".encode())
                whole = whole_length(self.path, self._log)
                with os.fdopen(os.open(self.path, os.O_RDWR), "r+b") as file:
                    # What a loss of power left of a line was never relied on.
                    file.truncate(whole)
                    file.seek(whole)
                    file.write("".join(texts).encode())
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise NothingHappened(
                "REGISTER_NOT_KEPT",
                f"{self.path}: {error.strerror}. Nothing is erased without it; check the volume of the key "
                "folder.",
            ) from error


def whole_length(path: Path, log: str) -> int:
    """The bytes of whole lines. Raises CallerError as `read_texts`."""
    content = path.read_bytes()
    _body(path, content, log)
    return content.rfind(b"\n") + 1


def read_texts(path: Path, log: str) -> list[str]:
    """The whole lines of a register or a copy of one, without LF.

    Raises CallerError ERASURES_UNREADABLE, ERASURES_FORM or ERASURES_OF_OTHER_LOG.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CallerError(
            "ERASURES_UNREADABLE", f"{path}: {error.strerror}. Run as the account of the keys."
        ) from error
    return _body(path, content, log)


def parsed(path: Path, line: str) -> Line:
    """One line. Raises CallerError ERASURES_FORM naming the file."""
    try:
        return parse_line(line)
    except FormatError as error:
        raise _damaged(path, error.message) from error


def _body(path: Path, content: bytes, log: str) -> list[str]:
    try:
        lines = content[: content.rfind(b"\n") + 1].decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise _damaged(path, "it is no UTF-8") from error
    if lines[0] != FIRST_LINE or len(lines) < 3:
        raise _damaged(path, f"its first line is not {FIRST_LINE}, or its second not there")
    if lines[1] != log:
        raise CallerError(
            "ERASURES_OF_OTHER_LOG",
            f"{path} is of the log {lines[1]:.100}, this store's is {log}. Point to this store's own.",
        )
    return lines[2:-1]


def _damaged(path: Path, what: str) -> CallerError:
    return CallerError(
        "ERASURES_FORM",
        f"{path} is damaged: {what}. It says what was erased; take the newest copy of the key folder.",
    )

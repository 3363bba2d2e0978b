"""Files and names that are on disk when a call returns, whole or not there; and locks by file.

Test: tests/scenarios/service/test_backup.py, and the sweeps of tests/unit/store/test_crash.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from notary.errors import CallerError, NothingHappened

READ_LENGTH = 2**20  # bytes at a time
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
PART = ".part"  # a file that is still being written


def digest_of(path: Path) -> bytes:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def copy_file(source: Path, target: Path) -> bytes:
    """Copy the bytes, never by a link; the SHA-256 of what was read and written.

    As `write_pieces`; FileNotFoundError without a source.
    """
    with source.open("rb") as reading:
        return write_pieces(iter(lambda: reading.read(READ_LENGTH), b""), target)


def write_pieces(pieces: Iterable[bytes], target: Path) -> bytes:
    """Write a file of these bytes; their SHA-256.

    The bytes are on disk under their name when this returns; the name itself after `force_names`.
    What `pieces` raises passes through. Raises NothingHappened COPY_FAILED if a disk refuses.
    """
    digest = hashlib.sha256()
    part = target.with_name(target.name + PART)
    try:
        target.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise refused(target, error) from error
    return digest.digest()


def write_file(target: Path, content: bytes) -> None:
    """Write a small file, durable with its name when this returns."""
    part = target.with_name(target.name + PART)
    try:
        descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        force_names(target.parent)
    except OSError as error:
        raise refused(target, error) from error


@contextmanager
def whole_file(target: Path, code: str) -> Iterator[BinaryIO]:
    """A file to write, on disk under its name when the block ends well, and not there when it does not.

    Raises CallerError `code` if the disk refuses.
    """
    part = target.with_name(target.name + PART)
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        # Without this a loss of power could take back what was said to be there.
        force_names(target.parent)
    except OSError as error:
        raise CallerError(code, f"{target}: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def force_file(path: Path) -> None:
    """Force a file that somebody else wrote to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def force_names(*folders: Path) -> None:
    """Force the names in folders to disk."""
    for folder in folders:
        force_file(folder)


@contextmanager
def only_one(lock: Path, busy: NothingHappened) -> Iterator[None]:
    """Held by one process at a time, freed by its end. Raises `busy` if another one holds it."""
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise busy from error
        yield
    finally:
        os.close(descriptor)


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Held by one process and thread at a time; others wait. Freed by the process's end."""
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def refused(path: Path, error: OSError) -> NothingHappened:
    """What to say when a disk refused."""
    return NothingHappened(
        "COPY_FAILED", f"{path}: {error.strerror}. Check that the disk has room, then run again."
    )

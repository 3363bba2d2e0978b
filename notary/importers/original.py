"""Owns the bytes of an original: read as a stream, and known to be those whose digest was taken.

The digest of the whole must stand in every row, so a file is read twice. The first reading keeps a digest of
each block, and the second refuses a block that differs: what is recorded under a file's digest was in
that file. Memory maps are not used, because a file that shrinks under one ends the process.
Test: tests/unit/importers/test_parts.py.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from notary.errors import CallerError, NothingHappened

BLOCK_BYTES = 2**20  # 32 bytes of digest for each: 32 KiB for a file of 1 GiB
HEAD_BYTES = 64 * 2**10  # enough to see what a file is


class Original:
    """A file open for importing. `sha256` and `size` are those of the first reading."""

    def __init__(self, path: Path) -> None:
        """Open and read the file once. Raises CallerError if it can't be read or is no regular file."""
        self.path = path
        try:
            # O_NONBLOCK, so that a named pipe is refused below and does not wait for a writer.
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise _unreadable(path, error) from error
        try:
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                raise CallerError(
                    "FILE_KIND",
                    f"{path}: a folder, a pipe or a device is no file. Give the file itself.",
                )
            self._blocks: list[bytes] = []
            self._last: tuple[int, bytes] = (-1, b"")
            whole = hashlib.sha256()
            size = 0
            while block := _read(self._fd, BLOCK_BYTES, size, path):
                whole.update(block)
                self._blocks.append(hashlib.sha256(block).digest())
                size += len(block)
            self.size = size
            self.sha256 = whole.digest()
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> Original:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    def blocks(self) -> Iterator[bytes]:
        """The file's bytes again, block by block. Raises NothingHappened at the first that differs."""
        for index in range(len(self._blocks)):
            yield self._block(index)

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, checked like `blocks`."""
        if not 0 <= start <= end <= self.size:
            raise ValueError(f"range {start} to {end} is outside a file of {self.size} bytes")
        if start == end:
            return b""
        first = start // BLOCK_BYTES
        last = (end - 1) // BLOCK_BYTES
        data = b"".join([self._block(index) for index in range(first, last + 1)])
        return data[start - first * BLOCK_BYTES : end - first * BLOCK_BYTES]

    def head(self) -> bytes:
        """The first HEAD_BYTES bytes, or all of a shorter file, by which it is recognised.

        Raises as `read`.
        """
        return self.read(0, min(HEAD_BYTES, self.size))

    def _block(self, index: int) -> bytes:
        if self._last[0] == index:
            # Small pieces are asked for one after another.
            return self._last[1]
        block = _read(self._fd, BLOCK_BYTES, index * BLOCK_BYTES, self.path)
        if hashlib.sha256(block).digest() != self._blocks[index]:
            raise NothingHappened(
                "FILE_CHANGED",
                f"{self.path}: the file changed while it was read, at or after byte "
                f"{index * BLOCK_BYTES}. Rows before that place may have entered, nothing after it did. "
                "Wait until the file is complete and run the same command again.",
            )
        self._last = (index, block)
        return block


def _read(fd: int, size: int, offset: int, path: Path) -> bytes:
    """Up to `size` bytes at `offset`; fewer only at the end of the file."""
    parts = []
    try:
        while size and (part := os.pread(fd, size, offset)):
            parts.append(part)
            size -= len(part)
            offset += len(part)
    except OSError as error:
        raise _unreadable(path, error) from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unreadable(path: Path, error: OSError) -> CallerError:
    return CallerError(
        "FILE_UNREADABLE", f"{path}: {error.strerror}. Check the path and its rights."
    )

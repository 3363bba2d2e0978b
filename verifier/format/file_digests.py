"""Owns the digests of files, each read once (docs/spec/package.md §1).

Proved by tests/unit/format_package/test_file_digests.py.
"""

import io
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import new as new_hash
from hashlib import sha256, sha512
from pathlib import Path
from typing import BinaryIO, NamedTuple

_CHUNK = 2**20  # read at once: memory stays the same however large an attachment is
LARGE = 32 * 2**10  # from here on a hash takes longer than handing it to a thread
_THREADS = 2


class Source(NamedTuple):
    """A file that is streamed. `open` gives its bytes from the start, as often as asked."""

    size: int
    crc32: int
    open: Callable[[], BinaryIO]


Content = bytes | Path | Source


class Digests(NamedTuple):
    """What one reading of a file gives. `sm3` is there only if it was asked for."""

    size: int
    crc32: int
    sha256: bytes
    sha512: bytes
    sm3: bytes | None = None


def digest_bytes(data: bytes, *, sm3: bool = False) -> Digests:
    """Digest bytes that are in memory."""
    return Digests(
        len(data),
        zlib.crc32(data),
        sha256(data).digest(),
        sha512(data).digest(),
        new_hash("sm3", data).digest() if sm3 else None,
    )


def digest_stream(stream: BinaryIO, *, sm3: bool = False, limit: int | None = None) -> Digests:
    """Digest what `stream` gives, at most `limit` bytes of it, in memory of one chunk."""
    size = crc = 0
    hashes = [sha256(), sha512(), *([new_hash("sm3")] if sm3 else [])]
    for chunk in chunks(stream, limit):
        size += len(chunk)
        crc = zlib.crc32(chunk, crc)
        for one in hashes:
            one.update(chunk)
    return Digests(size, crc, *[one.digest() for one in hashes])


def digest_all(files: Mapping[str, Content], *, sm3: bool = False) -> dict[str, Digests]:
    """Digest every file once; large ones in two threads."""
    jobs: list[Callable[[], None]] = []
    digests: dict[str, Digests] = {}

    def digest(name: str, content: Path | Source) -> None:
        with open_content(content) as stream:
            digests[name] = digest_stream(stream, sm3=sm3)

    for name, content in files.items():
        if isinstance(content, bytes):
            digests[name] = digest_bytes(content, sm3=sm3)
        elif size_of(content) < LARGE:
            digest(name, content)
        else:
            jobs.append(lambda name=name, content=content: digest(name, content))  # type: ignore[misc]
    in_threads(jobs)
    return digests


def chunks(stream: BinaryIO, limit: int | None = None) -> Iterator[bytes]:
    """What `stream` gives, at most `limit` bytes of it, piece by piece."""
    left = limit
    while left is None or left > 0:
        chunk = stream.read(_CHUNK if left is None else min(_CHUNK, left))
        if not chunk:
            return
        if left is not None:
            left -= len(chunk)
        yield chunk


def size_of(content: Content) -> int:
    """How many bytes a content has."""
    if isinstance(content, bytes):
        return len(content)
    return content.size if isinstance(content, Source) else content.stat().st_size


def open_content(content: Content) -> BinaryIO:
    """A content's bytes from the start."""
    if isinstance(content, bytes):
        return io.BytesIO(content)
    if isinstance(content, Source):
        return content.open()
    return content.open("rb", buffering=0)


def in_threads(jobs: Sequence[Callable[[], None]]) -> None:
    """Run the jobs, two at a time. hashlib and zlib let go of the interpreter while they work."""
    if len(jobs) < _THREADS:
        for job in jobs:
            job()
        return
    waiting = iter(jobs)
    lock = threading.Lock()
    failures: list[BaseException] = []

    def work() -> None:
        while not failures:
            with lock:
                job = next(waiting, None)
            if job is None:
                return
            try:
                job()
            except BaseException as failure:  # noqa: BLE001 - raised again below, in the caller
                failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]

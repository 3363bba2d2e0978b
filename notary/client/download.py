"""Owns a download that goes on where it broke off: into a file beside, checked, then renamed.

The bytes that came lie in a hidden file whose name holds the digest of what is fetched, so that a later call
goes on with these and no others (RFC 9110 §14). Test: tests/scenarios/client/test_exports.py.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from notary.client.records import READ_BYTES
from notary.client.transport import AGAIN, Transport, Waits, away, problem, read_answer
from notary.errors import CallerError, Contradiction, NothingHappened, OutcomeUnknown

PRIVATE_FILE = 0o600  # a package shows what its matter says of people
SHOWN = 16  # hex digits of the digest in the name of a file that is not whole

_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")


def fetch(
    transport: Transport,
    path: str,
    sha256: str,
    size: int,
    target: Path,
    waits: Waits,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Fetch `size` bytes of that hex SHA-256 into `target`.

    Raises CallerError FILE_EXISTS and FILE_UNWRITABLE, Contradiction PACKAGE_BAD, and as `Transport.call`.
    """
    part = target.with_name(f".{target.name}.{sha256[:SHOWN]}.part")
    with _writing(target):
        if target.exists():
            with target.open("rb") as there:
                if hashlib.file_digest(there, "sha256").hexdigest() == sha256:
                    return
            raise CallerError(
                "FILE_EXISTS", f"{target} is there and is another file. Name another one."
            )
        file = os.fdopen(os.open(part, os.O_CREAT | os.O_RDWR, PRIVATE_FILE), "r+b")
    with file:
        coming = _Coming(file, target, sha256, size, progress)
        while coming.at < size:
            before = coming.at
            try:
                with transport.answering(path, coming.headers()) as response:
                    if response.status not in (200, 206):
                        answer = read_answer(response)
                        if answer.status in AGAIN:
                            waits.wait(problem(answer), answer.retry_after_s)
                            continue
                        part.unlink(missing_ok=True)
                        raise problem(answer)
                    coming.read(response)
                error: NothingHappened = NothingHappened(
                    "SERVICE_AWAY",
                    "the package was cut off on the way. Download again: it goes on.",
                )
            except (OSError, http.client.HTTPException) as failed:
                error = away(failed)
            if coming.at < size:
                if coming.at > before:
                    waits.reset()
                waits.wait(error, None)
        if coming.digest.hexdigest() != sha256:
            part.unlink(missing_ok=True)
            raise Contradiction(
                "PACKAGE_BAD",
                f"what came has the SHA-256 {coming.digest.hexdigest()}, the service named {sha256}. Nothing "
                "was kept. Download again; if it comes again, ask the operator.",
            )
        with _writing(target):
            file.flush()
            os.fsync(file.fileno())
            part.replace(target)


class _Coming:
    """What has come of a package, and the digest of it."""

    def __init__(
        self,
        file: BinaryIO,
        target: Path,
        sha256: str,
        size: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._file = file
        self._target = target
        self._sha256 = sha256
        self._size = size
        self._progress = progress
        self._begin()
        with _writing(target):
            while block := file.read(READ_BYTES):
                self._took(block)
            if self.at > size:
                self._begin()

    def _begin(self) -> None:
        self.at = 0
        self.digest = hashlib.sha256()
        if self._file.seek(0, os.SEEK_END) > self._size:
            self._file.truncate(0)
        self._file.seek(0)

    def headers(self) -> dict[str, str]:
        """Of a request for what is missing."""
        if not self.at:
            return {}
        return {"Range": f"bytes={self.at}-", "If-Range": f'"{self._sha256}"'}

    def read(self, response: http.client.HTTPResponse) -> None:
        """Keep what an answer brings, as far as it comes. Raises OutcomeUnknown for other bytes."""
        if response.status == 200:
            # It knows no ranges, or has other bytes by now: from the beginning.
            with _writing(self._target):
                self._file.truncate(0)
            self._begin()
        else:
            found = _CONTENT_RANGE.fullmatch(response.getheader("Content-Range") or "")
            if found is None or (int(found[1]), int(found[3])) != (self.at, self._size):
                raise OutcomeUnknown(
                    "ANSWER_GARBLED",
                    f"byte {self.at} of {self._size} was asked for, the answer begins elsewhere "
                    f"({response.getheader('Content-Range')!r}). Is there a proxy that changes answers?",
                )
        while self.at < self._size and (block := response.read(READ_BYTES)):
            if self.at + len(block) > self._size:
                raise OutcomeUnknown(
                    "ANSWER_GARBLED", f"more than the {self._size} bytes of the package came."
                )
            with _writing(self._target):
                self._file.write(block)
            self._took(block)

    def _took(self, block: bytes) -> None:
        self.at += len(block)
        self.digest.update(block)
        if self._progress is not None:
            self._progress(self.at, self._size)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CallerError(
            "FILE_UNWRITABLE", f"{target}: {error.strerror}. Make room, or name another."
        ) from error

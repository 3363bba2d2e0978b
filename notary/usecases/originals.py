"""Keeps the originals that come with records: each sealed into the object folder as it streams by.

Spec: docs/spec/format.md §7; docs/design/0001-storage-encryption.md. Test: tests/unit/store/test_accept.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from cryptography.hazmat.primitives import hashes

from notary.adapters.objects.folder import NAME_LENGTH, ObjectFolder
from notary.core import acceptance, envelope
from notary.core.acceptance import FileFacts
from notary.core.intake import Incoming, IncomingFile, Refused
from notary.errors import CallerError
from notary.ports import Entropy

READ_LENGTH = 2**20  # bytes of an offered file in memory at a time


class Originals:
    """The originals of one call: kept before its commit, taken away again if nothing entered."""

    def __init__(self, objects: ObjectFolder, entropy: Entropy) -> None:
        self._objects = objects
        self._entropy = entropy
        self._kept: list[bytes] = []

    def keep(self, item: Incoming, secret: bytes) -> list[FileFacts] | Refused:
        """Seal the item's files under its record's secret; durable after `make_durable`."""
        # Files are slow, so a record that can't enter is found out before they are read.
        refused = acceptance.try_out(item, [_placeholder(file) for file in item.files])
        if refused is not None:
            return refused
        found = []
        for place, file in enumerate(item.files):
            name = self._entropy.token(NAME_LENGTH)
            digests = _FileDigests()
            sealed = envelope.seal_chunks(secret, name, _read(file, f"files[{place}]", digests))
            try:
                self._objects.write(name, sealed)
            except CallerError as error:
                return Refused(error.code, f"files[{place}]", str(error))
            self._kept.append(name)
            found.append(digests.facts(name, file))
        return found

    def make_durable(self) -> None:
        """What was kept survives a power loss when this returns."""
        if self._kept:
            self._objects.make_durable(self._kept)

    def remove_but(self, used: Iterable[bytes]) -> None:
        """Take away what was kept and no record names."""
        if self._kept:
            named = set(used)
            self._objects.remove(name for name in self._kept if name not in named)


def facts_of(item: Incoming) -> list[FileFacts] | Refused:
    """What would be disclosed of the item's files, without keeping them and without their names."""
    found = []
    for place, file in enumerate(item.files):
        digests = _FileDigests()
        try:
            for _ in _read(file, f"files[{place}]", digests):
                pass
        except CallerError as error:
            return Refused(error.code, f"files[{place}]", str(error))
        found.append(digests.facts(bytes(NAME_LENGTH), file))
    return found


class _FileDigests:
    """The digests of a file while it streams by."""

    def __init__(self) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        # Courts of the PRC expect SM3 beside SHA-256.
        self._sm3 = hashes.Hash(hashes.SM3())

    def update(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._sha256.update(chunk)
        self._sha512.update(chunk)
        self._sm3.update(chunk)

    def facts(self, name: bytes, file: IncomingFile) -> FileFacts:
        return FileFacts(
            name,
            file.filename,
            self.size,
            file.media_type,
            self._sha256.hexdigest(),
            self._sha512.hexdigest(),
            self._sm3.finalize().hex(),
        )


def _read(file: IncomingFile, what: str, digests: _FileDigests) -> Iterator[bytes]:
    """The bytes of an offered file, hashed on the way. Raises CallerError if it can't be kept."""
    try:
        with file.path.open("rb") as stream:
            while chunk := stream.read(READ_LENGTH):
                digests.update(chunk)
                if digests.size > acceptance.MAX_FILE_BYTES:
                    raise CallerError(
                        "FILE_SIZE",
                        f"{what} is longer than {acceptance.MAX_FILE_BYTES} bytes; split it",
                    )
                yield chunk
    except OSError as error:
        # The path is the submitter's and may name a person: only the place in the offer is said.
        raise CallerError("FILE_UNREADABLE", f"{what} can't be read: {error.strerror}") from error


def _placeholder(file: IncomingFile) -> FileFacts:
    return FileFacts(
        bytes(NAME_LENGTH), file.filename, 0, file.media_type, "0" * 64, "0" * 128, "0" * 64
    )

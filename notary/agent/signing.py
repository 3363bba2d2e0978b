"""Owns the sender's signature over a record as it was handed in (docs/spec/handed-in.md §3, §4).

Test: tests/unit/agent/test_signing.py, which checks it with openssl as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from notary.errors import CallerError, Contradiction
from verifier.format import jsonc
from verifier.format.digests import b64url_decode, b64url_encode
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

FORMAT = "notary-handed-in/1"
MEMBER = "sender"  # of the claim `fields`
KEY_NAME = "sender.pem"
FILE_MEMBERS = ("filename", "media_type", "size", "sha256")

_ATTACHMENT = re.compile(r"attachment-(0|[1-9][0-9]{0,3})")


@dataclass(frozen=True)
class HandedIn:
    """A record whose signature holds: by which key, and under which name of a source."""

    key: str
    source: str


def statement(
    matter: str, kind: str, claims: Mapping[str, Json], files: Sequence[Mapping[str, Json]]
) -> bytes:
    """The bytes that are signed. `claims` hold `fields.sender`, with or without its signature."""
    fields = claims.get("fields")
    sender = fields.get(MEMBER) if isinstance(fields, dict) else None
    if not isinstance(fields, dict) or not isinstance(sender, dict):
        raise CallerError("NOT_SIGNED", "the record has no fields.sender.")
    unsigned: dict[str, Json] = {n: v for n, v in sender.items() if n != "signature"}
    listed: list[Json] = [{name: file[name] for name in FILE_MEMBERS} for file in files]
    document: dict[str, Json] = {
        "format": FORMAT,
        "matter": matter,
        "kind": kind,
        "claims": {
            **{name: v for name, v in claims.items() if _ATTACHMENT.fullmatch(name) is None},
            "fields": {**fields, MEMBER: unsigned},
        },
        "files": listed,
    }
    return jsonc.encode(document)


class SenderKey:
    """The source's own key, which never leaves the agency."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = b64url_encode(key.public_key().public_bytes_raw())

    @classmethod
    def throwaway(cls) -> SenderKey:
        """A key that signs nothing that is sent: for a dry run."""
        return cls(Ed25519PrivateKey.generate())

    def sign(
        self,
        matter: str,
        kind: str,
        claims: Mapping[str, Json],
        files: Sequence[Mapping[str, Json]],
    ) -> dict[str, Json]:
        """The claims with their signature. Ed25519 gives the same one each time."""
        signature = self._key.sign(statement(matter, kind, claims, files))
        fields = claims["fields"]
        assert isinstance(fields, dict)
        sender = fields[MEMBER]
        assert isinstance(sender, dict)
        signed: Json = {**sender, "signature": b64url_encode(signature)}
        return {**claims, "fields": {**fields, MEMBER: signed}}

    def identity_secret(self) -> bytes:
        """A secret that follows from the key, under which rows are told apart."""
        return self._key.sign(b"notary/agent-identity/v1\n")


def sender_key(folder: Path) -> SenderKey:
    """The key in the folder, made if there is none. Raises CallerError KEY_UNREADABLE."""
    path = folder / KEY_NAME
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        file.flush()
        os.fsync(file.fileno())
    return SenderKey(key)


def _read(path: Path) -> SenderKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise CallerError(
            "KEY_UNREADABLE",
            f"{path}: no Ed25519 key in PEM ({error}). Restore it, or move it away for a new one.",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise CallerError("KEY_UNREADABLE", f"{path}: it is no Ed25519 key.")
    return SenderKey(key)


def check(matter: str, kind: str, claims: Mapping[str, Json]) -> HandedIn:
    """Check a record as it is disclosed, with all its claims and `attachment-N`.

    Raises CallerError NOT_SIGNED if it has no signature, Contradiction SIGNATURE_BAD if it does not hold.
    """
    attached = {
        int(found[1]): value
        for name, value in claims.items()
        if (found := _ATTACHMENT.fullmatch(name)) is not None
    }
    files = []
    for number in sorted(attached):
        one = attached[number]
        if not isinstance(one, dict) or not all(name in one for name in FILE_MEMBERS):
            raise _bad(f"attachment-{number} names no file")
        files.append(one)
    message = statement(matter, kind, claims, files)
    fields = claims["fields"]
    assert isinstance(fields, dict)
    sender = fields[MEMBER]
    assert isinstance(sender, dict)
    key, signature, source = (sender.get(name) for name in ("key", "signature", "source"))
    if not isinstance(key, str) or not isinstance(signature, str) or not isinstance(source, str):
        raise CallerError("NOT_SIGNED", "fields.sender has no key, source or signature.")
    try:
        public = Ed25519PublicKey.from_public_bytes(b64url_decode(key))
        public.verify(b64url_decode(signature), message)
    except (FormatError, ValueError) as error:
        raise _bad("key or signature has not its form") from error
    except InvalidSignature as error:
        raise _bad("it is of other claims, files or another matter") from error
    return HandedIn(key, source)


def _bad(reason: str) -> Contradiction:
    return Contradiction("SIGNATURE_BAD", f"the sender's signature does not hold: {reason}.")

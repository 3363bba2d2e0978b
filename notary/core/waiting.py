"""A row that waits, since no matter has its account: how it is sealed, and what its number commits to. Pure.

Spec: docs/spec/format.md §16, docs/spec/column-map.md §7. Test: tests/unit/store/test_asides.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from notary.core import envelope
from notary.core.envelope import Kek
from notary.errors import Contradiction
from verifier.format import asides, jsonc
from verifier.format.digests import Digest
from verifier.format.jsonc import Json

WAITING_ROW = b"import-waiting"  # what the wrapped secret of a row is for (envelope.wrap_context)
RANDOM_LENGTH = envelope.SECRET_LENGTH + envelope.NONCE_LENGTH


@dataclass(frozen=True)
class Waiting:
    """A row whose account leads to no matter yet. `salt` is that of its number, where one is set aside."""

    key: str
    account: str
    kind: str
    claims: Mapping[str, Json]
    source: bytes | None = None
    number: int | None = None
    salt: bytes | None = None

    def salted(self, salt: bytes) -> tuple[Waiting, Digest]:
        """The row with its salt, and what the entry says that sets its number aside."""
        assert self.source is not None
        assert self.number is not None
        name = asides.row_claim(self.claims)
        row = asides.row_bytes(name, self.claims.get(name))
        digest = asides.row_digest(Digest(self.source), self.number, salt, row)
        return replace(self, salt=salt), digest


def seal_waiting(
    kek: Kek, random: bytes, agency_id: int, digest: bytes, row: Waiting
) -> tuple[bytes, bytes]:
    """The wrapped secret of a row and the sealed row; `random` has RANDOM_LENGTH bytes, `digest` is that of
    its key.
    """
    secret, nonce = random[: envelope.SECRET_LENGTH], random[envelope.SECRET_LENGTH :]
    parts: list[Json] = [row.key, row.account, row.kind, dict(row.claims)]
    if row.source is not None:
        parts += [row.source.hex(), row.number]
    if row.salt is not None:
        parts.append(row.salt.hex())
    wrapped = envelope.wrap(kek, secret, nonce, _context(agency_id, digest))
    return wrapped, envelope.seal(secret, envelope.VALUES, jsonc.encode(parts))


def open_waiting(kek: Kek, agency_id: int, digest: bytes, wrapped: bytes, sealed: bytes) -> Waiting:
    """The row again. Raises Contradiction if what is stored does not open, or WAITING_FORM."""
    secret = envelope.unwrap(kek, wrapped, _context(agency_id, digest))
    content = jsonc.decode(envelope.unseal(secret, envelope.VALUES, sealed), "a waiting row")
    if isinstance(content, list) and len(content) in (4, 6, 7):
        match [*content, *[None] * (7 - len(content))]:
            case [
                str(key),
                str(account),
                str(kind),
                dict(claims),
                (str() | None) as source,
                (int() | None) as number,
                (str() | None) as salt,
            ]:
                return Waiting(key, account, kind, claims, _bytes(source), number, _bytes(salt))
    raise Contradiction("WAITING_FORM", "a waiting row has not the form of one.")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _context(agency_id: int, digest: bytes) -> bytes:
    return envelope.wrap_context(WAITING_ROW, agency_id, digest)

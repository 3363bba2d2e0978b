"""Opens a stored record: its values and disclosures, checked against its leaf.

Pure. A record that opens to another leaf than the stored one is never handed out.
Test: tests/unit/core/test_opening.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from notary.core import envelope
from notary.core.envelope import Kek
from notary.core.keyed import Keyed
from notary.errors import CallerError, Contradiction
from verifier.format import records
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.records import Leaf


@dataclass(frozen=True, repr=False)
class OpenRecord:
    """A record in the clear. `disclosures` stand in the order of the leaf's claim names."""

    leaf: Leaf
    secret: bytes
    values: dict[str, Json]
    disclosures: tuple[str, ...]


def seal_values(secret: Keyed, claims: dict[str, Json]) -> bytes:
    """The plain values of a record, sealed; `claims` passed `records.make_leaf` before."""
    return envelope.seal_keyed(secret, envelope.VALUES, orjson.dumps(claims))


def open_record(
    kek: Kek,
    agency_id: int,
    idempotency_digest: bytes,
    wrapped_secret: bytes | None,
    leaf_bytes: bytes,
    sealed_values: bytes | None,
) -> OpenRecord:
    """The record in the clear.

    Raises CallerError ERASED if its secret was destroyed, and Contradiction if what is stored does
    not open or does not give the leaf.
    """
    if wrapped_secret is None or sealed_values is None:
        raise CallerError(
            "ERASED", "the content of this record was erased; its leaf and its proofs remain"
        )
    context = envelope.wrap_context(envelope.RECORD, agency_id, idempotency_digest)
    secret = envelope.unwrap(kek, wrapped_secret, context)
    values: dict[str, Json] = orjson.loads(envelope.unseal(secret, envelope.VALUES, sealed_values))
    try:
        leaf = records.parse_leaf(leaf_bytes)
        again, disclosures = records.make_leaf(
            matter=leaf.matter,
            position=leaf.position,
            kind=leaf.kind,
            recorded_at=leaf.recorded_at,
            secret=secret,
            blind=leaf.blind,
            claims=values,
            source=leaf.source,
            number=leaf.number,
        )
    except FormatError as error:
        raise Contradiction("LEAF_DIFFERS", f"a stored record makes no leaf: {error}") from error
    if again != leaf_bytes:
        raise Contradiction(
            "LEAF_DIFFERS",
            f"the stored values of position {leaf.position} of matter {leaf.matter.hex()} do not give "
            "its leaf. Stop and restore from a backup.",
        )
    return OpenRecord(leaf, secret, values, tuple(disclosures))

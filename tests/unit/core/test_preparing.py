"""A prepared record is what the definitions make of the offer, and depends on nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from notary.core import acceptance, envelope, opening
from notary.core.intake import Incoming, Refused
from notary.core.keyed import Keyed
from notary.core.leaves import finish_leaf, leaf_ending
from notary.core.preparing import (
    LOOKUP_IDEMPOTENCY,
    RANDOM_LENGTH,
    Prepared,
    prepare_all,
    secret_of,
)
from tests.unit.core.test_leaves import AT
from verifier.format import records
from verifier.format.digests import Digest
from verifier.format.jsonc import Json

LOOKUP = bytes(range(32))
RANDOM = bytes(range(200))
MATTER = Digest(b"m" * 32)


def item(**changed: Any) -> Incoming:
    claims: dict[str, Json] = {"text": "a letter", "amount": {"minor": 5, "currency": "EUR"}}
    return Incoming(MATTER, "letter", claims, "key")._replace(**changed)


def test_leaf_values_and_digest_are_those_of_the_definitions() -> None:
    [_, one] = prepare_all(LOOKUP, 3, [item(), item(idempotency_key="other")], RANDOM)
    assert isinstance(one, Prepared)
    random = RANDOM[RANDOM_LENGTH : 2 * RANDOM_LENGTH]
    secret, nonce, blind = random[:32], random[32:44], random[44:]
    assert (one.secret, one.nonce) == (secret, nonce) == (secret_of(random), nonce)
    leaf, disclosures = records.make_leaf(
        matter=MATTER,
        position=12,
        kind="letter",
        recorded_at=AT,
        secret=secret,
        blind=blind,
        claims=item().claims,
    )
    assert finish_leaf(one.draft, 12, leaf_ending(AT)) == leaf
    assert one.disclosures.decode().split(" ") == disclosures
    assert one.sealed_values == opening.seal_values(Keyed(secret), dict(item().claims))
    assert one.digest == envelope.lookup(LOOKUP, 3, LOOKUP_IDEMPOTENCY, "other")


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"matter_key": b"m" * 31}, "MATTER_UNKNOWN", "matter_key"),
        ({"idempotency_key": ""}, "IDEMPOTENCY_KEY", "idempotency_key"),
        ({"kind": "rumour"}, "KIND_UNKNOWN", "kind"),
        ({"claims": {"text": 1.5}}, "JSON_TYPE", "claims.text"),
        ({"claims": {"text": "x" * acceptance.MAX_VALUES_BYTES}}, "VALUES_SIZE", "claims"),
    ],
)
def test_a_refusal_stands_in_the_place_of_its_offer(
    changed: dict[str, object], code: str, field: str
) -> None:
    first, refused, last = prepare_all(LOOKUP, 3, [item(), item(**changed), item()], RANDOM * 2)
    assert isinstance(first, Prepared)
    assert isinstance(last, Prepared)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.field) == (code, field)

"""Whatever an attacker puts into his own block: a proof of it is read, or refused by a format error."""

from __future__ import annotations

from typing import Any

import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile.damage import Damage
from tests.hostile.events import INDEX, foreign_chain, proof_of
from verifier.format import chain_event
from verifier.format.errors import FormatError

ITEMS = st.recursive(
    st.binary(max_size=40) | st.just(b"\x01" * 32) | st.just(b"\x01"),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
)
RECEIPTS = st.tuples(
    st.sampled_from([b"", b"\x01", b"\x02", b"\x03", b"\x04", b"\x05", b"\x7e", b"\x80"]),
    st.lists(ITEMS, min_size=3, max_size=5) | ITEMS,
).map(lambda made: made[0] + bytes(rlp.encode(made[1])))
RAW = RECEIPTS | st.binary(min_size=1, max_size=80)


@settings(max_examples=150)
@given(receipt=RAW, transaction=st.none() | RAW, log_index=st.integers(0, 3))
def test_any_item_of_a_block_is_read_or_refused(
    receipt: bytes, transaction: bytes | None, log_index: int
) -> None:
    def instead(by: bytes | None) -> Any:
        return lambda value, **where: by if by is not None and where["index"] == INDEX else value

    chain = foreign_chain(
        damage=Damage(raw_receipt=instead(receipt), transaction=instead(transaction))
    )
    event = chain_event.read(proof_of(chain, chain.tip, log_index=log_index))
    try:
        claims = chain_event.claims_of(event)
    except FormatError:
        return
    assert chain_event.read_claims({k: v for k, v in claims.items() if k != "proof"})

"""What a transaction may pay. Spec: docs/spec/sender.md §1 rule 4."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notary.core.fees import Offer, first_offer, next_offer

WEI = st.integers(0, 10**13)


def test_a_first_offer_leaves_room_for_five_full_blocks() -> None:
    assert first_offer(10, 3, 1000) == Offer(23, 3)


def test_a_first_offer_is_cut_at_the_cap() -> None:
    assert first_offer(10, 3, 15) == Offer(15, 3)


def test_there_is_no_offer_below_what_the_next_block_asks() -> None:
    assert first_offer(10, 3, 12) is None


def test_a_raise_that_the_cap_forbids_is_none() -> None:
    assert next_offer(Offer(80, 8), 10, 3, 89) is None
    assert next_offer(Offer(80, 8), 10, 3, 90) == Offer(90, 9)


@given(WEI, WEI, WEI)
def test_a_first_offer_can_be_paid_now_and_is_under_the_cap(
    base_fee: int, priority_fee: int, cap: int
) -> None:
    offer = first_offer(base_fee, priority_fee, cap)
    if offer is not None:
        assert base_fee + offer.priority_fee <= offer.max_fee <= cap


@given(WEI, WEI, WEI, WEI, WEI)
def test_a_further_offer_raises_both_and_is_under_the_cap(
    max_fee: int, priority_fee: int, base_fee: int, suggested: int, cap: int
) -> None:
    old = Offer(max_fee, min(priority_fee, max_fee))
    offer = next_offer(old, base_fee, suggested, cap)
    if offer is not None:
        assert 8 * offer.max_fee >= 9 * old.max_fee
        assert 8 * offer.priority_fee >= 9 * old.priority_fee
        assert offer.priority_fee <= offer.max_fee <= cap

"""The state machine of an anchor intent, attacked with every event in every state."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.core import intent as machine
from notary.core.intent import (
    LIVE,
    ON_CHAIN,
    TRANSITIONS,
    Attempt,
    Bump,
    Event,
    ImpossibleTransition,
    Included,
    Intent,
    Reserve,
    Sent,
    Settled,
    Sign,
    Stale,
    State,
    raised_fee,
)
from tests.unit.anchor.intents import BASE, EVENTS, INTENTS, NOW, SENT, UNSENT, events_for
from verifier.format.digests import Digest
from verifier.format.fold import Link, fold


@pytest.mark.parametrize("intent", INTENTS, ids=lambda one: f"{one.state}-{len(one.attempts)}")
def test_an_event_either_fits_or_is_refused_and_nothing_else(intent: Intent) -> None:
    possible = events_for(intent)
    for event in EVENTS:
        if event in possible:
            assert machine.apply(intent, event).version == intent.version + 1
        else:
            with pytest.raises(ImpossibleTransition, match=f"intent 1 in {intent.state}"):
                machine.apply(intent, event)


def test_a_closed_intent_takes_no_event() -> None:
    closed = machine.apply(next(one for one in INTENTS if one.state is State.SUPERSEDED), Settled())
    assert closed.closed
    assert not closed.open
    for event in EVENTS:
        with pytest.raises(ImpossibleTransition, match=r"\(closed\)"):
            machine.apply(closed, event)


def test_from_every_state_the_end_can_be_reached() -> None:
    after: dict[State, set[State]] = {state: set() for state in State}
    for (state, _), following in TRANSITIONS.items():
        after[state].add(State.SEALED if following is None else following)
    ends = {State.PROVED}
    for state in State:
        reached, seen = {state}, {state}
        while reached:
            reached = {two for one in reached for two in after[one]} - seen
            seen |= reached
        assert seen & ends, state


@given(st.data())
def test_a_life_of_random_events_never_breaks_a_rule(data: st.DataObject) -> None:
    intent = BASE
    for place in range(data.draw(st.integers(0, 40))):
        possible = events_for(intent)
        if not possible or not intent.open:
            break
        event = _fresh(data.draw(st.sampled_from(possible)), intent, place)
        after = machine.apply(intent, event)
        check_step(intent, event, after)
        intent = after


def _fresh(event: Event, intent: Intent, place: int) -> Event:
    """The event with an attempt of its own, as a signer would make it."""
    own = bytes([place + 10]) * 32
    if isinstance(event, Sign):
        return Sign(replace(event.attempt, hash=own))
    if isinstance(event, Bump):
        newest = intent.attempts[-1]
        fees = raised_fee(newest.max_fee), raised_fee(newest.priority_fee)
        return Bump(Attempt(own, b"raw", 1, *fees))
    if isinstance(event, Included) and event.adopted is not None:
        return replace(event, tx_hash=own, adopted=replace(event.adopted, hash=own))
    return event


def check_step(before: Intent, event: Event, after: Intent) -> None:
    """What holds at every transition, whatever came before."""
    # What identifies the intent never changes, and once reserved neither does what it is for.
    for name in ("id", "chain_id", "contract", "log_address"):
        assert getattr(before, name) == getattr(after, name)
    if before.nonce is not None:
        for name in ("nonce", "prev", "size", "root"):
            assert getattr(before, name) == getattr(after, name)
    assert after.size >= before.size
    # Bytes are never forgotten, and only grow dearer unless they were found on the chain.
    assert len(after.attempts) >= len(before.attempts)
    for old, new in zip(before.attempts, after.attempts, strict=False):
        assert replace(old, first_sent_at=None) == replace(new, first_sent_at=None)
        assert old.first_sent_at in (None, new.first_sent_at)
    if isinstance(event, Bump):
        *_, old, new = after.attempts
        assert 8 * new.max_fee >= 9 * old.max_fee
        assert 8 * new.priority_fee >= 9 * old.priority_fee
    # Nothing is consumed before it is reserved and signed.
    if after.state in {State.SIGNED, State.BROADCAST} | ON_CHAIN:
        assert after.attempts
    dropped = before.effective is State.SEALED and after.closed
    if after.effective is not State.SEALED and not dropped:
        assert after.nonce is not None
        assert after.prev is not None
    # A link is known exactly while the chain holds it.
    assert (after.number is not None) == (after.state in ON_CHAIN)
    assert (after.tx_hash is not None) == (after.state in ON_CHAIN)
    if after.state in ON_CHAIN:
        assert after.prev is not None
        assert after.block is not None
        link = Link(Digest(after.root), after.size, after.block.time)
        assert after.head == fold(Digest(after.prev), link)
    # A cause stands exactly while the intent is held, and it goes on where it was.
    assert (after.state is State.HELD) == (after.cause is not None) == (after.resume is not None)
    if after.state is State.HELD:
        assert after.effective is before.effective
        assert after.effective in LIVE
    # What is not live can still be open, never the other way round.
    assert not (after.live and not after.open)


def test_a_held_intent_changes_nothing_but_cause_and_resume() -> None:
    for intent in INTENTS:
        if intent.state is not State.HELD:
            continue
        resumed = machine.apply(intent, machine.Resume())
        kept = {member.name for member in fields(Intent)} - {
            "state",
            "version",
            "cause",
            "resume",
        }
        assert all(getattr(intent, name) == getattr(resumed, name) for name in kept)
        assert resumed.state is intent.resume


def test_a_link_is_not_known_before_it_is_mined() -> None:
    with pytest.raises(ImpossibleTransition, match="has no link"):
        _ = BASE.link


def test_a_reservation_never_covers_less_than_was_sealed() -> None:
    with pytest.raises(ImpossibleTransition, match="covers 5 batches, got a log of 4"):
        machine.apply(BASE, Reserve(4, b"\x05" * 32, 0, bytes(32)))


def test_bytes_that_were_sent_before_they_were_stored_are_refused() -> None:
    reserved = next(one for one in INTENTS if one.state is State.RESERVED)
    with pytest.raises(ImpossibleTransition, match="sent before it was stored"):
        machine.apply(reserved, Sign(SENT))


def test_a_raise_that_is_too_small_is_refused() -> None:
    sent = next(one for one in INTENTS if one.state is State.BROADCAST)
    for attempt, text in (
        (replace(UNSENT, max_fee=8_999), "max fee 8999, want 9000"),
        (replace(UNSENT, priority_fee=899), "priority fee 899, want 900"),
    ):
        with pytest.raises(ImpossibleTransition, match=text):
            machine.apply(sent, Bump(attempt))


def test_an_inclusion_of_unknown_bytes_is_refused() -> None:
    sent = next(one for one in INTENTS if one.state is State.BROADCAST)
    with pytest.raises(ImpossibleTransition, match="has no attempt 0x0909"):
        machine.apply(sent, Included(machine.BlockRef(1, bytes(32), 1), b"\x09" * 32, 0, 9))


def test_signed_bytes_are_never_dropped() -> None:
    checked = next(one for one in INTENTS if one.state is State.CHECK_HEAD)
    with pytest.raises(ImpossibleTransition, match="has signed bytes"):
        machine.apply(checked, Stale())


def test_a_first_send_is_told_once() -> None:
    signed = next(one for one in INTENTS if one.state is State.SIGNED)
    sent = machine.apply(signed, Sent(NOW))
    with pytest.raises(ImpossibleTransition, match="says twice"):
        machine.apply(sent, Sent(NOW))


def test_what_a_damaged_store_may_hold_is_refused() -> None:
    by_state = {one.state: one for one in INTENTS if one.state is not State.HELD}
    held = next(one for one in INTENTS if one.state is State.HELD)
    with pytest.raises(ImpossibleTransition, match="does not know what it was held in"):
        machine.apply(replace(held, resume=None), machine.Resume())
    block = machine.BlockRef(1, bytes(32), 1)
    signed = replace(by_state[State.SIGNED], attempts=(SENT,))
    for damaged in (replace(signed, nonce=None), replace(signed, prev=None)):
        with pytest.raises(ImpossibleTransition, match="mined without a reservation"):
            machine.apply(damaged, Included(block, SENT.hash, 0, 9))
    with pytest.raises(ImpossibleTransition, match="has no prev head"):
        _ = replace(by_state[State.MINED], prev=None).head
    bumped = replace(UNSENT, max_fee=90_000, priority_fee=9_000)
    waiting = replace(by_state[State.BROADCAST], attempts=(UNSENT,))
    with pytest.raises(ImpossibleTransition, match="before the first was sent"):
        machine.apply(waiting, Bump(bumped))
    sent = replace(by_state[State.BROADCAST], attempts=(SENT,))
    with pytest.raises(ImpossibleTransition, match="sent before it was stored"):
        machine.apply(sent, Bump(replace(bumped, first_sent_at=NOW)))


@given(st.integers(0, 2**200))
def test_a_raise_is_the_smallest_of_at_least_an_eighth(fee: int) -> None:
    assert 8 * raised_fee(fee) >= 9 * fee
    assert fee == 0 or 8 * (raised_fee(fee) - 1) < 9 * fee

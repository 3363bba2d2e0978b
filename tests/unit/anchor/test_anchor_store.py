"""The sender's store: each transition one transaction, made once, and read back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from notary.adapters.store.anchors import AnchorStore
from notary.adapters.store.as_ofs import AS_OFS
from notary.adapters.store.database import Database
from notary.chain_ports import (
    Alarm,
    ChainIdentity,
    Condition,
    EndpointState,
    HeadProof,
    RecentBlock,
)
from notary.core import intent as machine
from notary.core.intent import (
    Attempt,
    BlockRef,
    Bump,
    Cause,
    Event,
    Final,
    Gap,
    Hold,
    Included,
    Intent,
    Proved,
    Reserve,
    Resume,
    Sent,
    Sign,
    Stale,
    State,
    Vanished,
)
from notary.errors import Contradiction, NothingHappened
from notary.ports import Leg
from tests.simulators.store import empty_store
from tests.unit.anchor.intents import NOW
from verifier.format.digests import Digest
from verifier.format.evm import Header

LEG = Leg(b"header", 3, b"tx", (b"n1", b"n2"), b"receipt", (b"n3",), 1)


@pytest.fixture
def database(tmp_path: Path, store_uri: str | None) -> Iterator[Database]:
    found = empty_store(tmp_path, store_uri)
    yield found
    found.close()


@pytest.fixture
def book(database: Database) -> AnchorStore:
    return AnchorStore(database)


def seal(book: AnchorStore, size: int = 1) -> Intent:
    return book.seal(31337, b"c" * 20, b"l" * 20, size, bytes([size]) * 32)


def attempt(mark: int) -> Attempt:
    return Attempt(bytes([mark]) * 32, b"raw", 50_000, 8**mark, 8**mark)


def mined(book: AnchorStore, number: int, prev: bytes) -> Intent:
    """An intent in MINED, as anchor `number` after `prev`."""
    size = number + 1
    intent = seal(book, size)
    tx = attempt(size)
    events: list[Event] = [
        Reserve(size, bytes([size]) * 32, number, prev),
        Sign(tx),
        Sent(NOW),
    ]
    for event in events:
        intent = book.advance(intent, event)
    block = BlockRef(10 + number, bytes([100 + number]) * 32, 1_700_000_000 + number)
    return book.advance(intent, Included(block, tx.hash, number, 9), LEG)


def proof(number: int, head: bytes) -> HeadProof:
    zero = Digest(bytes(32))
    header = Header(b"raw", Digest(bytes([number]) * 32), number, 1_700_000_000, zero, zero, zero)
    return HeadProof(header, Digest(head), (b"a", b"b"), (b"c",))


def test_what_is_stored_is_what_comes_back_at_every_transition(book: AnchorStore) -> None:
    intent = seal(book)
    events: list[Event] = [
        Hold(Cause.FUNDS),
        Resume(),
        Reserve(2, b"\x02" * 32, 9, bytes(32)),
        Sign(attempt(1)),
        Sent(NOW),
        Bump(attempt(2)),
        Sent(NOW + timedelta(seconds=1)),
        Included(BlockRef(7, b"\x07" * 32, 1_700_000_000), attempt(1).hash, 0, 9),
        Vanished(),
        Included(BlockRef(8, b"\x08" * 32, 1_700_000_001), attempt(2).hash, 0, 9),
        Final(),
        Proved(),
    ]
    for event in events:
        expected = machine.apply(intent, event)
        leg = LEG if isinstance(event, Included) else None
        assert book.advance(intent, event, leg) == expected
        assert book.all_intents() == [expected]
        assert book.open_intents() == ([] if expected.state is State.PROVED else [expected])
        assert book.leg(expected) == (LEG if expected.tx_hash else None)
        intent = expected


def test_a_transition_is_made_once(book: AnchorStore) -> None:
    intent = seal(book)
    book.advance(intent, Hold(Cause.FUNDS))
    with pytest.raises(NothingHappened, match="not in version 0 any more") as raised:
        book.advance(intent, Reserve(1, b"\x01" * 32, 0, bytes(32)))
    assert raised.value.code == "SENDER_RACE"
    assert book.all_intents()[0].state is State.HELD


@pytest.mark.parametrize("held", [False, True])
def test_there_is_one_unsent_intent(book: AnchorStore, database: Database, held: bool) -> None:
    first = seal(book)
    if held:
        book.advance(first, Hold(Cause.FUNDS))
    with pytest.raises(NothingHappened, match="intent 1 was made meanwhile"):
        seal(book)
    # The schema says so as well, for a program that does not ask first.
    with pytest.raises(Contradiction, match=r"(?i)unique"), database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO intents (version, state, chain_id, contract, log_address, size, root, closed)"
            " SELECT 0, 'SEALED', chain_id, contract, log_address, size, root, false FROM intents"
        )


def test_a_transition_that_fails_half_way_leaves_nothing(book: AnchorStore) -> None:
    first = mined(book, 0, bytes(32))
    second = seal(book, 2)
    second = book.advance(second, Reserve(2, b"\x02" * 32, 1, first.head))
    # The hash is taken: the attempt can't be inserted after the intent was updated.
    with pytest.raises(Contradiction, match=r"(?i)unique"):
        book.advance(second, Sign(replace(first.attempts[0], first_sent_at=None)))
    assert book.open_intents() == [first, second]


def test_mined_intents_are_found_by_number_and_head(book: AnchorStore) -> None:
    first = mined(book, 0, bytes(32))
    second = mined(book, 1, first.head)
    assert book.newest_on_chain() == second
    assert book.newest_final() is None
    assert book.with_head(first.head) == first
    assert book.with_head(bytes(32)) is None
    assert book.on_chain_from(0) == [first, second]
    assert book.on_chain_from(1) == [second]
    final = book.advance(first, Final())
    assert book.newest_final() == final
    gone = book.advance(second, Vanished())
    assert book.newest_on_chain() == final
    assert book.with_head(second.head) is None
    assert book.open_intents() == [final, gone]


def test_a_stale_reservation_is_not_open(book: AnchorStore) -> None:
    intent = book.advance(seal(book), Reserve(1, b"\x01" * 32, 0, bytes(32)))
    book.advance(intent, Stale())
    assert book.open_intents() == []


def test_only_proved_anchors_without_a_gap_are_shown(book: AnchorStore) -> None:
    first = mined(book, 0, bytes(32))
    second = mined(book, 1, first.head)
    assert (book.anchors(), book.proved_count()) == ([], 0)
    second = book.advance(book.advance(second, Final()), Proved())
    # The first is not proved yet, so the second can't be reached from the beginning.
    assert (book.anchors(), book.proved_count()) == ([], 0)
    first = book.advance(book.advance(first, Final()), Proved())
    shown = book.anchors()
    assert book.proved_count() == 2
    assert [one.number for one in shown] == [0, 1]
    assert [one.head for one in shown] == [first.head, second.head]
    assert [book.leg_of(one.number) for one in shown] == [LEG, LEG]
    assert shown[1].prev == first.head


def test_anchors_that_do_not_follow_one_another_are_a_contradiction(book: AnchorStore) -> None:
    for number in (0, 1):
        intent = mined(book, number, bytes(32))
        book.advance(book.advance(intent, Final()), Proved())
    with pytest.raises(Contradiction, match="anchor 1 follows"):
        book.anchors()


def test_as_of_proofs_wait_are_released_and_dropped(book: AnchorStore) -> None:
    for number in (5, 6, 7):
        book.add_as_of(proof(number, b"\x09" * 32), 1, NOW)
    book.add_as_of(proof(6, b"\x09" * 32), 1, NOW)
    pending = book.pending_as_ofs()
    assert [one.as_of.block_number for one in pending] == [5, 6, 7]
    assert pending[0].as_of.account_proof == (b"a", b"b")
    assert pending[0].as_of.storage_proof == (b"c",)
    assert pending[0].taken_at == NOW
    newest = book.newest_taken()
    assert newest is not None
    assert newest.as_of.block_number == 7
    assert (book.newest_released(), book.released_for(0)) == (None, None)
    book.release_as_of(pending[0].id, ())
    book.release_as_of(pending[1].id, ())
    book.drop_as_of(pending[2].id)
    book.drop_as_of(pending[1].id)
    assert book.pending_as_ofs() == []
    released, earliest = book.newest_released(), book.released_for(0)
    assert released is not None
    assert earliest is not None
    assert (released.as_of.block_number, earliest.as_of.block_number) == (6, 5)
    assert book.released_for(1) is None


def test_an_as_of_proof_is_shown_once_all_its_anchors_are_proved(book: AnchorStore) -> None:
    first = mined(book, 0, bytes(32))
    second = mined(book, 1, first.head)
    book.add_as_of(proof(20, first.head), 1, NOW)
    book.add_as_of(proof(21, second.head), 2, NOW)
    for one in book.pending_as_ofs():
        book.release_as_of(one.id, ())
    assert book.newest_as_of() is None
    book.advance(book.advance(first, Final()), Proved())
    shown = book.newest_as_of()
    assert shown is not None
    assert (shown.block_number, shown.anchors) == (20, 1)
    book.advance(book.advance(second, Final()), Proved())
    shown = book.newest_as_of()
    assert shown is not None
    assert (shown.block_number, shown.anchors) == (21, 2)


def test_the_chain_is_pinned_for_ever(book: AnchorStore) -> None:
    identity = ChainIdentity(31337, b"g" * 32, b"c" * 32)
    assert book.pinned() is None
    book.pin(identity)
    book.pin(identity)
    assert book.pinned() == identity
    for other in (
        replace(identity, chain_id=1),
        replace(identity, genesis_hash=b"x" * 32),
        replace(identity, code_hash=b"x" * 32),
    ):
        with pytest.raises(Contradiction, match="belongs to"):
            book.pin(other)
    assert book.pinned() == identity


def test_the_newest_recent_block_replaces_the_one_before(book: AnchorStore) -> None:
    assert book.recent_block() is None
    for number in (1, 2):
        block = RecentBlock(31337, number, bytes([number]) * 32, b"header", NOW)
        book.keep_recent_block(block)
        assert book.recent_block() == block


def test_alarms_are_replaced_as_a_whole(book: AnchorStore) -> None:
    assert book.alarms() == {}
    book.keep_alarms({"HELD": Alarm("no money", NOW), "ENDPOINT_AWAY": Alarm("gone", NOW)})
    assert dict(book.alarms()) == {
        "ENDPOINT_AWAY": Alarm("gone", NOW),
        "HELD": Alarm("no money", NOW),
    }
    book.keep_alarms({})
    assert book.alarms() == {}


def test_a_proof_that_can_not_be_read_is_a_damaged_store(
    book: AnchorStore, database: Database
) -> None:
    book.add_as_of(proof(5, b"\x09" * 32), 1, NOW)
    with database.transaction() as connection:
        connection.execute(update(AS_OFS).values(account_proof=b"\xff"))
    with pytest.raises(Contradiction, match="Restore the store") as raised:
        book.pending_as_ofs()
    assert raised.value.code == "STORE_DAMAGED"


def test_a_change_of_a_stored_attempt_is_refused(
    book: AnchorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = book.advance(seal(book), Reserve(1, b"\x01" * 32, 0, bytes(32)))
    intent = book.advance(intent, Sign(attempt(1)))

    def meddling(before: Intent, event: Any) -> Intent:
        after = apply(before, event)
        return replace(after, attempts=(replace(after.attempts[0], raw=b"other"),))

    apply = machine.apply
    monkeypatch.setattr(machine, "apply", meddling)
    with pytest.raises(Contradiction, match="attempt 0 of intent 1 was to be changed"):
        book.advance(intent, Sent(NOW))


def test_a_released_proof_that_is_orphaned_leaves_no_package_until_it_is_back(
    book: AnchorStore,
) -> None:
    first = mined(book, 0, bytes(32))
    book.advance(book.advance(first, Final()), Proved())
    for number in (20, 21, 22):
        book.add_as_of(proof(number, first.head), 1, NOW)
    pending = book.pending_as_ofs()
    for one in pending[:2]:
        book.release_as_of(one.id, ("one.example: block is 0x01", "two.example: no answer"))
    shown = book.newest_as_of()
    assert shown is not None
    assert (shown.block_number, shown.observed) == (
        21,
        ("one.example: block is 0x01", "two.example: no answer"),
    )
    book.keep_said(pending[1].id, ("one.example: block is 0x02",))
    shown = book.newest_as_of()
    assert shown is not None
    assert shown.observed == ("one.example: block is 0x02",)
    for above, wanted in ((20, 20), (-1, None), (21, 21)):
        book.orphan_as_ofs(above)
        shown, newest = book.newest_as_of(), book.newest_released()
        assert (shown and shown.block_number) == wanted
        assert (newest and newest.as_of.block_number) == wanted
        assert (book.released_for(0) is None) == (wanted is None)
        assert len(book.anchors()) == (0 if wanted is None else 1)
        # It is still looked at, and what is not released was never one of them.
        looked_at = book.released_below(100)
        assert looked_at is not None
        assert looked_at.as_of.block_number == 21


def test_endpoints_are_kept_in_their_order_and_replaced(book: AnchorStore) -> None:
    assert book.endpoints() == ()
    states = (
        EndpointState("two.example", Condition.LAGGING, NOW, 11, "two.example is 11 blocks behind"),
        EndpointState("one.example:8545", Condition.OK, NOW),
    )
    book.keep_endpoints(states)
    assert book.endpoints() == states
    book.keep_endpoints(states[1:])
    assert book.endpoints() == states[1:]


def test_bytes_that_were_given_up_move_to_the_intent_that_signs_or_meets_them_again(
    book: AnchorStore,
) -> None:
    given_up = sent(book, 4)
    assert book.given_up(4) == []
    book.advance(given_up, Gap())
    assert book.given_up(4) == [attempt(1).hash]
    again = sent(book, 4)
    assert book.given_up(4) == []
    first, second = book.all_intents()
    assert (first.attempts, second.attempts) == ((), again.attempts)


def sent(book: AnchorStore, nonce: int) -> Intent:
    """An intent in BROADCAST with the same bytes each time."""
    intent = seal(book)
    for event in (Reserve(1, b"\x01" * 32, nonce, bytes(32)), Sign(attempt(1)), Sent(NOW)):
        intent = book.advance(intent, event)
    return intent

"""The sender's memory, and what the chain has confirmed: IntentBook and AnchorBook over the store.

Each method that writes is one transaction; an intent moves only if it still has the version that
was read. Spec: docs/spec/sender.md. Test: tests/unit/anchor/test_anchor_store.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, text, update

from notary.adapters.store.anchor_tables import (
    UNSENT,
    AlarmRow,
    AsOfRow,
    AsOfWordsRow,
    AttemptRow,
    BalanceRow,
    ChainPinRow,
    CostRow,
    EndpointRow,
    IntentRow,
    LegRow,
    OrphanRow,
    RecentBlockRow,
)
from notary.adapters.store.database import Database, table_of
from notary.adapters.store.restorations import mark_compared, newest_restoration
from notary.chain_ports import (
    Alarm,
    AnchorTotals,
    ChainIdentity,
    Condition,
    EndpointState,
    HeadProof,
    RecentBlock,
    SeenBalance,
    StoredAsOf,
)
from notary.core import intent as machine
from notary.core.intent import (
    ON_CHAIN,
    Attempt,
    BlockRef,
    Cause,
    Event,
    Included,
    Intent,
    OwnReverted,
    State,
)
from notary.core.moments import milliseconds, moment
from notary.errors import Contradiction, NothingHappened
from notary.ports import Anchor, AsOf, Leg
from verifier.format import rlp
from verifier.format.digests import ZERO
from verifier.format.errors import FormatError

INTENTS = table_of(IntentRow)
ATTEMPTS = table_of(AttemptRow)
LEGS = table_of(LegRow)
COSTS = table_of(CostRow)
AS_OFS = table_of(AsOfRow)
CHAIN_PIN = table_of(ChainPinRow)
RECENT_BLOCK = table_of(RecentBlockRow)
ALARMS = table_of(AlarmRow)
BALANCE = table_of(BalanceRow)
WORDS = table_of(AsOfWordsRow)
ORPHANS = table_of(OrphanRow)
ENDPOINTS = table_of(EndpointRow)

THE_ROW = 1  # of the tables that hold one row
_ON_CHAIN = [str(state) for state in sorted(ON_CHAIN)]
_FINAL = [str(State.FINAL), str(State.PROVED)]
_NOT_ORPHANED = AS_OFS.c.id.not_in(select(ORPHANS.c.as_of_id))


class AnchorStore:
    """Implements notary.chain_ports.IntentBook, and with it notary.ports.AnchorBook."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # What the chain is.

    def pinned(self) -> ChainIdentity | None:
        """The identity at the first contact."""
        with self._database.reading() as connection:
            return _pinned(connection)

    def pin(self, identity: ChainIdentity) -> None:
        """Keep the identity for ever."""
        with self._database.transaction() as connection:
            kept = _pinned(connection)
            if kept is None:
                connection.execute(
                    insert(CHAIN_PIN),
                    {
                        "id": THE_ROW,
                        "chain_id": identity.chain_id,
                        "genesis_hash": identity.genesis_hash,
                        "code_hash": identity.code_hash,
                    },
                )
            elif kept != identity:
                raise Contradiction(
                    "CHAIN_PINNED", f"the store belongs to {kept}, and was to keep {identity}"
                )

    def recent_block(self) -> RecentBlock | None:
        """What was kept last."""
        with self._database.reading() as connection:
            row = connection.execute(select(RECENT_BLOCK)).first()
        if row is None:
            return None
        return RecentBlock(row.chain_id, row.number, row.hash, row.header, moment(row.seen_at_ms))

    def keep_recent_block(self, block: RecentBlock) -> None:
        """Keep the newest finalized block."""
        with self._database.transaction() as connection:
            connection.execute(delete(RECENT_BLOCK))
            connection.execute(
                insert(RECENT_BLOCK),
                {
                    "id": THE_ROW,
                    "chain_id": block.chain_id,
                    "number": block.number,
                    "hash": block.hash,
                    "header": block.header,
                    "seen_at_ms": milliseconds(block.seen_at),
                },
            )

    def balance(self) -> SeenBalance | None:
        """What the account had when it was last seen."""
        with self._database.reading() as connection:
            row = connection.execute(select(BALANCE)).first()
        return None if row is None else SeenBalance(int(row.wei), moment(row.seen_at_ms))

    def keep_balance(self, balance: SeenBalance) -> None:
        """Keep what the account has."""
        row = {
            "id": THE_ROW,
            "wei": str(balance.wei),
            "seen_at_ms": milliseconds(balance.seen_at),
        }
        with self._database.transaction() as connection:
            connection.execute(delete(BALANCE))
            connection.execute(insert(BALANCE), row)

    def to_compare(self) -> bool:
        """Whether the store was restored and not compared with the chain since."""
        with self._database.reading() as connection:
            restored = newest_restoration(connection)
        return restored is not None and restored.compared_at is None

    def keep_compared(self, now: datetime) -> None:
        """The comparison found nothing on chain that the store does not know."""
        with self._database.transaction() as connection:
            mark_compared(connection, now)

    # Intents.

    def all_intents(self) -> list[Intent]:
        """Every intent, oldest first; for people who ask what happened."""
        return self._intents(select(INTENTS).order_by(INTENTS.c.id))

    def open_intents(self) -> list[Intent]:
        """Every open intent, oldest first."""
        is_open = text("state != 'PROVED' AND NOT closed")
        return self._intents(select(INTENTS).where(is_open).order_by(INTENTS.c.id))

    def newest_on_chain(self) -> Intent | None:
        """The mined intent with the greatest number."""
        return self._first(_with_number(_ON_CHAIN).order_by(INTENTS.c.number.desc()))

    def anchored(self) -> int:
        """How many batches the newest mined anchor covers."""
        newest = self.newest_on_chain()
        return 0 if newest is None else newest.size

    def newest_final(self) -> Intent | None:
        """The final intent with the greatest number."""
        return self._first(_with_number(_FINAL).order_by(INTENTS.c.number.desc()))

    def proved_count(self) -> int:
        """How many anchors, from number 0 on without a gap, are PROVED."""
        mined = INTENTS.c.number.is_not(None)
        unproved = select(func.min(INTENTS.c.number)).where(mined, INTENTS.c.state != "PROVED")
        with self._database.reading() as connection:
            first_unproved = connection.execute(unproved).scalar()
            if first_unproved is not None:
                return int(first_unproved)
            return int(connection.execute(select(func.count(INTENTS.c.number))).scalar_one())

    def with_head(self, head: bytes) -> Intent | None:
        """The mined intent after which the log has that head."""
        return self._first(select(INTENTS).where(INTENTS.c.head == head))

    def on_chain_from(self, number: int) -> list[Intent]:
        """The mined intents from that number on, ascending."""
        wanted = _with_number(_ON_CHAIN).where(INTENTS.c.number >= number)
        return self._intents(wanted.order_by(INTENTS.c.number))

    def seal(
        self, chain_id: int, contract: bytes, log_address: bytes, size: int, root: bytes
    ) -> Intent:
        """Make an intent in SEALED."""
        with self._database.transaction() as connection:
            present = connection.execute(select(INTENTS.c.id).where(text(UNSENT))).first()
            if present is not None:
                raise _race(f"intent {present.id} was made meanwhile")
            result = connection.execute(
                insert(INTENTS),
                {
                    "version": 0,
                    "state": str(State.SEALED),
                    "chain_id": chain_id,
                    "contract": contract,
                    "log_address": log_address,
                    "size": size,
                    "root": root,
                    "closed": False,
                },
            )
            key: int = result.inserted_primary_key[0]  # type: ignore[index]  # an insert has one
        return Intent(key, 0, State.SEALED, chain_id, contract, log_address, size, root)

    def advance(self, before: Intent, event: Event, leg: Leg | None = None) -> Intent:
        """Apply the event, store and return the result, in one transaction."""
        after = machine.apply(before, event)
        with self._database.transaction() as connection:
            moved = connection.execute(
                update(INTENTS)
                .where(INTENTS.c.id == before.id, INTENTS.c.version == before.version)
                .values(_columns(after))
            )
            if moved.rowcount != 1:
                raise _race(f"intent {before.id} is not in version {before.version} any more")
            _store_attempts(connection, before, after)
            if before.tx_hash != after.tx_hash:
                connection.execute(delete(LEGS).where(LEGS.c.intent_id == before.id))
            if leg is not None:
                connection.execute(insert(LEGS), _leg_columns(before.id, leg))
            if before.block != after.block:
                # With the block goes what was paid in it.
                connection.execute(delete(COSTS).where(COSTS.c.intent_id == before.id))
            if isinstance(event, Included | OwnReverted):
                connection.execute(
                    insert(COSTS),
                    {
                        "intent_id": before.id,
                        "block_time": event.block.time,
                        "wei": str(event.cost),
                    },
                )
        return after

    def given_up(self, nonce: int) -> list[bytes]:
        """The hashes of what closed intents signed with that nonce."""
        wanted = (
            select(ATTEMPTS.c.hash)
            .join(INTENTS, ATTEMPTS.c.intent_id == INTENTS.c.id)
            .where(INTENTS.c.nonce == nonce, text("closed"))
        )
        with self._database.reading() as connection:
            return list(connection.execute(wanted).scalars())

    def leg(self, intent: Intent) -> Leg | None:
        """The leg stored with the inclusion."""
        with self._database.reading() as connection:
            row = connection.execute(select(LEGS).where(LEGS.c.intent_id == intent.id)).first()
        return None if row is None else _leg(row)

    def costs_since(self, since: datetime) -> list[int]:
        """What each transaction in a block of that time or a later one cost, wei."""
        wanted = select(COSTS.c.wei).where(COSTS.c.block_time >= int(since.timestamp()))
        return self._wei(wanted.order_by(COSTS.c.block_time))

    def totals(self) -> AnchorTotals:
        """How many intents, attempts and wei there were so far."""
        with self._database.reading() as connection:
            states = connection.execute(
                select(INTENTS.c.state, func.count()).group_by(INTENTS.c.state)
            )
            by_state = {State(row[0]): int(row[1]) for row in states}
            attempts = connection.execute(select(func.count()).select_from(ATTEMPTS)).scalar_one()
            paid = sum(int(row.wei) for row in connection.execute(select(COSTS.c.wei)))
        return AnchorTotals(by_state, int(attempts), paid)

    def newest_costs(self, count: int) -> list[int]:
        """What the last so many transactions cost, wei."""
        return self._wei(select(COSTS.c.wei).order_by(COSTS.c.block_time.desc()).limit(count))

    def _wei(self, wanted: Select[Any]) -> list[int]:
        with self._database.reading() as connection:
            return [int(row.wei) for row in connection.execute(wanted)]

    # As-of proofs.

    def add_as_of(self, proof: HeadProof, anchors: int, taken_at: datetime) -> None:
        """Keep a pending as-of proof, once for a block."""
        header = proof.header
        with self._database.transaction() as connection:
            kept = select(AS_OFS.c.id).where(AS_OFS.c.block_hash == bytes(header.hash))
            if connection.execute(kept).first() is not None:
                return
            connection.execute(
                insert(AS_OFS),
                {
                    "block_number": header.number,
                    "block_hash": bytes(header.hash),
                    "block_time": header.timestamp,
                    "header": header.raw,
                    "head": bytes(proof.head),
                    "anchors": anchors,
                    "account_proof": _packed(proof.account_proof),
                    "storage_proof": _packed(proof.storage_proof),
                    "taken_at_ms": milliseconds(taken_at),
                    "released": False,
                },
            )

    def pending_as_ofs(self) -> list[StoredAsOf]:
        """Those that wait for finality, oldest block first."""
        return self._as_ofs_where(text("NOT released"))

    def released_as_ofs(self) -> list[StoredAsOf]:
        """Every released one that is not orphaned, oldest block first."""
        return self._as_ofs_where(text("released"), _NOT_ORPHANED)

    def _as_ofs_where(self, *conditions: Any) -> list[StoredAsOf]:
        wanted = select(AS_OFS).where(*conditions).order_by(AS_OFS.c.block_number)
        with self._database.reading() as connection:
            return [_as_of(row) for row in connection.execute(wanted)]

    def released_for(self, number: int) -> StoredAsOf | None:
        """The earliest released one to whose head the anchor of that number leads."""
        wanted = select(AS_OFS).where(AS_OFS.c.anchors > number, text("released"), _NOT_ORPHANED)
        return self._first_as_of(wanted.order_by(AS_OFS.c.block_number))

    def newest_released(self) -> StoredAsOf | None:
        """The released one of the highest block, of those that are not orphaned."""
        return self._newest_as_of(text("released"), _NOT_ORPHANED)

    def newest_taken(self) -> StoredAsOf | None:
        """The one of the highest block, released or not."""
        return self._newest_as_of()

    def released_below(self, number: int) -> StoredAsOf | None:
        """The released one of the highest block below that number, orphaned or not."""
        return self._newest_as_of(text("released"), AS_OFS.c.block_number < number)

    def release_as_of(self, as_of_id: int, said: tuple[str, ...]) -> None:
        """Its block is finalized and canonical."""
        with self._database.transaction() as connection:
            connection.execute(update(AS_OFS).where(AS_OFS.c.id == as_of_id).values(released=True))
            _keep_said(connection, as_of_id, said)

    def keep_said(self, as_of_id: int, said: tuple[str, ...]) -> None:
        """Replace what endpoints said of its block."""
        with self._database.reading() as connection:
            if _said(connection, as_of_id) == said:
                return
        with self._database.transaction() as connection:
            _keep_said(connection, as_of_id, said)

    def orphan_as_ofs(self, above: int) -> None:
        """Orphan the released ones above that block, and no others."""
        lost = select(AS_OFS.c.id).where(text("released"), AS_OFS.c.block_number > above)
        kept = select(ORPHANS.c.as_of_id)
        with self._database.reading() as connection:
            if set(connection.execute(lost).scalars()) == set(connection.execute(kept).scalars()):
                return
        with self._database.transaction() as connection:
            connection.execute(delete(ORPHANS))
            connection.execute(insert(ORPHANS).from_select(["as_of_id"], lost))

    def drop_as_of(self, as_of_id: int) -> None:
        """Another block is finalized at its height."""
        with self._database.transaction() as connection:
            connection.execute(delete(AS_OFS).where(AS_OFS.c.id == as_of_id, text("NOT released")))

    # Alarms.

    def alarms(self) -> Mapping[str, Alarm]:
        """The alarms that stand, by code."""
        with self._database.reading() as connection:
            rows = connection.execute(select(ALARMS).order_by(ALARMS.c.code)).all()
        return {row.code: Alarm(row.text, moment(row.since_ms)) for row in rows}

    def keep_alarms(self, alarms: Mapping[str, Alarm]) -> None:
        """Replace the alarms that stand."""
        with self._database.transaction() as connection:
            connection.execute(delete(ALARMS))
            for code, alarm in alarms.items():
                connection.execute(
                    insert(ALARMS),
                    {"code": code, "text": alarm.text, "since_ms": milliseconds(alarm.since)},
                )

    # Endpoints.

    def endpoints(self) -> tuple[EndpointState, ...]:
        """Every endpoint as it was kept last, in the order of the configuration."""
        with self._database.reading() as connection:
            rows = connection.execute(select(ENDPOINTS).order_by(ENDPOINTS.c.place)).all()
        return tuple(
            [
                EndpointState(
                    row.host, Condition(row.condition), moment(row.since_ms), row.behind, row.text
                )
                for row in rows
            ]
        )

    def keep_endpoints(self, states: tuple[EndpointState, ...]) -> None:
        """Replace what is known of the endpoints."""
        with self._database.transaction() as connection:
            connection.execute(delete(ENDPOINTS))
            for place, state in enumerate(states):
                connection.execute(
                    insert(ENDPOINTS),
                    {
                        "place": place,
                        "host": state.host,
                        "condition": str(state.condition),
                        "since_ms": milliseconds(state.since),
                        "behind": state.behind,
                        "text": state.text,
                    },
                )

    # What exports read.

    def anchors(self) -> list[Anchor]:
        """Every proved anchor from number 0, up to the first that is not proved yet.

        While a proof is orphaned (docs/spec/sender.md §6), only those that the newest other one covers.
        """
        wanted = (
            select(INTENTS).where(INTENTS.c.state == str(State.PROVED)).order_by(INTENTS.c.number)
        )
        proved: list[Anchor] = []
        head: bytes = ZERO
        with self._database.reading() as connection:
            for row in connection.execute(wanted):
                if row.number != len(proved):
                    break
                intent = _intent(row, ())
                if intent.prev != head:
                    raise Contradiction(
                        "ANCHORS_BROKEN",
                        f"anchor {row.number} follows 0x{row.prev.hex()}, the one before leads to "
                        f"0x{head.hex()}. Restore the store from a backup.",
                    )
                head = intent.head
                proved.append(Anchor(row.number, row.prev, intent.link, head))
            if connection.execute(select(ORPHANS).limit(1)).first() is None:
                return proved
        as_of = self.newest_as_of()
        return proved[: 0 if as_of is None else as_of.anchors]

    def leg_of(self, number: int) -> Leg:
        """The leg of the proved anchor with that number."""
        wanted = (
            select(LEGS)
            .join(INTENTS, LEGS.c.intent_id == INTENTS.c.id)
            .where(INTENTS.c.state == str(State.PROVED), INTENTS.c.number == number)
        )
        with self._database.reading() as connection:
            row = connection.execute(wanted).first()
        if row is None:
            raise Contradiction(
                "LEG_MISSING",
                f"anchor {number} is proved and its leg is not stored. Restore the store from a backup.",
            )
        return _leg(row)

    def newest_as_of(self, block: int | None = None, time: int | None = None) -> AsOf | None:
        """The newest released as-of proof to whose head only proved anchors lead.

        With `block` or `time` the newest of a block up to that number or block time.

        While the newest anchor waits for its proof, that is the one before; its links are then the
        first `anchors` of those that `anchors()` returns.
        """
        bounds = [] if block is None else [AS_OFS.c.block_number <= block]
        bounds += [] if time is None else [AS_OFS.c.block_time <= time]
        stored = self._newest_as_of(
            AS_OFS.c.anchors <= self.proved_count(), text("released"), _NOT_ORPHANED, *bounds
        )
        if stored is None:
            return None
        with self._database.reading() as connection:
            return replace(stored.as_of, observed=_said(connection, stored.id))

    def _newest_as_of(self, *conditions: Any) -> StoredAsOf | None:
        wanted = select(AS_OFS).where(*conditions)
        return self._first_as_of(wanted.order_by(AS_OFS.c.block_number.desc()))

    def _first_as_of(self, wanted: Select[Any]) -> StoredAsOf | None:
        with self._database.reading() as connection:
            row = connection.execute(wanted.limit(1)).first()
        return None if row is None else _as_of(row)

    def _first(self, wanted: Select[Any]) -> Intent | None:
        found = self._intents(wanted.limit(1))
        return found[0] if found else None

    def _intents(self, wanted: Select[Any]) -> list[Intent]:
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
            return [_intent(row, _attempts(connection, row.id)) for row in rows]


def _race(what: str) -> NothingHappened:
    return NothingHappened(
        "SENDER_RACE", f"{what}: another sender is at work on this store. One is enough; stop one."
    )


def _with_number(states: list[str]) -> Select[Any]:
    return select(INTENTS).where(INTENTS.c.number.is_not(None), INTENTS.c.state.in_(states))


def _pinned(connection: Connection) -> ChainIdentity | None:
    row = connection.execute(select(CHAIN_PIN)).first()
    return None if row is None else ChainIdentity(row.chain_id, row.genesis_hash, row.code_hash)


def _columns(intent: Intent) -> dict[str, Any]:
    block = intent.block
    return {
        "version": intent.version,
        "state": str(intent.state),
        "size": intent.size,
        "root": intent.root,
        "nonce": intent.nonce,
        "prev": intent.prev,
        "block_number": block and block.number,
        "block_hash": block and block.hash,
        "block_time": block and block.time,
        "tx_hash": intent.tx_hash,
        "number": intent.number,
        "head": bytes(intent.head) if intent.state in ON_CHAIN else None,
        "cause": intent.cause and str(intent.cause),
        "resume": intent.resume and str(intent.resume),
        "closed": intent.closed,
    }


def _intent(row: Any, attempts: tuple[Attempt, ...]) -> Intent:
    block = None
    if row.block_hash is not None:
        block = BlockRef(row.block_number, row.block_hash, row.block_time)
    return Intent(
        row.id,
        row.version,
        State(row.state),
        row.chain_id,
        row.contract,
        row.log_address,
        row.size,
        row.root,
        nonce=row.nonce,
        prev=row.prev,
        attempts=attempts,
        block=block,
        tx_hash=row.tx_hash,
        number=row.number,
        cause=None if row.cause is None else Cause(row.cause),
        resume=None if row.resume is None else State(row.resume),
        closed=row.closed,
    )


def _attempts(connection: Connection, intent_id: int) -> tuple[Attempt, ...]:
    wanted = select(ATTEMPTS).where(ATTEMPTS.c.intent_id == intent_id).order_by(ATTEMPTS.c.place)
    return tuple(
        Attempt(
            row.hash,
            row.raw,
            row.gas_limit,
            row.max_fee,
            row.priority_fee,
            None if row.first_sent_at_ms is None else moment(row.first_sent_at_ms),
        )
        for row in connection.execute(wanted)
    )


def _keep_said(connection: Connection, as_of_id: int, said: tuple[str, ...]) -> None:
    connection.execute(delete(WORDS).where(WORDS.c.as_of_id == as_of_id))
    connection.execute(insert(WORDS), {"as_of_id": as_of_id, "said": "\n".join(said)})


def _said(connection: Connection, as_of_id: int) -> tuple[str, ...]:
    said = connection.execute(select(WORDS.c.said).where(WORDS.c.as_of_id == as_of_id)).scalar()
    return () if said is None else tuple(said.splitlines())


def _store_attempts(connection: Connection, before: Intent, after: Intent) -> None:
    for place, attempt in enumerate(after.attempts):
        sent = attempt.first_sent_at
        sent_ms = None if sent is None else milliseconds(sent)
        if place >= len(before.attempts):
            # Bytes that a closed intent gave up may be signed again, or found on the chain: they are
            # looked for in one place only.
            closed = select(INTENTS.c.id).where(text("closed"))
            connection.execute(
                delete(ATTEMPTS).where(
                    ATTEMPTS.c.hash == attempt.hash, ATTEMPTS.c.intent_id.in_(closed)
                )
            )
            connection.execute(
                insert(ATTEMPTS),
                {
                    "intent_id": after.id,
                    "place": place,
                    "hash": attempt.hash,
                    "raw": attempt.raw,
                    "gas_limit": attempt.gas_limit,
                    "max_fee": attempt.max_fee,
                    "priority_fee": attempt.priority_fee,
                    "first_sent_at_ms": sent_ms,
                },
            )
        elif replace(attempt, first_sent_at=None) != replace(
            before.attempts[place], first_sent_at=None
        ):
            raise Contradiction(
                "INTENT_IMPOSSIBLE", f"attempt {place} of intent {after.id} was to be changed"
            )
        elif attempt != before.attempts[place]:
            connection.execute(
                update(ATTEMPTS)
                .where(ATTEMPTS.c.intent_id == after.id, ATTEMPTS.c.place == place)
                .values(first_sent_at_ms=sent_ms)
            )


def _leg_columns(intent_id: int, leg: Leg) -> dict[str, Any]:
    return {
        "intent_id": intent_id,
        "header": leg.header,
        "tx_index": leg.index,
        "tx": leg.tx,
        "tx_proof": _packed(leg.tx_proof),
        "receipt": leg.receipt,
        "receipt_proof": _packed(leg.receipt_proof),
        "log_index": leg.log_index,
    }


def _leg(row: Any) -> Leg:
    return Leg(
        row.header,
        row.tx_index,
        row.tx,
        _unpacked(row.tx_proof),
        row.receipt,
        _unpacked(row.receipt_proof),
        row.log_index,
    )


def _as_of(row: Any) -> StoredAsOf:
    as_of = AsOf(
        header=row.header,
        block_number=row.block_number,
        block_time=row.block_time,
        anchors=row.anchors,
        account_proof=_unpacked(row.account_proof),
        storage_proof=_unpacked(row.storage_proof),
    )
    taken_at = moment(row.taken_at_ms)
    return StoredAsOf(row.id, as_of, row.block_hash, row.head, taken_at, row.released)


def _packed(nodes: tuple[bytes, ...]) -> bytes:
    return rlp.encode(list(nodes))


def _unpacked(packed: bytes) -> tuple[bytes, ...]:
    try:
        nodes = rlp.decode_list(packed, "stored proof")
    except FormatError as error:
        raise Contradiction(
            "STORE_DAMAGED", f"a stored proof can't be read: {error}. Restore the store."
        ) from error
    return tuple(node for node in nodes if isinstance(node, bytes))

"""The sender's intents, and what the chain has confirmed: IntentBook and AnchorBook over the store.

Each method that writes is one transaction; an intent moves only if it still has the version that
was read. Spec: docs/spec/sender.md. Test: tests/unit/anchor/test_anchor_store.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, text, update

from notary.adapters.store.anchor_tables import UNSENT, CostRow, LegRow
from notary.adapters.store.as_ofs import (
    AS_OFS,
    NOT_ORPHANED,
    ORPHANS,
    AsOfStore,
    said_of,
)
from notary.adapters.store.chain_memory import ChainMemory
from notary.adapters.store.database import table_of
from notary.adapters.store.intent_rows import (
    ATTEMPTS,
    INTENTS,
    attempts_of,
    columns_of,
    intent_of,
    leg_columns,
    leg_of_row,
    store_attempts,
)
from notary.chain_ports import AnchorTotals
from notary.core import intent as machine
from notary.core.intent import (
    ON_CHAIN,
    Event,
    Included,
    Intent,
    OwnReverted,
    State,
)
from notary.errors import Contradiction, NothingHappened
from notary.ports import Anchor, AsOf, Leg
from verifier.format.digests import ZERO

LEGS = table_of(LegRow)
COSTS = table_of(CostRow)

_ON_CHAIN = [str(state) for state in sorted(ON_CHAIN)]
_FINAL = [str(State.FINAL), str(State.PROVED)]


class AnchorStore(ChainMemory, AsOfStore):
    """Implements notary.chain_ports.IntentBook, and with it notary.ports.AnchorBook."""

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
                .values(columns_of(after))
            )
            if moved.rowcount != 1:
                raise _race(f"intent {before.id} is not in version {before.version} any more")
            store_attempts(connection, before, after)
            if before.tx_hash != after.tx_hash:
                connection.execute(delete(LEGS).where(LEGS.c.intent_id == before.id))
            if leg is not None:
                connection.execute(insert(LEGS), leg_columns(before.id, leg))
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
        return None if row is None else leg_of_row(row)

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
                intent = intent_of(row, ())
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
        return leg_of_row(row)

    def newest_as_of(self, block: int | None = None, time: int | None = None) -> AsOf | None:
        """The newest released as-of proof to whose head only proved anchors lead.

        With `block` or `time` the newest of a block up to that number or block time.

        While the newest anchor waits for its proof, that is the one before; its links are then the
        first `anchors` of those that `anchors()` returns.
        """
        bounds = [] if block is None else [AS_OFS.c.block_number <= block]
        bounds += [] if time is None else [AS_OFS.c.block_time <= time]
        stored = self._newest_as_of(
            AS_OFS.c.anchors <= self.proved_count(), text("released"), NOT_ORPHANED, *bounds
        )
        if stored is None:
            return None
        with self._database.reading() as connection:
            return replace(stored.as_of, observed=said_of(connection, stored.id))

    def _first(self, wanted: Select[Any]) -> Intent | None:
        found = self._intents(wanted.limit(1))
        return found[0] if found else None

    def _intents(self, wanted: Select[Any]) -> list[Intent]:
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
            return [intent_of(row, attempts_of(connection, row.id)) for row in rows]


def _race(what: str) -> NothingHappened:
    return NothingHappened(
        "SENDER_RACE", f"{what}: another sender is at work on this store. One is enough; stop one."
    )


def _with_number(states: list[str]) -> Select[Any]:
    return select(INTENTS).where(INTENTS.c.number.is_not(None), INTENTS.c.state.in_(states))

"""What the sender remembers of the chain and of its endpoints, and the alarms that stand: IntentBook in part.

Each method that writes is one transaction. Spec: docs/spec/sender.md §1, §7, §10. Test:
tests/unit/anchor/test_anchor_store.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from notary.adapters.store.anchor_tables import (
    AlarmRow,
    BalanceRow,
    ChainPinRow,
    EndpointRow,
    RecentBlockRow,
)
from notary.adapters.store.database import Database, table_of
from notary.adapters.store.restorations import mark_compared, newest_restoration
from notary.chain_ports import (
    Alarm,
    ChainIdentity,
    Condition,
    EndpointState,
    RecentBlock,
    SeenBalance,
)
from notary.core.moments import milliseconds, moment
from notary.errors import Contradiction

CHAIN_PIN = table_of(ChainPinRow)
RECENT_BLOCK = table_of(RecentBlockRow)
ALARMS = table_of(AlarmRow)
BALANCE = table_of(BalanceRow)
ENDPOINTS = table_of(EndpointRow)

THE_ROW = 1  # of the tables that hold one row


class ChainMemory:
    """What is kept of the chain, beside intents and proofs."""

    def __init__(self, database: Database) -> None:
        self._database = database

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


def _pinned(connection: Connection) -> ChainIdentity | None:
    row = connection.execute(select(CHAIN_PIN)).first()
    return None if row is None else ChainIdentity(row.chain_id, row.genesis_hash, row.code_hash)

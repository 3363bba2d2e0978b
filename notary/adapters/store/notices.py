"""Alarms that came and went, anchors that were proved, and what of that receivers still have to be told.

An event and its deliveries are stored together, in the transaction that sees the change; so it is told
to every receiver or, after a crash, seen anew. Test: tests/unit/store/test_notices.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Index, delete, func, insert, select, text, update
from sqlmodel import Field

from notary.adapters.store.database import Database, Row, table_of
from notary.core.moments import milliseconds, moment
from notary.notice_ports import (
    Anchored,
    Change,
    Event,
    Notice,
    Stand,
    Waiting,
    new_message_id,
)
from notary.ports import Entropy

KEPT = timedelta(days=30)  # events that are settled, for people who look back


ANCHORED_CODE = "ANCHORED"  # of the events of anchors, where those of alarms have the alarm's


class AlarmEventRow(Row, table=True):
    """An alarm was raised or resolved, or an anchor was proved.

    `cause` is why an anchor is held, or the number of the anchor that was proved, else null. `text` is for
    people; of an anchor it is JSON, the members of the message.
    """

    __tablename__ = "alarm_events"

    id: int | None = Field(default=None, primary_key=True)
    message_id: str = Field(unique=True)
    change: str
    code: str = Field(index=True)
    cause: str | None
    text: str
    since_ms: int
    seen_at_ms: int


class NoticeRow(Row, table=True):
    """An event that a receiver has not taken yet. `tries` counts what went wrong so far."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_due", "receiver", "next_at_ms"),)

    event_id: int = Field(primary_key=True, foreign_key="alarm_events.id")
    receiver: str = Field(primary_key=True)
    tries: int
    next_at_ms: int
    given_up: bool


EVENTS = table_of(AlarmEventRow)
NOTICES = table_of(NoticeRow)
WAITING = text("NOT given_up")


class StoredNotices:
    """Keeps events and notices."""

    def __init__(self, database: Database, entropy: Entropy) -> None:
        self._database = database
        self._entropy = entropy

    def keep(
        self, standing: Mapping[str, Stand], receivers: Sequence[str], now: datetime
    ) -> list[Event]:
        """Store what changed since the last time, with a notice for each receiver; return it.

        Another cause of an alarm that stands is told as raised again.
        """
        # Most of the time nothing has changed, and then nothing is locked.
        with self._database.reading() as connection:
            if not _changes(_last(connection), standing):
                return []
        with self._database.transaction() as connection:
            events = [
                self._add(connection, change, code, stand, receivers, now)
                for change, code, stand in _changes(_last(connection), standing)
            ]
            _forget(connection, receivers, now)
        return events

    def newest_anchored(self) -> int | None:
        """The number of the newest anchor that is kept here."""
        with self._database.reading() as connection:
            return _newest_anchored(connection)

    def keep_anchored(
        self, anchored: Iterable[Anchored], receivers: Sequence[str], now: datetime
    ) -> list[Event]:
        """Store those anchors that are not kept yet, with a notice of each for each receiver; return them.

        Wants them ascending, from the one after `newest_anchored` on without a gap.
        """
        with self._database.transaction() as connection:
            newest = _newest_anchored(connection)
            return [
                self._add(
                    connection,
                    Change.ANCHORED,
                    ANCHORED_CODE,
                    Stand(json.dumps(one.facts), one.anchored_at, str(one.anchor)),
                    receivers,
                    now,
                )
                for one in anchored
                # Another worker may have kept them meanwhile.
                if newest is None or one.anchor > newest
            ]

    def _add(
        self,
        connection: Connection,
        change: Change,
        code: str,
        stand: Stand,
        receivers: Sequence[str],
        now: datetime,
    ) -> Event:
        """Write an event, with its notices."""
        message_id = new_message_id(self._entropy)
        row = {
            "message_id": message_id,
            "change": str(change),
            "code": code,
            "cause": stand.cause,
            "text": stand.text,
            "since_ms": milliseconds(stand.since),
            "seen_at_ms": milliseconds(now),
        }
        result = connection.execute(insert(EVENTS), row)
        number: int = result.inserted_primary_key[0]  # type: ignore[index]  # it has one
        for receiver in receivers:
            connection.execute(
                insert(NOTICES),
                {
                    "event_id": number,
                    "receiver": receiver,
                    "tries": 0,
                    "next_at_ms": milliseconds(now),
                    "given_up": False,
                },
            )
        return Event(number, message_id, change, code, stand, now)

    def standing(self) -> dict[str, Stand]:
        """The alarms that stood at the last look."""
        with self._database.reading() as connection:
            return _last(connection)

    def due(self, receiver: str, now: datetime) -> Notice | None:
        """The oldest notice that the receiver is to be given now."""
        wanted = (
            select(EVENTS, NOTICES.c.tries)
            .join(NOTICES, NOTICES.c.event_id == EVENTS.c.id)
            .where(NOTICES.c.receiver == receiver, NOTICES.c.next_at_ms <= milliseconds(now))
            .where(WAITING)
            .order_by(EVENTS.c.id)
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else Notice(_event(row), receiver, row.tries)

    def taken(self, notice: Notice) -> None:
        """The receiver has it."""
        with self._database.transaction() as connection:
            connection.execute(delete(NOTICES).where(*_same(notice)))

    def put_off(self, notice: Notice, until: datetime) -> None:
        """The receiver did not take it; it is tried again then."""
        with self._database.transaction() as connection:
            connection.execute(
                update(NOTICES)
                .where(*_same(notice))
                .values(tries=notice.tries + 1, next_at_ms=milliseconds(until))
            )

    def give_up(self, notice: Notice) -> None:
        """The receiver did not take it for so long that it is not tried any more."""
        with self._database.transaction() as connection:
            connection.execute(
                update(NOTICES).where(*_same(notice)).values(tries=notice.tries + 1, given_up=True)
            )

    def waiting(self, receiver: str) -> Waiting:
        """How many notices the receiver has not taken."""
        counted = (
            select(NOTICES.c.given_up, func.count())
            .where(NOTICES.c.receiver == receiver)
            .group_by(NOTICES.c.given_up)
        )
        with self._database.reading() as connection:
            found = {bool(row[0]): int(row[1]) for row in connection.execute(counted)}
        return Waiting(found.get(False, 0), found.get(True, 0))


def _changes(
    last: Mapping[str, Stand], standing: Mapping[str, Stand]
) -> list[tuple[Change, str, Stand]]:
    resolved = [
        (Change.RESOLVED, code, stand) for code, stand in last.items() if code not in standing
    ]
    raised = [
        (Change.RAISED, code, stand)
        for code, stand in sorted(standing.items())
        if code not in last or last[code].cause != stand.cause
    ]
    return resolved + raised


def _last(connection: Connection) -> dict[str, Stand]:
    newest = select(func.max(EVENTS.c.id)).group_by(EVENTS.c.code)
    rows = connection.execute(
        select(EVENTS).where(EVENTS.c.id.in_(newest), EVENTS.c.change == str(Change.RAISED))
    )
    return {row.code: _event(row).stand for row in rows}


def _newest_anchored(connection: Connection) -> int | None:
    newest = select(EVENTS.c.cause).where(EVENTS.c.code == ANCHORED_CODE)
    cause = connection.execute(newest.order_by(EVENTS.c.id.desc()).limit(1)).scalar()
    return None if cause is None else int(cause)


def _forget(connection: Connection, receivers: Sequence[str], now: datetime) -> None:
    """Notices for receivers that are configured no more, and old events that nothing needs."""
    connection.execute(delete(NOTICES).where(NOTICES.c.receiver.not_in(receivers)))
    old = select(EVENTS.c.id).where(EVENTS.c.seen_at_ms < milliseconds(now - KEPT))
    connection.execute(delete(NOTICES).where(NOTICES.c.event_id.in_(old)))
    newest = select(func.max(EVENTS.c.id)).group_by(EVENTS.c.code)
    connection.execute(delete(EVENTS).where(EVENTS.c.id.in_(old), EVENTS.c.id.not_in(newest)))


def _same(notice: Notice) -> tuple[Any, ...]:
    return NOTICES.c.event_id == notice.event.number, NOTICES.c.receiver == notice.receiver


def _event(row: Any) -> Event:
    return Event(
        row.id,
        row.message_id,
        Change(row.change),
        row.code,
        Stand(row.text, moment(row.since_ms), row.cause),
        moment(row.seen_at_ms),
    )

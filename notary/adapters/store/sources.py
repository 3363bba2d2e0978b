"""The sources of agencies, and the closings of their days.

A source has a row of `matters` for its log's right edge, so that sealing, proofs and key rotation need
not tell the two apart. Test: tests/unit/store/test_sources.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, insert, select

from notary.adapters.store.database import Database, table_of
from notary.adapters.store.log import settle_kek, successor
from notary.adapters.store.records import RecordRows
from notary.adapters.store.source_rows import (
    ENTRIES,
    SOURCES,
    keep_profile,
    stored_sources,
    write_source,
)
from notary.adapters.store.tables import AgencyRow, MatterRow
from notary.core import envelope
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.core.moments import milliseconds, moment
from notary.core.source_edge import SourceEdge, StoredSource
from notary.errors import CallerError
from notary.ports import Clock, Entropy
from notary.usecases.sources import Source, write_sources
from verifier.format import numbers, source_log
from verifier.format.frontier import Frontier
from verifier.format.source_log import Closing, Profile

MATTERS = table_of(MatterRow)
AGENCIES = table_of(AgencyRow)


class StoredSources:
    """Implements the port `SourceStore`."""

    def __init__(
        self,
        database: Database,
        keys: Keyring,
        clock: Clock,
        entropy: Entropy,
        identity: LogIdentity,
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._entropy = entropy
        self._identity = identity

    def add(self, agency_id: int, profile: Profile) -> Source:
        """As SourceStore."""
        number = numbers.make_source(self._entropy.token(numbers.RANDOM_LENGTH), self._identity.tag)
        secret = self._entropy.token(envelope.SECRET_LENGTH)
        nonce = self._entropy.token(envelope.NONCE_LENGTH)
        with self._database.transaction() as connection:
            # To the millisecond, as the entry and the row will say.
            now = moment(milliseconds(self._clock.now()))
            taken = select(SOURCES.c.matter_id).where(
                SOURCES.c.agency_id == agency_id, SOURCES.c.name == profile.name
            )
            if connection.execute(taken).first():
                raise CallerError(
                    "SOURCE_EXISTS", f"there is a source named {profile.name} already."
                )
            settle_kek(connection, self._keys.kek)
            context = envelope.wrap_context(envelope.MATTER, agency_id, number.key)
            row = {
                "agency_id": agency_id,
                "key": number.key,
                "number": number.text,
                "sealed_title": envelope.seal(secret, envelope.TITLE, profile.name.encode()),
                "wrapped_secret": envelope.wrap(self._keys.kek, secret, nonce, context),
                "created_at_ms": milliseconds(now),
                "size": 0,
                "frontier": Frontier().to_bytes(),
            }
            (matter_id,) = connection.execute(insert(MATTERS).returning(MATTERS.c.id), row).one()
            write_source(connection, agency_id, matter_id, profile)
            edge = SourceEdge.new(matter_id, number.key, profile, now)
            write_sources(RecordRows(connection), agency_id, [edge])
            return self._named(connection, agency_id, profile.name)

    def all(self, agency_id: int) -> list[Source]:
        """As SourceStore."""
        with self._database.reading() as connection:
            return self._all(connection, agency_id)

    def find(self, agency_id: int, name: str) -> Source:
        """As SourceStore."""
        with self._database.reading() as connection:
            return self._named(connection, agency_id, name)

    def change(self, agency_id: int, name: str, profile: Profile) -> Source:
        """As SourceStore."""

        def change(connection: Connection, edge: SourceEdge, now: datetime) -> None:
            if edge.change_profile(profile, now):
                keep_profile(connection, edge.matter_id, profile)

        return self._grow(agency_id, name, change)

    def explain(self, agency_id: int, name: str, first: int, last: int, reason: str) -> Source:
        """As SourceStore."""
        return self._grow(
            agency_id, name, lambda _, edge, now: edge.explain(first, last, reason, now)
        )

    def close_due(self, now: datetime, *, by_hand: str | None = None) -> int:
        """As SourceStore. After the log's last batch there is nothing more to close."""
        with self._database.reading() as connection:
            if successor(connection) is not None:
                return 0
            due = [
                agency_id
                for agency_id in connection.execute(select(AGENCIES.c.agency_id)).scalars()
                for stored in stored_sources(connection, agency_id).values()
                if SourceEdge(stored).close_due(now, by_hand=by_hand is not None)
            ]
        closed = 0
        for agency_id in sorted(set(due)):
            with self._database.transaction() as connection:
                # Read again under the lock: whoever took a record meanwhile has closed the day.
                edges = [SourceEdge(one) for one in stored_sources(connection, agency_id).values()]
                if by_hand is not None:
                    key = self._named(connection, agency_id, by_hand).key
                    edges = [edge for edge in edges if edge.key == key]
                closed += sum(edge.close_due(now, by_hand=by_hand is not None) for edge in edges)
                write_sources(RecordRows(connection), agency_id, edges)
        return closed

    def _grow(
        self,
        agency_id: int,
        name: str,
        change: Callable[[Connection, SourceEdge, datetime], None],
    ) -> Source:
        with self._database.transaction() as connection:
            now = moment(milliseconds(self._clock.now()))
            key = self._named(connection, agency_id, name).key
            edge = SourceEdge(stored_sources(connection, agency_id, [key])[key])
            # What is entered now is of a day that may not have begun yet.
            edge.close_due(now)
            change(connection, edge, now)
            write_sources(RecordRows(connection), agency_id, [edge])
            return self._named(connection, agency_id, name)

    def _named(self, connection: Connection, agency_id: int, name: str) -> Source:
        for source in self._all(connection, agency_id):
            if name in (source.profile.name, source.number):
                return source
        raise CallerError(
            "SOURCE_UNKNOWN", f"{name!a} is no source of this agency. See `notary source list`."
        )

    def _all(self, connection: Connection, agency_id: int) -> list[Source]:
        named = select(MATTERS.c.id, MATTERS.c.number).join(
            SOURCES, SOURCES.c.matter_id == MATTERS.c.id
        )
        texts = {row.id: row.number for row in connection.execute(named)}
        return [
            Source(
                texts[one.matter_id],
                one.key,
                Frontier.from_bytes(one.frontier).size,
                one.profile,
                one.state,
                self._last_closing(connection, one),
            )
            for one in stored_sources(connection, agency_id).values()
        ]

    def _last_closing(self, connection: Connection, source: StoredSource) -> Closing | None:
        closing_at = source.state.closing_at
        if closing_at is None:
            return None
        entry = connection.execute(
            select(ENTRIES.c.entry).where(
                ENTRIES.c.matter_id == source.matter_id, ENTRIES.c.position == closing_at
            )
        ).scalar_one()
        found = source_log.parse(entry)
        assert isinstance(found, Closing)
        return found

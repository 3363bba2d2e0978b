"""Time-stamp tokens, wanted and kept: implements notary.timestamp_ports.TokenBook.

A row is a place in a chain over a checkpoint. Tokens hold public content only. Spec: docs/spec/sender.md
§11. Test: tests/unit/store/test_stored_tokens.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Index,
    UniqueConstraint,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlmodel import Field

from notary.adapters.store.anchor_tables import IntentRow
from notary.adapters.store.database import Database, Row, only_where, table_of
from notary.core.intent import State
from notary.core.moments import milliseconds, moment
from notary.timestamp_ports import KeptToken, Owing, Wanted


class TokenRow(Row, table=True):
    """Token `number` of a chain over the checkpoint of `size`; without `token` it is wanted.

    `chain` is the authority that began the chain, `authority` the one that owes this token.
    """

    __tablename__ = "timestamp_tokens"
    __table_args__ = (
        UniqueConstraint("size", "chain", "number"),
        # The worker asks every other second, and health at each call; the others are all of the past.
        Index("ix_timestamp_tokens_open", "authority", **only_where("token IS NULL")),
        Index("ix_timestamp_tokens_until", "until_ms"),
    )

    id: int | None = Field(default=None, primary_key=True)
    size: int
    chain: str
    number: int
    authority: str
    wanted_at_ms: int
    due_at_ms: int
    tries: int
    last_error: str | None
    given_up: bool
    token: bytes | None
    gen_time_ms: int | None
    until_ms: int | None


TOKENS = table_of(TokenRow)
INTENTS = table_of(IntentRow)

# An intent in one of these will not put its size on the chain; if it is needed, another one does.
_OUT = [str(State.SUPERSEDED), str(State.FOREIGN_NONCE)]
_IS_WANTED = TOKENS.c.token.is_(None) & ~TOKENS.c.given_up


class StoredTokens:
    """The tokens of one log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def want(self, authorities: Sequence[str], now: datetime, anchored_since: datetime) -> int:
        """Note what each authority owes, as TokenBook says."""
        strangers = _IS_WANTED & TOKENS.c.authority.not_in(authorities)
        with self._database.reading() as connection:
            missing = _missing(connection, authorities, int(anchored_since.timestamp()))
            left = connection.execute(select(TOKENS.c.id).where(strangers).limit(1)).first()
        if not missing and left is None:
            return 0
        with self._database.transaction() as connection:
            connection.execute(delete(TOKENS).where(strangers & (TOKENS.c.number == 0)))
            if authorities:
                connection.execute(
                    update(TOKENS).where(strangers).values(authority=authorities[0], tries=0)
                )
            # Looked up again: the other threads want theirs at the same time.
            missing = _missing(connection, authorities, int(anchored_since.timestamp()))
            rows = [_wanted_row(size, name, 0, name, now) for name, size in missing]
            if rows:
                connection.execute(insert(TOKENS), rows)
        return len(rows)

    def want_renewals(self, authorities: Sequence[str], now: datetime, ending: datetime) -> int:
        """Note renewals of what ends by then."""
        with self._database.reading() as connection:
            if not _ending(connection, ending):
                return 0
        with self._database.transaction() as connection:
            rows = [
                _wanted_row(
                    row.size,
                    row.chain,
                    row.number + 1,
                    row.chain if row.chain in authorities else authorities[0],
                    now,
                )
                for row in _ending(connection, ending)
            ]
            if rows:
                connection.execute(insert(TOKENS), rows)
        return len(rows)

    def due(self, authority: str, now: datetime) -> Wanted | None:
        """What to ask the authority for now."""
        before = TOKENS.alias("before")
        wanted = (
            select(TOKENS, before.c.token.label("before"), before.c.until_ms.label("before_ms"))
            .outerjoin(
                before,
                (before.c.size == TOKENS.c.size)
                & (before.c.chain == TOKENS.c.chain)
                & (before.c.number == TOKENS.c.number - 1),
            )
            .where(_IS_WANTED, TOKENS.c.authority == authority)
            .where(TOKENS.c.due_at_ms <= milliseconds(now))
            .order_by(TOKENS.c.number, TOKENS.c.id)
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(wanted).first()
        if row is None:
            return None
        return Wanted(
            row.id,
            row.size,
            row.number,
            moment(row.wanted_at_ms),
            row.tries,
            row.before,
            None if row.before_ms is None else moment(row.before_ms),
        )

    def keep(self, wanted: Wanted, token: KeptToken) -> None:
        """Keep what was asked for."""
        self._change(
            wanted,
            token=token.token,
            gen_time_ms=milliseconds(token.gen_time),
            until_ms=milliseconds(token.until),
            last_error=None,
        )

    def put_off(self, wanted: Wanted, until: datetime, error: str) -> None:
        """It failed; not due before then."""
        self._change(
            wanted, due_at_ms=milliseconds(until), tries=wanted.tries + 1, last_error=error
        )

    def give_up(self, wanted: Wanted, error: str) -> None:
        """It can't be had in time any more."""
        self._change(wanted, given_up=True, last_error=error)

    def _change(self, wanted: Wanted, **values: Any) -> None:
        with self._database.transaction() as connection:
            # A token that is there stays as it is, whoever comes second.
            connection.execute(
                update(TOKENS).where(TOKENS.c.id == wanted.id, _IS_WANTED).values(**values)
            )

    def chains(self, size: int) -> list[list[KeptToken]]:
        """The chains over a checkpoint."""
        kept = (
            select(TOKENS)
            .where(TOKENS.c.size == size, TOKENS.c.token.is_not(None))
            .order_by(TOKENS.c.chain, TOKENS.c.number)
        )
        found: dict[str, list[KeptToken]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(kept):
                token = KeptToken(row.token, moment(row.gen_time_ms), moment(row.until_ms))
                found.setdefault(row.chain, []).append(token)
        return list(found.values())

    def owing(self) -> list[Owing]:
        """How each authority stands."""
        with self._database.reading() as connection:
            counted = connection.execute(
                select(
                    TOKENS.c.authority,
                    func.count().filter(_IS_WANTED).label("waiting"),
                    func.min(TOKENS.c.wanted_at_ms).filter(_IS_WANTED).label("since"),
                    func.count().filter(TOKENS.c.given_up).label("given_up"),
                    func.max(TOKENS.c.last_error).filter(_IS_WANTED).label("error"),
                )
                .where(TOKENS.c.token.is_(None))
                .group_by(TOKENS.c.authority)
                .order_by(TOKENS.c.authority)
            ).all()
        return [
            Owing(
                row.authority,
                row.waiting,
                None if row.since is None else moment(row.since),
                row.given_up,
                row.error,
            )
            for row in counted
        ]


def _missing(
    connection: Connection, authorities: Sequence[str], anchored_since: int
) -> list[tuple[str, int]]:
    """Authority and size of each first token that nobody has asked for."""
    found: list[tuple[str, int]] = []
    for name in authorities:
        asked = select(TOKENS.c.id).where(
            TOKENS.c.size == INTENTS.c.size, TOKENS.c.chain == name, TOKENS.c.number == 0
        )
        wanted = (
            select(INTENTS.c.size)
            .distinct()
            .where(or_(INTENTS.c.block_time.is_(None), INTENTS.c.block_time >= anchored_since))
            .where(INTENTS.c.state.not_in(_OUT), ~asked.exists())
            .order_by(INTENTS.c.size)
        )
        found += [(name, size) for size in connection.execute(wanted).scalars()]
    return found


def _ending(connection: Connection, ending: datetime) -> list[Any]:
    """The last token of each chain, if a certificate under it ends by then and nothing renews it."""
    later = TOKENS.alias("later")
    renewed = (
        select(later.c.id)
        .where(later.c.size == TOKENS.c.size, later.c.chain == TOKENS.c.chain)
        .where(later.c.number == TOKENS.c.number + 1)
    )
    wanted = (
        select(TOKENS.c.size, TOKENS.c.chain, TOKENS.c.number)
        .where(TOKENS.c.until_ms <= milliseconds(ending), ~renewed.exists())
        .order_by(TOKENS.c.until_ms)
    )
    return list(connection.execute(wanted).all())


def _wanted_row(
    size: int, chain: str, number: int, authority: str, now: datetime
) -> dict[str, Any]:
    return {
        "size": size,
        "chain": chain,
        "number": number,
        "authority": authority,
        "wanted_at_ms": milliseconds(now),
        "due_at_ms": milliseconds(now),
        "tries": 0,
        "last_error": None,
        "given_up": False,
    }

"""Export jobs: orders sealed, with the salts of the secrets that open order and package.

Test: tests/unit/store/test_export_jobs.py.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    Connection,
    Index,
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlmodel import Field

from notary.adapters.store.database import Database, Row, table_of
from notary.core import envelope
from notary.core.keyring import Keyring
from notary.core.moments import milliseconds, moment
from notary.errors import SHARE_USED, CallerError, ConflictError, NothingHappened
from notary.ports import Entropy
from notary.usecases.export_jobs import (
    NAME_BYTES,
    SALT_BYTES,
    Failure,
    Job,
    Made,
    Ordered,
    State,
    Taken,
    decode,
)


class ExportJobRow(Row, table=True):
    """A job. While it waits, `due_ms` is when it may be taken; while it runs, when its holder lost it."""

    __tablename__ = "export_jobs"
    __table_args__ = (
        UniqueConstraint("agency_id", "idempotency_digest"),
        Index(None, "matter_key"),
    )

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int = Field(foreign_key="agencies.agency_id")
    name: str = Field(unique=True)
    matter_key: bytes
    idempotency_digest: bytes
    salt: bytes
    sealed_order: bytes
    state: str
    created_ms: int
    due_ms: int
    holder: bytes | None
    attempts: int
    done: int
    total: int
    error: str | None
    package_salt: bytes | None
    object_name: bytes | None
    result: str | None
    expires_ms: int | None


JOBS = table_of(ExportJobRow)


class StoredExports:
    """Implements notary.usecases.export_jobs.ExportBook."""

    def __init__(self, database: Database, keys: Keyring, entropy: Entropy) -> None:
        self._database = database
        self._keys = keys
        self._entropy = entropy

    def add(
        self, agency_id: int, idempotency_key: str, ordered: Ordered, now: datetime, most: int
    ) -> Job:
        """A new job, or the one that this key made before."""
        digest = self._keys.lookup(agency_id, "export", idempotency_key)
        name, salt = self._entropy.token(NAME_BYTES).hex(), self._entropy.token(SALT_BYTES)
        mine = JOBS.c.agency_id == agency_id
        with self._database.transaction() as connection:
            before = connection.execute(
                select(JOBS).where(mine, JOBS.c.idempotency_digest == digest)
            ).first()
            if before is not None:
                job = self._job(before)
                if job.ordered != ordered:
                    raise ConflictError(
                        "IDEMPOTENCY_CONFLICT",
                        "this idempotency_key ordered another export. Take another key.",
                    )
                return job
            count = connection.execute(select(func.count()).where(mine)).scalar_one()
            if count >= most:
                raise NothingHappened(
                    SHARE_USED,
                    f"this agency has {count} exports, with those that are done. DELETE those that were "
                    "fetched; what is over is removed by itself.",
                )
            row = {
                "agency_id": agency_id,
                "name": name,
                "matter_key": ordered.order.number.key,
                "idempotency_digest": digest,
                "salt": salt,
                "sealed_order": envelope.seal(
                    self._secret(salt), envelope.VALUES, orjson.dumps(ordered.encode())
                ),
                "state": State.WAITING.value,
                "created_ms": milliseconds(now),
                "due_ms": milliseconds(now),
                "attempts": 0,
                "done": 0,
                "total": 0,
            }
            connection.execute(insert(JOBS), row)
        return self.find(agency_id, name)

    def find(self, agency_id: int, name: str) -> Job:
        """The agency's job of that name."""
        with self._database.reading() as connection:
            return self._job(_found(connection, agency_id, name))

    def all(self, agency_id: int) -> list[Job]:
        """The agency's jobs, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(JOBS).where(JOBS.c.agency_id == agency_id).order_by(JOBS.c.id)
            ).all()
        return [self._job(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many jobs of all agencies stand where."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(JOBS.c.state, func.count()).group_by(JOBS.c.state)
            ).all()
        return {state.value: 0 for state in State} | dict(rows)

    def take(self, now: datetime, until: datetime) -> Taken | None:
        """The oldest job that is due or whose holder let it lapse, held until then."""
        due = (
            select(JOBS)
            .where(
                JOBS.c.state.in_([State.WAITING.value, State.RUNNING.value]),
                JOBS.c.due_ms <= milliseconds(now),
            )
            .order_by(JOBS.c.id)
            .limit(1)
        )
        # Without the write lock first: each process looks often, and nearly always for nothing.
        with self._database.reading() as connection:
            if connection.execute(due).first() is None:
                return None
        holder = self._entropy.token(NAME_BYTES)
        with self._database.transaction() as connection:
            row = connection.execute(due).first()
            if row is None:
                return None
            mine = JOBS.c.id == row.id
            connection.execute(
                update(JOBS)
                .where(mine)
                .values(
                    state=State.RUNNING.value,
                    holder=holder,
                    due_ms=milliseconds(until),
                    attempts=row.attempts + 1,
                )
            )
            return Taken(self._job(connection.execute(select(JOBS).where(mine)).one()), holder)

    def renew(self, taken: Taken, until: datetime, done: int, total: int) -> bool:
        """Hold it until then, and say how far it is."""
        return self._write(taken, {"due_ms": milliseconds(until), "done": done, "total": total})

    def put_back(self, taken: Taken, due: datetime, attempts: int) -> bool:
        """Let it be taken again from then on."""
        return self._write(
            taken,
            {
                "state": State.WAITING.value,
                "holder": None,
                "due_ms": milliseconds(due),
                "attempts": attempts,
                "done": 0,
                "total": 0,
            },
        )

    def finish(self, taken: Taken, end: Made | Failure, expires: datetime) -> bool:
        """It has its package, or has failed."""
        values: dict[str, Any] = {"holder": None, "expires_ms": milliseconds(expires)}
        if isinstance(end, Failure):
            values |= {"state": State.FAILED.value, "error": orjson.dumps(asdict(end)).decode()}
        else:
            result = {**end.facts, "sha256": end.sha256, "size": end.size}
            values |= {
                "state": State.DONE.value,
                "package_salt": end.salt,
                "object_name": end.object_name,
                "result": orjson.dumps(result).decode(),
            }
        return self._write(taken, values)

    def remove(self, agency_id: int, name: str) -> bytes | None:
        """Forget the job, and with it the secret of its package; the object's name."""
        with self._database.transaction() as connection:
            row = _found(connection, agency_id, name)
            connection.execute(delete(JOBS).where(JOBS.c.id == row.id))
        found: bytes | None = row.object_name
        return found

    def remove_expired(self, now: datetime) -> list[bytes]:
        """Forget what is over; the names of the objects."""
        over = JOBS.c.expires_ms <= milliseconds(now)
        with self._database.reading() as connection:
            if connection.execute(select(JOBS.c.id).where(over).limit(1)).first() is None:
                return []
        with self._database.transaction() as connection:
            names = connection.execute(select(JOBS.c.object_name).where(over)).scalars().all()
            connection.execute(delete(JOBS).where(over))
        return [name for name in names if name is not None]

    def _write(self, taken: Taken, values: Mapping[str, Any]) -> bool:
        held = and_(JOBS.c.name == taken.job.name, JOBS.c.holder == taken.holder)
        with self._database.transaction() as connection:
            return connection.execute(update(JOBS).where(held).values(values)).rowcount == 1

    # A row has the columns of its table as attributes, which no type says.
    def _job(self, row: Any) -> Job:
        order = envelope.unseal(self._secret(row.salt), envelope.VALUES, row.sealed_order)
        made = None
        if row.result is not None:
            facts = orjson.loads(row.result)
            sha256, size = facts.pop("sha256"), facts.pop("size")
            made = Made(facts, sha256, size, row.object_name, row.package_salt)
        return Job(
            row.name,
            row.agency_id,
            decode(orjson.loads(order)),
            State(row.state),
            moment(row.created_ms),
            row.attempts,
            row.done,
            row.total,
            None if row.error is None else Failure(**orjson.loads(row.error)),
            made,
            None if row.expires_ms is None else moment(row.expires_ms),
        )

    def _secret(self, salt: bytes) -> bytes:
        return hmac.digest(self._keys.lookup_secret, b"notary/export-order/v1" + salt, "sha256")


def _found(connection: Connection, agency_id: int, name: str) -> Any:
    row = connection.execute(
        select(JOBS).where(JOBS.c.agency_id == agency_id, JOBS.c.name == name)
    ).first()
    if row is None:
        raise CallerError(
            "EXPORT_UNKNOWN",
            f"this agency has no export {name[:80]!a}: it never was, was deleted, is over, or content of its "
            "matter was erased. Order it again.",
        )
    return row

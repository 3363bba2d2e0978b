"""As-of proofs as they are stored: pending, released, orphaned, with what endpoints said; IntentBook in part.

Each method that writes is one transaction. Spec: docs/spec/sender.md §6. Test:
tests/unit/anchor/test_anchor_store.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, text, update

from notary.adapters.store.anchor_tables import AsOfRow, AsOfWordsRow, OrphanRow
from notary.adapters.store.database import Database, table_of
from notary.chain_ports import HeadProof, StoredAsOf
from notary.core.moments import milliseconds, moment
from notary.errors import Contradiction
from notary.ports import AsOf
from verifier.format import rlp
from verifier.format.errors import FormatError

AS_OFS = table_of(AsOfRow)
WORDS = table_of(AsOfWordsRow)
ORPHANS = table_of(OrphanRow)

NOT_ORPHANED = AS_OFS.c.id.not_in(select(ORPHANS.c.as_of_id))


class AsOfStore:
    """The as-of proofs of one log."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
                    "account_proof": packed(proof.account_proof),
                    "storage_proof": packed(proof.storage_proof),
                    "taken_at_ms": milliseconds(taken_at),
                    "released": False,
                },
            )

    def pending_as_ofs(self) -> list[StoredAsOf]:
        """Those that wait for finality, oldest block first."""
        return self._as_ofs_where(text("NOT released"))

    def released_as_ofs(self) -> list[StoredAsOf]:
        """Every released one that is not orphaned, oldest block first."""
        return self._as_ofs_where(text("released"), NOT_ORPHANED)

    def _as_ofs_where(self, *conditions: Any) -> list[StoredAsOf]:
        wanted = select(AS_OFS).where(*conditions).order_by(AS_OFS.c.block_number)
        with self._database.reading() as connection:
            return [_as_of(row) for row in connection.execute(wanted)]

    def released_for(self, number: int) -> StoredAsOf | None:
        """The earliest released one to whose head the anchor of that number leads."""
        wanted = select(AS_OFS).where(AS_OFS.c.anchors > number, text("released"), NOT_ORPHANED)
        return self._first_as_of(wanted.order_by(AS_OFS.c.block_number))

    def newest_released(self) -> StoredAsOf | None:
        """The released one of the highest block, of those that are not orphaned."""
        return self._newest_as_of(text("released"), NOT_ORPHANED)

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
            if said_of(connection, as_of_id) == said:
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

    def _newest_as_of(self, *conditions: Any) -> StoredAsOf | None:
        wanted = select(AS_OFS).where(*conditions)
        return self._first_as_of(wanted.order_by(AS_OFS.c.block_number.desc()))

    def _first_as_of(self, wanted: Select[Any]) -> StoredAsOf | None:
        with self._database.reading() as connection:
            row = connection.execute(wanted.limit(1)).first()
        return None if row is None else _as_of(row)


def _keep_said(connection: Connection, as_of_id: int, said: tuple[str, ...]) -> None:
    connection.execute(delete(WORDS).where(WORDS.c.as_of_id == as_of_id))
    connection.execute(insert(WORDS), {"as_of_id": as_of_id, "said": "\n".join(said)})


def said_of(connection: Connection, as_of_id: int) -> tuple[str, ...]:
    """What endpoints said of a proof's block."""
    said = connection.execute(select(WORDS.c.said).where(WORDS.c.as_of_id == as_of_id)).scalar()
    return () if said is None else tuple(said.splitlines())


def _as_of(row: Any) -> StoredAsOf:
    as_of = AsOf(
        header=row.header,
        block_number=row.block_number,
        block_time=row.block_time,
        anchors=row.anchors,
        account_proof=unpacked(row.account_proof),
        storage_proof=unpacked(row.storage_proof),
    )
    taken_at = moment(row.taken_at_ms)
    return StoredAsOf(row.id, as_of, row.block_hash, row.head, taken_at, row.released)


def packed(nodes: tuple[bytes, ...]) -> bytes:
    """The nodes of a proof as one value."""
    return rlp.encode(list(nodes))


def unpacked(packed: bytes) -> tuple[bytes, ...]:
    """The same out of the store. Raises Contradiction STORE_DAMAGED."""
    try:
        nodes = rlp.decode_list(packed, "stored proof")
    except FormatError as error:
        raise Contradiction(
            "STORE_DAMAGED", f"a stored proof can't be read: {error}. Restore the store."
        ) from error
    return tuple(node for node in nodes if isinstance(node, bytes))

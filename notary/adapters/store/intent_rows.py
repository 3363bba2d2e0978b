"""An intent, its attempts and its leg as rows, and out of rows again.

Spec: docs/spec/sender.md §2. Test: tests/unit/anchor/test_anchor_store.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text, update

from notary.adapters.store.anchor_tables import AttemptRow, IntentRow
from notary.adapters.store.as_ofs import packed, unpacked
from notary.adapters.store.database import table_of
from notary.core.intent import ON_CHAIN, Attempt, BlockRef, Cause, Intent, State
from notary.core.moments import milliseconds, moment
from notary.errors import Contradiction
from notary.ports import Leg

INTENTS = table_of(IntentRow)
ATTEMPTS = table_of(AttemptRow)


def columns_of(intent: Intent) -> dict[str, Any]:
    """The columns that an event may change."""
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


def intent_of(row: Any, attempts: tuple[Attempt, ...]) -> Intent:
    """The intent of a row of INTENTS."""
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


def attempts_of(connection: Connection, intent_id: int) -> tuple[Attempt, ...]:
    """What was signed for an intent, in order."""
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


def store_attempts(connection: Connection, before: Intent, after: Intent) -> None:
    """Store attempts that came, and when they were first sent.

    Raises Contradiction INTENT_IMPOSSIBLE for a change of the signed bytes.
    """
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


def leg_columns(intent_id: int, leg: Leg) -> dict[str, Any]:
    """The row of LEGS that keeps a leg."""
    return {
        "intent_id": intent_id,
        "header": leg.header,
        "tx_index": leg.index,
        "tx": leg.tx,
        "tx_proof": packed(leg.tx_proof),
        "receipt": leg.receipt,
        "receipt_proof": packed(leg.receipt_proof),
        "log_index": leg.log_index,
    }


def leg_of_row(row: Any) -> Leg:
    """The leg of a row of LEGS."""
    return Leg(
        row.header,
        row.tx_index,
        row.tx,
        unpacked(row.tx_proof),
        row.receipt,
        unpacked(row.receipt_proof),
        row.log_index,
    )

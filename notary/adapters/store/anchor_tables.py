"""The tables of the sender: intents, attempts, legs, as-of proofs, and what it keeps of the chain.

They belong to the log as a whole and hold public content only, but for nothing: every byte here is
on the chain or will be. Proofs are stored as the RLP list of their nodes. Test:
tests/unit/store/test_migrations.py.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from notary.adapters.store.database import Row, only_where

# docs/spec/sender.md §1 rule 3: one intent at a time may be without a send.
UNSENT = (
    "state IN ('SEALED', 'RESERVED', 'SIGNED')"
    " OR (state = 'HELD' AND resume IN ('SEALED', 'RESERVED', 'SIGNED'))"
)


class IntentRow(Row, table=True):
    """An anchor intent (notary.core.intent). `head` is the log's head after it, once it is mined."""

    __tablename__ = "intents"
    __table_args__ = (
        Index("uq_intents_unsent", "log_address", unique=True, **only_where(UNSENT)),
        # The sender asks for the open ones at each step; the others are all of the past.
        Index(
            "ix_intents_open",
            "id",
            **only_where("state != 'PROVED' AND NOT closed"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    version: int
    state: str
    chain_id: int
    contract: bytes
    log_address: bytes
    size: int
    root: bytes
    nonce: int | None
    prev: bytes | None
    block_number: int | None
    block_hash: bytes | None
    block_time: int | None
    tx_hash: bytes | None
    number: int | None = Field(unique=True)
    head: bytes | None = Field(unique=True)
    cause: str | None
    resume: str | None
    closed: bool


class AttemptRow(Row, table=True):
    """A signed transaction of an intent. Never deleted: its hash must be looked for ever after."""

    __tablename__ = "attempts"

    intent_id: int = Field(primary_key=True, foreign_key="intents.id")
    place: int = Field(primary_key=True)
    hash: bytes = Field(unique=True)
    raw: bytes
    gas_limit: int
    max_fee: int
    priority_fee: int
    first_sent_at_ms: int | None


class LegRow(Row, table=True):
    """What proves an intent's transaction and receipt in its block (docs/spec/anchor.md §5)."""

    __tablename__ = "legs"

    intent_id: int | None = Field(default=None, primary_key=True, foreign_key="intents.id")
    header: bytes
    tx_index: int
    tx: bytes
    tx_proof: bytes
    receipt: bytes
    receipt_proof: bytes
    log_index: int


class CostRow(Row, table=True):
    """What the transaction that an intent has in a block cost. Decimal wei: more than 64 bits."""

    __tablename__ = "costs"

    intent_id: int | None = Field(default=None, primary_key=True, foreign_key="intents.id")
    block_time: int = Field(index=True)
    wei: str


class AsOfRow(Row, table=True):
    """An as-of proof (docs/spec/sender.md §6). `anchors` counts the links that lead to `head`."""

    __tablename__ = "as_ofs"
    __table_args__ = (
        Index("ix_as_ofs_released", "block_number", **only_where("released")),
        Index("ix_as_ofs_pending", "block_number", **only_where("NOT released")),
    )

    id: int | None = Field(default=None, primary_key=True)
    block_number: int
    block_hash: bytes = Field(unique=True)
    block_time: int
    header: bytes
    head: bytes
    anchors: int
    account_proof: bytes
    storage_proof: bytes
    taken_at_ms: int
    released: bool


class ChainPinRow(Row, table=True):
    """Which chain and code the first contact found."""

    __tablename__ = "chain_pin"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(primary_key=True)
    chain_id: int
    genesis_hash: bytes
    code_hash: bytes


class RecentBlockRow(Row, table=True):
    """The newest finalized block that is known."""

    __tablename__ = "recent_block"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(primary_key=True)
    chain_id: int
    number: int
    hash: bytes
    header: bytes
    seen_at_ms: int


class BalanceRow(Row, table=True):
    """What the log's account had when the chain was last asked. Decimal wei."""

    __tablename__ = "balance"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(primary_key=True)
    wei: str
    seen_at_ms: int


class AlarmRow(Row, table=True):
    """An alarm of the sender that stands."""

    __tablename__ = "sender_alarms"

    code: str = Field(primary_key=True)
    text: str
    since_ms: int


class AsOfWordsRow(Row, table=True):
    """What endpoints said of a released as-of proof's block when it was last compared, a line each."""

    __tablename__ = "as_of_words"

    as_of_id: int = Field(primary_key=True, foreign_key="as_ofs.id")
    said: str


class OrphanRow(Row, table=True):
    """A released as-of proof whose block is not on the chain (docs/spec/sender.md §6)."""

    __tablename__ = "as_of_orphans"

    as_of_id: int = Field(primary_key=True, foreign_key="as_ofs.id")


class EndpointRow(Row, table=True):
    """An endpoint as the sender last met it (docs/spec/sender.md §8). `place` is the configuration's."""

    __tablename__ = "endpoints"

    place: int = Field(primary_key=True)
    host: str
    condition: str
    since_ms: int
    behind: int
    text: str

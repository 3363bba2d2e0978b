"""The store's one log: made once, and opened with the keys that belong to it.

Test: tests/unit/store/test_log.py.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select

from notary.adapters.store.database import Database, table_of
from notary.adapters.store.tables import LogRow
from notary.core import envelope
from notary.core.keyring import Keyring, KeySet
from notary.core.log_identity import LogIdentity
from notary.core.moments import milliseconds
from notary.errors import CallerError, Contradiction
from notary.ports import Entropy

LOG = table_of(LogRow)

THE_LOG = 1  # a store has one log; the table's own constraint says so
NO_AGENCY = 0  # secrets of the log belong to no agency


def create_log(
    database: Database, keys: KeySet, identity: LogIdentity, entropy: Entropy, now: datetime
) -> None:
    """Make the log of an empty store. Raises CallerError if the store has one."""
    kek = envelope.kek_cipher(keys.kek)

    def wrapped(use: bytes) -> bytes:
        return envelope.wrap(
            kek,
            entropy.token(envelope.SECRET_LENGTH),
            entropy.token(envelope.NONCE_LENGTH),
            envelope.wrap_context(use, NO_AGENCY, b""),
        )

    with database.transaction() as connection:
        present = connection.execute(select(LOG.c.name)).first()
        if present is not None:
            raise CallerError(
                "LOG_EXISTS",
                f"{database.path} already holds the log {present[0]}; a store has one log. "
                "Use another home folder for another log.",
            )
        connection.execute(
            insert(LOG),
            {
                "id": THE_LOG,
                "chain_id": identity.chain_id,
                "contract": identity.contract,
                "log_address": identity.log_address,
                "name": identity.name,
                "wrapped_lookup_secret": wrapped(envelope.LOG_LOOKUP),
                "wrapped_map_secret": wrapped(envelope.LOG_MAP),
                "checkpoint_vkey": keys.checkpoint_signer(identity.name).vkey.text,
                "next_checkpoint_vkey": keys.next_checkpoint_signer(identity.name).vkey.text,
                "receipt_vkey": keys.receipt_signer(identity.name).vkey.text,
                "created_at_ms": milliseconds(now),
            },
        )


def open_log(database: Database, keys: KeySet) -> tuple[LogIdentity, Keyring]:
    """The log and its keys, ready for use.

    Raises CallerError LOG_MISSING, or KEYS_OF_OTHER_STORE if one of the keys is not this store's.
    """
    with database.reading() as connection:
        row = connection.execute(select(LOG)).first()
    if row is None:
        raise CallerError(
            "LOG_MISSING", f"{database.path} holds no log yet. Run `notary init` first."
        )
    identity = LogIdentity(row.chain_id, row.contract, row.log_address, row.name)
    signers = {
        "checkpoint_vkey": keys.checkpoint_signer(identity.name),
        "next_checkpoint_vkey": keys.next_checkpoint_signer(identity.name),
        "receipt_vkey": keys.receipt_signer(identity.name),
    }
    for column, signer in signers.items():
        wanted = getattr(row, column)
        if signer.vkey.text != wanted:
            raise _other_store(
                database, f"{column} of the keys is {signer.vkey.text}, of the store {wanted}"
            )
    kek = envelope.kek_cipher(keys.kek)
    try:
        lookup_secret = envelope.unwrap(
            kek,
            row.wrapped_lookup_secret,
            envelope.wrap_context(envelope.LOG_LOOKUP, NO_AGENCY, b""),
        )
        map_secret = envelope.unwrap(
            kek, row.wrapped_map_secret, envelope.wrap_context(envelope.LOG_MAP, NO_AGENCY, b"")
        )
    except Contradiction as error:
        raise _other_store(database, "the key encryption key does not open it") from error
    return identity, Keyring(
        kek,
        lookup_secret,
        map_secret,
        signers["checkpoint_vkey"],
        row.next_checkpoint_vkey,
        signers["receipt_vkey"],
    )


def _other_store(database: Database, difference: str) -> CallerError:
    return CallerError(
        "KEYS_OF_OTHER_STORE",
        f"{database.path}: these keys belong to another store: {difference}. "
        "Point the configuration to the key folder that was made with this store.",
    )

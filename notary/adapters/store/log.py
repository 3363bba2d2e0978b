"""The store's one log: made once, and opened with the keys that belong to it.

Test: tests/unit/store/test_log.py.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, insert, select

from notary.adapters.store.database import Database, driver_row, table_of
from notary.adapters.store.tables import KeySetRow, LogRow
from notary.core import envelope
from notary.core.keks import StoreKek
from notary.core.keyring import HeldKeys, Keyring, KeysInForce, LogSigners
from notary.core.log_identity import LogIdentity
from notary.core.moments import milliseconds
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Entropy
from notary.usecases.rotate_keys import KeyUse
from verifier.format import batches, key_sets
from verifier.format.digests import Digest
from verifier.format.key_sets import KeySet

LOG = table_of(LogRow)
KEY_SETS = table_of(KeySetRow)

THE_LOG = 1  # a store has one log; the table's own constraint says so
_NEWEST_HEADER = "SELECT header FROM batches ORDER BY id DESC LIMIT 1"
NO_AGENCY = 0  # secrets of the log belong to no agency


def keys_in_force(connection: Connection) -> KeysInForce:
    """What the newest batch header says; of an empty batch log, what it was made with."""
    newest = driver_row(connection, _NEWEST_HEADER)
    if newest is not None:
        return _end_of(newest[0])[0]
    row = driver_row(connection, "SELECT first_keys, second_keys FROM log")
    return KeysInForce(Digest(row[0]), Digest(row[1]))


def successor(connection: Connection) -> str | None:
    """The log that follows this one, if its newest header names one: then nothing may enter it."""
    newest = driver_row(connection, _NEWEST_HEADER)
    return None if newest is None else _end_of(newest[0])[1]


def require_open(connection: Connection) -> None:
    """Raise NothingHappened LOG_RETIRED if the log has a successor."""
    following = successor(connection)
    if following is not None:
        raise NothingHappened(
            "LOG_RETIRED",
            f"this log is retired, and nothing enters it any more; {following} follows it.",
        )


@lru_cache(maxsize=1)
def _end_of(header: bytes) -> tuple[KeysInForce, str | None]:
    """Keys and successor that a header names; every commit asks it of the newest one."""
    found = batches.parse_header(header)
    return KeysInForce(found.keys, found.next_keys), found.successor


def keep_key_set(connection: Connection, batch: int, key_set: KeySet) -> None:
    """Keep the key set that the header of `batch` names, unless an earlier header named it."""
    digest = key_sets.digest(key_set)
    if connection.execute(select(KEY_SETS.c.digest).where(KEY_SETS.c.digest == digest)).first():
        return
    connection.execute(
        insert(KEY_SETS),
        {"digest": digest, "first_batch": batch, "content": key_sets.encode(key_set)},
    )


def key_uses(connection: Connection) -> list[KeyUse]:
    """Every key set that a header names, in the order of the batches."""
    rows = connection.execute(
        select(KEY_SETS.c.digest, KEY_SETS.c.first_batch).order_by(KEY_SETS.c.first_batch)
    )
    return [KeyUse(Digest(row[0]), int(row[1])) for row in rows]


class StoredKeyUses:
    """Implements the port `KeyUses` (usecases.rotate_keys)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self) -> tuple[KeysInForce, list[KeyUse]]:
        """As KeyUses."""
        with self._database.reading() as connection:
            return keys_in_force(connection), key_uses(connection)


def batches_before_new_keys(connection: Connection, size: int) -> list[int]:
    """Of the first `size` batches those whose successor, among them, has other keys; ascending."""
    rows = connection.execute(
        select(KEY_SETS.c.first_batch)
        .where(KEY_SETS.c.first_batch > 0, KEY_SETS.c.first_batch < size)
        .order_by(KEY_SETS.c.first_batch)
    )
    return [int(row[0]) - 1 for row in rows]


def key_set_text(connection: Connection, digest: bytes) -> bytes:
    """The key set of a digest that a header names in `keys`. Raises Contradiction KEY_SET_LOST."""
    content = connection.execute(
        select(KEY_SETS.c.content).where(KEY_SETS.c.digest == digest)
    ).scalar()
    if content is None:
        raise Contradiction(
            "KEY_SET_LOST",
            f"a batch names the key set {digest.hex()}, and the store has it no more. "
            "Stop and restore from a backup.",
        )
    return bytes(content)


def create_log(
    database: Database, keys: HeldKeys, identity: LogIdentity, entropy: Entropy, now: datetime
) -> None:
    """Make the log of an empty store, with the first two key sets.

    Raises CallerError if the store has a log.
    """
    first, second = LogSigners(identity.name, keys.load_signing).all()[:2]
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
                f"{database} already holds the log {present[0]}; a store has one log. "
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
                "first_keys": first.digest,
                "second_keys": second.digest,
                "created_at_ms": milliseconds(now),
            },
        )


def settle_kek(connection: Connection, kek: StoreKek) -> None:
    """Let `kek` wrap with the key that the store names now; first thing in a transaction that wraps."""
    kek.settle(driver_row(connection, "SELECT wrapped_lookup_secret FROM log")[0])


def open_log(database: Database, keys: HeldKeys) -> tuple[LogIdentity, Keyring]:
    """The log and its keys, ready for use.

    Raises CallerError LOG_MISSING, or KEYS_OF_OTHER_STORE if one of the keys is not this store's.
    """
    with database.reading() as connection:
        row = connection.execute(select(LOG)).first()
        if row is None:
            raise CallerError(
                "LOG_MISSING", f"{database} holds no log yet. Run `notary init` first."
            )
        wanted = keys_in_force(connection)
    identity = LogIdentity(row.chain_id, row.contract, row.log_address, row.name)
    signers = LogSigners(identity.name, keys.load_signing)
    for digest in wanted:
        signers.of(digest)
    try:
        kek = StoreKek(keys.load_keks, row.wrapped_lookup_secret)
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
    except CallerError as error:
        if error.code != "KEYS_OF_OTHER_STORE":
            raise
        raise _other_store(
            database,
            "the key encryption key does not open it. If the key was changed after this copy of the "
            "store was made, it wants the old key (docs/operations.md)",
        ) from error
    return identity, Keyring(kek, lookup_secret, map_secret, signers)


def _other_store(database: Database, difference: str) -> CallerError:
    return CallerError(
        "KEYS_OF_OTHER_STORE",
        f"{database}: these keys belong to another store: {difference}. "
        "Point the configuration to the key folder that was made with this store.",
    )

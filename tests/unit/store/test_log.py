"""A store has one log and opens with its own keys only."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from notary.adapters.keys.folder import (
    CHECKPOINT,
    COSIGNER,
    KEK,
    RECEIPT,
    create_keys,
    load_keys,
    set_folder,
)
from notary.adapters.store.database import Database
from notary.adapters.store.log import create_log, keys_in_force, open_log
from notary.adapters.store.migrations import upgrade
from notary.errors import CallerError
from tests.simulators.store import IDENTITY, START, SeededEntropy, StoreWorld


def test_the_log_opens_as_it_was_made(world: StoreWorld) -> None:
    identity, keys = open_log(world.database, load_keys(world.folder / "keys"))
    assert identity == IDENTITY
    assert keys.map_secret == world.keys.map_secret
    assert keys.lookup_secret == world.keys.lookup_secret != keys.map_secret
    with world.database.reading() as connection:
        in_force = keys_in_force(connection)
    assert [signer.digest for signer in keys.signers.all()] == list(in_force)


def test_a_store_has_one_log(world: StoreWorld) -> None:
    with pytest.raises(CallerError, match=r"already holds the log notary\.example/log"):
        create_log(world.database, load_keys(world.folder / "keys"), IDENTITY, world.entropy, START)


def test_an_empty_store_has_none(tmp_path: Path) -> None:
    database = Database(tmp_path / "notary.db")
    upgrade(database)
    keys = create_keys(tmp_path / "keys", SeededEntropy("x"))
    with pytest.raises(CallerError, match="notary init"):
        open_log(database, keys)
    database.close()


def test_a_wrong_key_encryption_key_is_refused(world: StoreWorld, tmp_path: Path) -> None:
    create_keys(tmp_path / "strange", SeededEntropy("strange"))
    shutil.copy(tmp_path / "strange" / KEK, world.folder / "keys" / KEK)
    with pytest.raises(CallerError, match="the key encryption key does not open it") as caught:
        open_log(world.database, load_keys(world.folder / "keys"))
    assert caught.value.code == "KEYS_OF_OTHER_STORE"


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("name", [CHECKPOINT, COSIGNER, RECEIPT])
def test_one_wrong_signing_key_is_refused(
    world: StoreWorld, tmp_path: Path, number: int, name: str
) -> None:
    """The set in force and the next one: each of their keys is in the digest that the store wants."""
    create_keys(tmp_path / "strange", SeededEntropy("strange"))
    strange = set_folder(tmp_path / "strange", number) / name
    shutil.copy(strange, set_folder(world.folder / "keys", number) / name)
    with pytest.raises(CallerError, match="the log wants the key set") as caught:
        open_log(world.database, load_keys(world.folder / "keys"))
    assert caught.value.code == "KEYS_OF_OTHER_STORE"


def test_a_lost_next_key_set_is_told_at_once(world: StoreWorld) -> None:
    """Not only on the day when it would be needed."""
    shutil.rmtree(set_folder(world.folder / "keys", 2))
    with pytest.raises(CallerError, match="the log wants the key set"):
        open_log(world.database, load_keys(world.folder / "keys"))

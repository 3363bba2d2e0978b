"""A store has one log and opens with its own keys only."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from notary.adapters.keys.folder import (
    CHECKPOINT,
    KEK,
    NEXT_CHECKPOINT,
    RECEIPT,
    create_keys,
    load_keys,
)
from notary.adapters.store.database import Database
from notary.adapters.store.log import create_log, open_log
from notary.adapters.store.migrations import upgrade
from notary.errors import CallerError
from tests.simulators.store import IDENTITY, START, SeededEntropy, StoreWorld


def test_the_log_opens_as_it_was_made(world: StoreWorld) -> None:
    identity, keys = open_log(world.database, load_keys(world.folder / "keys"))
    assert identity == IDENTITY
    assert keys.map_secret == world.keys.map_secret
    assert keys.lookup_secret == world.keys.lookup_secret != keys.map_secret
    assert keys.header_keys == world.keys.header_keys


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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (KEK, "the key encryption key does not open it"),
        (CHECKPOINT, "checkpoint_vkey of the keys is"),
        (NEXT_CHECKPOINT, "next_checkpoint_vkey of the keys is"),
        (RECEIPT, "receipt_vkey of the keys is"),
    ],
)
def test_one_wrong_key_is_refused_and_named(
    world: StoreWorld, tmp_path: Path, name: str, said: str
) -> None:
    create_keys(tmp_path / "strange", SeededEntropy("strange"))
    shutil.copy(tmp_path / "strange" / name, world.folder / "keys" / name)
    with pytest.raises(CallerError, match=said) as caught:
        open_log(world.database, load_keys(world.folder / "keys"))
    assert caught.value.code == "KEYS_OF_OTHER_STORE"

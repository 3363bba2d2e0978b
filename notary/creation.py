"""Makes the home of a new service: keys, chain account, store, first agency, configuration.

Tests: tests/scenarios/service/test_service.py, tests/unit/service/test_cli.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notary import config
from notary.adapters.chain import account
from notary.adapters.keys.erasures import ErasureFile
from notary.adapters.keys.folder import create_keys
from notary.adapters.objects.places import open_remote
from notary.adapters.store import log as log_rows
from notary.adapters.store import transfer
from notary.adapters.store.agencies import AgencyRegister
from notary.adapters.store.database import Database
from notary.adapters.store.migrations import upgrade
from notary.adapters.system import SystemClock, SystemEntropy
from notary.config import Config, Home
from notary.core.roles import ALL_ROLES
from notary.errors import CallerError
from notary.usecases.originals import try_out
from verifier.format import contract
from verifier.format.heads import check_log_name

FIRST_USER = "first user"


@dataclass(frozen=True)
class Created:
    """What `notary init` made. The token, the first user's API key, is nowhere else."""

    home: Home
    checkpoint_vkeys: tuple[str, ...]
    receipt_vkey: str
    token: str


def create(
    folder: Path,
    *,
    log: str,
    agency: str,
    rpc: str | tuple[str, ...],
    chain_id: int | None,
    keys: str,
    timers: dict[str, Any] | None = None,
    objects: tuple[str, str, str] = ("", "", ""),
    database: str = "",
) -> Created:
    """Make a new service in `folder`. Raises CallerError if one is there; nothing is overwritten.

    `objects` is where originals will lie, its endpoint and its region; another place than the data folder
    is tried out first, and NothingHappened raised if it refuses. `database` is the URI of an empty database
    of PostgreSQL; it is asked before anything is made.

    The configuration comes last: a crash before leaves a folder without it, which the next call names.
    """
    if (folder / config.CONFIG_NAME).exists():
        raise CallerError("HOME_EXISTS", f"{folder} holds a service already. Take another --home.")
    # What can be at fault is looked at first: a refusal leaves nothing behind.
    check_log_name(log)
    endpoints = (rpc,) if isinstance(rpc, str) else rpc
    config.check_endpoints(endpoints, "--rpc")
    entropy, clock = SystemEntropy(), SystemClock()
    place, endpoint, region = objects
    config.check_objects(place, endpoint, region, "--objects")
    if place:
        try_out(open_remote(place, endpoint, region), entropy)
    _require_vacant(database)
    known_chain = _asked_chain_id(endpoints) if chain_id is None else chain_id
    key_folder = (folder / keys).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    held = create_keys(key_folder, entropy)
    address = account.create(key_folder)
    settings = Config(
        agency=agency,
        log=log,
        chain_id=known_chain,
        rpc=rpc,
        contract="0x" + contract.ADDRESS.hex(),
        log_address="0x" + address.hex(),
        keys=keys,
        objects=place,
        objects_endpoint=endpoint,
        objects_region=region,
        database=database,
        **(timers or {}),
    )
    home = Home(folder, settings)
    identity = settings.identity
    store = Database(home.database)
    try:
        upgrade(store)
        log_rows.create_log(store, held, identity, entropy, clock.now())
        _, keyring = log_rows.open_log(store, held)
        agencies = AgencyRegister(store, keyring, clock, entropy)
        agency_id = agencies.add(agency)
        # Whoever makes a service may do all, and makes others who may less.
        user = agencies.add_user(agency_id, FIRST_USER, ALL_ROLES)
        token = agencies.issue_key(agency_id, user.user_id, "made by notary init")
    finally:
        store.close()
    # A restored home is refused without one (docs/spec/erasure.md §4).
    ErasureFile(key_folder, log).create()
    config.save(folder, settings)
    first = keyring.signers.all()[0].key_set
    return Created(home, tuple([key.text for key in first.checkpoint]), first.receipt.text, token)


def _require_vacant(database: str) -> None:
    """Raise CallerError unless a database that the caller or the environment names can take a new store."""
    uri = os.environ.get(config.DATABASE_VARIABLE) or database
    if uri:
        store = Database(uri)
        try:
            transfer.require_vacant(store)
        finally:
            store.close()


def is_made(folder: Path, log: str) -> bool:
    """Whether a service of that log is in the folder already."""
    return (folder / config.CONFIG_NAME).exists() and config.load(folder).config.log == log


def _asked_chain_id(endpoints: tuple[str, ...]) -> int:
    from notary.adapters.chain.compared import ComparedChain

    chain = ComparedChain(endpoints, contract.ADDRESS, bytes(20), SystemClock())
    return chain.identity().chain_id

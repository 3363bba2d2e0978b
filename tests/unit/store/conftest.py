"""A store of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.store import StoreWorld, make_world


@pytest.fixture
def world(tmp_path: Path, store_uri: str | None) -> Iterator[StoreWorld]:
    """A new store with one agency, on each database; closed with the test."""
    world = make_world(tmp_path, uri=store_uri)
    yield world
    world.close()


@pytest.fixture
def sqlite_world(tmp_path: Path) -> Iterator[StoreWorld]:
    """A new store in SQLite, for what is truly about its file."""
    world = make_world(tmp_path)
    yield world
    world.close()

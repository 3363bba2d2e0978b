"""A store of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.store import StoreWorld, make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StoreWorld]:
    """A new store with one agency; closed with the test."""
    world = make_world(tmp_path)
    yield world
    world.close()

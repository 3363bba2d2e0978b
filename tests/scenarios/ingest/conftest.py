"""Each test has a store of its own, which must hold together at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from notary.importers.column_map import ColumnMap
from notary.importers.map_file import parse_map
from notary.usecases import import_file
from tests.simulators.check_store import check_world
from tests.simulators.intake import LETTERS, IntakeWorld, make_intake_world


@pytest.fixture
def letters() -> ColumnMap:
    return parse_map(LETTERS, "letters.map.toml")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[IntakeWorld]:
    world = make_intake_world(tmp_path)
    yield world
    check_world(world.store)
    world.store.close()


@pytest.fixture(params=[None, 1], ids=["one chunk", "a chunk for each row"])
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds for rows of one chunk holds for rows of chunks that are underway together."""
    if request.param is not None:
        monkeypatch.setattr(import_file, "ROWS_PER_COMMIT", request.param)

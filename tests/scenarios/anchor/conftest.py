"""A chain and a log for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartAnvil
from tests.simulators.chain_proxy import ChainProxy
from tests.simulators.chain_world import ANVIL_OPTIONS, World

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(start_anvil: StartAnvil, tmp_path: Path) -> Iterator[MakeWorld]:
    """Makes a world on a chain of its own; `proxied` puts a proxy between."""
    with ExitStack() as stack:

        def make(*options: str, proxied: bool = False, chain: Any = None, **settings: Any) -> World:
            anvil = chain or start_anvil(*(options or ANVIL_OPTIONS))
            proxy = stack.enter_context(ChainProxy(anvil.url)) if proxied else None
            world = World(anvil, tmp_path, proxy=proxy, **settings)
            stack.callback(world.close)
            return world

        yield make

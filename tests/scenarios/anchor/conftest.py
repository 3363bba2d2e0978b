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
    """Makes a world on a chain of its own; `proxied` puts a proxy between, or so many side by side."""
    with ExitStack() as stack:

        def make(*options: str, proxied: int = 0, chain: Any = None, **settings: Any) -> World:
            anvil = chain or start_anvil(*(options or ANVIL_OPTIONS))
            proxies = [stack.enter_context(ChainProxy(anvil.url)) for _ in range(proxied)]
            world = World(anvil, tmp_path, proxies=proxies, **settings)
            stack.callback(world.close)
            return world

        yield make

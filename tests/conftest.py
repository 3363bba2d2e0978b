"""Fixtures that tests of several packages share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests.anvil import Anvil

# A shared machine stops at times for longer than any deadline of one example; the
# suite's own timeout finds what hangs.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

StartAnvil = Callable[..., Anvil]


@pytest.fixture
def start_anvil() -> Iterator[StartAnvil]:
    """Starts a chain with the given options; every chain ends with the test."""
    with ExitStack() as chains:
        yield lambda *options: chains.enter_context(Anvil(*options))


@pytest.fixture
def anvil(start_anvil: StartAnvil) -> Anvil:
    """A chain of the test's own that makes a block for each transaction."""
    return start_anvil()

"""Fixtures that tests of several packages share."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests import memory, postgres
from tests.anvil import Anvil

if TYPE_CHECKING:  # what it loads only tests that kill processes need
    from tests.simulators.store_process import Forks

# A shared machine stops at times for longer than any deadline of one example; the
# suite's own timeout finds what hangs.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

memory.use()

StartAnvil = Callable[..., Anvil]


RECURSION_LIMIT = sys.getrecursionlimit()


def pytest_collection_finish() -> None:
    """Run the tests as the product's processes run.

    The chain's libraries, which some tests import themselves, raise the recursion limit for all
    (notary/adapters/chain/libraries.py). And ten thousand tests and all modules are taken out of what each
    full collection of garbage goes through.
    """
    sys.setrecursionlimit(RECURSION_LIMIT)
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """A process of its own that has everything loaded, and forks those that tests kill."""
    from tests.simulators.store_process import Forks

    with Forks() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server of this process of the suite; a store's database on it takes some milliseconds."""
    with postgres.running() as server:
        yield server


@pytest.fixture
def postgres_store(postgres_server: postgres.Server) -> Iterator[str]:
    """The URI of a database of the test's own, with the store's schema and nothing in it."""
    uri = postgres_server.migrated()
    yield uri
    postgres_server.drop(uri)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_uri(request: pytest.FixtureRequest) -> str | None:
    """On which database the test runs: None for SQLite, else the URI of a migrated, empty one.

    Whatever asks for it runs on both.
    """
    if request.param == "sqlite":
        return None
    uri: str = request.getfixturevalue("postgres_store")
    return uri


@pytest.fixture
def start_anvil() -> Iterator[StartAnvil]:
    """Starts a chain with the given options; every chain ends with the test."""
    with ExitStack() as chains:
        yield lambda *options: chains.enter_context(Anvil(*options))


@pytest.fixture
def anvil(start_anvil: StartAnvil) -> Anvil:
    """A chain of the test's own that makes a block for each transaction."""
    return start_anvil()

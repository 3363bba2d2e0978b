"""One server for the tests of this folder that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulators.server import Server, make, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the module's own."""
    with served(*make(tmp_path_factory.mktemp("http") / "home")) as started:
        yield started

"""A service whose chain is out of reach, asked in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from notary import creation
from notary.creation import Created
from tests.simulators.where import new_database


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Created:
    """A service whose chain is out of reach: nothing here needs it."""
    return creation.create(
        tmp_path_factory.mktemp("api") / "home",
        log="api.notary.example/log",
        agency="Test agency",
        rpc="http://127.0.0.1:9",
        chain_id=31337,
        keys="keys",
        database=new_database(),
    )


@pytest.fixture(scope="module")
def client(made: Created) -> Iterator[TestClient]:
    """A client without a token."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTARY_HOME", str(made.home.folder))
        with TestClient(create_app(), raise_server_exceptions=False) as opened:
            yield opened


@pytest.fixture
def agency(client: TestClient, made: Created) -> Iterator[TestClient]:
    """The client with the agency's token."""
    client.headers["Authorization"] = f"Bearer {made.token}"
    yield client
    del client.headers["Authorization"]


@pytest.fixture
def matter(agency: TestClient) -> str:
    """The number of a new matter."""
    number: str = agency.post("/v1/matters", json={"title": "A v. B"}).json()["number"]
    return number

"""Two services on one store, as two processes have them: what one changes holds for the other at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from notary import compose, creation
from notary.adapters.store.anchors import AnchorStore
from notary.adapters.store.database import Database
from notary.adapters.system import SystemClock
from notary.chain_ports import Alarm
from notary.compose import Service
from notary.creation import Created
from tests.simulators.rotate_process import no_bar
from tests.simulators.where import new_database
from verifier.format import receipts
from verifier.format.notes import parse_vkey


@pytest.fixture
def made(tmp_path: Path) -> Created:
    return creation.create(
        tmp_path / "home",
        log="two.notary.example/log",
        agency="Test agency",
        rpc="http://127.0.0.1:9",
        chain_id=31337,
        keys="keys",
        database=new_database(),
    )


@pytest.fixture
def clients(made: Created) -> Iterator[tuple[TestClient, TestClient]]:
    """Two applications, each with a service, caches and connections of its own; both have answered once."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("NOTARY_HOME", str(made.home.folder))
        found = []
        for _ in range(2):
            client = stack.enter_context(TestClient(create_app(), raise_server_exceptions=False))
            client.headers["Authorization"] = f"Bearer {made.token}"
            assert client.get("/v1/matters").status_code == 200
            found.append(client)
        one, two = found
        yield one, two


@pytest.fixture
def operator(made: Created) -> Iterator[Service]:
    """A third process: the command line."""
    with compose.opened(made.home) as service:
        yield service


def number_of(client: TestClient) -> str:
    number: str = client.post("/v1/matters", json={"title": "A v. B"}).json()["number"]
    return number


def record(client: TestClient, matter: str, key: str) -> tuple[int, dict[str, object]]:
    body = {"matter": matter, "kind": "message", "claims": {"text": key}, "idempotency_key": key}
    answer = client.post("/v1/records", json=body)
    return answer.status_code, answer.json()


def test_what_one_takes_in_the_other_continues_and_knows(
    clients: tuple[TestClient, TestClient],
) -> None:
    one, two = clients
    matter = number_of(one)
    positions = []
    for place in range(6):
        status, told = record(clients[place % 2], matter, f"key {place}")
        assert status == 201
        positions.append(told["position"])
    assert positions == list(range(6))
    status, again = record(two, matter, "key 0")
    assert (status, again["replayed"], again["position"]) == (200, True, 0)
    changed = {
        "matter": matter,
        "kind": "message",
        "claims": {"text": "x"},
        "idempotency_key": "key 1",
    }
    assert one.post("/v1/records", json=changed).status_code == 409


def test_a_revoked_key_opens_neither(
    clients: tuple[TestClient, TestClient], operator: Service
) -> None:
    [key] = operator.agencies.keys(operator.agency_id)
    operator.agencies.revoke_key(operator.agency_id, key.key_id)
    assert [client.get("/v1/matters").status_code for client in clients] == [401, 401]


def test_new_signing_keys_sign_the_next_receipt_of_both(
    clients: tuple[TestClient, TestClient], operator: Service
) -> None:
    matter = number_of(clients[0])
    old = parse_vkey(operator.receipt_vkey)
    for place, client in enumerate(clients):
        _, told = record(client, matter, f"before {place}")
        receipts.check_receipt(receipts.parse(str(told["receipt"]).encode()), [old])
    operator.rotate_keys()
    new = parse_vkey(operator.receipt_vkey)
    assert new != old
    for place, client in enumerate(clients):
        status, told = record(client, matter, f"after {place}")
        assert status == 201
        receipts.check_receipt(receipts.parse(str(told["receipt"]).encode()), [new])


def test_a_new_store_key_is_used_by_both(
    clients: tuple[TestClient, TestClient], operator: Service, tmp_path: Path
) -> None:
    matter = number_of(clients[0])
    for place, client in enumerate(clients):
        assert record(client, matter, f"before {place}")[0] == 201
    operator.rotate_kek(tmp_path / "old.kek", no_bar)
    for place, client in enumerate(clients):
        assert record(client, matter, f"after {place}")[0] == 201
    for client in clients:
        # Each reads what the other wrote, under the new key.
        assert [record(client, matter, f"after {place}")[0] for place in range(2)] == [200, 200]
        assert [one["title"] for one in client.get("/v1/matters").json()] == ["A v. B"]


def test_a_log_that_ended_takes_nothing_in_by_either(
    clients: tuple[TestClient, TestClient], operator: Service
) -> None:
    matter = number_of(clients[0])
    operator.retire("next.notary.example/log")
    for place, client in enumerate(clients):
        status, told = record(client, matter, f"after {place}")
        assert (status, told["code"]) == (503, "LOG_RETIRED")


def test_a_store_that_is_found_to_be_behind_takes_nothing_in_by_either(
    clients: tuple[TestClient, TestClient], made: Created
) -> None:
    matter = number_of(clients[0])
    database = Database(made.home.database)
    book = AnchorStore(database)
    book.keep_alarms({"STORE_BEHIND_CHAIN": Alarm("of the test", SystemClock().now())})
    for place, client in enumerate(clients):
        status, told = record(client, matter, f"behind {place}")
        assert (status, told["code"]) == (503, "STORE_BEHIND_CHAIN")
    book.keep_alarms({})
    database.close()
    for place, client in enumerate(clients):
        assert record(client, matter, f"behind {place}")[0] == 201

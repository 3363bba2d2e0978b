"""Metrics come from the store, only to this machine, with bounded labels and nothing of a person."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from notary import creation
from notary.core.intent import Cause, State
from notary.creation import Created
from tests.simulators.where import new_database
from tests.unit.anchor.test_operations_page import named

HERE = ("127.0.0.1", 1234)
CANARY = "Kanarienvogel"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Created:
    """A service whose chain is out of reach, with one record and a webhook."""
    made = creation.create(
        tmp_path_factory.mktemp("metrics") / "home",
        log="api.notary.example/log",
        agency=CANARY,
        rpc="http://127.0.0.1:9",
        chain_id=31337,
        keys="keys",
        database=new_database(),
        timers={"max_spend_per_day": "0.5"},
    )
    with (made.home.folder / "notary.toml").open("a", encoding="utf-8") as file:
        file.write('[[webhook]]\nname = "ops"\nurl = "https://example.org/"\nsecret = "s"\n')
        file.write('[[timestamp]]\nname = "tsa"\nurl = "https://example.org/"\nroots = "s"\n')
    return made


@pytest.fixture(scope="module")
def client(made: Created) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTARY_HOME", str(made.home.folder))
        with TestClient(create_app(), client=HERE) as opened:
            headers = {"Authorization": f"Bearer {made.token}"}
            number = opened.post("/v1/matters", json={"title": CANARY}, headers=headers).json()
            record = {
                "matter": number["number"],
                "kind": "message",
                "claims": {"channel": "sms", "text": CANARY, "direction": "outbound"},
                "idempotency_key": CANARY,
            }
            assert opened.post("/v1/records", json=record, headers=headers).status_code == 201
            yield opened


def values(client: TestClient) -> dict[tuple[str, tuple[str, ...]], float]:
    """Each sample's value by its name and the values of its labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_what_the_store_holds_is_measured(client: TestClient) -> None:
    found = values(client)
    assert found["notary_records", ()] == found["notary_records_unsealed", ()] == 1
    assert found["notary_healthy", ()] == found["notary_batches_sealed", ()] == 0
    assert found["notary_fees_cap_day", ()] == 0.5
    waits, due = (
        found[f"notary_{name}_timestamp_seconds", ()] for name in ("waits_since", "deadline")
    )
    assert due - waits == pytest.approx(4 * 3600, abs=1)
    assert found["notary_webhook_waiting", ("ops",)] == 0
    assert found["notary_timestamps_waiting", ("tsa",)] == 0
    assert {labels for name, labels in found if name == "notary_intents"} == {
        (str(state),) for state in State
    }
    assert {labels for name, labels in found if name == "notary_held"} == {
        (str(cause),) for cause in Cause
    }
    assert found["notary_workers", ("at_work",)] == found["notary_workers", ("standing_by",)] == 0
    # What is not known is absent, not nought.
    for name in ("worker_seen_timestamp_seconds", "balance", "as_of_timestamp_seconds"):
        assert (f"notary_{name}", ()) not in found


def test_nothing_of_a_person_is_in_it(client: TestClient, made: Created) -> None:
    page = client.get("/metrics").text
    assert CANARY not in page
    assert made.home.config.log not in page


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=1.2.3.4"}]
)
def test_a_proxy_is_not_answered(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "testclient", "10.0.0.1"])
def test_another_machine_is_not_answered(client: TestClient, host: str) -> None:
    other = TestClient(client.app, client=(host, 1))
    assert other.get("/metrics").status_code == 404
    assert TestClient(client.app, client=("::1", 1)).get("/metrics").status_code == 200


def test_the_page_of_operations_names_every_metric_and_no_other(client: TestClient) -> None:
    page = client.get("/metrics").text
    told = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))
    assert set(named("Metrics")) == told


def test_health_gives_its_reasons_as_codes(client: TestClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["WORKER_NEVER_SEEN"]
    assert answer.json()["reasons"][0] in named("Health")

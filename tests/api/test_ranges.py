"""A package is given in ranges as RFC 9110 has it; an answer with bytes leaves one record, no other does."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

import pytest

from notary.core.envelope import CHUNK_LENGTH
from notary.core.roles import Role
from notary.ports import Progress
from notary.usecases.export_order import ExportOrder, ExportResult
from tests.api import people
from tests.api.people import People

SIZE = 2 * CHUNK_LENGTH + 1_000  # three chunks as it lies in the store
PACKAGE = random.Random(5).randbytes(SIZE)
ETAG = f'"{hashlib.sha256(PACKAGE).hexdigest()}"'


class Packer:
    """Any bytes will do: what is in a package is not asked here."""

    def export(
        self, agency_id: int, order: ExportOrder, out: BinaryIO, progress: Progress | None = None
    ) -> ExportResult:
        out.write(PACKAGE)
        return ExportResult("complete", 1, 1, 0, 7, 8, ())


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with pytest.MonkeyPatch.context() as patch:
        # Of this process alone, before the application opens its own.
        patch.setattr("notary.compose.parts.Exporter", lambda *_: Packer())
        with people.opened(tmp_path_factory.mktemp("ranges")) as found:
            yield found


@pytest.fixture(scope="module")
def number(asked: People) -> str:
    headers = asked.headers(asked.made.token)
    told = asked.client.post("/v1/matters", json={"title": "A"}, headers=headers).json()
    return str(told["number"])


@pytest.fixture(scope="module")
def address(asked: People, number: str) -> str:
    """The package of a job that is done."""
    headers = asked.headers(asked.keys[Role.COUNSEL])
    order = {"matter": number, "idempotency_key": "e-1", "purpose": "to the tribunal"}
    told = asked.client.post("/v1/exports", json=order, headers=headers)
    asked.app._app.state.service.export_jobs.run_one()
    for _ in range(1_000):
        if asked.client.get(told.headers["location"], headers=headers).json()["state"] == "done":
            break
        time.sleep(0.01)
    return f"{told.headers['location']}/package"


def ask(asked: People, address: str, method: str = "GET", **named: str) -> Any:
    headers = {name.replace("_", "-"): value for name, value in named.items()}
    headers |= asked.headers(asked.keys[Role.COUNSEL])
    return asked.client.request(method, address, headers=headers)


def taken(asked: People, number: str) -> list[dict[str, Any]]:
    """What the matter's log says of who took it."""
    headers = asked.headers(asked.keys[Role.AUDITOR])
    found: list[dict[str, Any]] = asked.client.get(
        f"/v1/matters/{number}/custody", headers=headers
    ).json()
    return found


def test_a_head_tells_length_and_digest_and_leaves_no_record(
    asked: People, address: str, number: str
) -> None:
    before = len(taken(asked, number))
    told = ask(asked, address, "HEAD", Range="bytes=0-1")
    assert (told.status_code, told.content) == (200, b"")
    assert (told.headers["etag"], told.headers["content-length"]) == (ETAG, str(SIZE))
    assert told.headers["accept-ranges"] == "bytes"
    assert "request-id" not in told.headers
    assert len(taken(asked, number)) == before


@pytest.mark.parametrize(
    ("asked_for", "wanted"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=1-", range(1, SIZE)),
        ("BYTES=5-9", range(5, 10)),
        (f"bytes={CHUNK_LENGTH - 1}-{CHUNK_LENGTH}", range(CHUNK_LENGTH - 1, CHUNK_LENGTH + 1)),
        (f"bytes={CHUNK_LENGTH}-{2 * CHUNK_LENGTH - 1}", range(CHUNK_LENGTH, 2 * CHUNK_LENGTH)),
        (f"bytes={2 * CHUNK_LENGTH}-", range(2 * CHUNK_LENGTH, SIZE)),
        (f"bytes={SIZE - 1}-{SIZE + 99}", range(SIZE - 1, SIZE)),
        ("bytes=-7", range(SIZE - 7, SIZE)),
        (f"bytes=-{SIZE + 7}", range(SIZE)),
        (f"bytes=0-{'9' * 60}", range(SIZE)),
    ],
)
def test_a_range_gives_these_bytes_and_no_other(
    asked: People, address: str, asked_for: str, wanted: range
) -> None:
    told = ask(asked, address, Range=asked_for)
    assert told.status_code == 206
    assert told.content == PACKAGE[wanted.start : wanted.stop]
    assert told.headers["content-range"] == f"bytes {wanted.start}-{wanted.stop - 1}/{SIZE}"
    assert told.headers["content-length"] == str(len(wanted))
    assert told.headers["etag"] == ETAG


@pytest.mark.parametrize("asked_for", [f"bytes={SIZE}-", "bytes=-0", f"bytes={'9' * 60}-"])
def test_a_range_past_the_end_is_refused_and_leaves_no_record(
    asked: People, address: str, number: str, asked_for: str
) -> None:
    before = len(taken(asked, number))
    told = ask(asked, address, Range=asked_for)
    assert (told.status_code, told.json()["code"]) == (416, "RANGE_BEYOND")
    assert told.headers["content-range"] == f"bytes */{SIZE}"
    assert len(taken(asked, number)) == before


@pytest.mark.parametrize(
    "asked_for",
    ["bytes=0-1,5-9", "bytes=9-5", "lines=0-1", "bytes=", "bytes=a-b", f"bytes={'9' * 200}-"],
)
def test_what_is_no_one_range_is_answered_with_the_whole(
    asked: People, address: str, asked_for: str
) -> None:
    told = ask(asked, address, Range=asked_for)
    assert (told.status_code, told.content) == (200, PACKAGE)
    assert "content-range" not in told.headers


@pytest.mark.parametrize(
    ("if_range", "status"),
    [
        (ETAG, 206),
        (f"W/{ETAG}", 200),
        ('"other"', 200),
        ("Thu, 26 Nov 2026 10:00:00 GMT", 200),
    ],
)
def test_a_range_of_other_bytes_is_answered_with_the_whole(
    asked: People, address: str, if_range: str, status: int
) -> None:
    told = ask(asked, address, Range="bytes=3-", If_Range=if_range)
    assert told.status_code == status
    assert told.content == (PACKAGE[3:] if status == 206 else PACKAGE)
    # With a range that no longer fits other bytes, it is these other bytes that are wanted.
    told = ask(asked, address, Range=f"bytes={SIZE}-", If_Range=if_range)
    assert told.status_code == (416 if status == 206 else 200)


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("If_None_Match", ETAG, 304),
        ("If_None_Match", f'"other", W/{ETAG}', 304),
        ("If_None_Match", "*", 304),
        ("If_None_Match", '"other"', 200),
        ("If_Match", ETAG, 200),
        ("If_Match", "*", 200),
        ("If_Match", f"W/{ETAG}", 412),
        ("If_Match", '"other"', 412),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions_are_heeded(
    asked: People, address: str, number: str, method: str, name: str, value: str, status: int
) -> None:
    before = len(taken(asked, number))
    told = ask(asked, address, method, **{name: value})
    assert (told.status_code, told.headers["etag"]) == (status, ETAG)
    given = method == "GET" and status == 200
    assert len(taken(asked, number)) == before + given
    if status == 412 and method == "GET":
        assert told.json()["code"] == "IF_MATCH"


def test_each_answer_with_bytes_leaves_one_record_of_the_whole_package(
    asked: People, address: str, number: str
) -> None:
    before = len(taken(asked, number))
    answers = [ask(asked, address, Range=f"bytes={at}-{at + 9}") for at in (0, 10)]
    answers.append(ask(asked, address))
    left = taken(asked, number)[before:]
    assert [one["request"] for one in left] == [one.headers["request-id"] for one in answers]
    for one in left:
        assert (one["package"]["size"], one["shown"]) == (SIZE, [[0, 1]])
        assert f'"{one["package"]["sha256"]}"' == ETAG


def test_a_range_of_a_package_that_is_not_made_yet_is_unfinished(asked: People) -> None:
    headers = asked.headers(asked.made.token)
    told = asked.client.post("/v1/matters", json={"title": "B"}, headers=headers).json()
    with pytest.MonkeyPatch.context() as patch:
        jobs = asked.app._app.state.service.export_jobs
        patch.setattr(jobs, "run_one", lambda: False)
        order = {"matter": told["number"], "idempotency_key": "e-2"}
        address = asked.client.post("/v1/exports", json=order, headers=headers).headers["location"]
        answer = ask(asked, f"{address}/package", Range="bytes=0-")
        asked.client.delete(address, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "EXPORT_UNFINISHED")

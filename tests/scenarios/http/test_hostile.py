"""Hostile bodies over a real server: each is refused by name, memory stays flat, the service lives.

docs/http.md "Any number of records: a stream", "Limits and waiting".
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.server import Connection, Server, ndjson

STREAM = "/v1/records/stream"
NDJSON = "application/x-ndjson"
MIB = 2**20
# One hostile record of the largest size, as objects, and the allocator's slack; far below what is sent.
MEMORY_MIB = 96


@pytest.fixture(autouse=True)
def flat(server: Server) -> Iterator[None]:
    """After each test the server answers and never held much more than before."""
    assert server.ask("GET", "/v1/matters").status == 200
    before = server.memory_mib()
    yield
    assert server.memory_mib("VmHWM") - before < MEMORY_MIB
    assert server.ask("GET", "/v1/matters").status == 200


def streamed(server: Server, *lines: bytes) -> list[dict[str, Any]]:
    """The answers to lines that are sent while they are read."""
    with server.connect() as connection:
        connection.head("POST", STREAM, NDJSON)

        def send() -> None:
            for line in lines:
                for at in range(0, len(line), MIB):
                    connection.chunk(line[at : at + MIB])
                connection.chunk(b"\n")
            connection.chunk(b"")

        sending = threading.Thread(target=send)
        sending.start()
        connection.answer_head()
        found = list(connection.lines())
        sending.join()
        return found


def test_a_hundred_megabytes_in_one_line_are_refused_and_the_next_line_enters(
    server: Server,
) -> None:
    good = ndjson([server.record("after-100")]).strip()
    long, next_one, end = streamed(server, b"x" * (100 * MIB), good)
    assert (long["line"], long["status"], long["code"]) == (1, 413, "RECORD_SIZE")
    assert str(100 * MIB) in long["detail"]
    assert (next_one["line"], next_one["status"]) == (2, 201)
    assert (end["accepted"], end["refused"]) == (1, 1)


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("path", ["/v1/records", "/v1/records/bulk", "/v1/matters"])
def test_a_hundred_megabytes_in_one_body_are_refused(server: Server, path: str, said: bool) -> None:
    with server.connect() as connection:
        connection.head("POST", path, "application/json", 100 * MIB if said else None)
        sending = threading.Thread(target=push, args=(connection, said))
        sending.start()
        connection.answer().problem(413, "BODY_SIZE")
        sending.join()


def push(connection: Connection, said: bool) -> None:
    for _ in range(100):
        if said:
            connection.socket.sendall(b"[" * MIB)
        else:
            connection.chunk(b"[" * MIB)


DEEP = b'{"claims": ' + b"[" * 500_000 + b"]" * 500_000 + b"}"
WIDE = b'{"claims": {"text": [' + b"[]," * 330_000 + b"[]]}}"
LINES: list[tuple[str, bytes, str]] = [
    ("deep", DEEP, "nested deeper than 32 levels"),
    ("wide", WIDE, "missing"),
    ("brackets never closed", b"[" * MIB, "nested deeper"),
    ("latin-1", '{"kind": "Zahlung über"}'.encode("latin-1"), "not UTF-8"),
    ("utf-16", '{"kind": "a"}'.encode("utf-16"), "not UTF-8"),
    ("NUL", b'{"kind": "a\x00"}', "control character"),
    ("too large a number", b'{"kind": 9007199254740992}', "outside"),
    ("a thousand digits", b'{"kind": ' + b"9" * 1000 + b"}", "outside"),
    ("an exponent", b'{"kind": 1e400}', "not whole"),
    ("not a number", b'{"kind": NaN}', "no JSON number"),
    ("twice", b'{"kind": "a", "kind": "b"}', "stands twice"),
    ("two on a line", b"{} {}", "no JSON"),
    ("a byte order mark", b"\xef\xbb\xbf{}", "no JSON"),
    ("an array", b"[{}]", "want a JSON object"),
    ("nothing of a record", b"{}", "missing"),
    ("a name with controls", b'{"\\u0000\\u001b[2J": 1}', "missing"),
    ("a lone surrogate", b'{"\\ud800": 1}', "missing"),
]


def test_each_hostile_line_is_refused_with_its_number_and_holds_no_other_back(
    server: Server,
) -> None:
    good = [ndjson([server.record(f"between-{i}")]).strip() for i in range(len(LINES))]
    mixed = [
        line for pair in zip([line for _, line, _ in LINES], good, strict=True) for line in pair
    ]
    *answers, end = streamed(server, *mixed)
    assert [one["line"] for one in answers] == list(range(1, 2 * len(LINES) + 1))
    for (what, _, words), refused, entered in zip(LINES, answers[::2], answers[1::2], strict=True):
        assert refused["status"] == 422, what
        assert words in refused["detail"], (what, refused["detail"])
        assert entered["status"] == 201, what
    assert (end["accepted"], end["refused"]) == (len(LINES), len(LINES))


@pytest.mark.parametrize(("what", "line", "words"), LINES, ids=[one[0] for one in LINES])
def test_the_same_as_a_record_and_in_an_array(
    server: Server, what: str, line: bytes, words: str
) -> None:
    del what
    single = server.ask("POST", "/v1/records", line, Content_Type="application/json")
    assert single.status == 422
    assert words in single.json()["detail"]
    body = b"[" + line + b"]"
    array = server.ask("POST", "/v1/records/bulk", body, Content_Type="application/json")
    if array.status == 200:
        assert {one["status"] for one in array.json()} == {422}
    else:
        assert (array.status, array.json()["code"]) == (422, "BODY_JSON")


BOUNDARY = b"b0undary"


def upload(server: Server, connection: Connection, key: str, size: int, sent: int) -> None:
    """A record with one file of `size` bytes, of which `sent` are sent."""
    record = {**server.record(key), "files": [{"media_type": "audio/wav", "size": size}]}
    part = b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n'
    head = part % (BOUNDARY, b"record") + json.dumps(record).encode() + b"\r\n"
    head += part % (BOUNDARY, b"file")
    tail = b"\r\n--%b--\r\n" % BOUNDARY
    kind = f"multipart/form-data; boundary={BOUNDARY.decode()}"
    connection.head("POST", "/v1/records/with-files", kind, len(head) + size + len(tail))
    connection.socket.sendall(head)
    for _ in range(sent // MIB):
        connection.socket.sendall(b"r" * MIB)
    if sent == size:
        connection.socket.sendall(tail)


def test_a_hundred_megabytes_of_a_file_are_kept_in_flat_memory(server: Server) -> None:
    with server.connect() as connection:
        upload(server, connection, "large file", 100 * MIB, 100 * MIB)
        assert connection.answer().status == 201


def test_an_upload_whose_sender_goes_away_leaves_nothing(server: Server) -> None:
    def kept() -> set[Path]:
        return {path for path in (server.home / "data").rglob("*") if path.is_file()}

    before = kept()
    with server.connect() as connection:
        upload(server, connection, "cut file", 100 * MIB, 5 * MIB)
        end = time.monotonic() + 20
        while kept() <= before and time.monotonic() < end:
            time.sleep(0.01)
        assert kept() - before, "nothing of it is on its way"
    while kept() - before and time.monotonic() < end:
        time.sleep(0.05)
    assert kept() == before


def test_two_hundred_connections_that_never_finish_leave_room_for_others(server: Server) -> None:
    opened = [server.connect() for _ in range(200)]
    try:
        for connection in opened:
            connection.head("POST", "/v1/records", "application/json", 1000)
            connection.socket.sendall(b"{")
        assert server.post("/v1/records", server.record("among them")).status == 201
    finally:
        for connection in opened:
            connection.close()


def test_more_bodies_than_may_be_on_the_way_are_told_to_come_later(server: Server) -> None:
    opened = [server.connect() for _ in range(16)]
    try:
        for connection in opened:
            # A body that does not say its length counts as the longest.
            connection.head("POST", "/v1/records", "application/json")
            connection.chunk(b"{")
            connection.socket.sendall(b"")
        answer = server.post("/v1/records", server.record("over the share"))
        for _ in range(50):
            if answer.status == 429:
                break
            answer = server.post("/v1/records", server.record("over the share"))
        answer.problem(429, "SHARE_USED")
    finally:
        for connection in opened:
            connection.close()
    for _ in range(200):
        if server.post("/v1/records", server.record("after them")).status in (200, 201):
            return
    pytest.fail("what was held was not given back")

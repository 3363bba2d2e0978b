"""docs/http.md "Any number of records: a stream", over a real server and plain sockets."""

from __future__ import annotations

import threading

from notary import compose, config
from tests.simulators.server import Connection, Server, ndjson

STREAM = "/v1/records/stream"
NDJSON = "application/x-ndjson"


def begin(connection: Connection) -> None:
    connection.head("POST", STREAM, NDJSON)


def test_a_line_is_answered_while_the_request_goes_on(server: Server) -> None:
    with server.connect() as connection:
        begin(connection)
        connection.chunk(ndjson([server.record("duplex-1")]))
        status, headers = connection.answer_head()
        assert (status, headers["content-type"]) == (200, NDJSON)
        lines = connection.lines()
        first = next(lines)
        assert (first["line"], first["status"], first["replayed"]) == (1, 201, False)
        # The first is durable, and its answer here, before the second is even sent.
        assert (
            server.ask("GET", f"/v1/records/{first['record_id']}").json()["receipt"]
            == first["receipt"]
        )
        connection.chunk(ndjson([server.record("duplex-2")]))
        assert next(lines)["line"] == 2
        connection.chunk(b"")
        assert list(lines) == [
            {"end": "complete", "lines": 2, "accepted": 2, "replayed": 0, "refused": 0}
        ]


def test_a_stream_ends_with_its_key(server: Server) -> None:
    with compose.opened(config.load(server.home)) as service:
        agency = service.agency_id
        [user, *_] = service.agencies.users(agency)
        before = {one.key_id for one in service.agencies.keys(agency)}
        key = service.agencies.issue_key(agency, user.user_id, "stream")
        [issued] = [one for one in service.agencies.keys(agency) if one.key_id not in before]
        with Connection(server.port, key) as connection:
            begin(connection)
            connection.chunk(ndjson([server.record("key-1")]))
            connection.answer_head()
            lines = connection.lines()
            assert next(lines)["status"] == 201
            service.agencies.revoke_key(agency, issued.key_id)
            connection.chunk(ndjson([server.record("key-2")]))
            [end] = lines
    assert (end["end"], end["line"], end["status"]) == ("broken", 2, 401)


def test_ten_thousand_lines_are_answered_in_order(server: Server) -> None:
    body = ndjson(server.record(f"many-{i}") for i in range(10_000))
    with server.connect() as connection:
        connection.head("POST", STREAM, NDJSON, len(body))
        sending = threading.Thread(target=connection.socket.sendall, args=(body,))
        sending.start()
        connection.answer_head()
        *lines, end = connection.lines()
        sending.join()
    assert [line["line"] for line in lines] == list(range(1, 10_001))
    assert {line["status"] for line in lines} == {201}
    assert (end["end"], end["accepted"]) == ("complete", 10_000)

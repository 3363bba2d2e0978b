"""docs/http.md "Limits and waiting" on the wire: heads that don't come or are none, bodies that stand still.

The server runs in this process with limits that a test can wait for.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from api import protocol, reading, stream
from api.app import create_app
from api.protocol import Protocol
from tests.simulators.server import Answer, Connection, call, make, ndjson

SOON_S = 0.4


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str, str]]:
    """Port, token and matter of a server that waits for nothing longer than SOON_S."""
    home, token, matter = make(tmp_path_factory.mktemp("patient") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTARY_HOME", str(home))
        patch.setattr(reading, "BODY_SECONDS", SOON_S)
        patch.setattr(stream, "SEND_SECONDS", SOON_S)
        patch.setattr(protocol, "HEAD_SECONDS", SOON_S)
        patch.setattr(protocol, "MAX_UNWANTED_BYTES", 2**20)
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(create_app, factory=True, http=Protocol, log_level="critical")
        )
        running = threading.Thread(target=server.run, args=([listening],))
        running.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1], token, matter
        server.should_exit = True
        running.join()
        listening.close()


@pytest.fixture
def connection(patient: tuple[int, str, str]) -> Iterator[Connection]:
    with Connection(patient[0], patient[1]) as opened:
        yield opened


def ended(connection: Connection) -> bool:
    """Whether the server has let the connection go."""
    with contextlib.suppress(ConnectionResetError):
        return connection.socket.recv(1) == b""
    return True


def pushed(connection: Connection, piece: bytes) -> int:
    """How many bytes of a chunked body go through before the server lets the connection go."""
    sent = 0
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while sent < 500 * 2**20:
            connection.chunk(piece)
            sent += len(piece)
    return sent


@pytest.mark.parametrize("head", [b"", b"POST /v1/rec", b"GET /health HTTP/1.1\r\nHost: a\r\n"])
def test_a_head_that_does_not_come_ends_the_connection(connection: Connection, head: bytes) -> None:
    connection.socket.sendall(head)
    assert ended(connection)


def test_a_second_head_that_does_not_come_ends_the_connection(connection: Connection) -> None:
    connection.socket.sendall(b"GET /public/links HTTP/1.1\r\nHost: a\r\n\r\n")
    assert connection.answer().status == 200
    connection.socket.sendall(b"GET /public/li")
    assert ended(connection)


@pytest.mark.parametrize("path", ["/v1/records", "/v1/records/bulk", "/v1/matters"])
def test_a_body_that_stands_still_is_given_up(connection: Connection, path: str) -> None:
    connection.head("POST", path, "application/json", 100)
    connection.socket.sendall(b"{")
    connection.answer().problem(408, "BODY_TIMEOUT")
    assert ended(connection)


def test_an_upload_that_stands_still_is_given_up(
    connection: Connection, patient: tuple[int, str, str], tmp_path: Path
) -> None:
    connection.head("POST", "/v1/records/with-files", "multipart/form-data; boundary=b", 10_000)
    connection.socket.sendall(b'--b\r\nContent-Disposition: form-data; name="record"\r\n\r\n{')
    connection.answer().problem(408, "BODY_TIMEOUT")


def test_a_stream_in_which_nothing_comes_ends_and_says_so(
    connection: Connection, patient: tuple[int, str, str]
) -> None:
    connection.head("POST", "/v1/records/stream", "application/x-ndjson")
    connection.chunk(ndjson([call(patient[2], "still-1")]) + b'{"half')
    connection.answer_head()
    first, end = connection.lines()
    assert (first["line"], first["status"]) == (1, 201)
    assert (end["end"], end["line"], end["status"]) == ("broken", 2, 408)
    assert end["code"] == "BODY_TIMEOUT"


def test_a_stream_whose_answers_nobody_reads_is_ended_and_holds_nothing(
    patient: tuple[int, str, str],
) -> None:
    line = ndjson([call(patient[2], "unread")])
    with Connection(patient[0], patient[1]) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.head("POST", "/v1/records/stream", "application/x-ndjson")
        sent = pushed(connection, line * 1000)
    # It stopped reading long before, and gave the stream up.
    assert sent < 30 * 2**20


def test_a_refused_body_is_dropped_for_a_while_only(connection: Connection) -> None:
    connection.head("POST", "/v1/records", "text/plain")
    connection.chunk(b"x")
    connection.answer().problem(415, "CONTENT_TYPE")
    assert pushed(connection, b"x" * 2**16) < 30 * 2**20


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"HELO mail.example\r\n\r\n", 400, "HTTP_INVALID"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "HTTP_INVALID"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "HTTP_INVALID"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000, 431, "HEAD_SIZE"),
        (b"GET /" + b"x" * 70_000, 431, "HEAD_SIZE"),
        (
            b"POST /v1/records HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
            400,
            "HTTP_INVALID",
        ),
        (
            b"POST /v1/records HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
            400,
            "HTTP_INVALID",
        ),
    ],
)
def test_what_is_no_http_gets_a_problem_document(
    connection: Connection, sent: bytes, status: int, code: str
) -> None:
    connection.socket.sendall(sent)
    found: Answer = connection.answer()
    found.problem(status, code)
    assert ended(connection)

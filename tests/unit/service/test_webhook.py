"""One delivery over HTTP, to real receivers that take it, refuse, hang, drip, redirect or break off."""

from __future__ import annotations

import base64
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notary.adapters.webhook import HttpReceiver
from notary.errors import NothingHappened
from notary.usecases.courier import sign

PATIENCE_S = 0.5


@contextmanager
def answering(act: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads each request whole and then does `act`; its url, and what it read."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    with client, suppress(OSError):
                        requests.append(_request(client))
                        act(client)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook?token=1", requests
        server.shutdown(socket.SHUT_RDWR)


def _request(client: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        read += client.recv(65536)
    head, _, body = read.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def saying(status: str) -> Callable[[socket.socket], None]:
    return lambda client: client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())


def receiver(url: str, folder: Path = Path("/nowhere")) -> HttpReceiver:
    return HttpReceiver("ops", url, folder / "secret", PATIENCE_S)


def test_what_is_posted_arrives_as_it_was_signed() -> None:
    message = sign(b"k" * 32, "msg_1", b'{"a":1}', datetime(2026, 1, 1, tzinfo=UTC))
    with answering(saying("204 No Content")) as (url, requests):
        receiver(url).post(message.body, message.headers)
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?token=1 HTTP/1.1\r\n")
    assert body == message.body
    for name, value in message.headers.items():
        assert f"\r\n{name}: {value}".encode() in head + b"\r\n"


def test_the_signature_is_that_of_the_published_vector() -> None:
    # The example that the libraries of Standard Webhooks are tested with.
    message = sign(
        base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert message.headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert message.headers["webhook-timestamp"] == "1614265330"
    assert message.headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "status",
    [
        "500 Oops",
        "404 Not Found",
        "429 Slow",
        "410 Gone",
        "302 Found\r\nLocation: http://127.0.0.1:1/",
        "307 Elsewhere\r\nLocation: /other",
    ],
)
def test_only_an_answer_of_the_two_hundreds_is_taken_for_taken(status: str) -> None:
    with answering(saying(status)) as (url, requests):
        with pytest.raises(NothingHappened, match="it answered") as caught:
            receiver(url).post(b"{}", {})
        assert caught.value.code == "WEBHOOK_REFUSED"
        time.sleep(0.05)
        # A redirect is not followed.
        assert len(requests) == 1
    assert "token" not in str(caught.value)


def hang(client: socket.socket) -> None:
    time.sleep(4 * PATIENCE_S)


def drip(client: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100:
        client.sendall(bytes([byte]))
        time.sleep(PATIENCE_S / 4)


def break_off(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 2")


def babble(client: socket.socket) -> None:
    client.sendall(b"\xff\x00 hello\r\n\r\n")


@pytest.mark.parametrize("act", [hang, drip, break_off, babble])
def test_whatever_a_receiver_does_ends_in_time(act: Callable[[socket.socket], None]) -> None:
    with answering(act) as (url, _):
        began = time.monotonic()
        with pytest.raises(NothingHappened) as caught:
            receiver(url).post(b"{}", {})
        assert time.monotonic() - began < 3 * PATIENCE_S
        assert caught.value.code == "WEBHOOK_AWAY"


def test_where_nobody_listens_is_said() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    with pytest.raises(NothingHappened, match="ConnectionRefusedError"):
        receiver(url).post(b"{}", {})


def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            *files,
            *subject,
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    seen: list[bytes] = []

    def serve(server: socket.socket) -> None:
        client, _ = server.accept()
        with client, suppress(OSError), context.wrap_socket(client, server_side=True) as secure:
            seen.append(secure.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        with pytest.raises(NothingHappened, match="SSLCertVerificationError"):
            receiver(f"https://localhost:{server.getsockname()[1]}/").post(b"secret", {})
        thread.join()
    assert seen == []


SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        (SECRET, 0o644, "chmod 600"),
        (SECRET, 0o610, "chmod 600"),
        (SECRET[6:], 0o600, "must hold whsec_"),
        ("whsec_" + base64.b64encode(b"s" * 23).decode(), 0o600, "24 to 64 bytes"),
        ("whsec_" + base64.b64encode(b"s" * 65).decode(), 0o600, "24 to 64 bytes"),
        ("whsec_§", 0o600, "can't be read"),
        ("whsec_a", 0o600, "not base64"),
        ("", 0o600, "must hold"),
    ],
)
def test_a_secret_that_is_none_or_open_to_others_is_refused(
    tmp_path: Path, text: str, mode: int, why: str
) -> None:
    (tmp_path / "secret").write_text(text, "utf-8")
    (tmp_path / "secret").chmod(mode)
    with pytest.raises(NothingHappened, match=why) as caught:
        receiver("http://127.0.0.1/", tmp_path).secret()
    assert caught.value.code == "WEBHOOK_SECRET"
    assert not text or text not in str(caught.value)


def test_a_secret_is_read_with_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n", "ascii")
    (tmp_path / "secret").chmod(0o600)
    assert receiver("http://127.0.0.1/", tmp_path).secret() == b"s" * 32
    with pytest.raises(NothingHappened, match="can't be read"):
        receiver("http://127.0.0.1/", tmp_path / "other").secret()

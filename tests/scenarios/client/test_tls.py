"""The client over TLS: only a server that proves who it is gets a request, and a refusal says what to do."""

from __future__ import annotations

import ipaddress
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.types import Receive, Scope, Send

from notary.client import Client, Record
from notary.errors import CallerError, NothingHappened
from tests.simulators.ports import free_port

DAY = timedelta(days=1)


@dataclass
class Authority:
    """A root of its own, as a house may have one."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def root(self) -> Path:
        """The file with its certificate."""
        path = self.folder / f"{self.name}.pem"
        if not path.exists():
            name = _name(self.name)
            made = _builder(name, name, self.key, datetime.now(UTC) - DAY, 30 * DAY)
            made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            made = made.add_extension(_usage(signs=True), critical=True)
            path.write_bytes(_pem(made.sign(self.key, hashes.SHA256())))
        return path

    def issue(self, host: str, begins: datetime, life: timedelta = 2 * DAY) -> Path:
        """A certificate for a host, with its key, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        address: x509.GeneralName = x509.DNSName(host)
        if host[0].isdigit():
            address = x509.IPAddress(ipaddress.ip_address(host))
        made = _builder(_name(host), _name(self.name), key, begins, life)
        made = made.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        made = made.add_extension(_usage(signs=False), critical=True)
        path = self.folder / f"{len(list(self.folder.iterdir()))}-server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(_pem(made.sign(self.key, hashes.SHA256())) + private)
        return path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begins: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + life)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@dataclass
class Far:
    """A server that speaks TLS and answers as the service does; what it heard is kept."""

    port: int
    context: ssl.SSLContext
    heard: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def show(self, certificate: Path) -> None:
        """Show this one from the next connection on."""
        self.context.load_cert_chain(certificate)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "house")


@pytest.fixture(scope="module")
def far(house: Authority) -> Iterator[Far]:
    heard: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        heard.append(dict(scope["headers"]).get(b"authorization", b"").decode())
        head: dict[str, Any] = {"type": "http.response.start", "status": 200}
        await send({**head, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"[]"})

    port = free_port()
    first = str(house.issue("localhost", datetime.now(UTC) - DAY))
    config = uvicorn.Config(
        application, port=port, ssl_certfile=first, log_level="critical", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    assert config.ssl is not None
    yield Far(port, config.ssl, heard)
    server.should_exit = True
    thread.join()


def pauses_never(seconds: float) -> None:
    raise AssertionError("waiting mends nothing here")


def client(url: str, ca: Path | None) -> Client:
    return Client(url, "nt_secret", ca=ca, pause=pauses_never)


def test_the_right_authority_opens_it(far: Far, house: Authority) -> None:
    far.show(house.issue("localhost", datetime.now(UTC) - DAY))
    assert client(far.url, house.root).matters() == []
    assert far.heard.pop() == "Bearer nt_secret"


def test_an_address_is_a_name_as_well(far: Far, house: Authority) -> None:
    far.show(house.issue("127.0.0.1", datetime.now(UTC) - DAY))
    assert client(f"https://127.0.0.1:{far.port}", house.root).matters() == []


def test_the_environment_may_name_the_authority(
    far: Far, house: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.show(house.issue("localhost", datetime.now(UTC) - DAY))
    monkeypatch.setenv("SSL_CERT_FILE", str(house.root))
    assert client(far.url, None).matters() == []


@pytest.mark.parametrize(
    ("case", "code", "remedy"),
    [
        ("of nobody", "TLS_UNTRUSTED", "name the file with its root certificate"),
        ("of another authority", "TLS_UNTRUSTED", "somebody may stand between"),
        ("expired", "TLS_EXPIRED", "must renew the certificate"),
        ("not valid yet", "TLS_EXPIRED", "If the clock is right"),
        ("for another host", "TLS_HOST", "Use the name that it is for"),
        ("for another address", "TLS_HOST", "Use the name that it is for"),
    ],
)
def test_a_server_that_does_not_prove_who_it_is_gets_no_request(
    far: Far, house: Authority, tmp_path: Path, case: str, code: str, remedy: str
) -> None:
    now, url, root = datetime.now(UTC), far.url, house.root
    shown = house.issue("localhost", now - DAY)
    if case == "of nobody":
        root = None  # type: ignore[assignment]
    elif case == "of another authority":
        # Of the same name, so that nothing but the key tells them apart.
        root = Authority(tmp_path, "house").root
    elif case == "expired":
        shown = house.issue("localhost", now - 3 * DAY)
    elif case == "not valid yet":
        shown = house.issue("localhost", now + DAY)
    elif case == "for another host":
        shown = house.issue("notary.example", now - DAY)
    else:
        url = f"https://127.0.0.1:{far.port}"
    far.show(shown)
    heard = len(far.heard)
    one = client(url, root)
    record = Record("nm1", "message", {}, "k")
    for ask in (
        one.matters,
        one.clock_offset,
        lambda: one.new_matter("A"),
        lambda: one.submit(record),
        lambda: list(one.submit_many([record])),
    ):
        with pytest.raises(NothingHappened, match=remedy) as refused:
            ask()
        assert refused.value.code == code
        assert "Nothing was sent" in str(refused.value)
    assert len(far.heard) == heard


def test_a_server_without_tls_is_told_apart(far: Far) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Quiet(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()
    with pytest.raises(NothingHappened, match="does not speak TLS") as refused:
        client(f"https://localhost:{server.server_address[1]}", None).matters()
    assert refused.value.code == "TLS_NONE"
    thread.join()
    server.server_close()


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_file_that_holds_no_certificates_is_named(
    tmp_path: Path, far: Far, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CallerError, match=r"ca\.pem") as error:
        client(far.url, path)
    assert error.value.code == "CA_FILE"


def test_the_agent_refuses_such_a_server_and_keeps_its_records(
    far: Far, house: Authority, tmp_path: Path
) -> None:
    far.show(house.issue("localhost", datetime.now(UTC) - 3 * DAY))
    heard = len(far.heard)
    state, files = tmp_path / "state", tmp_path / "files"
    state.mkdir()
    files.mkdir()
    (state / "api.key").write_text("nt_secret", "utf-8")
    (files / "a.txt").write_text("a", "utf-8")
    from tests.simulators.agency import MATTER

    def watch(server: str, *more: str) -> subprocess.CompletedProcess[str]:
        words = [str(files), "--server", server, "--state", str(state), "--matter", MATTER]
        old = time.time() - 3600
        os.utime(files / "a.txt", (old, old))
        return subprocess.run(
            [sys.executable, "-m", "notary", "watch", *words, "--once", *more],
            capture_output=True,
            text=True,
            check=False,
        )

    told = watch(far.url, "--ca", str(house.root))
    assert (told.returncode, "TLS_EXPIRED" in told.stdout) == (1, True), told
    assert "1 wait" in told.stdout
    # A key in the clear, over a network: not by any option.
    plain = watch("http://notary.example")
    assert (plain.returncode, "URL_PLAIN" in plain.stderr) == (2, True), plain
    assert len(far.heard) == heard

"""Signed messages, made by an implementation of others (dkimpy), and a name server that holds the keys."""

from __future__ import annotations

import base64
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import cast

import dkim
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

DOMAIN = b"example.com"
MESSAGE = (
    b"From: Agency <agency@example.com>\r\nTo: debtor@example.net\r\nSubject: Second\r\n  reminder \r\n"
    b"Date: Mon, 2 Feb 2026 10:00:00 +0100\r\nMessage-ID: <1@example.com>\r\n\r\n"
    b"Please  pay \t\r\n\r\nby Friday.\r\n\r\n\r\n"
)


@dataclass(frozen=True)
class Signer:
    """A key pair: `secret` as dkimpy takes it, `record` as it stands in the DNS."""

    algorithm: bytes
    secret: bytes
    record: bytes
    selector: bytes = b"sel"

    def sign(
        self,
        message: bytes = MESSAGE,
        canon: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
        **more: object,
    ) -> bytes:
        """The message with a signature above it."""
        header = dkim.sign(
            message,
            self.selector,
            DOMAIN,
            self.secret,
            canonicalize=canon,
            signature_algorithm=self.algorithm,
            **more,
        )
        return cast(bytes, header) + message

    @property
    def name(self) -> str:
        return f"{self.selector.decode()}._domainkey.{DOMAIN.decode()}"


@cache
def rsa_signer(bits: int = 2048) -> Signer:
    key = rsa.generate_private_key(65537, bits)
    public = key.public_key().public_bytes(
        forms.Encoding.DER, forms.PublicFormat.SubjectPublicKeyInfo
    )
    return Signer(
        b"rsa-sha256",
        key.private_bytes(
            forms.Encoding.PEM, forms.PrivateFormat.TraditionalOpenSSL, forms.NoEncryption()
        ),
        b"v=DKIM1; k=rsa; p=" + base64.b64encode(public),
    )


@cache
def ed25519_signer() -> Signer:
    key = ed25519.Ed25519PrivateKey.generate()
    return Signer(
        b"ed25519-sha256",
        base64.b64encode(key.private_bytes_raw()),
        b"v=DKIM1; k=ed25519; p=" + base64.b64encode(key.public_key().public_bytes_raw()),
        b"ed",
    )


@dataclass
class NameServer:
    """A name server on this machine. `texts` are its TXT records; `mode` is what it does wrong."""

    texts: dict[str, list[bytes]]
    mode: str = "honest"
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def running(self) -> Iterator[NameServer]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            self.port = server.getsockname()[1]
            thread = threading.Thread(target=self._serve, args=(server,))
            thread.start()
            try:
                yield self
            finally:
                self.mode = "end"
                server.sendto(b"", ("127.0.0.1", self.port))
                thread.join()

    def _serve(self, server: socket.socket) -> None:
        while True:
            data, client = server.recvfrom(4096)
            if self.mode == "end":
                return
            query = dns.message.from_wire(data)
            name = query.question[0].name.to_text(omit_final_dot=True)
            self.asked.append(name)
            if self.mode == "silent":
                continue
            answer = dns.message.make_response(query, recursion_available=True)
            if self.mode == "fails":
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif name not in self.texts:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            else:
                quoted = [_quoted(text) for text in self.texts[name]]
                answer.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "TXT", *quoted))
                if self.mode == "vouches":
                    answer.flags |= dns.flags.AD
            server.sendto(answer.to_wire(), client)


def _quoted(text: bytes) -> str:
    # A string of a TXT record has at most 255 bytes.
    parts = [text[at : at + 200].decode("ascii") for at in range(0, len(text), 200)]
    return " ".join(f'"{part}"' for part in parts)


def zone(*signers: Signer) -> dict[str, list[bytes]]:
    """The records of some signers."""
    return {one.name: [one.record] for one in signers}


def with_tags(message: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    """The first signature with other values for some of its tags, which it then no longer covers."""
    for name, value in tags.items():
        pattern = rb"([:;\s]" + name + rb"=)[^;]*"
        message, count = re.subn(pattern, lambda found: found[1] + value, message, count=1)  # noqa: B023
        assert count == 1, name
    return message

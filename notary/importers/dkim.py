"""Owns the check of DKIM signatures (RFC 6376, 8301, 8463) by a message's bytes: docs/spec/importers.md §7.1.

Pure: whoever has the key record gives it. Linear in the message, whatever stands in it. Test:
tests/unit/importers/test_dkim.py, where an implementation of others signs.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from notary.importers.dkim_message import SignedMail, canonical_header, without_value
from verifier.format.jsonc import Json
from verifier.format.times import format_time

HEADER = b"dkim-signature"
MIN_RSA_BITS = 1024  # RFC 8301 §3.2: below, a signature proves nothing
WEAK_RSA_BITS = 2048  # what signers should have; below, the record says so
MAX_RSA_BITS = 8192  # a hostile key must not cost seconds
MAX_KEY_TEXT = 8_192  # bytes of a key record: one of 8,192 bits has 1,500
MAX_NAME = 253  # characters of a name of the DNS
MAX_SHOWN = 40  # characters of a name that may be anything
MAX_SIGNATURES = 20  # of one message: each is checked, and more say nothing new
# Headers whose change misleads a reader most.
READ_FIRST = ("from", "to", "cc", "date", "subject")

_FOLD = re.compile(rb"[ \t\r\n]+")
_TAG_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_]*")
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
)
_NUMBER = re.compile(r"[0-9]{1,12}")
_RSA, _ED25519, _SHA1 = "rsa-sha256", "ed25519-sha256", "rsa-sha1"
_CANONS = frozenset({"simple", "relaxed"})


class Result(StrEnum):
    """What a check found. Only a signature that was checked over the bytes passes or fails."""

    PASS = "PASS"  # noqa: S105 - a result
    FAIL = "FAIL"
    NOT_CHECKED = "NOT CHECKED"


@dataclass(frozen=True)
class Finding:
    """The result of one signature and its reason; `notes` are what a reader must know besides."""

    result: Result
    reason: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signature:
    """One DKIM-Signature header. `settled` is the finding where no key could change it."""

    domain: str
    selector: str
    algorithm: str
    signed_at: datetime | None
    expires: datetime | None
    notes: tuple[str, ...]
    settled: Finding | None
    message: bytes  # what is signed: the canonical headers
    value: bytes  # the signature
    agent_domain: str  # of i=

    @property
    def key_name(self) -> str:
        """Where the signer's key stands in the DNS."""
        return f"{self.selector}._domainkey.{self.domain}"


class _Bad(Exception):
    """Why no key can make a signature good."""


def signatures(data: bytes) -> list[Signature]:
    """The signatures of a message, in the order of its headers; at most MAX_SIGNATURES."""
    mail = SignedMail(data)
    places = mail.by_name.get(HEADER, [])[:MAX_SIGNATURES]
    return [_signature(mail, place) for place in places]


def judge(signature: Signature, records: Sequence[bytes], now: datetime) -> Finding:
    """Check a signature by the key records that the DNS gave: none, one, or several."""
    if signature.settled is not None:
        return signature.settled
    notes = list(signature.notes)
    if signature.expires is not None and signature.expires < now:
        notes.append("the signer let the signature end before it was checked (x=)")

    def found(result: Result, reason: str) -> Finding:
        return Finding(result, reason, tuple(notes))

    if not records:
        return found(
            Result.NOT_CHECKED, "no key stands in the DNS at this name any more, or none ever did"
        )
    if len(records) > 1:
        return found(Result.NOT_CHECKED, "several key records stand at this name")
    try:
        tags = _tags(records[0])
        if tags.get("v", "DKIM1") != "DKIM1":
            raise _Bad("it is of another version")
        if "p" not in tags:
            raise _Bad("it has no key")
        if not tags["p"]:
            return found(Result.NOT_CHECKED, "the signer has revoked the key")
        kind = tags.get("k", "rsa")
        if kind != signature.algorithm.split("-")[0]:
            raise _Bad(f"its key is of type {kind[:20]}, the signature of {signature.algorithm}")
        if "h" in tags and "sha256" not in _listed(tags["h"]):
            raise _Bad("it does not allow SHA-256")
        if not {"*", "email"} & set(_listed(tags.get("s", "*"))):
            raise _Bad("its key is not for mail")
        flags = _listed(tags.get("t", ""))
        if "s" in flags and signature.agent_domain != signature.domain:
            raise _Bad("it forbids signing for a part of the domain")
        if "y" in flags:
            notes.append("the signer calls its key a test (t=y)")
        key = _key(kind, tags["p"])
    except _Bad as bad:
        return found(Result.NOT_CHECKED, f"the key record can't be used: {bad}")
    try:
        if isinstance(key, Ed25519PublicKey):
            # RFC 8463 §3: over the SHA-256 of the headers.
            key.verify(signature.value, hashlib.sha256(signature.message).digest())
        else:
            if key.key_size < WEAK_RSA_BITS:
                notes.append(f"the key has {key.key_size} bits, which is weak")
            key.verify(signature.value, signature.message, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return found(
            Result.FAIL,
            "the signature is not of these headers by the key in the DNS: they were altered, or the key is "
            "another one by now",
        )
    return found(
        Result.PASS,
        "the signed headers and the signed body are those that the holder of the key signed",
    )


def described(signature: Signature) -> dict[str, Json]:
    """What a signature says of itself, for a record."""
    says: dict[str, Json] = {
        "domain": signature.domain,
        "selector": signature.selector,
        "algorithm": signature.algorithm[:MAX_SHOWN],
    }
    if signature.signed_at is not None:
        says["signed_at"] = format_time(signature.signed_at)
    if signature.expires is not None:
        says["expires"] = format_time(signature.expires)
    return says


def finding_says(finding: Finding) -> dict[str, Json]:
    """A finding, for a record."""
    result = str(finding.result)
    if finding.result is not Result.PASS:
        result = f"{result}: {finding.reason}"
    return {"result": result, "notes": list(finding.notes)}


def _signature(mail: SignedMail, place: int) -> Signature:
    raw = mail.headers[place][1]
    tags: dict[str, str] = {}
    notes: list[str] = []
    settled: Finding | None = None
    message = value = b""
    signed_at = expires = None
    agent = ""
    try:
        tags = _tags(raw)
        signed_at, expires = _moments(tags)
        agent = _agent_domain(tags)
        head_canon, body_canon = _canons(tags)
        wanted = [one.encode("ascii") for one in _listed(tags["h"].lower())]
        value = _base64(tags["b"], "b=")
        length = _length(tags)
        message = _signed(mail, place, wanted, head_canon)
        notes = _notes(mail, wanted, tags["d"].lower())
        body = mail.canonical_body(body_canon)
        if length is not None and length > len(body):
            raise _Bad(f"l= says {length} bytes of body, the message has {len(body)}")
        if length is not None and length < len(body):
            notes.append(
                f"l=: the last {len(body) - length} bytes of the body are not signed; anybody can have "
                "added them"
            )
        digest = hashlib.sha256(body if length is None else memoryview(body)[:length]).digest()
        if tags["a"] == _SHA1:
            reason = "rsa-sha1 proves nothing any more (RFC 8301)"
            settled = Finding(Result.NOT_CHECKED, reason, tuple(notes))
        elif tags["a"] not in (_RSA, _ED25519):
            settled = Finding(Result.NOT_CHECKED, "the algorithm is not known", tuple(notes))
        elif digest != _base64(tags["bh"], "bh="):
            settled = Finding(Result.FAIL, "the body is not the one that was signed", tuple(notes))
    except _Bad as bad:
        reason = f"the signature can't be of any message: {bad}"
        settled = Finding(Result.FAIL, reason, tuple(notes))
    return Signature(
        tags.get("d", "").lower()[:MAX_NAME],
        tags.get("s", "").lower()[:MAX_NAME],
        tags.get("a", ""),
        signed_at,
        expires,
        tuple(notes),
        settled,
        message,
        value,
        agent,
    )


def _tags(raw: bytes) -> dict[str, str]:
    """A list of tags (RFC 6376 §3.2), without blanks in the values. Raises _Bad."""
    found: dict[str, str] = {}
    parts = raw.split(b";")
    if not parts[-1].strip():
        parts.pop()
    for part in parts:
        name, equals, value = part.partition(b"=")
        name = name.strip(b" \t\r\n")
        if not equals or _TAG_NAME.fullmatch(name) is None:
            raise _Bad("it is no list of tags")
        key = name.decode("ascii")
        if key in found:
            raise _Bad(f"the tag {key} stands twice")
        try:
            found[key] = _FOLD.sub(b"", value).decode("ascii")
        except UnicodeDecodeError:
            # A note to people may be in any letters; nothing else has a meaning in them.
            if key != "n":
                raise _Bad(f"the tag {key} is not ASCII") from None
    return found


def _moments(tags: dict[str, str]) -> tuple[datetime | None, datetime | None]:
    for name in ("v", "a", "b", "bh", "d", "h", "s"):
        if not tags.get(name):
            raise _Bad(f"the tag {name} is missing")
    if tags["v"] != "1":
        raise _Bad("it is of another version")
    for name in ("d", "s"):
        if _DOMAIN.fullmatch(tags[name].lower()) is None:
            raise _Bad(f"{name}= is no name of the DNS")
    found: list[datetime | None] = []
    for name in ("t", "x"):
        text = tags.get(name)
        if text is None:
            found.append(None)
            continue
        if _NUMBER.fullmatch(text) is None:
            raise _Bad(f"{name}= is no time")
        try:
            found.append(datetime.fromtimestamp(int(text), UTC))
        except (ValueError, OverflowError, OSError):
            raise _Bad(f"{name}= is no time") from None
    at, expires = found
    if at is not None and expires is not None and expires <= at:
        raise _Bad("it ends before it begins (x=, t=)")
    return at, expires


def _agent_domain(tags: dict[str, str]) -> str:
    domain = tags["d"].lower()
    agent = tags.get("i", f"@{domain}").rpartition("@")[2].lower()
    if agent != domain and not agent.endswith("." + domain):
        raise _Bad("i= is outside d=")
    if "q" in tags and "dns/txt" not in _listed(tags["q"]):
        raise _Bad("its key does not stand in the DNS (q=)")
    return agent


def _canons(tags: dict[str, str]) -> tuple[str, str]:
    head, _, body = tags.get("c", "simple").partition("/")
    body = body or "simple"
    if head not in _CANONS or body not in _CANONS:
        raise _Bad("c= is no known form")
    return head, body


def _length(tags: dict[str, str]) -> int | None:
    text = tags.get("l")
    if text is None:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise _Bad("l= is no length")
    return int(text)


def _listed(text: str) -> list[str]:
    return text.split(":")


def _base64(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _Bad(f"{what} is not base64") from None


def _signed(mail: SignedMail, place: int, wanted: list[bytes], canon: str) -> bytes:
    """What is signed of the headers (RFC 6376 §3.7)."""
    if b"from" not in wanted:
        raise _Bad("it does not sign From")
    taken: Counter[bytes] = Counter()
    out = bytearray()
    for field in wanted:
        places = mail.by_name.get(field, [])
        if field == HEADER:
            places = [other for other in places if other != place]
        # From the bottom upwards; a name without header left signs that there is none.
        taken[field] += 1
        if taken[field] <= len(places):
            out += canonical_header(*mail.headers[places[-taken[field]]], canon) + b"\r\n"
    name, raw = mail.headers[place]
    out += canonical_header(name, without_value(raw), canon)
    return bytes(out)


def _notes(mail: SignedMail, wanted: list[bytes], domain: str) -> list[str]:
    notes = []
    for name in READ_FIRST:
        there = len(mail.by_name.get(name.encode("ascii"), []))
        signed = wanted.count(name.encode("ascii"))
        if there and not signed:
            notes.append(f"{name} is not signed")
        elif there > signed:
            notes.append(f"{name} stands {there} times and is signed {signed} times: one was added")
    places = mail.by_name.get(b"from", [])
    sender = mail.headers[places[0]][1] if places else b""
    host = sender.rpartition(b"@")[2].strip(b" \t\r\n>").decode("ascii", "replace").lower()
    if host != domain and not host.endswith("." + domain):
        notes.append("the signer's domain is not the one in From")
    if mail.bare:
        notes.append("the file ends lines by LF alone; they were checked as CRLF, as mail is sent")
    return notes


def _key(kind: str, text: str) -> rsa.RSAPublicKey | Ed25519PublicKey:
    raw = _base64(text, "p=")
    try:
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(raw)
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise _Bad("p= is no key") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise _Bad("p= is no RSA key")
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise _Bad(f"its key has {key.key_size} bits")
    return key

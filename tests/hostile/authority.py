"""A time-stamping authority that does what it is told, also what no honest one does.

The hostile tests' own writer of DER, CMS and TSTInfo, from RFC 3161, 5652 and 5816 alone. Its tokens
are read by openssl as well: tests/hostile/test_tokens.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SHA1, SHA256 = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1"
SHA384, SHA512 = "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"
ECDSA_SHA256, ECDSA_SHA384 = "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3"
RSA, RSA_SHA256, RSA_PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.10"
POLICY = "1.2.3.4.1"

SINCE = datetime(2026, 1, 1, tzinfo=UTC)  # of the authority's certificates
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)  # of the signer's certificate
UNTIL_OF_ROOT = datetime(2040, 1, 1, tzinfo=UTC)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


# ---------------------------------------------------------------------- DER


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return tlv(0x31, *sorted(parts))


def octets(content: bytes) -> bytes:
    return tlv(0x04, content)


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    content = b""
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        content += bytes(reversed(digits))
    return tlv(0x06, content)


def generalized(moment: datetime) -> bytes:
    text = f"{moment:%Y%m%d%H%M%S}"
    if moment.microsecond:
        text += f".{moment.microsecond:06}".rstrip("0")
    return tlv(0x18, text.encode() + b"Z")


def algorithm(dotted: str, *parameters: bytes) -> bytes:
    return seq(oid(dotted), *parameters)


NULL = b"\x05\x00"


def attribute(dotted: str, *values: bytes) -> bytes:
    return seq(oid(dotted), set_of(*values))


# ---------------------------------------------------------------------- certificates


def certificate(
    name: str,
    key: PrivateKey,
    issuer: tuple[str, PrivateKey],
    *,
    since: datetime = SINCE,
    until: datetime = UNTIL,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    serial: int = 1,
) -> x509.Certificate:
    """A certificate as it is told; extensions with whether they are critical."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer[0])]))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(since)
        .not_valid_after(until)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    deterministic = True if isinstance(issuer[1], ec.EllipticCurvePrivateKey) else None
    return builder.sign(issuer[1], hashes.SHA256(), ecdsa_deterministic=deterministic)


def key_usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


OF_AUTHORITY: Sequence[tuple[x509.ExtensionType, bool]] = (
    (x509.BasicConstraints(ca=True, path_length=None), True),
    (key_usage(key_cert_sign=True, crl_sign=True), True),
)
STAMPS_ALONE = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
OF_SIGNER: Sequence[tuple[x509.ExtensionType, bool]] = (
    STAMPS_ALONE,
    (key_usage(digital_signature=True), True),
)


@cache
def curve_key(secret: int, curve: type[ec.EllipticCurve] = ec.SECP256R1) -> PrivateKey:
    return ec.derive_private_key(secret, curve())


@cache
def rsa_key(bits: int = 2048) -> PrivateKey:
    return rsa.generate_private_key(65537, bits)


# ---------------------------------------------------------------------- tokens

Parts = dict[str, bytes]
Damage = Callable[[Parts], None]


@dataclass(frozen=True)
class Authority:
    """A root, an authority between, and a signer, with the key that signs tokens."""

    root: x509.Certificate
    between: x509.Certificate
    signer: x509.Certificate
    key: PrivateKey
    digest: str = SHA256

    @classmethod
    def make(
        cls,
        name: str = "Example",
        *,
        key: PrivateKey | None = None,
        digest: str = SHA256,
        between: Mapping[str, object] | None = None,
        **signer: object,
    ) -> Authority:
        """An honest authority, but for what is given of the signer's or the certificate between."""
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) + 1
        root_key, middle_key = curve_key(seed), curve_key(seed + 1)
        own = key or curve_key(seed + 2)
        root = certificate(
            f"{name} Root", root_key, (f"{name} Root", root_key),
            until=UNTIL_OF_ROOT, extensions=OF_AUTHORITY,
        )  # fmt: skip
        of_between: dict[str, object] = {"until": UNTIL_OF_ROOT, "extensions": OF_AUTHORITY}
        middle = certificate(
            f"{name} CA",
            middle_key,
            (f"{name} Root", root_key),
            **of_between | dict(between or {}),  # type: ignore[arg-type]
        )
        of_signer: dict[str, object] = {"extensions": OF_SIGNER, "serial": 7}
        leaf = certificate(
            f"{name} TSA",
            own,
            (f"{name} CA", middle_key),
            **of_signer | signer,  # type: ignore[arg-type]
        )
        return cls(root, middle, leaf, own, digest)

    @property
    def pem(self) -> str:
        """The root, as a policy pins it."""
        return self.root.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def token(
        self, message: bytes, at: datetime, damage: Damage | None = None, sign: str | None = None
    ) -> bytes:
        """A token over `message`. `damage` may change each part before it goes into the next one.

        It is called with the parts of TSTInfo, then with those of the signed attributes, then with
        those of the signer and the whole; `sign` is another signature algorithm's identifier.
        """
        change = damage or (lambda parts: None)
        info = {
            "version": integer(1),
            "policy": oid(POLICY),
            "imprint": seq(algorithm(SHA256), octets(hashlib.sha256(message).digest())),
            "serial": integer(5),
            "time": generalized(at),
            "accuracy": seq(integer(1)),
            "rest": b"",
        }
        change(info)
        content = seq(*info.values())
        attributes = {
            "type": attribute("1.2.840.113549.1.9.3", oid("1.2.840.113549.1.9.16.1.4")),
            "digest": attribute("1.2.840.113549.1.9.4", octets(_hash(self.digest, content))),
            "ess": attribute("1.2.840.113549.1.9.16.2.47", seq(seq(seq(octets(self.named()))))),
            "more": b"",
        }
        change(attributes)
        signed = sorted(one for one in attributes.values() if one)
        identifier, signature = self._sign(tlv(0x31, *signed), sign)
        whole = {
            "content_type": oid("1.2.840.113549.1.7.2"),
            "data_version": integer(3),
            "digest_algorithms": algorithm(self.digest, NULL),
            "inner_type": oid("1.2.840.113549.1.9.16.1.4"),
            "content": content,
            "certificates": b"".join(sorted([der(self.signer), der(self.between)])),
            "signer_version": integer(1),
            "sid": seq(self.signer.issuer.public_bytes(), integer(self.signer.serial_number)),
            "digest_algorithm": algorithm(self.digest, NULL),
            "attributes": tlv(0xA0, *signed),
            "signature_algorithm": identifier,
            "signature": octets(signature),
            "unsigned": b"",
            "more_signers": b"",
        }
        change(whole)
        signer_parts = (
            "signer_version", "sid", "digest_algorithm", "attributes", "signature_algorithm",
            "signature", "unsigned",
        )  # fmt: skip
        signer = seq(*(whole[name] for name in signer_parts))
        signed_data = seq(
            whole["data_version"],
            set_of(whole["digest_algorithms"]),
            seq(whole["inner_type"], tlv(0xA0, octets(whole["content"]))),
            tlv(0xA0, whole["certificates"]) if whole["certificates"] else b"",
            tlv(0x31, signer, whole["more_signers"]),
        )
        return seq(whole["content_type"], tlv(0xA0, signed_data))

    def named(self, name: str = "sha256") -> bytes:
        """The digest by which a signed attribute names the signer's certificate."""
        return hashlib.new(name, der(self.signer)).digest()

    def _sign(self, message: bytes, stated: str | None) -> tuple[bytes, bytes]:
        hash_ = {SHA256: hashes.SHA256(), SHA384: hashes.SHA384(), SHA512: hashes.SHA512()}.get(
            self.digest,
            hashes.SHA1(),  # noqa: S303 - an attack
        )
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            last = {SHA256: 2, SHA384: 3, SHA512: 4}.get(self.digest, 1)
            identifier = algorithm(stated or f"1.2.840.10045.4.3.{last}")
            scheme_of_curve = ec.ECDSA(hash_, deterministic_signing=True)
            return identifier, self.key.sign(message, scheme_of_curve)
        if stated == RSA_PSS:
            plain = algorithm(self.digest)
            size = integer(hash_.digest_size)
            parameters = seq(
                tlv(0xA0, plain),
                tlv(0xA1, seq(oid("1.2.840.113549.1.1.8"), plain)),
                tlv(0xA2, size),
            )
            scheme = padding.PSS(padding.MGF1(hash_), hash_.digest_size)
            return algorithm(RSA_PSS, parameters), self.key.sign(message, scheme, hash_)
        identifier = algorithm(stated or RSA, NULL)
        return identifier, self.key.sign(message, padding.PKCS1v15(), hash_)


def _hash(dotted: str, content: bytes) -> bytes:
    names = {SHA1: "sha1", SHA256: "sha256", SHA384: "sha384", SHA512: "sha512"}
    return hashlib.new(names[dotted], content).digest()


def der(one: x509.Certificate) -> bytes:
    return one.public_bytes(serialization.Encoding.DER)


@cache
def honest_authority() -> Authority:
    return Authority.make()


DAY = timedelta(days=1)

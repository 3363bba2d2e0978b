"""Owns the form of time-stamp tokens: what their DER says (docs/spec/format.md §15).

Nothing here believes a token; `timestamp_authority` checks who signed it. DER is read by
cryptography's own strict reader. Proved by tests/property/format/test_timestamps.py and
tests/hostile/attacks/tokens.py.
"""

from datetime import datetime
from typing import Annotated, NamedTuple

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from verifier.format.digests import DIGEST_LENGTH, Digest
from verifier.format.errors import FormatError

MAX_BYTES = 64 * 1024  # tokens of the large authorities have 2 to 8 KB, certificates included
MAX_CERTIFICATES = 8  # a path has three or four; each more costs a search for paths

SIGNED_DATA = ObjectIdentifier("1.2.840.113549.1.7.2")  # RFC 5652 §5.1
TST_INFO = ObjectIdentifier("1.2.840.113549.1.9.16.1.4")  # RFC 3161 §2.4.2
CONTENT_TYPE = ObjectIdentifier("1.2.840.113549.1.9.3")  # RFC 5652 §11.1
MESSAGE_DIGEST = ObjectIdentifier("1.2.840.113549.1.9.4")  # RFC 5652 §11.2
SIGNING_CERTIFICATE = ObjectIdentifier("1.2.840.113549.1.9.16.2.12")  # RFC 2634 §5.4
SIGNING_CERTIFICATE_V2 = ObjectIdentifier("1.2.840.113549.1.9.16.2.47")  # RFC 5035 §3
SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
SHA384 = ObjectIdentifier("2.16.840.1.101.3.4.2.2")
SHA512 = ObjectIdentifier("2.16.840.1.101.3.4.2.3")
SHA1 = ObjectIdentifier("1.3.14.3.2.26")

HASH_NAMES = {SHA256: "sha256", SHA384: "sha384", SHA512: "sha512"}

_SIGNED_DATA_VERSION = 3  # RFC 5652 §5.1, for content that is no plain data
_VERSION = 1  # of SignerInfo with issuer and serial number, and of TSTInfo


@asn1.sequence
class HashAlgorithm:
    """AlgorithmIdentifier of a hash: parameters absent or NULL (RFC 5754 §2)."""

    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _ContentInfo:
    content_type: ObjectIdentifier
    content: Annotated[asn1.TLV, asn1.Explicit(0)]


@asn1.sequence
class _EncapsulatedContent:
    content_type: ObjectIdentifier
    content: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class _Attribute:
    type: ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class _IssuerAndSerial:
    issuer: asn1.TLV
    serial: int


@asn1.sequence
class _SignerInfo:
    version: int
    signer: _IssuerAndSerial
    digest_algorithm: HashAlgorithm
    signed: Annotated[asn1.SetOf[_Attribute] | None, asn1.Implicit(0)]
    signature_algorithm: asn1.TLV
    signature: bytes
    unsigned: Annotated[list[_Attribute] | None, asn1.Implicit(1)]


@asn1.sequence
class _SignedData:
    version: int
    digest_algorithms: asn1.SetOf[HashAlgorithm]
    content: _EncapsulatedContent
    # Sets, by the standard in the order of DER; authorities put them in any order, and nothing
    # signed depends on it. A list is read in the order in which it stands.
    certificates: Annotated[list[x509.Certificate] | None, asn1.Implicit(0)]
    revocations: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    signers: asn1.SetOf[_SignerInfo]


@asn1.sequence
class _Imprint:
    algorithm: HashAlgorithm
    digest: bytes


@asn1.sequence
class _Accuracy:
    seconds: int | None
    millis: Annotated[int | None, asn1.Implicit(0)]
    micros: Annotated[int | None, asn1.Implicit(1)]


@asn1.sequence
class _Extension:
    type: ObjectIdentifier
    critical: Annotated[bool, asn1.Default(False)]
    value: bytes


@asn1.sequence
class _Name:
    # [0] EXPLICIT GeneralName, of any of its forms; nothing is read of it.
    name: asn1.TLV


@asn1.sequence
class _TstInfo:
    version: int
    policy: ObjectIdentifier
    imprint: _Imprint
    serial: int
    gen_time: asn1.GeneralizedTime
    accuracy: _Accuracy | None
    ordering: Annotated[bool, asn1.Default(False)]
    nonce: int | None
    authority: Annotated[_Name | None, asn1.Implicit(0)]
    extensions: Annotated[list[_Extension] | None, asn1.Implicit(1)]


@asn1.sequence
class _IssuerSerial:
    issuer: list[asn1.TLV]
    serial: int


@asn1.sequence
class _EssCertId:
    digest: bytes
    issuer_serial: _IssuerSerial | None


@asn1.sequence
class _EssCertIdV2:
    algorithm: HashAlgorithm | None
    digest: bytes
    issuer_serial: _IssuerSerial | None


@asn1.sequence
class _SigningCertificate:
    certificates: list[_EssCertId]
    policies: list[asn1.TLV] | None


@asn1.sequence
class _SigningCertificateV2:
    certificates: list[_EssCertIdV2]
    policies: list[asn1.TLV] | None


class NamedCertificate(NamedTuple):
    """How a signed attribute names the signer's certificate: by a digest of its DER."""

    algorithm: ObjectIdentifier
    digest: bytes


class Token(NamedTuple):
    """A time-stamp token as it reads. `gen_time` is the authority's word, aware, UTC.

    `signer` is the certificate that the token says signed it; `named` are the signed attributes
    that name it. `content` is what the message digest is of, `signed` the bytes under the signature;
    `signature_algorithm` is the DER of its AlgorithmIdentifier.
    """

    raw: bytes
    imprint: Digest
    gen_time: datetime
    policy: str
    nonce: int | None
    certificates: tuple[x509.Certificate, ...]
    signer: x509.Certificate
    named: tuple[NamedCertificate, ...]
    content: bytes
    message_digest: bytes
    digest_algorithm: ObjectIdentifier
    signed: bytes
    signature_algorithm: bytes
    signature: bytes


def parse(data: bytes) -> Token:
    """Read a token.

    Raises FormatError TOKEN_SIZE, TOKEN_DER (not the DER of such a structure), TOKEN_CONTENT (no
    TSTInfo, another version, a critical extension), TOKEN_IMPRINT_ALGORITHM, TOKEN_SIGNER (not one
    signer, or its certificate or digest algorithm is not in the token) or TOKEN_ATTRIBUTES.
    """
    if len(data) > MAX_BYTES:
        raise FormatError(
            "TOKEN_SIZE", f"a token has at most {MAX_BYTES} bytes, got {len(data)} bytes"
        )
    try:
        return _parse(data)
    except (ValueError, TypeError, OverflowError, x509.InvalidVersion) as error:
        # The reader's own words; they name fields and never repeat the input.
        raise FormatError("TOKEN_DER", f"no time-stamp token in DER: {error}") from error


def _parse(data: bytes) -> Token:
    outer = asn1.decode_der(_ContentInfo, data)
    if outer.content_type != SIGNED_DATA:
        raise FormatError("TOKEN_CONTENT", "a token is signed data")
    signed_data = outer.content.parse(_SignedData)
    content = signed_data.content
    if signed_data.version != _SIGNED_DATA_VERSION or content.content_type != TST_INFO:
        raise FormatError("TOKEN_CONTENT", "a token is signed data of version 3 over a TSTInfo")
    info = asn1.decode_der(_TstInfo, content.content)
    if info.version != _VERSION or any(one.critical for one in info.extensions or ()):
        raise FormatError("TOKEN_CONTENT", "want a TSTInfo of version 1, no extension critical")
    if info.imprint.algorithm.algorithm != SHA256 or len(info.imprint.digest) != DIGEST_LENGTH:
        raise FormatError("TOKEN_IMPRINT_ALGORITHM", "want an imprint of SHA-256")
    certificates = tuple(signed_data.certificates or ())
    if len(certificates) > MAX_CERTIFICATES:
        raise FormatError(
            "TOKEN_SIGNER",
            f"a token has at most {MAX_CERTIFICATES} certificates, got {len(certificates)}",
        )
    signers = signed_data.signers.as_list()
    if len(signers) != 1 or signers[0].version != _VERSION:
        raise FormatError("TOKEN_SIGNER", "want one signer, named by issuer and serial number")
    signer = signers[0]
    listed = [one.algorithm for one in signed_data.digest_algorithms.as_list()]
    if signer.digest_algorithm.algorithm not in listed:
        raise FormatError("TOKEN_SIGNER", "the signer's digest algorithm is not listed")
    # RFC 5652 §5.4: what is signed is the DER of the attributes as a SET OF.
    attributes = signer.signed
    if attributes is None:
        raise FormatError("TOKEN_ATTRIBUTES", "a token has signed attributes")
    found = _single_values(attributes.as_list())
    if asn1.decode_der(ObjectIdentifier, _der(found, CONTENT_TYPE)) != TST_INFO:
        raise FormatError("TOKEN_ATTRIBUTES", "the signed content type is not TSTInfo")
    return Token(
        raw=data,
        imprint=Digest(info.imprint.digest),
        gen_time=info.gen_time.as_datetime(),
        policy=info.policy.dotted_string,
        nonce=info.nonce,
        certificates=certificates,
        signer=_certificate(certificates, signer.signer),
        named=_named(found),
        content=content.content,
        message_digest=asn1.decode_der(bytes, _der(found, MESSAGE_DIGEST)),
        digest_algorithm=signer.digest_algorithm.algorithm,
        signed=asn1.encode_der(attributes),
        signature_algorithm=asn1.encode_der(signer.signature_algorithm),
        signature=signer.signature,
    )


def _single_values(attributes: list[_Attribute]) -> dict[ObjectIdentifier, list[asn1.TLV]]:
    """The values of each attribute by its type; none stands twice."""
    found: dict[ObjectIdentifier, list[asn1.TLV]] = {}
    for attribute in attributes:
        if attribute.type in found:
            raise FormatError(
                "TOKEN_ATTRIBUTES", f"attribute {attribute.type.dotted_string} stands twice"
            )
        found[attribute.type] = attribute.values.as_list()
    return found


def _der(found: dict[ObjectIdentifier, list[asn1.TLV]], wanted: ObjectIdentifier) -> bytes:
    values = found.get(wanted, [])
    if len(values) != 1:
        raise FormatError(
            "TOKEN_ATTRIBUTES",
            f"want one value of attribute {wanted.dotted_string}, got {len(values)}",
        )
    return asn1.encode_der(values[0])


def _named(found: dict[ObjectIdentifier, list[asn1.TLV]]) -> tuple[NamedCertificate, ...]:
    """The certificate as each of the two attributes names it: the first in its list."""
    named: list[NamedCertificate] = []
    if SIGNING_CERTIFICATE in found:
        old = asn1.decode_der(_SigningCertificate, _der(found, SIGNING_CERTIFICATE))
        named += [NamedCertificate(SHA1, one.digest) for one in old.certificates[:1]]
    if SIGNING_CERTIFICATE_V2 in found:
        new = asn1.decode_der(_SigningCertificateV2, _der(found, SIGNING_CERTIFICATE_V2))
        named += [
            # RFC 5035 §4: SHA-256 where no algorithm is named.
            NamedCertificate(one.algorithm.algorithm if one.algorithm else SHA256, one.digest)
            for one in new.certificates[:1]
        ]
    if not named:
        # RFC 3161 §2.4.2, RFC 5816 §2.2.1
        raise FormatError("TOKEN_ATTRIBUTES", "no signed attribute names the certificate")
    return tuple(named)


def _certificate(
    certificates: tuple[x509.Certificate, ...], wanted: _IssuerAndSerial
) -> x509.Certificate:
    issuer = asn1.encode_der(wanted.issuer)
    for one in certificates:
        if one.serial_number == wanted.serial and one.issuer.public_bytes() == issuer:
            return one
    raise FormatError("TOKEN_SIGNER", "the signer's certificate is not in the token")

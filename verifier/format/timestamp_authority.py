"""Owns whose word a time-stamp token is: signature, purpose, path (docs/spec/format.md §15).

Trust comes from the roots that the caller gives, never from a certificate in a token. Proved by
tests/hostile/attacks/tokens.py, and tests/hostile/test_tokens.py, which asks openssl the same.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ObjectIdentifier, verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from verifier.format.errors import FormatError
from verifier.format.timestamp_token import (
    HASH_NAMES,
    SHA1,
    SHA256,
    SHA384,
    SHA512,
    HashAlgorithm,
    Token,
)

MIN_RSA_BITS = 2048
MAX_INTERMEDIATES = 4  # of a path; public authorities have one or two

_DER = serialization.Encoding.DER

_HASHES: dict[ObjectIdentifier, type[hashes.HashAlgorithm]] = {
    SHA256: hashes.SHA256,
    SHA384: hashes.SHA384,
    SHA512: hashes.SHA512,
}
_RSA = ObjectIdentifier("1.2.840.113549.1.1.1")  # RFC 8017, appendix A.1: any hash
_RSA_WITH = {
    ObjectIdentifier("1.2.840.113549.1.1.11"): SHA256,
    ObjectIdentifier("1.2.840.113549.1.1.12"): SHA384,
    ObjectIdentifier("1.2.840.113549.1.1.13"): SHA512,
}
_RSA_PSS = ObjectIdentifier("1.2.840.113549.1.1.10")
_MGF1 = ObjectIdentifier("1.2.840.113549.1.1.8")
_ECDSA_WITH = {
    ObjectIdentifier("1.2.840.10045.4.3.2"): SHA256,
    ObjectIdentifier("1.2.840.10045.4.3.3"): SHA384,
    ObjectIdentifier("1.2.840.10045.4.3.4"): SHA512,
}
_CURVES = (ec.SECP256R1, ec.SECP384R1)


@asn1.sequence
class _Maskgen:
    algorithm: ObjectIdentifier
    hash: HashAlgorithm


@asn1.sequence
class _PssParameters:
    hash: Annotated[HashAlgorithm, asn1.Explicit(0)]
    mask: Annotated[_Maskgen, asn1.Explicit(1)]
    salt: Annotated[int, asn1.Explicit(2)]


@asn1.sequence
class _PlainAlgorithm:
    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _PssAlgorithm:
    algorithm: ObjectIdentifier
    parameters: _PssParameters


class Path(NamedTuple):
    """The certificates from a token's signer to a root, and until when all of them last."""

    certificates: tuple[x509.Certificate, ...]
    until: datetime


def check_signature(token: Token) -> Token:
    """Return the token if the certificate that it names has signed it.

    Raises FormatError TOKEN_ALGORITHM for a signature that this verifier can't judge, TOKEN_SIGNATURE
    for one that is not good. Source: RFC 5652 §5.4 to §5.6, RFC 3161 §2.4.2, RFC 5816.
    """
    der = token.signer.public_bytes(_DER)
    for named in token.named:
        name = "sha1" if named.algorithm == SHA1 else HASH_NAMES.get(named.algorithm)
        if name is None:
            raise FormatError("TOKEN_ALGORITHM", f"hash {named.algorithm.dotted_string}")
        # SHA-1 only picks one of the authority's own certificates, under its own signature.
        if hashlib.new(name, der, usedforsecurity=False).digest() != named.digest:
            raise FormatError("TOKEN_SIGNATURE", "a signed attribute names another certificate")
    name = HASH_NAMES.get(token.digest_algorithm)
    if name is None:
        raise FormatError("TOKEN_ALGORITHM", f"hash {token.digest_algorithm.dotted_string}")
    if hashlib.new(name, token.content).digest() != token.message_digest:
        raise FormatError("TOKEN_SIGNATURE", "the signed digest is not that of the content")
    try:
        _verify(token)
    except InvalidSignature as error:
        raise FormatError("TOKEN_SIGNATURE", "the signature is not of this key") from error
    except (UnsupportedAlgorithm, ValueError) as error:
        raise FormatError("TOKEN_ALGORITHM", f"a key that can't be used: {error}") from error
    return token


def _verify(token: Token) -> None:
    digest = token.digest_algorithm
    algorithm, pss = _algorithm(token.signature_algorithm)
    key = token.signer.public_key()
    hash_ = _HASHES[digest]()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        if algorithm == _RSA or _RSA_WITH.get(algorithm) == digest:
            key.verify(token.signature, token.signed, padding.PKCS1v15(), hash_)
            return
        if pss is not None and _is_uniform(pss, digest):
            scheme = padding.PSS(padding.MGF1(hash_), pss.salt)
            key.verify(token.signature, token.signed, scheme, hash_)
            return
    elif (
        isinstance(key, ec.EllipticCurvePublicKey)
        and isinstance(key.curve, _CURVES)
        and _ECDSA_WITH.get(algorithm) == digest
    ):
        key.verify(token.signature, token.signed, ec.ECDSA(hash_))
        return
    raise FormatError("TOKEN_ALGORITHM", f"signature {algorithm.dotted_string} by this key")


def _algorithm(stated: bytes) -> tuple[ObjectIdentifier, _PssParameters | None]:
    """The algorithm, and the parameters if it is RSASSA-PSS."""
    try:
        return asn1.decode_der(_PlainAlgorithm, stated).algorithm, None
    except ValueError:
        pass
    found = asn1.decode_der(_PssAlgorithm, stated)
    return found.algorithm, found.parameters if found.algorithm == _RSA_PSS else None


def _is_uniform(pss: _PssParameters, digest: ObjectIdentifier) -> bool:
    """Whether one hash is used throughout, and the salt is no longer than it."""
    hashes_ = {pss.hash.algorithm, pss.mask.hash.algorithm}
    size = _HASHES[digest]().digest_size
    return hashes_ == {digest} and pss.mask.algorithm == _MGF1 and 0 <= pss.salt <= size


def check_purpose(certificate: x509.Certificate) -> x509.Certificate:
    """Return a certificate that may sign time-stamp tokens and nothing else.

    Raises FormatError TOKEN_CERTIFICATE. Source: RFC 3161 §2.3.
    """
    try:
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise FormatError("TOKEN_CERTIFICATE", f"its extensions can't be read: {error}") from error
    usage = _extension(extensions, x509.ExtendedKeyUsage)
    if usage is None or not usage.critical:
        raise FormatError("TOKEN_CERTIFICATE", "its extended key usage is not there and critical")
    if list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise FormatError("TOKEN_CERTIFICATE", "its extended key usage is not timeStamping alone")
    constraints = _extension(extensions, x509.BasicConstraints)
    if constraints is not None and constraints.value.ca:
        raise FormatError("TOKEN_CERTIFICATE", "it is that of a certificate authority")
    key_usage = _extension(extensions, x509.KeyUsage)
    if key_usage is not None and not _signs_only(key_usage.value):
        raise FormatError("TOKEN_CERTIFICATE", "its key usage is not signing alone")
    return certificate


def _extension(
    extensions: x509.Extensions, wanted: type[x509.extensions.ExtensionTypeVar]
) -> x509.Extension[x509.extensions.ExtensionTypeVar] | None:
    try:
        return extensions.get_extension_for_class(wanted)
    except x509.ExtensionNotFound:
        return None


def _signs_only(usage: x509.KeyUsage) -> bool:
    others = (
        usage.key_encipherment,
        usage.data_encipherment,
        usage.key_agreement,
        usage.key_cert_sign,
        usage.crl_sign,
    )
    return (usage.digital_signature or usage.content_commitment) and not any(others)


def check_valid_at(certificate: x509.Certificate, moment: datetime) -> x509.Certificate:
    """Return a certificate that is valid at `moment`. Raises FormatError TOKEN_CERTIFICATE_TIME."""
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not since <= moment <= until:
        raise FormatError(
            "TOKEN_CERTIFICATE_TIME",
            f"it is valid from {since.isoformat()} to {until.isoformat()}, "
            f"the token is of {moment.isoformat()}",
        )
    return certificate


def path(token: Token, roots: Iterable[x509.Certificate]) -> Path:
    """The path from the token's signer to one of `roots`, valid at the token's time.

    The other certificates of the token may stand between; none of them is believed. Whether the
    signer's own certificate is one for time-stamping is `check_purpose`'s to say.
    Raises FormatError TOKEN_PATH. Source: RFC 5280 §6.
    """
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(list(roots)))
        .time(token.gen_time)
        .max_chain_depth(MAX_INTERMEDIATES)
        .extension_policies(ca_policy=_OF_AUTHORITIES, ee_policy=_OF_SIGNERS)
        .build_client_verifier()
    )
    try:
        found = verifier.verify(token.signer, list(token.certificates)).chain
    except (
        verification.VerificationError,
        x509.UnsupportedGeneralNameType,  # which a signer's certificate may hold
        ValueError,
    ) as error:
        raise FormatError("TOKEN_PATH", f"no path to the root: {error}") from error
    return Path(tuple(found), min(one.not_valid_after_utc for one in found))


def read_roots(text: str) -> tuple[x509.Certificate, ...]:
    """Read the roots of an authority from PEM. Raises FormatError TOKEN_ROOTS.

    Each is one that may sign certificates: a signer's own certificate can't be checked for its end.
    """
    try:
        found = x509.load_pem_x509_certificates(text.encode("ascii"))
    except (ValueError, x509.InvalidVersion) as error:
        raise FormatError("TOKEN_ROOTS", "want certificates in PEM") from error
    for certificate in found:
        try:
            extensions = certificate.extensions
        except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
            raise FormatError("TOKEN_ROOTS", "a certificate's extensions can't be read") from error
        constraints = _extension(extensions, x509.BasicConstraints)
        if constraints is None or not constraints.value.ca:
            raise FormatError("TOKEN_ROOTS", "a root is the certificate of an authority")
    if len(set(found)) != len(found):
        raise FormatError("TOKEN_ROOTS", "a root stands twice")
    return tuple(found)


def _signs_certificates(
    _: verification.Policy, __: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("its key may not sign certificates")


def _stamps(
    _: verification.Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage | None
) -> None:
    allowed = (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if usage is not None and not any(one in usage for one in allowed):
        raise ValueError("it may not certify for time-stamping")


_ANY = verification.Criticality.AGNOSTIC
# The defaults are those of web servers: they want names of hosts, and key identifiers, which roots
# of authorities need not have. What they refuse, unknown critical extensions among it, stays refused.
_OF_AUTHORITIES = (
    verification.ExtensionPolicy.webpki_defaults_ca()
    .may_be_present(x509.SubjectKeyIdentifier, _ANY, None)
    .may_be_present(x509.AuthorityKeyIdentifier, _ANY, None)
    .may_be_present(x509.KeyUsage, _ANY, _signs_certificates)
    .may_be_present(x509.ExtendedKeyUsage, _ANY, _stamps)
)
_OF_SIGNERS = (
    verification.ExtensionPolicy.webpki_defaults_ee()
    .may_be_present(x509.SubjectAlternativeName, _ANY, None)
    .may_be_present(x509.AuthorityKeyIdentifier, _ANY, None)
    .may_be_present(x509.KeyUsage, _ANY, None)
    .may_be_present(x509.ExtendedKeyUsage, _ANY, None)
)

"""The two messages around a token: TimeStampReq and TimeStampResp (RFC 3161 §2.4).

Test: tests/scenarios/service/test_timestamps.py; openssl reads the one and writes the other.
"""

from __future__ import annotations

from typing import Annotated

from cryptography.hazmat import asn1

from verifier.format.digests import Digest
from verifier.format.timestamp_token import SHA256, HashAlgorithm


@asn1.sequence
class _Imprint:
    algorithm: HashAlgorithm
    digest: bytes


@asn1.sequence
class _Query:
    version: int
    imprint: _Imprint
    nonce: int
    with_certificates: Annotated[bool, asn1.Default(False)]


@asn1.sequence
class _Status:
    status: int
    text: list[str] | None
    failure: asn1.BitString | None


@asn1.sequence
class _Refusal:
    status: _Status


@asn1.sequence
class _Response:
    status: _Status
    token: asn1.TLV


def query(imprint: Digest, nonce: int) -> bytes:
    """Ask for a token with its certificates, under the authority's own policy."""
    algorithm = HashAlgorithm(algorithm=SHA256, parameters=asn1.Null())
    return asn1.encode_der(
        _Query(
            version=1,
            imprint=_Imprint(algorithm=algorithm, digest=bytes(imprint)),
            nonce=nonce,
            with_certificates=True,
        )
    )


def response(data: bytes) -> tuple[int, bytes | None]:
    """PKI status and the token's DER, None where there is none. Raises ValueError."""
    try:
        found = asn1.decode_der(_Response, data)
    except ValueError:
        return asn1.decode_der(_Refusal, data).status.status, None
    return found.status.status, asn1.encode_der(found.token)

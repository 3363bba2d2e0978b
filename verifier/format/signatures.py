"""Owns the two signature rules: strict Ed25519 and ML-DSA-44 (docs/spec/format.md §11).

Imports `cryptography`, as the modules of time-stamp tokens do and no other of the verifier. Proved by
tests/unit/format/test_signatures.py, with the vectors of RFC 8032 and Wycheproof and a second
implementation of each rule.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verifier.format.errors import FormatError

ED25519 = 0x01  # C2SP signed-note: signature type of Ed25519 over the text
ML_DSA_44 = 0x06  # C2SP tlog-cosignature: signature type of ML-DSA-44 over a cosigned message

ED25519_SIGNATURE_LENGTH = 64  # bytes: R and S of 32 each
ML_DSA_44_SIGNATURE_LENGTH = 2420  # bytes (FIPS 204, table 2)

PUBLIC_KEY_LENGTHS = {ED25519: 32, ML_DSA_44: 1312}  # bytes (RFC 8032 §5.1.5, FIPS 204 table 2)
NAMES = {ED25519: "Ed25519", ML_DSA_44: "ML-DSA-44"}

# RFC 8032 §5.1: the field's prime, and L, the order of the group.
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493

# The canonical encodings of the points whose order divides 8. A key among them would sign
# everything, and an R among them is where implementations disagree.
_ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER: frozenset[bytes] = frozenset(
    (y | sign << 255).to_bytes(32, "little")
    for y, signs in (
        (1, (0,)),
        (_P - 1, (0,)),
        (0, (0, 1)),
        (_ORDER_8_Y, (0, 1)),
        (_P - _ORDER_8_Y, (0, 1)),
    )
    for sign in signs
)


def check_public_key(kind: int, public_key: bytes) -> bytes:
    """Return a public key of a known type if it has its length and one form.

    Raises FormatError KEY_LENGTH or KEY_NOT_CANONICAL. Every string of 1,312 bytes is an ML-DSA-44
    key (FIPS 204, algorithm 23).
    """
    wanted = PUBLIC_KEY_LENGTHS[kind]
    if len(public_key) != wanted:
        raise FormatError(
            "KEY_LENGTH", f"an {NAMES[kind]} key has {wanted} bytes, got {len(public_key)}"
        )
    fault = _point_fault(public_key) if kind == ED25519 else None
    if fault:
        raise FormatError("KEY_NOT_CANONICAL", f"A {fault}")
    return public_key


def check_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bytes:
    """Check a signature and return the message, which is then known to be signed.

    Raises FormatError KEY_LENGTH, KEY_NOT_CANONICAL, NOTE_SIGNATURE_NOT_CANONICAL or
    NOTE_SIGNATURE. Source: RFC 8032 §5.1.7; docs/spec/format.md §11.
    """
    check_public_key(ED25519, public_key)
    check_signature_length(signature, ED25519_SIGNATURE_LENGTH)
    encoded_r, encoded_s = signature[:32], signature[32:]
    fault = _point_fault(encoded_r)
    if fault:
        raise FormatError("NOTE_SIGNATURE_NOT_CANONICAL", f"R {fault}")
    # RFC 8032 §5.1.7, step 1: S is in the range 0 <= s < L.
    if int.from_bytes(encoded_s, "little") >= _L:
        raise FormatError("NOTE_SIGNATURE_NOT_CANONICAL", "S is not below the group order")
    try:
        # format.md §11: [S]B = R + [k]A, without the cofactor
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise FormatError("NOTE_SIGNATURE", "the signature is not of this key and text") from error
    return message


def check_ml_dsa_44(public_key: bytes, signature: bytes, message: bytes) -> bytes:
    """Check a signature with the empty context; return the message, which is then known signed.

    Raises FormatError KEY_LENGTH or NOTE_SIGNATURE. Source: FIPS 204, algorithm 3.
    """
    # Imported here: most commands never meet such a signature.
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    check_public_key(ML_DSA_44, public_key)
    check_signature_length(signature, ML_DSA_44_SIGNATURE_LENGTH)
    try:
        MLDSA44PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature as error:
        raise FormatError("NOTE_SIGNATURE", "the signature is not of this key and text") from error
    return message


def check_signature_length(signature: bytes, wanted: int) -> None:
    """Raise FormatError NOTE_SIGNATURE for a signature of another length than `wanted` bytes."""
    if len(signature) != wanted:
        raise FormatError(
            "NOTE_SIGNATURE", f"want {wanted} bytes of signature, got {len(signature)}"
        )


def _point_fault(encoded: bytes) -> str | None:
    number = int.from_bytes(encoded, "little")
    y, sign = number & (2**255 - 1), number >> 255
    # RFC 8032 §5.1.3, step 1: y is below p.
    if y >= _P:
        return "is not canonical: y is not below 2^255 − 19"
    # RFC 8032 §5.1.3, step 4: x = 0, which only y = ±1 have, has no negative.
    if sign and y in (1, _P - 1):
        return "is not canonical: x is zero and negative"
    if encoded in _SMALL_ORDER:
        return "is a point of small order"
    return None

"""Ed25519 and ML-DSA-44, strict."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.reference import curve
from tests.reference.refusal import refused
from verifier.format import signatures

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/ed25519/rfc8032.json").read_text())
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_vectors_of_rfc_8032_stand_and_one_bit_less_does_not(case: dict[str, str]) -> None:
    public, message = bytes.fromhex(case["public"]), bytes.fromhex(case["message"])
    signature = bytes.fromhex(case["signature"])
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(case["secret"]))
    assert private.public_key().public_bytes_raw() == public
    assert signatures.check_ed25519(public, signature, message) == message
    with refused("NOTE_SIGNATURE"):
        signatures.check_ed25519(public, signature, message + b"\x00")
    with refused("NOTE_SIGNATURE"):
        signatures.check_ed25519(public, signature[:-1], message)
    with refused("NOTE_SIGNATURE"):
        signatures.check_ed25519(public, signature + b"\x00", message)


def test_an_s_above_the_group_order_is_refused() -> None:
    signature = KEY.sign(b"m")
    with refused("NOTE_SIGNATURE_NOT_CANONICAL"):
        signatures.check_ed25519(PUBLIC, signature[:32] + curve.L.to_bytes(32, "little"), b"m")
    high = int.from_bytes(signature[32:], "little") + curve.L
    with refused("NOTE_SIGNATURE_NOT_CANONICAL"):
        signatures.check_ed25519(PUBLIC, signature[:32] + high.to_bytes(32, "little"), b"m")


@pytest.mark.parametrize("y", [curve.P, curve.P + 1, curve.P + 18])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_point_whose_y_is_not_reduced_is_refused(y: int, sign: int) -> None:
    encoded = (y | sign << 255).to_bytes(32, "little")
    with refused("KEY_NOT_CANONICAL"):
        signatures.check_public_key(signatures.ED25519, encoded)
    with refused("KEY_NOT_CANONICAL"):
        signatures.check_ed25519(encoded, KEY.sign(b"m"), b"m")
    with refused("NOTE_SIGNATURE_NOT_CANONICAL"):
        signatures.check_ed25519(PUBLIC, encoded + KEY.sign(b"m")[32:], b"m")


@pytest.mark.parametrize("y", [1, curve.P - 1])
def test_a_negative_zero_is_refused(y: int) -> None:
    encoded = (y | 1 << 255).to_bytes(32, "little")
    with refused("KEY_NOT_CANONICAL"):
        signatures.check_public_key(signatures.ED25519, encoded)
    with refused("NOTE_SIGNATURE_NOT_CANONICAL"):
        signatures.check_ed25519(PUBLIC, encoded + KEY.sign(b"m")[32:], b"m")


def test_points_of_small_order_are_refused_as_key_and_as_r() -> None:
    points = curve.small_order()
    assert len(points) == 8
    for encoded in points:
        with refused("KEY_NOT_CANONICAL"):
            signatures.check_public_key(signatures.ED25519, encoded)
        with refused("NOTE_SIGNATURE_NOT_CANONICAL"):
            signatures.check_ed25519(PUBLIC, encoded + bytes(32), b"m")


def test_a_key_of_small_order_would_have_signed_anything() -> None:
    # [S]B = R + [k]A with A the neutral point: any S with R = [S]B is a signature of any text.
    neutral = curve.encode((0, 1))
    signature = curve.encode(curve.times(5, curve.BASE)) + (5).to_bytes(32, "little")
    with refused("KEY_NOT_CANONICAL"):
        signatures.check_ed25519(neutral, signature, b"anything")


def test_a_signature_that_only_the_cofactor_mends_is_refused() -> None:
    # R has a part of order 8: eight times the equation holds, the equation does not.
    a = 12345
    public = curve.encode(curve.times(a, curve.BASE))
    twist = next(one for one in sorted(curve.small_order()) if one != curve.encode((0, 1)))
    y = int.from_bytes(twist, "little") & (2**255 - 1)
    x = curve.x_of(y)
    assert x is not None
    r_point = curve.add(curve.times(99, curve.BASE), (x, y))
    r = curve.encode(r_point)
    s = (99 + curve.challenge(r, public, b"m") * a) % curve.L
    left = curve.times(8 * s, curve.BASE)
    k_a = curve.times(curve.challenge(r, public, b"m") * a, curve.BASE)
    assert left == curve.times(8, curve.add(r_point, k_a))
    with refused("NOTE_SIGNATURE"):
        signatures.check_ed25519(public, r + s.to_bytes(32, "little"), b"m")


def test_a_key_that_is_no_point_is_refused() -> None:
    y = next(y for y in range(2, 100) if curve.x_of(y) is None)
    with refused("NOTE_SIGNATURE"):
        signatures.check_ed25519(y.to_bytes(32, "little"), KEY.sign(b"m"), b"m")

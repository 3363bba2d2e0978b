"""Ed25519 and ML-DSA-44, strict."""

import json
from hashlib import shake_256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from dilithium_py.ml_dsa import ML_DSA_44

from tests.reference import curve
from tests.reference.refusal import refused
from verifier.format import signatures
from verifier.format.errors import FormatError

VECTORS_FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = json.loads((VECTORS_FOLDER / "ed25519/rfc8032.json").read_text())
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


def test_a_good_key_is_given_back() -> None:
    assert signatures.check_public_key(signatures.ED25519, PUBLIC) == PUBLIC


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


# ---------------------------------------------------------------------- ML-DSA-44

ACVP = json.loads((VECTORS_FOLDER / "ml-dsa-44/acvp-sigver.json").read_text())
SEED = bytes(range(32))
COSIGNER = MLDSA44PrivateKey.from_seed_bytes(SEED)
COSIGNER_PUBLIC = COSIGNER.public_key().public_bytes_raw()
MESSAGE = b"what a log signs"
SIGNATURE = ML_DSA_44.sign(ML_DSA_44.key_derive(SEED)[1], MESSAGE, deterministic=True)
HINT_AT = 32 + 4 * 576  # FIPS 204 §7.2: c~ of 32 bytes, z of 4 × 576; then the hint's 80 + 4
HINTS = 80


def test_acvp_has_both_kinds_of_cases() -> None:
    reasons = {case["reason"] for case in ACVP["tests"]}
    assert reasons == {
        "no modification", "modify message", "modify signature", "too many hints", "z too large"
    }  # fmt: skip
    assert len(ACVP["tests"]) == 15


@pytest.mark.parametrize("case", ACVP["tests"], ids=lambda case: f"{case['tcId']} {case['reason']}")
def test_the_library_and_the_second_implementation_agree_with_acvp(case: dict[str, Any]) -> None:
    """These cases are of the internal interface: the message is what a signer hashes, without the
    context's prefix. So the library is given μ, and our check, which adds the prefix, refuses all.
    """
    public = bytes.fromhex(ACVP["publicKey"])
    message, signature = bytes.fromhex(case["message"]), bytes.fromhex(case["signature"])
    # FIPS 204, algorithm 8, step 7: μ = H(H(pk, 64) ‖ M', 64)
    mu = shake_256(shake_256(public).digest(64) + message).digest(64)
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify_mu(signature, mu)
        passed = True
    except InvalidSignature:
        passed = False
    assert passed == case["testPassed"]
    assert ML_DSA_44._verify_internal(public, message, signature) == case["testPassed"]
    with refused("NOTE_SIGNATURE"):
        signatures.check_ml_dsa_44(public, signature, message)


def test_each_implementation_verifies_what_the_other_signed() -> None:
    assert ML_DSA_44.key_derive(SEED)[0] == COSIGNER_PUBLIC
    assert signatures.check_ml_dsa_44(COSIGNER_PUBLIC, SIGNATURE, MESSAGE) == MESSAGE
    assert ML_DSA_44.verify(COSIGNER_PUBLIC, MESSAGE, COSIGNER.sign(MESSAGE))
    # Another context is another message.
    for context in (b"\x00", b"subtree"):
        with refused("NOTE_SIGNATURE"):
            signatures.check_ml_dsa_44(COSIGNER_PUBLIC, COSIGNER.sign(MESSAGE, context), MESSAGE)


def changed_signatures() -> dict[str, bytes]:
    """Signatures with one damage each: bits all over, and a hint in another encoding."""
    made = {
        f"bit of byte {at}": SIGNATURE[:at] + bytes([SIGNATURE[at] ^ 1]) + SIGNATURE[at + 1 :]
        for at in (*range(0, len(SIGNATURE), 97), len(SIGNATURE) - 1)
    }
    hint = SIGNATURE[HINT_AT:]
    used = hint[HINTS + 3]
    exchanged = bytes([hint[1], hint[0]]) + hint[2:]
    made["two hints in another order"] = SIGNATURE[:HINT_AT] + exchanged
    doubled = bytes([hint[0], hint[0]]) + hint[2:]
    made["one hint twice"] = SIGNATURE[:HINT_AT] + doubled
    if used < HINTS:
        padded = hint[: HINTS - 1] + b"\x01" + hint[HINTS:]
        made["padding of hints that is not zero"] = SIGNATURE[:HINT_AT] + padded
    made["more hints than there can be"] = SIGNATURE[:-1] + b"\x51"
    made["all zero"] = bytes(len(SIGNATURE))
    made["all one"] = b"\xff" * len(SIGNATURE)
    return made


CHANGED = changed_signatures()


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_signature_is_refused_by_both(name: str) -> None:
    assert CHANGED[name] != SIGNATURE
    assert not ML_DSA_44.verify(COSIGNER_PUBLIC, MESSAGE, CHANGED[name])
    with refused("NOTE_SIGNATURE"):
        signatures.check_ml_dsa_44(COSIGNER_PUBLIC, CHANGED[name], MESSAGE)


@pytest.mark.parametrize("size", [0, 32, 1311, 1313])
def test_an_ml_dsa_key_of_another_length_is_refused(size: int) -> None:
    with refused("KEY_LENGTH"):
        signatures.check_ml_dsa_44(bytes(size), SIGNATURE, MESSAGE)


@pytest.mark.parametrize("signature", [b"", SIGNATURE[:-1], SIGNATURE + b"\x00"])
def test_an_ml_dsa_signature_of_another_length_is_refused(signature: bytes) -> None:
    with refused("NOTE_SIGNATURE"):
        signatures.check_ml_dsa_44(COSIGNER_PUBLIC, signature, MESSAGE)


# ---------------------------------------------------------------------- Wycheproof

WYCHEPROOF = json.loads((VECTORS_FOLDER / "wycheproof/ed25519.json").read_text())
# Cases that the file calls valid and our rule refuses, with the reason; the rule is stricter only
# where a key or an R is of small order or not canonical, and none of these cases has such.
STRICTER: dict[int, str] = {}


@pytest.mark.parametrize("case", WYCHEPROOF["tests"], ids=lambda case: f"{case['tcId']}")
def test_wycheproof_has_the_result_of_our_rule(case: dict[str, Any]) -> None:
    public = bytes.fromhex(WYCHEPROOF["pk"])
    message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
    if case["result"] == "valid" and case["tcId"] not in STRICTER:
        assert signatures.check_ed25519(public, signature, message) == message
        return
    with pytest.raises(FormatError) as caught:
        signatures.check_ed25519(public, signature, message)
    assert caught.value.code in ("NOTE_SIGNATURE", "NOTE_SIGNATURE_NOT_CANONICAL")


def test_the_code_says_which_wycheproof_cases_are_not_canonical() -> None:
    """R of small order or above the prime, S not below the group order: refused before any curve."""
    public = bytes.fromhex(WYCHEPROOF["pk"])
    found = set()
    for case in WYCHEPROOF["tests"]:
        try:
            signatures.check_ed25519(public, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
        except FormatError as error:
            if error.code == "NOTE_SIGNATURE_NOT_CANONICAL":
                found.add(case["tcId"])
    # 10 to 19: R = 0 and R = 1; 23 and 24: S = L and S = p; 25 to 29: R = p; 60: R = 0;
    # 61: R = 2^256 − 1; 63: S + L.
    assert found == {*range(10, 20), 23, 24, *range(25, 30), 60, 61, 63}

"""Signed notes, keys and Ed25519, strict."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.reference import curve
from tests.reference.refusal import refused
from verifier.format import notes
from verifier.format.digests import Digest, b64_encode, sha256

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/ed25519/rfc8032.json").read_text())
NAME = "notary.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key().public_bytes_raw()
VKEY = notes.make_vkey(NAME, PUBLIC)
OTHER_VKEY = notes.make_vkey(NAME, OTHER.public_key().public_bytes_raw())
ROOT = Digest(bytes(range(32)))
TEXT = notes.checkpoint_text(NAME, 7, ROOT)
NOTE = notes.sign(TEXT, NAME, KEY)
LINE = NOTE.removeprefix(TEXT + "\n")


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_vectors_of_rfc_8032_stand_and_one_bit_less_does_not(case: dict[str, str]) -> None:
    public, message = bytes.fromhex(case["public"]), bytes.fromhex(case["message"])
    signature = bytes.fromhex(case["signature"])
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(case["secret"]))
    assert private.public_key().public_bytes_raw() == public
    assert notes.check_ed25519(public, signature, message) == message
    with refused("NOTE_SIGNATURE"):
        notes.check_ed25519(public, signature, message + b"\x00")
    with refused("NOTE_SIGNATURE"):
        notes.check_ed25519(public, signature[:-1], message)
    with refused("NOTE_SIGNATURE"):
        notes.check_ed25519(public, signature + b"\x00", message)


def test_an_s_above_the_group_order_is_refused() -> None:
    signature = KEY.sign(b"m")
    with refused("NOTE_SIGNATURE_NOT_CANONICAL"):
        notes.check_ed25519(PUBLIC, signature[:32] + curve.L.to_bytes(32, "little"), b"m")
    high = int.from_bytes(signature[32:], "little") + curve.L
    with refused("NOTE_SIGNATURE_NOT_CANONICAL"):
        notes.check_ed25519(PUBLIC, signature[:32] + high.to_bytes(32, "little"), b"m")


@pytest.mark.parametrize("y", [curve.P, curve.P + 1, curve.P + 18])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_point_whose_y_is_not_reduced_is_refused(y: int, sign: int) -> None:
    encoded = (y | sign << 255).to_bytes(32, "little")
    with refused("KEY_NOT_CANONICAL"):
        notes.make_vkey(NAME, encoded)
    with refused("KEY_NOT_CANONICAL"):
        notes.check_ed25519(encoded, KEY.sign(b"m"), b"m")
    with refused("NOTE_SIGNATURE_NOT_CANONICAL"):
        notes.check_ed25519(PUBLIC, encoded + KEY.sign(b"m")[32:], b"m")


@pytest.mark.parametrize("y", [1, curve.P - 1])
def test_a_negative_zero_is_refused(y: int) -> None:
    encoded = (y | 1 << 255).to_bytes(32, "little")
    with refused("KEY_NOT_CANONICAL"):
        notes.make_vkey(NAME, encoded)
    with refused("NOTE_SIGNATURE_NOT_CANONICAL"):
        notes.check_ed25519(PUBLIC, encoded + KEY.sign(b"m")[32:], b"m")


def test_points_of_small_order_are_refused_as_key_and_as_r() -> None:
    points = curve.small_order()
    assert len(points) == 8
    for encoded in points:
        with refused("KEY_NOT_CANONICAL"):
            notes.make_vkey(NAME, encoded)
        with refused("NOTE_SIGNATURE_NOT_CANONICAL"):
            notes.check_ed25519(PUBLIC, encoded + bytes(32), b"m")


def test_a_key_of_small_order_would_have_signed_anything() -> None:
    # [S]B = R + [k]A with A the neutral point: any S with R = [S]B is a signature of any text.
    neutral = curve.encode((0, 1))
    signature = curve.encode(curve.times(5, curve.BASE)) + (5).to_bytes(32, "little")
    with refused("KEY_NOT_CANONICAL"):
        notes.check_ed25519(neutral, signature, b"anything")


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
        notes.check_ed25519(public, r + s.to_bytes(32, "little"), b"m")


def test_a_key_that_is_no_point_is_refused() -> None:
    y = next(y for y in range(2, 100) if curve.x_of(y) is None)
    with refused("NOTE_SIGNATURE"):
        notes.check_ed25519(y.to_bytes(32, "little"), KEY.sign(b"m"), b"m")


def test_a_vkey_comes_back() -> None:
    assert VKEY.key_id == sha256(NAME.encode() + b"\n\x01" + PUBLIC)[:4]
    assert VKEY.text == f"{NAME}+{VKEY.key_id.hex()}+{b64_encode(bytes([1]) + PUBLIC)}"
    assert notes.parse_vkey(VKEY.text) == VKEY


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "KEY_FORM"),
        (NAME, "KEY_FORM"),
        (VKEY.text.replace("+", "-"), "KEY_FORM"),
        (VKEY.text.replace(VKEY.key_id.hex(), VKEY.key_id.hex().upper()), "KEY_FORM"),
        (VKEY.text.replace(VKEY.key_id.hex(), VKEY.key_id.hex() + "0"), "KEY_FORM"),
        (VKEY.text.replace(VKEY.key_id.hex(), "00000000"), "KEY_ID"),
        (VKEY.text.replace(NAME, ""), "NOTE_KEY_NAME"),
        (VKEY.text.replace("/log", "/ log"), "NOTE_KEY_NAME"),
        (VKEY.text.replace("/log", "/\u2003log"), "NOTE_KEY_NAME"),
        (VKEY.text.replace("/log", "/\x7flog\x00"), "NOTE_KEY_NAME"),
        (VKEY.text.replace("/log", "/\ud800"), "NOTE_UTF8"),
        (VKEY.text.replace(NAME, "motary.example/log"), "KEY_ID"),
        (VKEY.text + "=", "B64_FORM"),
        (VKEY.text + "\n", "B64_FORM"),
        (f"{NAME}+{VKEY.key_id.hex()}+{b64_encode(bytes([1]))}", "KEY_FORM"),
        (f"{NAME}+{VKEY.key_id.hex()}+{b64_encode(bytes([1]) + PUBLIC + bytes(1))}", "KEY_LENGTH"),
        (f"{NAME}+{VKEY.key_id.hex()}+{b64_encode(bytes([6]) + bytes(1312))}", "KEY_TYPE_UNKNOWN"),
        (f"{NAME}+{VKEY.key_id.hex()}+{b64_encode(bytes([4]) + PUBLIC)}", "KEY_TYPE_UNKNOWN"),
    ],
)
def test_a_vkey_in_any_other_form_is_refused(text: str, code: str) -> None:
    with refused(code):
        notes.parse_vkey(text)


def test_a_vkey_of_an_unknown_type_can_be_taken_apart() -> None:
    assert notes.split_vkey(f"{NAME}+00000000+{b64_encode(bytes([6, 7]))}")[2:] == (6, b"\x07")
    text = f"{NAME}+00000000+{b64_encode(bytes([6]) + b'key')}"
    assert notes.split_vkey(text) == (NAME, bytes(4), 6, b"key")


def test_a_signed_note_is_verified_by_its_key() -> None:
    note = notes.parse_note(NOTE)
    assert notes.parse_note(NOTE.encode()) == note
    assert (note.text, note.whole) == (TEXT, NOTE)
    assert notes.verify(note, [VKEY.text]).keys == (VKEY,)
    assert notes.verify(note, [OTHER_VKEY, VKEY, VKEY]).keys == (VKEY,)
    assert notes.parse_checkpoint_text(note.text) == notes.Checkpoint(NAME, 7, ROOT)


def test_a_signature_made_elsewhere_makes_the_same_line() -> None:
    assert notes.signature_line(VKEY, KEY.sign(TEXT.encode())) == LINE
    with refused("NOTE_SIGNATURE"):
        notes.signature_line(VKEY, bytes(63))


def test_both_keys_that_signed_are_named() -> None:
    note = notes.parse_note(NOTE + notes.signature_line(OTHER_VKEY, OTHER.sign(TEXT.encode())))
    assert notes.verify(note, [VKEY, OTHER_VKEY]).keys == (VKEY, OTHER_VKEY)
    assert notes.verify(note, [OTHER_VKEY]).keys == (OTHER_VKEY,)


def test_a_note_that_none_of_the_keys_signed_is_refused() -> None:
    note = notes.parse_note(NOTE)
    with refused("NOTE_KEY_UNKNOWN"):
        notes.verify(note, [OTHER_VKEY])
    with refused("NOTE_KEY_UNKNOWN"):
        notes.verify(note, [])
    # The same key under another name is another key.
    with refused("NOTE_KEY_UNKNOWN"):
        notes.verify(note, [notes.make_vkey("other.example", PUBLIC)])


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    bad = notes.signature_line(OTHER_VKEY, KEY.sign(TEXT.encode()))
    note = notes.parse_note(NOTE + bad)
    with refused("NOTE_SIGNATURE"):
        notes.verify(note, [VKEY, OTHER_VKEY])
    assert notes.verify(note, [VKEY]).keys == (VKEY,)


@pytest.mark.parametrize(
    ("old", "new"), [("\n7\n", "\n8\n"), ("notary", "motary"), ("AAEC", "AAED")]
)
def test_a_changed_text_is_refused(old: str, new: str) -> None:
    with refused("NOTE_SIGNATURE"):
        notes.verify(notes.parse_note(TEXT.replace(old, new) + "\n" + LINE), [VKEY])


def test_a_key_of_an_unknown_type_is_never_ignored() -> None:
    unknown = f"{NAME}+00000000+{b64_encode(bytes([6]) + b'key')}"
    with refused("KEY_TYPE_UNKNOWN"):
        notes.verify(notes.parse_note(NOTE), [VKEY, unknown])


def test_two_keys_of_one_name_and_id_are_refused() -> None:
    twin = notes.VKey(NAME, VKEY.key_id, OTHER_VKEY.public_key, "twin")
    with refused("KEY_COLLISION"):
        notes.verify(notes.parse_note(NOTE), [VKEY, twin])


def test_a_signature_of_another_length_is_refused() -> None:
    line = f"— {NAME} {b64_encode(VKEY.key_id + bytes(65))}\n"
    with refused("NOTE_SIGNATURE"):
        notes.verify(notes.parse_note(TEXT + "\n" + line), [VKEY])


FOREIGN = [f"— witness.example/{i} {b64_encode(bytes([i]) * 68)}\n" for i in range(16)]


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("", "NOTE_FORM"),
        (TEXT, "NOTE_FORM"),
        (TEXT + LINE, "NOTE_FORM"),
        ("\n" + LINE, "NOTE_FORM"),
        ("\n\n" + LINE, "NOTE_FORM"),
        (NOTE[:-1], "NOTE_FORM"),
        (TEXT + "\n", "NOTE_SIGNATURES"),
        (NOTE + "\n", "NOTE_SIGNATURES"),
        (NOTE + LINE, "NOTE_KEY_TWICE"),
        (NOTE + notes.signature_line(VKEY, OTHER.sign(b"")), "NOTE_KEY_TWICE"),
        (NOTE + "".join(FOREIGN), "NOTE_SIGNATURES"),
        (NOTE.replace("— ", "- "), "NOTE_SIGNATURE_LINE"),
        (NOTE.replace("— ", "—"), "NOTE_SIGNATURE_LINE"),
        (NOTE.replace("— ", "—  "), "NOTE_SIGNATURE_LINE"),
        (NOTE[:-1] + " \n", "NOTE_SIGNATURE_LINE"),
        (NOTE + "extra\n", "NOTE_SIGNATURE_LINE"),
        (TEXT + "\n" + f"— {NAME} {b64_encode(bytes(4))}\n", "NOTE_SIGNATURE_LINE"),
        (TEXT + "\n" + f"—  {b64_encode(bytes(68))}\n", "NOTE_KEY_NAME"),
        (TEXT + "\n" + f"— a+b {b64_encode(bytes(68))}\n", "NOTE_KEY_NAME"),
        (TEXT + "\n" + f"— a\u2003b {b64_encode(bytes(68))}\n", "NOTE_KEY_NAME"),
        (NOTE.replace("=\n\n", "=\r\n\n"), "NOTE_CONTROL"),
        (NOTE.replace("7", "7\t"), "NOTE_CONTROL"),
        (NOTE.replace("7", "7\x00"), "NOTE_CONTROL"),
        (NOTE[:-3] + "!=\n", "B64_FORM"),
        (NOTE.replace("7", "\ud800"), "NOTE_UTF8"),
        (NOTE.encode() + b"\xff", "NOTE_UTF8"),
        ("a" * (16 * 1024) + "\n\n" + LINE, "NOTE_SIZE"),
        (("a" * (16 * 1024) + "\n\n" + LINE).encode(), "NOTE_SIZE"),
        ("é" * (8 * 1024) + "\n\n" + LINE, "NOTE_SIZE"),
    ],
)
def test_a_note_in_any_other_form_is_refused(note: str | bytes, code: str) -> None:
    with refused(code):
        notes.parse_note(note)


def test_sixteen_signatures_stand() -> None:
    assert len(notes.parse_note(NOTE + "".join(FOREIGN[:15])).signatures) == 16


def test_the_largest_and_the_smallest_note_stand() -> None:
    signed = notes.sign("a\n", NAME, KEY)
    assert notes.parse_note(signed).text == "a\n"
    largest = "a" * (16 * 1024 - len(signed.encode())) + signed
    assert len(notes.parse_note(largest).whole.encode()) == 16 * 1024
    assert notes.parse_note(largest.encode()).whole == largest
    with refused("NOTE_SIZE"):
        notes.parse_note("a" + largest)


def test_the_last_empty_line_separates() -> None:
    text = "a\n\nb\n"
    note = notes.parse_note(notes.sign(text, NAME, KEY))
    assert note.text == text
    assert notes.verify(note, [VKEY]).note is note


def test_a_text_without_line_end_is_not_signed() -> None:
    with refused("NOTE_FORM"):
        notes.sign("a", NAME, KEY)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (TEXT + "extension\n", "CHECKPOINT_LINES"),
        (TEXT + "\n", "CHECKPOINT_LINES"),
        (TEXT + "x", "CHECKPOINT_LINES"),
        (TEXT[:-1], "CHECKPOINT_LINES"),
        (f"{NAME}\n7\n", "CHECKPOINT_LINES"),
        (TEXT.replace("\n7\n", "\n07\n"), "DECIMAL_FORM"),
        (TEXT.replace("\n7\n", "\n-7\n"), "DECIMAL_FORM"),
        (TEXT.replace("=\n", "\n"), "B64_FORM"),
        (TEXT.replace("AAEC", ""), "DIGEST_LENGTH"),
        (TEXT.replace(NAME, ""), "NOTE_KEY_NAME"),
    ],
)
def test_a_checkpoint_in_any_other_form_is_refused(text: str, code: str) -> None:
    with refused(code):
        notes.parse_checkpoint_text(text)


@pytest.mark.parametrize("size", [-1, 2**53])
def test_a_checkpoint_of_another_size_is_not_written(size: int) -> None:
    with refused("CHECKPOINT_SIZE"):
        notes.checkpoint_text(NAME, size, ROOT)


def test_a_checkpoint_of_nothing_stands() -> None:
    assert notes.parse_checkpoint_text(notes.checkpoint_text(NAME, 0, ROOT)).size == 0
    largest = notes.checkpoint_text(NAME, 2**53 - 1, ROOT)
    assert notes.parse_checkpoint_text(largest).size == 2**53 - 1

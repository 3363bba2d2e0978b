"""Signed notes, keys and checkpoints, strict."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.reference.refusal import refused
from verifier.format import notes
from verifier.format.digests import Digest, b64_encode, sha256
from verifier.format.signatures import ML_DSA_44

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
        (f"{NAME}+{VKEY.key_id.hex()}+{b64_encode(bytes([6]) + bytes(1311))}", "KEY_LENGTH"),
        (f"{NAME}+{VKEY.key_id.hex()}+{b64_encode(bytes([4]) + PUBLIC)}", "KEY_ID"),
    ],
)
def test_a_vkey_in_any_other_form_is_refused(text: str, code: str) -> None:
    with refused(code):
        notes.parse_vkey(text)


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
    unknown = notes.make_vkey(NAME, b"key", 4)
    assert notes.read_vkey(unknown.text) == unknown
    assert (unknown.known, VKEY.known) == (False, True)
    for refuse in (
        lambda: notes.parse_vkey(unknown.text),
        lambda: notes.verify(notes.parse_note(NOTE), [VKEY, unknown]),
        lambda: notes.verify(notes.parse_note(NOTE), [VKEY, unknown.text]),
        lambda: notes.verify_each(notes.parse_note(NOTE), [VKEY, unknown]),
        lambda: notes.signature_line(unknown, bytes(64)),
    ):
        with refused("KEY_TYPE_UNKNOWN"):
            refuse()


def test_two_keys_of_one_name_and_id_are_refused() -> None:
    twin = OTHER_VKEY._replace(key_id=VKEY.key_id)
    with refused("KEY_COLLISION"):
        notes.verify(notes.parse_note(NOTE), [VKEY, twin])


def test_a_signature_of_another_length_is_refused() -> None:
    line = f"— {NAME} {b64_encode(VKEY.key_id + bytes(65))}\n"
    with refused("NOTE_SIGNATURE"):
        notes.verify(notes.parse_note(TEXT + "\n" + line), [VKEY])


COSIGNER = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
COSIGNER_PUBLIC = COSIGNER.public_key().public_bytes_raw()
COSIGNER_VKEY = notes.make_vkey(NAME, COSIGNER_PUBLIC, ML_DSA_44)
TIMESTAMP = 1_767_225_600
COSIGNED = notes.cosign(NOTE, NAME, COSIGNER, TIMESTAMP)
COSIGNATURE = notes.parse_note(COSIGNED).signatures[1].raw


def with_cosignature(raw: bytes, vkey: notes.VKey = COSIGNER_VKEY, note: str = NOTE) -> notes.Note:
    return notes.parse_note(note + f"— {vkey.name} {b64_encode(vkey.key_id + raw)}\n")


def test_a_vkey_of_ml_dsa_comes_back() -> None:
    assert COSIGNER_VKEY.key_id == sha256(NAME.encode() + b"\n\x06" + COSIGNER_PUBLIC)[:4]
    assert COSIGNER_VKEY.text.endswith(b64_encode(b"\x06" + COSIGNER_PUBLIC))
    assert notes.parse_vkey(COSIGNER_VKEY.text) == COSIGNER_VKEY


def test_the_cosigned_message_has_the_layout_of_tlog_cosignature() -> None:
    message = notes.cosigned_message("w", 2, notes.Checkpoint("log.example", 7, ROOT))
    assert message == (
        b"subtree/v1\n\x00" + b"\x01w" + (2).to_bytes(8) + b"\x0blog.example"
        + bytes(8) + (7).to_bytes(8) + ROOT
    )  # fmt: skip


def test_a_checkpoint_signed_by_both_keys_is_verified_by_each_and_by_both() -> None:
    note = notes.parse_note(COSIGNED)
    assert notes.verify(note, [COSIGNER_VKEY]).keys == (COSIGNER_VKEY,)
    assert notes.verify_each(note, [COSIGNER_VKEY, VKEY]).keys == (VKEY, COSIGNER_VKEY)
    assert COSIGNATURE[:8] == TIMESTAMP.to_bytes(8)
    # Who knows only one of the keys reads the note as before.
    assert notes.verify(note, [VKEY]).keys == (VKEY,)


def test_a_key_that_must_sign_and_did_not_is_named() -> None:
    with refused("NOTE_SIGNATURE_MISSING"):
        notes.verify_each(notes.parse_note(NOTE), [VKEY, COSIGNER_VKEY])
    with refused("NOTE_SIGNATURE_MISSING"):
        notes.verify_each(with_cosignature(COSIGNATURE, note=TEXT + "\n"), [VKEY, COSIGNER_VKEY])


def test_a_cosignature_is_bound_to_name_time_origin_size_and_root() -> None:
    later = (TIMESTAMP + 1).to_bytes(8) + COSIGNATURE[8:]
    with refused("NOTE_SIGNATURE"):
        notes.verify(with_cosignature(later), [COSIGNER_VKEY])
    other_name = notes.make_vkey("other.example", COSIGNER_PUBLIC, ML_DSA_44)
    with refused("NOTE_SIGNATURE"):
        notes.verify(with_cosignature(COSIGNATURE, other_name), [other_name])
    for text in (
        notes.checkpoint_text("other.example/log", 7, ROOT),
        notes.checkpoint_text(NAME, 8, ROOT),
        notes.checkpoint_text(NAME, 7, Digest(bytes(32))),
    ):
        with refused("NOTE_SIGNATURE"):
            notes.verify(with_cosignature(COSIGNATURE, note=text + "\n"), [COSIGNER_VKEY])


def test_a_timestamp_is_below_two_to_the_63() -> None:
    last = notes.cosign(NOTE, NAME, COSIGNER, 2**63 - 1)
    assert notes.verify(notes.parse_note(last), [COSIGNER_VKEY]).keys == (COSIGNER_VKEY,)
    with refused("NOTE_TIMESTAMP"):
        notes.verify(with_cosignature((2**63).to_bytes(8) + COSIGNATURE[8:]), [COSIGNER_VKEY])
    first = notes.cosign(NOTE, NAME, COSIGNER, 0)
    assert notes.verify(notes.parse_note(first), [COSIGNER_VKEY]).keys == (COSIGNER_VKEY,)
    for wrong in (-1, 2**63):
        with refused("NOTE_TIMESTAMP"):
            notes.cosign(NOTE, NAME, COSIGNER, wrong)


@pytest.mark.parametrize("origin", ["", "a log", "a+b"])
def test_a_checkpoint_is_written_for_a_name_that_can_be_read(origin: str) -> None:
    with refused("NOTE_KEY_NAME"):
        notes.checkpoint_text(origin, 7, Digest(bytes(32)))


def test_a_cosigner_s_name_has_at_most_255_bytes() -> None:
    checkpoint = notes.parse_checkpoint_text(notes.parse_note(NOTE).text)
    assert notes.cosigned_message("n" * 255, 0, checkpoint)
    with refused("NOTE_KEY_NAME"):
        notes.cosigned_message("n" * 256, 0, checkpoint)


def test_a_vkey_of_an_unknown_type_may_have_one_byte() -> None:
    short = notes.make_vkey(NAME, b"k", 0x09)
    assert notes.read_vkey(short.text) == short


@pytest.mark.parametrize("raw", [COSIGNATURE[:-1], COSIGNATURE + b"\x00", COSIGNATURE[8:], b"x"])
def test_a_cosignature_of_another_length_is_refused(raw: bytes) -> None:
    with refused("NOTE_SIGNATURE"):
        notes.verify(with_cosignature(raw), [COSIGNER_VKEY])
    with refused("NOTE_SIGNATURE"):
        notes.signature_line(COSIGNER_VKEY, raw)


def test_only_a_checkpoint_is_cosigned() -> None:
    other = notes.sign("a\n", NAME, KEY)
    with refused("CHECKPOINT_LINES"):
        notes.cosign(other, NAME, COSIGNER, TIMESTAMP)
    with refused("CHECKPOINT_LINES"):
        notes.verify(with_cosignature(COSIGNATURE, note=other), [COSIGNER_VKEY])
    with refused("NOTE_KEY_NAME"):
        notes.cosign(NOTE, "n" * 256, COSIGNER, TIMESTAMP)


def test_what_is_time_stamped_is_the_text_whoever_signed_it() -> None:
    for note in (NOTE, COSIGNED):
        assert notes.time_stamped_bytes(notes.parse_note(note)) == TEXT.encode()


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

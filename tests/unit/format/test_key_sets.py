"""Key sets: one form, one Ed25519 key a use, every checkpoint key signs."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.reference.refusal import refused
from verifier.format import key_sets, notes
from verifier.format.digests import Digest
from verifier.format.signatures import ML_DSA_44

LOG = "notary.example/log"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
QUANTUM = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
RECEIPT_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))
RAW = PRIVATE.public_key().public_bytes_raw()
RAW_RECEIPT = RECEIPT_PRIVATE.public_key().public_bytes_raw()
RAW_QUANTUM = QUANTUM.public_key().public_bytes_raw()

CHECKPOINT = notes.make_vkey(LOG, RAW)
COSIGNER = notes.make_vkey(LOG, RAW_QUANTUM, ML_DSA_44)
RECEIPT = notes.make_vkey(f"{LOG}/receipts", RAW_RECEIPT)
UNKNOWN = notes.make_vkey(LOG, b"a key of a later time", 0x09)

KEY_SET = key_sets.make([CHECKPOINT, COSIGNER], RECEIPT)
DATA = key_sets.encode(KEY_SET)


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def sorted_text(*lines: str) -> bytes:
    return text("notary-keys/1", *sorted(lines))


def checkpoint(key: notes.VKey) -> str:
    return f"checkpoint {key.text}"


def receipt(key: notes.VKey) -> str:
    return f"receipt {key.text}"


def test_a_key_set_is_the_lines_of_the_specification() -> None:
    first, second = sorted([checkpoint(CHECKPOINT), checkpoint(COSIGNER)])
    assert text("notary-keys/1", first, second, receipt(RECEIPT)) == DATA
    assert key_sets.digest(KEY_SET) == sha256(DATA).digest()
    assert key_sets.parse(DATA) == KEY_SET
    assert (KEY_SET.log, KEY_SET.receipt, KEY_SET.unknown) == (LOG, RECEIPT, ())
    assert set(KEY_SET.checkpoint) == {CHECKPOINT, COSIGNER}


def test_a_key_set_may_have_an_ed25519_key_alone_or_one_of_an_unknown_type() -> None:
    alone = key_sets.make([CHECKPOINT], RECEIPT)
    assert key_sets.parse(key_sets.encode(alone)) == alone
    later = key_sets.make([UNKNOWN, CHECKPOINT], RECEIPT)
    assert key_sets.parse(key_sets.encode(later)).unknown == (UNKNOWN,)


def test_a_key_set_of_sixteen_keys_stands() -> None:
    """A seventeenth is refused below, as is a byte above the size that is set here."""
    strange = [notes.make_vkey(LOG, b"key", kind) for kind in range(0x10, 0x1E)]
    most = key_sets.make([CHECKPOINT, *strange], RECEIPT)
    data = key_sets.encode(most)
    assert data.count(b"\n") == 1 + 16
    assert key_sets.parse(data) == most


def test_a_key_set_of_the_most_bytes_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_sets, "MAX_BYTES", len(DATA))
    assert key_sets.parse(DATA) == KEY_SET
    monkeypatch.setattr(key_sets, "MAX_BYTES", len(DATA) - 1)
    with refused("KEY_SET_FORM"):
        key_sets.parse(DATA)


OTHER = notes.make_vkey(LOG, RAW_RECEIPT)
OTHER_QUANTUM = notes.make_vkey(LOG, bytes(1312), ML_DSA_44)
STRANGE = [checkpoint(notes.make_vkey(LOG, b"key", kind)) for kind in range(0x10, 0x1F)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "KEY_SET_FORM"),
        (DATA[:-1], "KEY_SET_FORM"),
        (DATA + b"\n", "KEY_SET_FORM"),
        (b"\n" + DATA, "KEY_SET_FORM"),
        (DATA.replace(b"keys/1", b"keys/2"), "KEY_SET_FORM"),
        (DATA.replace(b"\n", b"\r\n"), "KEY_SET_FORM"),
        (DATA.replace(b"checkpoint ", b"checkpoint  "), "NOTE_KEY_NAME"),
        (DATA.replace(b"receipt ", b"witness "), "KEY_SET_FORM"),
        (DATA + b"\xe2\x80\x94\n", "KEY_SET_FORM"),
        (b"notary-keys/1\n" + b"x" * (64 * 1024), "KEY_SET_FORM"),
        (sorted_text(checkpoint(CHECKPOINT), receipt(RECEIPT), *STRANGE), "KEY_SET_FORM"),
        (text("notary-keys/1"), "KEY_SET_TYPES"),
        (sorted_text(checkpoint(CHECKPOINT)), "KEY_SET_TYPES"),
        (sorted_text(receipt(RECEIPT)), "KEY_SET_TYPES"),
        (sorted_text(checkpoint(COSIGNER), receipt(RECEIPT)), "KEY_SET_TYPES"),
        (sorted_text(checkpoint(CHECKPOINT), checkpoint(OTHER), receipt(RECEIPT)), "KEY_SET_TYPES"),
        (
            sorted_text(
                checkpoint(CHECKPOINT), checkpoint(COSIGNER), checkpoint(OTHER_QUANTUM),
                receipt(RECEIPT),
            ),
            "KEY_SET_TYPES",
        ),
        (
            sorted_text(
                checkpoint(CHECKPOINT), receipt(RECEIPT),
                receipt(notes.make_vkey(f"{LOG}/receipts", RAW_QUANTUM, ML_DSA_44)),
            ),
            "KEY_SET_TYPES",
        ),
        (
            sorted_text(
                checkpoint(CHECKPOINT), receipt(RECEIPT),
                receipt(notes.make_vkey(f"{LOG}/receipts", RAW)),
            ),
            "KEY_SET_TYPES",
        ),
        (text("notary-keys/1", receipt(RECEIPT), checkpoint(CHECKPOINT)), "KEY_SET_ORDER"),
        (
            text("notary-keys/1", checkpoint(CHECKPOINT), checkpoint(CHECKPOINT), receipt(RECEIPT)),
            "KEY_SET_ORDER",
        ),
        (
            text(
                "notary-keys/1",
                *sorted([checkpoint(CHECKPOINT), checkpoint(COSIGNER)], reverse=True),
                receipt(RECEIPT),
            ),
            "KEY_SET_ORDER",
        ),
        (
            sorted_text(checkpoint(CHECKPOINT), receipt(notes.make_vkey(LOG, RAW_RECEIPT))),
            "KEY_SET_NAME",
        ),
        (
            sorted_text(
                checkpoint(CHECKPOINT), receipt(RECEIPT),
                checkpoint(notes.make_vkey("other.example/log", RAW_QUANTUM, ML_DSA_44)),
            ),
            "KEY_SET_NAME",
        ),
        (
            sorted_text(
                checkpoint(notes.make_vkey("NO-LOG", RAW)),
                receipt(RECEIPT),
            ),
            "LOG_NAME",
        ),
        (
            sorted_text(checkpoint(CHECKPOINT), receipt(notes.make_vkey(f"{LOG}/receipts", RAW))),
            "KEY_SET_EQUAL",
        ),
        (DATA.replace(CHECKPOINT.key_id.hex().encode(), b"00000000"), "KEY_ID"),
        (DATA.replace(CHECKPOINT.text.encode(), CHECKPOINT.text.encode() + b"="), "B64_FORM"),
    ],
)  # fmt: skip
def test_a_key_set_in_any_other_form_is_refused(data: bytes, code: str) -> None:
    with refused(code):
        key_sets.parse(data)


def test_a_key_set_that_the_reader_would_refuse_is_not_made() -> None:
    with refused("KEY_SET_TYPES"):
        key_sets.make([COSIGNER], RECEIPT)
    with refused("KEY_SET_NAME"):
        key_sets.make([notes.make_vkey("é.example", RAW)], RECEIPT)


NOTE = notes.sign(notes.checkpoint_text(LOG, 7, Digest(bytes(32))), LOG, PRIVATE)
COSIGNED = notes.cosign(NOTE, LOG, QUANTUM, 5)


def test_every_checkpoint_key_of_the_set_must_have_signed() -> None:
    signed = key_sets.check_checkpoint(notes.parse_note(COSIGNED), KEY_SET)
    assert set(signed.keys) == {CHECKPOINT, COSIGNER}
    with refused("NOTE_SIGNATURE_MISSING"):
        key_sets.check_checkpoint(notes.parse_note(NOTE), KEY_SET)
    with refused("NOTE_SIGNATURE"):
        key_sets.check_checkpoint(notes.parse_note(COSIGNED.replace("\n7\n", "\n8\n")), KEY_SET)


def test_a_key_of_an_unknown_type_is_told_after_what_is_wrong() -> None:
    later = key_sets.make([CHECKPOINT, COSIGNER, UNKNOWN], RECEIPT)
    with refused("KEY_TYPE_UNKNOWN"):
        key_sets.check_checkpoint(notes.parse_note(COSIGNED), later)
    with refused("NOTE_SIGNATURE_MISSING"):
        key_sets.check_checkpoint(notes.parse_note(NOTE), later)
    with refused("NOTE_SIGNATURE"):
        key_sets.check_checkpoint(notes.parse_note(COSIGNED.replace("\n7\n", "\n8\n")), later)

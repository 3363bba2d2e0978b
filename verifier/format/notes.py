"""Owns signed notes: verifier keys, signatures, checkpoints (docs/spec/format.md §11).

The forms are those of C2SP signed-note and tlog-checkpoint. The only module that imports
`cryptography`. Proved by tests/unit/format/test_notes.py, with the vectors of RFC 8032.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from verifier.format.digests import Digest, b64_decode, b64_encode, sha256, shown
from verifier.format.errors import FormatError
from verifier.format.heads import parse_decimal
from verifier.format.jsonc import MAX_INTEGER

MAX_NOTE_BYTES = 16 * 1024  # a checkpoint with 16 signatures stays far below
MAX_SIGNATURES = 16  # C2SP signed-note: at least as many as a reader must accept
KEY_ID_LENGTH = 4  # bytes
ED25519 = 0x01  # C2SP signed-note: signature type of Ed25519 over the text

_SIGNATURE_LENGTH = 64  # bytes: R and S of 32 each
_PUBLIC_KEY_LENGTH = 32  # bytes
_MARK = "— "  # U+2014 and a space begin a signature line
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_ID = re.compile(r"[0-9a-f]{8}")

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


class VKey(NamedTuple):
    """An Ed25519 key under a name. `text` is its vkey; the same name and id mean this key."""

    name: str
    key_id: bytes
    public_key: bytes
    text: str


class Signature(NamedTuple):
    """One signature line, unverified. `raw` is what follows the key id."""

    name: str
    key_id: bytes
    raw: bytes


class Note(NamedTuple):
    """A note, unverified. `text` ends with LF; `whole` is the note as it stands."""

    text: str
    signatures: tuple[Signature, ...]
    whole: str


class VerifiedNote(NamedTuple):
    """A note that each of `keys`, at least one, has signed."""

    note: Note
    keys: tuple[VKey, ...]


class Checkpoint(NamedTuple):
    """The text of a checkpoint or of a receipt group."""

    origin: str
    size: int
    root: Digest


def key_id(name: str, public_key: bytes) -> bytes:
    """The four bytes that, with the name, say which Ed25519 key signed."""
    # format.md §11: H(key name ‖ LF ‖ 0x01 ‖ 32-byte public key)[0:4]
    return sha256(_utf8(name) + b"\n" + bytes([ED25519]) + public_key)[:KEY_ID_LENGTH]


def make_vkey(name: str, public_key: bytes) -> VKey:
    """The verifier key of an Ed25519 public key of 32 bytes under a name.

    Raises FormatError NOTE_KEY_NAME, KEY_LENGTH or KEY_NOT_CANONICAL.
    """
    _check_name(name)
    _check_public_key(public_key)
    number = key_id(name, public_key)
    # format.md §11: <key name>+<hex key id>+<b64(0x01 ‖ public key)>
    text = f"{name}+{number.hex()}+{b64_encode(bytes([ED25519]) + public_key)}"
    return VKey(name, number, public_key, text)


def split_vkey(text: str) -> tuple[str, bytes, int, bytes]:
    """Take a vkey of any signature type apart: name, key id, type, key.

    Raises FormatError KEY_FORM, NOTE_KEY_NAME or B64_FORM.
    """
    parts = text.split("+", 2)
    if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
        raise FormatError("KEY_FORM", f"want name+hex+base64, got {shown(text)}")
    _check_name(parts[0])
    raw = b64_decode(parts[2])
    if len(raw) < 2:
        raise FormatError("KEY_FORM", f"a vkey has a type and a key, got {shown(text)}")
    return parts[0], bytes.fromhex(parts[1]), raw[0], raw[1:]


def parse_vkey(text: str) -> VKey:
    """Read an Ed25519 verifier key.

    Raises FormatError KEY_TYPE_UNKNOWN for another signature type, KEY_FORM, KEY_LENGTH,
    KEY_ID (the id is not the key's), KEY_NOT_CANONICAL, NOTE_KEY_NAME or B64_FORM.
    """
    name, number, kind, public_key = split_vkey(text)
    if kind != ED25519:
        raise FormatError("KEY_TYPE_UNKNOWN", f"{name} has a key of type {kind:#04x}, want 0x01")
    vkey = make_vkey(name, public_key)
    if vkey.key_id != number:
        raise FormatError(
            "KEY_ID", f"the key id of {name} is {vkey.key_id.hex()}, got {number.hex()}"
        )
    return vkey


def parse_note(note: str | bytes) -> Note:
    """Read a signed note; nothing of it is verified.

    Raises FormatError NOTE_SIZE, NOTE_UTF8, NOTE_CONTROL, NOTE_FORM, NOTE_SIGNATURE_LINE,
    NOTE_SIGNATURES (none or more than 16), NOTE_KEY_NAME, NOTE_KEY_TWICE or B64_FORM.
    """
    # A character is one byte at least, so no longer text is ever encoded.
    if len(note) > MAX_NOTE_BYTES or len(note if isinstance(note, bytes) else _utf8(note)) > (
        MAX_NOTE_BYTES
    ):
        raise FormatError("NOTE_SIZE", f"a note has at most {MAX_NOTE_BYTES} bytes")
    if isinstance(note, bytes):
        try:
            whole = note.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FormatError("NOTE_UTF8", f"byte {error.start} is not UTF-8") from error
    else:
        whole = note
    if _CONTROL.search(whole):
        raise FormatError("NOTE_CONTROL", "a note has no control character but LF")
    # C2SP signed-note: the last empty line separates text and signatures.
    split = whole.rfind("\n\n")
    if split < 1 or not whole.endswith("\n"):
        raise FormatError("NOTE_FORM", "want text, an empty line and signature lines")
    text, lines = whole[: split + 1], whole[split + 2 :].split("\n")[:-1]
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise FormatError("NOTE_SIGNATURES", f"want 1 to 16 signature lines, got {len(lines)}")
    signatures = tuple([_signature(line) for line in lines])
    seen = set()
    for one in signatures:
        if (one.name, one.key_id) in seen:
            raise FormatError("NOTE_KEY_TWICE", f"two lines of key {one.name}+{one.key_id.hex()}")
        seen.add((one.name, one.key_id))
    return Note(text, signatures, whole)


def _signature(line: str) -> Signature:
    parts = line.removeprefix(_MARK).split(" ")
    if not line.startswith(_MARK) or len(parts) != 2:
        raise FormatError("NOTE_SIGNATURE_LINE", f"want — name base64, got {shown(line)}")
    _check_name(parts[0])
    raw = b64_decode(parts[1])
    if len(raw) <= KEY_ID_LENGTH:
        raise FormatError("NOTE_SIGNATURE_LINE", f"no signature after the key id: {shown(line)}")
    return Signature(parts[0], raw[:KEY_ID_LENGTH], raw[KEY_ID_LENGTH:])


def checkpoint_text(origin: str, size: int, root: Digest) -> str:
    """The three lines that are signed. Raises FormatError NOTE_KEY_NAME or CHECKPOINT_SIZE."""
    _check_name(origin)
    if not 0 <= size <= MAX_INTEGER:
        raise FormatError("CHECKPOINT_SIZE", f"a size is from 0 to 2^53 − 1, got {size}")
    # format.md §11: origin LF size LF b64 root LF
    return f"{origin}\n{size}\n{b64_encode(root)}\n"


def parse_checkpoint_text(text: str) -> Checkpoint:
    """Read the text of a checkpoint.

    Raises FormatError CHECKPOINT_LINES (an extension line, or too few), NOTE_KEY_NAME,
    DECIMAL_FORM, B64_FORM or DIGEST_LENGTH.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise FormatError("CHECKPOINT_LINES", f"want three lines ended by LF, got {shown(text)}")
    _check_name(lines[0])
    size = parse_decimal(lines[1], "size of the checkpoint")
    return Checkpoint(lines[0], size, Digest(b64_decode(lines[2])))


def signature_line(vkey: VKey, signature: bytes) -> str:
    """The line of a signature of 64 bytes, ended by LF. Raises FormatError NOTE_SIGNATURE."""
    if len(signature) != _SIGNATURE_LENGTH:
        raise FormatError("NOTE_SIGNATURE", f"want 64 bytes of signature, got {len(signature)}")
    # format.md §11: — <key name> <b64(key id ‖ signature)>
    return f"{_MARK}{vkey.name} {b64_encode(vkey.key_id + signature)}\n"


def sign(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """Make a note of `text`, which ends with LF, signed by one key under `name`.

    Raises FormatError NOTE_FORM or NOTE_KEY_NAME.
    """
    if not text.endswith("\n"):
        raise FormatError("NOTE_FORM", f"a note's text ends with LF, got {shown(text)}")
    vkey = make_vkey(name, private_key.public_key().public_bytes_raw())
    return text + "\n" + signature_line(vkey, private_key.sign(_utf8(text)))


def verify(note: Note, vkeys: Iterable[VKey | str]) -> VerifiedNote:
    """Check a note against the keys that the caller trusts.

    Lines of other keys are passed over. Raises FormatError NOTE_KEY_UNKNOWN if none of these
    keys signed; NOTE_SIGNATURE if one of them did and the signature is not good, or
    NOTE_SIGNATURE_NOT_CANONICAL; KEY_COLLISION for two keys of one name and id; and what
    `parse_vkey` raises, KEY_TYPE_UNKNOWN among it.
    """
    known: dict[tuple[str, bytes], VKey] = {}
    for one in vkeys:
        vkey = parse_vkey(one) if isinstance(one, str) else one
        other = known.setdefault((vkey.name, vkey.key_id), vkey)
        if other != vkey:
            raise FormatError("KEY_COLLISION", f"two keys are {vkey.name}+{vkey.key_id.hex()}")
    message = _utf8(note.text)
    signers = []
    for signature in note.signatures:
        signer = known.get((signature.name, signature.key_id))
        if signer is not None:
            check_ed25519(signer.public_key, signature.raw, message)
            signers.append(signer)
    if not signers:
        names = ", ".join([shown(signature.name) for signature in note.signatures])
        raise FormatError("NOTE_KEY_UNKNOWN", f"signed by none of {len(known)} keys, but {names}")
    return VerifiedNote(note, tuple(signers))


def check_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bytes:
    """Check a signature and return the message, which is then known to be signed.

    Raises FormatError KEY_LENGTH, KEY_NOT_CANONICAL, NOTE_SIGNATURE_NOT_CANONICAL or
    NOTE_SIGNATURE. Source: RFC 8032 §5.1.7; docs/spec/format.md §11.
    """
    _check_public_key(public_key)
    if len(signature) != _SIGNATURE_LENGTH:
        raise FormatError("NOTE_SIGNATURE", f"want 64 bytes of signature, got {len(signature)}")
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


def _check_public_key(public_key: bytes) -> None:
    if len(public_key) != _PUBLIC_KEY_LENGTH:
        raise FormatError("KEY_LENGTH", f"an Ed25519 key has 32 bytes, got {len(public_key)}")
    fault = _point_fault(public_key)
    if fault:
        raise FormatError("KEY_NOT_CANONICAL", f"A {fault}")


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


def _check_name(name: str) -> None:
    # C2SP signed-note: key names are not empty and have no Unicode space and no plus.
    if not name or "+" in name or any(one.isspace() for one in name) or _CONTROL.search(name):
        raise FormatError("NOTE_KEY_NAME", f"{shown(name)} is no key name")
    _utf8(name)


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FormatError("NOTE_UTF8", "a note holds no lone surrogate") from error

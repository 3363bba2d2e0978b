"""Owns signed notes: verifier keys, signature lines, checkpoints (docs/spec/format.md §11).

The forms are those of C2SP signed-note, tlog-checkpoint and tlog-cosignature; the signature rules
are `signatures`'. Proved by tests/unit/format/test_notes.py.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from verifier.format import signatures
from verifier.format.digests import Digest, b64_decode, b64_encode, sha256, shown
from verifier.format.errors import FormatError
from verifier.format.heads import parse_decimal
from verifier.format.jsonc import MAX_INTEGER
from verifier.format.signatures import (
    ED25519,
    ED25519_SIGNATURE_LENGTH,
    ML_DSA_44,
    ML_DSA_44_SIGNATURE_LENGTH,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

MAX_NOTE_BYTES = 16 * 1024  # a checkpoint with 16 signatures, two of them ML-DSA-44, stays below
MAX_SIGNATURES = 16  # C2SP signed-note: at least as many as a reader must accept
KEY_ID_LENGTH = 4  # bytes
MAX_TIMESTAMP = 2**63 - 1  # POSIX seconds; C2SP tlog-cosignature

_TIMESTAMP_LENGTH = 8  # bytes
_LABEL = b"subtree/v1\n\x00"  # C2SP tlog-cosignature: what the signed message begins with
_MAX_OPAQUE = 255  # bytes: the length of a name in the signed message is one byte
_SIGNATURE_LENGTHS = {
    ED25519: ED25519_SIGNATURE_LENGTH,
    ML_DSA_44: _TIMESTAMP_LENGTH + ML_DSA_44_SIGNATURE_LENGTH,
}
_MARK = "— "  # U+2014 and a space begin a signature line
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_ID = re.compile(r"[0-9a-f]{8}")


class VKey(NamedTuple):
    """A public key of a signature type under a name. `text` is its vkey.

    The same name and id mean this key. A key set may name types that this verifier does not know.
    """

    name: str
    key_id: bytes
    kind: int
    public_key: bytes
    text: str

    @property
    def known(self) -> bool:
        """Whether signatures of this type can be checked."""
        return self.kind in _SIGNATURE_LENGTHS


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


def key_id(name: str, kind: int, public_key: bytes) -> bytes:
    """The four bytes that, with the name, say which key signed."""
    # format.md §11: H(key name ‖ LF ‖ type ‖ public key)[0:4]
    return sha256(_utf8(name) + b"\n" + bytes([kind]) + public_key)[:KEY_ID_LENGTH]


def make_vkey(name: str, public_key: bytes, kind: int = ED25519) -> VKey:
    """The verifier key of a public key under a name, by default an Ed25519 key.

    Raises FormatError NOTE_KEY_NAME, and for the known types KEY_LENGTH or KEY_NOT_CANONICAL.
    """
    _check_name(name)
    if kind in signatures.PUBLIC_KEY_LENGTHS:
        signatures.check_public_key(kind, public_key)
    number = key_id(name, kind, public_key)
    # format.md §11: <key name>+<hex key id>+<b64(type ‖ public key)>
    text = f"{name}+{number.hex()}+{b64_encode(bytes([kind]) + public_key)}"
    return VKey(name, number, kind, public_key, text)


def read_vkey(text: str) -> VKey:
    """Read a verifier key of any signature type.

    Raises FormatError KEY_FORM, KEY_ID (the id is not the key's), NOTE_KEY_NAME, B64_FORM, and for
    the known types KEY_LENGTH or KEY_NOT_CANONICAL.
    """
    parts = text.split("+", 2)
    if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
        raise FormatError("KEY_FORM", f"want name+hex+base64, got {shown(text)}")
    name, number, encoded = parts
    raw = b64_decode(encoded)
    if len(raw) < 2:
        raise FormatError("KEY_FORM", f"a vkey has a type and a key, got {shown(text)}")
    vkey = make_vkey(name, raw[1:], raw[0])
    if vkey.key_id.hex() != number:
        raise FormatError(
            "KEY_ID", f"the key id of {shown(name)} is {vkey.key_id.hex()}, got {number}"
        )
    return vkey


def parse_vkey(text: str) -> VKey:
    """Read a verifier key whose signatures can be checked.

    Raises FormatError as `read_vkey` does, and KEY_TYPE_UNKNOWN for another signature type.
    """
    vkey = read_vkey(text)
    _check_known(vkey)
    return vkey


def _check_known(vkey: VKey) -> None:
    if not vkey.known:
        raise FormatError(
            "KEY_TYPE_UNKNOWN",
            f"{shown(vkey.name)} has a key of type {vkey.kind:#04x}, want 0x01 or 0x06",
        )


def parse_note(note: str | bytes, limit: int = MAX_NOTE_BYTES) -> Note:
    """Read a signed note of at most `limit` bytes; nothing of it is verified.

    Raises FormatError NOTE_SIZE, NOTE_UTF8, NOTE_CONTROL, NOTE_FORM, NOTE_SIGNATURE_LINE,
    NOTE_SIGNATURES (none or more than 16), NOTE_KEY_NAME, NOTE_KEY_TWICE or B64_FORM.
    """
    # A character is one byte at least, so no longer text is ever encoded.
    if len(note) > limit or len(note if isinstance(note, bytes) else _utf8(note)) > limit:
        raise FormatError("NOTE_SIZE", f"a note has at most {limit} bytes")
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
    found = tuple([_signature(line) for line in lines])
    seen = set()
    for one in found:
        if (one.name, one.key_id) in seen:
            raise FormatError("NOTE_KEY_TWICE", f"two lines of key {one.name}+{one.key_id.hex()}")
        seen.add((one.name, one.key_id))
    return Note(text, found, whole)


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


def cosigned_message(name: str, timestamp: int, checkpoint: Checkpoint) -> bytes:
    """The message of an ML-DSA-44 signature of a checkpoint by the key `name` (C2SP cosignature).

    Raises FormatError NOTE_TIMESTAMP, or NOTE_KEY_NAME for a name of more than 255 bytes.
    """
    if not 0 <= timestamp <= MAX_TIMESTAMP:
        raise FormatError("NOTE_TIMESTAMP", f"a timestamp is from 0 to 2^63 − 1, got {timestamp}")
    # format.md §11: "subtree/v1\n" ‖ 0x00 ‖ u8 length ‖ key name ‖ u64 timestamp ‖ u8 length ‖
    # origin ‖ u64 0 ‖ u64 size ‖ root
    return b"".join(
        (
            _LABEL,
            _opaque(name),
            timestamp.to_bytes(8),
            _opaque(checkpoint.origin),
            bytes(8),
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def _opaque(name: str) -> bytes:
    raw = _utf8(name)
    if len(raw) > _MAX_OPAQUE:
        raise FormatError("NOTE_KEY_NAME", f"a name has at most 255 bytes, got {len(raw)}")
    return bytes([len(raw)]) + raw


def signature_line(vkey: VKey, signature: bytes) -> str:
    """The line of a signature, ended by LF; of ML-DSA-44 the timestamp comes first.

    Raises FormatError NOTE_SIGNATURE or KEY_TYPE_UNKNOWN.
    """
    _check_known(vkey)
    signatures.check_signature_length(signature, _SIGNATURE_LENGTHS[vkey.kind])
    # format.md §11: — <key name> <b64(key id ‖ signature)>
    return f"{_MARK}{vkey.name} {b64_encode(vkey.key_id + signature)}\n"


def sign(text: str, name: str, private_key: "Ed25519PrivateKey") -> str:
    """Make a note of `text`, which ends with LF, signed by one Ed25519 key under `name`.

    Raises FormatError NOTE_FORM or NOTE_KEY_NAME.
    """
    return signed(text, make_vkey(name, private_key.public_key().public_bytes_raw()), private_key)


def signed(text: str, vkey: VKey, private_key: "Ed25519PrivateKey") -> str:
    """The same for a key of which the verification key is known. Raises FormatError NOTE_FORM."""
    if not text.endswith("\n"):
        raise FormatError("NOTE_FORM", f"a note's text ends with LF, got {shown(text)}")
    return text + "\n" + signature_line(vkey, private_key.sign(_utf8(text)))


def cosign(note: str, name: str, private_key: "MLDSA44PrivateKey", timestamp: int) -> str:
    """The note of a checkpoint with one line more: of an ML-DSA-44 key under `name`.

    `timestamp` is in POSIX seconds. Raises FormatError as `parse_note`, `parse_checkpoint_text` and
    `cosigned_message` do.
    """
    checkpoint = parse_checkpoint_text(parse_note(note).text)
    vkey = make_vkey(name, private_key.public_key().public_bytes_raw(), ML_DSA_44)
    message = cosigned_message(name, timestamp, checkpoint)
    return note + signature_line(vkey, timestamp.to_bytes(8) + private_key.sign(message))


def time_stamped_bytes(note: Note) -> bytes:
    """What a time-stamp token (RFC 3161) of a note is over: its text, whoever signed it."""
    # format.md §11: the note's text, with its last LF and without any signature line
    return _utf8(note.text)


def verify(note: Note, vkeys: Iterable[VKey | str]) -> VerifiedNote:
    """Check a note against the keys that the caller trusts.

    Lines of other keys are passed over. Raises FormatError NOTE_KEY_UNKNOWN if none of these
    keys signed; NOTE_SIGNATURE if one of them did and the signature is not good, or
    NOTE_SIGNATURE_NOT_CANONICAL or NOTE_TIMESTAMP; CHECKPOINT_LINES and its like if an ML-DSA-44
    key signed what is no checkpoint; KEY_COLLISION for two keys of one name and id; and what
    `parse_vkey` raises, KEY_TYPE_UNKNOWN among it.
    """
    known: dict[tuple[str, bytes], VKey] = {}
    for one in vkeys:
        vkey = parse_vkey(one) if isinstance(one, str) else one
        _check_known(vkey)
        other = known.setdefault((vkey.name, vkey.key_id), vkey)
        if other != vkey:
            raise FormatError("KEY_COLLISION", f"two keys are {vkey.name}+{vkey.key_id.hex()}")
    signers = []
    for signature in note.signatures:
        signer = known.get((signature.name, signature.key_id))
        if signer is not None:
            _check_signature(note, signer, signature.raw)
            signers.append(signer)
    if not signers:
        names = ", ".join([shown(signature.name) for signature in note.signatures])
        raise FormatError("NOTE_KEY_UNKNOWN", f"signed by none of {len(known)} keys, but {names}")
    return VerifiedNote(note, tuple(signers))


def verify_each(note: Note, vkeys: Iterable[VKey]) -> VerifiedNote:
    """Check that each of these keys signed, and well.

    Raises FormatError NOTE_SIGNATURE_MISSING, or as `verify` does.
    """
    wanted = tuple(vkeys)
    lines = {(signature.name, signature.key_id) for signature in note.signatures}
    for vkey in wanted:
        if vkey.known and (vkey.name, vkey.key_id) not in lines:
            raise FormatError(
                "NOTE_SIGNATURE_MISSING",
                f"no signature of the {signatures.NAMES[vkey.kind]} key "
                f"{vkey.name}+{vkey.key_id.hex()}",
            )
    return verify(note, wanted)


def _check_signature(note: Note, signer: VKey, raw: bytes) -> None:
    if signer.kind == ED25519:
        signatures.check_ed25519(signer.public_key, raw, _utf8(note.text))
        return
    signatures.check_signature_length(raw, _SIGNATURE_LENGTHS[ML_DSA_44])
    timestamp = int.from_bytes(raw[:_TIMESTAMP_LENGTH])
    message = cosigned_message(signer.name, timestamp, parse_checkpoint_text(note.text))
    signatures.check_ml_dsa_44(signer.public_key, raw[_TIMESTAMP_LENGTH:], message)


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

"""Owns key sets: which keys sign for a log (docs/spec/format.md §10).

Proved by tests/unit/format/test_key_sets.py and tests/property/format/test_parsers.py.
"""

from collections.abc import Iterable
from typing import NamedTuple

from verifier.format import notes
from verifier.format.digests import Digest, sha256, shown
from verifier.format.errors import FormatError
from verifier.format.heads import check_log_name
from verifier.format.notes import Note, VerifiedNote, VKey
from verifier.format.receipts import receipts_origin
from verifier.format.signatures import ED25519

FORMAT = "notary-keys/1"
CHECKPOINT, RECEIPT = "checkpoint", "receipt"
MAX_KEYS = 16  # one a signature type; a note has as many lines at most
MAX_BYTES = 64 * 1024  # 16 keys of the largest known size have half of it


class KeySet(NamedTuple):
    """The keys that sign for `log`. `checkpoint` holds one key a type, in the order of the text."""

    log: str
    checkpoint: tuple[VKey, ...]
    receipt: VKey

    @property
    def unknown(self) -> tuple[VKey, ...]:
        """The checkpoint keys whose signatures this verifier can't check."""
        return tuple([key for key in self.checkpoint if not key.known])


def make(checkpoint: Iterable[VKey], receipt: VKey) -> KeySet:
    """The key set of these keys, brought into its order. Raises FormatError KEY_SET_…."""
    lines = [_line(CHECKPOINT, key) for key in checkpoint] + [_line(RECEIPT, receipt)]
    return parse(_text(sorted(lines)))


def encode(key_set: KeySet) -> bytes:
    """Write a key set."""
    lines = [_line(CHECKPOINT, key) for key in key_set.checkpoint]
    return _text([*lines, _line(RECEIPT, key_set.receipt)])


def digest(key_set: KeySet) -> Digest:
    """What headers name a key set by."""
    # format.md §10: H of its bytes
    return sha256(encode(key_set))


def parse(data: bytes) -> KeySet:
    """Read a key set. Keys of unknown signature types are kept.

    Raises FormatError KEY_SET_FORM (no text of such lines, or too long), KEY_SET_ORDER (a line
    stands twice or too late), KEY_SET_TYPES (not one Ed25519 key of each use, or two of one type),
    KEY_SET_NAME (not the name of one log), KEY_SET_EQUAL (one key for both uses), or as
    `notes.read_vkey` and `check_log_name` do.
    """
    if len(data) > MAX_BYTES:
        raise FormatError("KEY_SET_FORM", f"want at most {MAX_BYTES} bytes, got {len(data)}")
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("KEY_SET_FORM", f"byte {error.start} is not ASCII") from error
    if len(lines) < 2 or lines.pop() or lines.pop(0) != FORMAT:
        raise FormatError("KEY_SET_FORM", f"want {FORMAT}, then keys, LF each")
    if len(lines) > MAX_KEYS:
        raise FormatError("KEY_SET_FORM", f"want at most {MAX_KEYS} keys, got {len(lines)}")
    keys: dict[str, list[VKey]] = {CHECKPOINT: [], RECEIPT: []}
    previous = ""
    for line in lines:
        use, _, vkey = line.partition(" ")
        if use not in keys:
            raise FormatError(
                "KEY_SET_FORM", f"want checkpoint or receipt and a vkey, got {shown(line)}"
            )
        keys[use].append(notes.read_vkey(vkey))
        if not previous < line:
            raise FormatError("KEY_SET_ORDER", f"{shown(line)} stands twice or too late")
        previous = line
    return _checked(tuple(keys[CHECKPOINT]), keys[RECEIPT])


def _checked(checkpoint: tuple[VKey, ...], receipt: list[VKey]) -> KeySet:
    kinds = [key.kind for key in checkpoint]
    if ED25519 not in kinds or len(set(kinds)) != len(kinds):
        raise FormatError(
            "KEY_SET_TYPES",
            f"want one Ed25519 checkpoint key and at most one of each other type, got types {kinds}",
        )
    if [key.kind for key in receipt] != [ED25519]:
        raise FormatError(
            "KEY_SET_TYPES",
            f"want one receipt key of type 1, got types {[key.kind for key in receipt]}",
        )
    log = check_log_name(checkpoint[0].name)
    for key, name in [*[(key, log) for key in checkpoint], (receipt[0], receipts_origin(log))]:
        if key.name != name:
            raise FormatError("KEY_SET_NAME", f"want a key of {name}, got one of {shown(key.name)}")
    if receipt[0].public_key in [key.public_key for key in checkpoint]:
        raise FormatError("KEY_SET_EQUAL", "the receipt key is the checkpoint key as well")
    return KeySet(log, checkpoint, receipt[0])


def check_checkpoint(note: Note, key_set: KeySet) -> VerifiedNote:
    """Check that every checkpoint key of the set signed the note, and well.

    Raises FormatError NOTE_SIGNATURE_MISSING and as `notes.verify` does; and KEY_TYPE_UNKNOWN if all
    other signatures are good and the set has a key of an unknown type, which is never ignored.
    """
    notes.verify_each(note, [key for key in key_set.checkpoint if key.known])
    return notes.verify_each(note, key_set.checkpoint)


def _line(use: str, key: VKey) -> str:
    return f"{use} {key.text}"


def _text(lines: list[str]) -> bytes:
    try:
        return "".join([f"{line}\n" for line in [FORMAT, *lines]]).encode("ascii")
    except UnicodeEncodeError as error:
        raise FormatError("KEY_SET_NAME", "the name of a key is not that of a log") from error

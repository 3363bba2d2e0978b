"""Owns the C2SP tlog-proof of a batch header, v1 (docs/spec/package.md §1).

Proved by tests/unit/format/test_tlogproof.py.
"""

from typing import NamedTuple

from verifier.format.digests import Digest, b64_decode, b64_encode, shown
from verifier.format.errors import FormatError
from verifier.format.heads import parse_decimal
from verifier.format.notes import Checkpoint, Note, parse_checkpoint_text, parse_note
from verifier.format.trees import MAX_PATH

FIRST_LINE = "c2sp.org/tlog-proof@v1"

# The first line, the index, the hashes of 44 characters, and the largest note.
_MAX_BYTES = 100 + 45 * MAX_PATH + 16 * 1024


class TlogProof(NamedTuple):
    """Item `index` of the log is under the checkpoint by `path`. The note is unverified."""

    index: int  # type: ignore[assignment]  # not the method of tuples
    path: tuple[Digest, ...]
    note: Note

    @property
    def checkpoint(self) -> Checkpoint:
        """Origin, size and root that the note's text states, unverified."""
        return parse_checkpoint_text(self.note.text)


def parse(data: bytes) -> TlogProof:
    """Read a tlog-proof without extra data, which nothing would authenticate.

    Raises FormatError TLOG_PROOF_FORM, TLOG_PROOF_EXTRA, TLOG_PROOF_LENGTH, DECIMAL_FORM,
    B64_FORM, DIGEST_LENGTH, NOTE_… or CHECKPOINT_LINES.
    """
    if len(data) > _MAX_BYTES:
        raise FormatError("TLOG_PROOF_LENGTH", f"want at most {_MAX_BYTES} bytes, got {len(data)}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("TLOG_PROOF_FORM", f"byte {error.start} is not UTF-8") from error
    # C2SP tlog-proof: the first empty line separates the proof from the checkpoint.
    head, empty_line, note = text.partition("\n\n")
    lines = head.split("\n")
    if not empty_line or lines[0] != FIRST_LINE or len(lines) < 2:
        raise FormatError("TLOG_PROOF_FORM", f"want {FIRST_LINE}, got {shown(lines[0])}")
    if lines[1].startswith("extra "):
        raise FormatError("TLOG_PROOF_EXTRA", "extra data has no place in a package")
    if not lines[1].startswith("index "):
        raise FormatError("TLOG_PROOF_FORM", f"want index and a number, got {shown(lines[1])}")
    index = parse_decimal(lines[1].removeprefix("index "), "index of the tlog-proof")
    if len(lines) - 2 > MAX_PATH:
        raise FormatError("TLOG_PROOF_LENGTH", f"want at most 64 hashes, got {len(lines) - 2}")
    path = tuple([Digest(b64_decode(line)) for line in lines[2:]])
    proof = TlogProof(index, path, parse_note(note))
    # A note of any other text is no checkpoint.
    parse_checkpoint_text(proof.note.text)
    return proof


def encode(proof: TlogProof) -> bytes:
    """Write a tlog-proof. Raises FormatError TLOG_PROOF_LENGTH."""
    if len(proof.path) > MAX_PATH:
        raise FormatError("TLOG_PROOF_LENGTH", f"want at most 64 hashes, got {len(proof.path)}")
    lines = [FIRST_LINE, f"index {proof.index}", *[b64_encode(one) for one in proof.path], ""]
    return ("\n".join(lines) + "\n" + proof.note.whole).encode("utf-8")

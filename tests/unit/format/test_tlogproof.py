"""tlog-proofs of batch headers."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.reference.refusal import refused
from verifier.format import notes, tlogproof, trees
from verifier.format.digests import b64_encode

LOG = "notary.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
LEAVES = [trees.leaf_hash(bytes([i])) for i in range(5)]
NOTE = notes.sign(notes.checkpoint_text(LOG, 5, trees.root(LEAVES)), LOG, KEY)
PROOF = tlogproof.TlogProof(3, tuple(trees.inclusion_path(LEAVES, 3)), notes.parse_note(NOTE))
DATA = tlogproof.encode(PROOF)


def test_a_proof_is_lines_then_the_checkpoint() -> None:
    hashes = "".join(b64_encode(one) + "\n" for one in PROOF.path)
    assert DATA.decode() == f"c2sp.org/tlog-proof@v1\nindex 3\n{hashes}\n{NOTE}"
    assert tlogproof.parse(DATA) == PROOF
    assert PROOF.checkpoint == notes.Checkpoint(LOG, 5, trees.root(LEAVES))


def test_a_proof_without_hashes_comes_back() -> None:
    lone = PROOF._replace(index=0, path=())
    assert tlogproof.parse(tlogproof.encode(lone)) == lone


def test_a_proof_of_64_hashes_stands() -> None:
    longest = PROOF._replace(path=(PROOF.path * 32)[:64])
    assert len(longest.path) == 64
    assert tlogproof.parse(tlogproof.encode(longest)) == longest


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"@v1\n", b"@v2\n", "TLOG_PROOF_FORM"),
        (b"@v1\n", b"@v1\r\n", "TLOG_PROOF_FORM"),
        (b"@v1\n", b"@v1\nextra YQ==\n", "TLOG_PROOF_EXTRA"),
        (b"index 3\n", b"", "TLOG_PROOF_FORM"),
        (b"index 3\n", b"index  3\n", "DECIMAL_FORM"),
        (b"index 3\n", b"index 03\n", "DECIMAL_FORM"),
        (b"index 3\n", b"index 3\nindex 3\n", "B64_FORM"),
        (b"index 3\n", b"index 3\n\n", "CHECKPOINT_LINES"),
        (b"index 3\n", b"index 3\nAAAA\n", "DIGEST_LENGTH"),
        (b"index 3\n", b"index 3\n" + (b64_encode(bytes(32)) + "\n").encode() * 62,
         "TLOG_PROOF_LENGTH"),
        ("—".encode(), b"-", "NOTE_SIGNATURE_LINE"),
        ("—".encode(), b"\xff", "TLOG_PROOF_FORM"),
    ],
)  # fmt: skip
def test_a_damaged_proof_is_refused(old: bytes, new: bytes, code: str) -> None:
    assert old in DATA
    with refused(code):
        tlogproof.parse(DATA.replace(old, new))


def test_a_proof_without_checkpoint_is_refused() -> None:
    for data in (b"", b"c2sp.org/tlog-proof@v1\n\n", DATA.split(b"\n\n")[0] + b"\n"):
        with refused("TLOG_PROOF_FORM"):
            tlogproof.parse(data)


def test_a_proof_beyond_all_bounds_is_refused() -> None:
    with refused("TLOG_PROOF_LENGTH"):
        tlogproof.parse(DATA + b"a" * 30_000)
    with refused("TLOG_PROOF_LENGTH"):
        tlogproof.encode(PROOF._replace(path=PROOF.path * 30))

"""Owns the map from matter keys to blinded heads: hashes and proofs (docs/spec/format.md §9).

Whoever built a tree, one root gives one answer for each key: at each depth the hash opens as a
node, a leaf or nothing, never as two of them. Proved by tests/unit/format/test_matter_map.py,
over hostile trees as well.
"""

import hmac
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256 as _sha256
from typing import NamedTuple

from verifier.format import jsonc
from verifier.format.digests import ZERO, Digest, sha256
from verifier.format.errors import FormatError
from verifier.format.members import Members

FORMAT = "notary-map-proof/1"
BLIND_LENGTH = 16  # bytes: beyond guessing, and half a digest
KEY_BITS = 256


class Kind(StrEnum):
    """What a proof says; always stated, so that an empty path alone never means absence."""

    INCLUSION = "inclusion"
    ABSENT_LEAF = "absent-leaf"
    ABSENT_EMPTY = "absent-empty"


class MapProof(NamedTuple):
    """A map proof as it stands in a file.

    `path` holds siblings from the root downwards. `head` and `blind` are there with INCLUSION,
    `leaf_key` and `leaf_value` with ABSENT_LEAF, and only with these.
    """

    batch: int
    kind: Kind
    path: tuple[Digest, ...]
    head: str | None = None
    blind: bytes | None = None
    leaf_key: Digest | None = None
    leaf_value: Digest | None = None


class MapAnswer(NamedTuple):
    """The one answer of a map root for a key: this head with this blind, or none."""

    key: Digest
    root: Digest
    head: str | None
    blind: bytes | None

    @property
    def present(self) -> bool:
        """Whether the map has the key."""
        return self.head is not None


def blind(secret: bytes, batch: int, key: bytes) -> bytes:
    """The blind of a matter that changed in this batch."""
    # format.md §9: HMAC(map secret, "notary/map-blind/v1" ‖ u64 batch ‖ key)[0:16]
    message = b"notary/map-blind/v1" + batch.to_bytes(8, "big") + key
    return hmac.digest(secret, message, "sha256")[:BLIND_LENGTH]


def value(head_text: str, blind: bytes) -> Digest:
    """The value of a matter. Raises FormatError MAP_BLIND for a blind that has not 16 bytes."""
    if len(blind) != BLIND_LENGTH:
        raise FormatError("MAP_BLIND", f"a blind has {BLIND_LENGTH} bytes, got {len(blind)}")
    # format.md §9: H(head ‖ blind)
    return sha256(_head_bytes(head_text) + blind)


def leaf_hash(key: bytes, value: bytes) -> Digest:
    """Hash one matter of the map."""
    # format.md §9: H(0x02 ‖ key ‖ value)
    return sha256(b"\x02" + key + value)


def node_hash(left: bytes, right: bytes) -> Digest:
    """Hash two subtrees; an empty one is 32 zero bytes."""
    # format.md §9: H(0x03 ‖ left ‖ right)
    return sha256(b"\x03" + left + right)


def bit(key: bytes, i: int) -> int:
    """Bit i of a key, the most significant bit of the first byte being bit 0."""
    return key[i >> 3] >> (7 - (i & 7)) & 1


def shared_bits(a: bytes, b: bytes) -> int:
    """How many leading bits two keys of 32 bytes have in common, up to 256."""
    return KEY_BITS - (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_length()


def check(proof: MapProof, key: Digest, root: Digest) -> MapAnswer:
    """Check the proof for `key` under `root`.

    Raises FormatError MAP_PROOF_FORM, MAP_PATH_LENGTH, MAP_NOT_LONE (the last sibling is
    empty: the tree is not in its one form), MAP_ABSENT_SAME_KEY, MAP_ABSENT_OTHER_PATH or
    MAP_ROOT. Source: docs/spec/format.md §9.
    """
    _check_members(proof)
    d = len(proof.path)
    if d > KEY_BITS:
        raise FormatError("MAP_PATH_LENGTH", f"a key has {KEY_BITS} bits, got {d} siblings")
    if d and proof.path[-1] == ZERO:
        raise FormatError("MAP_NOT_LONE", "the last sibling is 32 zero bytes")
    if proof.kind is Kind.INCLUSION:
        assert proof.head is not None
        assert proof.blind is not None
        running = leaf_hash(key, value(proof.head, proof.blind))
    elif proof.kind is Kind.ABSENT_LEAF:
        assert proof.leaf_key is not None
        assert proof.leaf_value is not None
        if proof.leaf_key == key:
            raise FormatError("MAP_ABSENT_SAME_KEY", "the other leaf has the key itself")
        # A leaf that the path of the key does not reach says nothing about the key.
        shared = shared_bits(proof.leaf_key, key)
        if shared < d:
            raise FormatError(
                "MAP_ABSENT_OTHER_PATH", f"the other leaf shares {shared} bits, want {d}"
            )
        running = leaf_hash(proof.leaf_key, proof.leaf_value)
    else:
        running = ZERO
    rebuilt = _climb(running, key, proof.path)
    if rebuilt != root:
        raise FormatError("MAP_ROOT", f"the proof leads to root {rebuilt.hex()}, want {root.hex()}")
    return MapAnswer(key, root, proof.head, proof.blind)


def _climb(running: bytes, key: bytes, path: Sequence[bytes]) -> bytes:
    # format.md §9: for i from d − 1 down to 0, the running hash is the left child if bit i is 0.
    for i in range(len(path) - 1, -1, -1):
        # format.md §9: H(0x03 ‖ left ‖ right)
        pair = path[i] + running if bit(key, i) else running + path[i]
        running = _sha256(b"\x03" + pair).digest()
    return running


def _head_bytes(head_text: str) -> bytes:
    try:
        return head_text.encode("ascii")
    except UnicodeEncodeError as error:
        raise FormatError("MAP_PROOF_FORM", "a head is ASCII") from error


def _check_members(proof: MapProof) -> None:
    has_head = proof.head is not None and proof.blind is not None
    no_head = proof.head is None and proof.blind is None
    has_leaf = proof.leaf_key is not None and proof.leaf_value is not None
    no_leaf = proof.leaf_key is None and proof.leaf_value is None
    head_right = has_head if proof.kind is Kind.INCLUSION else no_head
    leaf_right = has_leaf if proof.kind is Kind.ABSENT_LEAF else no_leaf
    if not (head_right and leaf_right):
        raise FormatError(
            "MAP_PROOF_FORM", f"head, blind and leaf are not those of kind {proof.kind.value}"
        )


def parse(data: bytes) -> MapProof:
    """Read a map proof.

    Raises FormatError JSON_…, MEMBER_… or MAP_PROOF_FORM for an unknown kind.
    """
    members = Members(jsonc.decode(data, "map proof"), "map proof")
    members.literal("format", FORMAT)
    batch = members.integer("batch")
    kind_text = members.text("kind")
    try:
        kind = Kind(kind_text)
    except ValueError as error:
        raise FormatError("MAP_PROOF_FORM", f"unknown kind {kind_text!a}") from error
    path = members.hashes("path", KEY_BITS)
    head = blind = leaf_key = leaf_value = None
    if kind is Kind.INCLUSION:
        head = members.text("head")
        blind = members.hexbytes("blind", BLIND_LENGTH)
    elif kind is Kind.ABSENT_LEAF:
        leaf = members.object("leaf")
        leaf_key = leaf.hex32("key")
        leaf_value = leaf.hex32("value")
        leaf.done()
    members.done()
    return MapProof(batch, kind, path, head, blind, leaf_key, leaf_value)


def encode(proof: MapProof) -> bytes:
    """Write a map proof. Raises FormatError MAP_PROOF_FORM if its members are not its kind's."""
    _check_members(proof)
    document: dict[str, jsonc.Json] = {
        "format": FORMAT,
        "batch": proof.batch,
        "kind": proof.kind.value,
        "path": [sibling.hex() for sibling in proof.path],
    }
    if proof.head is not None and proof.blind is not None:
        document["head"] = proof.head
        document["blind"] = proof.blind.hex()
    if proof.leaf_key is not None and proof.leaf_value is not None:
        document["leaf"] = {"key": proof.leaf_key.hex(), "value": proof.leaf_value.hex()}
    return jsonc.encode(document)

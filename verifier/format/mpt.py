"""Owns Merkle-Patricia proofs of presence (docs/spec/anchor.md §3).

A proof holds exactly the nodes on the path that are hashed, from the root, each used once.
Proved by tests/unit/format/test_mpt.py against PyPI's `trie` and a real mainnet block.
"""

from collections.abc import Sequence

from verifier.format import rlp
from verifier.format.digests import DIGEST_LENGTH, Digest
from verifier.format.errors import FormatError
from verifier.format.keccak import keccak256

_BRANCH_ITEMS = 17  # sixteen children and a value
_SHORT_ITEMS = 2  # a leaf or an extension: path and value or child


def prove(root: Digest, key: bytes, nodes: Sequence[bytes]) -> bytes:
    """The value at `key` in the trie under `root`, by the nodes of the path.

    Raises FormatError MPT_ABSENT if the nodes show that there is none, which is never what we
    ask for; MPT_NODE_MISSING, MPT_NODE_HASH, MPT_NODE_FORM, MPT_NODE_EXTRA, or RLP_….
    Source: yellow paper, appendix D.
    """
    nibbles = [half for byte in key for half in (byte >> 4, byte & 15)]
    at = used = 0
    value = b""
    # What stands for a node in its parent: its hash, or the node itself if it is short.
    reference: rlp.Item = root
    while True:
        if isinstance(reference, list):
            # Appendix D, function n: what is shorter than 32 bytes stands inside its parent.
            if len(rlp.encode(reference)) >= DIGEST_LENGTH:
                raise FormatError("MPT_NODE_FORM", "a node of 32 bytes or more stands inside")
            node = reference
        else:
            if len(reference) != DIGEST_LENGTH:
                raise FormatError(
                    "MPT_NODE_FORM", f"a child has 32 bytes or none, got {len(reference)}"
                )
            if used == len(nodes):
                raise FormatError(
                    "MPT_NODE_MISSING", f"the path goes on after {used} nodes, at nibble {at}"
                )
            node = _hashed_node(reference, nodes[used], is_root=used == 0)
            used += 1
        if len(node) == _BRANCH_ITEMS:
            if at == len(nibbles):
                value = _bytes(node[16])
                break
            reference = node[nibbles[at]]
            at += 1
        else:
            path, is_leaf = _path(node)
            matches = nibbles[at : at + len(path)] == path
            if is_leaf:
                value = _bytes(node[1]) if matches and at + len(path) == len(nibbles) else b""
                break
            reference = node[1] if matches else b""
            at += len(path)
        if reference == b"":
            break
    if used != len(nodes):
        raise FormatError("MPT_NODE_EXTRA", f"the path ends after {used} of {len(nodes)} nodes")
    if value == b"":
        raise FormatError("MPT_ABSENT", f"the trie has no value at key {key.hex()}")
    return value


def _hashed_node(reference: bytes, node: bytes, *, is_root: bool) -> list[rlp.Item]:
    if keccak256(node) != reference:
        raise FormatError(
            "MPT_NODE_HASH", f"node {keccak256(node).hex()} stands where {reference.hex()} belongs"
        )
    # Appendix D: only the root is hashed when it is short.
    if len(node) < DIGEST_LENGTH and not is_root:
        raise FormatError("MPT_NODE_FORM", f"a node of {len(node)} bytes is not inside its parent")
    return _checked(rlp.decode_list(node, "node"))


def _checked(node: list[rlp.Item]) -> list[rlp.Item]:
    if len(node) not in (_BRANCH_ITEMS, _SHORT_ITEMS):
        raise FormatError("MPT_NODE_FORM", f"a node has 17 or 2 items, got {len(node)}")
    return node


def _path(node: list[rlp.Item]) -> tuple[list[int], bool]:
    # Appendix C: hex-prefix encoding. The first nibble has bit 1 for a leaf, bit 0 for odd.
    _checked(node)
    encoded = _bytes(node[0])
    if not encoded or encoded[0] >> 4 > 3:
        raise FormatError("MPT_NODE_FORM", f"a path begins with 0 to 3, got {encoded[:1].hex()}")
    flags = encoded[0] >> 4
    is_leaf, is_odd = bool(flags & 2), bool(flags & 1)
    path = [half for byte in encoded[1:] for half in (byte >> 4, byte & 15)]
    if is_odd:
        path.insert(0, encoded[0] & 15)
    elif encoded[0] & 15:
        raise FormatError("MPT_NODE_FORM", f"a path is padded with 0, got {encoded[0] & 15}")
    if not is_leaf and not path:
        raise FormatError("MPT_NODE_FORM", "an extension has an empty path")
    return path, is_leaf


def _bytes(item: rlp.Item) -> bytes:
    if not isinstance(item, bytes):
        raise FormatError("MPT_NODE_FORM", "want bytes in a node, got a list")
    return item

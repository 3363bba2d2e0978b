"""Receipts of one commit, made fast: bodies from a template, one tree, one signature.

`verifier.format.receipts` is the definition; tests/unit/core/test_receipts.py compares every byte
with it. The template is worth having because every accepted record passes through it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notary.core.keyring import NoteSigner
from notary.core.log_identity import LogIdentity
from verifier.format import jsonc, notes, receipts, trees
from verifier.format.digests import DIGEST_LENGTH
from verifier.format.times import format_time


@dataclass(frozen=True)
class ReceiptGroup:
    """What the store keeps of a commit's receipts: the signed note and the tree's leaf hashes."""

    note: str
    leaf_hashes: bytes


class ReceiptBodies:
    """Writes the bodies of one commit: the same log, the same times."""

    def __init__(self, identity: LogIdentity, received_at: datetime, deadline: datetime) -> None:
        # docs/spec/format.md §12, members in canonical order; a log name needs no quoting.
        self._before_root = (
            f'{{"chain_id":{identity.chain_id},"contract":"0x{identity.contract.hex()}",'
            f'"deadline":"{format_time(deadline)}","head":{{"root":"'
        )
        self._before_matter = (
            f'","log":"{identity.name}","log_address":"0x{identity.log_address.hex()}","matter":"'
        )
        self._after_position = f',"received_at":"{format_time(received_at)}"}}'

    def write(self, matter_key: bytes, position: int, leaf_hash: bytes, head_root: bytes) -> str:
        """The body of one record; the head's size is position + 1."""
        return (
            f'{self._before_root}{head_root.hex()}","size":{position + 1}}},'
            f'"leaf":"{leaf_hash.hex()}{self._before_matter}{matter_key.hex()}",'
            f'"position":{position}{self._after_position}'
        )


def sign_group(bodies: Sequence[str], log: str, signer: NoteSigner) -> ReceiptGroup:
    """One signature over all bodies of a commit, at least one."""
    leaf_hashes = [trees.leaf_hash(body.encode("ascii")) for body in bodies]
    text = notes.checkpoint_text(
        receipts.receipts_origin(log), len(bodies), trees.root(leaf_hashes)
    )
    return ReceiptGroup(signer.sign(text), b"".join(leaf_hashes))


def write_receipts(bodies: Mapping[int, str], group: ReceiptGroup) -> dict[int, bytes]:
    """Receipts by index in the group: the same bytes whenever and for however many they are asked.

    `bodies` are some or all of the group's, by index.
    """
    note = jsonc.encode(group.note).decode()
    paths = _PathTexts(group.leaf_hashes)
    return {
        index: (
            f'{{"body":{body},"format":"{receipts.FORMAT}","index":{index},"note":{note},'
            f'"path":[{paths.text(index)}]}}'
        ).encode()
        for index, body in bodies.items()
    }


class _PathTexts:
    """Inclusion paths as JSON text. What neighbours have in common is written once."""

    def __init__(self, leaf_hashes: bytes) -> None:
        levels = trees.levels_of(
            [
                leaf_hashes[at : at + DIGEST_LENGTH]
                for at in range(0, len(leaf_hashes), DIGEST_LENGTH)
            ]
        )
        self._levels = [[f'"{node.hex()}"' for node in level] for level in levels[:-1]]
        self._above: dict[tuple[int, int], str] = {}

    def text(self, index: int) -> str:
        return self._from(0, index)

    def _from(self, height: int, index: int) -> str:
        """The path from a node upwards: the node beside it, then the path of both their parent."""
        if height == len(self._levels):
            return ""
        parent = (height + 1, index >> 1)
        above = self._above.get(parent)
        if above is None:
            above = self._above[parent] = self._from(*parent)
        level = self._levels[height]
        sibling = index ^ 1
        # docs/spec/format.md §1: an odd last one has no sibling and adds nothing.
        if sibling >= len(level):
            return above
        return f"{level[sibling]},{above}" if above else level[sibling]

"""Reads hashes of blocks that a person gives as text or as a file (docs/spec/verification.md §2).

A file without signature is her own word; a signed one is the word of whoever signed it, and counts
by the policy alone. Proved by tests/unit/check/test_block_lists.py.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from verifier.check.blocks import OWN_LEVEL, BlockId, BlockSource, Said, SourceKind
from verifier.check.policy import BlockList
from verifier.format import notes
from verifier.format.digests import Digest, shown
from verifier.format.errors import FormatError
from verifier.format.jsonc import MAX_INTEGER
from verifier.format.statement import Block

FORMAT = "notary-blocks/1"
MAX_BYTES = 2**20  # some 12,000 blocks

# verification.md §2: CHAIN:NUMBER:HASH, each number in one form.
_LINE = re.compile(r"(0|[1-9][0-9]{0,15}):(0|[1-9][0-9]{0,15}):0x([0-9a-f]{64})")


class SignedList(NamedTuple):
    """A list with signature lines, unverified. `name` is what its second line says."""

    name: str
    blocks: dict[BlockId, Digest]
    note: notes.Note


# Without a hash it can't be read as a file of hashes, so that nobody confirms a package by itself.
_FORM = """\
# Blocks that the package rests on, as its statement says. Fill in each hash from a source of your
# own: your node, or two explorers. What the package says the hashes are is left out on purpose.
"""


def form(blocks: Iterable[Block]) -> str:
    """The blocks of a package's statement as a file of hashes to be filled in, each block once."""
    uses: dict[BlockId, list[str]] = {}
    for one in blocks:
        uses.setdefault(BlockId(one.chain_id, one.number), []).append(one.used_for.value)
    return _FORM + "".join(
        f"\n[[block]]\nchain_id = {block.chain_id}\nnumber = {block.number}  # {', '.join(used)}\n"
        'hash = ""  # 0x and 64 lower-case hex digits\n'
        for block, used in uses.items()
    )


def read_line(text: str) -> tuple[BlockId, Digest]:
    """Read CHAIN:NUMBER:HASH. Raises FormatError BLOCK_LINE."""
    match = _LINE.fullmatch(text)
    if match is None or max(int(match[1]), int(match[2])) > MAX_INTEGER:
        raise FormatError(
            "BLOCK_LINE", f"want CHAIN:NUMBER:0x and 64 lower-case hex digits, got {shown(text)}"
        )
    return BlockId(int(match[1]), int(match[2])), Digest(bytes.fromhex(match[3]))


def read_lines(lines: Iterable[str]) -> dict[BlockId, Digest]:
    """Read lines of one file. Raises FormatError BLOCK_LINE, or BLOCK_CONFLICT for two hashes."""
    found: dict[BlockId, Digest] = {}
    for number, line in enumerate(lines, 1):
        try:
            block, hash_ = read_line(line)
        except FormatError as error:
            raise FormatError(error.code, f"line {number}: {error.message}") from error
        if found.setdefault(block, hash_) != hash_:
            raise FormatError(
                "BLOCK_CONFLICT",
                f"line {number}: chain {block.chain_id} block {block.number} has another hash above",
            )
    return found


def is_signed(data: bytes) -> bool:
    """Whether a file says of itself that it is a signed list; no file of the other form does."""
    return data.startswith(FORMAT.encode("ascii"))


def parse_signed(data: bytes) -> SignedList:
    """Read a signed list; no signature is checked.

    Raises FormatError NOTE_…, BLOCK_LIST_LINES, BLOCK_LINE or BLOCK_CONFLICT.
    """
    note = notes.parse_note(data, MAX_BYTES)
    first, *rest = note.text.removesuffix("\n").split("\n")
    if first != FORMAT or len(rest) < 2:
        raise FormatError("BLOCK_LIST_LINES", f"want {FORMAT}, a name, then at least one block")
    return SignedList(rest[0], read_lines(rest[1:]), note)


def check_signed(signed: SignedList, pinned: Iterable[BlockList]) -> BlockSource:
    """What a signed list says of the chains for which the policy pins the key that signed it.

    Raises FormatError NOTE_KEY_UNKNOWN if no pinned key of that name signed, NOTE_SIGNATURE or
    NOTE_SIGNATURE_NOT_CANONICAL if one did and not well.
    """
    of_name = [one for one in pinned if one.name == signed.name]
    keys = {one.vkey.text: one.vkey for one in of_name}
    verified = notes.verify(signed.note, keys.values())
    chains = {one.chain_id for one in of_name if one.vkey in verified.keys}
    said = {}
    for block, hash_ in signed.blocks.items():
        if block.chain_id in chains:
            said[block] = Said(SourceKind.LIST, f"the list {signed.name}", hash_, OWN_LEVEL)
    return said

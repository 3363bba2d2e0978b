"""Owns what is known of a block: who gives which hash, and the level that follows (verification.md §4).

A source, of whatever level, is a mapping from block to what one party says of it; a new one needs
nothing but a kind. Proved by tests/unit/check/test_blocks.py.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from verifier.format.digests import Digest
from verifier.format.jsonc import Json


class BlockId(NamedTuple):
    """Where a block stands; what it holds, only its hash says."""

    chain_id: int
    number: int


class SourceKind(StrEnum):
    """Whose word it is."""

    OWN = "own"
    LIST = "list"
    ENDPOINT = "endpoint"


class Said(NamedTuple):
    """What one party says of a block.

    `hash` is None where it gave no answer; `detail` then says why. `level` is what its word alone
    makes a header of that hash. `operator` is who counts towards the quorum.
    """

    kind: SourceKind
    who: str
    hash: Digest | None
    level: int
    operator: str | None = None
    detail: str = ""

    def json(self) -> dict[str, Json]:
        """As verification.md §7 lists a source."""
        return {
            "kind": self.kind.value,
            "who": self.who,
            "hash": None if self.hash is None else f"0x{self.hash.hex()}",
            "detail": self.detail,
        }


BlockSource = Mapping[BlockId, Said]

OWN_LEVEL = 1  # of a hash that the person has, or that a list gives which she pins
QUORUM_LEVEL = 2


class Standing(NamedTuple):
    """What all sources together make of one header."""

    block: BlockId
    hash: bytes
    said: tuple[Said, ...]
    quorum: int | None
    least: int

    @property
    def agreeing(self) -> list[Said]:
        """Those who give the header's hash."""
        return [one for one in self.said if one.hash == self.hash]

    @property
    def _differing(self) -> list[Said]:
        return [one for one in self.said if one.hash not in (None, self.hash)]

    @property
    def own_differs(self) -> Said | None:
        """The person's own word, where it is another hash."""
        return next((one for one in self._differing if one.kind is SourceKind.OWN), None)

    @property
    def disputed(self) -> bool:
        """Whether anybody else gives another hash."""
        return any(one.kind is not SourceKind.OWN for one in self._differing)

    @property
    def confirmed(self) -> int:
        """The level of those who give the header's hash, whatever others give."""
        alone = max((one.level for one in self.agreeing), default=0)
        if self.quorum is not None and len(self._operators) >= self.quorum:
            return max(alone, QUORUM_LEVEL)
        return alone

    @property
    def _operators(self) -> set[str]:
        """Who of the policy's operators gives the header's hash, each once."""
        return {one.operator for one in self.agreeing if one.operator is not None}

    @property
    def level(self) -> int:
        """The header's level: 0 as soon as anybody gives another hash."""
        return 0 if self._differing else self.confirmed

    @property
    def too_low(self) -> bool:
        """Whether nobody gives another hash, and the level is below what the person asks for."""
        return not self._differing and self.confirmed < self.least

    def words(self) -> str:
        """The block and who said what of it, in one line."""
        where = f"chain {self.block.chain_id} block {self.block.number} 0x{self.hash.hex()}"
        said = [f"{one.who}: {self.answer(one)}" for one in self.said]
        if any(one.kind is SourceKind.ENDPOINT for one in self.said):
            wanted = "no quorum" if self.quorum is None else f"want {self.quorum}"
            said.append(f"operators of your policy that agree: {len(self._operators)}, {wanted}")
        if self.too_low and self.confirmed:
            said.append(f"level {self.confirmed}, your policy asks for {self.least}")
        return "; ".join([where, *said])

    def json(self) -> dict[str, Json]:
        """The header with its level and who said what (verification.md §7)."""
        return {
            "chain_id": self.block.chain_id,
            "number": self.block.number,
            "hash": f"0x{self.hash.hex()}",
            "level": self.level,
            "sources": [one.json() for one in self.said],
        }

    def answer(self, one: Said) -> str:
        """What one of `said` gives, beside the header's own hash."""
        if one.hash is None:
            return f"no answer ({one.detail})"
        return "the same" if one.hash == self.hash else f"0x{one.hash.hex()}"


def weigh(
    sources: Iterable[BlockSource],
    block: BlockId,
    hash_: bytes,
    quorum: int | None = None,
    least: int = 1,
) -> Standing:
    """Ask every source of one header; from `quorum` distinct operators on it is of level 2.

    `least` is the level from which on it counts, at least 1.
    """
    said = [source[block] for source in sources if block in source]
    return Standing(block, hash_, tuple(said), quorum, least)

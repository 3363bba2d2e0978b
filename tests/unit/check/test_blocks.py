"""Proves verifier/check/blocks.py against the table of docs/spec/verification.md §4."""

from __future__ import annotations

from itertools import product

import pytest

from verifier.check.blocks import BlockId, Said, SourceKind, Standing, weigh
from verifier.format.digests import Digest

BLOCK = BlockId(1, 12)
HASH, OTHER = Digest(b"\x01" * 32), Digest(b"\x02" * 32)


def said(kind: SourceKind, hash_: Digest | None, level: int = 1) -> Said:
    return Said(kind, kind.value, hash_, level, detail="" if hash_ else "too slow")


def standing(*words: Said) -> Standing:
    return weigh([{BLOCK: one} for one in words], BLOCK, HASH, quorum=2)


ANSWERS = (None, HASH, OTHER)


@pytest.mark.parametrize(("own", "other", "third"), list(product(ANSWERS, repeat=3)))
def test_any_other_hash_takes_a_header_to_level_0(
    own: Digest | None, other: Digest | None, third: Digest | None
) -> None:
    """Exhaustive: the person's own word and those of two others, each of which may be silent."""
    made = standing(
        said(SourceKind.OWN, own), said(SourceKind.LIST, other), said(SourceKind.LIST, third)
    )
    answers = (own, other, third)
    assert (made.own_differs is not None) is (own == OTHER)
    assert made.disputed is (OTHER in (other, third))
    assert made.confirmed == int(HASH in answers)
    assert made.level == int(HASH in answers and OTHER not in answers)
    assert made.too_low is (answers == (None, None, None))


def test_the_highest_level_of_those_who_agree_counts() -> None:
    assert standing(said(SourceKind.LIST, HASH, 1), said(SourceKind.LIST, HASH, 3)).level == 3
    assert standing(said(SourceKind.LIST, HASH, 1), said(SourceKind.LIST, OTHER, 3)).level == 0
    assert standing(said(SourceKind.LIST, HASH, 1), said(SourceKind.LIST, None, 3)).level == 1


def test_a_word_that_counts_for_nothing_confirms_nothing() -> None:
    made = standing(said(SourceKind.LIST, HASH, 0))
    assert (made.level, made.too_low) == (0, True)


@pytest.mark.parametrize("least", [1, 2, 3])
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_header_counts_from_the_level_on_that_the_person_asks_for(level: int, least: int) -> None:
    sources = [{BLOCK: said(SourceKind.LIST, HASH, level)}]
    made = weigh(sources, BLOCK, HASH, least=least)
    assert made.too_low is (level < least)
    # Who is contradicted is not too low: that has codes of its own.
    other = {BLOCK: said(SourceKind.LIST, OTHER)}
    assert not weigh([*sources, other], BLOCK, HASH, least=least).too_low


def endpoint(operator: str | None, hash_: Digest | None = HASH) -> Said:
    return Said(SourceKind.ENDPOINT, f"{operator} (host)", hash_, 0, operator)


@pytest.mark.parametrize(
    ("operators", "level"),
    [
        ([], 0),
        (["A"], 0),
        (["A", "A", "A"], 0),
        (["A", None], 0),
        ([None, None], 0),
        (["A", "B"], 2),
        (["A", "B", "C", None], 2),
    ],
)
def test_distinct_operators_of_the_policy_make_level_2(
    operators: list[str | None], level: int
) -> None:
    words = [endpoint(one) for one in operators]
    assert standing(*words).level == level
    # Silence takes nothing away, and dissent takes all, whoever it comes from.
    assert standing(*words, endpoint("D", None)).level == level
    for one in ("A", "D", None):
        made = standing(*words, endpoint(one, OTHER))
        assert (made.level, made.disputed) == (0, True)
    # The person's own hash is a level of its own, and no operator.
    own = said(SourceKind.OWN, HASH)
    assert standing(own, *words).level == max(1, level)


def test_without_a_quorum_endpoints_make_no_level() -> None:
    words = [endpoint("A"), endpoint("B")]
    assert weigh([{BLOCK: one} for one in words], BLOCK, HASH).level == 0


def test_a_source_speaks_of_the_block_that_is_asked_for_alone() -> None:
    word = said(SourceKind.OWN, HASH)
    for block in (BlockId(1, 13), BlockId(2, 12)):
        assert weigh([{block: word}], BLOCK, HASH).said == ()


def test_the_words_name_who_said_what() -> None:
    made = standing(
        Said(SourceKind.OWN, "you (my node)", HASH, 1),
        Said(SourceKind.LIST, "the list a", OTHER, 1),
        Said(SourceKind.LIST, "the list b", None, 0, detail="too slow"),
    )
    assert made.words() == (
        f"chain 1 block 12 0x{HASH.hex()}; you (my node): the same; "
        f"the list a: 0x{OTHER.hex()}; the list b: no answer (too slow)"
    )

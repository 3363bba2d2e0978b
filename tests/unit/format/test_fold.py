"""Fold links."""

import pytest

from tests.reference.refusal import refused
from verifier.format.digests import ZERO, Digest
from verifier.format.fold import Link, fold, open_links
from verifier.format.keccak import keccak256

LINK = Link(Digest(bytes(range(32))), 3, 1_767_225_600)


def test_the_head_is_the_contracts_formula() -> None:
    size_time = (3 * 2**64 + 1_767_225_600).to_bytes(32, "big")
    assert LINK.size_time == size_time
    assert fold(ZERO, LINK) == keccak256(bytes(32) + bytes(range(32)) + size_time)


def test_links_open_one_after_the_other() -> None:
    second = Link(LINK.root, 4, LINK.time + 1)
    first_head = fold(ZERO, LINK)
    assert open_links(ZERO, [LINK, second]) == [first_head, fold(first_head, second)]
    assert open_links(ZERO, []) == []


def test_a_link_is_48_bytes_and_comes_back() -> None:
    raw = LINK.to_bytes()
    assert raw == LINK.root + (3).to_bytes(8, "big") + LINK.time.to_bytes(8, "big")
    assert Link.from_bytes(raw) == LINK
    for wrong in (raw[:-1], raw + b"\0"):
        with refused("LINK_LENGTH"):
            Link.from_bytes(wrong)


def test_the_ends_of_u64_stand() -> None:
    for link in (Link(ZERO, 0, 0), Link(ZERO, 2**64 - 1, 2**64 - 1)):
        assert Link.from_bytes(link.to_bytes()) == link


@pytest.mark.parametrize(("size", "time"), [(-1, 0), (2**64, 0), (0, -1), (0, 2**64)])
def test_size_and_time_are_u64(size: int, time: int) -> None:
    with refused("LINK_RANGE"):
        Link(ZERO, size, time)

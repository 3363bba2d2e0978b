"""No byte of a package can be flipped: neither under the old manifests nor under new ones.

The small complete package is flipped as a whole; of the other kinds, what they have besides. The
one file that no verdict covers is named, and there every flip is VALID: nothing else is exempt.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.hostile.package import (
    DISCLOSURES,
    EVM,
    HISTORY_HEADERS,
    HISTORY_MAP,
    LEAVES,
    PATHS,
    STATEMENT,
    Package,
    header_path,
    map_path,
    proof_path,
)
from tests.hostile.small import (
    NOT_COVERED,
    Judge,
    matter_of,
    remanifested,
    small,
    small_world,
)

HEX = b"0123456789abcdef"

# The steps that are asked first about a change of these files; if they say nothing, all are.
FIRST = {
    EVM: ("4.", "10.2", "2.6"),
    LEAVES: ("3.", "6.5"),
    DISCLOSURES: ("3.",),
    header_path(0): ("6.",),
    map_path(0): ("6.",),
    proof_path(0): ("5.", "6."),
    PATHS: ("6.5", "7."),
    HISTORY_HEADERS: ("7.5",),
    HISTORY_MAP: ("7.6",),
}

# Under the old manifests the digest of the file alone decides, whatever byte it is: one of so many is
# flipped, another one each time, and in the soak all. Under new ones, where each must matter, all are.
STRIDES = [4, pytest.param(1, marks=pytest.mark.soak)]
PART = 1000  # bytes that one test flips, so that several processes can share a long file


def parts(kind: str, *paths: str) -> list[tuple[str, str, int]]:
    """Kind, path and first byte of every part of these files."""
    package = small(kind)
    return [(kind, path, at) for path in paths for at in range(0, len(package[path]), PART)]


CASES = [
    *parts("complete", *sorted(small("complete").files)),
    *parts("extract", PATHS, STATEMENT),
    *parts("absent", map_path(0), STATEMENT),
    *parts("full", HISTORY_HEADERS, HISTORY_MAP, STATEMENT),
]


def flipped(package: Package, path: str, index: int) -> Package:
    """One byte is another one: of hex digits the next digit, so that the form stays right."""
    content = package[path]
    byte = content[index]
    other = HEX[(HEX.index(byte) + 1) % 16] if byte in HEX else byte ^ 1
    return package.put(path, content[:index] + bytes([other]) + content[index + 1 :])


def part_of(content: bytes, start: int) -> range:
    return range(start, min(start + PART, len(content)))


@pytest.mark.slow
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize(("kind", "path", "start"), CASES)
def test_a_flipped_byte_under_the_old_manifests_is_never_valid(
    kind: str, path: str, start: int, stride: int, tmp_path: Path
) -> None:
    with Judge(small_world(), matter_of(kind), tmp_path) as judge:
        package = small(kind)
        assert judge.verdict(package) == "VALID"
        first = random.Random().randrange(stride)
        let_through = [
            index
            for index in part_of(package[path], start)[first::stride]
            if not judge.refuses(flipped(package, path, index), "2.4")
        ]
        assert let_through == []


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "path", "start"), CASES)
def test_a_flipped_byte_under_new_manifests_is_never_valid(
    kind: str, path: str, start: int, tmp_path: Path
) -> None:
    with Judge(small_world(), matter_of(kind), tmp_path) as judge:
        package = small(kind)
        first = FIRST.get(path, ("2.",))
        let_through = [
            index
            for index in part_of(package[path], start)
            if not judge.refuses(remanifested(flipped(package, path, index), path), *first)
        ]
        everything = list(part_of(package[path], start))
        assert let_through == (everything if path in NOT_COVERED else [])

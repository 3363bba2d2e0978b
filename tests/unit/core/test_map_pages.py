"""Pages give the roots and proofs of the map that a naive reference builds, batch after batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notary.core.map_pages import Changed, change_map, find_path, find_paths
from notary.errors import Contradiction
from verifier.format import matter_map
from verifier.format.digests import ZERO, Digest
from verifier.format.matter_map import Kind, MapProof


class Pages:
    """Pages kept by batch, as the store keeps them."""

    def __init__(self) -> None:
        self.versions: dict[bytes, list[tuple[int, bytes]]] = {}
        self.asked: list[bytes] = []

    def at(self, batch: int, prefix: bytes) -> bytes | None:
        older = [content for made, content in self.versions.get(prefix, []) if made <= batch]
        return older[-1] if older else None

    def apply(self, batch: int, changes: list[Changed]) -> Digest:
        update = change_map(changes, lambda prefix: self.at(batch, prefix))
        assert [prefix for prefix, _ in update.pages] == sorted({p for p, _ in update.pages})
        for prefix, content in update.pages:
            self.versions.setdefault(prefix, []).append((batch, content))
        return update.root

    def all(self, prefix: bytes) -> Iterator[tuple[int, bytes]]:
        self.asked.append(prefix)
        return iter(self.versions.get(prefix, []))


def reference_root(values: Mapping[bytes, bytes], depth: int = 0) -> bytes:
    """docs/spec/format.md §9, word by word."""
    if not values:
        return bytes(32)
    if len(values) == 1:
        [(key, value)] = values.items()
        return sha256(b"\x02" + key + value).digest()
    sides: list[dict[bytes, bytes]] = [{}, {}]
    for key, value in values.items():
        sides[key[depth // 8] >> (7 - depth % 8) & 1][key] = value
    left, right = (reference_root(side, depth + 1) for side in sides)
    return sha256(b"\x03" + left + right).digest()


def climb(start: bytes, key: bytes, siblings: tuple[Digest, ...]) -> bytes:
    for i in range(len(siblings) - 1, -1, -1):
        bit = key[i // 8] >> (7 - i % 8) & 1
        pair = siblings[i] + start if bit else start + siblings[i]
        start = sha256(b"\x03" + pair).digest()
    return start


def check_path(pages: Pages, batch: int, key: bytes, values: Mapping[bytes, bytes]) -> Kind:
    root = Digest(reference_root(values))
    path = find_path(key, lambda prefix: pages.at(batch, prefix))
    assert (path.kind is Kind.INCLUSION) == (key in values)
    if path.kind is Kind.INCLUSION:
        assert path.leaf == (key, values[key])
        assert climb(sha256(b"\x02" + key + values[key]).digest(), key, path.siblings) == root
        assert not path.siblings or path.siblings[-1] != ZERO
    else:
        other_key, other_value = path.leaf or (None, None)
        proof = MapProof(batch, path.kind, path.siblings, None, None, other_key, other_value)
        assert not matter_map.check(proof, Digest(key), root).present
    return path.kind


# Keys that crowd: long shared beginnings, so that pages go deep and split.
_BYTES = st.sampled_from([0, 1, 127, 128, 255])
crowded = st.builds(
    lambda head, tail: bytes(head) + sha256(bytes(tail)).digest()[: 32 - len(head)],
    st.lists(_BYTES, min_size=0, max_size=5),
    st.lists(_BYTES, min_size=0, max_size=2),
)
deepest = st.builds(lambda n: b"\xaa" * 31 + bytes([n]), st.integers(min_value=0, max_value=255))
keys = st.one_of(crowded, deepest, st.binary(min_size=32, max_size=32))
values = st.binary(min_size=32, max_size=32)
batches = st.lists(st.dictionaries(keys, values, max_size=12), min_size=1, max_size=5)


@settings(max_examples=120, deadline=None)
@given(batches, st.lists(keys, max_size=6))
def test_pages_equal_the_reference(changes: list[dict[bytes, bytes]], asked: list[bytes]) -> None:
    pages = Pages()
    states: list[dict[bytes, bytes]] = []
    for batch, changed in enumerate(changes):
        state = {**(states[-1] if states else {}), **changed}
        assert pages.apply(batch, sorted(changed.items())) == reference_root(state)
        states.append(state)
    # Every batch is asked after all are sealed: earlier answers must not have moved.
    for batch, state in enumerate(states):
        for key in [*states[-1], *asked]:
            check_path(pages, batch, key, state)


@settings(max_examples=60, deadline=None)
@given(batches, st.lists(keys, max_size=3))
def test_the_paths_of_all_batches_are_those_of_each(
    changes: list[dict[bytes, bytes]], asked: list[bytes]
) -> None:
    pages = Pages()
    for batch, changed in enumerate(changes):
        pages.apply(batch, sorted(changed.items()))
    for key in (*asked, *changes[-1]):
        each = [
            find_path(key, lambda prefix, batch=batch: pages.at(batch, prefix))  # type: ignore[misc]
            for batch in range(len(changes))
        ]
        pages.asked.clear()
        assert list(find_paths(key, pages.all, len(changes))) == each
        # A page is opened once, however many batches there are.
        assert len(pages.asked) == len(set(pages.asked))


def test_old_values_are_those_before_the_batch() -> None:
    pages = Pages()
    a, b, c = b"\x01" * 32, b"\x01" * 31 + b"\x02", b"\x80" * 32
    pages.apply(0, [(a, b"1" * 32), (c, b"3" * 32)])
    update = change_map([(a, b"4" * 32), (b, b"5" * 32)], lambda prefix: pages.at(0, prefix))
    assert update.old == {a: b"1" * 32}


def test_each_kind_of_answer_occurs() -> None:
    pages = Pages()
    a, b = b"\x00" * 32, b"\x40" + b"\x00" * 31
    values = {a: b"1" * 32, b: b"2" * 32}
    pages.apply(0, sorted(values.items()))
    assert check_path(pages, 0, a, values) is Kind.INCLUSION
    assert check_path(pages, 0, b"\x01" * 32, values) is Kind.ABSENT_LEAF
    assert check_path(pages, 0, b"\x80" * 32, values) is Kind.ABSENT_EMPTY


def test_an_empty_map_has_the_zero_root_and_answers_empty() -> None:
    pages = Pages()
    assert pages.apply(0, []) == ZERO
    assert check_path(pages, 0, b"\x01" * 32, {}) is Kind.ABSENT_EMPTY


def test_no_change_keeps_the_root() -> None:
    pages = Pages()
    root = pages.apply(0, [(b"\x01" * 32, b"1" * 32), (b"\x02" * 32, b"2" * 32)])
    assert pages.apply(1, []) == root
    assert all(len(versions) == 1 for versions in pages.versions.values())


@pytest.mark.parametrize("damage", [b"", b"\x00\x01", b"\x00\x00\x01"])
def test_a_damaged_page_is_a_contradiction(damage: bytes) -> None:
    with pytest.raises(Contradiction, match="page at the root"):
        find_path(b"\x01" * 32, lambda _: damage + bytes(5))


def test_a_missing_page_is_a_contradiction() -> None:
    pages = Pages()
    a, b = b"\x01" * 32, b"\x01" * 31 + b"\x02"
    pages.apply(0, [(a, b"1" * 32), (b, b"2" * 32)])
    del pages.versions[b"\x01"]
    with pytest.raises(Contradiction, match="page 01 of the map is missing"):
        find_path(a, lambda prefix: pages.at(0, prefix))
    with pytest.raises(Contradiction, match="page 01 of the map is missing"):
        change_map([(a, b"3" * 32)], lambda prefix: pages.at(0, prefix))

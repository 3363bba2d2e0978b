"""The map from keys to heads: against a naive reference, hostile trees, one damage at a time."""

import hmac
import random
import struct
from hashlib import sha256

import pytest

from tests.reference import naive_map
from tests.reference.refusal import refused
from verifier.format import matter_map
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.matter_map import Kind, MapProof

BLIND = bytes(range(16))


def key_of(prefix: str) -> Digest:
    """A key that begins with these bits."""
    return Digest(int(prefix.ljust(256, "0"), 2).to_bytes(32, "big"))


KEYS = [key_of(format(i, "04b")) for i in range(16)]


def head_of(key: bytes) -> str:
    return f"notary.example/log/m/{key.hex()}\n1\n…\n".replace("…", "AA")


def value_of(key: bytes) -> Digest:
    return matter_map.value(head_of(key), BLIND)


def prove(entries: dict[bytes, bytes], key: Digest) -> MapProof:
    path, here = naive_map.walk(entries, key)
    siblings = tuple(Digest(one) for one in path)
    if key in here:
        return MapProof(7, Kind.INCLUSION, siblings, head_of(key), BLIND)
    if here:
        ((other, value),) = here.items()
        return MapProof(
            7, Kind.ABSENT_LEAF, siblings, leaf_key=Digest(other), leaf_value=Digest(value)
        )
    return MapProof(7, Kind.ABSENT_EMPTY, siblings)


def some_map(seed: int) -> dict[bytes, bytes]:
    chosen = random.Random(seed).sample(KEYS, seed % 17)
    return {key: value_of(key) for key in chosen}


@pytest.mark.parametrize("seed", range(34))
def test_every_key_of_a_small_map_has_its_answer(seed: int) -> None:
    entries = some_map(seed)
    root = Digest(naive_map.root(entries))
    for key in KEYS:
        proof = prove(entries, key)
        answer = matter_map.check(proof, key, root)
        assert answer.present == (key in entries)
        there = (head_of(key), BLIND) if key in entries else (None, None)
        assert (answer.key, answer.root, answer.head, answer.blind) == (key, root, *there)
        assert matter_map.parse(matter_map.encode(proof)) == proof


def test_two_keys_that_differ_in_the_last_bit_lie_256_levels_deep() -> None:
    low, high = Digest(bytes(31) + b"\x00"), Digest(bytes(31) + b"\x01")
    entries: dict[bytes, bytes] = {low: value_of(low), high: value_of(high)}
    root = Digest(naive_map.root(entries))
    for key in (low, high):
        proof = prove(entries, key)
        assert len(proof.path) == 256
        assert matter_map.check(proof, key, root).present
        with refused("MAP_PATH_LENGTH"):
            matter_map.check(proof._replace(path=(*proof.path, low)), key, root)


def test_bits_run_from_the_most_significant() -> None:
    key = bytes([0b10100000, 0b00000001]) + bytes(30)
    assert [matter_map.bit(key, i) for i in (0, 1, 2, 3, 14, 15, 16)] == [1, 0, 1, 0, 0, 1, 0]
    assert matter_map.shared_bits(key, key) == 256
    assert matter_map.shared_bits(key, bytes(32)) == 0
    assert matter_map.shared_bits(bytes([0b10111111]) + bytes(31), key) == 3


def test_the_blind_is_of_secret_batch_and_key() -> None:
    secret = bytes(32)
    # docs/spec/format.md §9: HMAC(map secret, "notary/map-blind/v1" ‖ u64 batch ‖ key)[0:16]
    message = b"notary/map-blind/v1" + struct.pack(">Q", 258) + KEYS[1]
    wanted = hmac.new(secret, message, sha256).digest()[:16]
    assert matter_map.blind(secret, 258, KEYS[1]) == wanted
    blinds = {
        matter_map.blind(secret, 0, KEYS[0]),
        matter_map.blind(secret, 1, KEYS[0]),
        matter_map.blind(secret, 0, KEYS[1]),
        matter_map.blind(b"\x01" * 32, 0, KEYS[0]),
    }
    assert len(blinds) == 4
    assert {len(one) for one in blinds} == {16}


MAP: dict[bytes, bytes] = {key: value_of(key) for key in (KEYS[0], KEYS[1], KEYS[8], KEYS[12])}
ROOT = Digest(naive_map.root(MAP))


def test_the_empty_map_has_nothing_and_says_so_in_words() -> None:
    assert not matter_map.check(MapProof(0, Kind.ABSENT_EMPTY, ()), KEYS[0], ZERO).present
    with refused("MAP_ROOT"):
        matter_map.check(MapProof(0, Kind.ABSENT_EMPTY, ()), KEYS[0], ROOT)


def test_an_answer_does_not_pass_for_another_key() -> None:
    proof = prove(MAP, KEYS[0])
    for key in KEYS[1:]:
        with refused("MAP_ROOT"):
            matter_map.check(proof, key, ROOT)


@pytest.mark.parametrize("damage", ["path", "shorter", "longer", "head", "blind", "order"])
def test_a_damaged_inclusion_is_refused(damage: str) -> None:
    proof = prove(MAP, KEYS[0])
    path = proof.path
    damaged = {
        "path": proof._replace(path=(KEYS[3], *path[1:])),
        "shorter": proof._replace(path=path[:-1]),
        "longer": proof._replace(path=(*path, KEYS[3])),
        "head": proof._replace(head=head_of(KEYS[1])),
        "blind": proof._replace(blind=bytes(16)),
        "order": proof._replace(path=path[::-1]),
    }[damage]
    with pytest.raises(FormatError, match=r"MAP_ROOT|MAP_NOT_LONE"):
        matter_map.check(damaged, KEYS[0], ROOT)


def test_a_leaf_that_is_not_lone_is_refused_even_under_its_own_root() -> None:
    key = KEYS[0]
    leaf = matter_map.leaf_hash(key, value_of(key))
    deep = matter_map.node_hash(leaf, ZERO)
    with refused("MAP_NOT_LONE"):
        matter_map.check(MapProof(0, Kind.INCLUSION, (ZERO,), head_of(key), BLIND), key, deep)
    # An empty sibling further up is no fault: the leaf below it may still be lone.
    inner = matter_map.node_hash(leaf, matter_map.leaf_hash(KEYS[4], ZERO))
    outer = matter_map.node_hash(inner, ZERO)
    below = Digest(matter_map.leaf_hash(KEYS[4], ZERO))
    assert matter_map.check(
        MapProof(0, Kind.INCLUSION, (ZERO, below), head_of(key), BLIND), key, outer
    ).present


def test_absence_by_the_keys_own_leaf_is_refused() -> None:
    proof = prove(MAP, KEYS[0])
    own = MapProof(7, Kind.ABSENT_LEAF, proof.path, leaf_key=KEYS[0], leaf_value=value_of(KEYS[0]))
    with refused("MAP_ABSENT_SAME_KEY"):
        matter_map.check(own, KEYS[0], ROOT)


def test_absence_by_a_leaf_on_another_path_is_refused() -> None:
    # The siblings lead to the root from where the key's own leaf is; the other leaf is grafted.
    inclusion = prove(MAP, KEYS[8])
    for key in KEYS[:8]:
        grafted = MapProof(
            7, Kind.ABSENT_LEAF, inclusion.path, leaf_key=KEYS[8], leaf_value=value_of(KEYS[8])
        )
        with refused("MAP_ABSENT_OTHER_PATH"):
            matter_map.check(grafted, key, ROOT)


def test_a_key_grafted_a_second_time_elsewhere_is_not_found_there() -> None:
    # A hostile tree holds key 0000 under bit 1 as well, with another head.
    first = matter_map.leaf_hash(KEYS[0], value_of(KEYS[0]))
    second_value = matter_map.value("other\n", BLIND)
    second = matter_map.leaf_hash(KEYS[0], second_value)
    root = matter_map.node_hash(first, second)
    assert matter_map.check(
        MapProof(0, Kind.INCLUSION, (second,), head_of(KEYS[0]), BLIND), KEYS[0], root
    ).present
    with refused("MAP_ROOT"):
        matter_map.check(MapProof(0, Kind.INCLUSION, (first,), "other\n", BLIND), KEYS[0], root)


def test_a_leaf_does_not_open_as_a_node_nor_a_node_as_a_leaf() -> None:
    leaf = matter_map.leaf_hash(KEYS[0], value_of(KEYS[0]))
    assert leaf != matter_map.node_hash(KEYS[0], value_of(KEYS[0]))
    assert leaf == sha256(b"\x02" + KEYS[0] + value_of(KEYS[0])).digest()
    assert matter_map.node_hash(KEYS[0], ZERO) == sha256(b"\x03" + KEYS[0] + ZERO).digest()


HOSTILE_HEADS = ["a\n", "b\n"]


def hostile_tree(dice: random.Random, depth: int) -> tuple[Digest, object]:
    """A tree with anything anywhere: misplaced leaves, repeated keys, nodes over nothing."""
    choice = dice.random()
    if depth == 4 or choice < 0.3:
        if choice < 0.1:
            return ZERO, None
        key, head = dice.choice(KEYS), dice.choice(HOSTILE_HEADS)
        return matter_map.leaf_hash(key, matter_map.value(head, BLIND)), (key, head)
    left, right = hostile_tree(dice, depth + 1), hostile_tree(dice, depth + 1)
    return matter_map.node_hash(left[0], right[0]), (left, right)


def all_proofs(tree: tuple[Digest, object], path: tuple[Digest, ...]) -> list[MapProof]:
    """Every proof that the tree's parts can make, sensible or not."""
    content = tree[1]
    found = [MapProof(0, Kind.ABSENT_EMPTY, path)]
    found += [MapProof(0, Kind.INCLUSION, path, head, BLIND) for head in HOSTILE_HEADS]
    for key in KEYS:
        for head in HOSTILE_HEADS:
            value = matter_map.value(head, BLIND)
            found.append(MapProof(0, Kind.ABSENT_LEAF, path, leaf_key=key, leaf_value=value))
    if isinstance(content, tuple) and isinstance(content[0], tuple):
        left, right = content
        found += all_proofs(left, (*path, right[0]))
        found += all_proofs(right, (*path, left[0]))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_no_hostile_tree_gives_two_answers_for_one_key(seed: int) -> None:
    tree = hostile_tree(random.Random(seed), 0)
    proofs = all_proofs(tree, ())
    for key in KEYS:
        answers = set()
        for proof in proofs:
            try:
                answers.add(matter_map.check(proof, key, tree[0]).head)
            except FormatError:
                continue
        assert len(answers) <= 1, (seed, key, answers)


def test_members_that_are_not_the_kinds_are_refused() -> None:
    inclusion = prove(MAP, KEYS[0])
    absent = prove(MAP, KEYS[2])
    assert absent.kind is not Kind.INCLUSION
    for wrong in (
        inclusion._replace(head=None),
        inclusion._replace(blind=None),
        inclusion._replace(leaf_key=KEYS[1], leaf_value=KEYS[1]),
        inclusion._replace(kind=Kind.ABSENT_EMPTY),
        MapProof(0, Kind.ABSENT_LEAF, (), leaf_key=KEYS[1]),
        MapProof(0, Kind.ABSENT_LEAF, ()),
        MapProof(0, Kind.ABSENT_EMPTY, (), leaf_key=KEYS[1]),
        MapProof(0, Kind.ABSENT_EMPTY, (), leaf_value=KEYS[1]),
        MapProof(0, Kind.ABSENT_EMPTY, (), head="a\n"),
        MapProof(0, Kind.ABSENT_EMPTY, (), blind=BLIND),
    ):
        with refused("MAP_PROOF_FORM"):
            matter_map.check(wrong, KEYS[0], ROOT)
        with refused("MAP_PROOF_FORM"):
            matter_map.encode(wrong)


def test_a_head_outside_ascii_and_a_blind_of_another_length_are_refused() -> None:
    with refused("MAP_PROOF_FORM"):
        matter_map.value("é\n", BLIND)
    with refused("MAP_BLIND"):
        matter_map.value("a\n", BLIND[:15])


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b'"inclusion"', b'"absent"', "MAP_PROOF_FORM"),
        (b'"inclusion"', b'"absent-empty"', "MEMBER_UNKNOWN"),
        (b'"inclusion"', b'"absent-leaf"', "MEMBER_MISSING"),
        (b"notary-map-proof/1", b"notary-map-proof/2", "MEMBER_FORM"),
        (b'"batch":7', b'"batch":-1', "MEMBER_FORM"),
        (b'"blind":"00', b'"blind":"', "MEMBER_FORM"),
        (b'{"batch"', b'{"aaa":1,"batch"', "MEMBER_UNKNOWN"),
    ],
)
def test_a_damaged_file_is_refused(old: bytes, new: bytes, code: str) -> None:
    data = matter_map.encode(prove(MAP, KEYS[0]))
    assert old in data
    with refused(code):
        matter_map.parse(data.replace(old, new))


def test_an_unknown_member_beside_the_other_leaf_is_refused() -> None:
    data = matter_map.encode(
        MapProof(0, Kind.ABSENT_LEAF, (), leaf_key=KEYS[1], leaf_value=KEYS[2])
    )
    with refused("MEMBER_UNKNOWN"):
        matter_map.parse(data.replace(b'"leaf":{', b'"leaf":{"a":1,'))

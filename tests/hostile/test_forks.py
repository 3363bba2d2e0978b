"""Forks found and forks invented (docs/spec/verification.md §9).

A log that tells one story can't be framed: over random honest logs nothing that anybody can put
together from what was published or shown is a fork. A log that tells two stories under one key is
convicted by whoever holds one statement of each about one place.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.toy_log import LOG, Signer, ToyLog, key_of, told
from tests.unit.format.test_fork import ON_CHAIN, PROOFS
from verifier.check.fork_search import MAX_CONTRADICTIONS, MAX_PAIRS, Found, find
from verifier.check.statements import HeldChain, HeldHeader, HeldHistory, HeldMatter, Statements
from verifier.format import fork, heads, key_sets, notes, trees
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.fold import Fold, Link
from verifier.format.fork import Checkpoints, Fork, Headers, Heads, Links, Told, Tree

MATTERS = ("a", "b", "c")
STORIES = st.lists(
    st.dictionaries(st.sampled_from(MATTERS), st.integers(1, 3)), min_size=1, max_size=30
)
FEW = settings(max_examples=20, deadline=None)


def log_of(story: list[dict[str, int]], hand_overs: set[int], teller: str = "") -> ToyLog:
    """A log that hands its keys over before some batches."""
    log = ToyLog()
    for index, added in enumerate(story):
        if index in hand_overs and index:
            log.hand_over()
        told([added], log, teller)
    return log


def said(
    log: ToyLog, source: int, known: Statements, *, sizes: list[int], full: bool = False
) -> Statements:
    """What a person is shown at these sizes: checkpoint, last header, every matter, their records."""
    for batch in log.batches:
        known.key_sets[batch.signer.text] = key_sets.parse(batch.signer.text.encode())
    for size in sizes:
        note = notes.parse_note(log.checkpoint(size))
        held = known.add_checkpoint(source, note)
        known.headers.append(HeldHeader(source, size - 1, log.header(size - 1, size)))
        for matter in MATTERS:
            key, batch = key_of(matter), log.batches[size - 1]
            text = batch.heads[key] if key in batch.values else None
            head = None if text is None else heads.parse_head(text[0], LOG.name, key)
            signed = log.head(size - 1, matter, size)
            known.matters.append(HeldMatter(source, size - 1, key, head, signed))
            known.add_leaves(key, batch.records.get(key, ()))
        if full and held is not None:
            known.histories.append(HeldHistory(source, held, tuple(log.leaf_hashes(size))))
    return known


def between(
    one: ToyLog, other: ToyLog, sizes: list[int], others: list[int], **options: Any
) -> Found:
    known = said(one, 0, Statements(), sizes=sizes, **options)
    return find(LOG, said(other, 1, known, sizes=others, **options))


# ---------------------------------------------------------------------- one story


@FEW
@given(STORIES, st.sets(st.integers(0, 29)), st.data())
def test_no_two_persons_find_a_fork_in_one_story(
    story: list[dict[str, int]], hand_overs: set[int], data: st.DataObject
) -> None:
    log = log_of(story, hand_overs)
    sizes = st.lists(st.integers(1, len(story)), min_size=1, max_size=4, unique=True)
    found = between(log, log, data.draw(sizes), data.draw(sizes), full=data.draw(st.booleans()))
    assert (found.proof, found.contradictions) == (None, ())


def statements(log: ToyLog, draw: st.DataObject) -> Told:
    """Any two statements of the log, put together as nobody honest would."""
    count = len(log.batches)
    size1, size2 = (draw.draw(st.integers(1, count)) for _ in range(2))
    index1, index2 = (draw.draw(st.integers(0, size - 1)) for size in (size1, size2))
    kind = draw.draw(st.sampled_from(["checkpoints", "headers", "tree", "heads"]))
    if kind == "checkpoints":
        return Checkpoints(log.checkpoint(size1), log.checkpoint(size2))
    if kind == "headers":
        return Headers(log.header(index1, size1), log.header(index2, size2))
    if kind == "tree":
        leaves = log.leaf_hashes(draw.draw(st.integers(0, count)))
        return Tree(log.checkpoint(size1), log.checkpoint(size2), tuple(leaves))
    matter, other = (draw.draw(st.sampled_from((*MATTERS, "nobody"))) for _ in range(2))
    records = log.records.get(key_of(matter), ())
    leaves = list(records[: draw.draw(st.integers(0, len(records)))])
    key = key_of(draw.draw(st.sampled_from([matter, other])))
    return Heads(
        log.head(index1, matter, size1), log.head(index2, other, size2), key, tuple(leaves)
    )


@settings(max_examples=80, deadline=None)
@given(STORIES, st.sets(st.integers(0, 29)), st.data())
def test_no_two_statements_of_one_story_are_a_fork(
    story: list[dict[str, int]], hand_overs: set[int], data: st.DataObject
) -> None:
    log = log_of(story, hand_overs)
    texts = sorted({batch.signer.text for batch in log.batches})
    told = statements(log, data)
    for signers in [
        tuple(texts[:8]),
        *itertools.combinations(texts[:4], 1),
        *itertools.combinations(texts[:4], 2),
    ]:
        with pytest.raises(FormatError):
            fork.check(Fork(LOG, signers, told))


# ---------------------------------------------------------------------- two stories

Story = list[dict[str, int]]


def two_stories(begin: Story, one: Story, other: Story) -> tuple[ToyLog, ToyLog]:
    """A log that says the same up to the end of `begin`, and then something else to each of two persons."""
    shared = told(begin)
    first = told([{"a": 1}, *one], shared.copy(), "one ")
    return first, told([{"a": 1}, *other], shared.copy(), "other ")


@FEW
@given(STORIES, STORIES, STORIES, st.data())
def test_two_stories_are_found_where_both_say_the_same_place(
    begin: list[dict[str, int]],
    one: list[dict[str, int]],
    other: list[dict[str, int]],
    data: st.DataObject,
) -> None:
    """The log forks after batch k; two persons have a checkpoint of one size above k."""
    first, second = two_stories(begin, one, other)
    shortest = min(len(first.batches), len(second.batches))
    size = data.draw(st.integers(len(begin) + 1, shortest))
    found = between(first, second, [size], [size])
    assert found.proof is not None
    assert found.proof.fork.kind == "checkpoints"
    # Below the fork both are one log.
    below = data.draw(st.integers(1, len(begin)))
    assert between(first, second, [below], [below]).proof is None


@FEW
@given(STORIES, STORIES, STORIES, st.data())
def test_two_stories_are_found_by_a_full_history(
    begin: list[dict[str, int]],
    one: list[dict[str, int]],
    other: list[dict[str, int]],
    data: st.DataObject,
) -> None:
    """Whatever the two sizes above k are, a full history up to the greater one covers the other."""
    first, second = two_stories(begin, one, other)
    size1 = data.draw(st.integers(len(begin) + 1, len(first.batches)))
    size2 = data.draw(st.integers(len(begin) + 1, len(second.batches)))
    found = between(first, second, [size1], [size2], full=True)
    assert found.proof is not None
    kinds = {"checkpoints"} if size1 == size2 else {"tree", "heads"}
    assert found.proof.fork.kind in kinds


@FEW
@given(STORIES, STORIES, st.data())
def test_a_matter_that_lost_its_records_is_found_by_its_heads(
    begin: list[dict[str, int]], later: list[dict[str, int]], data: st.DataObject
) -> None:
    """Persons who hold the matter before and after: sizes, absence and records tell on the log."""
    shared = told([{"a": 2}, *begin])
    size1 = data.draw(st.integers(1, len(shared.batches)))
    key = key_of("a")
    forged = shared.copy()
    damage = data.draw(st.sampled_from(["one record replaced", "last record removed", "gone"]))
    if damage == "gone":
        del forged.records[key]
        for_map = {k: v for k, v in forged.batches[-1].values.items() if k != key}
        forged.batches[-1].values = for_map
        later = [{k: v for k, v in added.items() if k != "a"} for added in later]
    else:
        kept = forged.records[key][:1]
        forged.records[key] = kept
        if damage == "one record replaced":
            forged.add("a", "replaced")
    told([{"b": 1}, *later], forged)
    size2 = len(forged.batches)
    found = between(shared, forged, [size1], [size2])
    assert found.proof is not None
    assert found.proof.fork.kind == "heads"


def test_headers_under_different_checkpoints_are_compared() -> None:
    shared = told([{"a": 1}, {"b": 1}])
    first = told([{"b": 1}, {"c": 1}], shared.copy(), "one ")
    second = told([{"b": 1}], shared.copy(), "other ")
    known = said(second, 1, Statements(), sizes=[3])
    known.headers.append(HeldHeader(0, 2, first.header(2, 4)))
    found = find(LOG, known)
    assert found.proof is not None
    assert found.proof.fork.kind == "headers"
    assert found.compared["headers"] == 1


# ---------------------------------------------------------------------- contradictions that are none


def test_a_contradiction_that_the_log_did_not_sign_is_no_fork() -> None:
    """One of two packages is forged by somebody without the key."""
    log = told([{"a": 1}, {"b": 1}])
    known = said(log, 0, Statements(), sizes=[2])
    forged = Signer(b"stranger").note(2, Digest(b"\x01" * 32))
    known.add_checkpoint(1, notes.parse_note(forged))
    found = find(LOG, known)
    assert found.proof is None
    assert len(found.contradictions) == 1
    assert "FORK_NOT_SIGNED" in found.contradictions[0]


def test_nothing_is_compared_where_nothing_can_be() -> None:
    """Another matter, another size, no history: two stories may hide here, and it is said so."""
    log = told([{"a": 1}, {"b": 1}, {"c": 1}])
    known = Statements()
    for source, size in enumerate((2, 3)):
        known.add_checkpoint(source, notes.parse_note(log.checkpoint(size)))
    found = find(LOG, known)
    assert (found.proof, found.compared.total()) == (None, 0)


# ---------------------------------------------------------------------- heads alone

A = key_of("a")


def heads_alone(*shown: tuple[ToyLog, int]) -> Statements:
    """What the map says of matter a at each size, by a source each, and nothing beside it."""
    known = Statements()
    for source, (log, size) in enumerate(shown):
        part = said(log, source, Statements(), sizes=[size])
        known.key_sets |= part.key_sets
        known.matters += [one for one in part.matters if one.key == A]
    return known


def found_by_heads(known: Statements) -> int:
    """How many pairs were compared until a fork was found by the heads."""
    found = find(LOG, known)
    assert found.proof is not None
    assert found.proof.fork.kind == "heads"
    return found.compared["heads"]


def test_a_pair_that_says_nothing_hides_no_later_one() -> None:
    """Before its first record a matter contradicts nothing; its disappearance does."""
    shared = told([{"b": 1}, {"a": 2}, {"b": 1}])
    gone = shared.copy()
    del gone.records[A]
    gone.batches[-1].values = {k: v for k, v in gone.batches[-1].values.items() if k != A}
    told([{"b": 1}], gone)
    assert found_by_heads(heads_alone((shared, 1), (shared, 2), (gone, 4))) == 1


def test_a_pair_without_records_to_compare_hides_no_later_one() -> None:
    shared = told([{"a": 1}, {"a": 1}, {"b": 1}])
    shorter = shared.copy()
    shorter.records[A] = shorter.records[A][:1]
    told([{"b": 1}], shorter)
    assert found_by_heads(heads_alone((shared, 1), (shared, 2), (shorter, 4))) == 2


def test_a_replaced_record_is_found_by_the_records_that_lead_to_the_later_head() -> None:
    """Records of another matter, too few, and those of the other story stand before them."""
    shared = told([{"a": 2}, {"b": 1}])
    forged = shared.copy()
    forged.records[A] = forged.records[A][:1]
    forged.add("a", "replaced")
    told([{"a": 1}], forged, "forged ")
    records = forged.batches[-1].records[A]
    other = told([{"a": 3}], shared.copy(), "other ").batches[-1].records[A]
    known = heads_alone((forged, 3), (shared, 1))
    assert find(LOG, known).compared["heads"] == 0
    for key, leaves in [
        (key_of("b"), other),
        (A, records[:1]),
        (A, other),
        (A, [*records, other[-1]]),
    ]:
        known.add_leaves(key, leaves)
    assert found_by_heads(known) == 1


def test_a_matter_that_grew_contradicts_nothing() -> None:
    log = told([{"a": 1}, {"a": 2}, {"b": 1}])
    known = heads_alone((log, 1), (log, 2), (log, 2), (log, 3))
    known.add_leaves(A, log.batches[-1].records[A])
    found = find(LOG, known)
    assert (found.proof, found.contradictions) == (None, ())
    # Of six pairs one is of a single batch, and says nothing new.
    assert found.compared["heads"] == 5


# ---------------------------------------------------------------------- histories and anchors alone


def test_a_checkpoint_beyond_a_history_hides_no_later_one() -> None:
    first, second = two_stories([{"a": 1}], [{"b": 1}], [{"b": 1}, {"b": 1}])
    known = said(first, 0, Statements(), sizes=[3], full=True)
    known.headers, known.matters, known.checkpoints = [], [], []
    for size in (4, 2):
        known.add_checkpoint(1, notes.parse_note(second.checkpoint(size)))
    found = find(LOG, known)
    assert found.proof is not None
    assert (found.proof.fork.kind, found.compared["trees"]) == ("tree", 1)


def test_every_size_from_none_to_all_is_compared_with_a_history() -> None:
    log = told([{"a": 1}, {"b": 1}])
    known = said(log, 0, Statements(), sizes=[2], full=True)
    for size, root in enumerate((trees.EMPTY_ROOT, log.root(1), log.root(2))):
        known.add_checkpoint(1, notes.parse_note(Signer(b"now").note(size, root)))
    found = find(LOG, known)
    assert (found.proof, found.contradictions, found.compared["trees"]) == (None, (), 3)


@pytest.mark.parametrize(("sizes", "told_of"), [((3,), 0), ((1, 3, 2), 1)])
def test_a_size_that_decreases_under_one_root_is_told(sizes: tuple[int, ...], told_of: int) -> None:
    links = PROOFS["links, equal"].told
    assert isinstance(links, Links)
    fold = Fold(ZERO, tuple([Link(trees.EMPTY_ROOT, size, 7) for size in sizes]))
    known = Statements()
    known.chains.append(HeldChain(0, links._replace(fold=fold)))
    assert len(find(ON_CHAIN, known).contradictions) == told_of


def test_an_anchor_that_contradicts_a_checkpoint_is_told() -> None:
    """No kind of proof holds both; a checkpoint of a size that is not anchored hides nothing."""
    log = told([{"a": 1}, {"b": 1}, {"c": 1}])
    links = PROOFS["links, equal"].told
    assert isinstance(links, Links)
    fold = Fold(ZERO, (Link(log.root(1), 1, 7), Link(log.root(1), 1, 8), Link(log.root(2), 3, 9)))
    known = Statements()
    known.chains.append(HeldChain(0, links._replace(fold=fold)))
    for size in (2, 1, 3):
        known.add_checkpoint(1, notes.parse_note(log.checkpoint(size)))
    found = find(LOG, known)
    assert (found.proof, found.compared["anchors"]) == (None, 2)
    (said_of_it,) = found.contradictions
    assert said_of_it.startswith("an anchor of size 3 has another root than a checkpoint")


# ---------------------------------------------------------------------- bounds


def test_of_very_many_contradictions_the_first_are_told() -> None:
    log = told([{"a": 1}, {"b": 1}])
    known = said(log, 0, Statements(), sizes=[2])
    for i in range(30):
        forged = Signer(b"stranger").note(2, Digest(bytes([i]) * 32))
        known.add_checkpoint(1, notes.parse_note(forged))
    assert len(find(LOG, known).contradictions) == MAX_CONTRADICTIONS == 20


def test_of_very_many_statements_about_one_place_the_first_pairs_are_compared() -> None:
    """A hostile package can't keep a person waiting for the square of what it holds."""
    log = told([{"a": 1}, {"b": 1}])
    (held,) = said(log, 0, Statements(), sizes=[2]).checkpoints
    known = Statements()
    known.checkpoints += [held._replace(source=source) for source in range(150)]
    assert find(LOG, known).compared["checkpoints"] == MAX_PAIRS == 10_000


@pytest.mark.parametrize("name", ["links, smaller", "links, equal"])
def test_anchors_of_one_chain_proof_that_contradict_each_other_are_found(name: str) -> None:
    links = PROOFS[name].told
    assert isinstance(links, Links)
    known = Statements()
    known.chains.append(HeldChain(0, links))
    found = find(ON_CHAIN, known)
    assert found.proof is not None
    assert found.proof.fork.kind == "links"

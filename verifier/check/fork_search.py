"""Looks for two statements of one log that can't both be true (docs/spec/verification.md §9).

Statements come from packages and from checkpoints that others hold. Whatever looks like a fork is
tried as a fork proof, and only what proves itself is called one. Nothing else is judged here, and
what can't be read says nothing. Proved by tests/hostile/test_forks.py.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import combinations, islice, pairwise
from typing import NamedTuple, Protocol, TypeVar

from verifier.check.statements import HeldLeaves, Statements
from verifier.format import fork, jsonc, key_sets, trees
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.fork import Fork
from verifier.format.frontier import prefix_roots
from verifier.format.heads import Head
from verifier.format.key_sets import KeySet
from verifier.format.notes import Note
from verifier.format.statement import Log

MAX_CONTRADICTIONS = 20  # that are told; a hostile package could hold thousands
MAX_PAIRS = 10_000  # of each kind; two honest packages make some dozens


class Suspicion(NamedTuple):
    """Two statements that seem to contradict each other; `told` is None if no kind holds both."""

    sentence: str
    told: fork.Told | None


class Found(NamedTuple):
    """What a search found: a proved fork, or contradictions that prove none.

    `compared` counts, by kind, the pairs from different sources that could have shown a fork.
    """

    proof: fork.ProvedFork | None
    contradictions: tuple[str, ...]
    compared: Counter[str]


def find(log: Log, statements: Statements) -> Found:
    """Look for a fork among everything that was said."""
    compared: Counter[str] = Counter()
    contradictions: list[str] = []
    for suspicion in _suspicions(statements, compared):
        if suspicion.told is None:
            why = "no kind of fork proof holds both"
        else:
            try:
                proof = fork.check(_with_signers(log, suspicion.told, statements.key_sets))
                return Found(proof, (), compared)
            except FormatError as error:
                why = str(error)
        if len(contradictions) < MAX_CONTRADICTIONS:
            contradictions.append(f"{suspicion.sentence} ({why})")
    return Found(None, tuple(contradictions), compared)


def _with_signers(log: Log, told: fork.Told, known: dict[str, KeySet]) -> Fork:
    """The proof with a key set that signed both checkpoints, else with one for each."""
    signers = [
        {text for text, key_set in known.items() if _signed(note, key_set)}
        for note in fork.signed_notes(told)
    ]
    both = set.intersection(*signers) if signers else set()
    chosen = {min(both)} if both else {min(texts) for texts in signers if texts}
    return Fork(log, tuple(sorted(chosen, key=jsonc.as_bytes)), told)


def _signed(note: Note, key_set: KeySet) -> bool:
    try:
        key_sets.check_checkpoint(note, key_set)
    except FormatError:
        return False
    return True


class _Sourced(Protocol):
    @property
    def source(self) -> int: ...


S = TypeVar("S", bound=_Sourced)


def _pairs(items: Iterable[S], place: Callable[[S], Hashable]) -> Iterator[tuple[S, S]]:
    """Every two statements about one place, up to MAX_PAIRS of them."""
    groups: dict[Hashable, list[S]] = {}
    for one in items:
        groups.setdefault(place(one), []).append(one)
    yield from islice(
        (pair for group in groups.values() for pair in combinations(group, 2)), MAX_PAIRS
    )


def _suspicions(known: Statements, compared: Counter[str]) -> Iterator[Suspicion]:
    yield from _two_roots(known, compared)
    yield from _two_headers(known, compared)
    yield from _two_heads(known, compared)
    yield from _other_trees(known, compared)
    yield from _anchors(known, compared)


def _two_roots(known: Statements, compared: Counter[str]) -> Iterator[Suspicion]:
    for one, other in _pairs(known.checkpoints, lambda told: told.checkpoint.size):
        compared["checkpoints"] += one.source != other.source
        if one.checkpoint.root != other.checkpoint.root:
            yield Suspicion(
                f"two checkpoints of size {one.checkpoint.size} differ",
                fork.Checkpoints(one.note.whole, other.note.whole),
            )


def _two_headers(known: Statements, compared: Counter[str]) -> Iterator[Suspicion]:
    for one, other in _pairs(known.headers, lambda header: header.index):
        compared["headers"] += one.source != other.source
        if one.signed.header != other.signed.header:
            yield Suspicion(
                f"two headers of batch {one.index} differ", fork.Headers(one.signed, other.signed)
            )


def _two_heads(known: Statements, compared: Counter[str]) -> Iterator[Suspicion]:
    for pair in _pairs(known.matters, lambda matter: matter.key):
        first, second = sorted(pair, key=lambda matter: matter.batch)
        if first.batch == second.batch or first.head is None:
            continue
        before, after = first.head, second.head
        leaves: tuple[Digest, ...] = ()
        if after is None or after.size < before.size:
            differ = True
        elif after.size == before.size:
            differ = after.root != before.root
        else:
            held = next((one for one in known.leaves if _gives(one, first.key, after)), None)
            if held is None:
                continue
            leaves = held.leaves[: after.size]
            differ = held.roots[before.size] != before.root
        compared["heads"] += first.source != second.source
        if differ:
            yield Suspicion(
                f"the matter's heads in batches {first.batch} and {second.batch} contradict each other",
                fork.Heads(first.signed, second.signed, first.key, leaves),
            )


def _gives(held: HeldLeaves, key: Digest, head: Head) -> bool:
    return held.key == key and len(held.leaves) >= head.size and held.roots[head.size] == head.root


def _other_trees(known: Statements, compared: Counter[str]) -> Iterator[Suspicion]:
    for history in known.histories:
        roots = {0: trees.EMPTY_ROOT}
        roots |= prefix_roots(history.leaves, range(1, len(history.leaves) + 1))
        for told in known.checkpoints:
            size, root = told.checkpoint.size, told.checkpoint.root
            if size > len(history.leaves):
                continue
            compared["trees"] += told.source != history.source
            if roots[size] != root:
                yield Suspicion(
                    f"the full history has another root at size {size} than a checkpoint",
                    fork.Tree(told.note.whole, history.told.note.whole, history.leaves),
                )


def _anchors(known: Statements, compared: Counter[str]) -> Iterator[Suspicion]:
    for chain in known.chains:
        links = chain.told.fold.links
        if any(
            (after.size, after.root) != (before.size, before.root) and after.size <= before.size
            for before, after in pairwise(links)
        ):
            yield Suspicion("the anchors of a chain proof contradict each other", chain.told)
        anchored = {link.size: link.root for link in links}
        for told in known.checkpoints:
            root = anchored.get(told.checkpoint.size)
            if root is None:
                continue
            compared["anchors"] += told.source != chain.source
            if root != told.checkpoint.root:
                yield Suspicion(
                    f"an anchor of size {told.checkpoint.size} has another root than a checkpoint",
                    None,
                )

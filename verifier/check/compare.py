"""Looks for two statements of one log that can't both be true (docs/spec/verification.md §9).

Statements come from packages and from checkpoints that others hold. Whatever looks like a fork is
tried as a fork proof, and only what proves itself is called one. Nothing else is judged here, and
what can't be read says nothing. Proved by tests/hostile/test_forks.py.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import combinations, islice, pairwise
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from verifier.check import texts
from verifier.check.evidence import Evidence
from verifier.check.judge import Judgement
from verifier.check.reading import BagUnreadable, read_bag
from verifier.check.rows import CannotJudge
from verifier.check.statements import HeldLeaves, Statements, log_of
from verifier.format import fork, jsonc, key_sets, trees
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.fork import Fork
from verifier.format.frontier import prefix_roots
from verifier.format.heads import Head
from verifier.format.jsonc import Json
from verifier.format.key_sets import KeySet
from verifier.format.notes import Note
from verifier.format.statement import Log, write_log

FORMAT = "notary-compare/1"

EXIT_NONE = 0
EXIT_FORK = 2
EXIT_NOT_CHECKED = 3

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


# ---------------------------------------------------------------------- two packages


class Comparison(NamedTuple):
    """What a comparison of two packages found, and the exit code."""

    log: Log
    found: Found

    @property
    def exit(self) -> int:
        """The process's exit code."""
        if self.found.proof is not None:
            return EXIT_FORK if self.code is None else EXIT_NOT_CHECKED
        return EXIT_NONE if self.code is None else EXIT_NOT_CHECKED

    @property
    def code(self) -> str | None:
        """The code where a fork is neither found nor excluded.

        One package may be forged: its maker signs with keys, or invents a block, of his own. Only
        who told both stories with one key set needs no policy to be called by it.
        """
        found = self.found
        if found.proof is not None:
            if found.proof.block is not None:
                return "FORK_BLOCK_NOT_CONFIRMED"
            return None if len(found.proof.key_sets) == 1 else "FORK_NOT_PINNED"
        if found.contradictions:
            return "CONTRADICTION_UNPROVED"
        return None if found.compared.total() else "NOTHING_COMPARABLE"

    def json(self, out: Path | None) -> bytes:
        """One canonical JSON object."""
        proof = self.found.proof
        compared: dict[str, Json] = dict(+self.found.compared)
        contradictions: list[Json] = list(self.found.contradictions)
        return jsonc.encode(
            {
                "format": FORMAT,
                "exit": self.exit,
                "code": self.code,
                "log": write_log(self.log),
                "kind": None if proof is None else proof.fork.kind,
                "sentence": None if proof is None else proof.sentence,
                "compared": compared,
                "contradictions": contradictions,
                "out": None if proof is None or out is None else str(out),
            }
        )

    def text(self, out: Path | None) -> str:
        """For people."""
        pairs = ", ".join([f"{n} {kind}" for kind, n in sorted((+self.found.compared).items())])
        proof = self.found.proof
        if self.code is not None:
            text = texts.text_of(self.code)
            lines = [f"COMPARE: {self.code}: {text.en}", f"  {text.do_en}"]
            lines += [f"  {one}" for one in self.found.contradictions]
        else:
            lines = [f"COMPARE: {'no fork was found' if proof is None else 'a fork'}"]
        if proof is not None:
            lines.append(f"  {proof.sentence}")
            for key_set in proof.key_sets:
                lines += [f"  signed by {key.text}" for key in key_set.checkpoint]
            lines += said_of_file(proof, out)
        lines.append(f"  pairs compared: {pairs or 'none'}")
        return "\n".join(lines) + "\n"


def said_of_file(proof: fork.ProvedFork, out: Path | None) -> list[str]:
    """What to tell of a fork proof that was or was not written."""
    if out is None:
        return [f"  kind {proof.fork.kind}; --out FILE writes it as a proof"]
    return [
        f"  kind {proof.fork.kind}; written to {str(out)!a}",
        f"  check it: verifier fork {str(out)!a} --policy FILE --inputs FILE",
    ]


def compare(first: Path, second: Path) -> Comparison:
    """Look for a fork between two packages of one log.

    Raises CannotJudge PACKAGE_UNREADABLE, or LOGS_DIFFER for packages of two logs.
    """
    statements = Statements()
    logs = []
    for source, path in enumerate((first, second)):
        try:
            evidence = Evidence(read_bag(path))
            statements.add_package(source, evidence)
        except BagUnreadable as error:
            raise CannotJudge("PACKAGE_UNREADABLE", str(error)) from error
        log = log_of(evidence)
        if log is None:
            raise CannotJudge(
                "PACKAGE_UNREADABLE", f"{str(path)!a} does not say of which log it is"
            )
        logs.append(log)
    if logs[0] != logs[1]:
        names = " and ".join([f"{log.name} by 0x{log.log_address.hex()}" for log in logs])
        raise CannotJudge("LOGS_DIFFER", f"the packages are of {names}")
    return Comparison(logs[0], find(logs[0], statements))


def write_proof(proof: fork.ProvedFork, path: Path) -> None:
    """Write a fork proof to a new file. Raises CannotJudge FORK_FILE."""
    try:
        with path.open("xb") as file:
            file.write(fork.encode(proof.fork))
    except OSError as error:
        raise CannotJudge("FORK_FILE", f"{str(path)!a}: {error.strerror}") from error


def fork_of_case(judgement: Judgement, path: Path) -> str:
    """Write the fork that a judgement met as a proof, if there is one; say what came of it.

    Raises CannotJudge FORK_FILE.
    """
    codes = {
        (found.trouble.code or "").partition(":")[0]
        for finding in judgement.rows.values()
        for found in finding.found
    }
    if "LOG_FORKED" not in codes:
        return "no fork was met; no fork proof was written\n"
    case = judgement.case
    statements = Statements()
    statements.add_package(0, case.evidence)
    for source, part in enumerate(case.other_checkpoints, 1):
        if part.value is not None:
            statements.add_checkpoint(source, part.value.note)
    log = log_of(case.evidence)
    found = None if log is None else find(log, statements)
    if found is None or found.proof is None:
        return (
            "no fork proof was written: package and inputs hold no two statements that stand alone. "
            "Ask for a package with full history, or for the other side's package to compare.\n"
        )
    write_proof(found.proof, path)
    return "\n".join([f"fork: {found.proof.sentence}", *said_of_file(found.proof, path)]) + "\n"

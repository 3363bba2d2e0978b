"""Gathers what was said in one log's name: by packages, and by checkpoints that others hold.

What can't be read says nothing, and nothing is judged; verifier/check/fork_search.py looks for a fork
in it. Proved by tests/hostile/test_forks.py and tests/hostile/test_fork_commands.py.
"""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from verifier.check.evidence import MAX_FILE_BYTES, Evidence, ShownBatch
from verifier.check.reading import Bag
from verifier.check.rows import Blocked
from verifier.format import (
    bag,
    fork,
    heads,
    key_sets,
    lines,
    matter_map,
    notes,
    tlogproof,
    trees,
)
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.fold import Fold
from verifier.format.fork import SignedHead, SignedHeader
from verifier.format.frontier import prefix_roots
from verifier.format.heads import Head
from verifier.format.key_sets import KeySet
from verifier.format.notes import Note
from verifier.format.statement import Log

_KEYS = "data/keys/"


class HeldCheckpoint(NamedTuple):
    """A signed checkpoint of one source."""

    source: int
    note: Note
    checkpoint: notes.Checkpoint


class HeldHeader(NamedTuple):
    """A header at an index of the batch log."""

    source: int
    index: int  # type: ignore[assignment]  # not the method of tuples
    signed: SignedHeader


class HeldMatter(NamedTuple):
    """What the map of one batch says of a matter: its head, or None where it is absent."""

    source: int
    batch: int
    key: Digest
    head: Head | None
    signed: SignedHead


class HeldHistory(NamedTuple):
    """The leaf hashes of a whole batch log, with the checkpoint over it."""

    source: int
    told: HeldCheckpoint
    leaves: tuple[Digest, ...]


class HeldLeaves(NamedTuple):
    """The leaf hashes of a matter's first records, and their root at each size from 1."""

    key: Digest
    leaves: tuple[Digest, ...]
    roots: dict[int, Digest]


class HeldChain(NamedTuple):
    """The anchors of one chain proof."""

    source: int
    told: fork.Links


class Statements:
    """What is said in one log's name, by sources that are counted."""

    def __init__(self) -> None:
        self.key_sets: dict[str, KeySet] = {}
        self.checkpoints: list[HeldCheckpoint] = []
        self.headers: list[HeldHeader] = []
        self.matters: list[HeldMatter] = []
        self.histories: list[HeldHistory] = []
        self.chains: list[HeldChain] = []
        self.leaves: list[HeldLeaves] = []
        self._known: set[tuple[int, int, Digest]] = set()

    def add_checkpoint(self, source: int, note: Note) -> HeldCheckpoint | None:
        """Take a checkpoint that somebody holds; None if its text is none."""
        try:
            found = HeldCheckpoint(source, note, notes.parse_checkpoint_text(note.text))
        except FormatError:
            return None
        place = (source, found.checkpoint.size, found.checkpoint.root)
        # A package shows one checkpoint with many batches.
        if place not in self._known:
            self._known.add(place)
            self.checkpoints.append(found)
        return found

    def add_package(self, source: int, evidence: Evidence) -> None:
        """Take what a package says, as far as it can be read."""
        package, log = evidence.bag, log_of(evidence)
        for name in package.files:
            if name.startswith(_KEYS) and name.endswith(".txt"):
                self._add_key_set(package, name)
            elif bag.number_in(name, _KEYS, ".tlog-proof") is not None:
                # Of a hand-over of keys: the header beside it has the same number.
                header = name.removesuffix(".tlog-proof") + ".json"
                if header in package:
                    self._add_header(source, package, header, name)
        stated = evidence.statement.value
        key = None if stated is None else stated.choices.matter.key
        last: HeldCheckpoint | None = None
        for shown in evidence.batches.values():
            if shown.header.value is None:
                continue
            added = self._add_header(source, package, shown.header.name, shown.tlog_proof.name)
            if added is None:
                continue
            last, signed = added
            if key is not None and log is not None:
                self._add_matter(source, package, shown, signed, key, log.name)
        if key is not None:
            self._add_leaves(evidence, key)
        if last is not None:
            self._add_history(source, package, last, key, log)
        if evidence.evm.value is not None:
            document = evidence.evm.value
            links = fork.Links(Fold(document.prev, document.links), document.as_of)
            self.chains.append(HeldChain(source, links))

    def _add_key_set(self, package: Bag, name: str) -> None:
        if package.files[name].size > key_sets.MAX_BYTES:
            return
        try:
            data = package.read(name)
            self.key_sets[data.decode("ascii")] = key_sets.parse(data)
        except (FormatError, UnicodeDecodeError):
            return

    def _add_header(
        self, source: int, package: Bag, header: str, tlog_proof: str
    ) -> tuple[HeldCheckpoint | None, SignedHeader] | None:
        """Take a header with its tlog-proof by their files' names, None if they can't be read."""
        if any(
            name not in package or package.files[name].size > MAX_FILE_BYTES
            for name in (header, tlog_proof)
        ):
            return None
        try:
            proof = tlogproof.parse(package.read(tlog_proof))
            signed = SignedHeader(_text(package, header), _text(package, tlog_proof))
        except (FormatError, UnicodeDecodeError):
            return None
        self.headers.append(HeldHeader(source, proof.index, signed))
        return self.add_checkpoint(source, proof.note), signed

    def _add_matter(
        self,
        source: int,
        package: Bag,
        shown: ShownBatch,
        signed: SignedHeader,
        key: Digest,
        log: str,
    ) -> None:
        answer = shown.map_proof.value
        if answer is None:
            return
        head = None
        if answer.head is not None:
            try:
                head = heads.parse_head(answer.head, log, key)
            except FormatError:
                return
        whole = SignedHead(*signed, _text(package, shown.map_proof.name))
        self.matters.append(HeldMatter(source, shown.batch, key, head, whole))

    def _add_leaves(self, evidence: Evidence, key: Digest) -> None:
        try:
            leaves = evidence.leaves
        except Blocked:
            return
        if leaves and list(leaves) == list(range(len(leaves))):
            self.add_leaves(key, [leaf.hash for leaf in leaves.values()])

    def add_leaves(self, key: Digest, leaves: Sequence[Digest]) -> None:
        """Take the hashes of a matter's first records."""
        self.leaves.append(
            HeldLeaves(key, tuple(leaves), prefix_roots(leaves, range(1, len(leaves) + 1)))
        )

    def _add_history(
        self, source: int, package: Bag, as_of: HeldCheckpoint, key: Digest | None, log: Log | None
    ) -> None:
        size = as_of.checkpoint.size
        headers = _lines(package, bag.HISTORY_HEADERS, size)
        leaves = tuple([trees.leaf_hash(header) for header in headers])
        # Only what is under the signed root was said; another history says nothing.
        if len(leaves) != size or trees.root(leaves) != as_of.checkpoint.root:
            return
        self.histories.append(HeldHistory(source, as_of, leaves))
        if key is None or log is None:
            return
        paths: list[tuple[bytes, ...]] | None = None
        last: str | None = None
        # A line beyond the last header says nothing: there is no such batch.
        told = zip(headers, _lines(package, bag.HISTORY_MAP, size), strict=False)
        for batch, (header, line) in enumerate(told):
            try:
                proof = matter_map.parse(line)
                head = None if proof.head is None else heads.parse_head(proof.head, log.name, key)
            except FormatError:
                return
            # A head says as much in the first batch that has it as in all that keep it.
            if proof.head == last and batch:
                continue
            last = proof.head
            paths = paths or trees.inclusion_paths(leaves)
            path = tuple([Digest(node) for node in paths[batch]])
            shown = tlogproof.TlogProof(batch, path, as_of.note)
            signed = SignedHead(
                header.decode("utf-8", "replace"),
                tlogproof.encode(shown).decode("utf-8"),
                line.decode("utf-8"),
            )
            self.matters.append(HeldMatter(source, batch, key, head, signed))


def _lines(package: Bag, name: str, most: int) -> list[bytes]:
    """At most so many lines of a file, none where it is not there or not of lines."""
    if name not in package or package.files[name].size > MAX_FILE_BYTES:
        return []
    try:
        return list(islice(lines.read_lines(package.read(name), name), most + 1))
    except FormatError:
        return []


def _text(package: Bag, name: str) -> str:
    return package.read(name).decode("utf-8")


def log_of(evidence: Evidence) -> Log | None:
    """The log of a package, as its chain proof and its headers name it."""
    document = evidence.evm.value
    headers = [shown.header.value for shown in evidence.batches.values()]
    names = {header.header.log for header in headers if header is not None}
    if document is None or len(names) != 1:
        return None
    return Log(document.chain_id, document.contract, document.log_address, names.pop())

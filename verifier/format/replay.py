"""Owns the replay of public material: one log, whole and in order (docs/spec/format.md §13).

Files are asked for one by one, so memory is in proportion to the number of matters, not to the
length of the log. The first thing that does not hold ends the replay. Proved by
tests/unit/core/test_replay.py.
"""

from collections.abc import Callable
from itertools import zip_longest

from verifier.format import batches, key_sets, notes, public, trees
from verifier.format.batches import BatchHeader
from verifier.format.digests import ZERO, Digest, sha256, shown
from verifier.format.errors import FormatError
from verifier.format.fold import Fold
from verifier.format.frontier import Frontier
from verifier.format.key_sets import KeySet
from verifier.format.map_tree import MapTree
from verifier.format.statement import Log

_FIRST_CHANGE = 4  # line of a delta file's first change, from 1: format, log and batch precede it

Read = Callable[[str], bytes | None]
"""The content of a file of the folder by its path; None if it is not there."""


class ReplayFault(Exception):
    """The first thing that does not hold: where, what was expected, what was found.

    `batch` and `line` (from 1) are None where the fault is of no batch or of no single line.
    """

    def __init__(
        self, batch: int | None, file: str, line: int | None, expected: str, found: str
    ) -> None:
        super().__init__(batch, file, line, expected, found)
        self.batch = batch
        self.file = file
        self.line = line
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return f"{self.file}{line}: expected {self.expected}, found {self.found}"


class Replay:
    """A log as far as it was replayed. After a fault it is of no use any more."""

    def __init__(self, log: Log, read: Read) -> None:
        self._log = log
        self._read = read
        self._map = MapTree()
        self._frontier = Frontier()
        self._roots: list[Digest] = [trees.EMPTY_ROOT]  # of the batch log, by size
        self._header: BatchHeader | None = None
        self._key_set: KeySet | None = None
        self.changes = 0
        self.unknown_keys: set[str] = set()

    @property
    def batches(self) -> int:
        """How many batches were replayed."""
        return self._frontier.size

    @property
    def matters(self) -> int:
        """How many matters the map has."""
        return len(self._map)

    @property
    def map_root(self) -> Digest:
        """The root of the map."""
        return self._map.root()

    @property
    def root(self) -> Digest:
        """The root of the batch log."""
        return self._roots[-1]

    @property
    def keys(self) -> Digest | None:
        """The digest of the key set in force, None before the first batch."""
        return None if self._header is None else self._header.keys

    def take_batch(self) -> None:
        """Replay the next batch. Raises ReplayFault."""
        header = self._take_header()
        self._take_delta(header)
        self._take_keys(header)
        self._header = header
        self._take_checkpoint(header.batch)

    def _take_header(self) -> BatchHeader:
        batch = self.batches
        file = public.batch_file(batch, public.HEADER)
        data = self._need(batch, file)
        try:
            header = batches.parse_header(data)
        except FormatError as error:
            raise _form(batch, file, None, "a batch header", error) from error
        if header.log != self._log.name:
            raise ReplayFault(batch, file, None, f"log {self._log.name}", shown(header.log))
        if header.batch != batch:
            raise ReplayFault(batch, file, None, f"batch {batch}", str(header.batch))
        if self._header is not None and self._header.successor is not None:
            # format.md §10: the log is retired, and no batch follows.
            raise ReplayFault(
                batch,
                file,
                None,
                f"no batch after {batch - 1}, which names a successor",
                "one more",
            )
        self._frontier.append(trees.leaf_hash(data))
        self._roots.append(self._frontier.root())
        return header

    def _take_delta(self, header: BatchHeader) -> None:
        batch = header.batch
        file = public.batch_file(batch, public.DELTA)
        data = self._need(batch, file)
        digest = sha256(data)
        if digest != header.delta:
            raise ReplayFault(
                batch, file, None, f"digest {header.delta.hex()} of the header", digest.hex()
            )
        line = 1
        changes: list[tuple[Digest, Digest]] = []
        try:
            delta = batches.open_delta(data)
            if (delta.log, delta.batch) != (header.log, batch):
                raise ReplayFault(
                    batch,
                    file,
                    2,
                    f"log {header.log}, batch {batch}",
                    f"{delta.log}, {delta.batch}",
                )
            line = _FIRST_CHANGE
            for key, old, new in delta.changes:
                known = self._map.get(key)
                if old != known:
                    raise ReplayFault(batch, file, line, f"old value {_said(known)}", _said(old))
                changes.append((key, new))
                line += 1
        except FormatError as error:
            raise _form(batch, file, line, "the form of a delta file", error) from error
        self._map.put(changes)
        self.changes += len(changes)
        root = self._map.root()
        if root != header.map_root:
            raise ReplayFault(
                batch,
                public.batch_file(batch, public.HEADER),
                None,
                f"map root {root.hex()} after the changes",
                header.map_root.hex(),
            )

    def _take_keys(self, header: BatchHeader) -> None:
        before = self._header
        if before is not None and header.keys == before.keys:
            return
        if before is not None and header.keys != before.next_keys:
            raise ReplayFault(
                header.batch,
                public.batch_file(header.batch, public.HEADER),
                None,
                f"keys {before.keys.hex()} or {before.next_keys.hex()}",
                header.keys.hex(),
            )
        file = public.key_set_file(header.keys)
        data = self._need(header.batch, file)
        try:
            self._key_set = key_sets.parse(data)
        except FormatError as error:
            raise _form(header.batch, file, None, "a key set", error) from error
        digest = sha256(data)
        if digest != header.keys:
            raise ReplayFault(header.batch, file, None, f"digest {header.keys.hex()}", digest.hex())

    def _take_checkpoint(self, batch: int) -> None:
        file = public.batch_file(batch, public.CHECKPOINT)
        try:
            note = notes.parse_note(self._need(batch, file))
        except FormatError as error:
            raise _form(batch, file, None, "a signed note", error) from error
        wanted = notes.checkpoint_text(self._log.name, batch + 1, self.root)
        lines = zip_longest(wanted.split("\n"), note.text.split("\n"), fillvalue="no such line")
        for line, (expected, found) in enumerate(lines, 1):
            if expected != found:
                raise ReplayFault(batch, file, line, expected, shown(found))
        assert self._key_set is not None
        try:
            key_sets.check_checkpoint(note, self._key_set)
        except FormatError as error:
            # The other signatures are good then; what this one says, nobody can tell here.
            if error.code != "KEY_TYPE_UNKNOWN":
                signed = "a good signature of every checkpoint key"
                raise _form(batch, file, None, signed, error) from error
            self.unknown_keys.add(error.message)

    def take_links(self, fold: Fold, *, to_the_end: bool = True) -> int:
        """Compare the anchors with the batch log; how many name sizes beyond what was replayed.

        With `to_the_end` such a link is a fault. Raises ReplayFault.
        """
        if fold.prev != ZERO:
            raise ReplayFault(
                None, public.FOLD_FILE, None, "prev of 32 zero bytes", fold.prev.hex()
            )
        last = beyond = 0
        for i, link in enumerate(fold.links):
            if link.size < max(last, 1):
                raise _link(i, f"size {max(last, 1)} or more", f"size {link.size}")
            last = link.size
            if link.size > self.batches:
                if to_the_end:
                    raise _link(i, f"size {self.batches} or less", f"size {link.size}")
                beyond += 1
            elif link.root != self._roots[link.size]:
                raise _link(
                    i, f"root {self._roots[link.size].hex()} at size {link.size}", link.root.hex()
                )
        return beyond

    def _need(self, batch: int, file: str) -> bytes:
        data = self._read(file)
        if data is None:
            raise ReplayFault(batch, file, None, "a file", "none")
        return data


def _form(
    batch: int, file: str, line: int | None, expected: str, error: FormatError
) -> ReplayFault:
    return ReplayFault(batch, file, line, expected, str(error))


def _link(index: int, expected: str, found: str) -> ReplayFault:
    return ReplayFault(None, public.FOLD_FILE, None, f"link {index} with {expected}", found)


def _said(value: Digest | None) -> str:
    return "- (no such key)" if value is None else value.hex()

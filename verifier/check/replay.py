"""Replays a folder of public material (docs/spec/verification.md §9, format.md §13).

It shows that the folder is one log, whole and in order. Proved by tests/unit/core/test_replay.py,
which drives the command, and tests/scenarios/service/test_publish.py.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from verifier.check import texts
from verifier.check.anchor_check import Wanted, check_anchor
from verifier.check.rows import CannotJudge
from verifier.format import evm_document, jsonc, public
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.fold import Fold, open_links
from verifier.format.jsonc import Json
from verifier.format.replay import Replay, ReplayFault
from verifier.format.statement import Log, write_log

FORMAT = "notary-replay/1"

EXIT_HOLDS = 0
EXIT_DOES_NOT_HOLD = 2
EXIT_NOT_CHECKED = 3

# A delta file of a batch that changes ten million matters has two gigabytes; nothing else is near.
MAX_FILE_BYTES = 2 * 2**30

Progress = Callable[[int, int], None]


class ReplayReport(NamedTuple):
    """What a replay found. `fault` is None where everything holds.

    `block` is number and hash of the chain proof's block, where one was given and read; `beyond`
    counts the anchors of sizes that were not replayed.
    """

    log: Log
    replay: Replay
    fault: ReplayFault | None
    anchors: int = 0
    beyond: int = 0
    head: Digest | None = None
    block: tuple[int, bytes] | None = None

    @property
    def exit(self) -> int:
        """The process's exit code."""
        if self.fault is not None:
            return EXIT_DOES_NOT_HOLD
        return EXIT_NOT_CHECKED if self.replay.unknown_keys else EXIT_HOLDS

    def json(self) -> bytes:
        """One canonical JSON object."""
        replay, fault, block = self.replay, self.fault, self.block
        unknown: list[Json] = [*sorted(replay.unknown_keys)]
        return jsonc.encode(
            {
                "format": FORMAT,
                "exit": self.exit,
                "holds": fault is None,
                "log": write_log(self.log),
                "batches": replay.batches,
                "changes": replay.changes,
                "matters": replay.matters,
                "anchors": self.anchors,
                "anchors_beyond": self.beyond,
                "root": replay.root.hex(),
                "keys": None if replay.keys is None else replay.keys.hex(),
                "head": None if self.head is None else self.head.hex(),
                "block": None if block is None else {"number": block[0], "hash": _zerox(block[1])},
                "unknown_keys": unknown,
                "fault": None
                if fault is None
                else {
                    "batch": fault.batch,
                    "file": fault.file,
                    "line": fault.line,
                    "expected": fault.expected,
                    "found": fault.found,
                },
            }
        )

    def text(self) -> str:
        """For people."""
        replay, log = self.replay, self.log
        if self.fault is not None:
            batch = "" if self.fault.batch is None else f" in batch {self.fault.batch}"
            lines = [f"REPLAY: does not hold{batch}", f"  {self.fault}"]
        else:
            lines = [
                f"REPLAY: holds: {replay.batches} batches, {replay.changes} changes, "
                f"{replay.matters} matters, {self.anchors} anchors"
            ]
        if replay.unknown_keys:
            text = texts.text_of("REPLAY_KEY_TYPE_UNKNOWN")
            lines += [f"  REPLAY_KEY_TYPE_UNKNOWN: {text.en}. {text.do_en}"]
            lines += [f"    {one}" for one in sorted(replay.unknown_keys)]
        lines.append(
            f"  log {log.name} on chain {log.chain_id}, contract {_zerox(log.contract)}, "
            f"account {_zerox(log.log_address)}"
        )
        if self.fault is None:
            lines.append(f"  root of the batch log {replay.root.hex()}")
            if replay.keys is not None:
                lines.append(f"  key set in force {replay.keys.hex()}: compare")
            if self.beyond:
                lines.append(f"  {self.beyond} anchors of greater sizes were not compared")
            if self.head is not None:
                lines.append(f"  the contract's head after these anchors {_zerox(self.head)}")
            if self.block is None:
                lines.append("  whether the chain holds these anchors was not checked (--chain)")
            else:
                lines.append(
                    f"  the chain proof holds under block {self.block[0]} "
                    f"{_zerox(self.block[1])}: compare"
                )
        return "\n".join(lines) + "\n"


def _zerox(raw: bytes) -> str:
    return "0x" + raw.hex()


class _Folder:
    """Reads the files of the folder; nothing outside it, and no special file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """A file's content, None if it is not there. Raises CannotJudge PUBLIC_UNREADABLE."""
        path = self._folder / name
        try:
            # A link could lead anywhere, a pipe would never end.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(path, error.strerror) from error
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE_BYTES:
                raise _unreadable(path, f"no file of at most {MAX_FILE_BYTES} bytes")
            try:
                return file.read(MAX_FILE_BYTES)
            except OSError as error:
                raise _unreadable(path, error.strerror) from error

    def names(self, name: str) -> list[str]:
        """What a folder within holds. Raises CannotJudge PUBLIC_UNREADABLE."""
        path = self._folder / name
        try:
            return sorted([one.name for one in path.iterdir()])
        except OSError as error:
            raise _unreadable(path, error.strerror) from error


def _unreadable(path: Path, reason: object) -> CannotJudge:
    return CannotJudge("PUBLIC_UNREADABLE", f"{str(path)!a}: {reason}")


def replay_folder(
    folder: Path,
    *,
    until: int | None = None,
    chain: bytes | None = None,
    progress: Progress = lambda done, total: None,
) -> ReplayReport:
    """Replay the folder, up to batch `until` where that is given; `chain` is an `evm.json`.

    Raises CannotJudge PUBLIC_UNREADABLE where there is nothing to replay.
    """
    files = _Folder(folder)
    log = _log(files, folder)
    replay = Replay(log, files.read)
    try:
        total = _batches(files)
        end = total if until is None else min(until + 1, total)
        if until is not None and until >= total:
            raise _unreadable(folder, f"there are {total} batches, none has the number {until}")
        for batch in range(end):
            _check_names(files, batch)
            replay.take_batch()
            progress(batch + 1, end)
        fold = _fold(files)
        beyond = replay.take_links(fold, to_the_end=until is None)
        report = ReplayReport(log, replay, None, len(fold.links), beyond)
        heads = [fold.prev, *open_links(*fold)]
        report = report._replace(head=heads[-1])
        if chain is not None:
            report = report._replace(block=_check_chain(log, fold, heads, chain))
        return report
    except ReplayFault as fault:
        return ReplayReport(log, replay, fault)


def _log(files: _Folder, folder: Path) -> Log:
    data = files.read(public.LOG_FILE)
    if data is None:
        raise _unreadable(folder, f"it has no {public.LOG_FILE}")
    try:
        return public.parse_log(data)
    except FormatError as error:
        raise _unreadable(folder / public.LOG_FILE, error) from error


def _batches(files: _Folder) -> int:
    """How many batches the folder has: 0 to n − 1, and nothing else beside them."""
    names = set(files.names(public.BATCHES))
    wanted = {str(batch) for batch in range(len(names))}
    if names != wanted:
        first = min(int(one) for one in wanted - names)
        stray = min(names - wanted)
        raise ReplayFault(
            first, public.BATCHES, None, f"the folders 0 to {len(names) - 1}", ascii(stray)
        )
    return len(names)


def _check_names(files: _Folder, batch: int) -> None:
    place = f"{public.BATCHES}/{batch}"
    names = files.names(place)
    wanted = sorted((public.HEADER, public.DELTA, public.CHECKPOINT))
    if names != wanted:
        raise ReplayFault(batch, place, None, ", ".join(wanted), ascii(", ".join(names)))


def _fold(files: _Folder) -> Fold:
    data = files.read(public.FOLD_FILE)
    if data is None:
        raise ReplayFault(None, public.FOLD_FILE, None, "a file", "none")
    try:
        return public.parse_fold(data)
    except FormatError as error:
        raise ReplayFault(None, public.FOLD_FILE, None, "the anchors", str(error)) from error


def _check_chain(log: Log, fold: Fold, heads: list[Digest], data: bytes) -> tuple[int, bytes]:
    """The chain proof holds for this log, and its links are a stretch of those of `fold`."""
    checked = check_anchor(data, Wanted(log.chain_id, log.contract, log.log_address))
    name = "the chain proof"
    if checked.found:
        found = checked.found[0]
        raise ReplayFault(
            None,
            name,
            None,
            f"step {found.step} to hold",
            f"{found.trouble.code}: {found.trouble.detail}",
        )
    document = evm_document.parse(data)
    at = heads.index(document.prev) if document.prev in heads else None
    if at is None:
        raise ReplayFault(
            None, public.FOLD_FILE, None, f"anchors that lead to head {document.prev.hex()}", "none"
        )
    for i, link in enumerate(document.links, at):
        here = fold.links[i] if i < len(fold.links) else None
        if here != link:
            raise ReplayFault(
                None,
                public.FOLD_FILE,
                None,
                f"link {i} with root {link.root.hex()}, size {link.size}, time {link.time}",
                "none"
                if here is None
                else f"root {here.root.hex()}, size {here.size}, time {here.time}",
            )
    assert checked.block_number is not None
    assert checked.block_hash is not None
    return checked.block_number, checked.block_hash

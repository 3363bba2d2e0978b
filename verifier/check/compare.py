"""Owns the comparison of two packages, and the fork that a check met (docs/spec/verification.md §9).

`fork_search` finds; here is what it is asked to search, and what is said and written of it. Proved
by tests/hostile/test_fork_commands.py.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from verifier.check import texts
from verifier.check.evidence import Evidence
from verifier.check.fork_search import Found, find
from verifier.check.judge import Judgement
from verifier.check.reading import BagUnreadable, read_bag
from verifier.check.rows import CannotJudge
from verifier.check.statements import Statements, log_of
from verifier.format import fork, jsonc, predecessor
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.statement import Log, write_log

FORMAT = "notary-compare/1"

EXIT_NONE = 0
EXIT_FORK = 2
EXIT_NOT_CHECKED = 3


class Comparison(NamedTuple):
    """What a comparison of two packages found, and the exit code."""

    log: Log
    found: Found

    @property
    def exit(self) -> int:
        """The process's exit code (docs/spec/verification.md §9)."""
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
    logs: list[Log] = []
    read: list[Evidence] = []
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
        read.append(evidence)
    if logs[0] != logs[1]:
        names = " and ".join([f"{log.name} by 0x{log.log_address.hex()}" for log in logs])
        said = [*_succession(logs, read), *_succession(logs[::-1], read[::-1])]
        raise CannotJudge("LOGS_DIFFER", "; ".join([f"the packages are of {names}", *said]))
    return Comparison(logs[0], find(logs[0], statements))


def _succession(logs: list[Log], read: list[Evidence]) -> Iterator[str]:
    """What the first log says of the second in these packages (format.md §7, §10); unchecked."""
    (one, other), (its, others) = logs, read
    newest = max(its.batches.values(), key=lambda shown: shown.batch, default=None)
    header = None if newest is None else newest.header.value
    if header is not None and header.header.successor == other.name:
        yield f"{one.name} names {other.name} as its successor"
    shown = {
        (batch.checkpoint.value.size, batch.checkpoint.value.root)
        for batch in others.batches.values()
        if batch.checkpoint.value is not None
    }
    lines = its.disclosure_lines.value
    for line in () if lines is None else lines.found:
        if line.disclosure.name == predecessor.CLAIM:
            try:
                told = predecessor.read(line.disclosure.value)
            except FormatError:
                continue
            if told.log == other.name:
                known = "a" if (told.size, told.root) in shown else "no"
                yield (
                    f"{one.name} states in record {line.position} that it continues {told}, which is "
                    f"{known} checkpoint in the other package"
                )


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

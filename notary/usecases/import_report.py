"""What a run of `ingest` did, file by file, and the counts while they grow.

Test: tests/scenarios/ingest/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from notary.core.intake import Accepted, Refused
from notary.errors import CallerError, NothingHappened
from notary.importers.document import IMPORTER as DOCUMENT
from notary.importers.foreign import READ_ENDINGS
from notary.importers.rows import BadRow, ImportedRow, Reject, whole_file
from notary.usecases.import_answers import Answer
from verifier.format.jsonc import Json

MAX_SHOWN_PROBLEMS = 20  # the rejects file has them all


@dataclass(frozen=True)
class Preview:
    """A row as it would be recorded. `matter` is its number, or None if it would wait."""

    row: int
    kind: str
    matter: str | None
    claims: Mapping[str, Json]
    files: tuple[str, ...]


@dataclass(frozen=True)
class FileReport:
    """What became of a file. Every row is counted once, by its outcome.

    `importer` is what read it, such as `csv/gateway-letters` or `document`; empty if the file was refused
    before that. `why` is a clause on what it was taken for and why, empty likewise. `problems` are the first
    refusals, without their rows.
    """

    path: Path
    importer: str = ""
    sha256: bytes = b""
    rows: int = 0
    accepted: int = 0
    replayed: int = 0
    rejected: int = 0
    unassigned: int = 0
    conflicts: int = 0
    rejects_file: Path | None = None
    problems: tuple[Reject, ...] = ()
    preview: tuple[Preview, ...] = ()
    why: str = ""
    shipped_map: str = ""  # the one that it was read by, if it was

    @property
    def unread(self) -> bool:
        """Whether a file that should have rows was kept whole, as one document."""
        return self.importer == DOCUMENT and self.path.suffix.lower() in READ_ENDINGS


@dataclass(frozen=True)
class IngestReport:
    """What a run did, file by file."""

    dry_run: bool
    files: tuple[FileReport, ...]


@dataclass
class Tally:
    """The counts of a FileReport while they grow: a row must not cost a new report."""

    rows: int = 0
    accepted: int = 0
    replayed: int = 0
    rejected: int = 0
    unassigned: int = 0
    conflicts: int = 0
    problems: list[Reject] = field(default_factory=list)
    preview: list[Preview] = field(default_factory=list)

    def refuse(self, reject: Reject) -> None:
        """Count a refusal, and show it if it is among the first."""
        if reject.code == "ROW_CONFLICT":
            self.conflicts += 1
        else:
            self.rejected += 1
        if len(self.problems) < MAX_SHOWN_PROBLEMS:
            self.problems.append(replace(reject, raw=None))

    def answer(self, answer: Answer) -> None:
        """Count an answer that is no refusal."""
        if isinstance(answer, Accepted) and not answer.replayed:
            self.accepted += 1
        else:
            self.replayed += 1

    def report(
        self, path: Path, importer: str, sha256: bytes, rejects_file: Path | None = None
    ) -> FileReport:
        """The counts as they stand."""
        return FileReport(
            path,
            importer,
            sha256,
            self.rows,
            self.accepted,
            self.replayed,
            self.rejected,
            self.unassigned,
            self.conflicts,
            rejects_file,
            tuple(self.problems),
            tuple(self.preview),
        )


def conflict() -> BadRow:
    """The fault of a row whose identity stands for other content."""
    return BadRow(
        "ROW_CONFLICT",
        "",
        "an earlier row had the same identity and says something else; nothing was overwritten",
        "if the source corrected it, enter the change as a correction; if these are two rows, name "
        "identity columns that tell them apart",
    )


def refusal(answer: Refused, row: ImportedRow) -> Reject:
    """The reject of a row that the acceptor refused."""
    if answer.code == "IDEMPOTENCY_CONFLICT":
        return conflict().reject(row.row, row.start, row.end, row.raw)
    return Reject(
        row.row,
        answer.field,
        answer.code,
        answer.reason,
        "mend the row and give it again",
        row.start,
        row.end,
        row.raw,
    )


def fault(error: CallerError | NothingHappened, path: Path) -> Reject:
    """The reject of a whole file that can't be read, or that changed meanwhile."""
    # The report names the file itself.
    return whole_file(error.code, str(error).removeprefix(f"{path}: "), "", 0)


def refused_file(path: Path, importer: str, reject: Reject) -> FileReport:
    """The report of a file of which nothing entered."""
    return FileReport(path, importer, rejected=1, problems=(replace(reject, raw=None),))


def preview(row: ImportedRow, matter: str | None) -> Preview:
    """A row as a dry run shows it."""
    return Preview(
        row.row, row.kind, matter, row.claims, tuple(file.filename or "" for file in row.files)
    )

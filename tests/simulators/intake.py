"""A real store with an agency and one matter, ways to take files into it and to see what came of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from notary.adapters.store.dkim_checks import StoredDkimChecks
from notary.adapters.store.imports import StoredImports
from notary.importers.column_map import ColumnMap
from notary.ports import Matter
from notary.usecases.import_report import FileReport
from notary.usecases.ingest import Ingest
from tests.simulators.store import StoreWorld, make_world
from verifier.format.jsonc import Json

SAMPLES = Path("notary/cases/samples")

LETTERS = b"""
id = "letters"
version = 1
format = "csv"
kind = "letter"
[account]
column = "contract"
[occurred_at]
column = "sent"
format = "%Y-%m-%d %H:%M"
zone = "Europe/London"
[identity]
columns = ["id"]
[claims.subject]
type = "text"
column = "subject"
[claims.amount]
type = "amount"
column = "amount"
currency = "EUR"
"""

LETTERS_CSV = dedent(
    """\
    id,contract,sent,amount,subject
    L1,C-1,2026-02-01 09:00,100.50,First reminder
    L2,C-1,2026-02-15 09:00,100.50,"Second reminder,
    with a second line"
    L3,C-2,2026-03-01 09:00,100.50,Last reminder
    """
)


@dataclass
class IntakeWorld:
    """A store with the matter of C-1, and its use case."""

    store: StoreWorld
    imports: StoredImports
    ingest: Ingest
    matter: Matter
    folder: Path

    @property
    def agency_id(self) -> int:
        return self.store.agency_id

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def take(
        self,
        *paths: Path,
        maps: Sequence[ColumnMap] = (),
        matter: Matter | None = None,
        rejects: Path | None = None,
        dry_run: bool = False,
    ) -> FileReport:
        """Take in what gives one report."""
        [report] = self.take_all(*paths, maps=maps, matter=matter, rejects=rejects, dry_run=dry_run)
        return report

    def take_all(
        self,
        *paths: Path,
        maps: Sequence[ColumnMap] = (),
        matter: Matter | None = None,
        rejects: Path | None = None,
        dry_run: bool = False,
    ) -> tuple[FileReport, ...]:
        return self.ingest.run(
            self.agency_id,
            paths,
            maps=maps,
            matter_key=None if matter is None else matter.key,
            rejects=rejects,
            dry_run=dry_run,
        ).files

    def claims(self, matter: Matter | None = None) -> list[dict[str, Json]]:
        """The values of every record of the matter, in order."""
        key = (matter or self.matter).key
        views = self.store.reader.of_matter(self.agency_id, key, 0, 100_000)
        return [
            {
                "kind": view.kind,
                **self.store.reader.content(self.agency_id, view.record_id).values,
            }
            for view in views
        ]

    def size(self) -> int:
        return sum(matter.size for matter in self.store.register.all(self.agency_id))

    def rebuilt(self, path: Path) -> bytes:
        """The original as the store gives it back."""
        digest = hashlib.sha256(path.read_bytes()).digest()
        return b"".join(self.ingest.rebuild(self.agency_id, digest))


def counts(report: FileReport) -> tuple[int, int, int, int, int]:
    """accepted, replayed, rejected, unassigned, conflicts."""
    return (
        report.accepted,
        report.replayed,
        report.rejected,
        report.unassigned,
        report.conflicts,
    )


def make_intake_world(folder: Path, uri: str | None = None) -> IntakeWorld:
    """A new store, in PostgreSQL with a `uri`; `folder` is empty."""
    store = make_world(folder / "home", uri=uri)
    store.canaries.add("reminder")
    files = folder / "files"
    files.mkdir()
    matter = store.open_matter("Contract one", "C-1")
    return IntakeWorld(store, *_parts(store), matter, files)


def _parts(store: StoreWorld) -> tuple[StoredImports, Ingest]:
    imports = StoredImports(store.database, store.keys, store.entropy)
    return imports, Ingest(
        store.acceptor, store.register, imports, StoredDkimChecks(store.database), store.clock
    )

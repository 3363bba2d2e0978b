"""What clerks and counsel ask of the service: records in, records and packages out.

Test: tests/scenarios/service.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from notary.adapters.durable import digest_of, whole_file
from notary.compose.parts import Parts
from notary.core.custody import Action
from notary.core.custody import record as custody_record
from notary.core.intake import Accepted
from notary.errors import CallerError
from notary.importers.map_file import load_map
from notary.ports import Matter, Progress
from notary.usecases.export_order import ExportOrder, ExportResult
from notary.usecases.findings import Report
from notary.usecases.foreign_events import EventChain, EventImport, EventReading
from notary.usecases.import_report import IngestReport
from notary.usecases.ingest import Ingest
from notary.usecases.priority import Priority
from notary.usecases.publish import Published, Publisher
from notary.usecases.succession import state_continuation
from verifier.format.predecessor import Predecessor

CONTINUES = "continues:"  # how the matter of a hand-over is found again, before the log's name


class Desk(Parts):
    """Intake, reading and export."""

    @cached_property
    def _ingest(self) -> Ingest:
        return Ingest(
            self.acceptor,
            self.register,
            self._imports,
            self.dkim_checks,
            self._clock,
            self.source_key,
        )

    def ingest(
        self,
        agency_id: int,
        paths: Sequence[Path],
        *,
        matter: str | None = None,
        column_map: Path | None = None,
        source: str | None = None,
        rejects: Path | None = None,
        unassigned: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Take files in, or with `unassigned` the rows that wait for their account."""
        if unassigned == bool(paths):
            raise CallerError("PATHS_WANTED", "name files and folders, or --unassigned alone.")
        if unassigned:
            return self._ingest.run_unassigned(agency_id, dry_run=dry_run, progress=progress)
        key = None if matter is None else self.matter(agency_id, matter).key
        maps = () if column_map is None else (load_map(column_map),)
        return self._ingest.run(
            agency_id,
            paths,
            maps=maps,
            matter_key=key,
            source=source,
            rejects=rejects,
            dry_run=dry_run,
            progress=progress,
        )

    def event_import(
        self, agency_id: int, matter: str, chain: EventChain | None, reading: EventReading | None
    ) -> EventImport:
        """Takes events of foreign contracts into a matter (usecases.foreign_events)."""
        key = self.matter(agency_id, matter).key
        return EventImport(self.acceptor, agency_id, key, chain, reading)

    def anchor_now(self) -> Priority:
        """Ask that what is acknowledged be sealed and anchored at once; how far that is."""
        self.standing.require()
        return self._lane.ask(self._clock.now())

    def export(
        self,
        agency_id: int,
        order: ExportOrder,
        out: Path | None,
        progress: Progress,
        purpose: str | None = None,
    ) -> ExportResult:
        """Write a package to `out`, whole or not at all; with None only check the order.

        The file gets its name when it is on record who took it.
        """
        request = self.local_request(purpose)
        if out is None:
            with Path(os.devnull).open("wb") as nowhere:
                return self.exporter.export(agency_id, order, nowhere, progress)
        with whole_file(out, "EXPORT_FILE") as file:
            result = self.exporter.export(agency_id, order, file, progress)
            file.flush()
            sha256 = digest_of(Path(file.name)).hex()
            item = self.custody.export(request, order, result, sha256, file.tell())
            if item is not None:
                self.custody.file(agency_id, item)
            return result

    def show_record(self, agency_id: int, record_id: int, purpose: str | None) -> dict[str, Any]:
        """One record with its content, on record before it is shown."""
        request = self.local_request(purpose)
        shown = self.shelf.shown(agency_id, record_id)
        item = self.custody.reading(request, self.reader.by_id(agency_id, record_id))
        if item is not None:
            self.custody.file(agency_id, item)
        return shown

    def find_findings(
        self,
        agency_id: int,
        matter: str | None,
        source: str | None,
        purpose: str | None,
        progress: Progress,
    ) -> Report:
        """What does not fit in the agency's records; on record for each matter whose records it names."""
        self.local_request(
            purpose
        )  # a purpose that can't be recorded is refused before anything is read
        number = None if matter is None else self.matter(agency_id, matter).number
        report = self.findings.run(agency_id, matter=number, source=source, progress=progress)
        matters = {one.number: one.key for one in self.register.all(agency_id)}
        for name, positions in report.named().items():
            request = self.local_request(purpose)
            now = self._clock.now()
            item = custody_record(matters[name], request, Action.READ, now, positions)
            self.custody.file(agency_id, item)
        return report

    def publish(self, folder: Path, progress: Progress) -> Published:
        """Add what is sealed to the public folder."""
        return Publisher(self.identity, self.batch_log, self.book).publish(folder, progress)

    def state_continuation(self, predecessor: Predecessor) -> tuple[Matter, Accepted]:
        """Record, in a matter of the log's own, that this log continues another one."""
        account = f"{CONTINUES}{predecessor.log}"
        matter = self.register.by_account(self.agency_id, account)
        if matter is None:
            title = f"{self.identity.name} continues {predecessor.log}"
            matter = self.new_matter(self.agency_id, title, (account,))
        actor = self.home.config.agency
        told = state_continuation(self.acceptor, self.agency_id, matter, predecessor, actor)
        return matter, told

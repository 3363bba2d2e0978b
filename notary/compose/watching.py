"""What the operator and monitoring are told of the service.

Test: tests/scenarios/service, tests/api/test_metrics.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from notary.adapters.store.leases import StoredLeases
from notary.compose.parts import Parts
from notary.core.source_findings import SourceFinding
from notary.notice_ports import Waiting
from notary.usecases.alarms import AlarmBoard
from notary.usecases.overview import Counts, Figures, Health, Overview
from notary.usecases.sources import Source, source_row

KEYS_END_SOON = timedelta(days=14)  # time to bring a new key to where the old one is


class Watching(Parts):
    """Alarms, health, status and figures."""

    @cached_property
    def _board(self) -> AlarmBoard:
        settings = self.home.config
        return AlarmBoard(
            self.book,
            self.batch_log,
            self.standing,
            self.notices,
            self._audits,
            max_deadline=timedelta(seconds=settings.max_deadline_s),
            receivers=[one.name for one in settings.webhook],
            anchor_receivers=[one.name for one in settings.webhook if one.anchors],
            token_book=self.token_book,
            authorities=[one.name for one in settings.timestamp],
            sources=self._source_findings,
        )

    @property
    def _overview(self) -> Overview:
        return Overview(
            self.home.config,
            self.batch_log,
            self.book,
            self._board,
            self._pulse,
            self.token_book,
            self._lane,
            StoredLeases(self._database, self._clock),
            self._database.held_up_by,
        )

    def health(self) -> Health:
        """Whether records get sealed and anchored, from the store alone."""
        return self._overview.health(self._clock.now())

    def status(self, agency_id: int | None = None) -> dict[str, Any]:
        """What people ask first, as `notary status --json` prints it; counts of one agency, or of all."""
        told = self._overview.status(
            self._clock.now(),
            self.anchorer,
            self._counts(agency_id),
            self._waiting_notices(),
            of_sources=agency_id is None,
        )
        waiting, error = self.dkim_checks.waiting(agency_id)
        now = self._clock.now()
        return {
            **told,
            "successor": self.successor,
            "keys_ending": [
                key.ending
                for one in self._agencies_meant(agency_id)
                for key in self.agencies.keys_ending(one, KEYS_END_SOON)
            ],
            "originals": self._objects.place,
            "dkim": {"waiting": waiting, "last_error": error},
            "sources": [source_row(one, now) for one in self._all_sources(agency_id)],
        }

    def figures(self) -> Figures:
        """What monitoring reads, from the store alone."""
        return self._overview.figures(
            self._clock.now(),
            self._counts(),
            self._waiting_notices(),
            self.export_jobs.book.counts(),
            self.dkim_checks.counts(),
            self._all_sources(),
        )

    def _all_sources(self, agency_id: int | None = None) -> list[Source]:
        return [
            one
            for agency in self.agencies.all()
            if agency_id in (None, agency.agency_id)
            for one in self.sources.all(agency.agency_id)
        ]

    def _source_findings(self, now: datetime) -> dict[str, list[SourceFinding]]:
        found: dict[str, list[SourceFinding]] = {}
        for agency in self.agencies.all():
            for name, said in self.sources.findings(agency.agency_id, now).items():
                found.setdefault(name, []).extend(said)
        return found

    def _waiting_notices(self) -> dict[str, Waiting]:
        return {one.name: self.notices.waiting(one.name) for one in self.home.config.webhook}

    def _agencies_meant(self, agency_id: int | None) -> list[int]:
        """The one, or all."""
        return [one.agency_id for one in self.agencies.all()] if agency_id is None else [agency_id]

    def _counts(self, agency_id: int | None = None) -> Counts:
        """What the store holds of one agency, or of all."""
        counted = [
            (
                *self.register.counts(one),
                self._sealer.unsealed(one),
                self._imports.waiting_count(one),
            )
            for one in self._agencies_meant(agency_id)
        ]
        return Counts(*[sum(column) for column in zip(*counted, strict=True)])

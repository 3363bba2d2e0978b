"""How the service stands, as people and machines ask: health, and what `notary status` prints.

Health is judged from the store alone, so that it answers at once, also while the chain is away.
Tests: tests/scenarios/service/test_service.py; the alarms' names are held by
tests/unit/anchor/test_operations_page.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from notary.chain_ports import AnchorTotals, EndpointState, IntentBook, SeenBalance
from notary.config import Config
from notary.core import source_findings
from notary.core.budget import AVERAGED, DAY, Forecast, amount_of, committed, forecast
from notary.core.moments import has_passed
from notary.notice_ports import Waiting
from notary.ports import BatchLog, LastBeat
from notary.timestamp_ports import Owing, TokenBook
from notary.usecases.alarms import AlarmBoard
from notary.usecases.anchor import Anchorer
from notary.usecases.lease import Leases, Workers
from notary.usecases.priority import PriorityLane
from notary.usecases.sources import Source
from verifier.format import times

SILENT_POLLS = 5  # a worker that missed so many passes is taken for dead …
SILENT_AT_LEAST_S = 60  # … but not sooner: one pass may seal a large batch


@dataclass(frozen=True)
class Health:
    """Whether records get sealed and anchored; `status` is "ok" or why not, for people.

    `reasons` says it for machines: codes of docs/operations.md, none while all is well.
    """

    status: str
    reasons: tuple[str, ...]
    worker_seen_at: str | None
    worker_error: str | None
    sealed: int
    anchored: int
    held: str | None
    alarms: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """What the store holds, in numbers. `unassigned` rows wait for their account."""

    matters: int
    records: int
    unsealed: int
    unassigned: int


@dataclass(frozen=True)
class Figures:
    """What monitoring reads: sizes are numbers of batches, `as_of_time` seconds since 1970."""

    healthy: bool
    counts: Counts
    sealed: int
    anchored: int
    proved: int
    waits_since: datetime | None
    deadline: datetime | None
    worker_seen_at: datetime | None
    totals: AnchorTotals
    held: str | None
    alarms: tuple[str, ...]
    costs: Forecast
    balance: SeenBalance | None
    as_of_time: int | None
    notices: Mapping[str, Waiting]
    exports: Mapping[str, int]  # jobs by state
    dkim_checks: Mapping[str, int]  # messages by state
    workers: Workers
    endpoints: tuple[EndpointState, ...]
    owing: tuple[Owing, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Overview:
    """Judges one service by what its store says."""

    settings: Config
    batch_log: BatchLog
    book: IntentBook
    board: AlarmBoard
    pulse: LastBeat
    token_book: TokenBook
    lane: PriorityLane
    leases: Leases
    held_up_by: Callable[[], str | None]

    def health(self, now: datetime) -> Health:
        """Judged from the store alone: it answers at once, also while the chain is away."""
        settings = self.settings
        held = next((one.cause for one in self.book.open_intents() if one.cause), None)
        # What a source does or leaves out is an alarm, and no illness of the service; and it is its
        # agency's business, while anybody may ask for health.
        standing = {
            code: one
            for code, one in self.board.standing(now).items()
            if code not in source_findings.CODES
        }
        alarms = [f"{code}: {alarm.text}" for code, alarm in standing.items()]
        beat = self.pulse.last()
        patience = timedelta(seconds=max(SILENT_AT_LEAST_S, SILENT_POLLS * settings.poll_s))
        status, reasons = "alarm" if standing else "ok", [*standing]
        if beat is None:
            status, reasons = "no worker was ever seen", ["WORKER_NEVER_SEEN", *reasons]
        elif has_passed(patience, beat.seen_at, now):
            status, reasons = "the worker is silent", ["WORKER_SILENT", *reasons]
        elif beat.error is not None:
            status, reasons = "the worker meets an error", ["WORKER_ERROR", *reasons]
        holding = self.held_up_by()
        if holding is not None:
            status = f"{holding} stands still in the middle of a write and holds up all others"
            reasons = ["STORE_HELD_UP", *reasons]
        return Health(
            status,
            tuple(reasons),
            None if beat is None else times.format_time(beat.seen_at),
            None if beat is None else beat.error,
            self.batch_log.size(),
            self.book.anchored(),
            None if held is None else str(held),
            tuple(alarms),
        )

    def status(
        self,
        now: datetime,
        anchorer: Anchorer,
        counts: Counts,
        notices: Mapping[str, Waiting],
        *,
        of_sources: bool,
    ) -> dict[str, Any]:
        """What people ask first, as `notary status --json` prints it.

        Alarms `of_sources` are of all agencies' sources together.
        """
        anchor = anchorer.status(now)
        health = self.health(now)
        workers = self.leases.workers()
        return {
            "health": health.status,
            "log": str(self.settings.identity),
            "matters": counts.matters,
            "records": counts.records,
            "unsealed": counts.unsealed,
            "unassigned": counts.unassigned,
            "sealed": anchor.sealed,
            "anchor": {
                "state": "at rest" if anchor.live is None else str(anchor.live.state),
                "held": None if anchor.held is None else str(anchor.held),
                "anchored_size": anchor.anchored,
                "proved_size": self._proved_size(),
                "last": _time(anchor.last_anchor_at),
                "lag_s": int(anchor.lag.total_seconds()),
                "as_of": None
                if anchor.as_of_block is None
                else f"block {anchor.as_of_block}, {_time(anchor.as_of_time)}",
                "balance": None if anchor.balance is None else amount_of(anchor.balance),
            },
            "priority": self.lane.place(now).shown(),
            "timestamps": [
                {
                    "authority": one.authority,
                    "waiting": one.waiting,
                    "since": _time(one.since),
                    "given_up": one.given_up,
                    "error": one.last_error,
                }
                for one in self._owing()
            ],
            "webhooks": {
                name: {"waiting": one.waiting, "given_up": one.given_up}
                for name, one in notices.items()
            },
            "budget": _budget_row(self.forecast(now, anchor.balance)),
            "endpoints": [
                {
                    "host": one.host,
                    "condition": str(one.condition),
                    "since": times.format_time(one.since),
                    "behind": one.behind,
                    "text": one.text,
                }
                for one in self.book.endpoints()
            ],
            "worker": None
            if health.worker_seen_at is None
            else f"seen {health.worker_seen_at}"
            + (f", error {health.worker_error}" if health.worker_error else ""),
            "workers": {"at_work": workers.holder, "standing_by": list(workers.standby)},
            "alarms": [*health.alarms, *(self._source_alarms(now) if of_sources else ())],
        }

    def _source_alarms(self, now: datetime) -> list[str]:
        return [
            f"{code}: {alarm.text}"
            for code, alarm in self.board.standing(now).items()
            if code in source_findings.CODES
        ]

    def figures(
        self,
        now: datetime,
        counts: Counts,
        notices: Mapping[str, Waiting],
        exports: Mapping[str, int],
        dkim_checks: Mapping[str, int],
        sources: Sequence[Source],
    ) -> Figures:
        """What is measured, from the store alone: the worker is another process."""
        health, beat, kept = self.health(now), self.pulse.last(), self.book.balance()
        costs = self.forecast(now, None if kept is None else kept.wei)
        as_of = self.book.newest_released()
        return Figures(
            healthy=health.status == "ok",
            counts=counts,
            sealed=health.sealed,
            anchored=health.anchored,
            proved=self._proved_size(),
            waits_since=self.board.waits_since(),
            deadline=self.board.deadline(),
            worker_seen_at=None if beat is None else beat.seen_at,
            totals=self.book.totals(),
            held=health.held,
            alarms=tuple(self.board.standing(now)),
            costs=costs,
            balance=kept,
            as_of_time=None if as_of is None else as_of.as_of.block_time,
            notices=notices,
            exports=exports,
            dkim_checks=dkim_checks,
            workers=self.leases.workers(),
            endpoints=self.book.endpoints(),
            owing=self._owing(),
            sources=tuple(sources),
        )

    def forecast(self, now: datetime, balance: int | None) -> Forecast:
        """What anchoring costs, from the store and the balance that the caller knows."""
        return forecast(
            self.book.costs_since(now - DAY),
            self.book.newest_costs(AVERAGED),
            committed(self.book.open_intents()),
            self.settings.spend_per_day_wei(),
            timedelta(seconds=self.settings.cadence_s),
            balance,
        )

    def _owing(self) -> tuple[Owing, ...]:
        """How each configured authority stands; one that nothing was asked of yet owes nothing."""
        owing = {one.authority: one for one in self.token_book.owing()}
        names = [one.name for one in self.settings.timestamp]
        return tuple([owing.get(name, Owing(name, 0, None, 0, None)) for name in names])

    def _proved_size(self) -> int:
        count = self.book.proved_count()
        return self.book.on_chain_from(count - 1)[0].size if count else 0


def _budget_row(costs: Forecast) -> dict[str, Any]:
    """Amounts of the chain's currency, as decimal text: no float is ever an amount."""

    def shown(wei: int | None) -> str | None:
        return None if wei is None else amount_of(wei)

    return {
        "spent_today": shown(costs.spent_today),
        "committed": shown(costs.committed),
        "cap_per_day": shown(costs.cap),
        "per_anchor": shown(costs.per_anchor),
        "per_day": shown(costs.per_day),
        "per_30_days": shown(costs.per_month),
        "days_left": None if costs.days_left is None else round(costs.days_left, 1),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else times.format_time(moment)

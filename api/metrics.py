"""Prometheus metrics: one page, made anew for each request from the service's figures.

Owns the names and labels, which docs/operations.md explains, and the library. No label is of a person, and
each has a bounded set of values. Only this machine may ask: what a business takes in is nobody else's, and a
scraper should not hold the token that opens records. Test: tests/api/test_metrics.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool

from api.description import declared
from notary.chain_ports import Condition
from notary.compose import Service
from notary.core import source_findings
from notary.core.budget import UNIT
from notary.core.intent import Cause, State
from notary.core.source_findings import count_of
from notary.usecases.overview import Figures

SOURCE = ["source", "number"]  # two agencies may call theirs the same

FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-real-ip"})


def install(app: FastAPI) -> None:
    """Answer GET /metrics to this machine."""

    @app.get("/metrics", response_class=PlainTextResponse, openapi_extra=declared(404))
    async def metrics(request: Request) -> Response:
        """What is measured, in the text format of Prometheus. For callers on this machine."""
        if not _is_local(request):
            # As if it were not there: nobody else has anything to look for here.
            raise HTTPException(404, "There is nothing here.")
        service: Service = request.app.state.service
        page = await run_in_threadpool(lambda: _page(service.figures()))
        return Response(page, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _is_local(request: Request) -> bool:
    # A proxy on this machine speaks for others, and says so.
    if request.client is None or FORWARDED & set(request.headers):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _page(figures: Figures) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Collector(figures))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        found = self._figures
        yield _gauge("healthy", "1 while /health answers 200.", float(found.healthy))
        yield _gauge("records", "Records acknowledged.", found.counts.records)
        yield _gauge("records_unsealed", "Records that no batch holds.", found.counts.unsealed)
        yield _gauge("rows_unassigned", "Rows that wait for an account.", found.counts.unassigned)
        yield _gauge("batches_sealed", "Batches in the log.", found.sealed)
        yield _gauge("batches_anchored", "Batches that a mined anchor covers.", found.anchored)
        yield _gauge("batches_proved", "Batches that a proved anchor covers.", found.proved)
        yield _moment(
            "waits_since_timestamp_seconds",
            "Since when the oldest of what is not anchored waits; absent if all is.",
            found.waits_since,
        )
        yield _moment(
            "deadline_timestamp_seconds",
            "By when the first of what is not anchored must be; absent if all is.",
            found.deadline,
        )
        yield _moment("worker_seen_timestamp_seconds", "Last sign of life.", found.worker_seen_at)
        as_of = GaugeMetricFamily(
            "notary_as_of_timestamp_seconds", "Block time of the newest usable as-of proof."
        )
        if found.as_of_time is not None:
            as_of.add_metric([], found.as_of_time)
        yield as_of
        states = GaugeMetricFamily("notary_intents", "Anchors by state.", labels=["state"])
        for state in State:
            states.add_metric([state], found.totals.by_state.get(state, 0))
        yield states
        held = GaugeMetricFamily(
            "notary_held", "1 for the cause that an anchor is held for.", labels=["cause"]
        )
        for cause in Cause:
            held.add_metric([cause], float(cause == found.held))
        yield held
        alarms = GaugeMetricFamily("notary_alarm", "1 for each alarm that stands.", labels=["code"])
        for code in found.alarms:
            alarms.add_metric([code], 1)
        yield alarms
        yield CounterMetricFamily(
            "notary_attempts", "Transactions signed.", value=found.totals.attempts
        )
        yield CounterMetricFamily(
            "notary_fees_paid", "Paid for mined transactions.", value=found.totals.paid / UNIT
        )
        yield _gauge("fees_paid_day", "The same in 24 hours.", found.costs.spent_today / UNIT)
        yield _gauge(
            "fees_committed", "The most that live anchors add.", found.costs.committed / UNIT
        )
        yield _amount("fees_cap_day", "The cap for 24 hours; absent without one.", found.costs.cap)
        yield _amount("fees_forecast_day", "A day at this pace.", found.costs.per_day)
        seen = found.balance
        yield _amount("balance", "The account, as last seen.", None if seen is None else seen.wei)
        yield _moment(
            "balance_seen_timestamp_seconds", "When it was.", None if seen is None else seen.seen_at
        )
        waiting = GaugeMetricFamily(
            "notary_webhook_waiting", "Notices not taken yet.", labels=["webhook"]
        )
        given_up = GaugeMetricFamily(
            "notary_webhook_given_up", "Notices given up, in 30 days.", labels=["webhook"]
        )
        for name, notices in found.notices.items():
            waiting.add_metric([name], notices.waiting)
            given_up.add_metric([name], notices.given_up)
        yield waiting
        yield given_up
        exports = GaugeMetricFamily("notary_exports", "Exports over HTTP.", labels=["state"])
        for step, count in found.exports.items():
            exports.add_metric([step], count)
        yield exports
        checks = GaugeMetricFamily(
            "notary_dkim_checks", "Messages whose signatures are checked.", labels=["state"]
        )
        for step, count in found.dkim_checks.items():
            checks.add_metric([step], count)
        yield checks
        workers = GaugeMetricFamily(
            "notary_workers", "Processes that work, or wait to take over.", labels=["state"]
        )
        workers.add_metric(["at_work"], float(found.workers.holder is not None))
        workers.add_metric(["standing_by"], len(found.workers.standby))
        yield workers
        yield from _endpoints(found)
        yield from _stamps(found)
        yield from _sources(found)


def _sources(found: Figures) -> Iterator[Metric]:
    missing = GaugeMetricFamily(
        "notary_source_numbers_missing", "Numbers that have not come.", labels=SOURCE
    )
    waiting = GaugeMetricFamily(
        "notary_source_rows_waiting",
        "Rows whose numbers came, and whose accounts have no matter.",
        labels=SOURCE,
    )
    unexplained = GaugeMetricFamily(
        "notary_source_numbers_unexplained", "Those without a stated reason.", labels=SOURCE
    )
    last = GaugeMetricFamily(
        "notary_source_last_record_timestamp_seconds", "When its last one came.", labels=SOURCE
    )
    today = GaugeMetricFamily(
        "notary_source_today",
        "Since the last closing: records, late ones, of a clock that ran back, conflicts.",
        labels=[*SOURCE, "what"],
    )
    for one in found.sources:
        name, state = [one.profile.name, one.number], one.state
        missing.add_metric(name, count_of(state.count.missing))
        waiting.add_metric(name, state.count.aside)
        unexplained.add_metric(name, count_of(source_findings.unexplained(state)))
        if state.received_ms is not None:
            last.add_metric(name, state.received_ms / 1000)
        for what, value in (
            ("records", sum(state.count.counts.values())),
            ("late", state.late),
            ("clock_back", state.back),
            ("conflicts", state.conflicts),
        ):
            today.add_metric([*name, what], value)
    yield missing
    yield waiting
    yield unexplained
    yield last
    yield today


def _endpoints(found: Figures) -> Iterator[Metric]:
    conditions = GaugeMetricFamily(
        "notary_endpoint", "1 for the condition of each endpoint.", labels=["host", "condition"]
    )
    behind = GaugeMetricFamily("notary_endpoint_behind", "Blocks that it lags.", labels=["host"])
    for endpoint in found.endpoints:
        for condition in Condition:
            conditions.add_metric(
                [endpoint.host, condition], float(condition is endpoint.condition)
            )
        behind.add_metric([endpoint.host], endpoint.behind)
    yield conditions
    yield behind


def _stamps(found: Figures) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "notary_timestamps_waiting", "Tokens wanted and not had.", labels=["authority"]
    )
    since = GaugeMetricFamily(
        "notary_timestamps_wait_since_timestamp_seconds",
        "Since when the oldest of them waits; absent if none does.",
        labels=["authority"],
    )
    given_up = GaugeMetricFamily(
        "notary_timestamps_given_up", "Tokens that came too late or never.", labels=["authority"]
    )
    for one in found.owing:
        waiting.add_metric([one.authority], one.waiting)
        given_up.add_metric([one.authority], one.given_up)
        if one.since is not None:
            since.add_metric([one.authority], one.since.timestamp())
    yield waiting
    yield since
    yield given_up


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"notary_{name}", what, value=value)


def _moment(name: str, what: str, moment: datetime | None) -> Metric:
    family = GaugeMetricFamily(f"notary_{name}", what)
    if moment is not None:
        family.add_metric([], moment.timestamp())
    return family


def _amount(name: str, what: str, wei: int | None) -> Metric:
    """Of the chain's currency: a float is good enough for a picture, and is nowhere else."""
    family = GaugeMetricFamily(f"notary_{name}", what)
    if wei is not None:
        family.add_metric([], wei / UNIT)
    return family

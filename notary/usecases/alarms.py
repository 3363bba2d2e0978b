"""Every alarm of the service that stands, from its store alone, and the record of those that came and went,
and of the anchors that were proved.

Owns the alarms that the sender does not raise itself (docs/spec/sender.md §7). Tests:
tests/unit/service/test_alarms.py; their names are held by tests/unit/anchor/test_operations_page.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from notary.chain_ports import IntentBook
from notary.core.audit_state import AuditMemory, alarm_of
from notary.core.intent import Intent
from notary.core.moments import has_passed, moment
from notary.core.source_findings import SourceFinding
from notary.core.stamping import LATE
from notary.notice_ports import Anchored, NoticeBook, Stand
from notary.ports import BatchLog, Promise
from notary.timestamp_ports import TokenBook
from notary.usecases.standing import Standing
from verifier.format import times

WORKER_STOPPED = "WORKER_STOPPED"
AT_RISK_PART = 4  # of the longest promise: so much is left when people should hear of it


SourceWatch = Callable[[datetime], Mapping[str, Sequence[SourceFinding]]]
"""What is to be said of sources, by name."""


class AlarmBoard:
    """Judges one service by what its store says."""

    def __init__(
        self,
        book: IntentBook,
        log: BatchLog,
        standing: Standing,
        notices: NoticeBook,
        audits: AuditMemory,
        *,
        max_deadline: timedelta,
        receivers: Sequence[str],
        anchor_receivers: Sequence[str],
        token_book: TokenBook,
        authorities: Sequence[str],
        sources: SourceWatch | None = None,
    ) -> None:
        self._book = book
        self._log = log
        self._standing = standing
        self._notices = notices
        self._audits = audits
        self._max_deadline = max_deadline
        self._receivers = receivers
        self._anchor_receivers = anchor_receivers
        self._token_book = token_book
        self._authorities = authorities
        self._sources = sources

    def standing(self, now: datetime) -> dict[str, Stand]:
        """The alarms that stand, by code; each since it was first seen."""
        held = next((one.cause for one in self._book.open_intents() if one.cause), None)
        found = {
            code: Stand(alarm.text, alarm.since, str(held) if code == "HELD" and held else None)
            for code, alarm in self._book.alarms().items()
        }
        told = self._notices.standing()
        trouble = self._standing.trouble()
        if trouble is not None and trouble.code not in found:
            since = told[trouble.code].since if trouble.code in told else now
            found[trouble.code] = Stand(str(trouble), since)
        drift = alarm_of(self._audits.read())
        if drift is not None:
            found["AUDIT_DRIFT"] = Stand(*drift)
        deadline = self.deadline()
        if deadline is not None:
            at_risk = deadline - self._max_deadline / AT_RISK_PART
            said = f"what has waited longest is to be anchored by {times.format_time(deadline)}"
            if now > deadline:
                found["DEADLINE"] = Stand(f"{said} and is not", deadline)
            elif now > at_risk:
                found["DEADLINE_AT_RISK"] = Stand(said, at_risk)
        late = self._late(now)
        if late is not None:
            found["TIMESTAMP_LATE"] = late
        found |= self._of_sources(told, now)
        if WORKER_STOPPED in told:
            found[WORKER_STOPPED] = told[WORKER_STOPPED]
        return dict(sorted(found.items()))

    def _of_sources(self, told: Mapping[str, Stand], now: datetime) -> dict[str, Stand]:
        """What sources show, one alarm a code, with the sources that it is said of."""
        texts: dict[str, list[str]] = {}
        for name, findings in (self._sources(now) if self._sources else {}).items():
            for one in findings:
                texts.setdefault(one.code, []).append(f"{name}: {one.text}")
        return {
            code: Stand("; ".join(said), told[code].since if code in told else now)
            for code, said in texts.items()
        }

    def _late(self, now: datetime) -> Stand | None:
        """The authorities that were asked in vain for too long; one that is not configured owes nothing."""
        late = [
            (one.since, f"{one.authority} owes tokens since {times.format_time(one.since)}")
            for one in self._token_book.owing()
            if one.since is not None and one.authority in self._authorities
            if has_passed(LATE, one.since, now)
        ]
        if not late:
            return None
        return Stand("; ".join([said for _, said in late]), min(since for since, _ in late) + LATE)

    def deadline(self) -> datetime | None:
        """When the first of what is not on chain should be there; None if all is.

        By the receipts; and a batch without records keeps the log's own promise of a sign of life.
        """
        promise, sealed_at = self._first_waiting()
        ends = [] if promise is None else [promise.deadline]
        if sealed_at is not None:
            ends.append(sealed_at + self._max_deadline)
        return min(ends, default=None)

    def waits_since(self) -> datetime | None:
        """Since when the first of what is not on chain waits; None if all is there."""
        promise, sealed_at = self._first_waiting()
        begins = [] if promise is None else [promise.received_at]
        if sealed_at is not None:
            begins.append(sealed_at)
        return min(begins, default=None)

    def _first_waiting(self) -> tuple[Promise | None, datetime | None]:
        """Of what the newest mined anchor does not cover: the first receipt, and the first sealing."""
        anchored = self._book.anchored()
        sealed_at = None
        if self._log.size() > anchored:
            sealed_at = self._log.batch(anchored).header.sealed_at
        return self._log.first_promise(anchored), sealed_at

    def look(self, now: datetime, stopped: str | None = None) -> None:
        """Keep what came and went since the last look. `stopped`: why the worker ends."""
        standing = self.standing(now)
        # Whoever looks is a worker that runs.
        standing.pop(WORKER_STOPPED, None)
        if stopped is not None:
            standing[WORKER_STOPPED] = Stand(stopped, now)
        self._notices.keep(standing, self._receivers, now)
        self._keep_anchored(now)

    def _keep_anchored(self, now: datetime) -> None:
        """Keep the anchors that were proved since the last look; of a log that is seen first, the newest."""
        proved = self._book.proved_count()
        newest = self._notices.newest_anchored()
        first = proved - 1 if newest is None else newest + 1
        if first < 0 or first >= proved:
            return
        before = max(first - 1, 0)  # with the one before, which says where its batches begin
        intents = self._book.on_chain_from(before)[: proved - before]
        begins = [0] * (first == 0) + [one.size for one in intents]
        anchored = map(_anchored, intents[first - before :], begins)
        self._notices.keep_anchored(anchored, self._anchor_receivers, now)


def _anchored(intent: Intent, first_batch: int) -> Anchored:
    """What is told of a proved anchor."""
    assert intent.number is not None
    assert intent.block is not None
    assert intent.tx_hash is not None
    return Anchored(
        anchor=intent.number,
        first_batch=first_batch,
        size=intent.size,
        root=intent.root,
        chain_id=intent.chain_id,
        contract=intent.contract,
        block=intent.block.number,
        block_hash=intent.block.hash,
        tx_hash=intent.tx_hash,
        anchored_at=moment(intent.block.time * 1000),
    )

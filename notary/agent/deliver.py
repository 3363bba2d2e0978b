"""Sends what waits, the oldest first, and forgets a record only when its receipt is on disk.

A crash between an answer and its keeping sends the record again, and the service gives the same receipt: key,
claims and signature are the same. Test: tests/scenarios/agent/test_watch.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import takewhile
from pathlib import Path

from notary.agent.journal import WAITING, Journal, Queued
from notary.agent.signing import SenderKey
from notary.client import Client, OriginalFile, Record, Refusal
from notary.errors import CallerError
from notary.ports import Clock, Progress
from verifier.format.times import format_time, parse_time

PAGE = 2_000  # records in memory at a time
KEPT_AT_ONCE = 500  # receipts in a transaction: a commit costs a disk's turn
MEASURE_EVERY = timedelta(minutes=10)  # a machine's clock drifts by milliseconds in that time
# What ails the sender, not the record.
OF_THE_KEY = frozenset({"TOKEN_WANTED", "ROLE_WANTED", "KEY_IN_URL", "AGENCY_UNKNOWN"})


class Sender:
    """One pass after the other, in one thread."""

    def __init__(
        self,
        client: Client,
        journal: Journal,
        spool: Path,
        key: SenderKey,
        source_number: str | None,
        clock: Clock,
        report: Callable[[str], None],
        progress: Progress | None = None,
    ) -> None:
        self._client = client
        self._journal = journal
        self._spool = spool
        self._key = key
        self._source_number = source_number
        self._clock = clock
        self._report = report
        self._progress = progress
        self._sent = 0

    def send_all(self) -> int:
        """Send everything that can be sent; how many were acknowledged.

        Raises NothingHappened or OutcomeUnknown where the service is away, CallerError where it does not
        know the key: everything that is not acknowledged goes on waiting.
        """
        self._sent = 0
        self._measure()
        self._lead()
        total = self._journal.count(WAITING)
        after = 0
        while page := self._journal.waiting(after, PAGE):
            after = page[-1].id
            while page:
                bare = list(takewhile(lambda one: not one.files, page))
                if bare:
                    self._stream(bare, total)
                    page = page[len(bare) :]
                else:
                    self._with_files(page[0], total)
                    page = page[1:]
        self._journal.set_fact("contact_at", format_time(self._clock.now()))
        return self._sent

    def _measure(self) -> None:
        """How far this machine's clock is off the service's: it is told in every record from now on."""
        now = self._clock.now()
        known = self._journal.fact("clock")
        if known is not None and abs(now - parse_time(known["measured_at"])) < MEASURE_EVERY:
            return
        offset = self._client.clock_offset()
        self._journal.set_fact(
            "clock",
            {
                "ahead_of_us_ms": _milliseconds(offset.ahead),
                "within_ms": _milliseconds(offset.within),
                "measured_at": format_time(offset.measured_at),
            },
        )

    def _lead(self) -> None:
        """Matters for records whose account had none."""
        wanted = set(self._journal.accounts())
        if not wanted:
            return
        for matter in self._client.matters():
            for account in wanted.intersection(matter.accounts):
                count = self._journal.lead(account, matter.number)
                self._report(f"an account has a matter now: {count} records can be sent")

    def _record(self, one: Queued, files: Sequence[OriginalFile]) -> Record:
        assert one.matter is not None
        listed = [file.document() for file in files]
        claims = self._key.sign(one.matter, one.kind, one.claims, listed)
        return Record(one.matter, one.kind, claims, one.key, self._source_number)

    def _stream(self, records: Sequence[Queued], total: int) -> None:
        done: list[tuple[Queued, str, bytes]] = []
        try:
            outcomes = self._client.submit_many(self._record(one, ()) for one in records)
            for one, (_, outcome) in zip(records, outcomes, strict=True):
                if isinstance(outcome, Refusal):
                    self._refuse(one, f"{outcome.code}: {outcome.detail}")
                    continue
                done.append((one, outcome.record_id, outcome.receipt))
                if len(done) >= KEPT_AT_ONCE:
                    self._keep(done, total)
                    done = []
        finally:
            self._keep(done, total)

    def _with_files(self, one: Queued, total: int) -> None:
        files = [
            OriginalFile(self._spool / copy.name, copy.filename, copy.media_type)
            for copy in one.files
        ]
        try:
            done = self._client.submit_with_files(self._record(one, files), files)
        except CallerError as error:
            if error.code in OF_THE_KEY:
                raise
            self._refuse(one, f"{error.code}: {error}")
            return
        self._keep([(one, done.record_id, done.receipt)], total)
        for file in files:
            file.path.unlink(missing_ok=True)

    def _refuse(self, one: Queued, said: str) -> None:
        self._journal.refused(one, said)
        self._report(f"refused: {one.key}: {said}")

    def _keep(self, done: Sequence[tuple[Queued, str, bytes]], total: int) -> None:
        if not done:
            return
        now = format_time(self._clock.now())
        # A crash before this sends them again; one after it, and their copies are swept.
        self._journal.acknowledged(done, now)
        self._sent += len(done)
        if self._progress is not None:
            self._progress(self._sent, max(total, self._sent))


def _milliseconds(span: timedelta) -> int:
    return round(span / timedelta(milliseconds=1))

"""What a worker does, and what goes on beside it.

Test: tests/unit/service/test_worker.py, tests/scenarios/service.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from notary import config
from notary.adapters.alive import alive, clear, is_gone
from notary.adapters.dns import key_records
from notary.adapters.store.database import Database
from notary.adapters.store.leases import StoredLeases
from notary.adapters.store.leases import require as require_lease
from notary.adapters.store.originals import StoredOriginals
from notary.adapters.store.records import StoredRecords
from notary.adapters.timestamp_http import HttpAuthority
from notary.compose.keeping import Keeping
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.usecases.courier import Courier, send_test
from notary.usecases.dkim_checks import DkimChecker
from notary.usecases.lease import Post
from notary.usecases.originals import sweep_orphans
from notary.usecases.set_aside import EarlierRows
from notary.usecases.stamp import PinnedAuthority, Stamper, StampSettings
from notary.usecases.standing import STORE_BEHIND_SIGNED
from notary.worker import Worker
from verifier.format.errors import FormatError

MARK_BYTES = 8  # of a process, so that a number that is used again is no other's lease
PARTING_S = 5  # a sweep is waited for so long at the end; what it leaves, the next one takes


class Working(Keeping):
    """The worker, its lease, and webhooks, time stamps and signatures beside it."""

    def worker(self, report: Callable[[str], None]) -> Worker:
        """The worker of this service. Raises Contradiction if the store is older than its keys."""
        trouble = self.standing.trouble()
        if trouble is not None and trouble.code == STORE_BEHIND_SIGNED:
            raise Contradiction(trouble.code, str(trouble))
        self.eraser.enforce()
        earlier = EarlierRows(
            StoredRecords(self._database), self._keys, self._clock, self._entropy
        ).enter([one.agency_id for one in self.agencies.all()])
        if earlier:
            report(f"set aside the numbers of {earlier} rows that wait")
        return Worker(
            lambda: self.sources.close(self._clock.now()),
            _Sealing(self),
            _Anchoring(self),
            self._pulse,
            _Watch(self),
            self.home.config.poll_s,
            report,
        )

    @contextmanager
    def sweeping(self, report: Callable[[str], None]) -> Iterator[None]:
        """Take away originals that no record names, once, beside what the block does."""
        over = threading.Event()

        def sweep() -> None:
            try:
                named = StoredOriginals(self._database)
                sweep_orphans(named, self._objects, self._clock.now(), over.is_set)
            except NothingHappened as error:
                report(f"sweep of originals: {error.code}: {error}")

        # A daemon: a bucket that hangs must not keep the process from ending.
        thread = threading.Thread(target=sweep, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(PARTING_S)

    def courier(self, report: Callable[[str], None]) -> Courier:
        """Brings notices of alarms and anchors to the webhooks."""
        return Courier(self.notices, self.receivers, self.identity.name, self._clock, report)

    def test_webhooks(self, name: str | None) -> dict[str, str | None]:
        """Send each webhook, or the named one, a message; why it did not take it, by its name."""
        wanted = [one for one in self.receivers if name in (None, one.name)]
        if not wanted:
            raise CallerError(
                "WEBHOOK_UNKNOWN",
                f"{config.CONFIG_NAME} has no [[webhook]]{f' named {name}' if name else ''}. Add it first.",
            )
        results: dict[str, str | None] = {}
        for one in wanted:
            try:
                send_test(one, self.identity.name, self._clock.now(), self._entropy)
                results[one.name] = None
            except NothingHappened as error:
                results[one.name] = f"{error.code}: {error}"
        return results

    def stamper(self, report: Callable[[str], None]) -> Stamper:
        """Gets time-stamp tokens. Raises CallerError if the roots of an authority can't be read."""
        settings = self.home.config
        return Stamper(
            [_pinned(one) for one in settings.timestamp],
            self.token_book,
            self.batch_log,
            self._clock,
            self._entropy,
            StampSettings(
                gap=timedelta(seconds=settings.timestamp_gap_s),
                renew_before=timedelta(seconds=settings.renew_before_s),
            ),
            report,
        )

    def dkim_checker(self, report: Callable[[str], None]) -> DkimChecker:
        """Checks the signatures of messages. Raises CallerError if the setting names no resolver."""
        return DkimChecker(
            self.dkim_checks,
            self._imports,
            # A message is the one attachment of its record.
            lambda agency_id, record_id: self.reader.open_attachment(agency_id, record_id, 0),
            self.acceptor,
            key_records(self.home.config.dkim_resolver),
            self._clock,
            report,
        )

    @contextmanager
    def as_worker(
        self, report: Callable[[str], None], stop: threading.Event, *, wait: bool
    ) -> Iterator[bool]:
        """Be the one worker of this log while the block runs; its writes are refused once it is not.

        Stands by until it can be; False if `stop` was set before. Raises NothingHappened WORKER_RUNS without
        `wait`, if another one is at work.
        """
        mark = self._entropy.token(MARK_BYTES).hex()
        name = f"{socket.gethostname()}:{os.getpid()}:{mark}"
        folder = self.home.data / "workers"
        # Connections of its own: it is not guarded by what it guards, and a renewal waits for nobody's.
        database = Database(self._database.place)
        post = Post(
            StoredLeases(database, self._clock),
            name,
            lambda other: is_gone(folder, other.rpartition(":")[2]),
            report,
        )
        try:
            with alive(folder, mark), post.held(stop, wait=wait) as lease:
                if lease is not None:
                    self._database.guard = partial(require_lease, lease=lease)
                    clear(folder)
                yield lease is not None
        finally:
            self._database.guard = None
            database.close()


def _pinned(one: config.Authority) -> PinnedAuthority:
    # Imported here: reading certificates takes long to load, and only the worker does it.
    from verifier.format.timestamp_authority import read_roots

    try:
        roots = read_roots(one.roots)
    except FormatError as error:
        raise CallerError(
            "CONFIG_INVALID",
            f"{config.CONFIG_NAME}: the roots of authority {one.name}: {error.message}. Paste the PEM "
            "of its root certificates.",
        ) from error
    return PinnedAuthority(HttpAuthority(one.name, one.url), roots)


@dataclass(frozen=True)
class _Sealing:
    """notary.worker.Sealing over the service's parts."""

    service: Working

    def due(self) -> bool:
        now = self.service._clock.now()
        return self.service._sealer.due(now) or self.service._lane.due(now)

    def pending(self) -> bool:
        return self.service._sealer.unsealed() > 0

    def seal(self) -> int:
        now = self.service._clock.now()
        self.service.custody.enter_held()
        # While another command holds the key folder, the next batch finds them as well.
        with suppress(NothingHappened):
            self.service.retire_keys()
        # A restored store can't take a tombstone in before it was compared with the chain. A register that
        # can't be read does not stop the sealing, but the next start.
        with suppress(NothingHappened, CallerError):
            self.service.eraser.finish()
        return self.service._sealer.seal(now, self.service._recent_block(now)).index


@dataclass(frozen=True)
class _Watch:
    """notary.worker.Watch over the board of alarms."""

    service: Working

    def look(self, stopped: str | None) -> None:
        self.service._board.look(self.service._clock.now(), stopped)


class _Anchoring:
    """notary.worker.Anchoring over the sender."""

    def __init__(self, service: Working) -> None:
        self._service = service
        # Until the first step nothing is known of the chain.
        self._idle = False
        self._trouble: str | None = None

    def step(self) -> str:
        step = self._service.anchorer.step(self._service._clock.now())
        self._idle, self._trouble = step.idle, step.trouble
        return "; ".join(step.happened)

    def idle(self) -> bool:
        return self._idle

    def trouble(self) -> str | None:
        return self._trouble

"""The loop: look, queue, send; for ever, once, or for show.

Looking goes on while the service is away: sending has a thread of its own. Test:
tests/scenarios/agent/test_watch.py.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notary.adapters.durable import only_one
from notary.adapters.system import SystemClock
from notary.agent.deliver import Sender
from notary.agent.journal import NAME as JOURNAL
from notary.agent.journal import Journal, Queued
from notary.agent.making import Maker
from notary.agent.scan import RESERVE_BYTES, Scanner
from notary.agent.settings import Settings
from notary.agent.signing import SenderKey, sender_key
from notary.client import Client
from notary.errors import CallerError, NotaryError, NothingHappened
from notary.ports import Clock, Progress
from verifier.format.times import format_time

SPOOL = "spool"
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 300.0  # after a week without a network, within five minutes of its return
REST = 10  # times as long as a look took: a million files leave the machine nine tenths of a core
SHOWN_FAULTS = 20
LOCK = "watch.lock"
# What the two halves of the agent leave in the journal for those who ask.
FACTS = ("clock", "contact_at", "trouble", "full", "look_trouble", "looked_at")


@dataclass(frozen=True)
class Done:
    """What one pass did; `trouble` is why not everything could be sent."""

    queued: int
    sent: int
    trouble: str | None
    full: bool


class _Counted:
    """Counts records, and keeps the first."""

    def __init__(self, most: int = 0) -> None:
        self.count = 0
        self.first: list[Queued] = []
        self._most = most

    def __call__(self, record: Queued) -> None:
        self.count += 1
        if len(self.first) < self._most:
            self.first.append(record)


class Watch:
    """The agent of one folder of its own. One at a time."""

    def __init__(self, settings: Settings, report: Callable[[str], None]) -> None:
        self._settings = settings
        self._report = report
        self._clock: Clock = SystemClock()
        self._fault: BaseException | None = None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Held by the one agent of the folder. Makes the folder if there is none."""
        state = self._settings.state
        try:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            (state / SPOOL).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CallerError("STATE", f"{state}: {error.strerror}.") from error
        busy = NothingHappened("WATCH_RUNS", f"another agent is at work on {state}; one is enough.")
        with only_one(state / LOCK, busy):
            yield

    def key(self) -> SenderKey:
        """The sender's key, made at the first time."""
        return sender_key(self._settings.state)

    def once(self, progress: Progress | None = None) -> Done:
        """Take what is there and send it. Waits once for files that are new to stand still."""
        key = self.key()
        journal = Journal(self._settings.state)
        try:
            counted = _Counted()
            scanner = self._scanner(journal, counted)
            scanner.sweep()
            scanner.look(self._maker(journal, key), now_s=time.time())
            if scanner.unsettled:
                time.sleep(self._settings.settle_s)
                scanner.look(self._maker(journal, key), now_s=time.time())
            sender = self._sender(journal, key, progress)
            trouble = None
            before = journal.told(0)["sent"]
            try:
                sender.send_all()
            except NotaryError as error:
                trouble = f"{error.code}: {error}"
            journal.set_fact("trouble", trouble)
            self._looked(journal, scanner)
            sent = journal.told(0)["sent"] - before
            return Done(counted.count, sent, trouble, scanner.full)
        finally:
            journal.close()

    def dry_run(self, most: int) -> tuple[int, list[Queued]]:
        """How many records would be queued, and the first of them. Nothing is written, sent or asked."""
        memory = Journal(None, like=self._settings.state)
        try:
            counted = _Counted(most)
            scanner = Scanner(self._settings, memory, None, time.monotonic, self._report, counted)
            state = self._settings.state
            has_key = (state / "sender.pem").exists()
            key = self.key() if has_key else SenderKey.throwaway()
            scanner.look(Maker(key, self._settings.source, None, self._now()), settled=True)
            return counted.count, counted.first
        finally:
            memory.close()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        key = self.key()
        journal = Journal(self._settings.state)
        sending = threading.Thread(target=self._send, args=(key, stop), daemon=True)
        try:
            scanner = self._scanner(journal, _Counted())
            scanner.sweep()
            sending.start()
            pause = self._settings.poll_s
            while not stop.is_set():
                began = time.monotonic()
                try:
                    scanner.look(self._maker(journal, key))
                    self._looked(journal, scanner)
                    took = time.monotonic() - began
                    pause = max(self._settings.poll_s, REST * took)
                except NothingHappened as error:
                    # The disk refuses the journal. What is sent meanwhile may make room.
                    self._report(f"{error.code}: {error}")
                    pause = min(max(2 * pause, FIRST_PAUSE_S), LONGEST_PAUSE_S)
                stop.wait(pause)
        finally:
            stop.set()
            if sending.ident is not None:
                sending.join(LONGEST_PAUSE_S)
            journal.close()
        if self._fault is not None:
            raise self._fault

    def _send(self, key: SenderKey, stop: threading.Event) -> None:
        """Send what waits, again and again. In a thread of its own, by its own connection."""
        journal = Journal(self._settings.state)
        try:
            sender = self._sender(journal, key, None)
            pause = self._settings.poll_s
            while not stop.is_set():
                try:
                    sent = sender.send_all()
                    if sent:
                        self._report(f"sent {sent}")
                    trouble, pause = None, self._settings.poll_s
                except NotaryError as error:
                    trouble = f"{error.code}: {error}"
                    # A key that is not known is mended by a person, and then nobody starts us anew.
                    pause = min(max(2 * pause, FIRST_PAUSE_S), LONGEST_PAUSE_S)
                    self._report(trouble)
                try:
                    journal.set_fact("trouble", trouble)
                except NotaryError as error:
                    self._report(f"{error.code}: {error}")
                stop.wait(pause)
        except BaseException as error:  # noqa: BLE001 - whoever looks must end as well, and say why
            self._fault = error
        finally:
            journal.close()
            stop.set()

    def _looked(self, journal: Journal, scanner: Scanner) -> None:
        for name, value in (
            ("full", scanner.why_full),
            ("look_trouble", scanner.trouble),
            ("looked_at", self._now()),
        ):
            journal.set_fact(name, value)

    def _now(self) -> str:
        return format_time(self._clock.now())

    def _maker(self, journal: Journal, key: SenderKey) -> Maker:
        return Maker(key, self._settings.source, journal.fact("clock"), self._now())

    def _scanner(self, journal: Journal, counted: _Counted) -> Scanner:
        spool = self._settings.state / SPOOL
        return Scanner(self._settings, journal, spool, time.monotonic, self._report, counted)

    def _sender(self, journal: Journal, key: SenderKey, progress: Progress | None) -> Sender:
        settings = self._settings
        client = Client(
            settings.server,
            settings.api_key(),
            receipt_keys=settings.receipt_keys,
            ca=settings.ca,
            # The queue is what waits; a call that fails is made again later.
            patience_s=0,
        )
        spool = settings.state / SPOOL
        number = settings.source_number
        return Sender(client, journal, spool, key, number, self._clock, self._report, progress)


def _runs(state: Path) -> bool:
    """Whether an agent is at work on the folder now."""
    busy = NothingHappened("WATCH_RUNS", "")
    try:
        with only_one(state / LOCK, busy):
            return False
    except NothingHappened:
        return True


def status(state: Path) -> dict[str, Any]:
    """How the agent of that folder stands, from its memory alone. Raises CallerError WATCH_UNKNOWN."""
    if not (state / JOURNAL).exists():
        raise CallerError("WATCH_UNKNOWN", f"{state} is no folder of an agent that ever ran.")
    journal = Journal(state)
    try:
        spool = state / SPOOL
        copies = [one.stat().st_size for one in spool.iterdir()] if spool.is_dir() else []
        return {
            **journal.told(SHOWN_FAULTS),
            **{name: journal.fact(name) for name in FACTS},
            "key": sender_key(state).public,
            "runs": _runs(state),
            "disk_full": shutil.disk_usage(state).free < RESERVE_BYTES,
            "spool_bytes": sum(copies),
        }
    finally:
        journal.close()

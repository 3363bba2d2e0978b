"""Asks the DNS for the keys of signed messages, beside sealing and anchoring, and records what came out.

The order survives a crash anywhere. A message is queued before it enters, so that none enters unqueued. What
was found is a record of its own, which points to the message; a crash between that record and the end of the
queue entry asks again and is told that the record is there. Spec: docs/spec/importers.md §7.1. Test:
tests/scenarios/ingest/test_dkim.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

from notary.core.intake import Incoming, Refused
from notary.core.moments import doubled
from notary.errors import NotaryError, NothingHappened
from notary.importers.dkim import (
    MAX_KEY_TEXT,
    Finding,
    Result,
    Signature,
    described,
    finding_says,
    judge,
    signatures,
)
from notary.importers.mail import MAX_PARSED_BYTES
from notary.ports import Acceptor, Clock
from notary.usecases.beside import beside
from notary.usecases.import_store import ImportStore, StoredClaims
from verifier.format.jsonc import Json
from verifier.format.times import format_time

LOOK_EVERY_S = 2.0
PARTING_S = 20  # longer than a look-up takes; then the process ends without it
LEASE = timedelta(minutes=5)  # a message has at most 20 signatures of 5 s each
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=6)
PATIENCE = timedelta(
    days=7
)  # signers leave a key in the DNS for at least as long as mail may travel
VERSION = "1"  # goes up when the same message and key would give another finding


@dataclass(frozen=True)
class KeyAnswer:
    """What the DNS says of a name: its texts, none if it has none. `dnssec` is the resolver's own word."""

    records: tuple[bytes, ...]
    resolver: str
    dnssec: bool


class KeyRecords(Protocol):
    """The DNS, for keys of signers."""

    def look_up(self, name: str) -> KeyAnswer:
        """The TXT records of a name, within a bounded time.

        Raises NothingHappened DNS_AWAY where nobody answered, or the answer was a failure of a server.
        """
        ...


@dataclass(frozen=True)
class Wanted:
    """A message whose signatures are to be checked, by its idempotency key."""

    id: int
    agency_id: int
    key: str
    wanted_at: datetime
    tries: int


class CheckQueue(Protocol):
    """The messages to check. Durable: what a method wrote survives a power loss when it returns."""

    def want(self, agency_id: int, key: str, now: datetime) -> None:
        """Queue the message with this idempotency key, unless it ever was. It may enter later."""
        ...

    def take(self, now: datetime, until: datetime) -> Wanted | None:
        """The oldest that is due, which is then due again at `until`: a crash gives it to the next."""
        ...

    def put_off(self, wanted: Wanted, until: datetime, error: str) -> None:
        """It could not be checked; not due before then."""
        ...

    def end(self, wanted: Wanted) -> None:
        """It is checked, or gone."""
        ...


class DkimChecker:
    """Checks what is due.

    `open_message` gives the bytes of a message by agency and record id. `keys` is None where the operator
    wants no questions asked.
    """

    def __init__(
        self,
        queue: CheckQueue,
        store: ImportStore,
        open_message: Callable[[int, int], BinaryIO],
        acceptor: Acceptor,
        keys: KeyRecords | None,
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self._queue = queue
        self._store = store
        self._open = open_message
        self._acceptor = acceptor
        self._keys = keys
        self._clock = clock
        self._report = report

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Check while the block runs. At its end, what is due is tried once more."""
        if self._keys is None:
            yield
            return
        with beside([self._serve], LOOK_EVERY_S, PARTING_S):
            yield

    def _serve(self) -> None:
        try:
            while self.check_next():
                pass
        except NotaryError as error:
            # The store was away, or the log is closed. The lease ends, and the next look tries again.
            self._report(f"dkim: {error.code}: {error}")

    def check_next(self) -> bool:
        """Check the oldest message that is due; whether it is settled."""
        now = self._clock.now()
        wanted = self._queue.take(now, now + LEASE)
        if wanted is None or self._keys is None:
            return False
        over = now - wanted.wanted_at >= PATIENCE
        stored = self._store.stored(wanted.agency_id, [wanted.key]).get(wanted.key)
        if stored is None:
            # Queued by an import that did not come to its commit; the same import may run again.
            if over:
                self._queue.end(wanted)
            else:
                self._put_off(wanted, now, "the message has not entered")
            return over
        if stored.claims is None:
            self._queue.end(wanted)
            return True
        with self._open(wanted.agency_id, stored.record_id) as file:
            found = signatures(file.read(MAX_PARSED_BYTES))
        try:
            results = [self._check(one, over) for one in found]
        except NothingHappened as error:
            self._put_off(wanted, now, f"{error.code}: {error}")
            return False
        outcome = self._acceptor.accept(wanted.agency_id, [self._record(stored, results, now)])[0]
        if isinstance(outcome, Refused) and not outcome.conflict:
            self._put_off(wanted, now, f"{outcome.code}: {outcome.reason}")
            return False
        # A conflict is the record that was made before a crash, at another time of day.
        self._queue.end(wanted)
        return True

    def _put_off(self, wanted: Wanted, now: datetime, error: str) -> None:
        pause = doubled(FIRST_PAUSE, wanted.tries + 1, LONGEST_PAUSE)
        self._queue.put_off(wanted, now + pause, error)

    def _check(self, signature: Signature, over: bool) -> dict[str, Json]:
        """One signature, with the key as it was seen. Raises NothingHappened unless `over`."""
        assert self._keys is not None
        if signature.settled is not None:
            return {**described(signature), **finding_says(signature.settled), "key": None}
        now = self._clock.now()
        key: dict[str, Json] = {"name": signature.key_name, "asked_at": format_time(now)}
        try:
            answer = self._keys.look_up(signature.key_name)
        except NothingHappened as error:
            if not over:
                raise
            reason = f"in {PATIENCE.days} days nobody gave the signer's key: {error}"
            finding = Finding(Result.NOT_CHECKED, reason, signature.notes)
        else:
            finding = judge(signature, answer.records, now)
            key["resolver"] = answer.resolver
            key["dnssec"] = answer.dnssec
            key["records"] = [
                one[:MAX_KEY_TEXT].decode("ascii", "backslashreplace") for one in answer.records[:5]
            ]
        return {**described(signature), **finding_says(finding), "key": key}

    def _record(
        self, stored: StoredClaims, results: Sequence[dict[str, Json]], now: datetime
    ) -> Incoming:
        claims: dict[str, Json] = {
            "model": {"name": "DKIM", "version": VERSION},
            "inputs": [{"position": stored.position, "leaf": stored.leaf_hash.hex()}],
            "occurred_at": format_time(now),
            "occurred_at_source": {
                "text": None,
                "zone": "UTC",
                "fold": None,
                "note": "when the service asked the DNS, by the service's clock",
            },
            "text": "; ".join(f"{one['domain']}: {one['result']}" for one in results),
            "fields": {"dkim": list(results)},
        }
        # The time is another one when a crash makes it be done again, so the key names the message alone.
        key = f"dkim/{stored.leaf_hash.hex()}"
        return Incoming(stored.matter_key, "derived", claims, key)

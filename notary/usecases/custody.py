"""Files who is given what, before it is given, and lists it.

A store that may take nothing in (behind its keys, not yet compared, its log retired) is still read and
exported, which people then need most: what is filed meanwhile is held in the store and enters the log as soon
as it may. Spec: docs/design/0027-custody.md. Test: tests/unit/store/test_stored_custody.py,
tests/scenarios/service/test_custody.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from notary.core import custody
from notary.core.custody import Action, Handed, Request
from notary.core.intake import Accepted, Incoming, Outcome
from notary.errors import CallerError, NothingHappened
from notary.ports import Acceptor, Clock, Entropy, Matter
from notary.usecases.export_order import ExportOrder, ExportResult
from notary.usecases.read import RecordReader, RecordView
from notary.usecases.standing import NOT_COMPARED, STORE_BEHIND_CHAIN, STORE_BEHIND_SIGNED
from verifier.format import records, times

# Why a log takes nothing in though its store can be written.
CLOSED = frozenset({"LOG_RETIRED", NOT_COMPARED, STORE_BEHIND_CHAIN, STORE_BEHIND_SIGNED})
ENTERED_AT_ONCE = 500  # held records of one commit


class HeldRecords(Protocol):
    """Records of custody that the store holds outside the log, durably and sealed."""

    def hold(self, agency_id: int, item: Incoming) -> None:
        """Keep it."""
        ...

    def of_matter(self, agency_id: int, matter_key: bytes) -> list[Incoming]:
        """Those of one matter, oldest first."""
        ...

    def all(self, most: int) -> Iterator[tuple[int, list[Incoming]]]:
        """All of them with their agency, in order, at most `most` of one agency at a time."""
        ...

    def drop(self, idempotency_keys: Sequence[str]) -> None:
        """Forget those that entered the log."""
        ...


@dataclass(frozen=True)
class CustodyDesk:
    """Every reading and export of content passes here."""

    acceptor: Acceptor
    reader: RecordReader
    held: HeldRecords
    clock: Clock
    entropy: Entropy

    def request(self, actor: str, purpose: str | None) -> Request:
        """A request, under a new id. Raises CallerError PURPOSE_FORM."""
        request_id = self.entropy.token(custody.REQUEST_LENGTH).hex()
        return Request(actor, request_id, custody.check_purpose(purpose))

    def reading(self, request: Request, read: Accepted | RecordView) -> Incoming | None:
        """What to file before a record is shown; nothing for a record of custody, or there were no end."""
        if records.parse_leaf(read.leaf).kind == custody.KIND:
            return None
        return custody.record(
            read.matter_key, request, Action.READ, self.clock.now(), [read.position]
        )

    def export(
        self, request: Request, order: ExportOrder, result: ExportResult, sha256: str, size: int
    ) -> Incoming | None:
        """What to file before a package is handed out; nothing for one that shows nothing of a matter."""
        if not result.shown:
            return None
        return custody.record(
            order.number.key,
            request,
            Action.EXPORT,
            self.clock.now(),
            sorted(set(order.positions)) or range(result.records),
            Handed(result.kind, sha256, size),
        )

    def file(self, agency_id: int, item: Incoming) -> None:
        """File it, durably. Raises as `settled`, or as the acceptor does; then nothing may be given out."""
        try:
            (outcome,) = self.acceptor.accept(agency_id, [item])
        except NothingHappened as error:
            self.refused(agency_id, item, error)
        else:
            settled(outcome)

    def refused(self, agency_id: int, item: Incoming, error: NothingHappened) -> None:
        """Hold it in the store if the log is closed; else raise the error."""
        if error.code not in CLOSED:
            raise error
        self.held.hold(agency_id, item)

    def enter_held(self) -> int:
        """Let into the log what is held, if it may; how many. Killed, the next call goes on.

        What the log refuses stays held and is listed so: it must not stand in the way of a sealing.
        """
        entered = 0
        for agency_id, items in self.held.all(ENTERED_AT_ONCE):
            try:
                outcomes = self.acceptor.accept(agency_id, items)
            except NothingHappened as error:
                if error.code in CLOSED:
                    continue
                raise
            inside = [
                item.idempotency_key
                for item, outcome in zip(items, outcomes, strict=True)
                if isinstance(outcome, Accepted)
            ]
            self.held.drop(inside)
            entered += len(inside)
        return entered

    def listed(self, agency_id: int, matter: Matter) -> Iterator[dict[str, Any]]:
        """Who was given what of the matter, oldest first; then what is held and in no log yet."""
        # What is held is read first: what enters the log meanwhile is then shown once.
        held = {item.idempotency_key: item for item in self.held.of_matter(agency_id, matter.key)}
        for view, values in self.reader.of_kind(agency_id, matter.key, custody.KIND):
            held.pop(f"{custody.KIND}/{values.get('request')}", None)
            yield {
                "position": view.position,
                "received_at": times.format_time(view.received_at),
                "batch": view.batch,
                **_shown(values),
            }
        for item in held.values():
            yield {"position": None, "received_at": None, "batch": None, **_shown(item.claims)}


def settled(outcome: Outcome) -> None:
    """Raise CallerError unless it was filed."""
    if not isinstance(outcome, Accepted):
        raise CallerError(outcome.code, f"{outcome.field}: {outcome.reason}")


def _shown(values: Any) -> dict[str, Any]:
    names = ("action", "actor", "occurred_at", "purpose", "request", "shown", "package")
    return {name: values.get(name) for name in names}

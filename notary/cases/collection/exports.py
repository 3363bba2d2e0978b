"""Owns the rows of the daily exports: each event as its system writes it, in that system's columns and clock.

The letter system, the dialler and the gateways are the agency's and keep its clock; tablets, bank and mail
house write the offset of the place. Test: tests/scenarios/ingest/test_collection_case.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from notary.cases import case_folder, pdf
from notary.cases.collection.hours import AGENCY_ZONE
from notary.cases.collection.model import (
    Call,
    Disposition,
    Email,
    Event,
    Filing,
    Letter,
    Payment,
    PostEvent,
    Promise,
    Reversal,
    Sms,
    Visit,
)
from notary.cases.collection.visits import missed_seconds, recording
from notary.cases.draws import Draws

_MAX_SEGMENTS = 3  # the visits' table has so many columns for them
_RESULTS = {
    Disposition.ANSWERED: "ANS",
    Disposition.NO_ANSWER: "NA",
    Disposition.BUSY: "BSY",
    Disposition.FAILED: "FLD",
    Disposition.VOICEMAIL: "VM",
}
_SCANS = {"dispatch": "DSP", "delivery": "DLV", "return": "RTS"}
_CONSEQUENCES = {
    1: "none yet: please pay, or tell us why not",
    2: "interest from the due date",
    3: "legal action from three months after the due date",
}


@dataclass(frozen=True)
class Table:
    """How one export is laid out: for each event a row of cells, or an object for NDJSON (no columns)."""

    row: Callable[[Any], Sequence[object] | Mapping[str, object]]
    columns: tuple[str, ...] = ()
    delimiter: str = ","


def file_of(event: Event) -> str:
    """The export that holds the event's row: its path below the case's folder."""
    return f"days/{event.exported_on}/{event.export}"


def content(export: str, events: Iterable[Event]) -> bytes:
    """The bytes of an export with these rows."""
    layout = TABLES[export]
    rows = [layout.row(event) for event in events]
    if not layout.columns:
        return case_folder.lines([row for row in rows if isinstance(row, Mapping)])
    cells = [row for row in rows if not isinstance(row, Mapping)]
    return case_folder.table(layout.columns, cells, delimiter=layout.delimiter)


def attachments(event: Event, draws: Draws) -> dict[str, bytes]:
    """The files that the event's row names, by their paths beside the export."""
    if isinstance(event, Letter):
        return {_page(event): pdf.page(letter_text(event))}
    if isinstance(event, Filing):
        text = [f"APPLICATION FOR A PAYMENT ORDER {event.reference}", f"Account {event.account}"]
        return {_page(event): pdf.page([*text, f"Sum: {money(event.amount, event.currency)}"])}
    if isinstance(event, Visit):
        return {name: recording(draws, name) for name in _segments(event)}
    return {}


def decimal(minor: int) -> str:
    """Minor units as a decimal number; each currency of the case has two places."""
    return f"{minor // 100}.{minor % 100:02}"


def money(minor: int, currency: str) -> str:
    """A sum for people."""
    return f"{currency} {decimal(minor)}"


def shown_phone(call: Call) -> str:
    """The number of the person outside, as the dialler's export shows it."""
    phone = call.person_phone
    return f"{phone[:6]}****{phone[-4:]}" if call.masked else phone


def _offset_time(event: Event, at: datetime) -> str:
    return at.astimezone(event.zone).isoformat(timespec="seconds")


def _agency_time(at: datetime, form: str) -> str:
    return at.astimezone(AGENCY_ZONE).strftime(form)


def _page(event: Letter | Filing) -> str:
    return f"pages/{event.reference}.pdf"


def letter_text(letter: Letter) -> list[str]:
    """What the page of a letter says."""
    # The page's font has no Chinese characters; the addressee stands in the export.
    return [
        f"DEMAND, STAGE {letter.stage}",
        f"Letter {letter.reference}, account {letter.account}",
        f"Open: {money(letter.amount, letter.currency)}, due on {letter.due}",
        f"Consequence: {_CONSEQUENCES[letter.stage]}",
    ]


def _letter(letter: Letter) -> Sequence[object]:
    return (
        letter.reference,
        letter.account,
        _agency_time(letter.at, "%d/%m/%Y"),
        _agency_time(letter.at, "%H:%M"),
        letter.stage,
        f"{letter.amount // 100:,}.{letter.amount % 100:02}",
        letter.currency,
        letter.due.strftime("%d/%m/%Y"),
        _CONSEQUENCES[letter.stage],
        "contract, clause 14",
        letter.addressee,
        "P" if letter.posted else "E",
        f"demand-{letter.stage}/2",
        _page(letter),
    )


def _post(event: PostEvent) -> Sequence[object]:
    return (
        event.reference,
        event.account,
        event.letter,
        _SCANS[event.act],
        _offset_time(event, event.at),
        event.signer,
    )


def _email(event: Email) -> Mapping[str, object]:
    return {
        "message_id": event.reference,
        "account": event.account,
        "date": event.local.strftime("%a, %d %b %Y %H:%M:%S %z"),
        "direction": "out" if event.outbound else "in",
        "from": {"address": event.sender},
        "to": [event.recipient],
        "subject": event.subject,
        "body": event.text,
        "label": event.label,
    }


def _sms(event: Sms) -> Mapping[str, object]:
    return {
        "seq": event.number,
        "sms_id": event.reference,
        "client": event.account,
        "ts": int(event.at.timestamp()) * 1000,
        "mo_mt": "MT" if event.outbound else "MO",
        "sender": event.sender,
        "recipient": event.recipient,
        "text": event.text,
    }


def _call(call: Call) -> Sequence[object]:
    shown = shown_phone(call)
    return (
        call.reference,
        _agency_time(call.at, "%Y-%m-%d %H:%M:%S"),
        call.ring_s,
        call.talk_s,
        call.ring_s + call.talk_s,
        "O" if call.outbound else "I",
        call.caller if call.outbound else shown,
        shown if call.outbound else call.callee,
        call.account,
        call.role,
        _RESULTS[call.disposition],
        call.agent,
    )


def _visit(visit: Visit) -> Sequence[object]:
    missed = missed_seconds(visit)
    names = _segments(visit)
    return (
        visit.reference,
        visit.account,
        _offset_time(visit, visit.at),
        _offset_time(visit, visit.ended_at),
        visit.place,
        "/".join(visit.staff),
        f"segments: {len(names)}, not recorded: {missed} s",
        *names,
        *[""] * (_MAX_SEGMENTS - len(names)),
    )


def _segments(visit: Visit) -> list[str]:
    return [
        str(PurePosixPath("recordings") / f"{visit.reference}-{n}.wav")
        for n in range(1, len(visit.segments) + 1)
    ]


def _payment(payment: Payment) -> Sequence[object]:
    return (
        payment.reference,
        payment.account,
        _offset_time(payment, payment.at),
        decimal(payment.amount),
        payment.currency,
        payment.payer,
        payment.payee,
        payment.local.strftime("%Y-%m-%d"),
    )


def _reversal(reversal: Reversal) -> Sequence[object]:
    return (
        reversal.reference,
        reversal.account,
        _offset_time(reversal, reversal.at),
        reversal.payment,
        money(reversal.amount, reversal.currency),
        "returned by the payer's bank",
    )


def _promise(promise: Promise) -> Sequence[object]:
    parts = [f"{money(sum_, promise.currency)} by {day}" for day, sum_ in promise.instalments]
    return (
        promise.reference,
        promise.account,
        _offset_time(promise, promise.at),
        "; ".join(parts),
    )


def _filing(filing: Filing) -> Sequence[object]:
    return (
        filing.reference,
        filing.account,
        _offset_time(filing, filing.at),
        filing.court,
        money(filing.amount, filing.currency),
        _page(filing),
    )


TABLES: Mapping[str, Table] = {
    Letter.export: Table(
        _letter,
        (
            *("letter_no", "account", "sent_on", "sent_at", "stage", "open", "currency", "due"),
            *("consequence", "basis", "addressee", "by", "template", "page"),
        ),
        delimiter=";",
    ),
    PostEvent.export: Table(
        _post, ("scan_no", "customer_ref", "letter", "scan", "scanned_at", "signed_by")
    ),
    Email.export: Table(_email),
    Sms.export: Table(_sms),
    Call.export: Table(
        _call,
        (
            *("call_no", "started", "ring_s", "talk_s", "total_s", "direction", "caller", "called"),
            *("account", "party", "result", "agent"),
        ),
    ),
    Visit.export: Table(
        _visit,
        (
            *("visit_no", "account", "arrived", "left", "place", "staff", "coverage"),
            *(f"segment_{n}" for n in range(1, _MAX_SEGMENTS + 1)),
        ),
    ),
    Payment.export: Table(
        _payment,
        (
            *("bank_reference", "purpose", "booked_at", "amount", "currency", "payer", "payee"),
            "value_date",
        ),
    ),
    Reversal.export: Table(
        _reversal, ("reversal_no", "purpose", "reversed_at", "reverses", "sum", "why")
    ),
    Promise.export: Table(_promise, ("promise_no", "account", "promised_at", "instalments")),
    Filing.export: Table(
        _filing, ("filing_no", "account", "filed_at", "court", "subject", "application")
    ),
}

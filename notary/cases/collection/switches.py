"""Owns the same calls as two telephone switches log them: Asterisk's cdr_csv and FreeSWITCH's mod_cdr_csv.

They stand for other agencies' sources of the same calls and are never taken in beside the dialler's own
export. A switch writes a call when it ends, by its local clock, with the true number. Layouts: Asterisk's
cdr/cdr_csv.c (append_string quotes, append_int does not, a time that never came is empty without quotes)
and the template "example" of FreeSWITCH's cdr_csv.conf.xml.
Test: tests/scenarios/ingest/test_collection_case.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from notary.cases.collection.hours import AGENCY_ZONE
from notary.cases.collection.model import DAY, Call, Disposition
from notary.cases.draws import Draws

_COMPANY = "Northway Example"
# A machine takes the line as a person does; only the dialplan's detection tells them apart.
_ASTERISK = {
    Disposition.ANSWERED: "ANSWERED",
    Disposition.VOICEMAIL: "ANSWERED",
    Disposition.NO_ANSWER: "NO ANSWER",
    Disposition.BUSY: "BUSY",
    Disposition.FAILED: "FAILED",
}
_DETECTED = {Disposition.ANSWERED: "AMD=HUMAN", Disposition.VOICEMAIL: "AMD=MACHINE"}
_FREESWITCH = {
    Disposition.ANSWERED: "NORMAL_CLEARING",
    Disposition.VOICEMAIL: "NORMAL_CLEARING",
    Disposition.NO_ANSWER: "NO_ANSWER",
    Disposition.BUSY: "USER_BUSY",
    Disposition.FAILED: "NORMAL_TEMPORARY_FAILURE",
}


@dataclass(frozen=True)
class Switch:
    """A way to log calls: the name of a day's file, a call's line, and the word for each ending."""

    name: str
    file: Callable[[date], str]
    line: Callable[[Call, Draws], str]
    endings: Callable[[Disposition], str]


def path_of(switch: Switch, day: date) -> str:
    """A day's log: its path below the case's folder."""
    return f"switches/{switch.name}/{day}/{switch.file(day)}"


def content(switch: Switch, calls: Iterable[Call], draws: Draws) -> bytes:
    """A log of these calls, in the order in which they ended."""
    ordered = sorted(calls, key=lambda call: (call.ended_at, call.number))
    return "".join(switch.line(call, draws) for call in ordered).encode()


def _asterisk(call: Call, draws: Draws) -> str:
    unique = f"{int(call.at.timestamp())}.{call.number}"
    context = "outbound" if call.outbound else "inbound"
    end = call.disposition
    cells = [
        _quoted(call.account),
        _quoted(call.caller),
        _quoted(call.callee),
        _quoted(context),
        _quoted(f'"{_COMPANY if call.outbound else ""}" <{call.caller}>'),
        _quoted(f"PJSIP/{call.agent or 'dialler'}-{call.number:08x}"),
        _quoted("" if end is Disposition.FAILED else f"PJSIP/trunk-{call.number:08x}"),
        _quoted("Dial"),
        _quoted(f"PJSIP/{call.callee}@trunk,45"),
        _quoted(_local(call.at)),
        _quoted(_local(call.answered_at)) if call.answered_at is not None else "",
        _quoted(_local(call.ended_at)),
        str(call.ring_s + call.talk_s),
        str(call.talk_s),
        _quoted(_ASTERISK[end]),
        _quoted("DOCUMENTATION"),
        _quoted(unique),
        _quoted(_DETECTED.get(end, "")),
        _quoted(""),
        _quoted(unique),
        str(call.number),
    ]
    return ",".join(cells) + "\n"


def _freeswitch(call: Call, draws: Draws) -> str:
    codec = "PCMA" if call.answered_at is not None else ""
    cells: Sequence[str] = (
        _COMPANY if call.outbound else call.caller,
        call.caller,
        call.callee,
        "outbound" if call.outbound else "inbound",
        _local(call.at),
        _local(call.answered_at) if call.answered_at is not None else "",
        _local(call.ended_at),
        str(call.ring_s + call.talk_s),
        str(call.talk_s),
        _FREESWITCH[call.disposition],
        _uuid(draws, f"a/{call.number}"),
        _uuid(draws, f"b/{call.number}") if call.answered_at is not None else "",
        call.account,
        codec,
        codec,
    )
    return ",".join(f'"{cell}"' for cell in cells) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _local(at: datetime) -> str:
    # As strftime("%Y-%m-%d %H:%M:%S"), which costs three times as much.
    return at.astimezone(AGENCY_ZONE).isoformat(" ", "seconds")[:19]


def _uuid(draws: Draws, what: str) -> str:
    """A UUID of version 4 (RFC 9562 §5.4) whose random bits are drawn."""
    digits = draws.hexes(f"uuid/{what}")
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


ASTERISK = Switch(
    "asterisk",
    lambda day: f"Master.csv-{day:%Y%m%d}",
    _asterisk,
    lambda end: _ASTERISK[end].lower(),
)
FREESWITCH = Switch(
    "freeswitch",
    # Rotated by a hang-up signal a second after midnight.
    lambda day: f"Master.csv.{day + DAY:%Y-%m-%d}-00-00-01",
    _freeswitch,
    lambda end: _FREESWITCH[end],
)
SWITCHES = (ASTERISK, FREESWITCH)

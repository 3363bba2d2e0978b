"""Owns the same calls as two telephone switches log them in CSV, and the list of all ways to log them.

They stand for other agencies' sources of the same calls and are never taken in beside the dialler's own
export. A switch writes a call when it ends, by its local clock, with the true number. Layouts: Asterisk's
cdr/cdr_csv.c (append_string quotes, append_int does not, a time that never came is empty without quotes)
and the template "example" of FreeSWITCH's cdr_csv.conf.xml, which mod_cdr_csv reads.
Test: tests/scenarios/ingest/test_collection_case.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from notary.cases.collection.hours import AGENCY_ZONE
from notary.cases.collection.json_logs import FREESWITCH_JSON, TWILIO, TWILIO_CSV
from notary.cases.collection.model import DAY, Call, Disposition
from notary.cases.collection.switch import COMPANY, Switch, as_they_ended, uuid
from notary.cases.collection.vcons import VCON
from notary.cases.draws import Draws

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


def _lines(line: Callable[[Call, Draws], str]) -> Callable[[Sequence[Call], Draws], bytes]:
    """A log of lines, in the order in which the calls ended."""
    return lambda calls, draws: "".join(line(call, draws) for call in as_they_ended(calls)).encode()


def _asterisk(call: Call, draws: Draws) -> str:
    unique = f"{int(call.at.timestamp())}.{call.number}"
    context = "outbound" if call.outbound else "inbound"
    end = call.disposition
    cells = [
        _quoted(call.account),
        _quoted(call.caller),
        _quoted(call.callee),
        _quoted(context),
        _quoted(f'"{COMPANY if call.outbound else ""}" <{call.caller}>'),
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
        COMPANY if call.outbound else call.caller,
        call.caller,
        call.callee,
        "outbound" if call.outbound else "inbound",
        _local(call.at),
        _local(call.answered_at) if call.answered_at is not None else "",
        _local(call.ended_at),
        str(call.ring_s + call.talk_s),
        str(call.talk_s),
        _FREESWITCH[call.disposition],
        uuid(draws, f"a/{call.number}"),
        uuid(draws, f"b/{call.number}") if call.answered_at is not None else "",
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


ASTERISK = Switch(
    "asterisk",
    lambda call: f"Master.csv-{call.exported_on:%Y%m%d}",
    _lines(_asterisk),
    lambda end: _ASTERISK[end].lower(),
    local=True,
)
FREESWITCH = Switch(
    "freeswitch",
    # Rotated by a hang-up signal a second after midnight.
    lambda call: f"Master.csv.{call.exported_on + DAY:%Y-%m-%d}-00-00-01",
    _lines(_freeswitch),
    lambda end: _FREESWITCH[end],
    local=True,
)
SWITCHES = (ASTERISK, FREESWITCH, FREESWITCH_JSON, TWILIO, TWILIO_CSV, VCON)

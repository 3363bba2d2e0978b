"""Owns the calls in JSON: FreeSWITCH's mod_json_cdr, a leg in each line, and Twilio's list, also as CSV.

The documents hold the members that are read, and those that people look for first. A site that collects
FreeSWITCH's documents appends each to the file of the day. Twilio lists the newest call first and knows no
accounts: the agency's own script, which joins the pages of a day, adds `account` to each call. Layouts:
FreeSWITCH's switch_ivr_generate_json_cdr, whose variables are percent-encoded; the Call resource of Twilio's
API 2010-04-01. Test: tests/scenarios/ingest/test_collection_case.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from notary.cases import case_folder
from notary.cases.collection.model import Call, Disposition
from notary.cases.collection.switch import COMPANY, Switch, as_they_ended, uuid
from notary.cases.draws import Draws

# A machine takes the line as a person does.
_TAKEN = (Disposition.ANSWERED, Disposition.VOICEMAIL)
_STATUS = {
    Disposition.ANSWERED: "completed",
    Disposition.VOICEMAIL: "completed",
    Disposition.NO_ANSWER: "no-answer",
    Disposition.BUSY: "busy",
    Disposition.FAILED: "failed",
}
_ANSWERED_BY = {Disposition.ANSWERED: "human", Disposition.VOICEMAIL: "machine_start"}
_CAUSES = {
    Disposition.ANSWERED: "NORMAL_CLEARING",
    Disposition.VOICEMAIL: "NORMAL_CLEARING",
    Disposition.NO_ANSWER: "NO_ANSWER",
    Disposition.BUSY: "USER_BUSY",
    Disposition.FAILED: "NORMAL_TEMPORARY_FAILURE",
}


def legs(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The lines of a day's legs."""
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()


def page(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The joined pages of a day: one object with the array `calls`, a call in each line."""
    calls = ",\n".join(json.dumps(row) for row in rows)
    return f'{{"calls": [\n{calls}\n]}}\n'.encode()


def _leg(call: Call, draws: Draws) -> Mapping[str, Any]:
    direction = "outbound" if call.outbound else "inbound"
    variables = {
        "direction": direction,
        "uuid": uuid(draws, f"a/{call.number}"),
        "accountcode": call.account,
        "start_uepoch": _micros(call.at),
        "answer_uepoch": _micros(call.answered_at),
        "end_uepoch": _micros(call.ended_at),
        "duration": str(call.ring_s + call.talk_s),
        "billsec": str(call.talk_s),
        "hangup_cause": _CAUSES[call.disposition],
    }
    if call.answered_at is not None:
        variables["bridge_uuid"] = uuid(draws, f"b/{call.number}")
    profile = {
        "caller_id_name": COMPANY if call.outbound else call.caller,
        "caller_id_number": call.caller,
        "destination_number": call.callee,
    }
    return {
        "switchname": "pbx.example.com",
        "channel_data": {"state": "CS_REPORTING", "direction": direction},
        "variables": {name: quote(value, safe="") for name, value in variables.items()},
        "callflow": [{"dialplan": "XML", "caller_profile": profile}],
    }


def _micros(at: datetime | None) -> str:
    """Microseconds of the epoch; 0 for a time that never came."""
    return "0" if at is None else f"{int(at.timestamp())}000000"


def _resource(call: Call, draws: Draws) -> Mapping[str, Any]:
    taken = call.disposition in _TAKEN
    return {
        "sid": f"CA{draws.hexes(f'twilio/{call.number}')[:32]}",
        "account_sid": f"AC{draws.hexes('twilio')[:32]}",
        "account": call.account,
        "parent_call_sid": None,
        "direction": "outbound-api" if call.outbound else "inbound",
        "from": call.caller,
        "to": call.callee,
        "status": _STATUS[call.disposition],
        "start_time": format_datetime(call.at),
        "end_time": format_datetime(call.ended_at),
        # Empty where nobody took the line, as the API's reference says.
        "duration": str(call.ring_s + call.talk_s) if taken else None,
        "answered_by": _ANSWERED_BY.get(call.disposition),
        "api_version": "2010-04-01",
    }


FREESWITCH_JSON = Switch(
    "freeswitch-json",
    lambda call: f"cdr-{call.exported_on}.ndjson",
    lambda calls, draws: legs([_leg(call, draws) for call in as_they_ended(calls)]),
    lambda end: "answered" if end in _TAKEN else "not answered",
)
# The resources' members by the headers of the CSV, as the shipped map twilio-csv knows them.
_COLUMNS = {
    "Call Sid": "sid",
    "Account": "account",
    "Parent Call Sid": "parent_call_sid",
    "From": "from",
    "To": "to",
    "Status": "status",
    "Direction": "direction",
    "Start Time": "start_time",
    "End Time": "end_time",
    "Duration": "duration",
    "Answered By": "answered_by",
}


def _newest_first(calls: Sequence[Call], draws: Draws) -> list[Mapping[str, Any]]:
    return [
        _resource(call, draws)
        for call in sorted(calls, key=lambda one: (one.at, one.number), reverse=True)
    ]


def _table(calls: Sequence[Call], draws: Draws) -> bytes:
    rows = [
        ["" if one[name] is None else one[name] for name in _COLUMNS.values()]
        for one in _newest_first(calls, draws)
    ]
    return case_folder.table(tuple(_COLUMNS), rows)


def _status(end: Disposition) -> str:
    return _STATUS[end].replace("completed", "answered").replace("-", " ")


TWILIO = Switch(
    "twilio",
    lambda call: f"Calls-{call.exported_on}.json",
    lambda calls, draws: page(_newest_first(calls, draws)),
    _status,
)
TWILIO_CSV = Switch("twilio-csv", lambda call: f"Calls-{call.exported_on}.csv", _table, _status)

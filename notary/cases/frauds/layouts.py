"""Owns what the exports of the collection case mean to whoever edits them.

Test: tests/unit/cases/test_frauds.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from notary.cases.collection import json_logs
from notary.cases.collection.hours import AGENCY_ZONE
from notary.cases.frauds.sheets import Form, Layout, Row, csv_form, log_form, moved_text

LOCAL = "%Y-%m-%d %H:%M:%S"


def _next_letter(row: Row, turn: int) -> None:
    row["call_no"] = f"{row['call_no']}{chr(ord('B') + turn)}"


def _new_channel(row: Row, turn: int) -> None:
    at = datetime.strptime(row["start"], LOCAL).replace(tzinfo=AGENCY_ZONE)
    number = row["sequence"]
    row["uniqueid"] = row["linkedid"] = f"{int(at.timestamp())}.{number}"


def new_uuid(text: str, turn: int) -> str:
    """Another UUID of version 4 that follows from this one."""
    digits = hashlib.sha256(f"{text}/{turn}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def _new_leg(row: Row, turn: int) -> None:
    row["uuid"] = new_uuid(row["uuid"], turn)
    row["bleg_uuid"] = new_uuid(row["bleg_uuid"], turn)


def _new_document(row: Row, turn: int) -> None:
    variables = row["variables"]
    for name in ("uuid", "bridge_uuid"):
        variables[name] = new_uuid(variables[name], turn)


def _new_sid(row: Row, turn: int, name: str = "sid") -> None:
    row[name] = "CA" + hashlib.sha256(f"{row[name]}/{turn}".encode()).hexdigest()[:32]


def _new_row_sid(row: Row, turn: int) -> None:
    _new_sid(row, turn, "Call Sid")


def moved_mail_date(text: Any, by: timedelta) -> str:
    """Moves a time of RFC 5322."""
    return format_datetime(parsedate_to_datetime(text) + by)


def _moved_micros(text: Any, by: timedelta) -> str:
    return str(int(text) + by // timedelta(microseconds=1))


DIALLER = Layout(
    name="dialler",
    files="days/*/calls.csv",
    form=csv_form(),
    reference="call_no",
    account="account",
    outside="called",
    outbound=("direction", "O"),
    stamps=("started",),
    lengths=("talk_s", "total_s"),
    moved=moved_text(LOCAL),
    copied=_next_letter,
    first_row=2,
    alone=False,
    answered=lambda row: row["result"] == "ANS",
)
ASTERISK = Layout(
    name="asterisk",
    files="switches/asterisk/*/Master.csv-*",
    form=log_form(
        (
            *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp"),
            *("lastdata", "start", "answer", "end", "duration", "billsec", "disposition"),
            *("amaflags", "uniqueid", "userfield", "peeraccount", "linkedid", "sequence"),
        ),
        frozenset({"duration", "billsec", "sequence"}),
        frozenset({"answer"}),
    ),
    reference="uniqueid",
    account="accountcode",
    outside="dst",
    outbound=("dcontext", "outbound"),
    stamps=("start", "answer", "end"),
    lengths=("billsec", "duration"),
    moved=moved_text(LOCAL),
    copied=_new_channel,
    first_row=1,
    alone=False,
    answered=lambda row: "HUMAN" in row["userfield"],
)
FREESWITCH = Layout(
    name="freeswitch",
    files="switches/freeswitch/*/Master.csv.*",
    form=log_form(
        (
            *("caller_id_name", "caller_id_number", "destination_number", "context"),
            *("start_stamp", "answer_stamp", "end_stamp", "duration", "billsec", "hangup_cause"),
            *("uuid", "bleg_uuid", "accountcode", "read_codec", "write_codec"),
        ),
        frozenset(),
        frozenset(),
    ),
    reference="uuid",
    account="accountcode",
    outside="destination_number",
    outbound=("context", "outbound"),
    stamps=("start_stamp", "answer_stamp", "end_stamp"),
    lengths=("billsec", "duration"),
    moved=moved_text(LOCAL),
    copied=_new_leg,
    first_row=1,
    alone=True,
    answered=lambda row: row["hangup_cause"] == "NORMAL_CLEARING" and int(row["billsec"]) > 34,
)
FREESWITCH_JSON = Layout(
    name="freeswitch-json",
    files="switches/freeswitch-json/*/cdr-*.ndjson",
    form=Form(lambda data: [json.loads(line) for line in data.splitlines()], json_logs.legs),
    reference="variables.uuid",
    account="variables.accountcode",
    outside="callflow.0.caller_profile.destination_number",
    outbound=("variables.direction", "outbound"),
    stamps=("variables.start_uepoch", "variables.answer_uepoch", "variables.end_uepoch"),
    lengths=("variables.billsec", "variables.duration"),
    moved=_moved_micros,
    copied=_new_document,
    first_row=1,
    alone=True,
    # Longer than a machine speaks.
    answered=lambda row: int(row["variables"]["billsec"]) > 34,
)
TWILIO = Layout(
    name="twilio",
    files="switches/twilio/*/Calls-*.json",
    form=Form(lambda data: list(json.loads(data)["calls"]), json_logs.page),
    reference="sid",
    account="account",
    outside="to",
    outbound=("direction", "outbound-api"),
    stamps=("start_time", "end_time"),
    lengths=("duration",),
    moved=moved_mail_date,
    copied=_new_sid,
    first_row=1,
    alone=True,
    answered=lambda row: row["answered_by"] == "human",
    newest_first=True,
)
TWILIO_CSV = Layout(
    name="twilio-csv",
    files="switches/twilio-csv/*/Calls-*.csv",
    form=csv_form(),
    reference="Call Sid",
    account="Account",
    outside="To",
    outbound=("Direction", "outbound-api"),
    stamps=("Start Time", "End Time"),
    lengths=("Duration",),
    moved=moved_mail_date,
    copied=_new_row_sid,
    first_row=2,
    alone=True,
    answered=lambda row: row["Answered By"] == "human",
    newest_first=True,
)
LAYOUTS: Mapping[str, Layout] = {
    one.name: one for one in (DIALLER, ASTERISK, FREESWITCH, FREESWITCH_JSON, TWILIO, TWILIO_CSV)
}

"""What the findings look at of a record: its place, its times, its numbers, its figures. Pure.

Spec: docs/spec/findings.md §1. Test: tests/unit/core/test_findings_seen.py.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime
from sys import intern
from typing import NamedTuple

from notary.core.moments import milliseconds
from verifier.format.jsonc import Json

# Asterisk's uniqueid: when the channel began, in seconds of the epoch, and which of the process it was.
_UNIQUE = re.compile(r"(?:.*-)?([0-9]{9,10})\.([0-9]{1,15})")
UNIQUE = "uniqueid "  # what stands before its number
# A counter at the end of a reference. Fewer digits are stages and copies, not counts.
_COUNTED = re.compile(r"(.*?)([0-9]{4,15})")
_RANDOM = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}.*")  # a UUID counts nothing


class Place(NamedTuple):
    """Where a record is found again. `matter` and `position` are None for a row that waits."""

    matter: str | None
    position: int | None
    file: str | None  # SHA-256 of the file it came in
    row: int | None
    reference: str | None


class Seen(NamedTuple):
    """A record as the findings see it; a moment is milliseconds since 1970.

    `stream` is the importer and the source: what one system wrote. `entered` ascends in the order of entry
    and is None for a row that waits. `doubled` says that the source's clock showed `at` twice.
    """

    place: Place
    stream: str
    kind: str
    entered: int | None
    received: int | None
    at: int | None
    doubled: bool
    zone: str | None
    prefix: str
    number: int | None
    account: str | None
    outside: str | None  # who is outside the agency: a call's number, else name, place or address
    masked: bool
    disposition: str | None
    duration: int | None
    talk: int | None
    answered: int | None
    ended: int | None
    facts: Mapping[str, Json]  # what only one kind of record has

    @property
    def finish(self) -> int | None:
        """When it ended: as its record says, else by start and duration."""
        if self.ended is not None:
            return self.ended
        if self.at is None or self.duration is None:
            return self.at
        return self.at + self.duration * 1000


def seen(
    kind: str,
    claims: Mapping[str, Json],
    *,
    matter: str | None = None,
    position: int | None = None,
    entered: int | None = None,
    received: int | None = None,
    source: str = "",
    number: int | None = None,
) -> Seen:
    """What is looked at of a record; `number` is the one that its source gave it, if it numbers itself."""
    came = _object(claims, "import")
    fields = _object(claims, "fields")
    reference = _text(claims, "reference")
    prefix, counted = _number(reference, fields, number)
    outside, masked = _outside(kind, claims)
    zone = _text(_object(claims, "occurred_at_source"), "zone")
    return Seen(
        Place(
            matter,
            position,
            _interned(_text(came, "file_sha256")),
            _integer(came, "row"),
            reference,
        ),
        # What was offered one by one has no file; each kind of it is another system's, or the service's own.
        intern(
            f"{_text(came, 'importer') or f'offered/{kind}'}{f' of {source}' if source else ''}"
        ),
        intern(kind),
        entered,
        received,
        moment_of(claims.get("occurred_at")),
        "twice" in (_text(_object(claims, "occurred_at_source"), "note") or ""),
        _interned(zone),
        intern(prefix),
        counted,
        _interned(_text(claims, "account")),
        _interned(outside),
        masked,
        _interned(_text(claims, "disposition")),
        _integer(claims, "duration_s"),
        _integer(claims, "talk_s"),
        _moment_in(fields, "answered_at"),
        _moment_in(fields, "ended_at"),
        _facts(kind, claims, fields, reference),
    )


def moment_of(value: Json) -> int | None:
    """Milliseconds of a time as records write it; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        return milliseconds(datetime.fromisoformat(value))
    except (ValueError, TypeError):
        return None


def _number(
    reference: str | None, fields: Mapping[str, Json], number: int | None
) -> tuple[str, int | None]:
    """The counter of the source, and what stands before it."""
    if number is not None:
        return "#", number
    sequence = _text(fields, "sequence")
    if sequence is not None and sequence.isdecimal() and len(sequence) <= 15:
        return "sequence ", int(sequence)
    if reference is None or _RANDOM.fullmatch(reference):
        return "", None
    unique = _UNIQUE.fullmatch(reference)
    if unique is not None:
        return UNIQUE, int(unique[2])
    counted = _COUNTED.fullmatch(reference)
    return ("", None) if counted is None else (counted[1], int(counted[2]))


# A call's own form of a hidden number is told by its map. In names and addresses an x is a letter.
_HIDDEN = re.compile(r"[*•]|[xX#]{3}")
_WHO = {"letter": "addressee", "payment": "payer", "visit": "place"}


def _outside(kind: str, claims: Mapping[str, Json]) -> tuple[str | None, bool]:
    """Who is outside the agency, and whether that is hidden, be it in part."""
    if kind == "call":
        party = _object(claims, "caller" if _inbound(claims) else "callee")
        return _text(party, "number"), party.get("masked") is True
    if kind == "message":
        listed = claims.get("recipients")
        first = listed[0] if isinstance(listed, list) and listed else None
        value = claims.get("sender") if _inbound(claims) else first
        if isinstance(value, dict):
            value = next((value[name] for name in _ADDRESSES if name in value), None)
        text = value if isinstance(value, str) else None
    else:
        text = _text(claims, _WHO.get(kind, ""))
    return text, text is not None and _HIDDEN.search(text) is not None


_ADDRESSES = ("address", "tel", "mailto", "sip", "name")


def _inbound(claims: Mapping[str, Json]) -> bool:
    direction = _text(claims, "direction")
    return direction is not None and direction.startswith("inbound")


# Claims that are looked at as they are, of every kind but `call`.
_KEPT = (
    *("stage", "amount", "channel", "milestone", "act", "place", "staff", "value_date", "due_date"),
    *("subject", "direction", "node", "status", "role"),
)
_SUM = re.compile(r"\b([A-Z]{3}) ([0-9]{1,12})\.([0-9]{2})\b")
TOTALS = (
    "calls",
    "connected",
    "seconds",
)  # what a bill or a report says of a day, as fields.total_…
NATIONAL = 7  # digits at the end of a number: what precedes them is written in many ways
# At the end of a time. Whoever writes UTC says nothing of the place.
_OFFSET = re.compile(r"(?!\+00:00)[+-][0-9]{2}:[0-9]{2}$")
MAX_SUMS = 20  # of one text: whoever lists more writes a statement, not a demand
_DISPUTES = frozenset({"dispute", "objection", "disputed"})


def _facts(
    kind: str, claims: Mapping[str, Json], fields: Mapping[str, Json], reference: str | None
) -> Mapping[str, Json]:
    facts: dict[str, Json] = {}
    if fields.get("dispute") or any(
        claims.get(name) in _DISPUTES for name in ("act", "filing", "disposition")
    ):
        facts["dispute"] = True
    if kind == "call":
        unique = _UNIQUE.fullmatch(reference or "")
        if unique is not None:
            facts["began"] = int(unique[1]) * 1000
        for name in ("ring_s", "agent", "conversation"):
            if name in fields:
                facts[name] = fields[name]
        if "hangup_cause" in fields:
            facts["cause"] = fields["hangup_cause"]
        if "party_role" in claims:
            facts["role"] = claims["party_role"]
        if _inbound(claims):
            facts["inbound"] = True
        token = _passport(fields.get("parties"))
        issued, dest = token.get("iat"), _object(token, "dest").get("tn")
        if isinstance(issued, int) and 0 < issued < 2**40:
            facts["stamped"] = issued * 1000
        if isinstance(dest, list):
            facts["signed_to"] = dest
        return facts
    for name in _KEPT:
        if name in claims:
            facts[name] = claims[name]
    written = _object(claims, "occurred_at_source")
    offset = _OFFSET.search(_text(written, "text") or "")
    if kind == "milestone" and offset is not None and offset[0] != written.get("zone"):
        facts["written_offset"] = offset[0]
    if kind == "visit":
        ended = moment_of(_object(claims, "ended_at").get("at"))
        if ended is not None:
            facts["left"] = ended
    if kind in ("message", "derived"):
        for name in ("received", "dkim"):
            if name in fields:
                facts[name] = fields[name]
    if kind in ("message", "filing"):
        said = _text(claims, "text" if kind == "message" else "subject") or ""
        sums: list[Json] = [
            {"currency": one[1], "minor": int(one[2] + one[3])} for one in _SUM.finditer(said)
        ]
        facts["sums"] = sums[:MAX_SUMS]
    if kind == "correction" and "text" in claims:
        facts["text"] = claims["text"]
    totals = {
        name: value for name in TOTALS if (value := _integer(fields, f"total_{name}")) is not None
    }
    if totals:
        facts["totals"] = {**totals}
    return facts


def _passport(parties: Json) -> Mapping[str, Json]:
    """What a carrier signed of the call: when it was placed (`iat`), and to whom (PASSporT, RFC 8225)."""
    for party in parties if isinstance(parties, list) else []:
        token = party.get("stir") if isinstance(party, dict) else None
        if not isinstance(token, str) or token.count(".") < 2:
            continue
        body = token.split(".")[1]
        try:
            says = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except (ValueError, RecursionError):
            continue
        if isinstance(says, dict):
            return says
    return {}


def _moment_in(fields: Mapping[str, Json], name: str) -> int | None:
    time = _object(fields, name)
    # A time that a clock showed twice may be an hour later: nothing is concluded from it.
    if "twice" in (_text(time, "note") or ""):
        return None
    return moment_of(time.get("at"))


def _object(claims: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = claims.get(name)
    return value if isinstance(value, dict) else {}


def _text(claims: Mapping[str, Json], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) else None


def _integer(claims: Mapping[str, Json], name: str) -> int | None:
    value = claims.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _interned(text: str | None) -> str | None:
    return None if text is None else intern(text)

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
    outside: str | None  # the number of the person outside the agency
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
    outside = _object(claims, "caller" if _inbound(claims) else "callee")
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
        _text(claims, "account"),
        _text(outside, "number"),
        outside.get("masked") is True,
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
        return "uniqueid ", int(unique[2])
    counted = _COUNTED.fullmatch(reference)
    return ("", None) if counted is None else (counted[1], int(counted[2]))


def _inbound(claims: Mapping[str, Json]) -> bool:
    direction = _text(claims, "direction")
    return direction is not None and direction.startswith("inbound")


def _facts(
    kind: str, claims: Mapping[str, Json], fields: Mapping[str, Json], reference: str | None
) -> Mapping[str, Json]:
    facts: dict[str, Json] = {}
    if kind == "call":
        unique = _UNIQUE.fullmatch(reference or "")
        if unique is not None:
            facts["began"] = int(unique[1]) * 1000
        for name in ("ring_s", "agent", "conversation"):
            if name in fields:
                facts[name] = fields[name]
        stamped = _stamped(fields.get("parties"))
        if stamped is not None:
            facts["stamped"] = stamped
        return facts
    for name in ("stage", "amount", "channel", "milestone", "act", "place", "staff", "value_date"):
        if name in claims:
            facts[name] = claims[name]
    if kind == "visit":
        ended = moment_of(_object(claims, "ended_at").get("at"))
        if ended is not None:
            facts["left"] = ended
    if kind in ("message", "derived"):
        for name in ("received", "dkim"):
            if name in fields:
                facts[name] = fields[name]
    if kind == "correction" and "text" in claims:
        facts["text"] = claims["text"]
    return facts


def _stamped(parties: Json) -> int | None:
    """When a carrier signed that the call was placed (`iat` of a PASSporT, RFC 8225), in milliseconds."""
    for party in parties if isinstance(parties, list) else []:
        token = party.get("stir") if isinstance(party, dict) else None
        if not isinstance(token, str) or token.count(".") < 2:
            continue
        body = token.split(".")[1]
        try:
            says = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except (ValueError, RecursionError):
            continue
        issued = says.get("iat") if isinstance(says, dict) else None
        if isinstance(issued, int) and 0 < issued < 2**40:
            return issued * 1000
    return None


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

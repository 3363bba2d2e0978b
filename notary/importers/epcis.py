"""Owns GS1 EPCIS 2.0 JSON documents (docs/spec/column-map.md §10).

Test: tests/scenarios/ingest/test_events.py, and test_samples.py beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from notary.importers.column_map import ColumnMap
from notary.importers.json_scan import MAX_HEAD_BYTES, Elements, ScanFault, find_array
from notary.importers.json_text import Value, canonical, parse_object
from notary.importers.moments import iso_time, offset_text, utc_text
from notary.importers.ndjson import REJECT_MEMBER
from notary.importers.original import Original
from notary.importers.paths import MemberPath, parse_path
from notary.importers.rows import (
    MAX_ACCOUNT_CHARACTERS,
    MAX_ROW_BYTES,
    BadRow,
    ImportedRow,
    Item,
    Reject,
    Source,
    raw_claim,
    too_long,
    whole_file,
)
from notary.importers.values import checked_text
from verifier.format.jsonc import Json

# EPCIS 2.0 §9: where a document and a query document hold their events.
EVENT_LISTS = frozenset(
    {
        ("epcisBody", "eventList"),
        ("epcisBody", "queryResults", "resultsBody", "eventList"),
    }
)
DOCUMENT_TYPES = ("EPCISDocument", "EPCISQueryDocument")
# EPCIS 2.0 §7.4: which events have an action, and which must not have one.
_WITH_ACTION = frozenset(
    {"ObjectEvent", "AggregationEvent", "TransactionEvent", "AssociationEvent"}
)
_WITHOUT_ACTION = frozenset({"TransformationEvent"})
_ACTIONS = ("ADD", "OBSERVE", "DELETE")
_OFFSET = re.compile(r"[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00")
# CBV 2.0 §7 writes one word in three ways.
_CBV_PREFIX = re.compile(
    r"(?:urn:epcglobal:cbv:[a-z]+:|https?://ref\.gs1\.org/cbv/[A-Za-z]+-|cbv:[A-Za-z]+-)"
)
_MEND = "mend the event at the source and give the document again"


class EpcisRows:
    """The events of one document. Iterate once; `elements` is where the event list stands."""

    def __init__(self, original: Original, map_: ColumnMap, source: Source) -> None:
        self.map = map_
        self.source = source
        self.elements: Elements | None = None
        self._original = original
        self._account_path = None if map_.account is None else parse_path(map_.account)
        plan = map_.milestone
        self._consignment_path = (
            None if plan is None or plan.consignment is None else parse_path(plan.consignment)
        )

    def __iter__(self) -> Iterator[Item]:
        try:
            # The whole structure is followed before the first event is given: a member that follows the
            # list may be the one that makes the document what it is.
            self.elements = find_array(self._original.blocks(), EVENT_LISTS)
            if self.elements is None:
                raise ScanFault("no epcisBody.eventList in the document")
            self._check_head(self.elements)
        except (ScanFault, BadRow) as fault:
            code = fault.code if isinstance(fault, BadRow) else "ROW_JSON"
            yield whole_file(code, str(fault), _MEND, self._original.size)
            return
        for index, (start, end) in enumerate(self.elements):
            yield self._item(index + 1, start, end)

    def _check_head(self, elements: Elements) -> None:
        """Parse the document without its events."""
        if self._original.size - (elements.end - elements.start) > MAX_HEAD_BYTES:
            raise ScanFault("more than 256 KiB stands outside the event list")
        before = self._original.read(0, elements.start).removeprefix(b"\xef\xbb\xbf")
        after = self._original.read(elements.end, self._original.size)
        head = parse_object(before + b"[]" + after)
        if head.get("type") not in DOCUMENT_TYPES:
            raise BadRow(
                "ROW_EVENT",
                "type",
                f"want type {' or '.join(DOCUMENT_TYPES)} in the document",
                _MEND,
            )
        context = head.get("@context")
        named = context if isinstance(context, list) else [context]
        if not any(isinstance(one, str) and "epcis-context" in one for one in named):
            raise BadRow(
                "ROW_EVENT",
                "@context",
                "the document has no @context of EPCIS, so its words have no defined meaning",
                _MEND,
            )

    def _item(self, row: int, start: int, end: int) -> ImportedRow | Reject:
        if end - start > MAX_ROW_BYTES:
            return too_long(row, start, end)
        raw = self._original.read(start, end)
        try:
            event = parse_object(raw)
            event.pop(REJECT_MEMBER, None)
            return self._event(event, row, raw, start, end)
        except BadRow as bad:
            where = f"event {row}" + (f", {bad.field}" if bad.field else "")
            return BadRow(bad.code, where, bad.reason, bad.remedy).reject(
                row, start, end, raw, cells=raw.startswith(b"{")
            )

    def _event(
        self, event: dict[str, Value], row: int, raw: bytes, start: int, end: int
    ) -> ImportedRow:
        kind = _member_text(event, "type", required=True)
        _check_action(event, kind or "")
        moment = _time(event, "eventTime")
        offset = _member_text(event, "eventTimeZoneOffset", required=True) or ""
        if _OFFSET.fullmatch(offset) is None:
            raise BadRow(
                "ROW_EVENT",
                "eventTimeZoneOffset",
                f"want an offset such as +02:00, got {offset[:40]!r}",
                _MEND,
            )
        account = self._account(event)
        claims: dict[str, Json] = {}
        if account is not None:
            claims["account"] = account
        event_id = _member_text(event, "eventID")
        if event_id is not None:
            claims["reference"] = event_id
        declaration = event.get("errorDeclaration")
        if declaration is None:
            self._milestone(event, claims)
            claims["occurred_at"] = utc_text(moment)
            claims["occurred_at_source"] = {
                "text": _member_text(event, "eventTime"),
                "zone": offset,
                "fold": None,
                "note": None,
            }
        else:
            self._correction(declaration, claims)
        claims["import"] = self.source.import_claim(row, start, end)
        claims["raw"] = raw_claim(raw)
        identity, target = self._identities(event, event_id, declaration)
        return ImportedRow(
            row,
            account,
            None,
            "milestone" if declaration is None else "correction",
            claims,
            identity,
            event_id is None,
            start,
            end,
            raw,
            (),
            target,
        )

    def _identities(
        self, event: dict[str, Value], event_id: str | None, declaration: Value
    ) -> tuple[bytes, bytes | None]:
        """The identity of the event's record and, for a correction, that of the record it corrects."""
        if event_id is not None:
            parts = ("id", event_id)
        else:
            bare = {name: value for name, value in event.items() if name != "errorDeclaration"}
            parts = ("content", canonical(bare))
        first = self.source.identify((*parts, ""))
        if declaration is None:
            return first, None
        return self.source.identify((*parts, canonical(declaration))), first

    def _account(self, event: dict[str, Value]) -> str | None:
        if self._account_path is None:
            return None
        account = text_at(event, self._account_path)
        if account is None:
            if self.map.account_required:
                raise BadRow(
                    "ROW_ACCOUNT",
                    self.map.account or "",
                    "the event names no account there",
                    "mend the event, or name another path in the column map",
                )
            return None
        if len(account) > MAX_ACCOUNT_CHARACTERS:
            raise BadRow(
                "ROW_ACCOUNT",
                self.map.account or "",
                f"an account has at most {MAX_ACCOUNT_CHARACTERS} characters, got {len(account)}",
                "name another path in the column map",
            )
        return account

    def _milestone(self, event: dict[str, Value], claims: dict[str, Json]) -> None:
        claims["status"] = "actual"
        summary: dict[str, Json] = {}
        for name, path in _SUMMARY:
            text = text_at(event, path)
            if text is not None:
                summary[name] = text
        claims["event"] = summary
        step = cbv_word(_member_text(event, "bizStep") or "")
        plan = self.map.milestone
        if plan is None:
            if step:
                claims["label"] = step
            return
        consignment = (
            None if self._consignment_path is None else text_at(event, self._consignment_path)
        )
        if consignment is not None:
            claims["consignment"] = consignment
        node = plan.steps.get(step)
        if node is None:
            if step:
                claims["label"] = step
            return
        claims["template"] = plan.template
        claims["label"] = node.label
        if consignment is not None:
            claims["node"] = f"{consignment}.{node.number}"

    def _correction(self, declaration: Value, claims: dict[str, Json]) -> None:
        if not isinstance(declaration, dict):
            raise BadRow("ROW_EVENT", "errorDeclaration", "want an object", _MEND)
        moment = _time(declaration, "declarationTime")
        text = _member_text(declaration, "declarationTime")
        claims["occurred_at"] = utc_text(moment)
        claims["occurred_at_source"] = {
            "text": text,
            "zone": offset_text(moment.utcoffset()),
            "fold": None,
            "note": None,
        }
        reason: dict[str, Json] = {"declared_at": text}
        word = _member_text(declaration, "reason")
        if word is not None:
            reason["reason"] = word
        identifiers = declaration.get("correctiveEventIDs")
        if identifiers is not None:
            if not isinstance(identifiers, list):
                raise BadRow("ROW_EVENT", "correctiveEventIDs", "want an array of texts", _MEND)
            reason["corrective_events"] = [_clean(one, "correctiveEventIDs") for one in identifiers]
        claims["reason"] = reason


def cbv_word(text: str) -> str:
    """A word of the Core Business Vocabulary without its prefix."""
    return _CBV_PREFIX.sub("", text, count=1)


def text_at(value: Value, path: MemberPath) -> str | None:
    """The text at a path, or None where the path leads nowhere or to no single value."""
    for name, member, wanted in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
        if member is not None:
            if not isinstance(value, list):
                return None
            value = next(
                (one for one in value if isinstance(one, dict) and _is(one.get(member), wanted)),
                None,
            )
    if isinstance(value, bool) or value is None or isinstance(value, (list, dict)):
        return None
    return _clean(value, path[-1][0]).strip() or None


def _is(value: Value, wanted: str) -> bool:
    return isinstance(value, str) and cbv_word(value) == wanted


def _clean(value: Value, field: str) -> str:
    """A text, or a number as text, that may stand in a claim."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise BadRow("ROW_EVENT", field, "want a text", _MEND)
    return checked_text(value, field, _MEND)


def _member_text(value: dict[str, Value], name: str, *, required: bool = False) -> str | None:
    member = value.get(name)
    if member is None:
        if required:
            raise BadRow("ROW_EVENT", name, f"{name} is missing", _MEND)
        return None
    if not isinstance(member, str):
        raise BadRow("ROW_EVENT", name, "want a text", _MEND)
    return _clean(member, name)


def _check_action(event: dict[str, Value], kind: str) -> None:
    if kind in _WITHOUT_ACTION:
        if "action" in event:
            raise BadRow("ROW_EVENT", "action", f"a {kind} has no action", _MEND)
        return
    if kind not in _WITH_ACTION:
        known = ", ".join(sorted(_WITH_ACTION | _WITHOUT_ACTION))
        raise BadRow("ROW_EVENT", "type", f"want {known}, got {kind[:60]!r}", _MEND)
    action = _member_text(event, "action", required=True) or ""
    if action not in _ACTIONS:
        raise BadRow(
            "ROW_EVENT", "action", f"want {', '.join(_ACTIONS)}, got {action[:60]!r}", _MEND
        )


def _time(value: dict[str, Value], name: str) -> datetime:
    text = _member_text(value, name, required=True) or ""
    try:
        moment = iso_time(text)
        # Near the years 1 and 9999 a time may have no place in UTC.
        utc_text(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise BadRow(
            "ROW_EVENT",
            name,
            f"want a time such as 2026-07-22T06:45:00+02:00, got {text[:40]!r}",
            _MEND,
        ) from error
    if moment.tzinfo is None:
        raise BadRow("ROW_EVENT", name, f"the time {text[:40]!r} has no offset", _MEND)
    return moment


# What no other claim of the record says. The identifier is `reference`, time and zone are
# `occurred_at_source`; whoever wants more reads `raw`.
_SUMMARY = (
    ("type", (("type", None, ""),)),
    ("action", (("action", None, ""),)),
    ("step", (("bizStep", None, ""),)),
    ("disposition", (("disposition", None, ""),)),
    ("read_point", (("readPoint", None, ""), ("id", None, ""))),
)

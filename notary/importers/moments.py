"""Owns the reading of source times: text, zone and fold to a moment in UTC (docs/spec/column-map.md §3).

Nothing here guesses: no zone is assumed, and a missing time stays missing. Test:
tests/unit/importers/test_moments.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notary.importers.rows import BadRow
from verifier.format.jsonc import Json

ISO_8601 = "iso8601"
RFC_2822 = "rfc2822"
# Exports of one kind that come from several programs; no text can be read as both.
ISO_OR_RFC = "iso8601_or_rfc2822"
EPOCH_S = "epoch_s"
EPOCH_MS = "epoch_ms"
EPOCH_US = "epoch_us"
EPOCHS = (EPOCH_S, EPOCH_MS, EPOCH_US)
NAMED_FORMATS = (ISO_8601, RFC_2822, ISO_OR_RFC, *EPOCHS)

# RFC 3339 and the same without an offset. `datetime.fromisoformat` alone takes week dates and more.
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_FRACTION = re.compile(r"[.,](\d{1,9})", re.ASCII)
_EPOCH = re.compile(r"-?\d{1,18}", re.ASCII)
_RFC_TEXT = re.compile(r"(?:\w{3}, )?\d{1,2} \w{3} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}", re.ASCII)
_EPOCH_DIGITS = {10: EPOCH_S, 13: EPOCH_MS, 16: EPOCH_US}  # of any time between 2001 and 2286
_PLAIN = "%Y-%m-%d %H:%M:%S"
_PLAIN_TEXT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)
_DATE_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)

# What a format may hold, as an expression: strptime itself is several times slower and takes a different
# number of digits than it is told.
_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})",
    "p": r"(?P<p>[AaPp][Mm])",
    "M": r"(?P<M>\d{2})",
    "S": r"(?P<S>\d{2})",
    "f": r"(?P<f>\d{1,9})",
    "b": r"(?P<b>[A-Za-z]{3})",
    "z": r"(?P<z>[Zz]|[+-]\d{2}:?\d{2})",
    "%": "%",
}
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        start=1,
    )
}
_CENTURY = 2000  # a two-digit year: exports of this kind did not exist before
_MIDDAY = 12


class Moment(NamedTuple):
    """A time as it is recorded: `at` in UTC (format.md's time) or None, and what the source said."""

    at: str | None
    text: str | None
    zone: str | None
    fold: int | None
    note: str | None

    def source_claim(self) -> dict[str, Json]:
        """The claim `occurred_at_source` (format.md §7)."""
        return {"text": self.text, "zone": self.zone, "fold": self.fold, "note": self.note}

    def object(self) -> dict[str, Json]:
        """The value of a claim of type `time`."""
        return {"at": self.at, **self.source_claim()}


def find_zone(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, or None."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def utc_text(moment: datetime) -> str:
    """An aware moment as format.md's time; finer parts than a millisecond are cut off.

    Raises OverflowError outside the years 1 to 9999.
    """
    # The same text as verifier.format.times.format_time, which a test holds against it.
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


class TimeReader:
    """Reads the times of one column, by its format and declared zone."""

    def __init__(
        self, field: str, format_: str, zone: ZoneInfo | None, none: Sequence[str] = ()
    ) -> None:
        """`none` are texts that stand for no time, as a source writes them.

        Raises ValueError for a format that can't be read back exactly.
        """
        self.field = field
        self.format = format_
        self.zone = zone
        self.none = frozenset(none)
        self.zone_name = zone.key if zone is not None else None
        self._parse = _parser(format_)

    def read(self, text: str | None) -> Moment:
        """The moment of a cell. Raises BadRow ROW_TIME or ROW_ZONE."""
        if not text or text in self.none:
            return Moment(None, text, self.zone_name, None, "the source gives no time")
        try:
            moment = self._parse(text)
            if moment.tzinfo is not None:
                return self._with_offset(text, moment)
            return self._local(text, moment)
        except (ValueError, OverflowError) as error:
            raise BadRow(
                "ROW_TIME",
                self.field,
                f"{_short(text)} is no time of the format {self.format}",
                f"mend the time, or the format in the column map{_hint(text)}",
            ) from error

    def _with_offset(self, text: str, moment: datetime) -> Moment:
        if self.format in EPOCHS:
            return Moment(utc_text(moment), text, "UTC", None, None)
        offset = moment.utcoffset()
        return Moment(utc_text(moment), text, offset_text(offset), None, None)

    def _local(self, text: str, moment: datetime) -> Moment:
        zone = self.zone
        if zone is None:
            raise BadRow(
                "ROW_ZONE",
                self.field,
                f"the time {_short(text)} has no offset, and no zone is declared",
                "declare the source's IANA zone in the column map: "
                '[occurred_at] zone = "Europe/Madrid"',
            )
        local = moment.replace(tzinfo=zone)
        # PEP 495: the offsets of both folds differ only around a change of the clocks.
        early = local.utcoffset()
        late = local.replace(fold=1).utcoffset()
        if early == late:
            return Moment(utc_text(local), text, zone.key, 0, None)
        if early is not None and late is not None and early > late:
            other = utc_text(local.replace(fold=1))
            return Moment(
                utc_text(local),
                text,
                zone.key,
                0,
                f"the clocks of {zone.key} showed this time twice; the earlier is taken, "
                f"the later is {other}",
            )
        return Moment(
            None,
            text,
            zone.key,
            None,
            f"the clocks of {zone.key} never showed this time: they were set forward over it",
        )


class DateReader:
    """Reads the dates of one column, to YYYY-MM-DD."""

    def __init__(self, field: str, format_: str) -> None:
        """Raises ValueError for a format that can't be read back exactly."""
        self.field = field
        self.format = format_
        self._parse = _date if format_ == "%Y-%m-%d" else _parser(format_)

    def read(self, text: str) -> str:
        """The date of a cell. Raises BadRow ROW_VALUE."""
        try:
            return self._parse(text).strftime("%Y-%m-%d").rjust(10, "0")
        except (ValueError, OverflowError) as error:
            raise BadRow(
                "ROW_VALUE",
                self.field,
                f"{_short(text)} is no date of the format {self.format}",
                "mend the date, or the format in the column map",
            ) from error


def iso_time(text: str) -> datetime:
    """A time of RFC 3339, or the same without an offset (then naive). Raises ValueError."""
    if _ISO.fullmatch(text) is None:
        raise ValueError(f"want YYYY-MM-DDTHH:MM:SS with an offset, got {_short(text)}")
    # Python keeps microseconds; what is finer stays in the text.
    text = _FRACTION.sub(lambda match: "." + match[1][:6].ljust(6, "0"), text)
    return datetime.fromisoformat(text.upper())


def _date(text: str) -> datetime:
    if _DATE_TEXT.fullmatch(text) is None:
        raise ValueError(text)
    return datetime.fromisoformat(text)


def _plain(text: str) -> datetime:
    if _PLAIN_TEXT.fullmatch(text) is None:
        raise ValueError(text)
    return datetime.fromisoformat(text)


def _rfc_2822(text: str) -> datetime:
    if not text.isascii():
        # The library takes digits of any script.
        raise ValueError(text)
    try:
        return parsedate_to_datetime(text)
    except (TypeError, IndexError) as error:
        raise ValueError(text) from error


def _epoch(text: str, unit: timedelta) -> datetime:
    if _EPOCH.fullmatch(text) is None:
        raise ValueError(text)
    return _EPOCH_START + int(text) * unit


def _parser(format_: str) -> Callable[[str], datetime]:
    if format_ == _PLAIN:
        return _plain
    if format_ == ISO_8601:
        return iso_time
    if format_ == RFC_2822:
        return _rfc_2822
    if format_ == ISO_OR_RFC:
        return lambda text: iso_time(text) if _ISO.fullmatch(text) else _rfc_2822(text)
    if format_ == EPOCH_S:
        return lambda text: _epoch(text, timedelta(seconds=1))
    if format_ == EPOCH_MS:
        return lambda text: _epoch(text, timedelta(milliseconds=1))
    if format_ == EPOCH_US:
        return lambda text: _epoch(text, timedelta(microseconds=1))
    return _strptime(format_)


def _strptime(format_: str) -> Callable[[str], datetime]:
    expression = ""
    seen: set[str] = set()
    characters = iter(format_)
    for character in characters:
        if character != "%":
            expression += re.escape(character)
            continue
        directive = next(characters, "")
        if directive not in _DIRECTIVES or (directive in seen and directive != "%"):
            raise ValueError(
                f"the format {format_!r} has %{directive}; want each of "
                f"{' '.join('%' + name for name in _DIRECTIVES)} at most once, "
                f"or one of {', '.join(NAMED_FORMATS)}"
            )
        seen.add(directive)
        expression += _DIRECTIVES[directive]
    if not {"d"} <= seen or not seen & {"Y", "y"} or not seen & {"m", "b"}:
        raise ValueError(f"the format {format_!r} names no year, month and day")
    if ("I" in seen) != ("p" in seen):
        raise ValueError(f"the format {format_!r} has only one of %I and %p")
    pattern = re.compile(expression, re.ASCII)

    def parse(text: str) -> datetime:
        match = pattern.fullmatch(text)
        if match is None:
            raise ValueError(text)
        parts = match.groupdict()
        year = int(parts["Y"]) if "Y" in parts else _CENTURY + int(parts["y"])
        month = int(parts["m"]) if "m" in parts else _MONTHS.get(parts["b"].lower(), 0)
        hour = int(parts.get("H", "0"))
        if "I" in parts:
            hour = int(parts["I"])
            if not 1 <= hour <= _MIDDAY:
                raise ValueError(text)
            hour = hour % _MIDDAY + (_MIDDAY if parts["p"].lower() == "pm" else 0)
        moment = datetime(  # noqa: DTZ001 - the zone is the reader's business
            year,
            month,
            int(parts["d"]),
            hour,
            int(parts.get("M", "0")),
            int(parts.get("S", "0")),
            int(parts.get("f", "0")[:6].ljust(6, "0")),
        )
        if "z" in parts:
            offset = datetime.fromisoformat("2000-01-01T00:00:00" + parts["z"].upper())
            return moment.replace(tzinfo=offset.tzinfo)
        return moment

    return parse


def offset_text(offset: timedelta | None) -> str:
    """An offset from UTC as +HH:MM."""
    minutes = round((offset or timedelta()).total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _hint(text: str) -> str:
    """Which format reads a time that another one does not, where that is sure."""
    if _RFC_TEXT.fullmatch(text) is not None:
        return f": it reads as {RFC_2822}"
    if _ISO.fullmatch(text) is not None:
        return f": it reads as {ISO_8601}"
    named = _EPOCH_DIGITS.get(len(text)) if text.isascii() and text.isdigit() else None
    return f": it reads as {named}" if named is not None else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")

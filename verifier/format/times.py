"""Owns the one text form of a time (docs/spec/README.md, Notation).

Proved by tests/unit/format/test_times.py.
"""

import re
from datetime import UTC, datetime, timedelta

from verifier.format.digests import shown
from verifier.format.errors import FormatError

_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})Z"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_BLOCK_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z: years have four digits


def parse_time(text: str) -> datetime:
    """Read `YYYY-MM-DDTHH:MM:SS.mmmZ` as an aware moment in UTC, seconds 00 to 59.

    Raises FormatError TIME_FORM.
    """
    # Whatever reads as a time and is written back as the same text has the one form. The library
    # takes other forms as well; the long way below says what is wrong with them.
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is UTC and format_time(moment) == text:
            return moment
    except ValueError:
        pass
    match = _TIME.fullmatch(text)
    if match is None:
        raise FormatError("TIME_FORM", f"want YYYY-MM-DDTHH:MM:SS.mmmZ, got {shown(text)}")
    year, month, day, hour, minute, second, milli = match.groups()
    try:
        return datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second),
            int(milli) * 1000, UTC,
        )  # fmt: skip
    except ValueError as error:
        raise FormatError("TIME_FORM", f"{shown(text)}: {error}") from error


def format_time(moment: datetime) -> str:
    """Write an aware moment in UTC; what is finer than a millisecond is cut off.

    Raises FormatError TIME_ZONE for a moment without a zone.
    """
    if moment.tzinfo is None:
        raise FormatError("TIME_ZONE", f"want an aware moment, got {moment!r}")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    # isoformat pads the year to four digits, which strftime does not everywhere.
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def format_block_time(seconds: int) -> str:
    """Write a block time: whole seconds since 1970-01-01T00:00:00Z.

    Raises FormatError BLOCK_TIME_RANGE for a time that four-digit years can't name.
    """
    return format_time(block_moment(seconds))


def block_moment(seconds: int) -> datetime:
    """The aware moment of a block time. Raises FormatError BLOCK_TIME_RANGE."""
    if not 0 <= seconds <= MAX_BLOCK_TIME:
        raise FormatError(
            "BLOCK_TIME_RANGE", f"a block time is from 0 to {MAX_BLOCK_TIME}, got {seconds}"
        )
    return _EPOCH + timedelta(seconds=seconds)

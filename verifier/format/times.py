"""Owns the one text form of a time (docs/spec/README.md, Notation).

Proved by tests/unit/format/test_times.py.
"""

import re
from datetime import UTC, datetime, timedelta

from verifier.format.digests import shown
from verifier.format.errors import FormatError

# Later versions of the library take hour 24 for the next midnight.
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_BLOCK_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z: years have four digits


def parse_time(text: str) -> datetime:
    """Read `YYYY-MM-DDTHH:MM:SS.mmmZ` as an aware moment in UTC, seconds 00 to 59.

    Raises FormatError TIME_FORM.
    """
    if _TIME.fullmatch(text) is None:
        raise FormatError("TIME_FORM", f"want YYYY-MM-DDTHH:MM:SS.mmmZ, got {shown(text)}")
    try:
        # The library takes many forms; of this one it takes those that are times.
        return datetime.fromisoformat(text)
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

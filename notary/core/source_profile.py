"""What an agency may say of a source: the profile's form, before it is entered. Pure.

Spec: docs/spec/format.md §16. Test: tests/unit/core/test_source_profile.py.
"""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notary.core.acceptance import has_surrogate
from notary.core.source_edge import MAX_REASON
from notary.errors import CallerError
from verifier.format import jsonc
from verifier.format.source_log import MAX_TEXTS, SERVICE, SOURCE, Profile

MAX_TEXT = 500  # characters: a profile says what a source is, and is no document
LATE_S = 2 * 86_400  # exports are taken in once a day as a rule, and one may be skipped

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


def check_profile(profile: Profile) -> Profile:
    """The profile, if it may be entered. Raises CallerError SOURCE_PROFILE naming the member."""
    if not _NAME.fullmatch(profile.name):
        raise _fault("name", "1 to 60 of A-Z a-z 0-9 . _ -, beginning with a letter or digit")
    if profile.numbering not in (SOURCE, SERVICE):
        raise _fault("numbering", f"{SOURCE} or {SERVICE}")
    for name, number, lo in (
        ("first", profile.first, 0),
        ("offset_ms", profile.offset_ms, -jsonc.MAX_INTEGER),
        ("late_s", profile.late_s, 0),
        ("silent_s", profile.silent_s, 0),
    ):
        if number is not None and not lo <= number <= jsonc.MAX_INTEGER:
            raise _fault(name, f"an integer from {lo}")
    try:
        ZoneInfo(profile.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _fault("zone", "an IANA time zone such as Europe/Berlin") from error
    for name in ("host", "software", "version", "clock"):
        text = getattr(profile, name)
        if text is not None:
            _check_text(name, text)
    for name in ("hides", "outages"):
        texts: tuple[str, ...] = getattr(profile, name)
        if len(texts) > MAX_TEXTS:
            raise _fault(name, f"at most {MAX_TEXTS} texts")
        for text in texts:
            _check_text(name, text)
    return profile


def check_reason(reason: str) -> str:
    """Why numbers are missing. Raises CallerError SOURCE_REASON."""
    if not 1 <= len(reason) <= MAX_REASON or has_surrogate(reason):
        raise CallerError("SOURCE_REASON", f"want a reason of 1 to {MAX_REASON} characters.")
    return reason


def _check_text(name: str, text: str) -> None:
    if not 1 <= len(text) <= MAX_TEXT or has_surrogate(text):
        raise _fault(name, f"a text of 1 to {MAX_TEXT} characters")


def _fault(member: str, wanted: str) -> CallerError:
    return CallerError("SOURCE_PROFILE", f"{member}: want {wanted}.")

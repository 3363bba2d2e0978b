"""What an agency may say of a source."""

from __future__ import annotations

import pytest

from notary.core.source_profile import check_profile, check_reason
from notary.errors import CallerError
from verifier.format.source_log import Profile

PROFILE = Profile("pbx-1", "source", 0, "Asia/Shanghai", None, "pbx", "Asterisk", "20", "NTP", -3)


def test_a_profile_that_may_be_entered_is_returned() -> None:
    assert check_profile(PROFILE) is PROFILE


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", ""),
        ("name", "a b"),
        ("name", "x" * 61),
        ("numbering", "both"),
        ("first", -1),
        ("offset_ms", 2**53),
        ("late_s", -1),
        ("silent_s", -1),
        ("zone", "Mars/Olympus"),
        ("zone", "../etc/passwd"),
        ("zone", ""),
        ("host", ""),
        ("clock", "x" * 501),
        ("software", "\ud800"),
        ("hides", ("",)),
        ("outages", ("x",) * 101),
    ],
)
def test_another_is_refused_by_its_member(member: str, value: object) -> None:
    with pytest.raises(CallerError) as caught:
        check_profile(PROFILE._replace(**{member: value}))  # type: ignore[arg-type]
    assert caught.value.code == "SOURCE_PROFILE"
    assert str(caught.value).startswith(f"{member}: want ")


@pytest.mark.parametrize("reason", ["", "x" * 1001, "\ud800"])
def test_a_reason_has_its_length(reason: str) -> None:
    with pytest.raises(CallerError) as caught:
        check_reason(reason)
    assert caught.value.code == "SOURCE_REASON"

"""The register of erasures is only appended to, and survives what can happen to a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from notary.adapters.keys.erasures import REGISTER, ErasureFile
from notary.core.erasures import Line, Order, Reason, State, Target
from notary.errors import CallerError
from verifier.format.digests import sha256

LOG = "notary.example/log"
AT = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
ORDER = Order(Reason.OTHER, "privacy office")


def line(position: int) -> Line:
    target = Target(sha256(b"matter"), position, sha256(str(position).encode()))
    return Line(AT, State.BEGUN, target, ORDER)


def test_lines_are_kept_in_order_for_this_account_alone(tmp_path: Path) -> None:
    register = ErasureFile(tmp_path, LOG)
    assert (register.exists(), register.lines()) == (False, [])
    register.append([])
    assert (register.exists(), register.lines()) == (True, [])
    register.append([line(1), line(2)])
    register.append([line(3)])
    assert register.lines() == [line(1), line(2), line(3)]
    assert (tmp_path / REGISTER).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / REGISTER).read_text().startswith(f"notary-erasures/1\n{LOG}\n{{")


@pytest.mark.parametrize("left", [b"{", b'{"at":"2026', b"\xff\xfe"])
def test_a_line_that_a_loss_of_power_cut_is_passed_over_and_written_over(
    tmp_path: Path, left: bytes
) -> None:
    register = ErasureFile(tmp_path, LOG)
    register.append([line(1)])
    with register.path.open("ab") as file:
        file.write(left)
    assert register.lines() == [line(1)]
    register.append([line(2)])
    assert register.lines() == [line(1), line(2)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "ERASURES_FORM"),
        (b"notary-erasures/2\nnotary.example/log\n", "ERASURES_FORM"),
        (b"notary-erasures/1\n", "ERASURES_FORM"),
        (b"notary-erasures/1\nother.example/log\n", "ERASURES_OF_OTHER_LOG"),
        (b"notary-erasures/1\nnotary.example/log\n{}\n", "ERASURES_FORM"),
        (b"notary-erasures/1\nnotary.example/log\n\n", "ERASURES_FORM"),
    ],
)
def test_a_damaged_register_is_refused_by_name_and_never_added_to(
    tmp_path: Path, content: bytes, code: str
) -> None:
    register = ErasureFile(tmp_path, LOG)
    register.path.write_bytes(content)
    with pytest.raises(CallerError) as caught:
        register.lines()
    assert caught.value.code == code
    assert str(register.path) in str(caught.value)
    if not content.endswith((b"{}\n", b"\n\n")):
        with pytest.raises(CallerError):
            register.append([line(1)])
    assert register.path.read_bytes() == content

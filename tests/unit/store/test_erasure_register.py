"""The register of erasures is only appended to, and tells what was done to it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from notary.adapters.keys.erasures import REGISTER, ErasureFile
from notary.adapters.keys.folder import ERASURES_KEY, create_keys
from notary.core.erasures import Line, Order, Reason, State, Target
from notary.errors import CallerError
from tests.simulators.store import SeededEntropy
from verifier.format.digests import sha256

LOG = "notary.example/log"
AT = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
ORDER = Order(Reason.OTHER, "privacy office")


def line(position: int) -> Line:
    target = Target(sha256(b"matter"), position, sha256(str(position).encode()))
    return Line(AT, State.BEGUN, target, ORDER)


@pytest.fixture
def register(tmp_path: Path) -> ErasureFile:
    create_keys(tmp_path, SeededEntropy("register"))
    return ErasureFile(tmp_path, LOG)


def test_lines_are_kept_in_order_for_this_account_alone(
    register: ErasureFile, tmp_path: Path
) -> None:
    assert not register.exists()
    register.create()
    assert (register.exists(), register.lines()) == (True, [])
    register.append([line(1), line(2)])
    register.append([line(3)])
    register.create()
    assert register.lines() == [line(1), line(2), line(3)]
    assert (tmp_path / REGISTER).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / REGISTER).read_text().startswith(f"notary-erasures/1\n{LOG}\n{{")


@pytest.mark.parametrize("left", [b"{", b'{"at":"2026', b"\xff\xfe"])
def test_a_line_that_a_loss_of_power_cut_is_passed_over_and_written_over(
    register: ErasureFile, left: bytes
) -> None:
    register.create()
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
    register: ErasureFile, content: bytes, code: str
) -> None:
    register.path.write_bytes(content)
    with pytest.raises(CallerError) as caught:
        register.lines()
    assert caught.value.code == code
    assert str(register.path) in str(caught.value)
    with pytest.raises(CallerError):
        register.append([line(1)])
    assert register.path.read_bytes() == content


def test_a_register_that_is_gone_is_never_begun_anew_by_itself(register: ErasureFile) -> None:
    for ask in (register.lines, register.texts, lambda: register.append([line(1)])):
        with pytest.raises(CallerError) as caught:
            ask()
        assert caught.value.code == "ERASURES_MISSING"
    assert not register.exists()


@pytest.mark.parametrize("place", range(3))
def test_a_dropped_line_is_named_with_its_remedy(register: ErasureFile, place: int) -> None:
    register.create()
    register.append([line(1), line(2), line(3), line(4)])
    whole = register.path.read_text().splitlines(keepends=True)
    del whole[2 + place]
    register.path.write_text("".join(whole))
    with pytest.raises(CallerError) as caught:
        register.lines()
    assert caught.value.code == "ERASURES_CHANGED"
    assert f"line {place + 1} is missing" in str(caught.value)
    assert "put its newest whole copy in its place" in str(caught.value)


def test_every_byte_counts(register: ErasureFile) -> None:
    register.create()
    register.append([line(1), line(2)])
    whole = register.path.read_bytes()
    for place in range(len(whole) - 1):
        # Not only the same digit in another case, and never a new end of a line.
        register.path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
        with pytest.raises(CallerError) as caught:
            register.lines()
        assert caught.value.code.startswith("ERASURES_"), place


def test_a_register_without_its_key_or_under_another_one_is_refused(
    register: ErasureFile, tmp_path: Path
) -> None:
    register.create()
    register.append([line(1)])
    (tmp_path / ERASURES_KEY).write_bytes(bytes(32))
    with pytest.raises(CallerError, match="line 1 was changed, or written under another key"):
        register.lines()
    (tmp_path / ERASURES_KEY).unlink()
    with pytest.raises(CallerError) as caught:
        register.lines()
    assert caught.value.code == "KEY_MISSING"

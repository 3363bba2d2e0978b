"""The files that a person hands to the verifier, over arbitrary and damaged bytes.

Policy and inputs raise CannotJudge and nothing else. A zip is read, or BagUnreadable; changed in any
way, it departs from the one form. And a package with any of its files damaged gets a verdict, which
is never VALID: that covers every parser behind the steps, and the lines that only they read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile import persons
from tests.hostile.package import Package
from tests.hostile.small import (
    NOT_COVERED,
    Judge,
    matter_of,
    remanifested,
    small,
    small_world,
)
from tests.property.format.test_parsers import damaged
from verifier.check.inputs import read_inputs
from verifier.check.policy import read_policy
from verifier.check.reading import read_bag
from verifier.check.rows import CannotJudge, Verdict
from verifier.format import file_digests

KINDS = ("complete", "extract", "absent")
POLICY = persons.toml(small_world().policy()).encode()
INPUTS = persons.toml(small_world().inputs(matter_of("complete"))).encode()
ZIP = small("complete").zipped()
FILES = [(kind, path) for kind in KINDS for path in sorted(small(kind).files)]

# What TOML has and the two files have not, beside what they have.
TOML_VALUES = st.sampled_from(
    [
        b"true", b"-1", b"1.5", b"nan", b"1e400", b"9" * 5000, b"1979-05-27", b"07:32:00",
        b"2026-01-01T00:00:00Z", b"[]", b"[1]", b"{}", b"{a=1}", b'""', b'"\\uD800"', b"[" * 2000,
        b"\n[[log]]\n", b"\n[limits]\n", b"\n[[block]]\n", b"#",
    ]
)  # fmt: skip


@st.composite
def damaged_toml(draw: st.DrawFn, document: bytes) -> bytes:
    """A document with one value replaced, or with any damage."""
    if draw(st.booleans()):
        return draw(damaged(document))
    lines = document.splitlines(keepends=True)
    at = draw(st.integers(0, len(lines) - 1))
    name, equals, _ = lines[at].partition(b" = ")
    lines[at] = name + (equals or b" = ") + draw(TOML_VALUES) + b"\n"
    return b"".join(lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def refused(error: CannotJudge, code: str) -> None:
    assert error.code.startswith(code)
    assert error.detail.isascii()


@given(data=damaged_toml(POLICY) | st.binary(max_size=80))
def test_a_damaged_policy_is_read_or_raises_only_our_error(data: bytes, folder: Path) -> None:
    path = folder / "policy.toml"
    path.write_bytes(data)
    try:
        policy = read_policy(path)
    except CannotJudge as error:
        refused(error, "POLICY_")
        return
    assert all(pin.vkeys and pin.chain_id in policy.chains for pin in policy.pins)


@given(data=damaged_toml(INPUTS) | st.binary(max_size=80))
def test_damaged_inputs_are_read_or_raise_only_our_error(data: bytes, folder: Path) -> None:
    path = folder / "inputs.toml"
    path.write_bytes(data)
    try:
        inputs = read_inputs(path)
    except CannotJudge as error:
        refused(error, "INPUTS_")
        return
    assert all(one.hash is not None and len(one.hash) == 32 for one in inputs.blocks.values())
    assert inputs.earliest_as_of is None or inputs.earliest_as_of > datetime(1, 1, 1, tzinfo=UTC)


@given(data=damaged(ZIP) | st.binary(max_size=80))
def test_a_damaged_zip_departs_from_the_one_form(data: bytes, folder: Path) -> None:
    path = folder / "package.zip"
    path.write_bytes(data)
    found = read_bag(path)
    assert (found.form_faults == []) == (data == ZIP)
    for name in found.files:
        assert file_digests.digest_bytes(found.read(name)) == found.files[name]


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Judge]]:
    opened = {
        kind: Judge(small_world(), matter_of(kind), tmp_path_factory.mktemp(kind))
        for kind in KINDS
    }  # fmt: skip
    yield opened
    for judge in opened.values():
        judge.file.close()


def with_damage(data: st.DataObject, package: Package, path: str) -> Package:
    return remanifested(package.put(path, data.draw(damaged(package[path]))), path)


# Few for each of many files; `make soak` tries many more.
@settings(max_examples=20)
@pytest.mark.parametrize(("kind", "path"), FILES)
@given(data=st.data())
def test_a_package_with_a_damaged_file_gets_a_verdict_and_never_valid(
    kind: str, path: str, data: st.DataObject, judges: dict[str, Judge]
) -> None:
    package = small(kind)
    changed = with_damage(data, package, path)
    verdict = judges[kind].verdict(changed)
    if changed == package or path in NOT_COVERED:
        assert verdict == Verdict.VALID
    else:
        assert verdict in (Verdict.INVALID, Verdict.INDETERMINATE)

"""What a log states of the log that it continues: one form, and nothing else."""

from __future__ import annotations

import pytest

from tests.reference.refusal import refused
from verifier.format import predecessor
from verifier.format.digests import sha256
from verifier.format.jsonc import Json

TOLD = predecessor.Predecessor("old.example/log", 7, sha256(b"root"))
VALUE: dict[str, Json] = {"log": TOLD.log, "size": 7, "root": TOLD.root.hex()}


def test_it_is_written_as_it_is_read() -> None:
    assert predecessor.write(TOLD) == VALUE
    assert predecessor.read(VALUE) == TOLD
    assert str(TOLD) == f"old.example/log from size 7, root {TOLD.root.hex()}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"log": "No Name"}, "LOG_NAME"),
        ({"log": 7}, "MEMBER_TYPE"),
        ({"size": 0}, "MEMBER_FORM"),
        ({"size": True}, "MEMBER_TYPE"),
        ({"root": "00"}, "MEMBER_FORM"),
        ({"more": 1}, "MEMBER_UNKNOWN"),
    ],
)
def test_another_form_is_refused(change: dict[str, Json], code: str) -> None:
    with refused(code):
        predecessor.read({**VALUE, **change})
    with refused("MEMBER_TYPE"):
        predecessor.read([])

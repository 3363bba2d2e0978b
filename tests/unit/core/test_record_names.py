"""A record's name says nothing, and opens for its agency alone."""

from __future__ import annotations

import base64
import hashlib

import pytest

from notary.core import record_names
from notary.core.record_names import NOBODY, RecordNames

NAMES = RecordNames(b"\x01" * 32)


def test_a_name_opens_for_its_agency_alone() -> None:
    for record_id in (1, 2, 255, 256, 2**40):
        name = NAMES.name(7, record_id)
        assert NAMES.row(7, name) == record_id
        assert NAMES.row(8, name) == NOBODY
        assert RecordNames(b"\x02" * 32).row(7, name) == NOBODY


def test_names_of_neighbours_have_nothing_in_common_but_the_first_letter() -> None:
    names = [NAMES.name(1, record_id) for record_id in range(1, 1001)]
    assert len(set(names)) == 1000
    assert names != sorted(names)
    # Were they random, two in a thousand begin alike in four characters about once in two tries.
    assert len({name[1:7] for name in names}) >= 999


@pytest.mark.parametrize(
    "change",
    [
        lambda name: name[:-1],
        lambda name: name + "a",
        lambda name: name.upper(),
        lambda name: "s" + name[1:],
        lambda name: name[:-1] + chr(ord(name[-1]) + 1),
        lambda name: name[:5] + "1" + name[6:],
        lambda name: name[:5] + "é" + name[6:],
        lambda _: "",
        lambda _: "5",
        lambda _: "-1",
    ],
)
def test_any_other_text_is_nobodys(change: object) -> None:
    name = NAMES.name(1, 5)
    assert callable(change)
    assert NAMES.row(1, change(name)) == NOBODY


def test_a_name_is_base_32_as_others_write_it() -> None:
    for number in range(300):
        block = hashlib.sha256(b"%d" % number).digest()[:16]
        plainly = base64.b32encode(block).decode().lower().rstrip("=")
        assert record_names._base32(block) == plainly

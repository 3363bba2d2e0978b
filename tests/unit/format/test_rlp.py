"""RLP, strict."""

import pytest

from tests.reference.refusal import refused
from verifier.format import rlp


@pytest.mark.parametrize(
    ("data", "item"),
    [
        ("00", b"\x00"),
        ("7f", b"\x7f"),
        ("80", b""),
        ("8180", b"\x80"),
        ("83646f67", b"dog"),
        ("c0", []),
        ("c88363617483646f67", [b"cat", b"dog"]),
        ("c7c0c1c0c3c0c1c0", [[], [[]], [[], [[]]]]),
        ("c3010203", [b"\x01", b"\x02", b"\x03"]),
        ("b7" + "61" * 55, b"a" * 55),
        ("b838" + "61" * 56, b"a" * 56),
        ("f838" + "80" * 56, [b""] * 56),
        ("b90100" + "61" * 256, b"a" * 256),
        ("b90102" + "61" * 258, b"a" * 258),
        ("b8ff" + "61" * 255, b"a" * 255),
    ],
)
def test_an_item_has_one_encoding(data: str, item: rlp.Item) -> None:
    assert rlp.decode(bytes.fromhex(data)) == item
    assert rlp.encode(item).hex() == data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "RLP_TRUNCATED"),
        ("81", "RLP_TRUNCATED"),
        ("8261", "RLP_TRUNCATED"),
        ("b8", "RLP_TRUNCATED"),
        ("b9ff", "RLP_TRUNCATED"),
        ("b838" + "61" * 55, "RLP_TRUNCATED"),
        ("c1", "RLP_TRUNCATED"),
        ("c281", "RLP_TRUNCATED"),
        ("c18161", "RLP_TRUNCATED"),  # the inner item reaches out of its list
        ("bfffffffffffffffff", "RLP_TRUNCATED"),
        ("8100", "RLP_NOT_CANONICAL"),
        ("817f", "RLP_NOT_CANONICAL"),
        ("b800", "RLP_NOT_CANONICAL"),
        ("b837" + "61" * 55, "RLP_NOT_CANONICAL"),
        ("b90038" + "61" * 56, "RLP_NOT_CANONICAL"),
        ("f837" + "80" * 55, "RLP_NOT_CANONICAL"),
        ("c3817f80", "RLP_NOT_CANONICAL"),
        ("8000", "RLP_TRAILING"),
        ("c000", "RLP_TRAILING"),
        ("0101", "RLP_TRAILING"),
    ],
)
def test_any_other_encoding_is_refused(data: str, code: str) -> None:
    with refused(code):
        rlp.decode(bytes.fromhex(data))


def nested(levels: int) -> bytes:
    data = b"\xc0"
    for _ in range(levels - 1):
        data = rlp._prefix(0xC0, len(data)) + data
    return data


def test_depth_has_a_bound() -> None:
    assert rlp.encode(rlp.decode(nested(16))) == nested(16)
    with refused("RLP_DEPTH"):
        rlp.decode(nested(17))
    with refused("RLP_DEPTH"):
        rlp.decode(nested(5000))


def test_integers_have_no_leading_zero_byte() -> None:
    assert rlp.encode_int(0x0102).hex() == "820102"
    assert rlp.decode_int(b"\x01\x02", "n") == 0x0102
    for number in (0, 1, 127, 128, 255, 256, 2**64 - 1, 2**256 - 1):
        assert rlp.decode_int(rlp.decode(rlp.encode_int(number)), "n") == number
    wrong: list[tuple[rlp.Item, str]] = [
        (b"\x00", "RLP_NOT_CANONICAL"),
        (b"\x00\x01", "RLP_NOT_CANONICAL"),
        ([], "RLP_TYPE"),
        (b"\x01" * 33, "RLP_RANGE"),
    ]
    for item, code in wrong:
        with refused(code):
            rlp.decode_int(item, "n")
    with refused("RLP_RANGE"):
        rlp.decode_int(b"\x01" * 9, "n", 64)


def test_a_list_is_asked_for() -> None:
    with refused("RLP_TYPE"):
        rlp.decode_list(b"\x80", "thing")

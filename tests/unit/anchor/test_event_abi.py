"""Reading events as Solidity writes them: names, types, values; what is not just that is refused."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from notary.adapters.chain.event_abi import parse_event
from notary.errors import CallerError
from verifier.format.jsonc import Json

WORD = (7).to_bytes(32, "big")


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("Delivered(bytes32 indexed consignment, uint256 quantity)", "Delivered(bytes32,uint256)"),
        ("event Transfer(address indexed from,address indexed to,uint value);",
         "Transfer(address,address,uint256)"),
        ("Paused()", "Paused()"),
        ("  A_1 ( bool ) ", "A_1(bool)"),
        ("Deal((uint256,bytes)[] items, int indexed price)", "Deal((uint256,bytes)[],int256)"),
        ("Grid(uint8[2][3])", "Grid(uint8[2][3])"),
    ],
)  # fmt: skip
def test_the_signature_is_what_solidity_hashes(text: str, signature: str) -> None:
    assert parse_event(text).signature == signature


@pytest.mark.parametrize(
    "text",
    [
        "Delivered", "Delivered(uint257)", "Delivered(foo bar)", "Delivered(uint a b)",
        "Delivered(uint a,)", "Delivered(uint a, bool a)", "Delivered(uint 1a)", "(uint a)", "",
        "Delivered((uint a)", "Delivered(uint[-1] a)",
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(CallerError) as caught:
        parse_event(text)
    assert caught.value.code == "EVENT_TEXT"
    assert "Want one like Delivered(" in str(caught.value)


def test_values_are_read_by_name() -> None:
    event = parse_event(
        "E(address indexed who, string indexed what, uint, bytes b, (int8,bool)[] t)"
    )
    who, what = b"\xaa" * 20, keccak(b"said")
    data = encode(["uint256", "bytes", "(int8,bool)[]"], [2**255, b"\x01\x02", [(-3, True)]])
    wanted: dict[str, Json] = {
        "who": "0x" + "aa" * 20,
        "what (hash)": "0x" + what.hex(),
        "arg2": str(2**255),
        "b": "0x0102",
        "t": [["-3", True]],
    }
    topics = [keccak(event.signature.encode()), who.rjust(32, b"\0"), what]
    assert event.decode(topics, data) == wanted


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ([WORD], WORD),
        ([WORD, WORD, WORD], WORD),
        ([WORD, b"\xff" * 32], WORD),
        ([WORD, WORD], b""),
        ([WORD, WORD], WORD[:-1]),
        ([WORD, WORD], WORD + WORD),
    ],
)
def test_a_log_of_another_shape_is_refused(topics: list[bytes], data: bytes) -> None:
    event = parse_event("E(uint8 indexed a, uint256 b)")
    with pytest.raises(CallerError) as caught:
        event.decode(topics, data)
    assert caught.value.code == "EVENT_VALUES"

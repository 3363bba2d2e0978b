"""Matter numbers and Bech32m."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.reference.refusal import refused
from verifier.format import numbers
from verifier.format.errors import FormatError

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "bech32m" / "bip350.json").read_text()
)
NUMBER = numbers.make(bytes(range(16)), bytes.fromhex("deadbeef"))


@pytest.mark.parametrize("text", VECTORS["valid"])
def test_valid_strings_of_bip_350_come_back(text: str) -> None:
    hrp, values = numbers.bech32m_decode(text)
    assert numbers.bech32m_encode(hrp, values) == text.lower()


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=lambda case: case["reason"])
def test_invalid_strings_of_bip_350_are_refused(case: dict[str, str]) -> None:
    with pytest.raises(FormatError, match="BECH32_"):
        numbers.bech32m_decode(case["text"])


def test_the_ends_of_the_prefixs_alphabet_stand() -> None:
    for hrp in ("!", "~"):
        assert numbers.bech32m_decode(numbers.bech32m_encode(hrp, [1])) == (hrp, [1])


def test_a_text_without_room_for_a_checksum_is_of_another_form() -> None:
    with refused("BECH32_FORM"):
        numbers.bech32m_decode("in1muywd")


def test_mixed_case_is_refused() -> None:
    with refused("BECH32_FORM"):
        numbers.bech32m_decode("A1lqfn3a")


def test_a_number_is_scheme_random_and_log_tag() -> None:
    assert NUMBER.raw == b"\x01" + bytes(range(16)) + bytes.fromhex("deadbeef")
    assert NUMBER.log_tag == bytes.fromhex("deadbeef")
    assert NUMBER.key == sha256(b"notary/matter/v1\n" + NUMBER.raw).digest()


def test_the_log_tag_is_of_chain_contract_and_account() -> None:
    tag = numbers.log_tag(31337, b"\x11" * 20, b"\x22" * 20)
    message = b"notary/log-tag/v1\n" + (31337).to_bytes(8, "big") + b"\x11" * 20 + b"\x22" * 20
    assert tag == sha256(message).digest()[:4]
    for chain_id in (0, 2**64 - 1):
        assert len(numbers.log_tag(chain_id, bytes(20), bytes(20))) == 4
    for chain_id, contract, address in (
        (-1, bytes(20), bytes(20)),
        (2**64, bytes(20), bytes(20)),
        (1, bytes(19), bytes(20)),
        (1, bytes(20), bytes(21)),
    ):
        with refused("LOG_TAG_FORM"):
            numbers.log_tag(chain_id, contract, address)


def test_a_printed_number_comes_back_however_it_is_typed() -> None:
    text = NUMBER.text
    assert len(text) == 43
    assert text.startswith("nm1")
    shown = numbers.display(NUMBER)
    assert [len(group) for group in shown.split("-")] == [3, *[5] * 8]
    for typed in (text, text.upper(), shown, shown.upper(), shown.replace("-", " "), f" {text} "):
        assert numbers.parse(typed) == NUMBER
    assert str(NUMBER) == text


@pytest.mark.parametrize("place", range(43))
def test_a_single_wrong_character_is_named_and_not_mended(place: int) -> None:
    text = NUMBER.text
    wrongs = [wrong for wrong in "qpl7bio1x" if wrong != text[place]]
    # The last one in upper case as well.
    for wrong, upper in [*[(wrong, False) for wrong in wrongs], (wrongs[-1], True)]:
        typed = text[:place] + wrong + text[place + 1 :]
        with pytest.raises(FormatError) as caught:
            numbers.parse(typed.upper() if upper else typed)
        assert caught.value.code == "NUMBER_CHARACTER"
        said = f"character {place + 1}, {wrong!r}, is wrong; {text[place]!r}"
        assert said in caught.value.message


@pytest.mark.parametrize("places", [(3, 4), (10, 40), (0, 1), (0, 20), (5, 6, 7)])
def test_more_damage_is_said_to_be_more(places: tuple[int, ...]) -> None:
    typed = list(NUMBER.text)
    for place in places:
        typed[place] = "7" if typed[place] != "7" else "8"
    with refused("NUMBER_CHECKSUM"):
        numbers.parse("".join(typed))


def test_a_swap_of_neighbours_is_refused() -> None:
    text = NUMBER.text
    swapped = text[:7] + text[8] + text[7] + text[9:]
    assert swapped != text
    with refused("NUMBER_CHECKSUM"):
        numbers.parse(swapped)


@pytest.mark.parametrize("text", ["", "nm1", NUMBER.text[:-1], NUMBER.text + "q"])
def test_a_number_of_another_length_is_refused(text: str) -> None:
    with refused("NUMBER_LENGTH"):
        numbers.parse(text)


def test_mixed_case_of_a_number_is_refused() -> None:
    with refused("NUMBER_CASE"):
        numbers.parse("N" + NUMBER.text[1:])


def test_characters_outside_ascii_never_become_others() -> None:
    kelvin = NUMBER.text.upper().replace("K", "\u212a")
    assert "\u212a" in kelvin
    with refused("NUMBER_CHECKSUM"):
        numbers.parse(kelvin)
    with refused("NUMBER_CASE"):
        numbers.parse(NUMBER.text[:-1] + "\u0130")


def test_a_wrong_character_under_another_prefix_is_not_mended() -> None:
    _, values = numbers.bech32m_decode(NUMBER.text)
    other = numbers.bech32m_encode("xx", values)
    with refused("NUMBER_CHECKSUM"):
        numbers.parse(other[:-1] + ("q" if other[-1] != "q" else "p"))


def test_padding_bits_that_are_set_are_refused_under_a_good_checksum() -> None:
    _, values = numbers.bech32m_decode(NUMBER.text)
    for bits in (1, 2, 3):
        with refused("NUMBER_PADDING"):
            numbers.parse(numbers.bech32m_encode("nm", [*values[:-1], values[-1] | bits]))


def test_another_scheme_is_refused_under_a_good_checksum() -> None:
    _, values = numbers.bech32m_decode(NUMBER.text)
    with refused("NUMBER_SCHEME"):
        numbers.parse(numbers.bech32m_encode("nm", [0, 8, *values[2:]]))
    with refused("NUMBER_SCHEME"):
        numbers.MatterNumber(b"\x02" + bytes(20))


def test_another_prefix_is_refused_under_a_good_checksum() -> None:
    _, values = numbers.bech32m_decode(NUMBER.text)
    with refused("NUMBER_CHECKSUM"):
        numbers.parse(numbers.bech32m_encode("xx", values))


@pytest.mark.parametrize(("random", "tag"), [(15, 4), (17, 4), (16, 3), (17, 3)])
def test_parts_of_another_length_make_no_number(random: int, tag: int) -> None:
    with refused("NUMBER_LENGTH"):
        numbers.make(bytes(random), bytes(tag))
    with refused("NUMBER_LENGTH"):
        numbers.MatterNumber(b"\x01" + bytes(19))

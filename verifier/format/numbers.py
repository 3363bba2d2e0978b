"""Owns matter and source numbers: bytes, printed form, key (docs/spec/format.md §4, §16).

The printed form is Bech32m. A wrong character is named, never silently mended: the person who
types a number must see which matter she asks for. Proved by tests/unit/format/test_numbers.py,
with the vectors of BIP 350.
"""

from collections.abc import Sequence
from typing import NamedTuple

from verifier.format.digests import Digest, sha256, shown
from verifier.format.errors import FormatError

HRP = "nm"
SCHEME = 0x01
SOURCE_HRP = "ns"
SOURCE_SCHEME = 0x02
RANDOM_LENGTH = 16  # bytes: two matters never get one number by chance
LOG_TAG_LENGTH = 4  # bytes: enough to notice a number of another log, which is no attack
RAW_LENGTH = 1 + RANDOM_LENGTH + LOG_TAG_LENGTH
TEXT_LENGTH = len(HRP) + 1 + 40  # 34 characters of 5 bits for 168 bits, and 6 of checksum
ADDRESS_LENGTH = 20  # bytes of an EVM address

_GROUP = 5  # characters between hyphens where a number is shown to people

# BIP 173: the character set; BIP 350: the constant of Bech32m.
_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {character: number for number, character in enumerate(_CHARSET)}
_BECH32M = 0x2BC830A3
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LENGTH = 6
_MAX_BECH32_LENGTH = 90  # characters: BIP 173, so that the checksum keeps its strength


class _NumberFields(NamedTuple):
    # Apart from MatterNumber, because a NamedTuple can't check its own fields.
    raw: bytes


class MatterNumber(_NumberFields):
    """21 raw bytes: scheme ‖ 16 random bytes ‖ log tag.

    Raises FormatError NUMBER_LENGTH or NUMBER_SCHEME.
    """

    __slots__ = ()

    def __new__(cls, raw: bytes) -> "MatterNumber":
        """Check length and scheme."""
        _check_raw(raw, SCHEME)
        return super().__new__(cls, raw)

    @property
    def text(self) -> str:
        """The printed form without hyphens: 43 characters."""
        return bech32m_encode(HRP, _regroup(self.raw))

    @property
    def key(self) -> Digest:
        """The matter key, under which logs and maps know the matter."""
        # format.md §4: H("notary/matter/v1\n" ‖ raw 21 bytes)
        return sha256(b"notary/matter/v1\n" + self.raw)

    @property
    def log_tag(self) -> bytes:
        """The last four bytes: to which log the number belongs."""
        return self.raw[-LOG_TAG_LENGTH:]

    def __str__(self) -> str:
        return self.text


class SourceNumber(_NumberFields):
    """As `MatterNumber`, of a source: another scheme, prefix and key."""

    __slots__ = ()

    def __new__(cls, raw: bytes) -> "SourceNumber":
        """Check length and scheme."""
        _check_raw(raw, SOURCE_SCHEME)
        return super().__new__(cls, raw)

    @property
    def text(self) -> str:
        """The printed form: 43 characters."""
        return bech32m_encode(SOURCE_HRP, _regroup(self.raw))

    @property
    def key(self) -> Digest:
        """The source key, under which the map knows the source's log."""
        # format.md §16: H("notary/source/v1\n" ‖ raw 21 bytes)
        return sha256(b"notary/source/v1\n" + self.raw)

    @property
    def log_tag(self) -> bytes:
        """The last four bytes: to which log the number belongs."""
        return self.raw[-LOG_TAG_LENGTH:]

    def __str__(self) -> str:
        return self.text


def _check_raw(raw: bytes, scheme: int) -> None:
    if len(raw) != RAW_LENGTH:
        raise FormatError("NUMBER_LENGTH", f"a number has {RAW_LENGTH} bytes, got {len(raw)}")
    if raw[0] != scheme:
        raise FormatError("NUMBER_SCHEME", f"want scheme {scheme:#04x}, got {raw[0]:#04x}")


def log_tag(chain_id: int, contract: bytes, log_address: bytes) -> bytes:
    """Four bytes of a hash of where the log is anchored; both addresses have 20 bytes.

    Raises FormatError LOG_TAG_FORM.
    """
    if not 0 <= chain_id < 2**64:
        raise FormatError("LOG_TAG_FORM", f"a chain id is a u64, got {chain_id}")
    for address in (contract, log_address):
        if len(address) != ADDRESS_LENGTH:
            raise FormatError("LOG_TAG_FORM", f"an address has 20 bytes, got {len(address)}")
    # format.md §4: H("notary/log-tag/v1\n" ‖ u64 chain id ‖ 20 contract ‖ 20 log address)[0:4]
    message = b"notary/log-tag/v1\n" + chain_id.to_bytes(8, "big") + contract + log_address
    return sha256(message)[:LOG_TAG_LENGTH]


def make(random: bytes, tag: bytes) -> MatterNumber:
    """The number of 16 random bytes in the log with this tag.

    Raises FormatError NUMBER_LENGTH.
    """
    if len(random) != RANDOM_LENGTH or len(tag) != LOG_TAG_LENGTH:
        raise FormatError(
            "NUMBER_LENGTH",
            f"want {RANDOM_LENGTH} random bytes and a tag of {LOG_TAG_LENGTH}, "
            f"got {len(random)} and {len(tag)}",
        )
    return MatterNumber(bytes([SCHEME]) + random + tag)


def make_source(random: bytes, tag: bytes) -> SourceNumber:
    """The source number of 16 random bytes in the log with this tag. Raises as `make`."""
    return SourceNumber(bytes([SOURCE_SCHEME]) + make(random, tag).raw[1:])


def display(number: MatterNumber) -> str:
    """The printed form for people: `nm1`, then eight groups of five, joined by hyphens."""
    text = number.text
    start = len(HRP) + 1
    groups = [text[i : i + _GROUP] for i in range(start, len(text), _GROUP)]
    return "-".join([text[:start], *groups])


def parse(text: str) -> MatterNumber:
    """Read a printed number; spaces and hyphens are dropped, all upper case is accepted.

    Raises FormatError NUMBER_CHARACTER (one wrong character, named with its place, counted
    from 1 without spaces and hyphens), NUMBER_CHECKSUM (more than one), NUMBER_CASE,
    NUMBER_LENGTH, NUMBER_PADDING or NUMBER_SCHEME.
    """
    typed = text.replace(" ", "").replace("-", "")
    if len(typed) != TEXT_LENGTH:
        raise FormatError(
            "NUMBER_LENGTH",
            f"a matter number has {TEXT_LENGTH} characters, got {len(typed)}: {shown(text)}",
        )
    if typed != typed.lower() and typed != typed.upper():
        raise FormatError("NUMBER_CASE", "want all lower or all upper case, got both")
    if typed.isascii():
        # Outside ASCII a letter can become another: the Kelvin sign is no k.
        typed = typed.lower()
    try:
        hrp, values = bech32m_decode(typed)
    except FormatError as error:
        raise _diagnosis(typed) from error
    if hrp != HRP:
        raise _diagnosis(typed)
    return MatterNumber(_bytes_of(values))


def parse_source(text: str) -> SourceNumber:
    """Read a printed source number, which machines hand on: exactly as it is printed.

    Raises FormatError NUMBER_LENGTH, NUMBER_CASE, NUMBER_PREFIX, BECH32_…, NUMBER_PADDING or
    NUMBER_SCHEME.
    """
    if len(text) != TEXT_LENGTH:
        raise FormatError("NUMBER_LENGTH", f"a source number has {TEXT_LENGTH} characters")
    if text != text.lower():
        raise FormatError("NUMBER_CASE", "a source number is written in lower case")
    hrp, values = bech32m_decode(text)
    if hrp != SOURCE_HRP:
        raise FormatError("NUMBER_PREFIX", f"a source number begins with {SOURCE_HRP}1")
    return SourceNumber(_bytes_of(values))


def _bytes_of(values: Sequence[int]) -> bytes:
    # BIP 173: bits from the most significant on; what does not fill a byte is zero.
    bits = 0
    for number in values:
        bits = bits << 5 | number
    padding = 5 * len(values) % 8
    if bits & ((1 << padding) - 1):
        raise FormatError("NUMBER_PADDING", f"the last {padding} bits before the checksum are zero")
    return (bits >> padding).to_bytes(5 * len(values) // 8, "big")


def _regroup(raw: bytes) -> list[int]:
    padding = -8 * len(raw) % 5
    bits = int.from_bytes(raw, "big") << padding
    count = (8 * len(raw) + padding) // 5
    return [bits >> 5 * (count - 1 - i) & 31 for i in range(count)]


def _diagnosis(typed: str) -> FormatError:
    # The code has distance 5 at this length: at most one substitution can mend a text, and where
    # one does, up to two wrong characters elsewhere are not mistaken for it.
    prefix = HRP + "1"
    for place in range(TEXT_LENGTH):
        candidates = prefix[place] if place < len(prefix) else _CHARSET
        for candidate in candidates:
            if candidate == typed[place]:
                continue
            mended = typed[:place] + candidate + typed[place + 1 :]
            if mended.startswith(prefix) and _is_number(mended):
                return FormatError(
                    "NUMBER_CHARACTER",
                    f"character {place + 1}, {typed[place]!a}, is wrong; "
                    f"{candidate!r} would mend the checksum",
                )
    return FormatError(
        "NUMBER_CHECKSUM",
        "the checksum does not hold and no single character mends it: several are wrong",
    )


def _is_number(text: str) -> bool:
    try:
        _, values = bech32m_decode(text)
        MatterNumber(_bytes_of(values))
    except FormatError:
        return False
    return True


def bech32m_encode(hrp: str, values: Sequence[int]) -> str:
    """Write 5-bit values with their checksum (BIP 350)."""
    padded = [*_expand(hrp), *values, *[0] * _CHECKSUM_LENGTH]
    checksum = _polymod(padded) ^ _BECH32M
    tail = [checksum >> 5 * (_CHECKSUM_LENGTH - 1 - i) & 31 for i in range(_CHECKSUM_LENGTH)]
    return hrp + "1" + "".join([_CHARSET[number] for number in [*values, *tail]])


def bech32m_decode(text: str) -> tuple[str, list[int]]:
    """Read the human-readable part and the 5-bit values (BIP 350).

    Raises FormatError BECH32_FORM or BECH32_CHECKSUM.
    """
    if len(text) > _MAX_BECH32_LENGTH or not all(33 <= ord(one) <= 126 for one in text):
        raise FormatError("BECH32_FORM", f"want at most 90 printable characters: {shown(text)}")
    if text != text.lower() and text != text.upper():
        raise FormatError("BECH32_FORM", "upper and lower case are mixed")
    hrp, separator, data = text.lower().rpartition("1")
    if not (separator and hrp) or len(data) < _CHECKSUM_LENGTH:
        raise FormatError("BECH32_FORM", f"no prefix or no checksum in {shown(text)}")
    try:
        values = [_VALUES[character] for character in data]
    except KeyError as error:
        raise FormatError("BECH32_FORM", f"{error.args[0]!r} is no Bech32 character") from error
    if _polymod([*_expand(hrp), *values]) != _BECH32M:
        raise FormatError("BECH32_CHECKSUM", f"the checksum of {shown(text)} does not hold")
    return hrp, values[:-_CHECKSUM_LENGTH]


def _expand(hrp: str) -> list[int]:
    # BIP 173: the high bits of each character, a zero, the low bits of each character
    return [ord(one) >> 5 for one in hrp] + [0] + [ord(one) & 31 for one in hrp]


def _polymod(values: Sequence[int]) -> int:
    # BIP 173: the remainder by the generator of the BCH code over GF(32)
    remainder = 1
    for number in values:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ number
        for i, generator in enumerate(_GENERATOR):
            if top >> i & 1:
                remainder ^= generator
    return remainder

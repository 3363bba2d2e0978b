"""Owns the conversion of cells to claim values (docs/spec/column-map.md §2).

Money never passes through binary fractions, and nothing is rounded or completed. Test:
tests/unit/importers/test_values.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from notary.importers.column_map import Claim
from notary.importers.currencies import DECIMALS
from notary.importers.rows import BadRow
from verifier.format.jsonc import MAX_INTEGER, Json

Cell: TypeAlias = str | list[str] | None
Convert: TypeAlias = Callable[[Sequence[Cell], Sequence[int]], Json]

MAX_AMOUNT_DIGITS = 30  # far above what fits; the cost of a numeral grows with its square

_INTEGER = re.compile(r"[+-]?[0-9]{1,16}")
_SECONDS = re.compile(r"[0-9]{1,15}")  # below 2^53
_HOURS = re.compile(r"([0-9]{1,5}):([0-5][0-9]):([0-5][0-9])")
# Masking characters in place of digits. A single one in front, as in *31#, is a service code.
_MASKED = re.compile(r"[0-9+() ./-]*(?:[0-9 -][*xX•]|[*xX#•]{2})[0-9+() ./*xX#•-]*")
_STARS = re.compile(r"[*•]{2}")
# C0, DEL and C1. Line breaks and tabs are text; everything else can only deceive a reader.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def checked_text(text: str, field: str, mend: str) -> str:
    """A text that may stand in a claim. Raises BadRow ROW_CONTROL or ROW_VALUE with the remedy `mend`."""
    found = CONTROL.search(text)
    if found is not None:
        raise BadRow("ROW_CONTROL", field, f"the control character U+{ord(found[0]):04X}", mend)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadRow("ROW_VALUE", field, "the text holds a lone surrogate", mend) from error
    return text


# Types that look at all their cells, or at an empty one.
WHOLE = frozenset({"parties", "constant", "first", "least", "filled", "object"})


def converter(claim: Claim) -> Convert:
    """The function that makes the claim from a row's cells and the places of its columns.

    It is called only with a first cell that is not empty (or, for the types of WHOLE, with any), may give
    None for no claim, and raises BadRow.
    """
    # A closure for each claim: what can be decided once is decided here, not for every row.
    field = claim.columns[0] if claim.columns else claim.name
    if claim.type == "integer":
        return lambda cells, at: _integer(_text(cells[at[0]], field), field)
    if claim.type == "duration":
        return lambda cells, at: _duration(_text(cells[at[0]], field), field)
    if claim.type == "amount":
        return lambda cells, at: _amount(claim, cells, at)
    if claim.type == "date":
        reader = claim.date
        assert reader is not None
        return lambda cells, at: reader.read(_text(cells[at[0]], field))
    if claim.type == "time":
        time = claim.time
        assert time is not None
        return lambda cells, at: time.read(_text(cells[at[0]], field)).object()
    if claim.type == "phone":
        return lambda cells, at: phone(_text(cells[at[0]], field))
    if claim.type == "list":
        return lambda cells, at: _list(claim, cells[at[0]])
    if claim.type == "parties":
        return lambda cells, at: _parties(claim, cells, at)
    if claim.type in ("first", "least"):
        return lambda cells, at: _one_of(claim, cells, at)
    if claim.type == "filled":
        return lambda cells, at: _filled(claim, cells[at[0]])
    if claim.type == "object":
        return _object(claim)
    if claim.type == "constant":
        constant = claim.constant
        return lambda cells, at: constant
    values = claim.values
    if values is None:
        return lambda cells, at: _text(cells[at[0]], field)
    return lambda cells, at: _among(_text(cells[at[0]], field), values, field)


def phone(text: str) -> dict[str, Json]:
    """A number as the source spells it, and whether digits are hidden. It is never completed."""
    masked = _MASKED.fullmatch(text) is not None or _STARS.search(text) is not None
    return {"number": text, "masked": masked}


def _text(cell: Cell, field: str) -> str:
    if isinstance(cell, str):
        return cell
    raise BadRow(
        "ROW_VALUE", field, "want one value, got an array", "mend the row, or take type list"
    )


def _among(text: str, values: object, field: str) -> str:
    assert isinstance(values, dict)
    found = values.get(text)
    if isinstance(found, str):
        return found
    raise BadRow(
        "ROW_VALUE",
        field,
        f"{_short(text)} is not among the map's values",
        f"mend the cell, or add {_short(text)} to the map's values",
    )


def _integer(text: str, field: str) -> int:
    if _INTEGER.fullmatch(text) is None or not -MAX_INTEGER <= int(text) <= MAX_INTEGER:
        raise BadRow(
            "ROW_VALUE",
            field,
            f"{_short(text)} is no whole number within ±(2^53 − 1)",
            "mend the number, or record it as text",
        )
    return int(text)


def _duration(text: str, field: str) -> int:
    """Seconds of H:MM:SS, or whole seconds. MM:SS is refused: it can't be told from H:MM."""
    match = _HOURS.fullmatch(text)
    if match is not None:
        hours, minutes, seconds = (int(part) for part in match.groups())
        return hours * 3600 + minutes * 60 + seconds
    if _SECONDS.fullmatch(text) is not None:
        return int(text)
    raise BadRow(
        "ROW_VALUE",
        field,
        f"{_short(text)} is no length of time, as 0:01:23 or whole seconds",
        "mend it at the source, or record it as text",
    )


def _amount(claim: Claim, cells: Sequence[Cell], at: Sequence[int]) -> Json:
    field = claim.columns[0]
    currency = claim.currency
    if currency is None:
        cell = cells[at[1]]
        currency = cell if isinstance(cell, str) else ""
        if currency not in DECIMALS:
            raise BadRow(
                "ROW_VALUE",
                claim.columns[1],
                f"{_short(currency)} is no currency of ISO 4217",
                "write the three-letter code, such as EUR",
            )
    return {
        "minor": minor_units(
            _text(cells[at[0]], field), currency, field, claim.decimal, claim.thousands
        ),
        "currency": currency,
    }


def minor_units(
    text: str, currency: str, field: str, decimal: str = ".", thousands: str = ""
) -> int:
    """A decimal amount in the currency's minor units. Raises BadRow."""
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text[1 if text[:1] in "+-" else 0 :].partition(decimal)
    if thousands and thousands in whole:
        groups = whole.split(thousands)
        # 1,23 is not 123: someone took another sign for the decimal one.
        if not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:]):
            raise _no_amount(text, currency, field, decimal, thousands)
        whole = "".join(groups)
    places = DECIMALS[currency]
    digits = whole + fraction
    if (
        len(digits) > MAX_AMOUNT_DIGITS
        or not whole.isdigit()
        or not digits.isdigit()
        or not digits.isascii()
        # Further zeros say nothing; other digits would have to be rounded away.
        or fraction[places:].strip("0")
    ):
        raise _no_amount(text, currency, field, decimal, thousands)
    minor = sign * int(whole + fraction[:places].ljust(places, "0"))
    if abs(minor) > MAX_INTEGER:
        raise _no_amount(text, currency, field, decimal, thousands)
    return minor


def _no_amount(text: str, currency: str, field: str, decimal: str, thousands: str) -> BadRow:
    between = f" and {thousands!r} between thousands" if thousands else ""
    return BadRow(
        "ROW_VALUE",
        field,
        f"{_short(text)} is no amount in {currency}, with at most {DECIMALS[currency]} decimals "
        f"after {decimal!r}{between}",
        "mend the amount, or the decimal and thousands signs in the column map",
    )


def _list(claim: Claim, cell: Cell) -> Json:
    if isinstance(cell, list):
        return [*cell]
    parts = [part.strip() for part in (cell or "").split(claim.separator)]
    return [part for part in parts if part]


def _parties(claim: Claim, cells: Sequence[Cell], at: Sequence[int]) -> Json:
    parties: list[Json] = []
    for role, index, column in zip(claim.roles, at, claim.columns, strict=True):
        if cells[index]:
            parties.append({"role": role, "name": _text(cells[index], column)})
    return parties or None


def _one_of(claim: Claim, cells: Sequence[Cell], at: Sequence[int]) -> Json:
    texts = [
        _text(cells[index], column)
        for index, column in zip(at, claim.columns, strict=True)
        if cells[index]
    ]
    if not texts:
        return None
    return texts[0] if claim.type == "first" else min(texts)


def _filled(claim: Claim, cell: Cell) -> Json:
    return claim.filled if cell and cell not in claim.none else claim.empty


def _object(claim: Claim) -> Convert:
    parts = []
    end = 0
    for part in claim.parts:
        start, end = end, end + len(part.columns)
        parts.append((part.name, converter(part), part.type in WHOLE, start, end))

    def convert(cells: Sequence[Cell], at: Sequence[int]) -> Json:
        members: dict[str, Json] = {}
        for name, one, whole, start, end in parts:
            if whole or cells[at[start]]:
                value = one(cells, at[start:end])
                if value is not None:
                    members[name] = value
        return members or None

    return convert


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")

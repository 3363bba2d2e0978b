"""Amounts are exact, numbers are never completed."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.importers.rows import BadRow
from notary.importers.values import minor_units, phone


@pytest.mark.parametrize(
    ("text", "currency", "decimal", "thousands", "minor"),
    [
        ("12", "EUR", ".", "", 1200),
        ("12.3", "EUR", ".", "", 1230),
        ("-12.34", "EUR", ".", "", -1234),
        ("+0.01", "EUR", ".", "", 1),
        ("12.3400", "EUR", ".", "", 1234),
        ("12.", "EUR", ".", "", 1200),
        ("1.234.567,89", "EUR", ",", ".", 123456789),
        ("1234567,89", "EUR", ",", ".", 123456789),
        ("1'234.50", "CHF", ".", "'", 123450),
        ("1200", "JPY", ".", "", 1200),
        ("1.234", "KWD", ".", "", 1234),
        ("90071992547409.91", "EUR", ".", "", 2**53 - 1),
    ],
)
def test_an_amount_is_exact(
    text: str, currency: str, decimal: str, thousands: str, minor: int
) -> None:
    assert minor_units(text, currency, "amount", decimal, thousands) == minor


@pytest.mark.parametrize(
    ("text", "currency", "decimal", "thousands"),
    [
        ("12.345", "EUR", ".", ""),
        ("12.5", "JPY", ".", ""),
        ("1,234", "EUR", ".", ""),
        ("1,23", "EUR", ".", ","),
        ("12,34,567", "EUR", ".", ","),
        (",123", "EUR", ".", ","),
        ("1.23.4", "EUR", ".", ""),
        ("", "EUR", ".", ""),
        (".5", "EUR", ".", ""),
        ("-", "EUR", ".", ""),
        ("--1", "EUR", ".", ""),
        ("1e3", "EUR", ".", ""),
        ("١٢", "EUR", ".", ""),
        ("²", "EUR", ".", ""),
        ("90071992547409.92", "EUR", ".", ""),
        ("9" * 10_000, "EUR", ".", ""),
        ("EUR 5", "EUR", ".", ""),
    ],
)
def test_what_is_no_exact_amount_is_refused(
    text: str, currency: str, decimal: str, thousands: str
) -> None:
    with pytest.raises(BadRow) as caught:
        minor_units(text, currency, "amount", decimal, thousands)
    assert caught.value.code == "ROW_VALUE"


@given(st.text(alphabet="0123456789.,-+ ", max_size=18))
def test_an_amount_is_what_decimal_arithmetic_says(text: str) -> None:
    with suppress(BadRow):
        assert minor_units(text, "EUR", "amount") == Decimal(text) * 100


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("138****8888", True),
        ("+86138XXXX8888", True),
        ("+447700900***", True),
        ("xxxx", True),
        ("1•••8", True),
        ("138 1234 567*", True),
        ("sip:138****8888@example.com", True),
        ("*31#+447700900123", False),
        ("+44 7700 900123", False),
        ("+1 (202) 555-0123", False),
        ("sip:anna@example.com", False),
        ("Max Example", False),
        ("anonymous", False),
    ],
)
def test_a_masked_number_is_flagged_and_kept_as_it_is(number: str, masked: bool) -> None:
    assert phone(number) == {"number": number, "masked": masked}

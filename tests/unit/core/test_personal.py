"""What looks like a person is found where it stands alone, and not in digests; made-up numbers throughout."""

from __future__ import annotations

import hashlib
import random

import pytest

from notary.core import personal
from notary.errors import CallerError


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("write to ada.l@mail.example.org now", "e-mail address"),
        ("call +49 (40) 123-4567", "telephone number"),
        ("tel:+8613800138000", "telephone number"),
        ("0049 40 1234567", "telephone number"),
        ("mobile 13800138000.", "telephone number"),
        ("pay DE89370400440532013000 soon", "bank account (IBAN)"),
        ("card 4111111111111111", "card number"),
        ("id 11010519491231002X", "identity number"),
    ],
)
def test_a_form_is_found(text: str, form: str) -> None:
    assert form in {name for name, _ in personal.forms_in(text)}


@pytest.mark.parametrize(
    "text",
    [
        "DE89370400440532013001",  # check digits of an IBAN
        "4111111111111112",  # of a card
        "110105194912310021",  # of an identity number
        "2026-11-26T08:00:00.000Z",
        "log@ notary.example/log",
        "0x13800138000aa",
        "size 1380013800, root 12345678901234567",
    ],
)
def test_what_only_looks_alike_is_passed_over(text: str) -> None:
    assert list(personal.forms_in(text)) == []


def test_digests_and_times_give_no_alarm() -> None:
    chance = random.Random(1)
    for _ in range(2_000):
        raw = hashlib.sha256(chance.randbytes(8)).hexdigest()
        assert list(personal.forms_in(f"{raw} {raw[:16]} {chance.randrange(10**9)}")) == []


def test_values_that_tell_of_a_person_are_taken_and_others_not() -> None:
    values = {
        "caller": "+49 40 1234567",
        "text": "Guten Tag",
        "subject": "短信",
        "channel": "sms",
        "disposition": "answered",
        "occurred_at": "2026-11-26T08:00:00.000Z",
        "parties": [{"name": "Ada Lovelace", "tel": "+4940765432"}],
        "attachment-0": {"name": "00" * 16, "filename": "letter to Ada.pdf", "sha256": "ab" * 32},
        "import": {"file_sha256": "ab" * 32, "importer": "a long word indeed"},
        "fields": {"queue": "inbound", "note": "spoke to Ada", "code": "123456789"},
    }
    found = list(personal.telling_values(values))  # type: ignore[arg-type]
    assert found == [
        ("caller", "+49 40 1234567"),
        ("text", "Guten Tag"),
        ("subject", "短信"),
        ("parties", "Ada Lovelace"),
        ("parties", "+4940765432"),
        ("attachment-0", "letter to Ada.pdf"),
        ("fields", "spoke to Ada"),
        ("fields", "123456789"),
    ]
    assert list(personal.spellings("+49 40 1234567")) == ["+49 40 1234567", "49401234567"]
    assert list(personal.spellings("Bank v. Ada Lovelace, Nice")) == [
        "Bank v. Ada Lovelace, Nice",
        "Ada Lovelace",
    ]
    assert list(personal.spellings("invoice 12 of 2026, 7 items")) == [
        "invoice 12 of 2026, 7 items"
    ]


def test_a_statement_that_names_somebody_is_refused_without_repeating_it() -> None:
    personal.require_impersonal("authority", "privacy office, 2026-17", ["Ada Lovelace"])
    with pytest.raises(CallerError) as caught:
        personal.require_impersonal("authority", "for Ada Lovelace", ["Ada Lovelace"])
    assert caught.value.code == "STATED_PERSONAL"
    assert "Ada" not in str(caught.value)

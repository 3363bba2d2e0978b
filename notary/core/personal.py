"""What looks like a person: the forms of addresses and numbers, and which values of a record name one.

Pure. Owns the patterns of the public linter and of what a tombstone may say. Spec: docs/spec/erasure.md
§2, §8. Test: tests/unit/core/test_personal.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from notary.errors import CallerError
from verifier.format.jsonc import Json
from verifier.format.kinds import is_attachment

# What runs on in letters and digits is no number of a person: digests and base64 are full of digits.
_EDGE_BEFORE, _EDGE_AFTER = r"(?<![A-Za-z0-9+/=_-])", r"(?![A-Za-z0-9+/=_-])"
MIN_VALUE_BYTES = 6  # two Chinese characters, or six letters; what is shorter is met by chance
MIN_DIGITS = 7  # of a telephone or account number that is looked for without its separators
MIN_WORDS_BYTES = 16  # a value without digits or blanks that is no longer names nobody: "answered"


class Form(NamedTuple):
    """A form that a person's data has: its name, how it looks, and what else must hold."""

    name: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool]


def _luhn(text: str) -> bool:
    digits = [int(one) for one in text if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _iban(text: str) -> bool:
    turned = text[4:] + text[:4]
    return int("".join(str(int(one, 36)) for one in turned)) % 97 == 1


_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643
_IDENTITY_CHECK = "10X98765432"


def _identity(text: str) -> bool:
    total = sum(int(one) * weight for one, weight in zip(text, _IDENTITY_WEIGHTS, strict=False))
    return _IDENTITY_CHECK[total % 11] == text[17]


def _always(_: str) -> bool:
    return True


FORMS = (
    Form(
        "e-mail address",
        re.compile(r"(?<![\w.+-])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
        _always,
    ),
    Form(
        "telephone number",
        re.compile(_EDGE_BEFORE + r"(?:\+|00)[1-9][0-9](?:[ ().-]{0,2}[0-9]){6,13}" + _EDGE_AFTER),
        _always,
    ),
    Form("telephone number", re.compile(_EDGE_BEFORE + r"1[3-9][0-9]{9}" + _EDGE_AFTER), _always),
    Form(
        "bank account (IBAN)",
        re.compile(_EDGE_BEFORE + r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}" + _EDGE_AFTER),
        _iban,
    ),
    Form("card number", re.compile(_EDGE_BEFORE + r"[3-6][0-9]{14,15}" + _EDGE_AFTER), _luhn),
    Form(
        "identity number",
        re.compile(_EDGE_BEFORE + r"[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9X]" + _EDGE_AFTER),
        _identity,
    ),
)


def forms_in(text: str) -> Iterator[tuple[str, int]]:
    """The forms that a text has, each with the place where it begins."""
    for form in FORMS:
        for match in form.pattern.finditer(text):
            if form.holds(match[0]):
                yield form.name, match.start()


def require_impersonal(what: str, text: str, values: Iterable[str] = ()) -> None:
    """Refuse a statement that has a person in it: it can't be erased. Raises CallerError STATED_PERSONAL."""
    found = next((name for name, _ in forms_in(text)), None)
    if found is None and any(value in text for value in values):
        found = "value of the record"
    if found is not None:
        raise CallerError(
            "STATED_PERSONAL",
            f"{what}: it has what looks like a {found}. This stays in the log for ever: name an office and a "
            "file number, and no person.",
        )


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Claims that name or describe someone; of all others only the values that have a telling form.
_NAMING = _names(
    "account addressee callee caller filename parties payee payer place raw recipients reference sender "
    "signer staff subject text title"
)

# Of these nothing tells of a person: times, digests, what a chain has made public, words of the format.
_SILENT = _names(
    "block code_hash contract corrects due_date ended_at event import log_data occurred_at "
    "occurred_at_source predecessor proof started_at target topics value_date"
)
# Two to four words that begin with a capital: "Ada Lovelace" of "Bank v. Ada Lovelace".
_NAME = re.compile(r"\b[A-ZÀ-Þ][\w'-]+(?: [A-ZÀ-Þ][\w'-]+){1,3}")
MAX_NAMED = 1_000  # characters of a text that are looked at for names
_HEXADECIMAL = re.compile(r"(?:0x)?[0-9a-fA-F]{32,}")


def telling_values(values: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Claim name and text of each value of a record by which somebody could be known."""
    for name, value in values.items():
        if name in _SILENT:
            continue
        if is_attachment(name) and isinstance(value, Mapping):
            # The rest are digests and the random name under which it is kept.
            value = value.get("filename")
        for text in _texts(value):
            if _tells(name, text):
                yield name, text


def spellings(text: str) -> Iterator[str]:
    """A value as it stands, a number without its separators and its prefix, and names within a text."""
    yield text
    for match in _NAME.finditer(text[:MAX_NAMED]):
        if match[0] != text:
            yield match[0]
    digits = "".join(one for one in text if one.isdigit())
    if len(digits) >= MIN_DIGITS and digits != text and len(digits) * 2 > len(text):
        yield digits


def _tells(name: str, text: str) -> bool:
    length = len(text.encode("utf-8", "surrogatepass"))
    if length < MIN_VALUE_BYTES:
        return False
    if _HEXADECIMAL.fullmatch(text):
        return False
    if name in _NAMING or is_attachment(name) or not text.isascii() or "@" in text:
        return True
    digits = sum(one.isdigit() for one in text)
    return digits >= MIN_DIGITS or (name == "fields" and (" " in text or length >= MIN_WORDS_BYTES))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)

"""Owns the demands that went by e-mail as the mail server keeps them: a message (RFC 5322) with the page.

The letter system's list says what is demanded; the message shows that it went, and when the first servers
had it. There is no DKIM signature, since nobody has a key.
Test: tests/scenarios/ingest/test_collection_case.py.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from email.utils import format_datetime, formataddr

from notary.cases.collection.hours import AGENCY_ZONE
from notary.cases.collection.model import Collection, Letter
from notary.cases.collection.people import AGENCY_EMAIL
from notary.cases.collection.switch import COMPANY

_LINE = 76  # characters of base64 (RFC 2045 §6.8)
_HOPS = (
    (timedelta(seconds=2), "office.example.com", "relay.example.com"),
    (timedelta(seconds=5), "relay.example.com", "mx.example.com"),
)


def mailed(case: Collection) -> tuple[Letter, ...]:
    """The letters that went by e-mail."""
    return tuple(one for one in case.events if isinstance(one, Letter) and not one.posted)


def message(letter: Letter, lines: list[str], page: bytes) -> bytes:
    """The message of a letter: its text, and the page that was sent."""
    name, address = letter.addressee.rsplit(", ", 1)
    boundary = f"=_{letter.reference}"
    coded = base64.b64encode(page).decode()
    received = [
        f"Received: from {sender} by {server} with ESMTPS; {_date(letter.at + after)}"
        for after, sender, server in reversed(_HOPS)
    ]
    text = [
        *received,
        f"Date: {_date(letter.at)}",
        f"From: {formataddr((COMPANY, AGENCY_EMAIL))}",
        f"To: {formataddr((name, address))}",
        f"Message-ID: <{letter.reference}@example.com>",
        f"Subject: Demand, letter {letter.reference}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        *lines,
        f"--{boundary}",
        f'Content-Type: application/pdf; name="{letter.reference}.pdf"',
        f'Content-Disposition: attachment; filename="{letter.reference}.pdf"',
        "Content-Transfer-Encoding: base64",
        "",
        *(coded[first : first + _LINE] for first in range(0, len(coded), _LINE)),
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(text).encode("ascii")


def _date(at: datetime) -> str:
    return format_datetime(at.astimezone(AGENCY_ZONE))

"""Owns the model of the collection case: who owes what, and everything that the agency's systems wrote down.

The exports and the answer that is expected of a right import both follow from the model and from nothing
else. So a damage is an edit of `Collection.events` by `dataclasses.replace`, and the case without it is the
key to what was done:

- dropped: the event is taken out; the dialler's `number` then has a gap.
- late: another `exported_on`, the same `at`. Backdated: another `at`, the same `exported_on`.
- edited: a second event with the same `reference` and other content, exported on a later day.
- wrong zone: `at` is moved by the difference of two zones.
- masked: `masked` is set for calls whose creditor hides no numbers.
- split: an `account` that no register knows, and no `matter`.

Test: tests/unit/cases/test_collection_model.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import ClassVar
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


class Habit(Enum):
    """How a debtor answers to the agency."""

    NEVER = "never pays"
    PAYS_EARLY = "pays after the first letter"
    PAYS_LATE = "pays after the second letter"
    INSTALMENTS = "promises three instalments and keeps to them"
    BROKEN_PROMISE = "promises all and pays a part, late"
    REVERSED = "has a payment that the bank takes back"
    OVERPAYS = "pays more than is owed"
    DISPUTES = "disputes the debt"


class Disposition(Enum):
    """How a call ended. Only ANSWERED is a conversation with a person."""

    ANSWERED = "answered"
    NO_ANSWER = "no answer"
    BUSY = "busy"
    FAILED = "failed"
    VOICEMAIL = "voicemail"


@dataclass(frozen=True)
class Person:
    """Who is reached where. `phone` is in E.164."""

    name: str
    phone: str
    email: str


@dataclass(frozen=True)
class Debtor:
    """One matter. `principal` is in minor units of `currency`.

    `accounts` are the spellings that lead to the matter: the first is the agency's own, the last is that of
    the dialler and the SMS gateway. `masked` says that the creditor lets the dialler's export hide the
    number.
    """

    matter: str
    person: Person
    guarantor: Person | None
    accounts: tuple[str, ...]
    zone: ZoneInfo
    place: str
    creditor: str
    contract: str
    currency: str
    principal: int
    due: date
    habit: Habit
    masked: bool

    @property
    def title(self) -> str:
        """What people call the matter."""
        return f"{self.creditor} v. {self.person.name}, {self.contract}"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One row of an export. `kind` is what a right import makes of it, `export` the file that holds it.

    `reference` is the source's own number. `matter` is None for a row that is meant to wait, since no
    register leads from its account to a matter. `at` is in UTC; `zone` is where the person is.
    `exported_on` is the day, by the agency's calendar, whose export holds the row.
    """

    kind: ClassVar[str]
    export: ClassVar[str]

    reference: str
    account: str
    matter: str | None
    at: datetime
    zone: ZoneInfo
    exported_on: date

    @property
    def local(self) -> datetime:
        """When it was, by the clock of the person's place."""
        return self.at.astimezone(self.zone)


@dataclass(frozen=True, kw_only=True)
class Letter(Event):
    """A demand. `amount` is what is open when it is sent, in minor units."""

    kind = "letter"
    export = "letters.csv"

    stage: int
    amount: int
    currency: str
    due: date
    addressee: str
    posted: bool  # by post; otherwise by e-mail


@dataclass(frozen=True, kw_only=True)
class PostEvent(Event):
    """What became of a posted letter, as the mail house reports it: `dispatch`, `delivery` or `return`."""

    kind = "act"
    export = "post.csv"

    letter: str
    act: str
    signer: str


@dataclass(frozen=True, kw_only=True)
class Email(Event):
    """An e-mail."""

    kind = "message"
    export = "email.ndjson"

    outbound: bool
    sender: str
    recipient: str
    subject: str
    text: str
    label: str = ""  # `dispute`, from whoever read it


@dataclass(frozen=True, kw_only=True)
class Sms(Event):
    """A text message."""

    kind = "message"
    export = "sms.ndjson"

    outbound: bool
    sender: str
    recipient: str
    text: str
    number: int = (
        0  # the gateway counts its messages from 1 without gaps, in the order of its exports
    )


@dataclass(frozen=True, kw_only=True)
class Call(Event):
    """A call, attempted or held. It rang `ring_s` seconds from `at`; then people, or a machine, `talk_s`."""

    kind = "call"
    export = "calls.csv"

    number: int  # the dialler counts its calls without gaps, in the order of their starts
    outbound: bool
    caller: str
    callee: str
    role: str
    disposition: Disposition
    ring_s: int
    talk_s: int
    masked: bool
    agent: str = ""  # whoever held the conversation

    @property
    def person_phone(self) -> str:
        """The number of the person outside the agency."""
        return self.callee if self.outbound else self.caller

    @property
    def conversation(self) -> bool:
        """Whether people spoke."""
        return self.disposition is Disposition.ANSWERED

    @property
    def answered_at(self) -> datetime | None:
        """When the line was taken, by a person or a machine."""
        return self.at + timedelta(seconds=self.ring_s) if self.talk_s else None

    @property
    def ended_at(self) -> datetime:
        """When the line was given up."""
        return self.at + timedelta(seconds=self.ring_s + self.talk_s)


@dataclass(frozen=True, kw_only=True)
class Visit(Event):
    """A visit at the debtor's place. `segments` are the recordings' starts and lengths in seconds."""

    kind = "visit"
    export = "visits.csv"

    ended_at: datetime
    place: str
    staff: tuple[str, str]
    segments: tuple[tuple[datetime, int], ...]


@dataclass(frozen=True, kw_only=True)
class Payment(Event):
    """Money that came in, in minor units."""

    kind = "payment"
    export = "payments.csv"

    amount: int
    currency: str
    payer: str
    payee: str


@dataclass(frozen=True, kw_only=True)
class Reversal(Event):
    """A payment that the bank took back: a correction of it, never an edit."""

    kind = "correction"
    export = "reversals.csv"

    payment: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class Promise(Event):
    """What a debtor promised to pay, and by when."""

    kind = "agreement"
    export = "promises.csv"

    currency: str
    instalments: tuple[tuple[date, int], ...]


@dataclass(frozen=True, kw_only=True)
class Filing(Event):
    """An application for a payment order."""

    kind = "filing"
    export = "filings.csv"

    court: str
    amount: int
    currency: str


@dataclass(frozen=True)
class Collection:
    """The whole case. `events` stand in the order of export day, time and reference."""

    seed: int
    first_day: date
    days: int
    peak_day: date
    debtors: tuple[Debtor, ...]
    events: tuple[Event, ...]

    @property
    def calendar(self) -> tuple[date, ...]:
        """Every day of the case."""
        return tuple(self.first_day + n * DAY for n in range(self.days))

    @property
    def calls(self) -> tuple[Call, ...]:
        """The dialler's calls, in the order of the events."""
        return tuple(event for event in self.events if isinstance(event, Call))

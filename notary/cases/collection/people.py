"""Owns the debtors of the collection case: invented people with numbers and addresses that reach nobody.

Reserved numbers: +44 7700 900000 to 900999 (Ofcom, for drama), +1 202 555 0100 to 0199 (for fiction); and
the Chinese prefix 12x, which is not in use. Test: tests/unit/cases/test_collection_rules.py.
"""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from notary.cases.collection.hours import LONDON, NEW_YORK, SHANGHAI, working_day
from notary.cases.collection.model import DAY, Debtor, Habit, Person
from notary.cases.draws import Draws

FIRST_LETTER_DAYS = 15  # after the due date: the earliest first letter
AGENCY_PHONE = "+447700900990"
AGENCY_EMAIL = "office@example.com"

# Below these the numbers belong to debtors, from there on to the accounts of other portfolios.
CAMPAIGN_UK = 100
CAMPAIGN_US = 20
MAX_DEBTORS = 50  # with a guarantor each, they have the British numbers below the campaign's

_GIVEN = (
    *("Alba", "Bertil", "Corin", "Dorrit", "Edda", "Fenno", "Greta", "Hedwin", "Ilsa", "Jorun"),
    *(
        "Kestrel",
        "Lorin",
        "Merrit",
        "Nilda",
        "Orrin",
        "Petra",
        "Quill",
        "Rosamund",
        "Sorrel",
        "Tamsin",
    ),
)
# No surnames of people: each says that it is made up.
_SURNAMES = (
    "Exampleby",
    "Fictonley",
    "Sampleworth",
    "Specimore",
    "Testerwick",
    "Placeholt",
    "Dummerton",
)
_GIVEN_CN = ("一明", "二朗", "三思", "四维", "五岳", "六合", "七星", "八方", "九如", "十全")
_SURNAME_CN = "例"  # means "example" and is no surname

# Their lengths have no common divisor, so that every habit meets every zone.
_HABITS = (
    *(Habit.NEVER, Habit.INSTALMENTS, Habit.PAYS_EARLY, Habit.BROKEN_PROMISE, Habit.REVERSED),
    *(Habit.NEVER, Habit.PAYS_LATE, Habit.DISPUTES, Habit.INSTALMENTS, Habit.PAYS_LATE),
)
_ZONES = (LONDON, SHANGHAI, NEW_YORK, LONDON, SHANGHAI, LONDON, SHANGHAI)
_OVERPAYS = 9  # the one debtor, by index
_CURRENCY = {LONDON: "GBP", SHANGHAI: "CNY", NEW_YORK: "USD"}
_CREDITOR = {
    LONDON: "Example Energy Ltd",
    SHANGHAI: "示例消费金融公司",
    NEW_YORK: "Example Card Services Inc.",
}
_PLACE = {
    LONDON: "{} Sample Row, London",
    SHANGHAI: "上海市示例路{}号",
    NEW_YORK: "{} Example Avenue, New York",
}

_OLD_DAYS = (50, 100)  # how long ago the debts were due that the agency took over in arrears
_SPREAD_DAYS = 24  # over so many days the first letters of the other debts spread


def make_debtors(draws: Draws, count: int, first_day: date, days: int) -> tuple[Debtor, ...]:
    """The debtors by index. Raises ValueError above 50: the reserved numbers do not suffice."""
    if not 1 <= count <= MAX_DEBTORS:
        raise ValueError(f"want 1 to {MAX_DEBTORS} debtors, got {count}")
    return tuple(_debtor(draws, index, first_day, days) for index in range(count))


def _debtor(draws: Draws, index: int, first_day: date, days: int) -> Debtor:
    what = f"debtor/{index}"
    zone = _ZONES[index % len(_ZONES)]
    code = 10_001 + index * 7 + draws.below(f"{what}/code", 7)
    own = f"NW-{code}"
    # Every third account has a second spelling, without the agency's letters.
    accounts = (own, str(code)) if index % 3 == 0 else (own,)
    guarantor = _person(draws, f"{what}/guarantor", 2 * index + 1, zone) if index % 4 == 1 else None
    return Debtor(
        matter=f"M-{index + 1:03}",
        person=_person(draws, what, 2 * index, zone),
        guarantor=guarantor,
        accounts=accounts,
        zone=zone,
        place=_PLACE[zone].format(1 + draws.below(f"{what}/house", 200)),
        creditor=_CREDITOR[zone],
        contract=f"C-{2024 + index % 2}-{1000 + index}",
        currency=_CURRENCY[zone],
        principal=30_000 + draws.below(f"{what}/principal", 900_000),
        due=_due(draws, what, index, first_day, days),
        habit=Habit.OVERPAYS if index == _OVERPAYS else _HABITS[index % len(_HABITS)],
        masked=zone is SHANGHAI and index % 2 == 0,
    )


def _due(draws: Draws, what: str, index: int, first_day: date, days: int) -> date:
    if index % 5 in (0, 3):
        least, most = _OLD_DAYS
        return first_day - timedelta(days=least + draws.below(f"{what}/due", most - least))
    letter = first_day + timedelta(
        days=1 + draws.below(f"{what}/due", min(_SPREAD_DAYS, days // 2))
    )
    # So that the first letter, on the first day on which it may be sent, is sent on a working day.
    return working_day(letter) - FIRST_LETTER_DAYS * DAY


def _person(draws: Draws, what: str, index: int, zone: ZoneInfo) -> Person:
    email = f"person{index:03}@example.com"
    if zone is SHANGHAI:
        name = _SURNAME_CN + _GIVEN_CN[index % 10][0] + _GIVEN_CN[index // 10][1]
        return Person(name, f"+86120{(index * 7_919 + draws.below(what, 7_919)) % 10**8:08}", email)
    surname = _SURNAMES[index % len(_SURNAMES)]
    name = f"{_GIVEN[(index + draws.below(what, 3)) % len(_GIVEN)]} {surname}"
    if zone is NEW_YORK:
        # The debtors of New York are every seventh; two people each.
        return Person(name, f"+120255501{(index // 14) * 2 + index % 2:02}", email)
    return Person(name, f"+447700900{index % CAMPAIGN_UK:03}", email)

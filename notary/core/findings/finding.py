"""What a finding is, and which there are: each with its title and with what would clear it. Pure.

A finding says what looks as if; it is never a verdict. Spec: docs/spec/findings.md §2, whose table a test
compares with this one: tests/unit/core/test_findings_codes.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from notary.core.findings.seen import Place, Seen

MAX_PLACES = 50  # records that a finding names; the rest is counted


class Kind(NamedTuple):
    """A code's titles, and what would clear it."""

    english: str
    chinese: str
    clears: str


ORDER, CLOCKS, SHIFTED = "TIME_OUT_OF_ORDER", "CLOCKS_DIFFER", "HOURS_SHIFTED"
MISSING, EMPTY, FOREIGN = "NUMBER_MISSING", "DAY_EMPTY", "NUMBER_FOREIGN"
FIGURES, TWINS, UNMATCHED = "FIGURES_DIFFER", "SOURCES_DIFFER", "SOURCE_LACKS"
MASKED, SPLIT, ACCOUNT = "NUMBER_MASKED", "SPLIT", "ACCOUNT_OTHER"
LATE, DAY = "ENTERED_LATE", "DAY_OTHER"
REFERENCE, BALANCE, SEAL = "REFERENCE_MISSING", "BALANCE_DIFFERS", "SEAL_BROKEN"
TOTALS, DISPUTED = "TOTALS_DIFFER", "ENTERED_AFTER_DISPUTE"
BUSY, OTHER = "TWO_AT_ONCE", "VALUE_OTHER"

KINDS: dict[str, Kind] = {
    ORDER: Kind(
        "a time that its neighbours contradict",
        "时间与相邻记录的顺序不符",
        "the system's own log, or a note that its clock was set or that it writes in another order",
    ),
    CLOCKS: Kind(
        "two times of one record that contradict each other",
        "同一记录中的两个时间互相矛盾",
        "the carrier's or the other party's record of the same event",
    ),
    SHIFTED: Kind(
        "times that look shifted by whole hours",
        "时间似乎整体偏移了数小时",
        "the zone that the system really wrote in, or why it worked at other hours",
    ),
    MISSING: Kind(
        "numbers that no record has",
        "编号缺失",
        "the records with these numbers, or the reason why the system left them out",
    ),
    EMPTY: Kind(
        "a day without any record",
        "某日没有任何记录",
        "the day's export, or the reason why nothing happened: a holiday, an outage",
    ),
    FOREIGN: Kind(
        "a number that is not of its source's form",
        "编号格式与来源不符",
        "the system's own log with this record",
    ),
    FIGURES: Kind(
        "figures of one record that contradict each other",
        "同一记录中的数字互相矛盾",
        "the carrier's record of the call, or its recording",
    ),
    TWINS: Kind(
        "two sources that say different things of one event",
        "两个来源对同一事件的记载不一致",
        "a third source, such as the carrier's bill",
    ),
    UNMATCHED: Kind(
        "an event that only one of two sources has",
        "只有一个来源记载了该事件",
        "the other system's log, or the reason why it does not see such events",
    ),
    TOTALS: Kind(
        "a day's total that the records do not give",
        "当日合计与记录不符",
        "the records that the total counts, or how whoever made it counts",
    ),
    MASKED: Kind(
        "a hidden number or name where others are plain",
        "仅个别号码或姓名被隐去",
        "the number or name, or the rule by which some are hidden",
    ),
    SPLIT: Kind(
        "one event that looks recorded as two",
        "一次事件似乎被拆成两条记录",
        "the recording, or the carrier's record: a line that broke and was dialled again looks the same",
    ),
    BUSY: Kind(
        "one agent in two conversations at once",
        "同一坐席同时出现在两次通话中",
        "the recordings, or the rule by which agents share a name or a desk",
    ),
    ACCOUNT: Kind(
        "a telephone number under another account than usual",
        "电话号码出现在其他账户下",
        "the agreement behind the other account: one person may owe twice",
    ),
    LATE: Kind(
        "a record that entered after later ones",
        "记录晚于其后的记录进入系统",
        "why it came late: an outage, a tablet that was offline",
    ),
    DISPUTED: Kind(
        "a record of before a dispute that entered after it",
        "争议之前的记录在争议之后才进入系统",
        "why it came late, and who wrote it when",
    ),
    DAY: Kind(
        "a record of another day than the rest of its file",
        "记录日期与所在文件其他记录不同",
        "why it stands in this file, and the file of its own day",
    ),
    REFERENCE: Kind(
        "a record that names another one which is not there",
        "所引用的记录不存在",
        "the record that is named, or the reason why it was never given",
    ),
    BALANCE: Kind(
        "an open sum that payments do not explain",
        "未付金额与还款记录不符",
        "the account's statement: interest, costs, or a payment to the creditor directly",
    ),
    OTHER: Kind(
        "a value that the other records contradict",
        "与其他记录相矛盾的内容",
        "why it changed: a move, a new number, a new agreement",
    ),
    SEAL: Kind(
        "a message that its signature contradicts",
        "邮件内容与其签名不符",
        "the message as another recipient got it; mailing lists alter messages honestly",
    ),
}
CODES = tuple(KINDS)


class Finding(NamedTuple):
    """One thing that does not fit. It is about `records` many records, of which `places` names some."""

    code: str
    stream: str
    text: str
    places: tuple[Place, ...]
    records: int


def finding(code: str, stream: str, text: str, records: Iterable[Seen]) -> Finding:
    """A finding about these records."""
    listed = [one.place for one in records]
    return Finding(code, stream, text, tuple(listed[:MAX_PLACES]), len(listed))


def said_time(ms: int | None) -> str:
    """A moment for people, in UTC."""
    if ms is None:
        return "no time"
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def said_span(ms: int) -> str:
    """A length of time for people."""
    seconds = abs(ms) // 1000
    parts = (
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    )
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def said_place(place: Place) -> str:
    """Where a record stands, for people."""
    parts = []
    if place.reference is not None:
        parts.append(place.reference)
    if place.matter is not None:
        parts.append(f"position {place.position} of {place.matter}")
    else:
        parts.append("a row that waits")
    if place.file is not None:
        parts.append(f"file {place.file[:12]}, row {place.row}")
    return ", ".join(parts)


def said_ranges(ranges: Sequence[tuple[int, int]], most: int = 8) -> str:
    """Ranges of numbers for people."""
    named = [str(a) if a == b else f"{a} to {b}" for a, b in ranges[:most]]
    return ", ".join(named) + (f" and {len(ranges) - most} more" if len(ranges) > most else "")

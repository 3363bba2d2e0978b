"""Edits by hand in the exported files of a case, as a careless clerk makes them and as a careful one.

Nothing here uses the generator's own code for frauds. Each edit gives the names of which a finding must give
one: a reference, or the day of the file, where the record itself is gone.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeAlias

from notary.core.findings.finding import Finding

Row: TypeAlias = dict[str, Any]
LOCAL = "%Y-%m-%d %H:%M:%S"


@dataclass
class Table:
    """One file of rows: CSV with a header, lines of JSON, or Twilio's page."""

    path: Path
    delimiter: str = ","
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        text = self.path.read_text("utf-8")
        if self.path.suffix == ".ndjson":
            self.rows = [json.loads(line) for line in text.splitlines()]
        elif self.path.suffix == ".json":
            self.rows = json.loads(text)["calls"]
        else:
            lines = io.StringIO(text, newline="")
            self.rows = list(csv.DictReader(lines, delimiter=self.delimiter))

    def save(self) -> None:
        if not self.rows:
            self.path.unlink()
        elif self.path.suffix == ".ndjson":
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)
            self.path.write_text("".join(lines), "utf-8")
        elif self.path.suffix == ".json":
            self.path.write_text(json.dumps({"calls": self.rows}), "utf-8")
        else:
            out = io.StringIO(newline="")
            writer = csv.DictWriter(out, list(self.rows[0]), delimiter=self.delimiter)
            writer.writeheader()
            writer.writerows(self.rows)
            self.path.write_text(out.getvalue(), "utf-8", newline="")


@dataclass(frozen=True)
class Export:
    """A daily export: its files, the reference's column, and how a row's times are moved."""

    files: str
    reference: str
    move: Callable[[Row, timedelta], None]
    delimiter: str = ","


def _iso(*names: str) -> Callable[[Row, timedelta], None]:
    def move(row: Row, by: timedelta) -> None:
        for name in names:
            row[name] = (datetime.fromisoformat(row[name]) + by).isoformat(timespec="seconds")

    return move


def _mail_dates(*names: str) -> Callable[[Row, timedelta], None]:
    def move(row: Row, by: timedelta) -> None:
        for name in names:
            row[name] = format_datetime(parsedate_to_datetime(row[name]) + by)

    return move


def _letter_date(row: Row, by: timedelta) -> None:
    moved = datetime.strptime(row["sent_on"] + row["sent_at"], "%d/%m/%Y%H:%M") + by  # noqa: DTZ007
    row["sent_on"], row["sent_at"] = moved.strftime("%d/%m/%Y"), moved.strftime("%H:%M")


def _stamp(row: Row, by: timedelta) -> None:
    row["ts"] += int(by.total_seconds() * 1000)


def _started(row: Row, by: timedelta) -> None:
    row["started"] = (datetime.strptime(row["started"], LOCAL) + by).strftime(LOCAL)  # noqa: DTZ007


EXPORTS: Mapping[str, Export] = {
    "letters": Export("days/*/letters.csv", "letter_no", _letter_date, ";"),
    "post": Export("days/*/post.csv", "scan_no", _iso("scanned_at")),
    "payments": Export("days/*/payments.csv", "bank_reference", _iso("booked_at")),
    "promises": Export("days/*/promises.csv", "promise_no", _iso("promised_at")),
    "filings": Export("days/*/filings.csv", "filing_no", _iso("filed_at")),
    "visits": Export("days/*/visits.csv", "visit_no", _iso("arrived", "left")),
    "email": Export("days/*/email.ndjson", "message_id", _mail_dates("date")),
    "sms": Export("days/*/sms.ndjson", "sms_id", _stamp),
    "calls": Export("days/*/calls.csv", "call_no", _started),
    "twilio": Export("switches/twilio/*/*.json", "sid", _mail_dates("start_time", "end_time")),
    "twilio-csv": Export(
        "switches/twilio-csv/*/*.csv", "Call Sid", _mail_dates("Start Time", "End Time")
    ),
}
Wanted: TypeAlias = Callable[[Row], bool]


class Desk:
    """A case on somebody's desk, who remembers each file that is touched."""

    def __init__(self, case: Path, chance: random.Random) -> None:
        self.case = case
        self.chance = chance
        self._before: dict[Path, bytes | None] = {}

    def keep(self, path: Path) -> Path:
        """Remember a file before it is touched."""
        self._before.setdefault(path, path.read_bytes() if path.exists() else None)
        return path

    def put_back(self) -> None:
        """All files as they were."""
        for path, data in self._before.items():
            if data is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(data)
        self._before.clear()

    def row(self, name: str, wanted: Wanted = lambda row: True) -> tuple[Table, int] | None:
        """A row of an export, from the middle of the case, in its file."""
        export = EXPORTS[name]
        found = []
        for path in sorted(self.case.glob(export.files)):
            table = Table(path, export.delimiter)
            found += [(table, n) for n in range(len(table.rows))]
        found = [one for one in found[len(found) // 6 :] if wanted(one[0].rows[one[1]])]
        found = found[: -len(found) // 6 or None]
        if not found:
            return None
        table, place = self.chance.choice(found)
        self.keep(table.path)
        return table, place


Made: TypeAlias = set[str] | None  # None where the case has no such row
Edit: TypeAlias = Callable[[Desk], Made]


def moved(name: str, by: timedelta, wanted: Wanted = lambda row: True) -> Edit:
    """A time is typed over."""

    def make(desk: Desk) -> Made:
        found = desk.row(name, wanted)
        if found is None:
            return None
        table, place = found
        EXPORTS[name].move(table.rows[place], by)
        table.save()
        return {table.rows[place][EXPORTS[name].reference]}

    return make


def typed(
    name: str, column: str, value: Callable[[Row], Any], wanted: Wanted = lambda row: True
) -> Edit:
    """A cell is typed over."""

    def make(desk: Desk) -> Made:
        found = desk.row(name, lambda row: wanted(row) and value(row) != row[column])
        if found is None:
            return None
        table, place = found
        row = table.rows[place]
        row[column] = value(row)
        table.save()
        return {row[EXPORTS[name].reference], table.path.parent.name}

    return make


def taken_out(name: str, wanted: Wanted = lambda row: True, tells: str = "") -> Edit:
    """A row is deleted. `tells` is the column of what is named then, where the reference is not."""

    def make(desk: Desk) -> Made:
        found = desk.row(name, wanted)
        if found is None:
            return None
        table, place = found
        near = [table.rows[n] for n in (place - 1, place + 1) if 0 <= n < len(table.rows)]
        gone = table.rows.pop(place)
        table.save()
        reference = EXPORTS[name].reference
        names = {gone[reference], *(row[reference] for row in near), table.path.parent.name}
        return names | ({gone[tells]} if tells else set())

    return make


def later(name: str, days: int) -> Edit:
    """A row is moved into the export of a later day, with what it attaches."""

    def make(desk: Desk) -> Made:
        found = desk.row(name)
        if found is None:
            return None
        table, place = found
        row, old = table.rows.pop(place), table.path.parent
        after = [day for day in sorted(old.parent.iterdir()) if day.name > old.name]
        # Lists of calls have the day in their names.
        named = sorted(after[days - 1].glob(f"*{table.path.suffix}"))
        dated = any(letter.isdecimal() for letter in table.path.name)
        new = desk.keep(named[0] if dated and named else after[days - 1] / table.path.name)
        table.save()
        for value in row.values():
            beside = old / str(value)
            if "/" in str(value) and beside.is_file():
                target = desk.keep(new.parent / str(value))
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(beside.read_bytes())
        rows = Table(new, table.delimiter).rows if new.exists() else []
        table.path, table.rows = new, [*rows, row]
        table.save()
        return {row[EXPORTS[name].reference]}

    return make


def doubled(
    name: str, change: Callable[[Row, Row], None], wanted: Wanted = lambda row: True
) -> Edit:
    """A row is made two: `change` mends the first and its copy."""

    def make(desk: Desk) -> Made:
        found = desk.row(name, wanted)
        if found is None:
            return None
        table, place = found
        first, second = table.rows[place], copy.deepcopy(table.rows[place])
        change(first, second)
        table.rows.insert(place + 1, second)
        table.save()
        return {first[EXPORTS[name].reference]}

    return make


def text_of(pattern: str, change: Callable[[str, Desk], str], wanted: str = "") -> Edit:
    """A file of one event is changed as text. It is named by its identifier."""

    def make(desk: Desk) -> Made:
        paths = sorted(desk.case.glob(pattern))
        paths = [path for path in paths[len(paths) // 6 :] if wanted in path.read_text("utf-8")]
        if not paths:
            return None
        path = desk.keep(desk.chance.choice(paths))
        before = path.read_bytes().decode()
        after = change(before, desk)
        assert after != before
        path.write_bytes(after.encode())
        found = re.search(r'Message-ID: (\S+)|"uuid": "([^"]+)"', before)
        assert found is not None
        return {found[1] or f"{found[2]}#dialog/0", path.stem}

    return make


def redated(header: str, by: timedelta) -> Callable[[str, Desk], str]:
    """The date of a message's header is typed over."""

    def change(text: str, desk: Desk) -> str:
        return re.sub(
            rf"(?m)^{header}: ([^\r]*)",
            lambda found: f"{header}: {format_datetime(parsedate_to_datetime(found[1]) + by)}",
            text,
            count=1,
        )

    return change


def vcon(change: Callable[[Row], None]) -> Callable[[str, Desk], str]:
    """A vCon is changed."""

    def changed(text: str, desk: Desk) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document, ensure_ascii=False, indent=1) + "\n"

    return changed


def _start(hours: int) -> Callable[[Row], None]:
    def move(document: Row) -> None:
        dialog = document["dialog"][0]
        at = datetime.fromisoformat(dialog["start"]) + timedelta(hours=hours)
        dialog["start"] = at.isoformat()

    return move


def _hide_called(document: Row) -> None:
    number = document["parties"][1]["tel"]
    document["parties"][1]["tel"] = f"{number[:6]}*****"


def _two_dialogs(document: Row) -> None:
    first = document["dialog"][0]
    second = copy.deepcopy(first)
    half = first["duration"] // 2
    start = datetime.fromisoformat(first["start"]) + timedelta(seconds=half + 5)
    second |= {"start": start.isoformat(), "duration": first["duration"] - half}
    first["duration"] = half
    document["dialog"].append(second)


def _two_payments(first: Row, second: Row) -> None:
    minor = int(first["amount"].replace(".", ""))
    part = minor // 3
    first["amount"] = f"{part // 100}.{part % 100:02}"
    second["amount"] = f"{(minor - part) // 100}.{(minor - part) % 100:02}"
    second["bank_reference"] = "TRF9999999999"
    EXPORTS["payments"].move(second, timedelta(minutes=1))


def _two_visits(minutes: int) -> Callable[[Row, Row], None]:
    def change(first: Row, second: Row) -> None:
        start, end = (datetime.fromisoformat(first[name]) for name in ("arrived", "left"))
        middle = (start + (end - start) / 2).replace(microsecond=0)
        first["left"] = middle.isoformat()
        second |= {"arrived": middle.isoformat(), "left": end.isoformat()}
        second["visit_no"] += "b"
        EXPORTS["visits"].move(second, timedelta(minutes=minutes))

    return change


def _copied(name: str, by: timedelta) -> Callable[[Row, Row], None]:
    def change(first: Row, second: Row) -> None:
        export = EXPORTS[name]
        second[export.reference] = f"{second[export.reference]}b"
        export.move(second, by)

    return change


def _sum(column: str, more: int) -> Callable[[Row], str]:
    def value(row: Row) -> str:
        currency, _, text = str(row[column]).rpartition(" ")
        minor = int(text.replace(",", "").replace(".", "")) + more
        decimal = f"{minor // 100:,}" if "," in text else f"{minor // 100}"
        return f"{currency} {decimal}.{minor % 100:02}".strip()

    return value


def _stars(column: str, first: int) -> Callable[[Row], str]:
    return lambda row: f"{row[column][:first]}****{row[column][first + 4 :]}"


DAY = timedelta(days=1)
_OUT: Wanted = lambda row: row["direction"] == "out"  # noqa: E731 - a name for a short rule
# By kind and what is done. Each is named in every case that has such a row.
PAPERS: Mapping[tuple[str, str], Edit] = {
    **{
        ("backdated", f"{name}, {days} d"): moved(name, days * DAY)
        for name in ("letters", "post", "payments", "promises", "filings", "visits", "email", "sms")
        for days in (-4, -2, 5)
    },
    ("backdated", "mail, Date alone"): text_of("mail/*/*.eml", redated("Date", -12 * DAY)),
    **{
        ("late", f"{name}, {days} files later"): later(name, days)
        for name in ("letters", "post", "payments", "promises", "visits", "email", "sms")
        for days in (3, 6)
    },
    ("dropped", "a posted letter"): taken_out(
        "letters", lambda row: row["by"] == "P" and not row["letter_no"].endswith("G")
    ),
    ("dropped", "an e-mailed letter, not its message"): taken_out(
        "letters", lambda row: row["by"] == "E"
    ),
    ("dropped", "a dispatch"): taken_out("post", lambda row: row["scan"] == "DSP", "letter"),
    ("dropped", "a text message"): taken_out("sms"),
    ("edited", "the sum of a later letter"): typed(
        "letters", "open", _sum("open", 5_000), lambda row: row["stage"] == "2"
    ),
    ("edited", "the sum of an application"): typed("filings", "subject", _sum("subject", -900)),
    ("edited", "a value date"): typed("payments", "value_date", lambda row: "2025-01-05"),
    ("edited", "a scan's letter"): typed("post", "letter", lambda row: "L-NW-99999-2"),
    ("edited", "a visit that ends before it begins"): typed(
        "visits", "left", lambda row: row["arrived"].replace("T1", "T0")
    ),
    ("edited", "a sum in an e-mailed demand"): text_of(
        "mail/*/*.eml",
        lambda text, desk: re.sub(r"(Open: [A-Z]{3} )(\d)", r"\g<1>1\g<2>", text),
    ),
    ("masked", "a letter's addressee"): typed("letters", "addressee", _stars("addressee", 2)),
    ("masked", "a payer"): typed("payments", "payer", _stars("payer", 1)),
    ("masked", "a text message's recipient"): typed("sms", "recipient", _stars("recipient", 5)),
    ("masked", "an e-mail's recipient"): typed(
        "email", "to", lambda row: ["p****@example.com"], _OUT
    ),
    ("split", "a payment"): doubled("payments", _two_payments),
    ("split", "a letter"): doubled("letters", _copied("letters", timedelta(minutes=5))),
    ("split", "an e-mail"): doubled("email", _copied("email", timedelta(minutes=1)), _OUT),
    ("split", "a text message"): doubled("sms", _copied("sms", timedelta(seconds=20))),
    ("split", "a visit, 2 min"): doubled("visits", _two_visits(2)),
    ("split", "a visit, 100 min"): doubled("visits", _two_visits(100)),
    ("wrong-zone", "a dispatch"): moved(
        "post", timedelta(hours=8), lambda row: row["scan"] == "DSP"
    ),
}
_SIGNED = '"stir"'
VCONS: Mapping[tuple[str, str], Edit] = {
    ("backdated", "a conversation, 3 h"): text_of(
        "switches/vcon/*/*.json", vcon(_start(-3)), _SIGNED
    ),
    ("backdated", "a conversation, 3 d"): text_of("switches/vcon/*/*.json", vcon(_start(-72))),
    ("wrong-zone", "another offset"): text_of(
        "switches/vcon/*/*.json", lambda text, desk: text.replace("+00:00", "+08:00"), _SIGNED
    ),
    ("masked", "the called number"): text_of("switches/vcon/*/*.json", vcon(_hide_called), _SIGNED),
    ("split", "two dialogs"): text_of("switches/vcon/*/*.json", vcon(_two_dialogs)),
}


def _list_calls(
    name: str, status: str, to: str, length: str, way: str
) -> Mapping[tuple[str, str], Edit]:
    out: Wanted = lambda row: row[way] == "outbound-api" and int(row[length] or 0) > 120  # noqa: E731
    return {
        ("dropped", f"{name}, a call"): taken_out(name, out),
        ("edited", f"{name}, a length"): typed(name, length, lambda row: "20", out),
        ("edited", f"{name}, an ending"): typed(name, status, lambda row: "no-answer", out),
        ("backdated", f"{name}, 4 h"): moved(name, timedelta(hours=-4), out),
        ("backdated", f"{name}, 3 d"): moved(name, -3 * DAY, out),
        ("late", f"{name}, a week later"): later(name, 7),
    }


LISTS: Mapping[str, Mapping[tuple[str, str], Edit]] = {
    "twilio": _list_calls("twilio", "status", "to", "duration", "direction"),
    "twilio-csv": _list_calls("twilio-csv", "Status", "To", "Duration", "Direction"),
}


def names_one(found: Sequence[Finding], names: set[str]) -> bool:
    """Whether a finding gives one of the names."""
    return any(
        names & {place.reference for place in one.places} or any(name in one.text for name in names)
        for one in found
    )

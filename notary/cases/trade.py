"""Owns the trade case: one contract, six consignments, 72 nodes, as the files of those who took part.

The physical nodes come as EPCIS documents, the commercial ones and the accounts side as CSV, messages as
NDJSON, calls as a call-record export, and the parties' certificates as files that their acts attach. Every
file leads to the one matter by an account of it. The last consignment is accepted and not paid.
Test: tests/unit/importers/test_trade.py.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from notary.cases.template import Node, load_template

TEMPLATE = "trade-72"
TITLE = "Example Trading B.V. / Example Machinery Co., contract SC-2025-0088"
# How the matter is spelled by the carrier's events, by the accounts side, and by the exchange.
ACCOUNTS = ("urn:epcglobal:cbv:bt:9521321000005:PO-2025-0417", "SC-2025-0088", "880417")
CONSIGNMENTS_A_STAGE = 2

FIRST_DAY = datetime(2025, 1, 6, 8, 0)  # noqa: DTZ001 - a wall clock; each event has its zone
DAYS_APART = 21  # between the orders of two consignments
SELLER_ZONE = ZoneInfo("Asia/Shanghai")
BUYER_ZONE = ZoneInfo("Europe/Amsterdam")

# Days after the order is accepted, and whose clock tells the time.
_DAYS = {
    "01": (0, BUYER_ZONE),
    "02": (4, SELLER_ZONE),
    "03": (5, SELLER_ZONE),
    "04": (7, SELLER_ZONE),
    "05": (8, SELLER_ZONE),
    "06": (9, SELLER_ZONE),
    "07": (37, BUYER_ZONE),
    "08": (38, BUYER_ZONE),
    "09": (39, BUYER_ZONE),
    "10": (40, BUYER_ZONE),
    "11": (41, BUYER_ZONE),
    "12": (45, BUYER_ZONE),
}
# The physical steps by their word of GS1's vocabulary, with disposition and read point.
_EVENTS = {
    "02": ("packing", "in_progress", "urn:epc:id:sgln:9521321.00001.0"),
    "03": ("inspecting", "conformant", "urn:epc:id:sgln:9521321.00001.1"),
    "04": ("loading", "in_transit", "urn:epc:id:sgln:9521321.00002.0"),
    "06": ("departing", "in_transit", "urn:epc:id:sgln:9521321.00002.1"),
    "07": ("arriving", "in_transit", "urn:epc:id:sgln:9521321.00003.0"),
    "08": ("unloading", "in_progress", "urn:epc:id:sgln:9521321.00003.1"),
    "10": ("accepting", "in_progress", "urn:epc:id:sgln:9521321.00004.0"),
    "11": ("receiving", "in_progress", "urn:epc:id:sgln:9521321.00004.1"),
}
_BUYER_PHONE = "+442079460123"
_SELLER_PHONE = "+12025550148"
_MOBILE = "+4477009002"  # and two digits: reserved for fiction

_NODES_MAP = """\
# The commercial nodes, as the buyer's order system exports them.
id = "trade-nodes"
version = 1
format = "csv"
kind = "milestone"

[account]
column = "contract"

[occurred_at]
column = "at"
format = "%Y-%m-%d %H:%M:%S"
zone = "Europe/Amsterdam"

[identity]
columns = ["entry"]

[claims.template]
type = "constant"
value = "trade-72"

[claims.node]
type = "text"
column = "node"
required = true

[claims.label]
type = "text"
column = "label"

[claims.consignment]
type = "text"
column = "consignment"

[claims.status]
type = "text"
column = "status"
values = { A = "actual", P = "planned", E = "estimated" }

[claims.reference]
type = "text"
column = "reference"
"""
_EPCIS_MAP = """\
# The physical nodes, as the parties' scanners report them.
id = "trade-epcis"
version = 1
format = "epcis"

[account]
column = "bizTransactionList[type=po].bizTransaction"

[milestone]
template = "trade-72"
consignment = "trade:consignment"

[milestone.steps]
"""
_LETTERS_MAP = """\
# Invoices and demands, as the seller's accounts export them.
id = "trade-letters"
version = 1
format = "csv"
kind = "letter"

[csv]
delimiter = ";"

[account]
column = "contract"

[occurred_at]
columns = ["day", "time"]
format = "%d.%m.%Y %H:%M"
zone = "Asia/Shanghai"

[identity]
columns = ["letter"]

[claims.reference]
type = "text"
column = "letter"

[claims.stage]
type = "integer"
column = "stage"

[claims.amount]
type = "amount"
column = "amount"
currency_column = "currency"
decimal = ","
thousands = "."

[claims.due_date]
type = "date"
column = "due"
format = "%d.%m.%Y"

[claims.addressee]
type = "text"
column = "addressee"

[claims.channel]
type = "text"
column = "channel"
values = { M = "e-mail", C = "courier" }

[claims.subject]
type = "text"
column = "subject"

[claims.text]
type = "text"
column = "text"
"""
_PAYMENTS_MAP = """\
# What came in, as the seller's bank reports it.
id = "trade-payments"
version = 1
format = "csv"
kind = "payment"

[account]
column = "contract"

[occurred_at]
column = "booked_at"
format = "iso8601"

[identity]
columns = ["bank_reference"]

[claims.reference]
type = "text"
column = "bank_reference"

[claims.amount]
type = "amount"
column = "amount"
currency_column = "currency"

[claims.payer]
type = "text"
column = "payer"

[claims.payee]
type = "text"
column = "payee"

[claims.method]
type = "constant"
value = "bank transfer"

[claims.value_date]
type = "date"
column = "value_date"
"""
_ACTS_MAP = """\
# What each side signed, with the signed file.
id = "trade-acts"
version = 1
format = "csv"
kind = "act"

[account]
column = "contract"

[occurred_at]
column = "signed_at"
format = "iso8601"

[identity]
columns = ["act_no"]

[attachments]
columns = ["file"]

[claims.reference]
type = "text"
column = "act_no"

[claims.act]
type = "text"
column = "act"

[claims.milestone]
type = "text"
column = "node"

[claims.role]
type = "text"
column = "role"

[claims.signer]
type = "text"
column = "signer"
"""
_MESSAGES_MAP = """\
# The correspondence, as the mail gateway exports it.
id = "trade-messages"
version = 1
format = "ndjson"
kind = "message"

[account]
column = "contract"

[occurred_at]
column = "sent"
format = "rfc2822"

[identity]
columns = ["message_id"]

[claims.reference]
type = "text"
column = "message_id"

[claims.channel]
type = "constant"
value = "e-mail"

[claims.direction]
type = "text"
column = "direction"

[claims.sender]
type = "text"
column = "from.address"

[claims.recipients]
type = "list"
column = "to"

[claims.subject]
type = "text"
column = "subject"

[claims.text]
type = "text"
column = "body"
"""
_CALLS_MAP = """\
base = "call-export"
id = "trade-calls"
version = 1

[occurred_at]
zone = "Europe/Amsterdam"
"""


@dataclass(frozen=True)
class Stage:
    """A part of the case that is taken in at once. Its maps lie in its folder, so it needs no other."""

    title: str
    paths: tuple[Path, ...]
    records: int
    column_map: Path | None = None
    whole_matter: bool = False


@dataclass(frozen=True)
class CaseFiles:
    """A generated case. `records` is how many records of each kind the matter has in the end."""

    folder: Path
    title: str
    accounts: tuple[str, ...]
    stages: tuple[Stage, ...]
    files: tuple[Path, ...]
    maps: tuple[Path, ...]
    records: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many records the matter has in the end."""
        return sum(self.records.values())


def generate(folder: Path, seed: int = 1, accounts: Sequence[str] = ACCOUNTS) -> CaseFiles:
    """Write the case's files into `folder`, which is made; the same bytes for the same arguments.

    `accounts` are the spellings that lead to the matter, in the order of ACCOUNTS: the purchase order, the
    contract, and the account code of the calls. Raises ValueError unless there are three.
    """
    if len(accounts) != len(ACCOUNTS):
        raise ValueError(f"want {len(ACCOUNTS)} accounts, got {len(accounts)}")
    writer = _Writer(folder, seed, tuple(accounts))
    template = load_template(TEMPLATE)
    consignments = sorted({node.consignment for node in template.nodes})
    stages = []
    for first in range(0, len(consignments), CONSIGNMENTS_A_STAGE):
        part = consignments[first : first + CONSIGNMENTS_A_STAGE]
        last = part[-1] == consignments[-1]
        before = writer.total
        path = writer.stage(part, {one: template.of_consignment(one) for one in part}, last=last)
        stages.append(
            Stage(f"consignments {part[0]} to {part[-1]}", (path,), records=writer.total - before)
        )
    return CaseFiles(
        folder,
        TITLE,
        tuple(accounts),
        tuple(stages),
        tuple(sorted(writer.files)),
        tuple(sorted(writer.maps)),
        dict(sorted(writer.records.items())),
    )


class _Writer:
    """Writes one case and counts what it will give."""

    def __init__(self, folder: Path, seed: int, accounts: tuple[str, ...]) -> None:
        self._folder = folder
        self._seed = seed
        self._order, self._contract, self._code = accounts
        self.files: list[Path] = []
        self.maps: list[Path] = []
        self.records: dict[str, int] = {}

    @property
    def total(self) -> int:
        return sum(self.records.values())

    def stage(
        self, part: Sequence[str], nodes: Mapping[str, tuple[Node, ...]], *, last: bool
    ) -> Path:
        folder = self._folder / f"consignments-{part[0]}-{part[-1]}"
        folder.mkdir(parents=True, exist_ok=True)
        steps = "".join(
            f'{word} = {{ step = "{step}", label = "{_label(nodes[part[0]], step)}" }}\n'
            for step, (word, _, _) in sorted(_EVENTS.items())
        )
        for name, text in (
            ("nodes", _NODES_MAP),
            ("epcis", _EPCIS_MAP + steps),
            ("letters", _LETTERS_MAP),
            ("payments", _PAYMENTS_MAP),
            ("acts", _ACTS_MAP),
            ("messages", _MESSAGES_MAP),
            ("calls", _CALLS_MAP),
        ):
            path = folder / f"{name}.map.toml"
            path.write_bytes(text.encode())
            self.maps.append(path)
        for consignment in part:
            self._events(folder, consignment, nodes[consignment])
        self._nodes(folder, part, nodes)
        self._acts(folder, part, nodes)
        self._letters(folder, part, last=last)
        self._payments(folder, part, last=last)
        self._messages(folder, part)
        self._calls(folder, part)
        return folder

    # Facts that all files share.

    def _draw(self, what: str, below: int) -> int:
        """A number from 0 to `below` − 1 that follows from the seed and what it is for."""
        digest = hashlib.sha256(f"{self._seed}/{what}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % below

    def _at(self, consignment: str, step: str) -> datetime:
        """When a node was reached, by the clock of the place."""
        days, zone = _DAYS[step]
        start = FIRST_DAY + timedelta(days=DAYS_APART * (int(consignment) - 1))
        minutes = self._draw(f"{consignment}.{step}", 8 * 60)
        seconds = self._draw(f"{consignment}.{step}/s", 60)
        local = start + timedelta(days=days, minutes=minutes, seconds=seconds)
        return local.replace(tzinfo=zone)

    def _quantity(self, consignment: str) -> int:
        return 400 + self._draw(f"{consignment}/quantity", 200)

    def _cents(self, consignment: str) -> int:
        return self._quantity(consignment) * (11_950 + self._draw(f"{consignment}/price", 400))

    # Files.

    def _write(self, path: Path, data: bytes, kind: str | None, count: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.files.append(path)
        if kind is not None:
            self.records[kind] = self.records.get(kind, 0) + count

    def _table(
        self,
        path: Path,
        kind: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        delimiter: str = ",",
    ) -> None:
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(rows)
        self._write(path, out.getvalue().encode(), kind, len(rows))

    def _events(self, folder: Path, consignment: str, nodes: Sequence[Node]) -> None:
        events = []
        for node in nodes:
            if node.step not in _EVENTS:
                continue
            word, disposition, place = _EVENTS[node.step]
            at = self._at(consignment, node.step)
            digest = hashlib.sha256(f"{self._seed}/{node.node}/event".encode()).hexdigest()
            events.append(
                {
                    "eventID": f"ni:///sha-256;{digest}?ver=CBV2.0",
                    "type": "ObjectEvent",
                    "action": "OBSERVE",
                    "bizStep": word,
                    "disposition": disposition,
                    "epcList": [f"urn:epc:id:sscc:9521321.{int(consignment):010}"],
                    "quantityList": [
                        {
                            "epcClass": "urn:epc:class:lgtin:9521321.012345."
                            f"2025-{int(consignment):02}",
                            "quantity": self._quantity(consignment),
                        }
                    ],
                    "eventTime": at.isoformat(timespec="milliseconds"),
                    "eventTimeZoneOffset": at.isoformat()[-6:],
                    "readPoint": {"id": place},
                    "bizTransactionList": [{"type": "po", "bizTransaction": self._order}],
                    "trade:consignment": consignment,
                }
            )
        document = {
            "@context": [
                "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                {"trade": "https://ns.example.com/trade/"},
            ],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": self._at(consignment, "12").isoformat(timespec="milliseconds"),
            "epcisBody": {"eventList": events},
        }
        data = json.dumps(document, indent=1).encode() + b"\n"
        self._write(folder / f"scans-{consignment}.json", data, "milestone", len(events))

    def _nodes(
        self, folder: Path, part: Sequence[str], nodes: Mapping[str, tuple[Node, ...]]
    ) -> None:
        references = {"01": "OC", "05": "BL", "09": "CR", "12": "AC"}
        rows = [
            (
                f"N-{node.node}",
                self._contract,
                node.node,
                node.label,
                consignment,
                self._local(consignment, node.step),
                "A",
                f"{references[node.step]}-2025-{consignment}{self._draw(node.node, 9000) + 1000}",
            )
            for consignment in part
            for node in nodes[consignment]
            if node.step in references
        ]
        self._table(
            folder / "nodes.csv",
            "milestone",
            ("entry", "contract", "node", "label", "consignment", "at", "status", "reference"),
            rows,
        )

    def _local(self, consignment: str, step: str) -> str:
        """A node's time by the buyer's clock, as its systems write it."""
        return self._at(consignment, step).astimezone(BUYER_ZONE).strftime("%Y-%m-%d %H:%M:%S")

    def _acts(
        self, folder: Path, part: Sequence[str], nodes: Mapping[str, tuple[Node, ...]]
    ) -> None:
        # Both sides of a node stand beside each other.
        sides = (
            ("10", "carrier", "delivery", "Example Lines", "pdf"),
            ("11", "buyer", "receipt", "Example Trading B.V.", "txt"),
            ("12", "buyer", "acceptance", "Example Trading B.V.", "pdf"),
            ("12", "seller", "acceptance", "Example Machinery Co.", "txt"),
        )
        rows = []
        for consignment in part:
            for step, role, act, signer, suffix in sides:
                node = f"{consignment}.{step}"
                at = self._at(consignment, step) + timedelta(minutes=30)
                name = f"certificates/{node}-{act}-{role}.{suffix}"
                text = [
                    f"CERTIFICATE OF {act.upper()}",
                    f"Contract {self._contract}, consignment {consignment}, node {node}: "
                    f"{_label(nodes[consignment], step)}",
                    f"Quantity: {self._quantity(consignment)} pieces, counted, no reservation",
                    f"Signed for {signer} ({role}) on {at.isoformat(timespec='minutes')}",
                ]
                data = _pdf(text) if suffix == "pdf" else ("\r\n".join(text) + "\r\n").encode()
                self._write(folder / name, data, None, 0)
                rows.append(
                    (
                        f"A-{node}-{role}",
                        self._contract,
                        at.isoformat(timespec="seconds"),
                        act,
                        node,
                        role,
                        signer,
                        name,
                    )
                )
        self._table(
            folder / "acts.csv",
            "act",
            ("act_no", "contract", "signed_at", "act", "node", "role", "signer", "file"),
            rows,
        )

    def _letters(self, folder: Path, part: Sequence[str], *, last: bool) -> None:
        rows = []
        for consignment in part:
            at = self._at(consignment, "12").astimezone(SELLER_ZONE) + timedelta(days=1)
            rows.append(
                self._letter(
                    consignment,
                    at,
                    0,
                    "M",
                    "Invoice",
                    "Payable within thirty days of this invoice.",
                )
            )
        if last:
            invoiced = self._at(part[-1], "12").astimezone(SELLER_ZONE) + timedelta(days=1)
            for stage, days, text in (
                (1, 46, "The invoice is open. Please pay within ten days."),
                (2, 61, "No payment has come.\nWe shall claim interest from the due date."),
                (3, 121, "Last demand: unless paid in ten days, we begin arbitration."),
            ):
                at = invoiced + timedelta(days=days)
                rows.append(self._letter(part[-1], at, stage, "C", f"Demand, stage {stage}", text))
        self._table(
            folder / "letters.csv",
            "letter",
            (
                *("letter", "contract", "day", "time", "stage", "amount", "currency", "due"),
                *("addressee", "channel", "subject", "text"),
            ),
            rows,
            delimiter=";",
        )

    def _letter(
        self, consignment: str, at: datetime, stage: int, channel: str, subject: str, text: str
    ) -> tuple[object, ...]:
        due = self._at(consignment, "12").astimezone(SELLER_ZONE) + timedelta(days=31)
        whole, cents = divmod(self._cents(consignment), 100)
        amount = f"{whole:,}".replace(",", ".") + f",{cents:02}"
        return (
            f"IN-{consignment}-{stage}",
            self._contract,
            at.strftime("%d.%m.%Y"),
            at.strftime("%H:%M"),
            stage or "",
            amount,
            "EUR",
            due.strftime("%d.%m.%Y"),
            "Example Trading B.V., accounts@example.com",
            channel,
            f"{subject}, consignment {consignment}",
            text,
        )

    def _payments(self, folder: Path, part: Sequence[str], *, last: bool) -> None:
        rows = []
        for consignment in part[:-1] if last else part:
            days = 20 + self._draw(f"{consignment}/paid", 10)
            at = self._at(consignment, "12") + timedelta(days=days)
            whole, cents = divmod(self._cents(consignment), 100)
            rows.append(
                (
                    f"TRF{self._draw(f'{consignment}/trf', 10**8):08}",
                    self._contract,
                    at.isoformat(timespec="seconds"),
                    f"{whole}.{cents:02}",
                    "EUR",
                    "Example Trading B.V.",
                    "Example Machinery Co.",
                    at.strftime("%Y-%m-%d"),
                )
            )
        self._table(
            folder / "payments.csv",
            "payment",
            (
                *("bank_reference", "contract", "booked_at", "amount", "currency"),
                *("payer", "payee", "value_date"),
            ),
            rows,
        )

    def _messages(self, folder: Path, part: Sequence[str]) -> None:
        lines = []
        for consignment in part:
            for step, direction, sender, recipients, subject, body in (
                (
                    "04",
                    "outbound",
                    "shipping@example.com",
                    ["orders@example.com", "port@example.com"],
                    "Loaded",
                    "The goods are on board. The bill of lading follows tomorrow.",
                ),
                (
                    "11",
                    "inbound",
                    "orders@example.com",
                    ["shipping@example.com"],
                    "Counted",
                    "We counted the pieces and found them complete. 数量无误。",
                ),
            ):
                at = self._at(consignment, step) + timedelta(hours=2)
                lines.append(
                    {
                        "message_id": f"<{consignment}.{step}.{self._draw(subject, 10**6)}@example.com>",
                        "contract": self._contract,
                        "sent": at.strftime("%a, %d %b %Y %H:%M:%S %z"),
                        "direction": direction,
                        "from": {"address": sender},
                        "to": recipients,
                        "subject": f"{subject}: consignment {consignment}",
                        "body": body,
                    }
                )
        data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        self._write(folder / "messages.ndjson", data, "message", len(lines))

    def _calls(self, folder: Path, part: Sequence[str]) -> None:
        columns = (
            *("switch", "cdr_source_type", "callid", "caller_id_number", "caller_id_name"),
            *("destination_number", "dialcode", "state", "channel", "starting_date", "duration"),
            *("billsec", "hangup_cause_id", "direction", "accountcode", "extradata"),
        )
        rows = []
        for consignment in part:
            for step, callee in (("07", _BUYER_PHONE), ("12", "138****8888")):
                node = f"{consignment}.{step}"
                talk = self._draw(f"{node}/talk", 300) if step == "07" else 0
                at = self._at(consignment, step).astimezone(BUYER_ZONE) + timedelta(hours=1)
                caller = f"{_MOBILE}{self._draw(f'{node}/caller', 100):02}"
                rows.append(
                    (
                        "127.0.0.1",
                        "1",
                        hashlib.sha256(f"{self._seed}/{node}/call".encode()).hexdigest()[:32],
                        caller if step == "07" else _SELLER_PHONE,
                        "",
                        callee,
                        "",
                        "",
                        "",
                        at.strftime("%Y-%m-%d %H:%M:%S"),
                        talk + 12,
                        talk,
                        "16" if talk else "19",
                        "1",
                        self._code,
                        "{}",
                    )
                )
        self._table(folder / "calls.csv", "call", columns, rows)


def _label(nodes: Sequence[Node], step: str) -> str:
    return next(node.label for node in nodes if node.step == step)


def _pdf(lines: Sequence[str]) -> bytes:
    """A page with a few lines: the least that every reader opens."""
    text = "BT /F1 11 Tf 60 780 Td 16 TL\n"
    for line in lines:
        escaped = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        text += f"({escaped}) Tj T*\n"
    stream = (text + "ET\n").encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%sendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, table, len(objects) + 1, len(out))
    )

"""Owns the files of the trade case: the same facts, each as the system of its party exports it.

Test: tests/unit/importers/test_trade.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from notary.cases import case_folder, pdf
from notary.cases.case_folder import CaseFolder
from notary.cases.template import Node
from notary.cases.trade_facts import BUYER_ZONE, SELLER_ZONE, TradeFacts

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


class TradeExports:
    """Writes the case's stages into a folder and counts the records that they give."""

    def __init__(self, folder: CaseFolder, facts: TradeFacts, accounts: tuple[str, ...]) -> None:
        """`accounts` are the spellings by the carrier's events, the accounts side and the exchange."""
        self._folder = folder
        self._facts = facts
        self._draws = facts.draws
        self._order, self._contract, self._code = accounts
        self.records: dict[str, int] = {}

    @property
    def total(self) -> int:
        """How many records the stages so far give."""
        return sum(self.records.values())

    def stage(
        self, part: Sequence[str], nodes: Mapping[str, tuple[Node, ...]], *, last: bool
    ) -> str:
        """Write the files of some consignments; return the name of their folder."""
        folder = f"consignments-{part[0]}-{part[-1]}"
        steps = "".join(
            f'{word} = {{ step = "{step}", label = "{_label(nodes[part[0]], step)}" }}\n'
            for step, (word, _, _) in sorted(_EVENTS.items())
        )
        for name in ("nodes", "epcis", "letters", "payments", "acts", "messages", "calls"):
            text = case_folder.map_text("trade", name)
            self._folder.write_map(f"{folder}/{name}", text + steps if name == "epcis" else text)
        for consignment in part:
            self._events(folder, consignment, nodes[consignment])
        self._nodes(folder, part, nodes)
        self._acts(folder, part, nodes)
        self._letters(folder, part, last=last)
        self._payments(folder, part, last=last)
        self._messages(folder, part)
        self._calls(folder, part)
        return folder

    def _write(self, name: str, kind: str, data: bytes, count: int) -> None:
        self._folder.write(name, data)
        self.records[kind] = self.records.get(kind, 0) + count

    def _table(
        self,
        name: str,
        kind: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        delimiter: str = ",",
    ) -> None:
        self._write(name, kind, case_folder.table(columns, rows, delimiter=delimiter), len(rows))

    def _events(self, folder: str, consignment: str, nodes: Sequence[Node]) -> None:
        events = []
        for node in nodes:
            if node.step not in _EVENTS:
                continue
            word, disposition, place = _EVENTS[node.step]
            at = self._facts.at(consignment, node.step)
            digest = self._draws.hexes(f"{node.node}/event")
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
                            "quantity": self._facts.quantity(consignment),
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
            "creationDate": self._facts.at(consignment, "12").isoformat(timespec="milliseconds"),
            "epcisBody": {"eventList": events},
        }
        data = json.dumps(document, indent=1).encode() + b"\n"
        self._write(f"{folder}/scans-{consignment}.json", "milestone", data, len(events))

    def _nodes(
        self, folder: str, part: Sequence[str], nodes: Mapping[str, tuple[Node, ...]]
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
                f"{references[node.step]}-2025-{consignment}{self._draws.below(node.node, 9000) + 1000}",
            )
            for consignment in part
            for node in nodes[consignment]
            if node.step in references
        ]
        self._table(
            f"{folder}/nodes.csv",
            "milestone",
            ("entry", "contract", "node", "label", "consignment", "at", "status", "reference"),
            rows,
        )

    def _local(self, consignment: str, step: str) -> str:
        """A node's time by the buyer's clock, as its systems write it."""
        return (
            self._facts.at(consignment, step).astimezone(BUYER_ZONE).strftime("%Y-%m-%d %H:%M:%S")
        )

    def _acts(
        self, folder: str, part: Sequence[str], nodes: Mapping[str, tuple[Node, ...]]
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
                at = self._facts.at(consignment, step) + timedelta(minutes=30)
                name = f"certificates/{node}-{act}-{role}.{suffix}"
                text = [
                    f"CERTIFICATE OF {act.upper()}",
                    f"Contract {self._contract}, consignment {consignment}, node {node}: "
                    f"{_label(nodes[consignment], step)}",
                    f"Quantity: {self._facts.quantity(consignment)} pieces, counted, no reservation",
                    f"Signed for {signer} ({role}) on {at.isoformat(timespec='minutes')}",
                ]
                data = pdf.page(text) if suffix == "pdf" else ("\r\n".join(text) + "\r\n").encode()
                self._folder.write(f"{folder}/{name}", data)
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
            f"{folder}/acts.csv",
            "act",
            ("act_no", "contract", "signed_at", "act", "node", "role", "signer", "file"),
            rows,
        )

    def _letters(self, folder: str, part: Sequence[str], *, last: bool) -> None:
        rows = []
        for consignment in part:
            at = self._facts.at(consignment, "12").astimezone(SELLER_ZONE) + timedelta(days=1)
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
            invoiced = self._facts.at(part[-1], "12").astimezone(SELLER_ZONE) + timedelta(days=1)
            for stage, days, text in (
                (1, 46, "The invoice is open. Please pay within ten days."),
                (2, 61, "No payment has come.\nWe shall claim interest from the due date."),
                (3, 121, "Last demand: unless paid in ten days, we begin arbitration."),
            ):
                at = invoiced + timedelta(days=days)
                rows.append(self._letter(part[-1], at, stage, "C", f"Demand, stage {stage}", text))
        self._table(
            f"{folder}/letters.csv",
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
        due = self._facts.at(consignment, "12").astimezone(SELLER_ZONE) + timedelta(days=31)
        whole, cents = divmod(self._facts.cents(consignment), 100)
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

    def _payments(self, folder: str, part: Sequence[str], *, last: bool) -> None:
        rows = []
        for consignment in part[:-1] if last else part:
            days = 20 + self._draws.below(f"{consignment}/paid", 10)
            at = self._facts.at(consignment, "12") + timedelta(days=days)
            whole, cents = divmod(self._facts.cents(consignment), 100)
            rows.append(
                (
                    f"TRF{self._draws.below(f'{consignment}/trf', 10**8):08}",
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
            f"{folder}/payments.csv",
            "payment",
            (
                *("bank_reference", "contract", "booked_at", "amount", "currency"),
                *("payer", "payee", "value_date"),
            ),
            rows,
        )

    def _messages(self, folder: str, part: Sequence[str]) -> None:
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
                at = self._facts.at(consignment, step) + timedelta(hours=2)
                part_id = f"{consignment}.{step}.{self._draws.below(subject, 10**6)}"
                lines.append(
                    {
                        "message_id": f"<{part_id}@example.com>",
                        "contract": self._contract,
                        "sent": at.strftime("%a, %d %b %Y %H:%M:%S %z"),
                        "direction": direction,
                        "from": {"address": sender},
                        "to": recipients,
                        "subject": f"{subject}: consignment {consignment}",
                        "body": body,
                    }
                )
        data = case_folder.lines(lines)
        self._write(f"{folder}/messages.ndjson", "message", data, len(lines))

    def _calls(self, folder: str, part: Sequence[str]) -> None:
        columns = (
            *("switch", "cdr_source_type", "callid", "caller_id_number", "caller_id_name"),
            *("destination_number", "dialcode", "state", "channel", "starting_date", "duration"),
            *("billsec", "hangup_cause_id", "direction", "accountcode", "extradata"),
        )
        rows = []
        for consignment in part:
            for step, callee in (("07", _BUYER_PHONE), ("12", "138****8888")):
                node = f"{consignment}.{step}"
                talk = self._draws.below(f"{node}/talk", 300) if step == "07" else 0
                at = self._facts.at(consignment, step).astimezone(BUYER_ZONE) + timedelta(hours=1)
                caller = f"{_MOBILE}{self._draws.below(f'{node}/caller', 100):02}"
                rows.append(
                    (
                        "127.0.0.1",
                        "1",
                        self._draws.hexes(f"{node}/call")[:32],
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
        self._table(f"{folder}/calls.csv", "call", columns, rows)


def _label(nodes: Sequence[Node], step: str) -> str:
    return next(node.label for node in nodes if node.step == step)

"""Owns what the trade case's parties write, pay and say: letters, payments, messages and calls.

Test: tests/unit/importers/test_trade.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notary.cases import case_folder
from notary.cases.trade_facts import BUYER_ZONE, SELLER_ZONE, TradeFacts

_BUYER_PHONE = "+442079460123"
_SELLER_PHONE = "+12025550148"
_MOBILE = "+4477009002"  # and two digits: reserved for fiction


@dataclass(frozen=True)
class Export:
    """A file of a stage. `kind` is what a right import makes of its rows, `records` how many they are."""

    name: str
    kind: str
    data: bytes
    records: int


OTHERS_CALL = 4  # the exchange's number of a call that has nothing to do with the contract


class TradeDealings:
    """The exports of a matter that is spelled as the contract, and by the exchange as a code."""

    def __init__(self, facts: TradeFacts, contract: str, code: str, *, numbered: bool) -> None:
        """`numbered` says that exchange and gateway write their own number of each record."""
        self._numbered = numbered
        self._facts = facts
        self._draws = facts.draws
        self._contract = contract
        self._code = code

    def letters(self, part: Sequence[str], *, last: bool) -> Export:
        """Invoices and demands, from the seller's accounts."""
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
        return table(
            "letters.csv",
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

    def payments(self, part: Sequence[str], *, last: bool) -> Export:
        """What came in, from the seller's bank."""
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
        return table(
            "payments.csv",
            "payment",
            (
                *("bank_reference", "contract", "booked_at", "amount", "currency"),
                *("payer", "payee", "value_date"),
            ),
            rows,
        )

    def messages(self, part: Sequence[str]) -> Export:
        """The correspondence, from the mail gateway."""
        lines: list[dict[str, object]] = []
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
                if self._numbered:
                    lines[-1]["seq"] = self._facts.number(consignment, step, ("04", "11"))
        return Export("messages.ndjson", "message", case_folder.lines(lines), len(lines))

    def calls(self, part: Sequence[str]) -> Export:
        """The calls, from the telephone exchange."""
        columns = (
            *("switch", "cdr_source_type", "callid", "caller_id_number", "caller_id_name"),
            *("destination_number", "dialcode", "state", "channel", "starting_date", "duration"),
            *("billsec", "hangup_cause_id", "direction", "accountcode", "extradata"),
            *(("seq",) if self._numbered else ()),
        )
        rows = []
        for consignment in part:
            for step, callee in (("07", _BUYER_PHONE), ("12", "138****8888")):
                node = f"{consignment}.{step}"
                number = self._facts.number(consignment, step, ("07", "12"))
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
                        # The exchange counts all its calls; one was none of this contract.
                        *((number + (number >= OTHERS_CALL),) if self._numbered else ()),
                    )
                )
        return table("calls.csv", "call", columns, rows)


def table(
    name: str,
    kind: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    delimiter: str = ",",
) -> Export:
    """An export that is a CSV."""
    return Export(name, kind, case_folder.table(columns, rows, delimiter=delimiter), len(rows))

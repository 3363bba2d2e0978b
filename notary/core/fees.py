"""What a transaction may pay: the first attempt's fees and those of the next.

Spec: docs/spec/sender.md §1 rule 4. Test: tests/unit/anchor/test_fees.py. Amounts are wei per gas.
"""

from __future__ import annotations

from dataclasses import dataclass

from notary.core.intent import raised_fee

# The base fee rises by at most an eighth a block (EIP-1559), so twice the present one lasts for five
# full blocks.
BASE_FEE_MARGIN = 2


@dataclass(frozen=True)
class Offer:
    """Both fee fields of a transaction: what it pays at most, and of that to the block's maker."""

    max_fee: int
    priority_fee: int


def first_offer(base_fee: int, priority_fee: int, cap: int) -> Offer | None:
    """Fees of a first attempt, or None if the cap leaves the block's maker less than is asked."""
    if base_fee + priority_fee > cap:
        return None
    return Offer(min(BASE_FEE_MARGIN * base_fee + priority_fee, cap), priority_fee)


def next_offer(old: Offer, base_fee: int, priority_fee: int, cap: int) -> Offer | None:
    """Fees of an attempt that replaces `old`, or None if the cap does not allow both to rise enough."""
    least = Offer(raised_fee(old.max_fee), raised_fee(old.priority_fee))
    if least.max_fee > cap:
        return None
    wanted = max(least.priority_fee, priority_fee)
    max_fee = min(max(least.max_fee, BASE_FEE_MARGIN * base_fee + wanted), cap)
    return Offer(max_fee, min(wanted, max_fee))

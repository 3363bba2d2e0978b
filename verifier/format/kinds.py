"""Owns the registry: which claims each kind of record can have (docs/spec/format.md §7).

Proved by tests/unit/format/test_kinds.py, which reads the table of the specification.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from verifier.format.digests import shown
from verifier.format.errors import FormatError

COMMON: frozenset[str] = frozenset(
    {
        "occurred_at",
        "occurred_at_source",
        "account",
        "reference",
        "parties",
        "text",
        "import",
        "raw",
        "corrects",
        "fields",
        "aside",
    }
)

# Decimal without leading zeros, at most 9999.
_ATTACHMENT = re.compile(r"attachment-(?:0|[1-9][0-9]{0,3})")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Kind → its own claim names, beside the common ones.
KINDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "letter": _names(
            "stage amount due_date consequence legal_basis addressee channel template subject"
        ),
        "message": _names("channel direction sender recipients subject"),
        "call": _names("direction caller callee duration_s talk_s disposition party_role"),
        "visit": _names("started_at ended_at place staff coverage"),
        "payment": _names("amount payer payee method value_date"),
        "milestone": _names("template node label status consignment event"),
        "act": _names("act milestone role signer signature"),
        "chain_event": _names("chain_id contract topics log_data block event code_hash proof"),
        "filing": _names("court filing subject"),
        "agreement": _names("agreement subject"),
        "derived": _names("model inputs"),
        "correction": _names("reason"),
        "withdrawal": _names("reason"),
        "erasure": _names("target reason authority"),
        "hold": _names("action target reason authority"),
        "custody": _names("action actor purpose request shown package predecessor"),
        "document": _names("title filename"),
    }
)

_ALLOWED = {kind: own | COMMON for kind, own in KINDS.items()}


def check_claim(kind: str, name: str) -> None:
    """Refuse a claim name that a record of this kind can't have.

    Raises FormatError KIND_UNKNOWN or CLAIM_UNKNOWN.
    """
    allowed = _ALLOWED.get(kind)
    if allowed is None:
        raise FormatError("KIND_UNKNOWN", f"{shown(kind)} is no registered kind")
    if name not in allowed and not _ATTACHMENT.fullmatch(name):
        raise FormatError("CLAIM_UNKNOWN", f"a {kind} has no claim {shown(name)}")


def is_attachment(name: str) -> bool:
    """Whether a claim name is `attachment-N`."""
    return _ATTACHMENT.fullmatch(name) is not None

"""The catalogue of attacks. Importing this package fills it."""

from tests.hostile.attacks import (
    asides,
    asked,
    chain,
    container,
    events,
    finality,
    history,
    keys,
    legs,
    log,
    others,
    person,
    receipts,
    records,
    sources,
    tokens,
)
from tests.hostile.case import CATALOGUE as ALL

__all__ = [
    "ALL",
    "asides",
    "asked",
    "chain",
    "container",
    "events",
    "finality",
    "history",
    "keys",
    "legs",
    "log",
    "others",
    "person",
    "receipts",
    "records",
    "sources",
    "tokens",
]

"""Loaded by schemathesis before it runs: what it must know to send every body."""

from __future__ import annotations

import os
from typing import Any

import schemathesis

# The asking key and its user, which must stay: a list shows them, and a later request would end them.
SPARED = "SCHEMATHESIS_SPARED"
NOBODY = {"key": "k" + "a" * 26, "user": "u" + "a" * 16}


@schemathesis.serializer("application/x-ndjson")
def as_it_is(context: Any, value: Any) -> bytes:
    """A stream is described as a text, and sent so."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Ask of nobody what would be asked of oneself."""
    spared = os.environ[SPARED].split(",")
    for name, other in NOBODY.items():
        if case.path_parameters and case.path_parameters.get(name) in spared:
            case.path_parameters[name] = other

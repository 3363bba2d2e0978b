"""Loaded by schemathesis before it runs: what it must know to send every body."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def as_it_is(context: Any, value: Any) -> bytes:
    """A stream is described as a text, and sent so."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")

"""Owns paths into a JSON object: `name.name[member=value].name` (docs/spec/column-map.md §2).

Test: tests/scenarios/ingest/test_events.py.
"""

from __future__ import annotations

import re
from typing import TypeAlias

# A name, and where an array stands there, the member and the value that choose its element.
MemberPath: TypeAlias = tuple[tuple[str, str | None, str], ...]

_STEP = re.compile(r"([^.\[\]]+)(?:\[([^=\]]+)=([^\]]*)\])?(?:\.(?!\Z)|\Z)")


def parse_path(text: str) -> MemberPath:
    """Read a path. Raises ValueError."""
    steps: list[tuple[str, str | None, str]] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            break
        steps.append((match[1], match[2], match[3] or ""))
        at = match.end()
    if not steps or at < len(text):
        raise ValueError(
            f"{text!r} is no path; write it as bizTransactionList[type=po].bizTransaction"
        )
    return tuple(steps)

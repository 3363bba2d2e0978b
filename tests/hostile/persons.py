"""The verifying person's own two files: policy and inputs (docs/spec/verification.md §1 and §2).

Both are plain dictionaries written as TOML, so that a test can leave out, add or twist any member.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Toml = dict[str, Any]


def toml(document: Toml) -> str:
    """Write a document of the shapes that policy and inputs have: scalars first, then tables."""
    lines = [f"{name} = {_value(value)}" for name, value in document.items() if _plain(value)]
    for name, value in document.items():
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *(f"{n} = {_value(v)}" for n, v in value.items())]
        elif not _plain(value):
            for item in value:
                lines += ["", f"[[{name}]]", *(f"{n} = {_value(v)}" for n, v in item.items())]
    return "\n".join(lines) + "\n"


def _plain(value: object) -> bool:
    if isinstance(value, list):
        return not any(isinstance(item, dict) for item in value)
    return not isinstance(value, dict)


def _value(value: object) -> str:
    # JSON's strings, integers, booleans and flat arrays are TOML's too.
    return json.dumps(value, ensure_ascii=False)


def write(document: Toml, path: Path) -> Path:
    path.write_text(toml(document), "utf-8")
    return path

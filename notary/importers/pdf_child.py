"""Reads what PDFs say of themselves, in a process of its own with limits: the one importer of pypdf.

A line with a path comes in, a line of JSON goes out; the process ends when nobody writes to it any more. It
may be killed at any time. Spec: docs/spec/importers.md §8. Test: tests/unit/importers/test_pdf.py.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_MEMORY = (
    512 * 2**20
)  # bytes of address space: pypdf and a file of the largest size, a few times over
MAX_TEXT = 1_000  # characters of a title
# What a file may say of itself, by its name in the document's information.
_TEXTS = {"title": "/Title", "producer": "/Producer", "created": "/CreationDate"}


def main() -> None:
    """Answer until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    # What the library says of damaged files goes nowhere.
    logging.disable()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(Path(json.loads(line)))) + "\n")
        sys.stdout.flush()


def _answer(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        says: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest()}
        says.update(_says(data))
    except MemoryError:
        return {"note": "it wants too much memory"}
    except RecursionError:
        return {"note": "it is nested too deeply"}
    except Exception as error:  # noqa: BLE001 - a hostile file brings out whatever the library has
        return {"note": f"it can't be read ({type(error).__name__})"}
    return says


def _says(data: bytes) -> dict[str, Any]:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        return {"note": "it is encrypted"}
    says: dict[str, Any] = {"pages": len(reader.pages)}
    stated: Mapping[str, Any] = reader.metadata or {}
    for name, member in _TEXTS.items():
        value = stated.get(member)
        if isinstance(value, str) and value.strip():
            says[name] = value.strip()[:MAX_TEXT]
    return says


if __name__ == "__main__":
    main()

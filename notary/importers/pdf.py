"""Owns what a PDF says of itself, read by a process with limits (docs/spec/importers.md §8).

A PDF can be made to cost any time and memory, and its bytes are hashed whatever it does. One process serves
all files of this one and is replaced when it hangs or dies. Test: tests/unit/importers/test_pdf.py.
"""

from __future__ import annotations

import atexit
import json
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from notary.importers.original import Original
from notary.importers.values import CONTROL
from verifier.format.jsonc import Json

MAX_PDF_BYTES = 64 * 2**20  # read whole; of a larger one the version alone is told
TIMEOUT_S = 10.0  # an honest file of that size takes one or two

_UNREAD = "only the version was read: "


class _Reader:
    """The process, started when first asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None

    def ask(self, path: str) -> Mapping[str, Any] | None:
        """What the file says; None if the process had to be ended or died."""
        with self._lock:
            child = self._started()
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                child.stdin.write(json.dumps(path) + "\n")
                child.stdin.flush()
                ready, _, _ = select.select([child.stdout], [], [], TIMEOUT_S)
                line = child.stdout.readline() if ready else ""
            except OSError:
                line = ""
            if not line:
                self._end()
                return None
            answer: Mapping[str, Any] = json.loads(line)
            return answer

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _started(self) -> subprocess.Popen[str]:
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-m", "notary.importers.pdf_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            # Writing to a process that is gone fails once more when its pipe is closed.
            with suppress(BrokenPipeError):
                child.__exit__(None, None, None)


_READER = _Reader()
atexit.register(_READER.close)


def pdf_says(original: Original) -> dict[str, Json]:
    """Version, and what else was read within the limits; `note` says why where it was not."""
    version = original.head()[5:8].decode("ascii", "replace").strip()
    says: dict[str, Json] = {"version": CONTROL.sub("\N{REPLACEMENT CHARACTER}", version)}
    if original.size > MAX_PDF_BYTES:
        says["note"] = f"{_UNREAD}it is longer than {MAX_PDF_BYTES} bytes"
        return says
    answer = _READER.ask(str(original.path.absolute()))
    if answer is None:
        says["note"] = f"{_UNREAD}it takes too long"
    elif "note" in answer:
        says["note"] = _UNREAD + answer["note"]
    elif answer["sha256"] != original.sha256.hex():
        # The facts would be those of other bytes.
        says["note"] = f"{_UNREAD}the file changed meanwhile"
    else:
        says["pages"] = answer["pages"]
        for name in ("title", "producer", "created"):
            if name in answer:
                text = answer[name].encode("utf-8", "replace").decode("utf-8")
                says[name] = CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return says

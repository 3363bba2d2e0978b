"""Keeps receipts: one file a month beside the journal, a line each, on disk before the record waits no more.

They are what convicts the service if it does not anchor, so they outlive the journal's rows; whole months may
be packed and moved away, since the agent only adds. After a crash a line may stand twice, with one receipt.
Test: tests/unit/agent/test_journal.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from notary.adapters.durable import PRIVATE_FILE, PRIVATE_FOLDER, force_names
from notary.errors import NothingHappened

FOLDER = "receipts"
MONTH = 7  # characters of a time: 2026-11

Line = tuple[str, str, str, str]


class ReceiptFiles:
    """The receipts of one agent, in its own folder."""

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER

    def add(self, receipts: Iterable[Line]) -> None:
        """Add (key, record id, receipt, time of its coming), durably.

        Raises NothingHappened RECEIPTS if the disk refuses: nothing may be forgotten then.
        """
        by_month: dict[str, list[bytes]] = {}
        for key, record_id, receipt, sent_at in receipts:
            line = {"key": key, "record_id": record_id, "receipt": receipt, "sent_at": sent_at}
            text = json.dumps(line, ensure_ascii=False) + "\n"
            by_month.setdefault(sent_at[:MONTH], []).append(text.encode("utf-8"))
        for month, lines in by_month.items():
            self._append(self._folder / f"{month}.ndjson", b"".join(lines))

    def _append(self, path: Path, content: bytes) -> None:
        try:
            is_new = not path.exists()
            path.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, PRIVATE_FILE)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                size = file.seek(0, os.SEEK_END)
                if size:
                    file.seek(size - 1)
                    if file.read(1) != b"\n":
                        # The half of a line that a crash left stays a line by itself.
                        content = b"\n" + content
                while content:
                    content = content[file.write(content) :]
                os.fsync(file.fileno())
            if is_new:
                force_names(path.parent, path.parent.parent)
        except OSError as error:
            raise NothingHappened(
                "RECEIPTS",
                f"{path}: {error.strerror}. What was sent is sent again, and gets the same receipts, when "
                "there is room.",
            ) from error

"""Records as people and programs are shown them: rows of a matter, one record, its first answer.

Test: tests/scenarios/service/test_service.py, tests/api/test_api.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from notary.core.intake import Accepted
from notary.ports import AnchorBook, Matter, MatterRegister
from notary.usecases.read import RecordReader, RecordView
from verifier.format import records, times

TIMELINE_PAGE = 1000


@dataclass(frozen=True)
class RecordShelf:
    """Reads for one agency at a time; nothing of another agency is ever shown."""

    reader: RecordReader
    register: MatterRegister
    book: AnchorBook

    def first_answer(self, agency_id: int, record_id: int) -> Accepted:
        """An acknowledged record as it was first answered."""
        view = self.reader.by_id(agency_id, record_id)
        detail = self.reader.content(agency_id, record_id)
        return Accepted(
            view.record_id,
            view.matter_key,
            view.position,
            view.leaf,
            tuple(detail.disclosures.values()),
            view.receipt,
            replayed=True,
        )

    def rows(self, agency_id: int, matter: Matter) -> list[dict[str, Any]]:
        """The records of a matter without content, in order."""
        rows: list[dict[str, Any]] = []
        while len(rows) < matter.size:
            page = self.reader.of_matter(agency_id, matter.key, len(rows), TIMELINE_PAGE)
            if not page:
                break
            rows += [_row(view) for view in page]
        return rows

    def shown(self, agency_id: int, record_id: int) -> dict[str, Any]:
        """One record with its content and how far it is anchored."""
        view = self.reader.by_id(agency_id, record_id)
        detail = self.reader.content(agency_id, record_id)
        matter = self.register.by_key(agency_id, view.matter_key)
        return {
            **_row(view),
            "matter": None if matter is None else matter.number,
            "leaf": view.leaf.decode("utf-8"),
            "leaf_hash": view.leaf_hash.hex(),
            "deadline": times.format_time(view.deadline),
            "state": self._state(view),
            "fields": dict(detail.values),
            "disclosures": list(detail.disclosures.values()),
            "receipt": view.receipt.decode("utf-8"),
        }

    def _state(self, view: RecordView) -> str:
        if view.batch is None:
            return "acknowledged, waits for sealing"
        proved = next(
            (anchor for anchor in self.book.anchors() if anchor.link.size > view.batch), None
        )
        if proved is None:
            return f"sealed in batch {view.batch}, not proved on chain yet"
        moment = times.format_block_time(proved.link.time)
        return f"sealed in batch {view.batch}, anchored {moment} (block time), proved"


def _row(view: RecordView) -> dict[str, Any]:
    leaf = records.parse_leaf(view.leaf)
    return {
        "record_id": view.record_id,
        "position": view.position,
        "kind": view.kind,
        "recorded_at": times.format_time(leaf.recorded_at),
        "batch": view.batch,
        "erased": view.erased,
        "claims": sorted(leaf.claims),
    }

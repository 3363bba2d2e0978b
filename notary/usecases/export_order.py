"""What is ordered of an export, and what came of it.

Spec: docs/spec/package.md §1. Tests: tests/unit/service/test_cli.py, tests/api/test_exports.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from notary.errors import CallerError
from notary.usecases.export_sources import NamedSource
from notary.usecases.reissue import Earlier
from verifier.format import statement
from verifier.format.numbers import MatterNumber
from verifier.format.statement import Kind, Reason


@dataclass(frozen=True)
class Withhold:
    """Keep a claim (or with None a whole record's content) back, for a typed reason."""

    position: int
    claim: str | None
    reason: Reason


@dataclass(frozen=True)
class ExportOrder:
    """What to export. `positions` are the records of an extract, empty otherwise.

    `full_history` adds every header and the matter's map proof in every batch. `block` or `time` (block
    time) is the latest that the as-of block may be. With `again` only what that package showed of its records
    is shown; `show_added` says that records which came since may be shown whole. `sources` says whether the
    logs of the records' sources are shown; None: as in that package, and without one in a complete package
    alone.
    """

    number: MatterNumber
    kind: str = "complete"
    positions: tuple[int, ...] = ()
    withhold: tuple[Withhold, ...] = field(default=())
    full_history: bool = False
    block: int | None = None
    time: int | None = None
    again: Earlier | None = None
    show_added: bool = False
    sources: bool | None = None
    named_sources: tuple[NamedSource, ...] = ()


@dataclass(frozen=True)
class ExportResult:
    """What a package holds, for the person who ordered it. Times are block times.

    `added` are the positions that the earlier package, if there is one, did not have; `erased` those of
    erased records, `unsaid` those of erased records whose tombstone is not shown or not anchored yet.
    """

    kind: str
    records: int
    shown: int
    withheld: int
    as_of_block: int
    as_of_time: int
    blocks: tuple[statement.Block, ...]
    added: tuple[int, ...] = ()
    erased: tuple[int, ...] = ()
    unsaid: tuple[int, ...] = ()


def kind_of(order: ExportOrder) -> Kind:
    """The kind that is ordered. Raises CallerError for an order that contradicts itself."""
    try:
        kind = Kind(order.kind)
    except ValueError:
        raise CallerError(
            "KIND_UNKNOWN", f"{order.kind!r} is no kind of package; want {', '.join(Kind)}."
        ) from None
    if (kind is Kind.EXTRACT) != bool(order.positions):
        raise CallerError(
            "POSITIONS_WANTED", "an extract names its positions; the other kinds name none."
        )
    if kind is Kind.ABSENT and order.named_sources:
        raise CallerError("NO_SOURCES_SHOWN", "an absent package shows no source.")
    if kind is Kind.ABSENT and order.withhold:
        raise CallerError("NOTHING_TO_WITHHOLD", "an absent package holds no records.")
    return kind

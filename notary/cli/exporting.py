"""The command that writes an evidence package: an order out of words, and what came of it.

Test: tests/unit/service/test_cli.py, tests/scenarios/service/test_service.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notary.cli import present
from notary.cli.options import HomeOption, JsonOption, PurposeOption, opened
from notary.cli.output import answer, errors_said, progress_bar
from notary.errors import CallerError
from notary.usecases.export_order import ExportOrder, ExportResult, Withhold
from verifier.format import numbers, times
from verifier.format.errors import FormatError
from verifier.format.statement import History, Reason

if TYPE_CHECKING:  # what it loads would make every `--help` wait
    from notary.usecases.reissue import Earlier

LATEST = "latest"


def register(app: typer.Typer) -> None:
    """Add the command to the `notary` command line."""
    app.command()(export)


def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="The zip to write.")],
    number: Annotated[
        str | None, typer.Argument(help="The matter number; not with --again.")
    ] = None,
    again: Annotated[
        Path | None,
        typer.Option(
            "--again",
            help="An earlier package: the same again as of a later block, showing no more of its records.",
        ),
    ] = None,
    show_added: Annotated[
        bool,
        typer.Option("--show-added", help="With --again: show records that came since."),
    ] = False,
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of",
            help="The newest proof up to this block number or time. Default: latest.",
        ),
    ] = LATEST,
    position: Annotated[
        list[int] | None,
        typer.Option("--position", help="Only this record (an extract); may be repeated."),
    ] = None,
    absent: Annotated[
        bool, typer.Option("--absent", help="Prove that nothing is under this number.")
    ] = False,
    withhold: Annotated[
        list[str] | None,
        typer.Option(
            "--withhold",
            help="POSITION[:FIELD]=REASON, e.g. 5:amount=trade_secret; may be repeated.",
        ),
    ] = None,
    full_history: Annotated[
        bool,
        typer.Option(
            "--full-history",
            help="Add every batch header and what the log held in each: no removal goes unseen.",
        ),
    ] = False,
    purpose: PurposeOption = None,
    sources: Annotated[
        bool | None,
        typer.Option(
            "--sources/--no-sources",
            help="Show the logs of the records' sources, whole days of them. Default: in complete packages.",
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="NAME[@DAY]",
            help="Show the log of this source as well, by name or number, whether a record names it or not; "
            "with @2026-10-01 all of it from that day on. May be repeated.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if there is one.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the order, write nothing.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the evidence package of a matter, as of the newest final proof. The log records who took it."""
    from notary.usecases.reissue import read_earlier

    with errors_said(), opened(home) as service:
        if (number is None) == (again is None):
            raise CallerError(
                "ORDER_MIXED", "name a matter number, or --again a package; not both."
            )
        if out.exists() and not (force or dry_run):
            raise CallerError(
                "EXPORT_FILE",
                f"{out} is there already. Nothing was changed; name another file, or replace it by --force.",
            )
        if again is not None:
            if position or absent or full_history:
                raise CallerError(
                    "ORDER_MIXED", "--again takes kind, records and history from the package."
                )
            order = again_order(read_earlier(again), tuple(withhold or ()), show_added, as_of)
        else:
            order = export_order(
                number or "",
                tuple(position or ()),
                absent,
                tuple(withhold or ()),
                full_history,
                as_of,
            )
        named = tuple(
            service.named_source(service.agency_id, name, day or None)
            for name, _, day in (text.partition("@") for text in source or ())
        )
        order = replace(order, sources=sources, named_sources=(*order.named_sources, *named))
        with progress_bar(
            "packing", "batches, then records" if order.full_history else "records"
        ) as progress:
            result = service.export(
                service.agency_id, order, None if dry_run else out, progress, purpose
            )
        answer(
            as_json,
            export_json(result),
            export_text(result, None if dry_run else out),
        )


def export_order(
    number: str,
    positions: tuple[int, ...],
    absent: bool,
    withhold: tuple[str, ...],
    full_history: bool = False,
    as_of: str = LATEST,
) -> ExportOrder:
    """An order from the command line's words."""
    if absent and positions:
        raise CallerError("ORDER_MIXED", "--absent and --position exclude each other.")
    kind = "absent" if absent else "extract" if positions else "complete"
    return ExportOrder(
        numbers.parse(number),
        kind,
        positions,
        tuple(_withhold(text) for text in withhold),
        full_history,
        *_as_of(as_of),
    )


def again_order(
    earlier: Earlier, withhold: tuple[str, ...], show_added: bool, as_of: str
) -> ExportOrder:
    """The order of an earlier package, as of a later block."""
    choices = earlier.stated.choices
    block, time = _as_of(as_of)
    return ExportOrder(
        choices.matter,
        choices.kind.value,
        earlier.positions,
        tuple(_withhold(text) for text in withhold),
        choices.history is History.FULL,
        block,
        time,
        earlier,
        show_added,
        named_sources=earlier.named_sources,
    )


def _as_of(text: str) -> tuple[int | None, int | None]:
    """The greatest block number, or else the latest block time."""
    if text == LATEST:
        return None, None
    if text.isascii() and text.isdigit():
        return int(text), None
    try:
        return None, int(times.parse_time(text).timestamp())
    except FormatError as error:
        raise CallerError(
            "AS_OF_FORM",
            f"--as-of {text[:80]!a}: want {LATEST}, a block number, or a time like "
            "2026-11-01T00:00:00.000Z.",
        ) from error


def _withhold(text: str) -> Withhold:
    target, found, reason = text.partition("=")
    position, _, claim = target.partition(":")
    if not found or not position.isascii() or not position.isdigit():
        raise CallerError(
            "WITHHOLD_FORM", f"--withhold {text!r}: want POSITION[:FIELD]=REASON, e.g. 5=privilege"
        )
    try:
        return Withhold(int(position), claim or None, Reason(reason))
    except ValueError:
        raise CallerError(
            "WITHHOLD_REASON", f"--withhold {text!r}: the reason is one of {', '.join(Reason)}"
        ) from None


def export_json(result: ExportResult) -> dict[str, object]:
    """What was exported, for programs."""
    return {
        "kind": result.kind,
        "records": result.records,
        "shown": result.shown,
        "withheld": result.withheld,
        "added": list(result.added),
        "erased": list(result.erased),
        "erased_without_tombstone": list(result.unsaid),
        "as_of": {"block": result.as_of_block, "time": times.format_block_time(result.as_of_time)},
        "blocks": [
            {
                "chain_id": block.chain_id,
                "number": block.number,
                "hash": f"0x{block.hash.hex()}",
                "used_for": block.used_for.value,
            }
            for block in result.blocks
        ],
    }


def export_text(result: ExportResult, out: Path | None) -> str:
    """What was exported, for people."""
    where = "dry run: nothing was written" if out is None else f"wrote {out}"
    moment = times.format_block_time(result.as_of_time)
    return (
        f"{where}\n{result.kind}: {result.shown} of {present.counted(result.records, 'record')} as of block "
        f"{result.as_of_block} ({moment}), {present.counted(result.withheld, 'field')} withheld"
        + (
            f"; records added since the earlier package: {len(result.added)}"
            if result.added
            else ""
        )
        + (f"; {present.counted(len(result.erased), 'record')} erased" if result.erased else "")
        + (
            f"\nrecords {', '.join(map(str, result.unsaid))} were erased, and their tombstones are not "
            "anchored yet or not shown:\ntheir fields count as withheld"
            if result.unsaid
            else ""
        )
    )

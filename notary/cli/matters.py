"""The commands for matters, their records, and who was given them.

Test: tests/unit/service/test_cli.py, tests/scenarios/service/test_custody.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notary.cli import present
from notary.cli.options import HomeOption, JsonOption, PurposeOption, opened
from notary.cli.output import answer, errors_said, say
from verifier.format import numbers, times

if TYPE_CHECKING:  # what it loads would make every `--help` wait
    from notary.ports import Matter

matter_app = typer.Typer(help="Cases and contracts: make, list, show.", no_args_is_help=True)
record_app = typer.Typer(help="Acknowledged records.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the `notary` command line."""
    app.add_typer(matter_app, name="matter")
    app.add_typer(record_app, name="record")
    app.command()(custody)


@matter_app.command("new")
def matter_new(
    title: Annotated[str, typer.Argument(help="What people call it. Kept encrypted.")],
    account: Annotated[
        list[str] | None,
        typer.Option("--account", help="An account that leads to it; may be repeated."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a matter and print its number."""
    with errors_said(), opened(home) as service:
        matter = service.new_matter(service.agency_id, title, tuple(account or ()))
        answer(as_json, _matter_json(matter), _matter_text(matter))


@matter_app.command("account")
def matter_account(
    number: Annotated[str, typer.Argument(help="The matter number.")],
    account: Annotated[list[str], typer.Argument(help="Accounts that lead to it from now on.")],
    home: HomeOption = None,
) -> None:
    """Let more accounts lead to a matter. Feed waiting rows with `notary ingest --unassigned`."""
    with errors_said(), opened(home) as service:
        matter = service.matter(service.agency_id, number)
        say(_matter_text(service.register.add_accounts(service.agency_id, matter.key, account)))


@matter_app.command("list")
def matter_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the agency's matters."""
    with errors_said(), opened(home) as service:
        matters = service.register.all(service.agency_id)
        answer(
            as_json,
            [_matter_json(matter) for matter in matters],
            _matters_table(matters),
        )


@matter_app.command("show")
def matter_show(
    number: Annotated[str, typer.Argument(help="The matter number; hyphens may stay.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one matter and its records."""
    with errors_said(), opened(home) as service:
        matter = service.matter(service.agency_id, number)
        rows = service.shelf.rows(service.agency_id, matter)
        answer(
            as_json,
            {**_matter_json(matter), "timeline": rows},
            f"{_matter_text(matter)}\n{_timeline_table(rows)}",
        )


@record_app.command("show")
def record_show(
    record_id: Annotated[
        str,
        typer.Argument(help="Its number, as `notary matter show` lists it, or its id over HTTP."),
    ],
    purpose: PurposeOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one record: leaf, fields, receipt, and how far it is anchored. The log records who read it."""
    with errors_said(), opened(home) as service:
        row = service.record_row(record_id)
        shown = service.show_record(service.agency_id, row, purpose)
        answer(as_json, shown, record_text(shown))


def custody(
    number: Annotated[str, typer.Argument(help="The matter number; hyphens may stay.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who read or exported a matter, what of it, when and why."""
    with errors_said(), opened(home) as service:
        matter = service.matter(service.agency_id, number)
        rows = list(service.custody.listed(service.agency_id, matter))
        answer(as_json, rows, _custody_table(rows))


def _matter_json(matter: Matter) -> dict[str, object]:
    """A matter for programs."""
    return {
        "number": matter.number,
        "title": matter.title,
        "accounts": list(matter.accounts),
        "records": matter.size,
        "created_at": times.format_time(matter.created_at),
    }


def _matter_text(matter: Matter) -> str:
    """A matter for people."""
    return "\n".join(
        [
            f"number    {numbers.display(numbers.parse(matter.number))}",
            f"title     {matter.title}",
            f"accounts  {', '.join(matter.accounts) or 'none'}",
            f"records   {matter.size}",
        ]
    )


def _matters_table(matters: Sequence[Matter]) -> str:
    """All matters, one a line."""
    if not matters:
        return "no matters yet; `notary matter new TITLE` makes one"
    return present.table(
        ("number", "records", "title", "accounts"),
        [
            (matter.number, str(matter.size), matter.title, ", ".join(matter.accounts))
            for matter in matters
        ],
    )


def _timeline_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The records of a matter, one a line."""
    if not rows:
        return "no records yet"
    return present.table(
        ("position", "record", "kind", "recorded (stated)", "batch"),
        [
            (
                str(row["position"]),
                str(row["record_id"]),
                str(row["kind"]),
                str(row["recorded_at"]),
                "waits" if row["batch"] is None else str(row["batch"]),
            )
            for row in rows
        ],
    )


def _custody_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Who was given what of a matter, one request a line."""
    if not rows:
        return "nobody has read or exported this matter"
    return present.table(
        ("position", "when", "who", "did", "positions", "why", "batch"),
        [
            (
                "held" if row["position"] is None else str(row["position"]),
                str(row["occurred_at"]),
                str(row["actor"]),
                str(row["action"]),
                ", ".join(_range(first, end) for first, end in row["shown"] or ()),
                row["purpose"] or "not said",
                "waits" if row["batch"] is None else str(row["batch"]),
            )
            for row in rows
        ],
    )


def _range(first: int, end: int) -> str:
    return str(first) if end == first + 1 else f"{first} to {end - 1}"


def record_text(shown: Mapping[str, Any]) -> str:
    """One record for people."""
    lines = [
        f"record     {shown['record_id']}, position {shown['position']}",
        f"matter     {shown['matter']}",
        f"kind       {shown['kind']}",
        f"recorded   {shown['recorded_at']} (stated by the service)",
        f"leaf hash  {shown['leaf_hash']}",
        f"deadline   {shown['deadline']} (receipt signed)",
        f"state      {shown['state']}",
        "fields",
    ]
    lines += [
        f"  {name:<20} {present.claim_text(value)}" for name, value in shown["fields"].items()
    ]
    return "\n".join(lines)

"""The commands that end a record's content, or keep it: erase, hold, retention.

Test: tests/scenarios/service/test_erasure.py.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notary.cli.options import DryRunOption, HomeOption, JsonOption, opened
from notary.cli.output import answer, errors_said, progress_bar, say
from notary.core.erasures import Order, Reason
from notary.errors import CallerError
from verifier.format import times

if TYPE_CHECKING:  # what these modules load would make every `--help` wait
    from notary.usecases.erasure_plan import Planned
    from notary.usecases.retention import Due

AuthorityOption = Annotated[
    str,
    typer.Option(
        help="On whose word: an office and a file number, no person. It stays in the log."
    ),
]
NumberArgument = Annotated[str, typer.Argument(help="The matter number.")]

hold_app = typer.Typer(
    help="Legal holds: what they cover can't be erased. Each is a record of its matter.",
    no_args_is_help=True,
)
retention_app = typer.Typer(
    help="How long records are kept, by the rules of retention.toml.", no_args_is_help=True
)

MAX_SHOWN = 100  # lines for people; the JSON has them all
NOT_REACHED = (
    "Not reached: packages handed out, the submitter's own files, and backups: run notary backup into each "
    "folder\nagain, or notary keys rotate-kek --destroy-old to close all older ones."
)


def register(app: typer.Typer) -> None:
    """Add the commands to the `notary` command line."""
    app.command()(erase)
    hold_app.command("set")(hold_set)
    hold_app.command("release")(hold_release)
    hold_app.command("list")(hold_list)
    app.add_typer(hold_app, name="hold")
    retention_app.command("due")(retention_due)
    retention_app.command("show")(retention_show)
    app.add_typer(retention_app, name="retention")


def erase(
    number: Annotated[
        str | None,
        typer.Argument(help="The matter number. Without one: go on with what was begun."),
    ] = None,
    positions: Annotated[
        list[int] | None, typer.Argument(help="The positions of the records.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every record of the matter that has content.")
    ] = False,
    reason: Annotated[Reason | None, typer.Option(help="Why.")] = None,
    authority: Annotated[
        str | None,
        typer.Option(
            help="On whose word: an office and a file number, no person. It stays in the log."
        ),
    ] = None,
    early: Annotated[
        bool,
        typer.Option(
            "--early", help="Also before the end of a minimum retention; the log says so."
        ),
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="Write what we state of it to this file.")
    ] = None,
    dry_run: DryRunOption = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask. There is no way back.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Destroy the content of records for ever; what was there stays provable, and the log says why it went.

    Killed or stopped, the same command goes on.
    """
    with errors_said(), opened(home) as service:
        if number is None:
            done = service.eraser.finish()
            answer(
                as_json,
                {"destroyed": done.destroyed, "dropped": done.dropped},
                f"destroyed {done.destroyed} records; {done.dropped} stopped by a hold",
            )
            return
        matter = service.matter(service.agency_id, number)
        if everything == bool(positions):
            raise CallerError("POSITIONS_WANTED", "name positions, or --all; not both.")
        wanted = list(positions or ())
        if everything:
            wanted = service.planner.with_content(matter)
        order = _order(reason, authority, needed=not dry_run)
        planned = service.planner.plan(matter, wanted, order, early=early)
        shown = {"matter": matter.number, "records": [one.shown() for one in planned]}
        if dry_run:
            answer(as_json, {"dry_run": True, **shown}, _plan_text(planned))
            return
        assert order is not None
        if not as_json:
            say(_plan_text(planned))
        _confirm(f"Destroy the content of {_count(planned)} records for ever?", yes=yes)
        with progress_bar("erasing", "records") as progress:
            service.eraser.erase(matter, wanted, order, progress, early=early)
        if certificate is not None:
            service.write_certificate(matter, wanted, certificate)
        answer(
            as_json,
            {**shown, "certificate": None if certificate is None else str(certificate)},
            f"erased    {_count(planned)} records\n{NOT_REACHED}",
        )


def hold_set(
    number: NumberArgument,
    reason: Annotated[str, typer.Option(help="Why, without a person. It stays in the log.")],
    authority: AuthorityOption,
    position: Annotated[
        int | None,
        typer.Option(help="Only this record. Default: the whole matter, with all that comes."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a record, or a whole matter, from being erased."""
    with errors_said(), opened(home) as service:
        matter = service.matter(service.agency_id, number)
        told = service.holds.set(matter, position, reason, authority)
        what = "the whole matter" if position is None else f"record {position}"
        answer(
            as_json,
            {"matter": matter.number, "hold": told.position, "held": position},
            f"held      {what}, by record {told.position}: release it with\n"
            f"          notary hold release {matter.number} {told.position}",
        )


def hold_release(
    number: NumberArgument,
    hold: Annotated[int, typer.Argument(help="The position of the hold.")],
    reason: Annotated[str, typer.Option(help="Why, without a person. It stays in the log.")],
    authority: AuthorityOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Release a hold."""
    with errors_said(), opened(home) as service:
        matter = service.matter(service.agency_id, number)
        told = service.holds.release(matter, hold, reason, authority)
        answer(
            as_json,
            {"matter": matter.number, "hold": hold, "release": told.position},
            f"released  the hold of record {hold}, by record {told.position}",
        )


def hold_list(
    number: Annotated[str | None, typer.Argument(help="The matter. Default: all of them.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the holds that stand."""
    with errors_said(), opened(home) as service:
        if number is None:
            matters = service.register.all(service.agency_id)
        else:
            matters = [service.matter(service.agency_id, number)]
        found = []
        with progress_bar("reading holds", "matters") as progress:
            for done, matter in enumerate(matters, 1):
                found += [(matter.number, hold) for hold in service.holds.standing(matter)]
                progress(done, len(matters))
        lines = [
            f"{of}  record {hold.position}, {times.format_time(hold.recorded_at)}: "
            f"{'the whole matter' if hold.held is None else f'record {hold.held}'}; {hold.reason} "
            f"({hold.authority})"
            for of, hold in found
        ]
        answer(
            as_json,
            [{"matter": of, **hold.shown()} for of, hold in found],
            "\n".join(lines) or "no hold stands",
        )


def retention_show(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the rules of retention.toml."""
    with errors_said(), opened(home) as service:
        rules = service.retention.policy().rules
        lines = [
            f"{', '.join(rule.kinds)}: kept {rule.keep_years} years from the "
            f"{'event' if rule.counted_from == 'event' else 'last activity of the matter'}, "
            f"{'never due' if rule.erase_years is None else f'due after {rule.erase_years}'}; {rule.basis}"
            for rule in rules
        ]
        answer(
            as_json,
            [{**vars(rule), "kinds": list(rule.kinds)} for rule in rules],
            "\n".join(lines) or "no rules: nothing is kept by rule, and nothing is due",
        )


def retention_due(
    do_erase: Annotated[
        bool, typer.Option("--erase", help="Erase what is due and under no hold.")
    ] = False,
    authority: Annotated[
        str | None,
        typer.Option(help="With --erase: on whose word; an office and a file number, no person."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask. There is no way back.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the records whose retention is over. Nothing is erased unless --erase says so."""
    with errors_said(), opened(home) as service:
        with progress_bar("looking for what is due", "matters") as progress:
            due = list(service.retention.due(service.agency_id, progress))
        free = [one for one in due if one.hold is None]
        if not do_erase:
            answer(as_json, [_due_json(one) for one in due], _due_text(due))
            return
        order = _order(Reason.RETENTION, authority, needed=True)
        assert order is not None
        if not as_json:
            say(_due_text(due))
        if free:
            _confirm(f"Destroy the content of {len(free)} records for ever?", yes=yes)
        by_matter: dict[str, list[Due]] = {}
        for one in free:
            by_matter.setdefault(one.matter.number, []).append(one)
        erased = 0
        with progress_bar("erasing", "records") as progress:
            for of_matter in by_matter.values():
                positions = [one.position for one in of_matter]
                service.eraser.erase(
                    of_matter[0].matter, positions, order, lambda done, total: None
                )
                erased += len(positions)
                progress(erased, len(free))
        answer(
            as_json,
            {"due": [_due_json(one) for one in due], "erased": erased},
            f"erased    {erased} records, {len(due) - erased} are held\n{NOT_REACHED}",
        )


def _order(reason: Reason | None, authority: str | None, *, needed: bool) -> Order | None:
    if reason is None or authority is None:
        if needed:
            raise CallerError(
                "ORDER_WANTED", "say why, by --reason, and on whose word, by --authority."
            )
        return None
    return Order(reason, authority)


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise CallerError("CONFIRMATION_WANTED", "nobody can be asked here; say --yes to go ahead.")
    if not typer.confirm(question, err=True):
        raise CallerError("NOT_CONFIRMED", "nothing was erased.")


def _count(planned: Sequence[Planned]) -> int:
    return sum(one.has_content for one in planned)


def _plan_text(planned: Sequence[Planned]) -> str:
    lines = []
    for one in planned[:MAX_SHOWN]:
        head = f"record {one.target.position}, {one.kind} of {times.format_time(one.recorded_at)}: "
        if not one.has_content:
            lines.append(f"{head}erased already, as record {one.tombstone} says")
            continue
        lines.append(f"{head}{len(one.claims)} fields go")
        if one.originals:
            lines.append(f"  {len(one.originals)} originals go, {sum(one.originals)} bytes")
        if one.kept:
            lines.append(f"  {one.kept} stretches of its source file go")
        if one.also:
            which = ", ".join(str(other) for other in one.also[:MAX_SHOWN])
            lines.append(f"  stays: records {which} hold the same original, or its source file")
        if one.tombstone is not None:
            lines.append(f"  begun: record {one.tombstone} says so already")
        if one.early is not None:
            lines.append(f"  {one.early}")
        if one.refused is not None:
            lines.append(f"  REFUSED {one.refused.code}: {one.refused}")
    if len(planned) > MAX_SHOWN:
        lines.append(f"… and {len(planned) - MAX_SHOWN} more; --json lists them all")
    lines.append(
        "stays provable: leaf, receipt, position and time of each, and everything about all others"
    )
    return "\n".join(lines)


def _due_json(one: Due) -> dict[str, Any]:
    return {
        "matter": one.matter.number,
        "position": one.position,
        "kind": one.kind,
        "due_since": times.format_time(one.since),
        "basis": one.basis,
        "hold": one.hold,
    }


def _due_text(due: Sequence[Due]) -> str:
    lines = [
        f"{one.matter.number}  record {one.position}, {one.kind}: due since "
        f"{times.format_time(one.since)}, {one.basis}"
        + ("" if one.hold is None else f"; held by record {one.hold}")
        for one in due[:MAX_SHOWN]
    ]
    if len(due) > MAX_SHOWN:
        lines.append(f"… and {len(due) - MAX_SHOWN} more; --json lists them all")
    return "\n".join(lines) or "nothing is due"

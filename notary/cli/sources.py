"""The commands for sources: who numbers what, what is missing, and the closing of days.

Spec: docs/spec/format.md §16; docs/operations.md, "Sources". Test:
tests/unit/service/test_source_commands.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from notary.cli import present
from notary.cli.options import HomeOption, JsonOption, opened
from notary.cli.output import answer, errors_said
from notary.core.source_profile import LATE_S
from verifier.format.source_log import SERVICE, SOURCE, Profile

source_app = typer.Typer(
    help="Sources of records: telephone exchanges, diallers, gateways.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(help="The source's name or number.")]
HostOption = Annotated[str | None, typer.Option(help="On which machine it runs.")]
SoftwareOption = Annotated[str | None, typer.Option(help="What it is, e.g. Asterisk.")]
VersionOption = Annotated[str | None, typer.Option("--software-version", help="Its version.")]
ClockOption = Annotated[str | None, typer.Option(help="What its clock follows, e.g. NTP.")]
OffsetOption = Annotated[
    int | None,
    typer.Option(help="How far its clock is ahead of the true time, as measured, in milliseconds."),
]
HidesOption = Annotated[
    list[str] | None,
    typer.Option(help="A setting that hides records, e.g. unanswered=no. May be repeated."),
]
OutageOption = Annotated[
    list[str] | None, typer.Option(help="An outage, in words. May be repeated.")
]
LateOption = Annotated[
    int | None, typer.Option(help="A record that comes more seconds after its event is late.")
]
SilentOption = Annotated[
    int | None, typer.Option(help="More seconds without a record are silence.")
]


def _say(found: dict[str, Any], as_json: bool) -> None:
    answer(as_json, found, present.source_text(found))


@source_app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="What people and column maps call it.")],
    zone: Annotated[str, typer.Option(help="Where its days begin, e.g. Europe/Berlin.")],
    numbered_by: Annotated[
        str,
        typer.Option(
            help=f"{SOURCE}: it gives its records numbers without gaps. {SERVICE}: the service counts them "
            "as it takes them in, which shows nothing of what never came."
        ),
    ],
    first: Annotated[int, typer.Option(help="Its first number.")] = 0,
    continues: Annotated[
        str | None,
        typer.Option(help="The source that it continues, after that one began to count anew."),
    ] = None,
    host: HostOption = None,
    software: SoftwareOption = None,
    version: VersionOption = None,
    clock: ClockOption = None,
    offset_ms: OffsetOption = None,
    hides: HidesOption = None,
    outage: OutageOption = None,
    late_s: LateOption = LATE_S,
    silent_s: SilentOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a source. What is said of it stands in packages: write nothing of a person."""
    from notary.usecases.sources import shown
    from verifier.format.numbers import parse_source

    with errors_said(), opened(home) as service:
        before = None
        if continues is not None:
            before = parse_source(service.sources.find(service.agency_id, continues).number)
        made = service.sources.new(
            service.agency_id,
            Profile(
                name,
                numbered_by,
                first,
                zone,
                before,
                host,
                software,
                version,
                clock,
                offset_ms,
                tuple(hides or ()),
                tuple(outage or ()),
                late_s,
                silent_s,
            ),
        )
        _say(shown(made, datetime.now(UTC)), as_json)


@source_app.command("profile")
def profile(
    name: NameArgument,
    host: HostOption = None,
    software: SoftwareOption = None,
    version: VersionOption = None,
    clock: ClockOption = None,
    offset_ms: OffsetOption = None,
    hides: HidesOption = None,
    outage: OutageOption = None,
    late_s: LateOption = None,
    silent_s: SilentOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what a source's profile says, in those options that are given. Earlier ones stay in its log."""
    from notary.usecases.sources import shown

    given: dict[str, Any] = {
        "host": host,
        "software": software,
        "version": version,
        "clock": clock,
        "offset_ms": offset_ms,
        "hides": None if hides is None else tuple(hides),
        "outages": None if outage is None else tuple(outage),
        "late_s": late_s,
        "silent_s": silent_s,
    }
    with errors_said(), opened(home) as service:
        changes = {member: value for member, value in given.items() if value is not None}
        changed = service.sources.change(service.agency_id, name, changes)
        _say(shown(changed, datetime.now(UTC)), as_json)


@source_app.command("list")
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the agency's sources, with what is to be said of each."""
    from notary.usecases.sources import shown

    with errors_said(), opened(home) as service:
        now = datetime.now(UTC)
        found = [shown(one, now) for one in service.sources.all(service.agency_id)]
        answer(as_json, found, present.sources_table(found))


@source_app.command("show")
def show(name: NameArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show one source: its profile, what is missing, its last closing."""
    from notary.usecases.sources import shown

    with errors_said(), opened(home) as service:
        found = service.sources.find(service.agency_id, name)
        _say(shown(found, datetime.now(UTC)), as_json)


@source_app.command("explain")
def explain(
    name: NameArgument,
    first: Annotated[int, typer.Argument(help="The first of the missing numbers.")],
    last: Annotated[int, typer.Argument(help="The last of them.")],
    reason: Annotated[str, typer.Argument(help="Why. It stands in packages: name no person.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """State why numbers are missing. They stay missing, and are no alarm any more."""
    from notary.usecases.sources import shown

    with errors_said(), opened(home) as service:
        found = service.sources.explain(service.agency_id, name, first, last, reason)
        _say(shown(found, datetime.now(UTC)), as_json)


@source_app.command("close")
def close(
    name: NameArgument,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close the days of a source that have ended, however many. `notary work` does so by itself."""
    with errors_said(), opened(home) as service:
        closed = service.sources.close(datetime.now(UTC), name)
        answer(as_json, {"closed": closed}, f"{closed} days closed")

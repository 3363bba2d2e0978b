"""The command that says what does not fit in the records of an agency.

Spec: docs/spec/findings.md. Test: tests/unit/service/test_findings_command.py.
"""

from __future__ import annotations

from typing import Annotated

import typer

from notary import config
from notary.cli.output import errors_said, progress_bar, say, say_json

EXIT_FOUND = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("findings")(findings)


def findings(
    matter: Annotated[
        str | None, typer.Option(help="Only what names a record of this matter.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Only what is of this source, by name or number.")
    ] = None,
    purpose: Annotated[
        str | None, typer.Option("--purpose", help="Why; the matters' logs record it.")
    ] = None,
    home: Annotated[
        str | None,
        typer.Option(
            "--home", help="The service's folder. Default: NOTARY_HOME, else ./notary-home."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look for what does not fit: times, numbers, figures that contradict each other.

    Ends with 0 if nothing was found, 1 if something was. A finding is no verdict (docs/spec/findings.md).
    """
    from notary import compose
    from notary.usecases.findings import said, shown

    with errors_said(), compose.opened(config.load(config.home_folder(home))) as service:
        with progress_bar("looking at", "records") as progress:
            report = service.find_findings(service.agency_id, matter, source, purpose, progress)
        if as_json:
            say_json(shown(report))
        else:
            say(said(report))
        if report.findings:
            raise typer.Exit(EXIT_FOUND)

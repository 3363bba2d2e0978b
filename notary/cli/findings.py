"""The command that says what does not fit in the records of an agency.

Spec: docs/spec/findings.md. Test: tests/unit/service/test_findings_command.py.
"""

from __future__ import annotations

from typing import Annotated

import typer

from notary.cli.options import HomeOption, JsonOption, opened
from notary.cli.output import answer, errors_said, progress_bar

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
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for what does not fit: times, numbers, figures that contradict each other.

    Ends with 0 if nothing was found, 1 if something was. A finding is no verdict (docs/spec/findings.md).
    """
    from notary.usecases.findings import said, shown

    with errors_said(), opened(home) as service:
        with progress_bar("looking at", "records") as progress:
            report = service.find_findings(service.agency_id, matter, source, purpose, progress)
        answer(as_json, shown(report), said(report))
        if report.findings:
            raise typer.Exit(EXIT_FOUND)

"""The command that searches what is public for what is personal.

Test: tests/scenarios/service/test_lint_public.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notary.cli.options import HomeOption, JsonOption, opened
from notary.cli.output import errors_said, progress_bar, say, say_json

if TYPE_CHECKING:  # what these modules load would make every `--help` wait
    from notary.core.lint import Finding

EXIT_FOUND = 1
MAX_SHOWN = 100  # lines for people; the JSON has them all


def register(app: typer.Typer) -> None:
    """Add the command to the `notary` command line."""
    app.command("lint-public")(lint_public)


def lint_public(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files and folders that are public besides: logs, a web server's folder."
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search everything public for everything personal that the store knows, also as a bare digest.

    Names what it finds by its place, never by the value. Exit 0 nothing found, 1 something.
    """
    with errors_said(), opened(home) as service:
        done = service.lint_public(tuple(paths or ()), progress_bar)
        if as_json:
            say_json(
                {
                    "values": done.values,
                    "digests": done.digests,
                    "places": done.places,
                    "bytes": done.size,
                    "found": [_shown(one) for one in done.found],
                }
            )
        else:
            lines = [_said(one) for one in done.found[:MAX_SHOWN]]
            if len(done.found) > MAX_SHOWN:
                lines.append(f"… and {len(done.found) - MAX_SHOWN} more; --json lists them all")
            say(
                "\n".join(
                    [
                        *lines,
                        f"searched  {done.places} places, {done.size} bytes, for {done.values} values and "
                        f"{done.digests} bare digests of them",
                        f"found     {len(done.found)}",
                    ]
                )
            )
        if done.found:
            raise typer.Exit(EXIT_FOUND)


def _said(one: Finding) -> str:
    head = f"{one.place}, line {one.line}: {one.what}"
    if one.known is None:
        return head
    record = "" if one.known.position is None else f", record {one.known.position}"
    return f"{head}; {one.known.claim} of {one.known.matter}{record}"


def _shown(one: Finding) -> dict[str, Any]:
    known = one.known
    return {
        "place": one.place,
        "line": one.line,
        "what": one.what,
        "matter": None if known is None else known.matter,
        "position": None if known is None else known.position,
        "claim": None if known is None else known.claim,
    }

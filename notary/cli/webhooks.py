"""The command that tries the webhooks out.

Test: tests/scenarios/service/test_webhooks.py.
"""

from __future__ import annotations

from typing import Annotated

import typer

from notary.cli.options import HomeOption, JsonOption, opened
from notary.cli.output import errors_said, say, say_json

webhook_app = typer.Typer(help="Where alarms are sent to.", no_args_is_help=True)


# A group with one command would otherwise be that command.
@webhook_app.callback()
def group() -> None:
    """Where alarms are sent to."""


@webhook_app.command("test")
def try_out(
    name: Annotated[str | None, typer.Argument(help="Only this one. Default: all.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a signed message of type webhook_test now. Exit 1 unless every receiver took it."""
    with errors_said(), opened(home) as service:
        results = service.test_webhooks(name)
        if as_json:
            say_json(results)
        else:
            for receiver, trouble in results.items():
                say(f"{receiver}: {trouble or 'took it'}")
        if any(results.values()):
            raise typer.Exit(1)

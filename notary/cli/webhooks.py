"""The command that tries the webhooks out.

Test: tests/scenarios/service/test_webhooks.py.
"""

from __future__ import annotations

from typing import Annotated

import typer

from notary import config
from notary.cli.output import errors_said, say, say_json

webhook_app = typer.Typer(help="Where alarms are sent to.", no_args_is_help=True)


# A group with one command would otherwise be that command.
@webhook_app.callback()
def group() -> None:
    """Where alarms are sent to."""


@webhook_app.command("test")
def try_out(
    name: Annotated[str | None, typer.Argument(help="Only this one. Default: all.")] = None,
    home: Annotated[
        str | None,
        typer.Option(
            "--home", help="The service's folder. Default: NOTARY_HOME, else ./notary-home."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send a signed message of type webhook_test now. Exit 1 unless every receiver took it."""
    from notary import compose

    with errors_said(), compose.opened(config.load(config.home_folder(home))) as service:
        results = service.test_webhooks(name)
        if as_json:
            say_json(results)
        else:
            for receiver, trouble in results.items():
                say(f"{receiver}: {trouble or 'took it'}")
        if any(results.values()):
            raise typer.Exit(1)

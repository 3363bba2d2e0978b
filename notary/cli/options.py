"""The options that many commands have, and the service that they open.

Test: tests/unit/service/test_cli.py.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from notary import config

if TYPE_CHECKING:  # what it loads would make every `--help` wait
    from notary.compose import Service

HomeOption = Annotated[
    str | None,
    typer.Option("--home", help="The service's folder. Default: NOTARY_HOME, else ./notary-home."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show, write nothing.")]
PurposeOption = Annotated[
    str | None, typer.Option("--purpose", help="Why; the matter's log records it.")
]


def home_of(home: str | None) -> config.Home:
    """The home that a command is about, by its option or the environment."""
    return config.load(config.home_folder(home))


def opened(home: str | None) -> AbstractContextManager[Service]:
    """The service of that home, closed at the end."""
    from notary import compose

    return compose.opened(home_of(home))

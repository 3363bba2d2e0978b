"""How commands speak: people's text or JSON on standard output, trouble on standard error.

Owns the exit codes. Test: tests/unit/service/test_cli.py.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from notary.errors import CallerError, Contradiction, NotaryError
from notary.ports import Progress
from verifier.format.errors import FormatError

# Controls but line breaks and tabs, marks of direction, and what stands for bytes that are no UTF-8.
_COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)

EXIT_CALLER = 2  # mend the command or its input
EXIT_CONTRADICTION = 70  # EX_SOFTWARE: stored state contradicts itself or the chain; stop
EXIT_AGAIN = 75  # EX_TEMPFAIL: the same command may be given again


def harmless(text: str) -> str:
    """A text in which what commands a terminal, turns it round or can't be written is escaped as in JSON."""
    return _COMMANDS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def say(text: str) -> None:
    """One line for people."""
    typer.echo(harmless(text))


def say_json(value: object) -> None:
    """One JSON document for programs."""
    typer.echo(harmless(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)))


def answer(as_json: bool, shown: object, text: str) -> None:
    """The same for programs or for people."""
    if as_json:
        say_json(shown)
    else:
        say(text)


def exit_code(error: NotaryError | FormatError) -> int:
    """The exit code by what to do next."""
    if isinstance(error, CallerError | FormatError):
        return EXIT_CALLER
    if isinstance(error, Contradiction):
        return EXIT_CONTRADICTION
    return EXIT_AGAIN


@contextmanager
def errors_said() -> Iterator[None]:
    """Print our own errors as one line with their code, and exit; let anything else pass."""
    try:
        yield
    except (NotaryError, FormatError) as error:
        said = error.message if isinstance(error, FormatError) else str(error)
        typer.echo(harmless(f"error {error.code}: {said}"), err=True)
        raise typer.Exit(exit_code(error)) from error


@contextmanager
def progress_bar(title: str, unit: str) -> Iterator[Progress]:
    """A progress bar on a terminal; nothing elsewhere. Call it with (done, total)."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

"""The command of the watch-folder agent (docs/agent.md). It runs at the agency and needs no home.

Test: tests/scenarios/agent/test_watch.py.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notary.cli.options import JsonOption
from notary.cli.output import errors_said, progress_bar, say, say_json
from notary.errors import CallerError

if TYPE_CHECKING:
    from notary.agent.journal import Queued
    from notary.agent.settings import Settings

MAX_SHOWN = 5  # records of a dry run


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("watch")(watch)
    app.command("handed-in")(handed_in)


def watch(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders to follow. Default: those of watch.toml in the state folder."),
    ] = None,
    server: Annotated[
        str | None, typer.Option("--server", help="The service, e.g. https://notary.example.")
    ] = None,
    state: Annotated[
        Path, typer.Option("--state", help="The agent's own folder: key, queue, copies.")
    ] = Path("notary-watch"),
    source: Annotated[
        str | None,
        typer.Option("--source", help="This sender's name. Default: the machine's."),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file", help="File with the API key. Default: api.key in the state folder."
        ),
    ] = None,
    matter: Annotated[
        str | None, typer.Option("--matter", help="Everything belongs to this matter.")
    ] = None,
    column_map: Annotated[
        Path | None, typer.Option("--map", help="Column map (TOML): the folders hold tables.")
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(
            "--ca", help="Root certificates (PEM) of the server, if the house has its own."
        ),
    ] = None,
    names: Annotated[str, typer.Option("--names", help="Only files of this pattern.")] = "*",
    digests: Annotated[
        bool, typer.Option("--digests", help="Originals stay here; only their digests leave.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Take what is there, send it, and end.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent; write and send nothing.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Say what waits, what was sent, and what ails.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Send once more what the service refused.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Follow folders and send what comes into them, for ever. Killed, the same command goes on."""
    from notary.agent import watch as agent
    from notary.agent.journal import Journal

    with errors_said():
        if status:
            told = agent.status(state)
            say_json(told) if as_json else say(_status_text(told))
            raise typer.Exit(1 if _ails(told) else 0)
        settings = _settings(
            state, folders or [], server, source, key_file, matter, column_map, ca, names, digests
        )
        # With --json, standard output is one document.
        quiet = as_json and (once or dry_run)
        watching = agent.Watch(settings, (lambda line: None) if quiet else say)
        if dry_run:
            _show(*watching.dry_run(MAX_SHOWN), as_json)
            return
        with watching.locked():
            key = watching.key()
            if not quiet:
                say(f"signs as {settings.source} by the key {key.public}")
            if again:
                journal = Journal(state)
                journal.again()
                journal.close()
            if once:
                with progress_bar("sending", "records") as progress:
                    done = watching.once(progress)
                told = agent.status(state)
                if as_json:
                    say_json({**told, "queued": done.queued, "sent_now": done.sent})
                else:
                    say(f"{done.queued} queued, {done.sent} sent, {told['waiting']} wait")
                    if done.trouble:
                        say(done.trouble)
                raise typer.Exit(1 if done.trouble or done.full or _ails(told) else 0)
            stop = threading.Event()
            for name in (signal.SIGINT, signal.SIGTERM):
                signal.signal(name, lambda *_: stop.set())
            watching.run(stop)


def handed_in(
    package: Annotated[Path, typer.Argument(help="An evidence package, zip or folder.")],
    key: Annotated[
        str | None,
        typer.Option("--key", help="The sender's public key, as `notary watch` printed it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the senders' signatures of a package's records. Exit 2 if one is bad.

    That the records are the log's, `verifier check` says.
    """
    from notary.usecases import handed_in as of
    from notary.usecases.reissue import read_earlier

    with errors_said():
        found = list(of.handed_in(read_earlier(package), key))
        if as_json:
            say_json([asdict(one) for one in found])
        else:
            for one in found:
                said = f": {one.reason}" if one.reason else f" {one.source}, key {one.key}"
                say(f"{one.position:>6} {one.kind:<12} {one.standing}{said}")
        if any(one.standing is of.Standing.BAD for one in found):
            raise typer.Exit(2)


def _settings(
    state: Path,
    folders: Sequence[Path],
    server: str | None,
    source: str | None,
    key_file: Path | None,
    matter: str | None,
    column_map: Path | None,
    ca: Path | None,
    names: str,
    digests: bool,
) -> Settings:
    """Those of the options where folders are named, else those of the file."""
    from notary.agent import settings as of
    from notary.importers.map_file import load_map

    if not folders:
        if server or source or key_file or matter or column_map or ca or digests:
            raise CallerError(
                "SETTINGS", f"without folders everything stands in {state / of.NAME}. Name folders."
            )
        return of.load(state)
    if server is None:
        raise CallerError("SETTINGS", "name the service by --server.")
    map_ = None if column_map is None else load_map(column_map)
    originals = of.DIGESTS if digests else of.SEND
    return of.checked(
        of.Settings(
            state,
            server,
            source or socket.gethostname(),
            key_file or state / "api.key",
            tuple([of.Folder(path, names, matter, map_, originals) for path in folders]),
            ca=ca,
        )
    )


def _show(count: int, first: Sequence[Queued], as_json: bool) -> None:
    shown = [
        {
            "kind": one.kind,
            "matter": one.matter,
            "account": one.account,
            "claims": one.claims,
            "originals": [copy.filename for copy in one.files],
        }
        for one in first
    ]
    if as_json:
        say_json({"records": count, "first": shown})
        return
    say(f"{count} records would be sent; nothing was written")
    for one in shown:
        say_json(one)


def _ails(told: Mapping[str, Any]) -> bool:
    """Whether something needs a hand."""
    return bool(
        told["refused"]
        or told["trouble"]
        or told["look_trouble"]
        or told["full"]
        or told["disk_full"]
        or any(one["error"] for one in told["files"])
    )


def _status_text(told: Mapping[str, Any]) -> str:
    clock = told["clock"]
    lines = [
        f"key       {told['key']}",
        f"agent     {'runs' if told['runs'] else 'does not run now'}; the service was last reached "
        f"{told['contact_at'] or 'never'}",
        f"queue     {told['waiting']} wait, {told['no_matter']} have no matter yet, "
        f"{told['refused']} refused"
        + (
            f"; the oldest since {told['oldest_waits_since']}" if told["oldest_waits_since"] else ""
        ),
        f"sent      {told['sent']}"
        + (f", the last at {told['last_sent_at']}" if told["last_sent_at"] else ""),
        f"copies    {told['spool_bytes']} bytes" + (f" ({told['full']})" if told["full"] else ""),
        f"looked    {told['looked_at'] or 'never; start `notary watch`'}",
        "clock     "
        + (
            f"the service is {clock['ahead_of_us_ms']} ms ahead (within {clock['within_ms']} ms), "
            f"measured at {clock['measured_at']}"
            if clock
            else "never compared with the service's"
        ),
        f"files     {told['file_count']} looked into",
        *[
            f"file      {one['file']}: {one['read']} of {one['size']} bytes"
            + (f": {one['error']}" if one["error"] else "")
            for one in told["files"]
        ],
        *[f"account   {one}: leads to no matter" for one in told["accounts_without_matter"]],
        *[f"refused   {one}" for one in told["refusals"]],
        *[
            f"fault     {one['file']} at byte {one['byte']}: {one['code']}: {one['text']}"
            for one in told["faults"]
        ],
    ]
    if told["disk_full"]:
        lines.append("disk      nearly full: nothing is taken until there is room")
    lines += [f"trouble   {told[name]}" for name in ("trouble", "look_trouble") if told[name]]
    return "\n".join(lines)

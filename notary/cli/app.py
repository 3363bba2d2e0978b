"""The commands and their options. What they do is in `notary.compose` and the use cases.

Test: tests/unit/service/test_cli.py, tests/scenarios/service.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from notary import config
from notary.cli import (
    contract,
    erasing,
    events,
    exporting,
    findings,
    keeping,
    keys,
    linting,
    matters,
    originals,
    panels,
    people,
    present,
    sources,
    watch,
    webhooks,
)
from notary.cli.options import DryRunOption, HomeOption, JsonOption, home_of, opened
from notary.cli.output import answer, errors_said, progress_bar, say

app = typer.Typer(
    name="notary",
    help="Notarize records as evidence that anyone can verify without trusting the notary.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
matters.register(app)
exporting.register(app)
app.add_typer(contract.contract_app, name="contract")
app.add_typer(webhooks.webhook_app, name="webhook")
app.add_typer(originals.objects_app, name="objects")
people.register(app)
app.add_typer(sources.source_app, name="source")
events.register(app)
findings.register(app)
keeping.register(app)
erasing.register(app)
linting.register(app)
watch.register(app)
keys.register(keeping.keys_app)


@app.callback()
def _whole(
    agency: Annotated[
        str | None,
        typer.Option(
            envvar=config.AGENCY_VARIABLE,
            help="Whose matters, records and users the command is about, where there are several agencies.",
        ),
    ] = None,
) -> None:
    if agency is not None:
        # As with the home folder: whatever opens the service finds it there.
        os.environ[config.AGENCY_VARIABLE] = agency


@app.command()
def init(
    log: Annotated[str, typer.Option(help="Name of the log, e.g. notary.example/log.")],
    agency: Annotated[str, typer.Option(help="Name of the agency.")],
    rpc: Annotated[
        list[str],
        typer.Option(
            help="Address of the chain's JSON-RPC endpoint. Repeat it for others, of other providers: "
            "what they say is compared. Of three, one may lie or be away."
        ),
    ],
    chain_id: Annotated[
        int | None,
        typer.Option(help="The chain's id. Default: asked from the endpoint."),
    ] = None,
    keys: Annotated[
        str, typer.Option(help="Key folder; best on another volume than the home.")
    ] = "keys",
    objects: Annotated[
        str,
        typer.Option(
            help="Keep originals under s3://BUCKET/PREFIX, gs:// or az://; tried out first. Default: the "
            "home's data folder."
        ),
    ] = "",
    objects_endpoint: Annotated[
        str, typer.Option(help="Address of an S3-compatible store of another maker.")
    ] = "",
    objects_region: Annotated[str, typer.Option(help="Its region.")] = "",
    database: Annotated[
        str,
        typer.Option(
            help="Keep the store in this empty database of PostgreSQL, postgresql://USER@HOST/NAME; the "
            "password comes from ~/.pgpass or the like. Default: NOTARY_DATABASE, else a file in the home."
        ),
    ] = "",
    succeeds: Annotated[
        Path | None,
        typer.Option(
            help="The log that this one continues: its home, retired in favour of this one, or a file with a "
            "signed checkpoint of it. Killed, the same command goes on."
        ),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Make a new service: keys, store, log. Prints what was made and what to back up."""
    from notary import compose, creation

    with errors_said():
        folder = config.home_folder(home)
        before = None if succeeds is None else compose.predecessor(succeeds, log)
        if before is None or not creation.is_made(folder, log):
            made = creation.create(
                folder,
                log=log,
                agency=agency,
                rpc=rpc[0] if len(rpc) == 1 else tuple(rpc),
                chain_id=chain_id,
                keys=keys,
                objects=(objects, objects_endpoint, objects_region),
                database=database,
            )
            say(present.created(made))
        if before is not None:
            with compose.opened(config.load(folder)) as service:
                matter, told = service.state_continuation(before)
            say(present.continued(before, matter, told))


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files and folders, as they are exported."),
    ] = None,
    matter: Annotated[
        str | None,
        typer.Option("--matter", help="Everything belongs to this matter."),
    ] = None,
    column_map: Annotated[
        Path | None,
        typer.Option(
            "--map",
            help="Column map (TOML) for CSV, NDJSON and JSON. Those in folders given are found.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Everything is of this source, as `notary source list` names it."),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Folder for rejects files. Default: beside each source."),
    ] = None,
    unassigned: Annotated[
        bool, typer.Option("--unassigned", help="Move in waiting rows whose account is known now.")
    ] = False,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take files in. The same command again, also after a crash, adds only what is new."""
    with errors_said(), opened(home) as service:
        with progress_bar("taking in", "rows") as progress:
            report = service.ingest(
                service.agency_id,
                tuple(paths or ()),
                matter=matter,
                column_map=column_map,
                source=source,
                rejects=rejects,
                unassigned=unassigned,
                dry_run=dry_run,
                progress=progress,
            )
        answer(as_json, present.ingest_json(report), present.ingest_text(report))
        if present.ingest_incomplete(report):
            raise typer.Exit(1)


@app.command()
def work(
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Seal what waits, anchor, prove, then end.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Seal and anchor, for ever or until all is done. Beside another one it stands by, and takes over."""
    from notary import compose

    with errors_said():
        if until_idle:
            compose.work(
                home_of(home),
                say,
                threading.Event(),
                then=lambda service: say(present.status_text(service.status())),
            )
            return
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        compose.work(home_of(home), say, stop)


@app.command("anchor-now")
def anchor_now(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Have what is acknowledged sealed and anchored at once, by `notary work`. Safe to repeat."""
    with errors_said(), opened(home) as service:
        told = service.anchor_now().shown()
        answer(as_json, told, present.priority_text(told))


STOP_SECONDS = 10  # what is being answered may end; a stream need not, and is sent again
MAX_HEAD_BYTES = 32 * 2**10  # of a request: a thousand positions of an extract, and no more


@app.command()
def serve(
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on. Default: the configuration's, 127.0.0.1."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on. Default: the configuration's, 8420.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Answer HTTP. Anchoring is done by `notary work`, which runs beside it; /health tells."""
    import uvicorn

    with errors_said():
        found = home_of(home)
        os.environ["NOTARY_HOME"] = str(found.folder)
        uvicorn.run(
            "api.app:create_app",
            factory=True,
            http="api.protocol:Protocol",
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            timeout_graceful_shutdown=STOP_SECONDS,
            host=host or found.config.host,
            port=port if port is not None else found.config.port,
            log_level="warning",
            # Its lines would not be shown; they are made all the same.
            access_log=False,
        )


@app.command()
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say what is sealed, anchored, proved, late or held. Exit 1 when something is wrong."""
    with errors_said(), opened(home) as service:
        shown = service.status()
        answer(as_json, shown, present.status_text(shown))
        if service.health().status != "ok":
            raise typer.Exit(1)


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="The folder to write, e.g. a web server's.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what a stranger needs to replay the log. The same command again adds what is new."""
    with errors_said(), opened(home) as service:
        with progress_bar("publishing", "batches") as progress:
            done = service.publish(folder, progress)
        answer(as_json, present.published_json(done), present.published_text(done, folder))


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(help="A folder as `notary publish` writes it.")],
    until: Annotated[int | None, typer.Option(help="The last batch to replay.")] = None,
    chain: Annotated[
        Path | None, typer.Option(help="A chain proof (evm.json) to compare the anchors with.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a log from its public material, by the stand-alone verifier and with its exit codes."""
    from notary.usecases.replay import replay as run

    with errors_said():
        raise typer.Exit(run(folder, until=until, chain=chain, as_json=as_json))


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for what the demo makes; emptied first.")
    ] = Path("demo-out"),
    seed: Annotated[int, typer.Option(help="Seed of the generated case.")] = 1,
) -> None:
    """Show the whole path on a chain of its own: intake, anchoring, export, verification."""
    from notary import demo as demonstration

    with errors_said():
        raise typer.Exit(demonstration.run(out, seed, say))


@app.command("case")
def case_(
    name: Annotated[str, typer.Argument(help="collection or trade.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write; new or empty.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    frauds: Annotated[
        str | None,
        typer.Option(
            help="Plant frauds in the collection case: all, or some of backdated, dropped, edited, masked, "
            "wrong-zone, split, late, joined by commas. frauds.json says what was done."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a generated case: export files, column maps, a register of accounts, and a README."""
    from notary.cases import command

    with errors_said():
        written = command.write_case(name, seed, out, frauds)
        answer(as_json, written, command.said(written))


panels.arrange(app)

"""The commands and their options. What they do is in `notary.compose` and the use cases.

Test: tests/unit/service/test_cli.py, tests/scenarios/service.
"""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from notary import config
from notary.cli import (
    erasing,
    events,
    findings,
    keeping,
    keys,
    linting,
    originals,
    people,
    present,
    sources,
    watch,
    webhooks,
)
from notary.cli.output import errors_said, progress_bar, say, say_json
from notary.errors import CallerError

app = typer.Typer(
    name="notary",
    help="Notarize records as evidence that anyone can verify without trusting the notary.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
matter_app = typer.Typer(help="Cases and contracts: make, list, show.", no_args_is_help=True)
record_app = typer.Typer(help="Acknowledged records.", no_args_is_help=True)
contract_app = typer.Typer(help="The anchoring contract on the chain.", no_args_is_help=True)
app.add_typer(matter_app, name="matter")
app.add_typer(record_app, name="record")
app.add_typer(contract_app, name="contract")
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

HomeOption = Annotated[
    str | None,
    typer.Option("--home", help="The service's folder. Default: NOTARY_HOME, else ./notary-home."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PurposeOption = Annotated[
    str | None, typer.Option("--purpose", help="Why; the matter's log records it.")
]


def _home(home: str | None) -> config.Home:
    return config.load(config.home_folder(home))


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


@matter_app.command("new")
def matter_new(
    title: Annotated[str, typer.Argument(help="What people call it. Kept encrypted.")],
    account: Annotated[
        list[str] | None,
        typer.Option("--account", help="An account that leads to it; may be repeated."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a matter and print its number."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        matter = service.new_matter(service.agency_id, title, tuple(account or ()))
        if as_json:
            say_json(present.matter_json(matter))
        else:
            say(present.matter_text(matter))


@matter_app.command("account")
def matter_account(
    number: Annotated[str, typer.Argument(help="The matter number.")],
    account: Annotated[list[str], typer.Argument(help="Accounts that lead to it from now on.")],
    home: HomeOption = None,
) -> None:
    """Let more accounts lead to a matter. Feed waiting rows with `notary ingest --unassigned`."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        matter = service.matter(service.agency_id, number)
        say(
            present.matter_text(
                service.register.add_accounts(service.agency_id, matter.key, account)
            )
        )


@matter_app.command("list")
def matter_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the agency's matters."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        matters = service.register.all(service.agency_id)
        if as_json:
            say_json([present.matter_json(matter) for matter in matters])
        else:
            say(present.matters_table(matters))


@matter_app.command("show")
def matter_show(
    number: Annotated[str, typer.Argument(help="The matter number; hyphens may stay.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one matter and its records."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        matter = service.matter(service.agency_id, number)
        rows = service.shelf.rows(service.agency_id, matter)
        if as_json:
            say_json({**present.matter_json(matter), "timeline": rows})
        else:
            say(present.matter_text(matter))
            say(present.timeline_table(rows))


@record_app.command("show")
def record_show(
    record_id: Annotated[
        str,
        typer.Argument(help="Its number, as `notary matter show` lists it, or its id over HTTP."),
    ],
    purpose: PurposeOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one record: leaf, fields, receipt, and how far it is anchored. The log records who read it."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        row = service.record_row(record_id)
        shown = service.show_record(service.agency_id, row, purpose)
        if as_json:
            say_json(shown)
        else:
            say(present.record_text(shown))


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, write nothing.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take files in. The same command again, also after a crash, adds only what is new."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
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
        if as_json:
            say_json(present.ingest_json(report))
        else:
            say(present.ingest_text(report))
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
                _home(home),
                say,
                threading.Event(),
                then=lambda service: say(present.status_text(service.status())),
            )
            return
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        compose.work(_home(home), say, stop)


@app.command("anchor-now")
def anchor_now(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Have what is acknowledged sealed and anchored at once, by `notary work`. Safe to repeat."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        told = service.anchor_now().shown()
        if as_json:
            say_json(told)
        else:
            say(present.priority_text(told))


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
        opened = _home(home)
        os.environ["NOTARY_HOME"] = str(opened.folder)
        uvicorn.run(
            "api.app:create_app",
            factory=True,
            http="api.protocol:Protocol",
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            timeout_graceful_shutdown=STOP_SECONDS,
            host=host or opened.config.host,
            port=port if port is not None else opened.config.port,
            log_level="warning",
            # Its lines would not be shown; they are made all the same.
            access_log=False,
        )


@app.command()
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say what is sealed, anchored, proved, late or held. Exit 1 when something is wrong."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        shown = service.status()
        if as_json:
            say_json(shown)
        else:
            say(present.status_text(shown))
        if service.health().status != "ok":
            raise typer.Exit(1)


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="The zip to write.")],
    number: Annotated[
        str | None, typer.Argument(help="The matter number; not with --again.")
    ] = None,
    again: Annotated[
        Path | None,
        typer.Option(
            "--again",
            help="An earlier package: the same again as of a later block, showing no more of its records.",
        ),
    ] = None,
    show_added: Annotated[
        bool,
        typer.Option("--show-added", help="With --again: show records that came since."),
    ] = False,
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of",
            help="The newest proof up to this block number or time. Default: latest.",
        ),
    ] = present.LATEST,
    position: Annotated[
        list[int] | None,
        typer.Option("--position", help="Only this record (an extract); may be repeated."),
    ] = None,
    absent: Annotated[
        bool, typer.Option("--absent", help="Prove that nothing is under this number.")
    ] = False,
    withhold: Annotated[
        list[str] | None,
        typer.Option(
            "--withhold",
            help="POSITION[:FIELD]=REASON, e.g. 5:amount=trade_secret; may be repeated.",
        ),
    ] = None,
    full_history: Annotated[
        bool,
        typer.Option(
            "--full-history",
            help="Add every batch header and what the log held in each: no removal goes unseen.",
        ),
    ] = False,
    purpose: PurposeOption = None,
    sources: Annotated[
        bool | None,
        typer.Option(
            "--sources/--no-sources",
            help="Show the logs of the records' sources, whole days of them. Default: in complete packages.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if there is one.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the order, write nothing.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the evidence package of a matter, as of the newest final proof. The log records who took it."""
    from notary import compose
    from notary.usecases.reissue import read_earlier

    with errors_said(), compose.opened(_home(home)) as service:
        if (number is None) == (again is None):
            raise CallerError(
                "ORDER_MIXED", "name a matter number, or --again a package; not both."
            )
        if out.exists() and not (force or dry_run):
            raise CallerError(
                "EXPORT_FILE",
                f"{out} is there already. Nothing was changed; name another file, or replace it by --force.",
            )
        if again is not None:
            if position or absent or full_history:
                raise CallerError(
                    "ORDER_MIXED", "--again takes kind, records and history from the package."
                )
            order = present.again_order(
                read_earlier(again), tuple(withhold or ()), show_added, as_of
            )
        else:
            order = present.export_order(
                number or "",
                tuple(position or ()),
                absent,
                tuple(withhold or ()),
                full_history,
                as_of,
            )
        order = replace(order, sources=sources)
        with progress_bar(
            "packing", "batches, then records" if order.full_history else "records"
        ) as progress:
            result = service.export(
                service.agency_id, order, None if dry_run else out, progress, purpose
            )
        if as_json:
            say_json(present.export_json(result))
        else:
            say(present.export_text(result, None if dry_run else out))


@app.command()
def custody(
    number: Annotated[str, typer.Argument(help="The matter number; hyphens may stay.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who read or exported a matter, what of it, when and why."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        matter = service.matter(service.agency_id, number)
        rows = list(service.custody.listed(service.agency_id, matter))
        if as_json:
            say_json(rows)
        else:
            say(present.custody_table(rows))


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="The folder to write, e.g. a web server's.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what a stranger needs to replay the log. The same command again adds what is new."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        with progress_bar("publishing", "batches") as progress:
            done = service.publish(folder, progress)
        if as_json:
            say_json(present.published_json(done))
        else:
            say(present.published_text(done, folder))


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


@contract_app.command("deploy")
def contract_deploy(home: HomeOption = None) -> None:
    """Put the anchoring contract on the chain, through the public CREATE2 deployer."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        say(service.deploy_contract())


@contract_app.command("show")
def contract_show(home: HomeOption = None) -> None:
    """Say where the contract is and whether its code is the expected one."""
    from notary import compose

    with errors_said(), compose.opened(_home(home)) as service:
        say(service.contract_said())


@contract_app.command("proof")
def contract_proof(
    receipt: Annotated[Path, typer.Argument(help="A receipt of the log.")],
    rpc: Annotated[str, typer.Option("--rpc", help="A JSON-RPC endpoint of the log's chain.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The chain proof to write.")],
    since: Annotated[
        int,
        typer.Option(
            min=0, help="The block from which on anchors are looked for; before the receipt."
        ),
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Prove from a node alone when a log anchored, without its service: for `verifier receipt`."""
    from notary.adapters.chain.web3_chain import Web3Chain
    from notary.adapters.durable import whole_file
    from notary.usecases import chain_proof

    with errors_said():
        body = chain_proof.read_receipt(receipt)
        chain = Web3Chain(rpc, body.contract, body.log_address)
        document = chain_proof.prove_log(chain, body, since)
        with whole_file(out, "PROOF_FILE") as file:
            file.write(chain_proof.write(document))
        shown = present.chain_proof_json(document)
        say_json(shown) if as_json else say(present.chain_proof_text(shown, out))


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
        if as_json:
            say_json(written)
        else:
            say(command.said(written))

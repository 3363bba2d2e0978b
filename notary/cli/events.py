"""The commands for events of foreign contracts: prove one, take some in.

Test: tests/scenarios/events.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notary.cli.options import DryRunOption, HomeOption, JsonOption, opened
from notary.cli.output import errors_said, progress_bar, say, say_json
from notary.errors import CallerError
from verifier.format import evm, jsonc, records, times
from verifier.format.errors import FormatError

if TYPE_CHECKING:  # what these modules load would make every `--help` wait
    from notary.adapters.chain.block_reader import BlockReader
    from notary.usecases.foreign_events import ByFilter, ByTransaction, EventOutcome
    from verifier.format.chain_event import ChainEvent

POLL_S = 2.0  # the fastest chains make a block in this time

RpcOption = Annotated[
    str | None, typer.Option("--rpc", help="JSON-RPC endpoint of the event's chain.")
]
TxOption = Annotated[str | None, typer.Option("--tx", help="Hash of the transaction, 0x….")]
LogIndexOption = Annotated[
    int | None,
    typer.Option(
        "--log-index", help="Which log of the transaction, from 0. Not needed if it has one."
    ),
]
DepthOption = Annotated[
    int | None,
    typer.Option(
        "--finality-depth",
        help="Blocks below the newest that count as final, on a chain without the finalized tag.",
    ),
]

event_app = typer.Typer(help="Events of foreign contracts, with proof.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the `notary` command line."""
    event_app.command("import")(import_)
    event_app.command()(fetch)
    app.add_typer(event_app, name="event")


def import_(
    matter: Annotated[str, typer.Option("--matter", help="The matter that they belong to.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Events that `notary event fetch` proved elsewhere; no endpoint needed."
        ),
    ] = None,
    rpc: RpcOption = None,
    tx: TxOption = None,
    log_index: LogIndexOption = None,
    contract: Annotated[
        str | None, typer.Option("--contract", help="Every log of this contract, 0x…, instead.")
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", help="Of these, whose topics begin so; may be repeated."),
    ] = None,
    from_block: Annotated[
        int | None, typer.Option("--from-block", help="The first block to look in.")
    ] = None,
    to_block: Annotated[
        int | None, typer.Option("--to-block", help="The last one. Default: the newest final one.")
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(
            "--event",
            help="How to read it, e.g. 'Delivered(bytes32 indexed consignment, uint256 quantity)'.",
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the blocks are final.")] = False,
    dry_run: DryRunOption = False,
    finality_depth: DepthOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record events of a contract of others, each with the proof that it stands in its block.

    The same command again adds only what is new. Exit 1 if a block is not final yet.
    """
    from notary.adapters.chain.event_abi import parse_event
    from notary.usecases import foreign_events as use

    with errors_said(), opened(home) as service:
        reading = None if event is None else parse_event(event)
        if bool(files) == (rpc is not None):
            raise CallerError("EVENT_SOURCE", "name files, or an endpoint by --rpc; one of both.")
        if files:
            if tx or contract or topic or log_index is not None or from_block or to_block:
                raise CallerError("EVENT_SOURCE", "a file is one event; nothing chooses among it.")
            chain = None
            found = [_read(path) for path in files]
        else:
            chain = _reader(rpc or "", finality_depth)
            wanted = _wanted(tx, log_index, contract, tuple(topic or ()), from_block, to_block)
            found = []
            with progress_bar("proving", "events") as progress:
                for proved in use.find(chain, wanted):
                    found.append(proved)
                    progress(len(found), len(found))
        task = service.event_import(service.agency_id, matter, chain, reading)
        with progress_bar("recording", "events") as progress:
            outcomes = task.run(
                found,
                dry_run=dry_run,
                wait=(lambda: time.sleep(POLL_S)) if wait else None,
                progress=progress,
            )
        if as_json:
            say_json([_shown(one) for one in outcomes])
        else:
            for one in outcomes:
                say(_text(one))
            say(f"{len(outcomes)} events{'; dry run: nothing was written' if dry_run else ''}")
        if any(one.state is use.State.NOT_FINAL for one in outcomes):
            raise typer.Exit(1)


def fetch(
    tx: Annotated[str, typer.Option("--tx", help="Hash of the transaction, 0x….")],
    rpc: Annotated[str, typer.Option("--rpc", help="JSON-RPC endpoint of the event's chain.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
    log_index: LogIndexOption = None,
    finality_depth: DepthOption = None,
) -> None:
    """Prove an event and write the proof to a file, which `notary event import` takes anywhere.

    Only of a final block: whoever imports the file can't ask.
    """
    from notary.adapters.durable import whole_file
    from notary.usecases import foreign_events as use
    from verifier.format import chain_event

    with errors_said():
        chain = _reader(rpc, finality_depth)
        (found,) = use.find(chain, _wanted(tx, log_index, None, (), None, None))
        use.require_final(chain, found)
        claims = chain_event.claims_of(found)
        with whole_file(out, "EVENT_FILE") as file:
            file.write(jsonc.encode(chain_event.write(found)))
        code = "with" if "code_hash" in claims else "without"
        say(f"wrote     {out}: log {log_index or 0} of 0x{tx.removeprefix('0x')}, {code} code hash")


def _reader(rpc: str, finality_depth: int | None) -> BlockReader:
    from notary.adapters.chain.block_reader import BlockReader

    return BlockReader(rpc, finality_depth=finality_depth)


def _read(path: Path) -> ChainEvent:
    from notary.usecases import foreign_events as use

    try:
        if path.stat().st_size > use.MAX_FILE_BYTES:
            raise CallerError(
                "EVENT_FILE", f"{path}: an event has at most {use.MAX_FILE_BYTES} bytes."
            )
        return use.read_file(path.read_bytes())
    except OSError as error:
        raise CallerError("EVENT_FILE", f"{path}: {error.strerror}.") from error
    except FormatError as error:
        raise CallerError(error.code, f"{path}: {error.message}") from error


def _wanted(
    tx: str | None,
    log_index: int | None,
    contract: str | None,
    topics: tuple[str, ...],
    first: int | None,
    last: int | None,
) -> ByTransaction | ByFilter:
    from notary.usecases import foreign_events as use

    if (tx is None) == (contract is None):
        raise CallerError(
            "EVENT_SOURCE", "name a transaction by --tx, or a contract by --contract."
        )
    if tx is not None:
        if topics or first is not None or last is not None:
            raise CallerError("EVENT_SOURCE", "--tx goes with --log-index and no filter.")
        return use.ByTransaction(_bytes("--tx", tx, 32), log_index)
    if log_index is not None or first is None:
        raise CallerError(
            "EVENT_SOURCE", "--contract goes with --from-block, not with --log-index."
        )
    return use.ByFilter(
        _bytes("--contract", contract or "", evm.ADDRESS_LENGTH),
        tuple(_bytes("--topic", topic, 32) for topic in topics),
        first,
        last,
    )


def _bytes(option: str, text: str, length: int) -> bytes:
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != length:
        raise CallerError("HEX_WANTED", f"{option}: want {length} bytes in hex, got {text[:80]!a}.")
    return raw


def _shown(one: EventOutcome) -> dict[str, Any]:
    header = evm.parse_header(one.event.header)
    shown: dict[str, Any] = {
        "state": one.state.value,
        "chain_id": one.event.chain_id,
        "block": header.number,
        "time": times.format_block_time(header.timestamp),
        "index": one.event.index,
        "log_index": one.event.log_index,
        "claims": {name: value for name, value in one.claims.items() if name != "proof"},
    }
    if one.accepted is not None:
        leaf = records.parse_leaf(one.accepted.leaf)
        shown |= {
            "record_id": one.accepted.record_id,
            "position": leaf.position,
            "receipt": one.accepted.receipt.decode("utf-8"),
        }
    return shown


def _text(one: EventOutcome) -> str:
    shown = _shown(one)
    claims = shown["claims"]
    lines = [
        f"{shown['state']}: chain {shown['chain_id']} block {shown['block']} ({shown['time']}), "
        f"log {shown['log_index']} of transaction {shown['index']}, contract {claims['contract']}"
    ]
    if "position" in shown:
        lines[0] += f"; record {shown['record_id']} at position {shown['position']}"
    lines += [f"          {name}: {value}" for name, value in claims.get("fields", {}).items()]
    if "code_hash" not in claims:
        lines.append("          the node no longer proves the contract's code at that block")
    return "\n".join(lines)

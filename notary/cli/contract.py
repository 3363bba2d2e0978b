"""The commands for the anchoring contract: put it on the chain, look at it, prove what it holds.

Test: tests/scenarios/service/test_service.py, tests/scenarios/anchor/test_chain_proof.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notary.cli.options import HomeOption, JsonOption, opened
from notary.cli.output import answer, errors_said, say
from verifier.format import evm, times
from verifier.format.digests import ZERO

if TYPE_CHECKING:  # what it loads would make every `--help` wait
    from verifier.format.evm_document import EvmDocument

contract_app = typer.Typer(help="The anchoring contract on the chain.", no_args_is_help=True)


@contract_app.command("deploy")
def deploy(home: HomeOption = None) -> None:
    """Put the anchoring contract on the chain, through the public CREATE2 deployer."""
    with errors_said(), opened(home) as service:
        say(service.deploy_contract())


@contract_app.command("show")
def show(home: HomeOption = None) -> None:
    """Say where the contract is and whether its code is the expected one."""
    with errors_said(), opened(home) as service:
        say(service.contract_said())


@contract_app.command("proof")
def proof(
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
        shown = _proof_json(document)
        answer(as_json, shown, _proof_text(shown, out))


def _proof_json(document: EvmDocument) -> dict[str, object]:
    """What a chain proof is as of, for programs. The block's hash is for others to give."""
    header = evm.parse_header(document.as_of.header)
    return {
        "as_of": {"block": header.number, "time": times.format_block_time(header.timestamp)},
        "chain_id": document.chain_id,
        "links": len(document.links),
        "from_first": document.prev == ZERO,
    }


def _proof_text(shown: Mapping[str, Any], out: Path) -> str:
    """The same for people."""
    as_of = shown["as_of"]
    whole = "all of the log's" if shown["from_first"] else "not from the log's first on"
    return (
        f"wrote {out}: as of block {as_of['block']} ({as_of['time']}) of chain {shown['chain_id']}\n"
        f"anchors: {shown['links']}, {whole}\n"
        "wait until that block is final, and confirm its hash with a source of your own"
    )

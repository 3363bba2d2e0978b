"""The demonstration: a chain of its own, a generated trade case, and a verdict.

Everything is the real thing but the chain, which is a local development node started here and stopped here.
The verdict comes from the stand-alone verifier, run as another process. Test: tests/scenarios/test_demo.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from notary import compose, creation
from notary.cases import trade
from notary.cases.trade_dealings import OTHERS_CALL
from notary.cli import present
from notary.cli.exporting import export_text
from notary.compose import Service
from notary.errors import CallerError, NothingHappened
from notary.usecases.export_order import ExportOrder, ExportResult, Withhold
from verifier.format import numbers, times
from verifier.format.source_log import SOURCE, Profile
from verifier.format.statement import Reason

Say = Callable[[str], None]

ANVIL = Path("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
ANVIL_VARIABLE = "NOTARY_ANVIL"
LOG = "demo.notary.example/log"
AGENCY = "Demo agency"
START_SECONDS = 20.0
STOP_SECONDS = 5.0
CALLS_ACCOUNT = "1000"  # the account code in the sample of call records
FUNDS_WEI = 10 * 10**18  # a few hundred anchors at any fee that a local chain asks
LISTENING = re.compile(r"^Listening on 127\.0\.0\.1:(\d+)$", re.MULTILINE)
MARKER = ".notary-demo"  # only a folder that a demo made is ever emptied


def run(out: Path, seed: int, say: Say) -> int:
    """Run the demonstration into `out`; return the verifier's exit code."""
    _prepare(out)
    say("1. A chain of its own: a local development node, one block a second.")
    with _node(out / "chain") as url:
        say(f"   listening on {url}\n")
        return _story(out, seed, url, say)


def _story(out: Path, seed: int, url: str, say: Say) -> int:
    say("2. A new service: keys, store, log, contract.")
    made = creation.create(
        out / "home",
        log=LOG,
        agency=AGENCY,
        rpc=url,
        chain_id=None,
        keys="keys",
        timers=compose.DEMO_TIMERS,
    )
    fund(url, made.home.config.log_address)
    with compose.opened(made.home) as service:
        say(f"   {service.deploy_contract()}")
        say(f"   log {LOG}, account {made.home.config.log_address}\n")
        number = _take_in(service, out, seed, say)
        say("4. Export: the whole matter, and an extract of one record with a field withheld.")
        complete, extract = _export(service, number, out, say)
        write_policy(service, out)
        write_inputs(out, number, url, [complete, extract])
        say("   policy.toml and inputs.toml say what a verifying person trusts and asks.\n")
    say("5. The verdict, by the stand-alone verifier in another process, without a network.\n")
    code = _verify(out, "package.zip")
    say("")
    say(f"Everything is in {out}/. Check again, on any machine:")
    say(f"  verifier check {out}/package.zip --policy {out}/policy.toml --inputs {out}/inputs.toml")
    say(f"  verifier check {out}/extract.zip --policy {out}/policy.toml --inputs {out}/inputs.toml")
    return code


def _take_in(service: Service, out: Path, seed: int, say: Say) -> str:
    say("3. Records in, as the files that other systems export; sealed and anchored in stages.")
    _take_in_samples(service, out, say)
    for name in trade.SOURCES.values():
        zone = "Europe/Amsterdam"
        service.sources.new(service.agency_id, Profile(name, SOURCE, 1, zone, None))
        say(f"   source {name}, which numbers its records")
    case = trade.generate(out / "case", seed, sources=True)
    matter = service.new_matter(service.agency_id, case.title, case.accounts)
    say(f"   matter {numbers.display(numbers.parse(matter.number))}")
    worker = service.worker(lambda line: say(f"   · {line}"))
    for stage in case.stages:
        started = time.monotonic()
        report = service.ingest(
            service.agency_id,
            tuple(stage.paths),
            matter=matter.number if stage.whole_matter else None,
            column_map=stage.column_map,
        )
        count = sum(file.accepted for file in report.files)
        say(f"   {stage.title}: {_taken_in(count, len(report.files))}")
        worker.run_until_idle()
        say(f"   anchored and proved after {time.monotonic() - started:.0f} s")
        if stage is case.stages[0]:
            _explain(service, say)
    say(_indented(present.status_text(service.status())) + "\n")
    return matter.number


def _explain(service: Service, say: Say) -> None:
    """Say why a number of the exchange is missing; it stays missing, and the reason stands beside it."""
    exchange, reason = trade.SOURCES["calls"], "a call of another contract"
    service.sources.explain(service.agency_id, exchange, OTHERS_CALL, OTHERS_CALL, reason)
    say(f"   number {OTHERS_CALL} of source {exchange} is missing; stated reason: {reason}")


def _taken_in(records: int, files: int) -> str:
    return f"{present.counted(records, 'record')} from {present.counted(files, 'file')}"


def _take_in_samples(service: Service, out: Path, say: Say) -> None:
    """Files that others published, in a matter of their own; the refusals say what to mend."""
    matter = service.new_matter(service.agency_id, "Files that others published", (CALLS_ACCOUNT,))
    with resources.as_file(resources.files("notary.cases") / "samples") as samples:
        # Copied, so that rejects files lie in the demo's folder and not beside the originals.
        shutil.copytree(samples, out / "samples")
    for folder, to_matter in (("calls", False), ("epcis/valid", True), ("epcis/invalid", True)):
        report = service.ingest(
            service.agency_id,
            (out / "samples" / folder,),
            matter=matter.number if to_matter else None,
        )
        entered = sum(file.accepted for file in report.files)
        say(f"   samples/{folder}: {_taken_in(entered, len(report.files))}")
        for file in report.files:
            for problem in file.problems:
                say(f"     refused {file.path.name}, {problem.sentence()}")


def _export(
    service: Service, number: str, out: Path, say: Say
) -> tuple[ExportResult, ExportResult]:
    parsed = numbers.parse(number)
    complete = service.export(
        service.agency_id, ExportOrder(parsed), out / "package.zip", lambda done, total: None
    )
    say(_indented(export_text(complete, out / "package.zip")))
    position = complete.shown // 2
    order = ExportOrder(
        parsed, "extract", (position,), (Withhold(position, "raw", Reason.TRADE_SECRET),)
    )
    extract = service.export(
        service.agency_id, order, out / "extract.zip", lambda done, total: None
    )
    say(_indented(export_text(extract, out / "extract.zip")))
    return complete, extract


def write_policy(service: Service, out: Path) -> None:
    """What the verifying person trusts: here this demo's own chain and log."""
    identity = service.identity
    year_ago = times.format_time(datetime.now(UTC) - timedelta(days=365))
    text = f"""\
format = "notary-policy/1"

[required]
complete = ["order", "completeness", "history", "time"]
extract = ["order", "time"]
absent = ["history"]

[limits]
max_silence_s = 90000
history = "shown"

[[chain]]
id = {identity.chain_id}
name = "demo chain"
class = "test"
hash_rule = "ethereum"

[[log]]
chain_id = {identity.chain_id}
contract = "0x{identity.contract.hex()}"
log_address = "0x{identity.log_address.hex()}"
name = "{identity.name}"
vkeys = [{", ".join(f'"{vkey}"' for vkey in service.checkpoint_vkeys)}]
receipt_vkeys = ["{service.receipt_vkey}"]
from = "{year_ago}"
origin = "this demo; in earnest: the contract, or the first notice"
"""
    (out / "policy.toml").write_text(text, "utf-8")


def write_inputs(out: Path, number: str, url: str, results: Sequence[ExportResult]) -> None:
    """What the verifying person asks, and the block hashes that her own node gave."""
    lines = [
        'format = "notary-inputs/1"',
        f'matter = "{number}"',
        f'earliest_as_of = "{times.format_time(datetime.now(UTC) - timedelta(days=1))}"',
    ]
    blocks = sorted({(block.chain_id, block.number) for one in results for block in one.blocks})
    for chain_id, block_number in blocks:
        # Asked from the chain by number: the package's own word for the hash is not used.
        block = _rpc(url, "eth_getBlockByNumber", [hex(block_number), False])
        lines += [
            "",
            "[[block]]",
            f"chain_id = {chain_id}",
            f"number = {block_number}",
            f'hash = "{block["hash"]}"',
            'origin = "asked from the demo\'s node"',
        ]
    (out / "inputs.toml").write_text("\n".join(lines) + "\n", "utf-8")


def _verify(out: Path, package: str) -> int:
    # -I: no folder and no variable can put another module in the verifier's place.
    command = [sys.executable, "-I", "-m", "verifier.check.cli", "check", package]
    command += ["--policy", "policy.toml", "--inputs", "inputs.toml"]
    sys.stdout.flush()
    return subprocess.run(command, cwd=out, check=False).returncode


def _prepare(out: Path) -> None:
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise CallerError(
            "DEMO_FOLDER",
            f"{out} is not empty and no demo made it. Nothing was touched; name another by --out.",
        )
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARKER).write_text("made by `notary demo`, which empties this folder\n", "ascii")


@contextmanager
def _node(folder: Path) -> Iterator[str]:
    """A local chain on a free loopback port, stopped at the end by its own process."""
    binary = Path(os.environ.get(ANVIL_VARIABLE) or ANVIL)
    if not binary.is_file():
        raise CallerError(
            "ANVIL_MISSING",
            f"{binary} is not there. Run `make demo`, or name the program by {ANVIL_VARIABLE}.",
        )
    folder.mkdir()
    # Port 0: the system chooses at the moment of binding, so no other process can come in between.
    command = [str(binary.resolve()), "--host", "127.0.0.1", "--port", "0"]
    command += ["--block-time", "1", "--slots-in-an-epoch", "1", "--preserve-historical-states"]
    command += ["--state", "state.json", "--cache-path", "cache"]
    log = folder / "node.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            # The node keeps files under HOME unless told otherwise.
            env={**os.environ, "HOME": str(folder.resolve())},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = LISTENING.search(log.read_text("utf-8", "replace"))
        if found is not None:
            return f"http://127.0.0.1:{found[1]}"
        time.sleep(0.05)
    raise NothingHappened("NODE_START", f"the local chain did not start; see {log}")


def fund(url: str, address: str) -> None:
    """Give the log's account money from the local chain's own rich account."""
    (rich, *_) = _rpc(url, "eth_accounts", [])
    sent = _rpc(
        url, "eth_sendTransaction", [{"from": rich, "to": address, "value": hex(FUNDS_WEI)}]
    )
    deadline = time.monotonic() + START_SECONDS
    while _rpc(url, "eth_getTransactionReceipt", [sent]) is None:
        if time.monotonic() > deadline:
            raise NothingHappened("FUNDING", "the local chain did not include the funding transfer")
        time.sleep(0.1)


def _rpc(url: str, method: str, parameters: list[Any]) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
    # The address was made here: loopback, http.
    request = urllib.request.Request(  # noqa: S310
        url, body.encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            answer = json.load(response)
    except (urllib.error.URLError, OSError) as error:
        raise NothingHappened("NODE_AWAY", f"{url} does not answer: {error}") from error
    if "error" in answer:
        raise NothingHappened("NODE_REFUSED", f"{method}: {answer['error'].get('message')}")
    return answer["result"]


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())

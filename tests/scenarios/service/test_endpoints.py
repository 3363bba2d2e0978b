"""A service over three endpoints, by the commands that an operator types; one of them lies."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from notary import compose, config, demo
from notary.chain_ports import Condition
from notary.usecases.export_order import ExportOrder
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.simulators.chain_faults import lies
from tests.simulators.chain_proxy import ChainProxy
from tests.simulators.commands import run_command
from verifier.format import numbers


def notary(*words: str) -> subprocess.CompletedProcess[str]:
    """A `notary` command, by this interpreter, with nothing of this one's environment but paths."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    return run_command(*words, timeout_s=scene.COMMAND_SECONDS, environment=environment)


@pytest.mark.slow
def test_one_of_three_endpoints_lies_and_the_package_is_valid_and_says_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ExitStack() as stack:
        anvil = stack.enter_context(Anvil(*scene.CHAIN))
        proxies = [stack.enter_context(ChainProxy(anvil.url)) for _ in range(3)]
        # A key in the address is in no word that leaves the service.
        urls = [f"{proxy.url}/v2/SECRET{place}" for place, proxy in enumerate(proxies)]
        hosts = [proxy.url.removeprefix("http://") for proxy in proxies]
        named = [word for url in urls for word in ("--rpc", url)]
        where = ("--home", str(home))
        done = notary("init", "--log", scene.LOG, "--agency", "A", *named, *where)
        assert done.returncode == 0, done.stderr
        opened = config.load(home)
        assert opened.config.rpc == tuple(urls)
        demo.fund(anvil.url, opened.config.log_address)
        assert notary("contract", "deploy", *where).returncode == 0
        with compose.opened(opened) as service:
            matter = service.new_matter(1, "Seller v. Buyer", ())
            document = tmp_path / "acceptance.txt"
            document.write_text("accepted", "utf-8")
            service.ingest(1, (document,), matter=matter.number)
        for method, rule in lies()["forged header"].items():
            stack.enter_context(proxies[1].rule(method, rule))
        done = notary("work", "--until-idle", *where)
        assert done.returncode == 0, done.stderr + done.stdout
        assert f"endpoint LYING: {hosts[1]}: " in done.stdout
        text = notary("status", *where)
        assert text.returncode == 1, "an alarm stands"
        assert f"endpoint  {hosts[0]} OK since 20" in text.stdout
        assert f"endpoint  {hosts[1]} LYING since 20" in text.stdout
        told = json.loads(notary("status", "--json", *where).stdout)
        assert [one["condition"] for one in told["endpoints"]] == ["OK", "LYING", "OK"]
        assert [one["host"] for one in told["endpoints"]] == hosts
        out = tmp_path / "package.zip"
        with compose.opened(opened) as service:
            states = service.endpoints()
            assert [one.condition for one in states] == [
                *(Condition.OK, Condition.LYING, Condition.OK)
            ]
            order = ExportOrder(numbers.parse(matter.number))
            result = service.export(1, order, out, lambda done, total: None)
            demo.write_policy(service, tmp_path)
        demo.write_inputs(tmp_path, matter.number, anvil.url, [result])
    # The chain and every endpoint are gone by now.
    code, report = scene.judge(tmp_path, out)
    assert (code, report["verdict"]) == (0, "VALID")
    with zipfile.ZipFile(out) as bag:
        evm = json.loads(bag.read("evidence/data/anchors/evm.json"))
        everything = b"".join(bag.read(name) for name in bag.namelist())
    first, second, third = evm["observed"]
    block = f"block {result.as_of_block} is 0x"
    assert first.startswith(f"{hosts[0]}: {block}")
    assert second.startswith(f"{hosts[1]}: left out: ")
    assert third == first.replace(hosts[0], hosts[2])
    assert b"SECRET" not in everything
    assert "SECRET" not in json.dumps(told) + text.stdout + done.stdout

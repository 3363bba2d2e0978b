"""Events of a contract of others, from its chain to a verdict: by command, over two real chains."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from notary import demo
from tests.conftest import StartAnvil
from tests.scenarios.events.delivery import CHAIN, CHAIN_ID, CONSIGNMENT, EVENT, Delivery
from tests.scenarios.service import live
from tests.simulators.chain_proxy import ChainProxy, Forward, Rule, answered
from verifier.format import chain_event, jsonc


@pytest.fixture
def foreign(start_anvil: StartAnvil) -> Delivery:
    return Delivery(start_anvil(*CHAIN))


@pytest.fixture
def service(tmp_path: Path, start_anvil: StartAnvil) -> live.Live:
    return live.make(tmp_path / "home", start_anvil(*live.CHAIN))


def new_matter(service: live.Live) -> str:
    with service.opened() as opened:
        number: str = opened.new_matter(opened.agency_id, "Seller v. Buyer", ("A-1",)).number
    return number


def run_json(service: live.Live, *words: str, exit_code: int = 0) -> Any:
    done = service.run(*words, "--json")
    assert done.returncode == exit_code, done.stdout + done.stderr
    return json.loads(done.stdout)


def refused(service: live.Live, *words: str) -> str:
    done = service.run(*words)
    assert done.returncode != 0
    return done.stderr


def records_of(service: live.Live, number: str) -> list[dict[str, Any]]:
    shown = run_json(service, "matter", "show", number)
    return list(shown["timeline"])


def judged(
    service: live.Live, foreign: Delivery, number: str, folder: Path, *withhold: str
) -> tuple[int, dict[str, Any]]:
    """Seal, anchor, export, and let a person judge who requires events and has both chains' blocks."""
    with service.opened() as opened:
        live.work(opened)
        demo.write_policy(opened, folder)
    options = [word for one in withhold for word in ("--withhold", one)]
    exported = run_json(service, "export", number, "--out", str(folder / "package.zip"), *options)
    policy = folder / "policy.toml"
    text = policy.read_text("utf-8").replace(
        '"completeness", "history"', '"completeness", "history", "events"'
    )
    text += (
        f'\n[[chain]]\nid = {CHAIN_ID}\nname = "trade chain"\nclass = "public"\n'
        'hash_rule = "ethereum"\n'
    )
    policy.write_text(text, "utf-8")
    lines = ['format = "notary-inputs/1"', f'matter = "{number}"']
    lines += ['earliest_as_of = "2026-01-01T00:00:00.000Z"']
    for block in exported["blocks"]:
        chain = foreign.chain if block["chain_id"] == CHAIN_ID else service.anvil
        found = chain.rpc("eth_getBlockByNumber", hex(block["number"]), False)
        lines += ["", "[[block]]", f"chain_id = {block['chain_id']}"]
        lines += [f"number = {block['number']}", f'hash = "{found["hash"]}"']
    (folder / "inputs.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return live.judge(folder, folder / "package.zip")


def row_of(report: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in report["rows"] if one["row"] == "events")


@pytest.mark.slow
def test_an_event_goes_from_its_chain_to_the_verdict(
    service: live.Live, foreign: Delivery, tmp_path: Path
) -> None:
    number = new_matter(service)
    sent = foreign.deliver(value=5)
    tx = sent["transactionHash"]
    source = ("event", "import", "--matter", number, "--rpc", foreign.chain.url, "--tx", tx)

    # Two logs: one has to be named. Then: not final, so nothing enters.
    said = refused(service, *source)
    assert "LOG_INDEX_WANTED: the transaction has 2 logs (0: of 0x" in said.replace("error ", "")
    one = (*source, "--log-index", "0", "--event", EVENT)
    (early,) = run_json(service, *one, exit_code=1)
    assert early["state"] == "its block is not final yet"
    assert records_of(service, number) == []

    foreign.finalize()
    (shown,) = run_json(service, *one, "--dry-run")
    assert shown["state"] == "would be recorded"
    assert records_of(service, number) == []
    (entered,) = run_json(service, *one)
    assert (entered["state"], entered["position"]) == ("recorded", 0)
    assert entered["claims"]["fields"] == {
        "consignment": "0x" + CONSIGNMENT.hex(),
        "quantity": "72",
        "note": "dock 4",
    }
    assert entered["claims"]["event"] == "Delivered(bytes32,uint256,string)"
    assert len(entered["claims"]["code_hash"]) == 66
    assert json.loads(entered["receipt"])["format"] == "notary-receipt/1"

    # The same command again adds nothing, also when it reads the event otherwise.
    assert run_json(service, *one)[0]["state"] == "recorded before"
    assert run_json(service, *source, "--log-index", "0")[0]["state"] == "recorded before"
    assert run_json(service, *source, "--log-index", "1")[0]["position"] == 1

    code, report = judged(service, foreign, number, tmp_path)
    assert (code, report["verdict"]) == (0, "VALID"), report["rows"]
    row = row_of(report)
    assert row["en"].startswith("2 contract events stand in blocks that your sources confirm")
    assert 'on "trade chain" (public); the emitter\'s code is shown for 2 of them' in row["en"]
    assert [one["number"] for one in row["rests_on"]] == [int(sent["blockNumber"], 16)]
    (kept,) = {p["used_for"] for p in report["blocks_to_compare"] if p["chain_id"] == CHAIN_ID}
    assert kept == "event"

    # The exporter keeps a proof back: visible, and the row says that it can't be asked.
    folder = tmp_path / "withheld"
    folder.mkdir()
    code, report = judged(service, foreign, number, folder, "0:proof=trade_secret")
    assert code == 3
    assert (row_of(report)["result"], row_of(report)["code"]) == (
        "NOT CHECKED",
        "EVENT_PROOF_WITHHELD",
    )


@pytest.mark.slow
def test_a_filter_takes_every_event_of_a_contract(
    service: live.Live, foreign: Delivery, tmp_path: Path
) -> None:
    number = new_matter(service)
    first = int(foreign.deliver(1)["blockNumber"], 16)
    foreign.deliver(2, value=7)
    foreign.note("not a delivery")
    other = Delivery(foreign.chain)
    other.deliver(99)
    foreign.deliver(3)
    foreign.finalize()
    topic = "0x" + chain_event.topic_of("Delivered(bytes32,uint256,string)").hex()
    source = [
        *("event", "import", "--matter", number, "--rpc", foreign.chain.url),
        *("--contract", foreign.address, "--from-block", str(first)),
        *("--topic", topic, "--event", EVENT),
    ]
    planned = run_json(service, *source, "--dry-run")
    assert [one["claims"]["fields"]["quantity"] for one in planned] == ["1", "2", "3"]
    assert records_of(service, number) == []
    entered = run_json(service, *source)
    assert [(one["state"], one["position"]) for one in entered] == [
        ("recorded", 0),
        ("recorded", 1),
        ("recorded", 2),
    ]
    assert {one["state"] for one in run_json(service, *source)} == {"recorded before"}
    assert [row["kind"] for row in records_of(service, number)] == ["chain_event"] * 3
    code, report = judged(service, foreign, number, tmp_path)
    assert (code, row_of(report)["en"][:17]) == (0, "3 contract events")


@pytest.mark.slow
def test_an_event_that_was_proved_elsewhere_needs_no_endpoint(
    service: live.Live, foreign: Delivery, tmp_path: Path
) -> None:
    number = new_matter(service)
    tx = foreign.deliver()["transactionHash"]
    file = tmp_path / "event.json"
    words = ("event", "fetch", "--rpc", foreign.chain.url, "--tx", tx, "--out", str(file))
    early = subprocess.run(service.command(*words)[:-2], capture_output=True, text=True, timeout=60)
    assert (early.returncode, "EVENT_NOT_FINAL" in early.stderr) == (75, True), early.stderr
    assert not file.exists()
    foreign.finalize()
    done = subprocess.run(service.command(*words)[:-2], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    foreign.chain.stop()
    source = ("event", "import", str(file), "--matter", number, "--event", EVENT)
    (entered,) = run_json(service, *source)
    assert (entered["state"], entered["claims"]["fields"]["quantity"]) == ("recorded", "72")
    assert run_json(service, *source)[0]["state"] == "recorded before"

    # Whatever is changed in it is refused, and said with the file's name.
    document = json.loads(file.read_bytes())
    forged = tmp_path / "forged.json"
    forged.write_bytes(jsonc.encode({**document, "log_index": 1}))
    assert f"LOG_INDEX: {forged}" in refused(service, *source[:2], str(forged), *source[3:])
    forged.write_bytes(jsonc.encode({**document, "receipt": document["tx"]}))
    assert "EVENT_RECEIPT" in refused(service, *source[:2], str(forged), *source[3:])
    forged.write_text("{}", "utf-8")
    assert f"MEMBER_MISSING: {forged}" in refused(service, *source[:2], str(forged), *source[3:])
    assert len(records_of(service, number)) == 1


@pytest.mark.slow
def test_waiting_ends_when_the_block_is_final(service: live.Live, foreign: Delivery) -> None:
    number = new_matter(service)
    tx = foreign.deliver()["transactionHash"]
    mined = threading.Timer(3.0, foreign.finalize)
    mined.start()
    source = ("event", "import", "--matter", number, "--rpc", foreign.chain.url, "--tx", tx)
    (entered,) = run_json(service, *source, "--wait")
    mined.join()
    assert entered["state"] == "recorded"


@pytest.mark.slow
def test_wrong_words_are_refused_with_their_cause(service: live.Live, foreign: Delivery) -> None:
    number = new_matter(service)
    tx = foreign.deliver()["transactionHash"]
    foreign.finalize()
    source = ("event", "import", "--matter", number)
    rpc = ("--rpc", foreign.chain.url)
    cases: list[tuple[tuple[str, ...], str]] = [
        ((*source,), "EVENT_SOURCE"),
        ((*source, *rpc), "EVENT_SOURCE"),
        ((*source, *rpc, "--tx", tx, "--contract", foreign.address), "EVENT_SOURCE"),
        ((*source, *rpc, "--contract", foreign.address), "EVENT_SOURCE"),
        ((*source, *rpc, "--tx", "0x12"), "HEX_WANTED"),
        ((*source, *rpc, "--tx", "0x" + "12" * 32), "EVENT_UNKNOWN"),
        ((*source, *rpc, "--tx", tx, "--log-index", "7"), "LOG_INDEX"),
        ((*source, *rpc, "--tx", tx, "--event", "Delivered(bytes32,uint256"), "EVENT_TEXT"),
        ((*source, *rpc, "--tx", tx, "--event", "Delivered(uint256)"), "EVENT_SIGNATURE"),
        ((*source, *rpc, "--tx", tx, "--event", EVENT.replace("indexed ", "")), "EVENT_VALUES"),
        ((*source, "missing.json"), "EVENT_FILE"),
        (("event", "import", "--matter", "nm1x", *rpc, "--tx", tx), "NUMBER_"),
    ]
    for words, code in cases:
        assert f"error {code}" in refused(service, *words), words
    assert records_of(service, number) == []


@pytest.mark.slow
def test_a_node_that_forgot_the_state_leaves_the_code_unproved(
    service: live.Live, start_anvil: StartAnvil, tmp_path: Path
) -> None:
    """Without old states `eth_getProof` is refused: the record then claims no code hash."""
    foreign = Delivery(start_anvil(*CHAIN, "--prune-history"))
    number = new_matter(service)
    tx = foreign.deliver()["transactionHash"]
    foreign.chain.rpc("anvil_mine", "0x40")
    source = ("event", "import", "--matter", number, "--rpc", foreign.chain.url, "--tx", tx)
    (entered,) = run_json(service, *source)
    assert "code_hash" not in entered["claims"]
    code, report = judged(service, foreign, number, tmp_path)
    assert code == 0
    assert "code is shown for 0 of them" in row_of(report)["en"]


@pytest.mark.slow
def test_what_a_node_says_otherwise_is_not_believed(service: live.Live, foreign: Delivery) -> None:
    """Each lie by itself; nothing enters, and the code says which words did not rebuild."""
    number = new_matter(service)
    tx = foreign.deliver(value=1)["transactionHash"]
    foreign.finalize()

    def of_receipts(change: dict[str, Any]) -> Rule:
        def rule(_: list[Any], forward: Forward) -> dict[str, Any]:
            answer = forward()
            answer["result"][0] |= change
            return answer

        return rule

    def other_data(_: list[Any], forward: Forward) -> dict[str, Any]:
        answer = forward()
        answer["result"][0]["logs"][0]["data"] = "0x" + "00" * 128
        return answer

    def no_proof(_: list[Any], forward: Forward) -> dict[str, Any]:
        answer = forward()
        answer["result"]["accountProof"] = answer["result"]["accountProof"][:-1]
        return answer

    lies: list[tuple[str, Rule, str]] = [
        ("eth_getBlockReceipts", of_receipts({"type": "0x7e"}), "0x7e, the deposit of an OP-stack"),
        ("eth_getBlockReceipts", of_receipts({"status": "0x0"}), "RECEIPTS_ROOT"),
        ("eth_getBlockReceipts", other_data, "RECEIPTS_ROOT"),
        ("eth_chainId", lambda *_: answered("0x1"), "EVENT_CHAIN"),
        ("eth_getProof", no_proof, "ACCOUNT_PROOF"),
    ]
    with ChainProxy(foreign.chain.url) as proxy:
        source = ("event", "import", "--matter", number, "--rpc", proxy.url, "--tx", tx)
        for method, rule, code in lies:
            with proxy.rule(method, rule):
                assert code in refused(service, *source, "--log-index", "0"), code
        assert records_of(service, number) == []
        assert run_json(service, *source, "--log-index", "0")[0]["state"] == "recorded"

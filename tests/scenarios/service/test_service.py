"""One service, one chain: what goes in comes out as a package that the stand-alone verifier judges."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from notary import demo
from notary.core.budget import wei_of
from notary.errors import CallerError
from notary.usecases.export_order import ExportOrder, Withhold
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators.chain_proxy import ChainProxy, Raw
from verifier.format import numbers
from verifier.format.statement import Reason

CANARY = "Zanzibar-Canary-7731"
RECORDS = 40


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service with two matters, three batches and three anchors."""
    folder = tmp_path_factory.mktemp("service")
    with Anvil(*scene.CHAIN) as anvil:
        made = scene.make(folder / "home", anvil)
        with made.opened() as service:
            matter = service.new_matter(1, f"{CANARY} v. Debtor", (f"{CANARY}-1",))
            service.new_matter(1, "another", ("B-1",))
            first = scene.letters(folder / "one", f"{CANARY}-1", 0, RECORDS - 1, CANARY)
            service.ingest(1, (first,), column_map=folder / "one" / "letters.map.toml")
            scene.work(service)
            other = scene.letters(folder / "two", "B-1", 1000, 3)
            service.ingest(1, (other,), column_map=folder / "two" / "letters.map.toml")
            scene.work(service)
            document = folder / f"{CANARY}.txt"
            document.write_text(f"{CANARY} accepts the goods.\n", "utf-8")
            service.ingest(1, (document,), matter=matter.number)
            scene.work(service)
        yield made


def _number(live: Live, place: int = 0) -> str:
    with live.opened() as service:
        number: str = service.register.all(1)[place].number
    return number


def _export(live: Live, folder: Path, order: ExportOrder) -> Path:
    out = folder / "package.zip"
    with live.opened() as service:
        result = service.export(1, order, out, lambda done, total: None)
        demo.write_policy(service, folder)
    demo.write_inputs(folder, order.number.text, live.anvil.url, [result])
    return out


def _rows(report: dict[str, object]) -> dict[str, str]:
    rows = report["rows"]
    assert isinstance(rows, list)
    return {row["row"]: row["result"] for row in rows}


def test_the_whole_matter_is_valid_and_complete(live: Live, tmp_path: Path) -> None:
    order = ExportOrder(numbers.parse(_number(live)))
    code, report = scene.judge(tmp_path, _export(live, tmp_path, order))
    assert (code, report["verdict"]) == (0, "VALID")
    assert _rows(report)["completeness"] == "PASS"
    assert [record["position"] for record in report["records"]] == list(range(RECORDS))
    times = [record["anchored_at"] for record in report["records"]]
    # The last record came with a later anchor than the others; all others share one.
    assert len(set(times[:-1])) == 1
    assert times[-1] > times[0]


@pytest.mark.parametrize("kind", ["complete", "extract", "absent"])
def test_a_full_history_is_valid_for_a_person_who_asks_for_it(
    live: Live, tmp_path: Path, kind: str
) -> None:
    number = numbers.parse(_number(live))
    if kind == "absent":
        number = numbers.make(b"\x07" * 16, number.log_tag)
    positions = (7,) if kind == "extract" else ()
    order = ExportOrder(number, kind, positions, full_history=True)
    package = _export(live, tmp_path, order)
    policy = tmp_path / "policy.toml"
    policy.write_text(policy.read_text("utf-8").replace('history = "shown"', 'history = "full"'))
    code, report = scene.judge(tmp_path, package)
    assert (code, report["verdict"]) == (0, "VALID")
    (row,) = [row for row in report["rows"] if row["row"] == "history"]
    assert (row["result"], row["code"]) == ("PASS", "FULL_HISTORY")
    with zipfile.ZipFile(package) as archive:
        headers = archive.read("evidence/data/history/headers.txt").splitlines()
    assert [json.loads(header)["batch"] for header in headers] == [0, 1, 2]


def test_the_sidecar_agrees_when_asked(live: Live, tmp_path: Path) -> None:
    order = ExportOrder(numbers.parse(_number(live)))
    package = _export(live, tmp_path, order)
    code, report = scene.judge(tmp_path, package, "--sm3")
    assert code == 0
    assert "SM3_NOT_CHECKED" not in {finding["code"] for finding in report["findings"]}


def test_an_extract_shows_one_record_and_withholds_a_field(live: Live, tmp_path: Path) -> None:
    order = ExportOrder(
        numbers.parse(_number(live)),
        "extract",
        (7,),
        (Withhold(7, "amount", Reason.TRADE_SECRET),),
    )
    package = _export(live, tmp_path, order)
    code, report = scene.judge(tmp_path, package)
    assert (code, report["verdict"]) == (0, "VALID")
    (record,) = report["records"]
    assert (record["position"], record["withheld"]) == (7, ["amount"])
    with zipfile.ZipFile(package) as archive:
        [leaf] = archive.read("evidence/data/matter/leaves.txt").splitlines()
    assert json.loads(leaf)["position"] == 7


def test_a_withheld_original_leaves_neither_name_nor_digest(live: Live, tmp_path: Path) -> None:
    order = ExportOrder(
        numbers.parse(_number(live)),
        withhold=(Withhold(RECORDS - 1, "attachment-0", Reason.PRIVILEGE),),
    )
    package = _export(live, tmp_path, order)
    code, report = scene.judge(tmp_path, package)
    assert code == 0
    # The record was read from the original itself, so what says its digest goes with it.
    assert report["records"][-1]["withheld"] == ["attachment-0", "import"]
    content = package.read_bytes()
    original = f"{CANARY} accepts the goods.\n".encode()
    assert original not in content
    assert hashlib.sha256(original).hexdigest().encode() not in content
    assert b"data/attachments/" not in content


def test_a_number_never_used_is_shown_to_be_absent(live: Live, tmp_path: Path) -> None:
    with live.opened() as service:
        unused = numbers.make(b"\x07" * 16, service.identity.tag)
    package = _export(live, tmp_path, ExportOrder(unused, "absent"))
    code, report = scene.judge(tmp_path, package)
    assert (code, report["verdict"], report["kind"]) == (0, "VALID", "absent")


def test_a_matter_with_records_is_not_exported_as_absent(live: Live, tmp_path: Path) -> None:
    with pytest.raises(CallerError) as caught:
        _export(live, tmp_path, ExportOrder(numbers.parse(_number(live)), "absent"))
    assert caught.value.code == "MATTER_PRESENT"
    assert list(tmp_path.iterdir()) == []


def test_the_same_export_again_gives_the_same_bytes(live: Live, tmp_path: Path) -> None:
    order = ExportOrder(numbers.parse(_number(live)))
    digests = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        digests.add(_export(live, tmp_path / name, order).read_bytes())
    assert len(digests) == 1


def test_nothing_that_came_in_is_readable_in_any_kept_file(live: Live) -> None:
    secrets = [CANARY.encode(), CANARY.encode("utf-16-le"), b"accepts the goods"]
    files = [path for path in live.home.rglob("*") if path.is_file()]
    assert any(path.name == "notary.db" for path in files)
    for path in files:
        content = path.read_bytes()
        for secret in secrets:
            assert secret not in content, path


def test_public_material_holds_nothing_that_came_in(live: Live) -> None:
    with live.opened() as service:
        for batch in range(service.batch_log.size()):
            header = service.batch_log.batch(batch).header_bytes
            assert CANARY.encode() not in header + service.batch_log.delta(batch)


def test_without_the_key_the_export_refuses_with_a_clear_word(live: Live, tmp_path: Path) -> None:
    number = _number(live)
    keys = live.made.home.keys
    moved = tmp_path / "store.kek"
    shutil.move(keys / "store.kek", moved)
    try:
        done = live.run("export", number, "-o", str(tmp_path / "package.zip"))
    finally:
        shutil.move(moved, keys / "store.kek")
    assert done.returncode == 2
    assert "error KEY_MISSING" in done.stderr
    assert "Restore the key folder" in done.stderr
    assert not (tmp_path / "package.zip").exists()


def test_with_another_key_nothing_opens(live: Live, tmp_path: Path) -> None:
    keys = live.made.home.keys
    kept = (keys / "store.kek").read_bytes()
    (keys / "store.kek").write_bytes(bytes(32))
    try:
        done = live.run("status")
    finally:
        (keys / "store.kek").write_bytes(kept)
    assert done.returncode == 2
    assert "error KEYS_OF_OTHER_STORE" in done.stderr


def test_a_wrong_check_character_is_named(live: Live) -> None:
    number = _number(live)
    other = "q" if number[20] != "q" else "p"
    done = live.run("matter", "show", number[:20] + other + number[21:])
    assert done.returncode == 2
    assert f"character 21, '{other}'" in done.stderr
    assert f"'{number[20]}'" in done.stderr


def test_health_follows_the_worker(live: Live) -> None:
    with live.opened() as service:
        health = service.health()
    assert (health.status, health.sealed, health.anchored) == ("ok", 3, 3)
    assert scene.anchored_sizes(live) == [1, 2, 3]


def test_status_says_what_anchoring_cost_and_will_cost(live: Live) -> None:
    told = json.loads(live.run("status", "--json").stdout)["budget"]
    account = live.made.home.config.log_address
    events = live.anvil.rpc(
        "eth_getLogs", {"fromBlock": "0x0", "address": live.made.home.config.contract}
    )
    paid = 0
    for one in events:
        receipt = live.anvil.rpc("eth_getTransactionReceipt", one["transactionHash"])
        paid += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    assert wei_of(told["spent_today"]) == paid
    assert wei_of(told["per_anchor"]) == paid // 3
    # An anchor an hour.
    assert wei_of(told["per_day"]) == 24 * (paid // 3)
    assert (told["committed"], told["cap_per_day"]) == ("0", None)
    balance = int(live.anvil.rpc("eth_getBalance", account, "latest"), 16)
    assert told["days_left"] == round(balance / wei_of(told["per_day"]), 1)
    said = live.run("status").stdout
    assert (
        f"costs     {told['spent_today']} in 24 h, no cap; {told['per_anchor']} an anchor" in said
    )


def test_a_second_worker_that_would_end_is_turned_away(live: Live) -> None:
    stop = threading.Event()
    with live.opened() as service, service.as_worker(lambda line: None, stop, wait=False):
        done = live.run("work", "--until-idle")
    assert done.returncode == 75
    assert "error WORKER_RUNS" in done.stderr


def test_a_record_says_how_far_it_is_anchored(live: Live) -> None:
    done = live.run("record", "show", "1")
    assert done.returncode == 0, done.stderr
    assert "sealed in batch 0, anchored " in done.stdout
    assert "proved" in done.stdout


def test_operators_of_the_real_chain_confirm_its_blocks_and_one_that_lies_disputes_them(
    live: Live, tmp_path: Path
) -> None:
    """No hash of the person's own: two operators are asked, each through a way of its own."""
    package = _export(live, tmp_path, ExportOrder(numbers.parse(_number(live))))
    inputs = (tmp_path / "inputs.toml").read_text("utf-8").split("\n[[block]]")[0]
    (tmp_path / "inputs.toml").write_text(inputs, "utf-8")
    policy = (tmp_path / "policy.toml").read_text("utf-8")

    def asked(*proxies: ChainProxy) -> tuple[int, dict[str, Any]]:
        text = policy.replace("[limits]", "[limits]\nquorum = 2")
        for i, proxy in enumerate(proxies):
            text += f'\n[[endpoint]]\noperator = "{i}"\nchain_id = 31337\nurl = "{proxy.url}"\n'
        (tmp_path / "policy.toml").write_text(text, "utf-8")
        return scene.judge(tmp_path, package, "--rpc")

    def lie(params: list[Any], forward: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        answer = forward()
        answer["result"]["hash"] = "0x" + "ef" * 32
        return answer

    url = live.anvil.url
    with ChainProxy(url) as one, ChainProxy(url) as two, ChainProxy(url) as three:
        code, report = asked(one, two)
        assert (code, report["verdict"]) == (0, "VALID")
        assert {block["level"] for block in report["blocks_to_compare"]} == {2}
        assert one.methods == {"eth_chainId", "eth_getBlockByNumber"}
        with three.rule("eth_getBlockByNumber", lie):
            code, report = asked(one, two, three)
        assert (code, report["verdict"]) == (3, "INDETERMINATE")
        finality = next(row for row in report["rows"] if row["row"] == "finality")
        assert (finality["step"], finality["code"]) == ("9.3", "BLOCK_DISPUTED")
        with three.rule("eth_getBlockByNumber", lambda params, forward: Raw(503, b"busy")):
            assert asked(one, two, three)[0] == 0

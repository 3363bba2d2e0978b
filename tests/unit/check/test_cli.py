"""Proves verifier/check/cli.py: arguments, exit codes, and that nothing else is ever a verdict."""

from __future__ import annotations

import argparse
import ast
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from tests.hostile import persons
from tests.hostile.case import honest
from tests.simulators.nodes import Node
from verifier.check import cli, judge
from verifier.check.arguments import COMMANDS, parse
from verifier.check.cli import main
from verifier.format.identity import source_digest

ROOT = Path(__file__).parents[3]
ADDRESS = "0x0123456789abcdefABCDEF0123456789abcdefAB"
Run = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an honest package, its policy and its inputs."""
    honest().complete().write_zip(tmp_path / "package.zip")
    persons.write(honest().policy(), tmp_path / "policy.toml")
    persons.write(honest().inputs(), tmp_path / "inputs.toml")
    return tmp_path


def check(folder: Path, *more: str, package: str = "package.zip") -> int:
    arguments = ["check", str(folder / package), "--policy", str(folder / "policy.toml")]
    return main([*arguments, "--inputs", str(folder / "inputs.toml"), *more])


def usage(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


# ---------------------------------------------------------------------- verdicts


def test_valid_exits_0(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert check(folder) == 0
    assert capsysbinary.readouterr().out.startswith(b"VERDICT: VALID ")
    assert check(folder, "--text", "--sm3") == 0
    assert b"SM3_NOT_CHECKED" not in capsysbinary.readouterr().out


def test_invalid_exits_2(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    honest().complete().put("data/README.txt", b"").sealed().write_zip(folder / "package.zip")
    assert check(folder, "--json") == 2
    document = json.loads(capsysbinary.readouterr().out)
    assert (document["verdict"], document["exit"]) == ("INVALID", 2)


def test_indeterminate_exits_3(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    persons.write(honest().inputs(matter=None), folder / "inputs.toml")
    assert check(folder) == 3
    assert capsysbinary.readouterr().out.startswith(b"VERDICT: INDETERMINATE ")


@pytest.mark.parametrize("form", ["--text", "--json"])
def test_error_exits_4(form: str, folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    (folder / "policy.toml").write_bytes(b"trust = 'all'")
    assert check(folder, form) == 4
    out = capsysbinary.readouterr().out.decode("utf-8")
    if form == "--json":
        assert json.loads(out)["code"] == "POLICY_MEMBER_MISSING"
    else:
        assert out.startswith("VERDICT: ERROR\n\nPOLICY_MEMBER_MISSING: ")


def test_hashes_come_from_the_command_line_as_well(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    inputs = honest().inputs()
    blocks = [f"{one['chain_id']}:{one['number']}:{one['hash']}" for one in inputs.pop("block")]
    persons.write(inputs, folder / "inputs.toml")
    assert check(folder, "--block-hash", blocks[0]) == 3
    assert b"LEVEL_0" in capsysbinary.readouterr().out
    (folder / "mine.txt").write_text("\n".join(blocks[:-1]) + "\n", "ascii")
    given = ["--block-hash", blocks[-1], "--block-hash", blocks[0]]
    assert check(folder, *given, "--blocks", str(folder / "mine.txt"), "--json") == 0
    listed = json.loads(capsysbinary.readouterr().out)["blocks_to_compare"]
    assert {source["who"] for one in listed for source in one["sources"]} == {
        "you (command line)",
        "you (mine.txt)",
    }


def test_the_blocks_of_a_package_are_a_form_that_must_be_filled_in(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["blocks", str(folder / "package.zip")]) == 0
    form = capsysbinary.readouterr().out
    for block in honest().chain.blocks:
        assert block.hash.hex().encode() not in form
    inputs = honest().inputs()
    hashes = {one["number"]: one["hash"] for one in inputs.pop("block")}
    persons.write(inputs, folder / "inputs.toml")
    (folder / "form.toml").write_bytes(form)
    # As it is printed it confirms nothing.
    assert check(folder, "--blocks", str(folder / "form.toml")) == 4
    assert b"INPUTS_VALUE" in capsysbinary.readouterr().out
    filled, number = [], 0
    for line in form.decode("ascii").splitlines():
        if line.startswith("number = "):
            number = int(line.split()[2])
        filled.append(line.replace('""', f'"{hashes[number]}"') if '""' in line else line)
    (folder / "form.toml").write_text("\n".join(filled), "ascii")
    assert check(folder, "--blocks", str(folder / "form.toml")) == 0
    assert filled.count("[[block]]") == len({line for line in filled if line[:6] == "number"})


def test_the_blocks_of_what_is_no_package_are_an_error(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    honest().complete().put("data/statement.json", b"{}").sealed().write_zip(folder / "bad.zip")
    for name in ("bad.zip", "none.zip"):
        assert main(["blocks", str(folder / name)]) == 4
        assert capsysbinary.readouterr().out.startswith(b"VERDICT: ERROR\n\nPACKAGE_UNREADABLE: ")


def network_modules(folder: Path, *more: str) -> set[str]:
    """Which modules that know a network are loaded by the end of a check, in another process."""
    files = ["--policy", "policy.toml", "--inputs", "inputs.toml"]
    program = (
        "import sys\nfrom verifier.check.cli import main\n"
        f"code = main({['check', 'package.zip', *files, *more]!r})\n"
        "loaded = {m for m in sys.modules if m in ('socket', 'ssl', 'http.client', 'urllib.request')}\n"
        "print(code, loaded or set(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    code, _, loaded = done.stderr.decode().splitlines()[-1].partition(" ")
    assert code == "0", done.stderr
    return set() if loaded == "set()" else set(ast.literal_eval(loaded))


def test_without_rpc_nothing_that_knows_a_network_is_loaded(folder: Path) -> None:
    assert network_modules(folder) == set()
    assert "http.client" in network_modules(folder, "--rpc", "http://127.0.0.1:1")


def test_rpc_asks_the_endpoints_of_the_policy_and_says_so_before(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    hashes = {block.number: block.hash for block in honest().chain.blocks}
    inputs = honest().inputs()
    del inputs["block"]
    persons.write(inputs, folder / "inputs.toml")
    policy = honest().policy()
    policy["limits"]["quorum"] = 2
    with Node(31337, hashes) as a, Node(31337, hashes) as b:
        policy["endpoint"] = [
            {"operator": name, "chain_id": 31337, "url": f"{node.url}/paid-key"}
            for name, node in (("Node A", a), ("Node B", b))
        ]
        persons.write(policy, folder / "policy.toml")
        # Not asked, one of them asked, both asked.
        assert check(folder) == 3
        assert not capsysbinary.readouterr().err
        assert a.calls == b.calls == []
        assert check(folder, "--rpc", f"{a.url}/paid-key") == 3
        assert b"operators of your policy that agree: 1, want 2" in capsysbinary.readouterr().out
        assert b.calls == []
        assert check(folder, "--rpc", f"{a.url}/other-key", "--rpc", f"{b.url}/paid-key") == 3
        assert b"not in your policy" in capsysbinary.readouterr().err
        b.calls.clear()
        assert check(folder, "--rpc") == 0
    out, err = capsysbinary.readouterr()
    said = "asks Node {} ({}) for the hashes of 6 blocks, by number alone\n"
    assert err.decode() == said.format("A", a.place) + said.format("B", b.place)
    both = f"Node A ({a.place}) and Node B ({b.place}) gave when asked [level 2]"
    assert both in " ".join(out.decode().split())
    assert b"paid-key" not in out
    assert len(b.calls) == 7


def test_rpc_with_nobody_to_ask_exits_4(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert check(folder, "--rpc") == 4
    assert b"RPC_NO_ENDPOINT" in capsysbinary.readouterr().out


def test_a_package_that_is_not_there_exits_4(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert check(folder, package="nothing") == 4
    assert b"PACKAGE_UNREADABLE" in capsysbinary.readouterr().out


@pytest.mark.parametrize(
    "failure", [RuntimeError("\x1b[2Jsecret"), MemoryError(), RecursionError()]
)
@pytest.mark.parametrize("form", ["--text", "--json"])
def test_an_unexpected_condition_is_an_error_and_no_verdict(
    form: str,
    failure: Exception,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise failure

    monkeypatch.setattr(judge, "judge_case", broken)
    assert check(folder, form) == 4
    out = capsysbinary.readouterr().out
    assert b"INTERNAL" in out
    assert b"ERROR" in out
    # Kind and place of the failure, and none of its words.
    assert f"{type(failure).__name__} in test_cli.py line ".encode() in out
    assert b"secret" not in out


def test_a_report_that_can_not_be_written_is_no_verdict(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: bytes) -> NoReturn:
        raise OSError("no space left")

    monkeypatch.setattr(cli, "_print", full)
    assert check(folder) == 4
    assert capsys.readouterr().err == "VERDICT: ERROR\nINTERNAL: OSError\n"


def test_a_report_that_a_full_disk_does_not_take_is_no_verdict(folder: Path) -> None:
    """The system may say so only when the last bytes leave the buffer."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "verifier.check", "check", "package.zip",
             "--policy", "policy.toml", "--inputs", "inputs.toml"],
            cwd=folder, env={"PYTHONPATH": str(ROOT)}, stdout=full, stderr=subprocess.PIPE,
            check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (4, b"VERDICT: ERROR\nINTERNAL: OSError\n")


def test_a_terminal_sees_a_count_and_a_file_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for is_terminal, said in (
        (True, "\rasking 1/4 (25 %)\rasking 4/4 (100 %)\n"),
        (False, ""),
    ):
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda is_terminal=is_terminal: is_terminal)
        monkeypatch.setattr(sys, "stderr", stream)
        show = cli._progress("asking")
        show(1, 4)
        show(4, 4)
        assert stream.getvalue() == said


# ---------------------------------------------------------------------- usage


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("verify",),
        ("check",),
        ("check", "package.zip"),
        ("check", "package.zip", "--policy", "p"),
        ("check", "package.zip", "--inputs", "i"),
        ("check", "package.zip", "--pol", "p", "--inputs", "i"),
        ("check", "package.zip", "--policy", "p", "--inputs", "i", "--text", "--json"),
        ("check", "package.zip", "--policy", "p", "--inputs", "i", "--trust-package"),
        ("check", "a.zip", "b.zip", "--policy", "p", "--inputs", "i"),
        ("check", "a.zip", "--policy", "p", "--inputs", "i", "--block-hash", "1:2:0xab"),
        ("check", "--rpc", "a.zip", "--policy", "p", "--inputs", "i"),
        ("check", "a.zip", "--policy", "p", "--inputs", "i", "--rpc", "http://a.example"),
        ("anchor", "evm.json"),
        ("anchor", "evm.json", "--contract", ADDRESS, "--log-address", ADDRESS),
        ("anchor", "evm.json", "--chain-id", "0x1", "--contract", "0x", "--log-address", "0x"),
        ("fork", "--policy", "p"),
        ("receipt", "receipt.json"),
        ("receipt", "--policy", "p"),
        ("compare", "a.zip"),
        ("replay",),
        ("blocks",),
        ("explain",),
        ("--json",),
    ],
)
def test_wrong_usage_exits_64(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert usage(*arguments) == 64
    assert "VERDICT" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "address",
    [ADDRESS[:-1], ADDRESS + "0", ADDRESS[2:], "00" + ADDRESS[2:], "0x0x" + ADDRESS[4:],
     ADDRESS[:-1] + "g", "0X" + ADDRESS[2:], ""],
)  # fmt: skip
@pytest.mark.parametrize("name", ["--contract", "--log-address"])
def test_an_address_is_forty_hex_digits(
    name: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {"--chain-id": "1" * 16, "--contract": ADDRESS, "--log-address": ADDRESS}
    words = [word for pair in (wanted | {name: address}).items() for word in pair]
    assert usage("anchor", "evm.json", *words) == 64
    assert "want 0x and 40 hex digits" in capsys.readouterr().err
    whole = parse(["anchor", "evm.json", *[w for pair in wanted.items() for w in pair]])
    without = [word for pair in wanted.items() if pair[0] != name for word in pair]
    assert usage("anchor", "evm.json", *without) == 64
    assert (whole.chain_id, whole.contract) == (int("1" * 16), bytes.fromhex(ADDRESS[2:]))


BLOCK_WORDS = ["--block-hash", f"1:2:0x{'ab' * 32}", "--blocks", "b", "--rpc", "https://a.example"]
FULL: Sequence[tuple[str, Mapping[str, object]]] = [
    (
        "check P --policy p --inputs i --text --sm3 --fork-proof f",
        {"package": Path("P"), "text": True, "json": False, "sm3": True, "fork_proof": Path("f")},
    ),
    ("blocks P", {"package": Path("P")}),
    ("fork F --policy p --inputs i --json", {"file": Path("F"), "json": True}),
    ("receipt R --policy p --inputs i --evm e --json", {"file": Path("R"), "evm": Path("e")}),
    ("compare A B --out o --json", {"first": Path("A"), "second": Path("B"), "out": Path("o")}),
    ("replay D --until 3 --chain c --json", {"folder": Path("D"), "until": 3, "chain": Path("c")}),
    ("explain CODE", {"code": "CODE"}),
]


@pytest.mark.parametrize(("line", "wanted"), FULL)
def test_a_command_takes_what_the_specification_names(
    line: str, wanted: Mapping[str, object]
) -> None:
    words = line.split()
    given = vars(parse(words))
    assert {name: given[name] for name in wanted} == wanted
    if "--json" in words:
        assert given["json"] is True
    if "--policy" in words:
        assert (given["policy"], given["inputs"]) == (Path("p"), Path("i"))
        asked = vars(parse([*words, *BLOCK_WORDS]))
        assert [len(asked[name]) for name in ("block_hash", "blocks", "rpc")] == [1, 1, 1]


@pytest.mark.parametrize("number", ["-1", "1.0", "", "١", "1" * 17, "true"])
def test_a_chain_id_is_decimal(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    address = "0x" + "c0" * 20
    words = ["anchor", "evm.json", f"--chain-id={number}", "--contract", address]
    assert usage(*words, "--log-address", address) == 64
    assert "want a decimal number" in capsys.readouterr().err


def test_help_and_version_exit_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert usage("--help") == 0
    assert "64 wrong usage" in capsys.readouterr().out
    assert usage("--version") == 0
    identity = source_digest()
    assert capsys.readouterr().out == (
        f"verifier {identity.version} sha256:{identity.sha256.hex()}\n"
    )


def test_every_command_that_is_named_has_its_own_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert usage("--help") == 0
    named = re.findall(r"^    ([a-z]+) +[a-z]", capsys.readouterr().out, re.MULTILINE)
    assert named == list(cli._COMMANDS)
    for name in named:
        assert usage(name, "--help") == 0
        assert capsys.readouterr().out.startswith(f"usage: verifier {name} ")


def test_explain_says_what_a_code_means(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["explain", "LEVEL_0"]) == 0
    text = capsysbinary.readouterr().out.decode("utf-8")
    assert "Look the block up at a source that you trust" in text
    assert "区块" in text
    assert main(["explain", "LEAF_FORM:JSON_SYNTAX"]) == 0
    assert capsysbinary.readouterr().out.startswith(b"LEAF_FORM\n")
    assert main(["explain", "NO_SUCH_CODE"]) == 64


# ---------------------------------------------------------------------- anchor


def anchor(folder: Path, *more: str) -> int:
    (folder / "evm.json").write_bytes(honest().complete()["data/anchors/evm.json"])
    log = honest().log
    arguments = ["anchor", str(folder / "evm.json"), "--chain-id", "31337"]
    arguments += ["--contract", "0x" + log.contract.hex()]
    return main([*arguments, "--log-address", "0x" + log.address.hex(), *more])


def test_an_anchor_that_holds_exits_0(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert anchor(tmp_path) == 0
    assert capsysbinary.readouterr().out.startswith(b"ANCHOR: the chain proof holds")
    assert anchor(tmp_path, "--json") == 0
    assert json.loads(capsysbinary.readouterr().out)["holds"] is True


def test_an_anchor_of_another_chain_exits_2(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert anchor(tmp_path, "--chain-id", "1") == 2
    assert b"LOG_NOT_PINNED" in capsysbinary.readouterr().out


def test_an_address_may_be_pasted_with_its_checksum(tmp_path: Path) -> None:
    contract = "0x" + honest().log.contract.hex().upper()
    assert anchor(tmp_path, "--contract", contract) == 0


def test_an_anchor_file_that_is_not_there_exits_4(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    address = "0x" + "c0" * 20
    arguments = ["anchor", "/nothing/evm.json", "--chain-id", "1"]
    assert main([*arguments, "--contract", address, "--log-address", address]) == 4
    assert capsysbinary.readouterr().out.startswith(b"VERDICT: ERROR\n\nEVM_UNREADABLE")


# ---------------------------------------------------------------------- processes


def test_both_modules_start_the_same_program(folder: Path) -> None:
    files = ["--policy", "policy.toml", "--inputs", "inputs.toml"]
    for module in ("verifier.check", "verifier.check.cli"):
        command = [sys.executable, "-m", module, "check", "package.zip", *files]
        # A locale without UTF-8 must not keep a report from being printed.
        done = subprocess.run(
            command,
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONUTF8": "0"},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b""), module
        assert "结论：有效".encode() in done.stdout


def test_help_imports_nothing_that_the_work_needs() -> None:
    program = (
        "import sys\nfrom verifier.check.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m.startswith(('verifier', 'cryptography'))),"
        " file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True
    )
    wanted = ["verifier", "verifier.check", "verifier.check.arguments", "verifier.check.cli"]
    assert ast.literal_eval(done.stderr) == wanted


def test_a_check_loads_nothing_that_takes_long_and_that_this_package_does_not_need(
    folder: Path,
) -> None:
    program = (
        "import sys\nfrom verifier.check.cli import main\n"
        "words = 'check package.zip --policy policy.toml --inputs inputs.toml --json'\n"
        "main(words.split())\nprint(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=folder, capture_output=True, check=True
    )
    loaded = set(ast.literal_eval(done.stderr.decode()))
    assert "verifier.check.report_json" in loaded
    slow = {"asyncio", "dataclasses", "inspect", "logging", "shutil", "socket", "ssl", "textwrap"}
    ours = {"verifier.check.endpoints", "verifier.check.report_text", "verifier.check.token_chains"}
    assert loaded & (slow | ours) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_each_argument_is(command: str) -> None:
    parser = argparse.ArgumentParser()
    COMMANDS[command][1](parser)
    assert [action.dest for action in parser._actions if not action.help] == []


def test_an_unknown_code_is_told_what_one_looks_like(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "zip_form"]) == 64
    assert "such as ZIP_FORM" in capsys.readouterr().err

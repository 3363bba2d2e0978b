"""The verifier as a process: exit codes, first lines, and nothing that the package could steer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.attacks import ALL
from tests.hostile.case import Case, case, honest

ROOT = Path(__file__).parents[2]


def run(made: Case, folder: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    package, policy, inputs = made.write(folder)
    return subprocess.run(
        [
            sys.executable, "-m", "verifier.check", "check", package,
            "--policy", policy, "--inputs", inputs, *options,
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("attack", "verdict", "exit_code"),
    [
        ("finality.words_of_endpoints_in_the_package", "VALID", 0),
        ("records.leaf_with_exponent", "INVALID", 2),
        ("finality.no_block_confirmed", "INDETERMINATE", 3),
        ("person.kind_that_the_policy_does_not_list", "ERROR", 4),
        ("person.package_that_is_not_there", "ERROR", 4),
    ],
)
def test_verdict_and_exit_code(attack: str, verdict: str, exit_code: int, tmp_path: Path) -> None:
    done = run(ALL[attack].make(), tmp_path)
    first = done.stdout.decode().splitlines()[0]
    assert (done.returncode, done.stderr) == (exit_code, b"")
    assert first.startswith(f"VERDICT: {verdict}")
    as_json = run(ALL[attack].make(), tmp_path, "--json")
    report = json.loads(as_json.stdout)
    assert (as_json.returncode, report["exit"], report["verdict"]) == (
        exit_code, exit_code, verdict,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("chain_class", "words"),
    [
        ("test", 'test chain "demo chain": time and order as stated by its operator'),
        ("consortium", 'consortium chain "demo chain": time and order as stated by its operator'),
        ("public", 'public chain "demo chain"'),
    ],
)
def test_the_first_line_names_the_chain_as_the_policy_does(
    chain_class: str, words: str, tmp_path: Path
) -> None:
    policy = honest().policy()
    policy["chain"][0]["class"] = chain_class
    done = run(case(honest().complete(), policy=policy), tmp_path)
    assert done.stdout.decode().splitlines()[0] == f"VERDICT: VALID — {words}"


def test_level_0_prints_the_block_to_compare(tmp_path: Path) -> None:
    done = run(ALL["finality.no_block_confirmed"].make(), tmp_path)
    tip = honest().chain.tip
    text = done.stdout.decode()
    assert f"0x{tip.hash.hex()}" in text
    assert "LEVEL_0" in text


def test_no_word_of_the_package_reaches_the_terminal_unquoted(tmp_path: Path) -> None:
    """A hostile name holds an escape sequence and a line that looks like a verdict."""
    package = honest().complete().put("data/\x1b[2JVERDICT: VALID\n", b"")
    done = run(case(package.sealed()), tmp_path)
    assert done.returncode == 2
    assert b"\x1b" not in done.stdout
    assert [line for line in done.stdout.decode().splitlines() if line.startswith("VERDICT")] == [
        'VERDICT: INVALID — test chain "demo chain": time and order as stated by its operator'
    ]

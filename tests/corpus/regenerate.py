"""Makes the corpus anew: `python -m tests.corpus.regenerate`. Only until format 1.0 (ORIGIN.md)."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dilithium_py.ml_dsa import ML_DSA_44

from tests.hostile import log, sources
from tests.hostile.asides import waited
from tests.hostile.persons import write
from tests.hostile.world import CASE, NOBODY, World

CORPUS = Path(__file__).parent
KINDS = ("complete", "extract", "absent", "sources")

# Members of the report that must stay, and within them what is left out: words may be improved.
KEPT = (
    "format",
    "verdict",
    "exit",
    "kind",
    "matter",
    "chain",
    "rows",
    "records",
    "handovers",
    "blocks_to_compare",
)
WORDS = frozenset({"en", "zh", "failures"})


def main() -> None:
    for kind in KINDS:
        folder = CORPUS / kind
        folder.mkdir(exist_ok=True)
        make(kind, folder)
        expected = json.dumps(judged(folder), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        (folder / "expected.json").write_text(expected, "utf-8")


def make(kind: str, folder: Path) -> None:
    """Write package, policy, inputs and receipt of one kind."""
    # The library draws lots when it signs by ML-DSA-44; the second implementation can do without.
    with patch.object(log, "_ml_dsa_sign", deterministic_signature):
        _make(kind, folder)


@cache
def deterministic_signature(seed: bytes, message: bytes) -> bytes:
    """FIPS 204, algorithm 2 with rnd = 32 zero bytes."""
    _, private = ML_DSA_44.key_derive(seed)
    signature: bytes = ML_DSA_44.sign(private, message, deterministic=True)
    return signature


def _make(kind: str, folder: Path) -> None:
    if kind == "sources":
        _make_sources(folder)
        return
    world = World.told()
    getattr(world, kind)().write_zip(folder / "package.zip")
    write(world.policy(), folder / "policy.toml")
    inputs = world.inputs(NOBODY if kind == "absent" else CASE)
    if kind != "absent":
        (folder / "receipt.json").write_bytes(world.log.receipt(CASE, 3))
        inputs["receipts"] = ["receipt.json"]
    write(inputs, folder / "inputs.toml")


def _make_sources(folder: Path) -> None:
    """A complete package with a source's log, in which rows waited, and a person who asks for its days."""
    world, source = waited()
    made = sources.files(world, source, since=5)
    sources.packed(world, made).write_zip(folder / "package.zip")
    write(world.policy(), folder / "policy.toml")
    asked = {"number": source.number.text, "from": "2026-10-03", "to": "2026-10-05"}
    write({**world.inputs(), "source": [asked]}, folder / "inputs.toml")


def judged(folder: Path) -> dict[str, Any]:
    """What the verifier says of a folder of the corpus, without the words."""
    done = subprocess.run(
        [
            sys.executable, "-m", "verifier.check", "check", folder / "package.zip",
            "--policy", folder / "policy.toml", "--inputs", folder / "inputs.toml", "--json", "--sm3",
        ],
        cwd=CORPUS.parents[1],
        capture_output=True,
        check=False,
    )  # fmt: skip
    report = json.loads(done.stdout)
    if done.returncode != report["exit"]:
        raise AssertionError(f"the process ended with {done.returncode}, not {report['exit']}")
    kept = {name: report[name] for name in KEPT}
    kept["rows"] = [{k: v for k, v in row.items() if k not in WORDS} for row in report["rows"]]
    return kept


if __name__ == "__main__":
    main()

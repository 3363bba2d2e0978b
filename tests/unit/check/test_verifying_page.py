"""docs/verifying.md shows files that are read, once a person's own keys, number and files stand in them."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from verifier.check.inputs import read_inputs
from verifier.check.policy import read_policy
from verifier.format import numbers
from verifier.format.notes import make_vkey

PAGE = Path(__file__).parents[3] / "docs/verifying.md"
NUMBER = numbers.make(bytes(16), bytes(4)).text
SOURCE = numbers.make_source(bytes(16), bytes(4)).text


def shown(number: int) -> str:
    """One of the page's two files."""
    found: str = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[number]
    return found


def test_the_policy_is_read(tmp_path: Path) -> None:
    seeds = iter(range(1, 9))

    def key(elided: re.Match[str]) -> str:
        own = Ed25519PrivateKey.from_private_bytes(bytes([next(seeds)]) * 32)
        return f'"{make_vkey(elided[1], own.public_key().public_bytes_raw()).text}"'

    file = tmp_path / "policy.toml"
    file.write_text(re.sub(r'"([^"]*)\+…"', key, shown(0)), "utf-8")
    [pin] = read_policy(file).pins
    assert (pin.name, len(pin.vkeys), len(pin.receipt_vkeys)) == ("notary.example/log", 2, 1)


def test_the_inputs_are_read(tmp_path: Path) -> None:
    file = tmp_path / "inputs.toml"
    file.write_text(shown(1).replace("nm1…", NUMBER).replace("ns1…", SOURCE), "utf-8")
    for name in ("receipt-1.json", "theirs.txt"):
        (tmp_path / name).write_bytes(b"{}")
    inputs = read_inputs(file)
    assert inputs.matter is not None
    assert (inputs.matter.text, len(inputs.receipts)) == (NUMBER, 1)

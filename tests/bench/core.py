"""Gas, trees, canonical bytes and the start of the two commands."""

from __future__ import annotations

import hashlib
import json
import sys
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import orjson
import rfc8785

from tests.bench.measure import Row, at_least, at_most, pair, process
from verifier.format import jsonc, records, trees
from verifier.format.digests import Digest

ROOT = Path(__file__).parent.parent.parent
LEAVES = 1 << 17  # a full tree, so that the plain loop needs no case for odd ends
PROVED = 1 << 14
RECORDS = 2_000


def gas() -> list[Row]:
    """The committed snapshot, which the contract's tests compare with a real chain."""
    (snapshot,) = (ROOT / "contracts" / "snapshots").glob("*.json")
    figures = {name: int(value) for name, value in json.loads(snapshot.read_text()).items()}
    warm = max(value for name, value in figures.items() if "later" in name)
    return [at_most("gas for one batch, warm", warm, "gas", 31_000)]


def _leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(i.to_bytes(8, "big")).digest() for i in range(count)]


def _loop(level: list[bytes]) -> list[list[bytes]]:
    """The plainest hashlib loop that gives the levels of a full tree."""
    sha256 = hashlib.sha256
    levels = [level]
    while len(level) > 1:
        level = [
            sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)
        ]
        levels.append(level)
    return levels


def tree() -> list[Row]:
    """Root and proofs against the plain loop, which asks for each proof's hashes as well."""
    leaves = _leaves(LEAVES)
    assert trees.root(leaves) == _loop(leaves)[-1][0]
    ours, reference = pair(lambda: trees.root(leaves), lambda: _loop(leaves), 5)
    some = leaves[:PROVED]

    def plain_proofs() -> list[list[bytes]]:
        levels = _loop(some)[:-1]
        proofs = []
        for i in range(PROVED):
            proof, index = [], i
            for level in levels:
                proof.append(level[index ^ 1])
                index >>= 1
            proofs.append(proof)
        return proofs

    assert [[*path] for path in trees.inclusion_paths(some)] == plain_proofs()
    proving, plainly = pair(lambda: trees.inclusion_paths(some), plain_proofs, 7)
    tracemalloc.start()
    levels = trees.levels_of(leaves)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(levels[-1]) == 1
    return [
        at_most(
            f"tree build, {LEAVES:,} leaves",
            ours / reference,
            "× hashlib loop",
            1.2,
            f"{ours:.2f} s",
        ),
        at_most(
            f"tree build and every proof, {PROVED:,} leaves",
            proving / plainly,
            "× the same loop with its proofs",
            0.8,
            f"{proving:.2f} s",
        ),
        at_most("nodes of a whole tree in memory", held / LEAVES, "bytes a leaf", 80),
    ]


def canonical() -> list[Row]:
    """Reading and checking canonical bytes of a record against orjson.loads + rfc8785.dumps."""
    leaf, disclosures = records.make_leaf(
        matter=Digest(bytes(32)),
        position=7,
        kind="letter",
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
        secret=bytes(32),
        blind=bytes(16),
        claims={
            "occurred_at": "2026-01-01T08:00:00.000Z",
            "stage": 1,
            "amount": {"minor": 125000, "currency": "EUR"},
            "addressee": "Debtor 17, 1 Example Street",
            "text": "Please pay the amount due within fourteen days. " * 8,
            "channel": "post",
            "template": "letter-1/v3",
            "reference": "A-000017",
        },
    )
    assert disclosures

    def ours() -> None:
        for _ in range(RECORDS):
            # What decode lets pass is its own canonical form, so the received bytes are hashed.
            jsonc.decode(leaf, "leaf")
            hashlib.sha256(b"\x00" + leaf).digest()

    def reference() -> None:
        for _ in range(RECORDS):
            hashlib.sha256(b"\x00" + rfc8785.dumps(orjson.loads(leaf))).digest()

    fast, slow = pair(ours, reference, 20)
    return [
        at_least(
            "canonical bytes and digest of a leaf, read strictly",
            slow / fast,
            "× orjson + rfc8785",
            4.5,
            f"{fast / RECORDS * 1e6:.0f} µs",
        )
    ]


def start() -> list[Row]:
    """`--help` of both commands against an empty Python."""
    rows = []
    for name, module, bar in (
        ("verifier", "verifier.check.cli", 4.0),
        ("notary", "notary", None),
    ):
        ours, reference = pair(
            process([sys.executable, "-I", "-m", module, "--help"]),
            process([sys.executable, "-I", "-c", "pass"]),
            9,
        )
        rows.append(
            Row(
                f"{name} --help",
                ours / reference,
                "× python -c pass",
                bar,
                detail=f"{ours * 1e3:.0f} ms",
            )
        )
    return rows

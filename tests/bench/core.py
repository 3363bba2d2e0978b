"""Trees, canonical bytes and the verifier's start."""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, datetime

import orjson
import rfc8785

from tests.bench.measure import Row, at_least, at_most, pair, process
from verifier.format import jsonc, records, trees
from verifier.format.digests import Digest

LEAVES = 200_000
RECORDS = 5_000


def tree_root() -> Row:
    """A root over hashed leaves against the plainest hashlib loop that gives the same root."""
    size = 1 << (
        LEAVES.bit_length() - 1
    )  # a full tree, so that the loop needs no case for odd ends
    leaves = [hashlib.sha256(i.to_bytes(8, "big")).digest() for i in range(size)]

    def loop() -> bytes:
        level = leaves
        sha256 = hashlib.sha256
        while len(level) > 1:
            level = [
                sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)
            ]
        return level[0]

    assert trees.root(leaves) == loop()
    ours, reference = pair(lambda: trees.root(leaves), loop, 3)
    return at_most(
        f"tree build, {size:,} leaves", ours / reference, 1.2, "× hashlib loop", f"{ours:.2f} s"
    )


def canonical_bytes() -> Row:
    """Reading and checking canonical bytes of a record against orjson.loads + rfc8785.dumps."""
    leaf, disclosures = records.make_leaf(
        matter=Digest(bytes(32)),
        position=7,
        kind="letter",
        recorded_at=_moment(),
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

    fast, slow = pair(ours, reference, 3)
    return at_least(
        "canonical bytes and digest of a leaf, read strictly",
        slow / fast,
        4.5,
        "× orjson + rfc8785",
        f"{fast / RECORDS * 1e6:.0f} µs",
    )


def verifier_help() -> Row:
    """`verifier --help` against an empty Python."""
    ours, reference = pair(
        process([sys.executable, "-I", "-m", "verifier.check.cli", "--help"]),
        process([sys.executable, "-I", "-c", "pass"]),
    )
    return at_most(
        "verifier --help", ours / reference, 4, "× python -c pass", f"{ours * 1e3:.0f} ms"
    )


def _moment() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)

"""From records that wait to a proved anchor, at three sizes of a batch, and what a record costs.

The chain makes a block a second and finalizes two behind, so what is above a block or three is ours. What
a public chain adds is its own block time and finality.
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from notary.compose import Service
from notary.core.intake import Incoming
from notary.core.intent import ON_CHAIN, State
from tests.anvil import Anvil
from tests.bench.measure import Row
from tests.scenarios.service import live as scene

SIZES = (1, 100, 10_000)
RUNS = 3
COMMIT = 2_000  # records taken in at once
PAUSE_S = 0.02  # between two looks of the sender
PATIENCE_S = 120


def rows() -> list[Row]:
    """A row for each size: the best of some runs, each with a batch of its own."""
    with tempfile.TemporaryDirectory() as name, Anvil(*scene.CHAIN) as anvil:
        live = scene.make(Path(name) / "home", anvil)
        with live.opened() as service:
            matter = service.new_matter(1, "Case", ()).key
            # The log's first anchor costs more than all others.
            _anchored(service)
            return [_row(service, anvil, matter, size) for size in SIZES]


def _row(service: Service, anvil: Anvil, matter: bytes, size: int) -> Row:
    best = (float("inf"), float("inf"), float("inf"))
    gas = 0
    for run in range(RUNS):
        _take(service, matter, size, run)
        best = min(best, _anchored(service))
        newest = service.book.newest_on_chain()
        assert newest is not None
        assert newest.tx_hash is not None
        receipt = anvil.rpc("eth_getTransactionReceipt", "0x" + newest.tx_hash.hex())
        gas = int(receipt["gasUsed"], 16)
    proved, mined, sealed = best
    return Row(
        f"a batch of {size:,} records: from the order to seal to the proved anchor, a block a second",
        proved,
        "s",
        detail=f"sealed {sealed:.2f} s, mined {mined:.2f} s; {_figure(gas / size)} gas a record",
    )


def _figure(gas: float) -> str:
    return f"{gas:,.0f}" if gas >= 100 else f"{gas:.2f}"


def _take(service: Service, matter: bytes, size: int, run: int) -> None:
    """Records like those of a call export."""
    for first in range(0, size, COMMIT):
        items = [
            Incoming(
                matter,
                "call",
                {"account": f"ACC-{i:07d}", "direction": "outbound", "disposition": "ANSWERED"},
                f"{size} {run} {i}",
            )
            for i in range(first, min(first + COMMIT, size))
        ]
        service.acceptor.accept(1, items)


def _anchored(service: Service) -> tuple[float, float, float]:
    """Seal and anchor what waits; seconds until it is proved, mined and sealed."""
    began = time.perf_counter()
    service._sealer.seal(datetime.now(UTC), service._recent_block(datetime.now(UTC)))
    sealed = time.perf_counter() - began
    size, mined = service.batch_log.size(), 0.0
    while True:
        service.anchorer.step(datetime.now(UTC))
        passed = time.perf_counter() - began
        newest = service.book.newest_on_chain()
        if newest is not None and newest.size == size:
            mined = mined or passed
            if newest.state is State.PROVED:
                return passed, mined, sealed
            assert newest.state in ON_CHAIN
        assert passed < PATIENCE_S, service.book.alarms()
        time.sleep(PAUSE_S)

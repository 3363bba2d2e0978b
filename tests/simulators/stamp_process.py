"""A process that asks an authority: `python -m tests.simulators.stamp_process FOLDER URL PEM_FILE`.

It kills itself between the answer and its storing.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from notary.adapters.store.timestamps import StoredTokens
from notary.adapters.timestamp_http import HttpAuthority
from notary.timestamp_ports import KeptToken, Wanted
from notary.usecases.stamp import PinnedAuthority
from tests.simulators.authority import stamper
from tests.simulators.store import reopen_world
from verifier.format.timestamp_authority import read_roots


class KilledBeforeStoring(StoredTokens):
    """The answer is there, checked and good, and the power goes."""

    def keep(self, wanted: Wanted, token: KeptToken) -> None:
        print("answered", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    world = reopen_world(Path(sys.argv[1]), "killed", now=datetime.now(UTC))
    pinned = PinnedAuthority(
        HttpAuthority("Example", sys.argv[2]), read_roots(Path(sys.argv[3]).read_text("ascii"))
    )
    stamper(world, [pinned], KilledBeforeStoring(world.database)).ask(pinned)


if __name__ == "__main__":
    main()

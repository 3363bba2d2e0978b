"""A process that changes a store's key: `python -m tests.simulators.rotate_process FOLDER SEED`.

It says `ready` before the first step, and is meant to be killed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from notary.adapters.store.rewrap import StoredSecrets
from notary.usecases.rotate_kek import rotate_kek
from tests.simulators.store import reopen_world


@contextmanager
def no_bar(title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def main() -> None:
    folder, seed = Path(sys.argv[1]), sys.argv[2]
    world = reopen_world(folder, seed)
    print("ready", flush=True)
    rotate_kek(StoredSecrets(world.database), folder / "keys", world.entropy, None, no_bar)


if __name__ == "__main__":
    main()

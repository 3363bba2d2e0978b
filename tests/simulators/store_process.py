"""A process that accepts and seals until it is killed: `python -m tests.simulators.store_process
FOLDER SEED`.

It says what it was promised, one line each, and only after the call returned.
"""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

from notary.core.intake import Accepted, IncomingFile
from tests.simulators.store import offer, reopen_world


def main() -> None:
    folder, seed = Path(sys.argv[1]), sys.argv[2]
    world = reopen_world(folder, seed)
    matters = world.register.all(world.agency_id)
    original = IncomingFile(folder / "original", "scan.pdf", "application/pdf")
    print("ready", flush=True)
    count = 0
    while True:
        items = []
        for i in range(1 + count % 7):
            files = (original,) if (count + i) % 5 == 0 else ()
            items.append(offer(matters[(count + i) % len(matters)], f"{seed}/{count}/{i}", *files))
        for item, one in zip(items, world.acceptor.accept(world.agency_id, items), strict=True):
            assert isinstance(one, Accepted)
            receipt = sha256(one.receipt).hexdigest()
            print(f"accepted {item.idempotency_key} {one.record_id} {receipt}", flush=True)
        if count % 3 == 2:
            sealed = world.sealer.seal(world.clock.now(), None)
            note = sha256(world.batch_log.checkpoint(sealed.index + 1).encode()).hexdigest()
            print(f"sealed {sealed.index} {note}", flush=True)
        count += 1


if __name__ == "__main__":
    main()

"""The process that prepares records for another one, and how the two talk.

It holds the log's lookup secret and the secrets of the records that it prepares, in memory only; it opens no
file and no store, and ends with its input. Test: tests/unit/store/test_preparers.py.
"""

from __future__ import annotations

import contextlib
import marshal
import signal
import sys
from typing import IO, Any

from notary.adapters.system import collect_seldom
from notary.core.intake import Incoming, Refused
from notary.core.preparing import Prepared, prepare_all
from notary.importers.offered_json import prepare_texts

_LENGTH_BYTES = 8


def send(stream: IO[bytes], content: Any) -> None:
    """Send plain values to the other side. Raises ValueError for others, with nothing sent."""
    # marshal, because both ends are one interpreter's and it is the fastest by far.
    written = marshal.dumps(content)
    stream.write(len(written).to_bytes(_LENGTH_BYTES, "big"))
    stream.write(written)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """What the other side sent. Raises EOFError at the end."""
    length = int.from_bytes(stream.read(_LENGTH_BYTES), "big")
    content = stream.read(length)
    if not length or len(content) < length:
        raise EOFError
    return marshal.loads(content)  # noqa: S302 - what one of our own processes wrote


def serve(stdin: IO[bytes], stdout: IO[bytes]) -> None:
    """Answer requests until the end of the input."""
    while True:
        lookup_secret, agency_id, rows, random = receive(stdin)
        heads: list[tuple[bytes, str, str, bytes | None, int | None]] | None = None
        if type(rows[0]) is bytes:
            items, answers = prepare_texts(lookup_secret, agency_id, rows, random)
            # Whoever asked has the texts.
            heads = [
                (item.matter_key, item.kind, item.idempotency_key, item.source, item.number)
                for item in items
            ]
        else:
            items = [Incoming(*row) for row in rows]
            answers = prepare_all(lookup_secret, agency_id, items, random)
        prepared = [tuple(one) for one in answers if isinstance(one, Prepared)]
        refused = [
            (place, (one.code, one.field, one.reason, one.conflict))
            for place, one in enumerate(answers)
            if isinstance(one, Refused)
        ]
        send(stdout, (prepared, refused, heads))


if __name__ == "__main__":
    collect_seldom()
    # Ctrl-C reaches every process of a terminal; this one ends when the other closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)

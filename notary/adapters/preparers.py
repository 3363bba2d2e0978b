"""Processes that prepare records while this one writes: what makes bulk intake use a second core.

Each is a child that reads offers from its standard input and writes what `core.preparing` makes of them;
it opens no file and no store, and ends with its input. A child that fails costs time only: its work is
done here (docs/design/0016-two-cores-for-intake.md). Test: tests/unit/store/test_preparers.py.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from notary.adapters import preparing_child
from notary.adapters.preparing_child import receive, send
from notary.core.intake import Incoming, Refused
from notary.core.preparing import Prepared, prepare_all
from notary.importers.offered_json import ClaimsOf, prepare_texts

# Starting a child takes as long as preparing some thousand records.
WORTH_A_CHILD = 1_000  # records of one call
MOST_CHILDREN = 4  # the one writer keeps up with no more

# -I: neither this folder nor the environment can put another module in its place.
COMMAND = (sys.executable, "-I", "-m", preparing_child.__name__)

_Answer = list[Prepared | Refused]
_Read = tuple[list[Incoming], _Answer]


class Preparers:
    """Implements the port `Preparing`. Children start with the first large call and end with `close`."""

    def __init__(self, children: int | None = None) -> None:
        """`children` is their number; by default that of the cores, and none on a single one."""
        cores = os.cpu_count() or 1
        usual = min(MOST_CHILDREN, cores) if cores > 1 else 0
        self._count = usual if children is None else children
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        self._children: list[_Child] = []
        self._threads: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()

    def begin(
        self, lookup_secret: bytes, agency_id: int, items: Sequence[Incoming], random: bytes
    ) -> Callable[[], _Answer]:
        """As `Preparing`."""
        threads = self._threads_for(len(items))
        if threads is None:
            return lambda: prepare_all(lookup_secret, agency_id, items, random)
        # All of an offer but its files, which are not prepared here.
        rows = [(*item[:4], (), *item[5:]) for item in items]

        def ask() -> _Answer:
            found = self._ask(lookup_secret, agency_id, rows, random)
            return (
                prepare_all(lookup_secret, agency_id, items, random) if found is None else found[0]
            )

        return threads.submit(ask).result

    def begin_texts(
        self, lookup_secret: bytes, agency_id: int, texts: Sequence[bytes], random: bytes
    ) -> Callable[[], _Read]:
        """As `Preparing`."""
        threads = self._threads_for(len(texts))
        if threads is None:
            return lambda: prepare_texts(lookup_secret, agency_id, texts, random)

        def ask() -> _Read:
            found = self._ask(lookup_secret, agency_id, texts, random)
            if found is None:
                return prepare_texts(lookup_secret, agency_id, texts, random)
            answers, heads = found
            items = [
                Incoming(matter_key, kind, ClaimsOf(text), key, (), source, number)
                for (matter_key, kind, key, source, number), text in zip(heads, texts, strict=True)
            ]
            return items, answers

        return threads.submit(ask).result

    def close(self) -> None:
        """End the children."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None
        while self._children:
            self._children.pop().close()

    def _threads_for(self, count: int) -> ThreadPoolExecutor | None:
        """The threads that ask the children, if so many records are worth asking."""
        if count < WORTH_A_CHILD or not self._count:
            return None
        with self._starting:
            if self._threads is None:
                self._start()
            return self._threads

    def _start(self) -> None:
        # Fewer children than asked for, or none, is slower and no fault.
        with contextlib.suppress(OSError):
            for _ in range(self._count):
                self._children.append(_Child())
        for child in self._children:
            self._idle.put(child)
        self._threads = ThreadPoolExecutor(max(1, len(self._children)), "preparers")

    def _ask(
        self, lookup_secret: bytes, agency_id: int, rows: Sequence[Any], random: bytes
    ) -> tuple[_Answer, list[Any]] | None:
        """What a child made of the rows; None if it has to be done here."""
        if self._children:
            # There is a thread for each child, so one is idle.
            child = self._idle.get()
            try:
                return child.prepare(lookup_secret, agency_id, rows, random)
            except (OSError, EOFError, ValueError):
                # It was ended from outside, or a value can't be sent because it is none of JSON.
                pass
            finally:
                self._idle.put(child)
        return None


class _Child:
    """One process, with its two pipes."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout

    def prepare(
        self, lookup_secret: bytes, agency_id: int, rows: Sequence[Any], random: bytes
    ) -> tuple[_Answer, list[Any]]:
        """The answers, and for texts what was read of each but its claims.

        Raises ValueError for a value that can't be sent, OSError or EOFError if the child is gone.
        """
        send(self._stdin, (lookup_secret, agency_id, rows, random))
        prepared, refused, heads = receive(self._stdout)
        found: _Answer = list(map(Prepared._make, prepared))
        for place, words in refused:
            found.insert(place, Refused(*words))
        return found, heads

    def close(self) -> None:
        """End the process by the end of its input, and wait for it."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._stdout.close()
        self.process.wait()

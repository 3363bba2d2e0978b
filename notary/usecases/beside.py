"""Repeats acts in threads of their own while something else is done, so that none of them holds it up.

Tests: tests/scenarios/service/test_webhooks.py, tests/scenarios/service/test_timestamps.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def beside(
    acts: Sequence[Callable[[], None]], every_s: float, parting_s: float | None = None
) -> Iterator[None]:
    """Each act at once and then every so many seconds while the block runs, and once more at its end.

    At the end each is waited for, at most `parting_s` seconds if that is given.
    """
    end = threading.Event()
    threads = [
        # Daemons: whoever hangs must not keep a process from ending.
        threading.Thread(target=_repeat, args=(act, every_s, end), daemon=True)
        for act in acts
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join(parting_s)


def _repeat(act: Callable[[], None], every_s: float, end: threading.Event) -> None:
    while True:
        last = end.is_set()
        act()
        if last:
            return
        end.wait(every_s)

"""Commits together what is submitted together: one writer thread, one durable commit for many
callers.

A commit costs one forced write whatever it holds, so callers that wait at the same time share it.
Answers are given only after the commit. Test: tests/unit/store/test_group_commit.py.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType

from notary.core.intake import Incoming, Outcome
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Acceptor

DEFAULT_MAX_WAITING = 20_000  # records: about two seconds of work, then callers are told to wait
DEFAULT_MAX_GROUP = 2_000  # records of one commit: keeps the wait of the last one short


@dataclass(frozen=True)
class _Submission:
    agency_id: int
    items: Sequence[Incoming]
    answer: Future[list[Outcome]]


class GroupCommitter:
    """Merges submissions into calls of an Acceptor. Use as a context manager, or `start` and
    `close`.
    """

    def __init__(
        self,
        acceptor: Acceptor,
        *,
        max_waiting: int = DEFAULT_MAX_WAITING,
        max_group: int = DEFAULT_MAX_GROUP,
    ) -> None:
        self._acceptor = acceptor
        self._max_waiting = max_waiting
        self._max_group = max_group
        self._queue: deque[_Submission] = deque()
        self._waiting = 0
        self._open = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the writer thread."""
        with self._changed:
            if self._open:
                raise CallerError("COMMITTER_STARTED", "the committer is already running")
            self._open = True
        self._thread = threading.Thread(target=self._run, name="group-committer", daemon=True)
        self._thread.start()

    def submit(self, agency_id: int, items: Sequence[Incoming]) -> Future[list[Outcome]]:
        """Queue a submission; the future answers after the commit, as Acceptor.accept does.

        Raises NothingHappened BUSY when too much is waiting, and CLOSED when the service is
        stopping. One submission is never split, however large.
        """
        submission = _Submission(agency_id, items, Future())
        with self._changed:
            if not self._open:
                raise NothingHappened("CLOSED", "the service is stopping; send again later")
            if self._waiting and self._waiting + len(items) > self._max_waiting:
                raise NothingHappened(
                    "BUSY", f"{self._waiting} records are waiting already; send again later"
                )
            # The writer waits for nothing but an empty queue, and is woken once.
            if not self._queue:
                self._changed.notify()
            self._queue.append(submission)
            self._waiting += len(items)
        return submission.answer

    def close(self) -> None:
        """Take nothing more, finish what waits, and end the thread."""
        with self._changed:
            self._open = False
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> GroupCommitter:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._open and not self._queue:
                    self._changed.wait()
                if not self._queue:
                    return
                group = self._take()
            # Who gave up waiting before the work began is left out; from here on it is too late to.
            group = [one for one in group if one.answer.set_running_or_notify_cancel()]
            if group:
                self._commit(group)

    def _take(self) -> list[_Submission]:
        """The next submissions of one agency, in order, up to the size of a group; at least one."""
        group = [self._queue.popleft()]
        count = len(group[0].items)
        while (
            self._queue
            and self._queue[0].agency_id == group[0].agency_id
            and count + len(self._queue[0].items) <= self._max_group
        ):
            count += len(self._queue[0].items)
            group.append(self._queue.popleft())
        self._waiting -= count
        return group

    def _commit(self, group: list[_Submission]) -> None:
        items = [item for one in group for item in one.items]
        try:
            outcomes = self._acceptor.accept(group[0].agency_id, items)
        except (CallerError, Contradiction) as error:
            if len(group) == 1:
                group[0].answer.set_exception(error)
                return
            # Nothing entered, and one submission is at fault: the others must not suffer for it.
            for one in group:
                self._commit([one])
            return
        except Exception as error:  # noqa: BLE001  # every waiting caller must hear of it
            for one in group:
                one.answer.set_exception(error)
            return
        at = 0
        for one in group:
            one.answer.set_result(outcomes[at : at + len(one.items)])
            at += len(one.items)

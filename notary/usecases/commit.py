"""Commits together what is submitted together: one writer thread, one durable commit for many
callers.

A commit costs one forced write whatever it holds, so callers that wait at the same time share it.
Answers are given only after the commit. Agencies take turns, and none may fill the queue alone.
Test: tests/unit/store/test_group_commit.py.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from notary.core.intake import Incoming, Outcome
from notary.core.preparing import Offered
from notary.errors import BUSY, SHARE_USED, CallerError, Contradiction, NothingHappened

DEFAULT_MAX_WAITING = 20_000  # records: about two seconds of work, then callers are told to wait
DEFAULT_MAX_SHARE = 10_000  # of one agency: whatever it sends, the others have as much room again
DEFAULT_MAX_GROUP = 2_000  # records of one commit: keeps the wait of the last one short


class Taking(Protocol):
    """What the committer needs of ports.SteppedAcceptor."""

    def accept(self, agency_id: int, items: Sequence[Incoming]) -> list[Outcome]:
        """As there."""
        ...

    def take(self, offered: Offered) -> list[Outcome]:
        """As there."""
        ...


@dataclass(frozen=True)
class _Submission:
    """What one caller waits for: items for `accept`, or an offer for `take`."""

    work: Sequence[Incoming] | Offered
    count: int
    answer: Future[list[Outcome]]


@dataclass
class _Line:
    """What waits of one agency, in order, and how many records that is."""

    queue: deque[_Submission] = field(default_factory=deque)
    waiting: int = 0


class GroupCommitter:
    """Merges submissions into calls of an acceptor. Use as a context manager, or `start` and
    `close`.
    """

    def __init__(
        self,
        acceptor: Taking,
        *,
        max_waiting: int = DEFAULT_MAX_WAITING,
        max_share: int = DEFAULT_MAX_SHARE,
        max_group: int = DEFAULT_MAX_GROUP,
    ) -> None:
        self._acceptor = acceptor
        self._max_waiting = max_waiting
        self._max_share = max_share
        self._max_group = max_group
        # Agencies for which something waits, the one whose turn it is first.
        self._lines: dict[int, _Line] = {}
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
        """Queue a submission; the future answers after the commit, as `accept` does.

        Raises NothingHappened SHARE_USED when too much of the agency is waiting, BUSY when too much
        is in all, and CLOSED when the service is stopping. One submission is never split, however
        large.
        """
        return self._enter(agency_id, _Submission(items, len(items), Future()))

    def submit_offered(self, offered: Offered) -> Future[list[Outcome]]:
        """The same for an offer, which is a commit of its own. Its preparation should be done."""
        return self._enter(offered.agency_id, _Submission(offered, len(offered.items), Future()))

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

    def _enter(self, agency_id: int, submission: _Submission) -> Future[list[Outcome]]:
        with self._changed:
            if not self._open:
                raise NothingHappened("CLOSED", "the service is stopping; send again later")
            # A submission above a limit is taken when nothing waits: it could never enter otherwise.
            line = self._lines.get(agency_id)
            if line is not None and line.waiting + submission.count > self._max_share:
                raise NothingHappened(
                    SHARE_USED,
                    f"{line.waiting} records of this agency are waiting already; send again later",
                )
            if self._waiting and self._waiting + submission.count > self._max_waiting:
                raise NothingHappened(
                    BUSY, f"{self._waiting} records are waiting already; send again later"
                )
            # The writer waits for nothing but an empty queue, and is woken once.
            if not self._lines:
                self._changed.notify()
            if line is None:
                line = self._lines[agency_id] = _Line()
            line.queue.append(submission)
            line.waiting += submission.count
            self._waiting += submission.count
        return submission.answer

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._open and not self._lines:
                    self._changed.wait()
                if not self._lines:
                    return
                agency_id, group = self._take()
            # Who gave up waiting before the work began is left out; from here on it is too late to.
            group = [one for one in group if one.answer.set_running_or_notify_cancel()]
            if group:
                self._commit(agency_id, group)

    def _take(self) -> tuple[int, list[_Submission]]:
        """The next submissions of the agency whose turn it is, in order; at least one.

        Items up to the size of a group, or one offer. The agency's next turn is after the others'.
        """
        agency_id = next(iter(self._lines))
        line = self._lines.pop(agency_id)
        group = [line.queue.popleft()]
        count = group[0].count
        if not isinstance(group[0].work, Offered):
            while (
                line.queue
                and not isinstance(line.queue[0].work, Offered)
                and count + line.queue[0].count <= self._max_group
            ):
                count += line.queue[0].count
                group.append(line.queue.popleft())
        line.waiting -= count
        self._waiting -= count
        if line.queue:
            self._lines[agency_id] = line
        return agency_id, group

    def _commit(self, agency_id: int, group: list[_Submission]) -> None:
        try:
            outcomes = self._outcomes(agency_id, group)
        except (CallerError, Contradiction) as error:
            if len(group) == 1:
                group[0].answer.set_exception(error)
                return
            # Nothing entered, and one submission is at fault: the others must not suffer for it.
            for one in group:
                self._commit(agency_id, [one])
            return
        except Exception as error:  # noqa: BLE001  # every waiting caller must hear of it
            for one in group:
                one.answer.set_exception(error)
            return
        at = 0
        for one in group:
            one.answer.set_result(outcomes[at : at + one.count])
            at += one.count

    def _outcomes(self, agency_id: int, group: list[_Submission]) -> list[Outcome]:
        items: list[Incoming] = []
        for one in group:
            if isinstance(one.work, Offered):
                return self._acceptor.take(one.work)
            items += one.work
        return self._acceptor.accept(agency_id, items)

"""Erases records: a plan, a tombstone, then the content; and goes on with what a crash left.

Owns the order of the steps and what is looked at before them. Spec: docs/spec/erasure.md §1 to §4, §7.
Tests: tests/unit/store/test_erase.py, which stops it after each step, and
tests/scenarios/service/test_erasure.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from notary.core.erasures import (
    Line,
    Order,
    Standing,
    State,
    standings,
    tombstone,
)
from notary.core.intake import Accepted
from notary.core.moments import milliseconds, moment
from notary.errors import CallerError
from notary.ports import Acceptor, Alone, Clock, Matter, MatterRegister, ObjectStore, Progress
from notary.usecases.erasure_plan import Planned, Planner, held_by, require_free
from notary.usecases.erasure_store import ErasuresSeen, ErasureStore, StoredContent
from notary.usecases.holds import Holds, covering
from verifier.format.digests import Digest

AT_A_TIME = 100  # records between two looks for a hold: some tens of milliseconds


class ErasureRegister(Protocol):
    """The register of erasures, on another volume than the store. It never goes back."""

    def lines(self) -> list[Line]:
        """Every line, with what nobody without the key can do to them ruled out.

        Raises CallerError ERASURES_MISSING, ERASURES_CHANGED, ERASURES_FORM, ERASURES_UNREADABLE or
        ERASURES_OF_OTHER_LOG.
        """
        ...

    def append(self, lines: Sequence[Line]) -> None:
        """Add lines; they survive a loss of power when this returns."""
        ...


@dataclass(frozen=True)
class Finished:
    """What going on with earlier calls did: how many were destroyed, and which holds stopped."""

    destroyed: int
    dropped: int


@dataclass(frozen=True)
class Eraser:
    """Erases records of one agency's matters."""

    store: ErasureStore
    objects: ObjectStore
    register: MatterRegister
    acceptor: Acceptor
    planner: Planner
    holds: Holds
    erasures: ErasureRegister
    clock: Clock
    alone: Alone

    def erase(
        self,
        matter: Matter,
        positions: Sequence[int],
        order: Order,
        progress: Progress,
        *,
        early: bool = False,
    ) -> list[Planned]:
        """Erase these records; again after a crash: the rest. What was planned, as it was found before.

        Nothing is begun if one of them may not be erased. Raises CallerError as `plan`, ERASURE_HELD,
        ERASURE_EARLY or ERASURE_KIND; NothingHappened as intake does, or STORE_BUSY when all is done but
        the write-ahead log could not be emptied yet.
        """
        planned = self.planner.plan(matter, positions, order, early=early)
        require_free(planned)
        for at in range(0, len(planned), AT_A_TIME):
            part = planned[at : at + AT_A_TIME]
            with self.alone():
                # A hold may have come since; one that comes now waits for the lock.
                held = self.holds.standing(matter)
                for one in part:
                    hold = covering(held, one.target.position)
                    if hold is not None and one.tombstone is None and one.has_content:
                        raise held_by(matter, one.target.position, hold)
                known = standings(self.erasures.lines())
                self._run(
                    matter.agency_id,
                    [
                        self._standing(known, one, replace(order, text=one.early))
                        for one in part
                        if one.has_content or _unfinished(known, one)
                    ],
                    known,
                )
            progress(at + len(part), len(planned))
        return planned

    def finish(self) -> Finished:
        """Go on with everything that was begun and is not destroyed, and destroy again what came back.

        Raises as `erase`.
        """
        destroyed = dropped = 0
        self.enforce()
        matters = {one.target.matter: None for one in self.unfinished()}
        for key in matters:
            with self.alone():
                matter = self._matter(key)
                if matter is None:
                    # The matter came after the backup that this store was restored from.
                    continue
                known = standings(self.erasures.lines())
                of_matter = [
                    one for one in known.values() if _is_open(one) and one.target.matter == key
                ]
                going, stopped = self._not_held(matter, of_matter)
                if stopped:
                    self._write(State.DROPPED, stopped)
                self._run(matter.agency_id, going, known)
                destroyed, dropped = destroyed + len(going), dropped + len(stopped)
        return Finished(destroyed, dropped)

    def unfinished(self) -> list[Standing]:
        """What was begun and is neither destroyed nor dropped."""
        return [one for one in standings(self.erasures.lines()).values() if _is_open(one)]

    def enforce(self) -> int:
        """Destroy again what a store that was put back by hand has; how many records it were."""
        back = find_back(self.store, self.erasures, self.clock)
        if back.contents:
            with self.alone():
                self._destroy(back.contents, back.names)
        return len(back.contents)

    # The steps of erasure.md §3.

    def _run(
        self, agency_id: int, going: Sequence[Standing], known: Mapping[Digest, Standing]
    ) -> None:
        """Bring erasures from where they stand to their end, under the lock."""
        new = [
            one
            for one in going
            if known.get(one.target.leaf) is None or known[one.target.leaf].state is State.DROPPED
        ]
        if new:
            self._write(State.BEGUN, new)
        # A crash here leaves lines, and nothing else.
        unsaid = [one for one in going if one.state is State.BEGUN]
        with self.store.reading() as seen:
            missing = _without_tombstone(seen, agency_id, unsaid)
        if missing:
            items = [tombstone(one.target, one.order) for one in missing]
            for answer in self.acceptor.accept(agency_id, items):
                if not isinstance(answer, Accepted):
                    raise CallerError(answer.code, f"{answer.field}: {answer.reason}")
        # A crash here leaves tombstones, and the content; the lines say that it is to go.
        if unsaid:
            self._write(State.RECORDED, unsaid)
        with self.store.reading() as seen:
            found = list(seen.contents([one.target for one in going]).values())
            names = seen.object_names(found)
        self._destroy(found, names)
        if going:
            self._write(State.DESTROYED, going)

    def _destroy(self, contents: Sequence[StoredContent], names: Sequence[bytes]) -> None:
        # Originals first, while rows still name them: a crash leaves names without files, to be tried again.
        self.objects.remove(names)
        self.store.empty(contents)

    def _write(self, state: State, of: Iterable[Standing]) -> None:
        self.erasures.append(lines_now(self.clock, state, of))

    # What there is already.

    def _standing(self, known: Mapping[Digest, Standing], one: Planned, order: Order) -> Standing:
        found = known.get(one.target.leaf)
        if found is not None and found.state is not State.DROPPED:
            return found
        return Standing(State.BEGUN, self.clock.now(), one.target, order)

    def _not_held(
        self, matter: Matter, of: Sequence[Standing]
    ) -> tuple[list[Standing], list[Standing]]:
        """Those that go on, and those that a hold stops: before the tombstone, while there is content."""
        held = self.holds.standing(matter)
        begun = [one for one in of if one.state is State.BEGUN]
        with self.store.reading() as seen:
            unsaid = _without_tombstone(seen, matter.agency_id, begun)
            there = seen.contents([one.target for one in unsaid])
        stopped = [
            one
            for one in unsaid
            if there[one.target].has_content and covering(held, one.target.position) is not None
        ]
        return [one for one in of if one not in stopped], stopped

    def _matter(self, key: Digest) -> Matter | None:
        with self.store.reading() as seen:
            agency_id = seen.agency_of(key)
        return None if agency_id is None else self.register.by_key(agency_id, key)


@dataclass(frozen=True)
class Back:
    """Records that have content though it was destroyed, and the names of their originals."""

    contents: list[StoredContent]
    names: list[bytes]


def find_back(store: ErasureStore, erasures: ErasureRegister, clock: Clock) -> Back:
    """What of a restored store is to be destroyed again. Where it lacks the tombstone, `begun` is written."""
    gone = {
        one.target: one
        for one in standings(erasures.lines()).values()
        if one.state in (State.RECORDED, State.DESTROYED)
    }
    with store.reading() as seen:
        found = seen.contents(list(gone))
        back = {target: one for target, one in found.items() if one.has_content}
        names = seen.object_names(list(back.values()))
        unsaid = [
            one
            for target, content in back.items()
            for one in _without_tombstone(seen, content.agency_id, [gone[target]])
        ]
    if unsaid:
        erasures.append(lines_now(clock, State.BEGUN, unsaid))
    return Back(list(back.values()), names)


def lines_now(clock: Clock, state: State, of: Iterable[Standing]) -> list[Line]:
    """The lines that bring these erasures to a state now."""
    now = moment(milliseconds(clock.now()))
    return [Line(now, state, one.target, one.order if state is State.BEGUN else None) for one in of]


def _without_tombstone(
    seen: ErasuresSeen, agency_id: int, of: Sequence[Standing]
) -> list[Standing]:
    """Those of which the log does not say that their record was erased."""
    said = seen.tombstones(agency_id, [one.target for one in of])
    return [one for one in of if one.target not in said]


def _is_open(one: Standing) -> bool:
    return one.state in (State.BEGUN, State.RECORDED)


def _unfinished(known: Mapping[Digest, Standing], one: Planned) -> bool:
    found = known.get(one.target.leaf)
    return found is not None and _is_open(found)

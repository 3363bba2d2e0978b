"""A job is done once by one process at a time, and a package is whole, sealed, and gone when it should be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import BinaryIO

import pytest

from notary.adapters.store.exports import StoredExports
from notary.core.erasures import Order, Reason
from notary.errors import CallerError, Contradiction, NotaryError, NothingHappened
from notary.ports import Matter, Progress
from notary.usecases import export_jobs
from notary.usecases.export_jobs import LEASE, MAX_ATTEMPTS, MAX_JOBS, ExportJobs, Ordered, State
from notary.usecases.export_order import ExportOrder, ExportResult
from notary.usecases.originals import ORPHAN_AGE
from tests.simulators.store import CANARY, StoreWorld
from verifier.format import numbers

WHY = Order(Reason.SUBJECT_REQUEST, "privacy office, 2026-17")
PACKAGE = f"a package that shows {CANARY}".encode() * 100_000  # several chunks


class Packer:
    """Writes a package of fixed bytes, after what the test wants to happen meanwhile."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.meanwhile = meanwhile
        self.made = 0

    def export(
        self, agency_id: int, order: ExportOrder, out: BinaryIO, progress: Progress | None = None
    ) -> ExportResult:
        self.made += 1
        out.write(PACKAGE)
        self.meanwhile()
        if progress is not None:
            progress(1, 2)
        return ExportResult("complete", 1, 1, 0, 7, 8, ())


def jobs(world: StoreWorld, packer: Packer) -> ExportJobs:
    book = StoredExports(world.database, world.keys, world.entropy)
    return ExportJobs(
        book, packer, world.objects, world.keys, world.clock, world.entropy, world.data
    )


def ordered(matter: Matter, *positions: int) -> Ordered:
    kind = "extract" if positions else "complete"
    return Ordered(ExportOrder(numbers.parse(matter.number), kind, positions), f"for {CANARY}")


def objects(world: StoreWorld) -> int:
    return len(list(world.objects.listed()))


def test_a_package_comes_out_as_it_was_made_and_lies_sealed(world: StoreWorld) -> None:
    found = jobs(world, Packer())
    job = found.order(world.agency_id, "k", ordered(world.open_matter(), 3))
    assert job.state is State.WAITING
    with pytest.raises(CallerError, match="waiting and has no package"):
        found.pieces(job)
    assert found.run_one()
    assert not found.run_one()
    done = found.book.find(world.agency_id, job.name)
    assert (done.state, done.ordered.order.positions) == (State.DONE, (3,))
    assert done.made is not None
    assert (done.made.size, done.made.result.as_of_block) == (len(PACKAGE), 7)
    assert b"".join(found.pieces(done)) == PACKAGE
    lying = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
    assert CANARY.encode() not in lying


def test_the_same_key_is_the_same_job_and_another_order_is_refused(world: StoreWorld) -> None:
    found, matter = jobs(world, Packer()), world.open_matter()
    first = found.order(world.agency_id, "k", ordered(matter))
    assert found.order(world.agency_id, "k", ordered(matter)) == first
    with pytest.raises(CallerError, match="ordered another export"):
        found.order(world.agency_id, "k", ordered(matter, 1))
    assert found.book.all(world.agency_id) == [first]


def test_one_agency_has_so_many_jobs_and_no_more(world: StoreWorld) -> None:
    found, matter = jobs(world, Packer()), world.open_matter()
    job = found.order(world.agency_id, "first", ordered(matter))
    for number in range(1, MAX_JOBS):
        found.order(world.agency_id, f"{number}", ordered(matter))
    with pytest.raises(NothingHappened, match=f"this agency has {MAX_JOBS} exports"):
        found.order(world.agency_id, "one more", ordered(matter))
    found.cancel(world.agency_id, job.name)
    found.order(world.agency_id, "one more", ordered(matter))


def test_a_job_is_another_agencys_to_nobody(world: StoreWorld) -> None:
    found = jobs(world, Packer())
    job = found.order(world.agency_id, "k", ordered(world.open_matter()))
    other = world.agencies.add("Other")
    for act in (found.book.find, found.cancel):
        with pytest.raises(CallerError, match="has no export"):
            act(other, job.name)
    assert found.book.all(other) == []
    assert found.book.find(world.agency_id, job.name) == job


def test_two_processes_never_have_one_job(world: StoreWorld) -> None:
    second = jobs(world, Packer())
    first = jobs(world, Packer(lambda: taken.append(second.run_one())))
    taken: list[bool] = []
    job = first.order(world.agency_id, "k", ordered(world.open_matter()))
    first.run_one()
    assert taken == [False]
    assert first.book.find(world.agency_id, job.name).attempts == 1


def test_a_process_that_lost_its_job_finishes_nothing(world: StoreWorld) -> None:
    second = jobs(world, Packer())

    def asleep() -> None:
        # Time passes at once, but the first one renews in a thread of its own and may come between.
        while not second.run_one():
            world.clock.advance(LEASE.total_seconds() + 1)

    first = jobs(world, Packer(asleep))
    job = first.order(world.agency_id, "k", ordered(world.open_matter()))
    first.run_one()
    done = first.book.find(world.agency_id, job.name)
    assert (done.state, done.attempts) == (State.DONE, 2)
    assert b"".join(first.pieces(done)) == PACKAGE
    assert objects(world) == 1


def test_a_process_that_dies_again_and_again_is_not_tried_for_ever(world: StoreWorld) -> None:
    found = jobs(world, Packer())
    job = found.order(world.agency_id, "k", ordered(world.open_matter()))
    for _ in range(MAX_ATTEMPTS):
        # Killed: taken, and never heard of again.
        now = world.clock.now()
        assert found.book.take(now, now + LEASE) is not None
        assert not found.run_one()
        world.clock.advance(LEASE.total_seconds())
    assert found.run_one()
    failure = found.book.find(world.agency_id, job.name).failure
    assert failure is not None
    assert failure.code == "EXPORT_GIVEN_UP"


@pytest.mark.parametrize(
    ("error", "code", "attempts"),
    [
        (CallerError("WITHHOLD_UNKNOWN", "no such field"), "WITHHOLD_UNKNOWN", 1),
        (Contradiction("MAP_LACKS_MATTER", "lost"), "MAP_LACKS_MATTER", 1),
        (NothingHappened("ASOF_MISSING", "not yet"), "ASOF_MISSING", MAX_ATTEMPTS),
        (OSError(28, "No space left on device"), "EXPORT_DISK", MAX_ATTEMPTS),
        (ZeroDivisionError("a fault of ours"), "INTERNAL", 1),
    ],
)
def test_what_can_pass_is_tried_again_and_all_else_fails_at_once(
    world: StoreWorld, error: Exception, code: str, attempts: int
) -> None:
    def fail() -> None:
        raise error

    packer = Packer(fail)
    found = jobs(world, packer)
    job = found.order(world.agency_id, "k", ordered(world.open_matter()))
    for _ in range(MAX_ATTEMPTS + 1):
        found.run_one()
        world.clock.advance(120)
    failed = found.book.find(world.agency_id, job.name)
    assert failed.failure is not None
    assert (failed.state, failed.failure.code) == (State.FAILED, code)
    assert packer.made == attempts
    assert objects(world) == 0


def test_a_job_that_is_cancelled_while_it_runs_leaves_nothing(world: StoreWorld) -> None:
    found = jobs(world, Packer(lambda: found.cancel(world.agency_id, job.name)))
    job = found.order(world.agency_id, "k", ordered(world.open_matter()))
    found.run_one()
    assert found.book.all(world.agency_id) == []
    assert objects(world) == 0


def test_a_job_is_put_back_when_its_process_ends(world: StoreWorld) -> None:
    found = jobs(world, Packer(lambda: found._over.set()))
    job = found.order(world.agency_id, "k", ordered(world.open_matter()))
    found.run_one()
    again = found.book.find(world.agency_id, job.name)
    assert (again.state, again.attempts) == (State.WAITING, 0)
    assert jobs(world, Packer()).run_one()


def test_a_package_is_gone_when_its_time_is_over(world: StoreWorld) -> None:
    found = jobs(world, Packer())
    job = found.order(world.agency_id, "k", ordered(world.open_matter()))
    found.run_one()
    world.clock.advance(export_jobs.KEPT_FOR.total_seconds() - 1)
    found.forget_expired()
    assert found.book.find(world.agency_id, job.name).state is State.DONE
    world.clock.advance(1)
    found.forget_expired()
    assert (found.book.all(world.agency_id), objects(world)) == ([], 0)


def test_no_package_is_kept_for_as_long_as_the_sweep_waits() -> None:
    assert export_jobs.KEPT_FOR + timedelta(hours=1) < ORPHAN_AGE


def test_no_package_of_a_matter_outlives_what_is_erased_of_it(world: StoreWorld) -> None:
    matter, other = world.open_matter(), world.open_matter()
    taken = world.take(matter, "m")
    found = jobs(world, Packer())
    gone = found.order(world.agency_id, "k", ordered(matter))
    kept = found.order(world.agency_id, "l", ordered(other))
    assert found.run_one()
    assert found.run_one()
    package = found.book.find(world.agency_id, gone.name)
    world.eraser().erase(matter, [taken.position], WHY, lambda done, total: None)
    with pytest.raises(NotaryError, match="has no export"):
        found.book.find(world.agency_id, gone.name)
    assert found.book.find(world.agency_id, kept.name).made is not None
    assert package.made is not None
    # The secret can't be made again from anything that is left.
    left = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
    assert package.made.salt not in left

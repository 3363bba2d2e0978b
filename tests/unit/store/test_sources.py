"""Sources in the store: numbers, the log's entries, closings, and what refuses a record."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest

from notary.adapters.store.audit import check_rows
from notary.adapters.store.snapshot import opened_live
from notary.adapters.store.source_rows import entries_of
from notary.adapters.store.sources import StoredSources
from notary.core.intake import Accepted, Incoming, Outcome, Refused
from notary.errors import CallerError, Contradiction
from notary.ports import Matter
from notary.usecases.sources import Source, Sources
from tests.simulators.store import StoreWorld, offer
from verifier.format import heads, matter_map, numbers, records, source_log, trees
from verifier.format.digests import Digest
from verifier.format.source_log import SERVICE, SOURCE, Closing, Entry, Profile, RecordEntry

DAY = 86_400  # seconds


def store_of(world: StoreWorld) -> StoredSources:
    return StoredSources(world.database, world.keys, world.clock, world.entropy, world.identity)


def sources_of(world: StoreWorld) -> Sources:
    return Sources(store_of(world))


def make(world: StoreWorld, name: str = "pbx-1", numbering: str = SOURCE, **more: object) -> Source:
    profile = Profile(name, numbering, 0, "Europe/Berlin", None)._replace(**more)  # type: ignore[arg-type]
    return sources_of(world).new(world.agency_id, profile)


def numbered(
    matter: Matter, source: Source, number: int | None, key: str, text: str = ""
) -> Incoming:
    item = offer(matter, key, kind="call", claims={"text": text or key})
    return item._replace(source=source.key, number=number)


def send(
    world: StoreWorld, matter: Matter, source: Source, given: Sequence[int | None]
) -> list[Outcome]:
    return world.accept(
        [numbered(matter, source, one, f"n{one}-{i}") for i, one in enumerate(given)]
    )


def entries(world: StoreWorld, source: Source) -> list[Entry]:
    with world.database.reading() as connection:
        return [source_log.parse(one) for _, one in entries_of(connection, source.key, 0, 2**31)]


def leaves(outcomes: Sequence[Outcome]) -> list[records.Leaf]:
    assert all(isinstance(one, Accepted) for one in outcomes), outcomes
    return [records.parse_leaf(one.leaf) for one in outcomes if isinstance(one, Accepted)]


def now(world: StoreWorld, name: str = "pbx-1") -> Source:
    return store_of(world).find(world.agency_id, name)


def test_a_record_names_its_source_and_number_and_has_its_entry(world: StoreWorld) -> None:
    matter, source = world.open_matter(), make(world)
    outcomes = send(world, matter, source, [0, 1])
    assert [(leaf.source, leaf.number) for leaf in leaves(outcomes)] == [
        (source.key, 0),
        (source.key, 1),
    ]
    wanted = [
        RecordEntry("call", number, source_log.record_digest(one.leaf))
        for number, one in enumerate(outcomes)
        if isinstance(one, Accepted)
    ]
    assert entries(world, source)[1:] == wanted


def test_the_map_of_a_batch_holds_the_head_of_the_source_log(world: StoreWorld) -> None:
    matter, source = world.open_matter(), make(world)
    send(world, matter, source, [0, 1, 2])
    batch = world.seal()
    proof = world.evidence.map_proof(Digest(source.key), batch.index)
    matter_map.check(proof, Digest(source.key), batch.header.map_root)
    assert proof.head is not None
    head = heads.parse_head(proof.head, world.identity.name, Digest(source.key))
    hashes = [trees.leaf_hash(source_log.encode(one)) for one in entries(world, source)]
    assert head == (4, trees.root(hashes))


def test_a_number_left_out_is_missing_until_it_comes(world: StoreWorld) -> None:
    matter, source = world.open_matter(), make(world)
    leaves(send(world, matter, source, [0, 4]))
    assert now(world).state.count.missing == [(1, 3)]
    leaves(world.accept([numbered(matter, source, 2, "late")]))
    assert now(world).state.count.missing == [(1, 1), (3, 3)]


def test_a_number_stands_for_one_record_for_ever(world: StoreWorld) -> None:
    matter, source = world.open_matter(), make(world)
    leaves(send(world, matter, source, [0]))
    refused = world.refuse(numbered(matter, source, 0, "another key", "another text"))
    assert (refused.code, refused.conflict) == ("SOURCE_NUMBER_TAKEN", True)
    assert now(world).state.conflicts == 1
    assert len(entries(world, source)) == 2


def test_the_same_offer_again_is_answered_with_its_record(world: StoreWorld) -> None:
    matter, source = world.open_matter(), make(world)
    item = numbered(matter, source, 7, "key")
    [first], [again] = world.accept([item]), world.accept([item])
    assert isinstance(first, Accepted)
    assert isinstance(again, Accepted)
    assert (again.leaf, again.replayed) == (first.leaf, True)
    assert now(world).state.conflicts == 0


@pytest.mark.parametrize("number", [8, None])
def test_the_same_key_with_another_number_is_another_record(
    world: StoreWorld, number: int | None
) -> None:
    matter, source = world.open_matter(), make(world)
    leaves(world.accept([numbered(matter, source, 7, "key")]))
    changed = numbered(matter, source, number, "key")
    if number is None:
        changed = changed._replace(source=None)
    assert world.refuse(changed).code == "IDEMPOTENCY_CONFLICT"


def test_two_offers_of_one_call_for_one_number_are_one_record_and_a_refusal(
    world: StoreWorld,
) -> None:
    matter, source = world.open_matter(), make(world)
    first, second = world.accept(
        [numbered(matter, source, 5, "a"), numbered(matter, source, 5, "b")]
    )
    assert isinstance(first, Accepted)
    assert isinstance(second, Refused)
    assert second.code == "SOURCE_NUMBER_TAKEN"


@pytest.mark.parametrize(
    ("numbering", "first", "number", "code"),
    [
        (SOURCE, 0, None, "SOURCE_NUMBER_WANTED"),
        (SERVICE, 0, 3, "SOURCE_NUMBER_UNWANTED"),
        (SOURCE, 10, 9, "SOURCE_NUMBER_LOW"),
        (SOURCE, 0, 1_000_001, "SOURCE_NUMBER_JUMP"),
        (SOURCE, 0, -1, "SOURCE_NUMBER_FORM"),
        (SOURCE, 0, 2**53, "SOURCE_NUMBER_FORM"),
        (SOURCE, 0, True, "SOURCE_NUMBER_FORM"),
    ],
)
def test_a_number_that_can_not_be_is_refused_and_nothing_enters(
    world: StoreWorld, numbering: str, first: int, number: int | None, code: str
) -> None:
    matter, source = world.open_matter(), make(world, numbering=numbering, first=first)
    assert world.refuse(numbered(matter, source, number, "key")).code == code
    assert len(entries(world, source)) == 1
    assert world.register.counts(world.agency_id) == (1, 0)


def test_the_service_counts_without_a_gap_whatever_is_refused_between(world: StoreWorld) -> None:
    matter, source = world.open_matter(), make(world, numbering=SERVICE, first=1)
    bad = numbered(matter, source, None, "bad")._replace(matter_key=bytes(32))
    good = [numbered(matter, source, None, f"key-{i}") for i in range(3)]
    outcomes = world.accept([good[0], bad, *good[1:]])
    kept = leaves([one for one in outcomes if isinstance(one, Accepted)])
    assert [leaf.number for leaf in kept] == [1, 2, 3]


def test_a_source_is_no_matter(world: StoreWorld) -> None:
    source = make(world)
    item = Incoming(source.key, "call", {"text": "into the source's log"}, "key")
    assert world.refuse(item).code == "MATTER_UNKNOWN"
    assert world.register.all(world.agency_id) == []
    assert world.register.by_key(world.agency_id, source.key) is None


def test_an_unknown_source_is_refused(world: StoreWorld) -> None:
    matter = world.open_matter()
    item = offer(matter, "key")._replace(source=bytes(32), number=1)
    assert world.refuse(item).code == "SOURCE_UNKNOWN"


def test_each_day_is_closed_once_also_the_empty_ones(world: StoreWorld) -> None:
    matter, source = world.open_matter(), make(world)
    leaves(send(world, matter, source, [0, 2]))
    world.clock.advance(3 * DAY)
    assert store_of(world).close_due(world.clock.now()) == 3
    assert store_of(world).close_due(world.clock.now()) == 0
    closings = [one for one in entries(world, source) if isinstance(one, Closing)]
    assert [(one.first, one.last, one.counts, one.missing) for one in closings] == [
        (0, 2, {"call": 2}, ((1, 1),)),
        (None, None, {}, ((1, 1),)),
        (None, None, {}, ((1, 1),)),
    ]
    assert [(b.day - a.day).days for a, b in pairwise(closings)] == [1, 1]


def test_a_record_of_the_next_day_stands_after_the_closing_of_the_day_before(
    world: StoreWorld,
) -> None:
    matter, source = world.open_matter(), make(world)
    leaves(send(world, matter, source, [0]))
    world.clock.advance(DAY)
    leaves(world.accept([numbered(matter, source, 1, "tomorrow")]))
    assert [type(one) for one in entries(world, source)[1:]] == [RecordEntry, Closing, RecordEntry]


def test_a_clock_set_back_closes_nothing_twice(world: StoreWorld) -> None:
    make(world)
    world.clock.advance(2 * DAY)
    assert store_of(world).close_due(world.clock.now()) == 2
    assert store_of(world).close_due(world.clock.now() - timedelta(days=1)) == 0
    assert store_of(world).close_due(world.clock.now() + timedelta(days=1)) == 1


def test_a_clock_far_ahead_is_doubted_until_a_person_says_otherwise(world: StoreWorld) -> None:
    make(world)
    world.clock.advance(500 * DAY)
    found = sources_of(world).findings(world.agency_id, world.clock.now())
    assert [one.code for one in found["pbx-1"]] == ["SOURCE_CLOCK_FAR"]
    assert sources_of(world).close(world.clock.now()) == 0
    assert sources_of(world).close(world.clock.now(), "pbx-1") == 500
    assert sources_of(world).findings(world.agency_id, world.clock.now()) == {}


def test_missing_numbers_that_are_explained_are_no_finding(world: StoreWorld) -> None:
    matter, source = world.open_matter(), make(world)
    leaves(send(world, matter, source, [0, 5]))
    use = sources_of(world)
    assert use.findings(world.agency_id, world.clock.now())["pbx-1"][0].text == (
        "4 numbers are missing: 1 to 4"
    )
    use.explain(world.agency_id, "pbx-1", 1, 3, "test calls")
    left = use.findings(world.agency_id, world.clock.now())["pbx-1"]
    assert [one.text for one in left] == ["1 numbers are missing: 4"]
    with pytest.raises(CallerError, match="not all missing"):
        use.explain(world.agency_id, "pbx-1", 4, 5, "too far")


def test_a_later_profile_is_an_entry_and_keeps_what_must_stay(world: StoreWorld) -> None:
    source = make(world)
    use = sources_of(world)
    use.change(world.agency_id, "pbx-1", {"version": "20.1", "hides": ("unanswered=no",)})
    use.change(world.agency_id, "pbx-1", {"version": "20.1"})
    assert [type(one).__name__ for one in entries(world, source)] == ["ProfileEntry"] * 2
    assert now(world).state.profile_index == 1
    with pytest.raises(CallerError) as caught:
        use.change(world.agency_id, "pbx-1", {"zone": "Asia/Shanghai"})
    assert caught.value.code == "SOURCE_LASTING"


def test_two_sources_have_two_names(world: StoreWorld) -> None:
    make(world)
    with pytest.raises(CallerError) as caught:
        make(world)
    assert caught.value.code == "SOURCE_EXISTS"


def test_entries_of_sources_are_no_records_that_wait(world: StoreWorld) -> None:
    matter, source = world.open_matter(), make(world)
    leaves(send(world, matter, source, [0, 1]))
    assert world.sealer.unsealed() == 2
    world.seal()
    assert world.sealer.unsealed() == 0


def test_the_number_of_a_source_is_of_this_log(world: StoreWorld) -> None:
    source = make(world)
    assert numbers.parse_source(source.number).log_tag == world.identity.tag
    assert numbers.parse_source(source.number).key == source.key


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE source_entries SET position = 9 WHERE position = 1", "entry 1 is missing"),
        ("DELETE FROM source_entries WHERE position = 3", "has 3 entries, its heads say otherwise"),
        (
            "UPDATE source_entries SET entry = (SELECT entry FROM source_entries WHERE position = 2)"
            " WHERE position = 1",
            "the head at 4 entries is another",
        ),
        ("UPDATE source_entries SET entry = X'7b7d' WHERE position = 1", "MEMBER_MISSING"),
    ],
)
def test_an_audit_finds_a_changed_entry(sqlite_world: StoreWorld, change: str, words: str) -> None:
    world = sqlite_world
    matter, source = world.open_matter(), make(world)
    leaves(send(world, matter, source, [0, 1, 2]))
    world.seal()
    with opened_live(world.database) as connection:
        check_rows(connection, world.identity, lambda done, total: None)
    with world.database.transaction() as connection:
        connection.exec_driver_sql(change)
    with opened_live(world.database) as connection, pytest.raises(Contradiction, match=words):
        check_rows(connection, world.identity, lambda done, total: None)


def test_two_workers_at_once_close_each_day_once(world: StoreWorld) -> None:
    source = make(world)
    world.clock.advance(40 * DAY)
    now_ = world.clock.now()
    with ThreadPoolExecutor(2) as workers:
        closed = list(workers.map(lambda _: store_of(world).close_due(now_), range(2)))
    assert sum(closed) == 40
    days = [one.day for one in entries(world, source) if isinstance(one, Closing)]
    assert len(set(days)) == len(days) == 40

"""The contract of the port `Acceptor`, on the real store."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notary.adapters.store import records as rows
from notary.adapters.store.database import Connection, Database
from notary.core import acceptance
from notary.core.intake import Accepted, Incoming, IncomingFile, Outcome, Refused
from notary.errors import Contradiction, NothingHappened, OutcomeUnknown
from notary.usecases.accept import FEW, RecordAcceptor
from tests.simulators.check_store import check_world
from tests.simulators.store import (
    MAX_DEADLINE_S,
    SeededEntropy,
    StoreWorld,
    make_world,
    offer,
)
from verifier.format import receipts, records
from verifier.format.times import format_time


def object_names(world: StoreWorld) -> list[str]:
    return sorted(path.name for path in (world.data / "objects").glob("??/*"))


def file(folder: Path, name: str, content: bytes) -> IncomingFile:
    path = folder / name
    path.write_bytes(content)
    return IncomingFile(path, name, "application/pdf")


def test_a_record_is_answered_with_leaf_disclosures_and_receipt(world: StoreWorld) -> None:
    matter = world.open_matter()
    taken = world.take(matter, "key", text="hello", subject="greeting")
    leaf = records.parse_leaf(taken.leaf)
    assert (leaf.matter, leaf.position, leaf.kind) == (matter.key, 0, "message")
    assert format_time(leaf.recorded_at) == format_time(world.clock.now())
    values = {one.name: one.value for one in map(records.parse_disclosure, taken.disclosures)}
    assert values == {"text": "hello", "subject": "greeting"}
    receipt = receipts.parse(taken.receipt)
    receipts.check_receipt(receipt, [world.key_set.receipt])
    assert receipt.body.deadline - receipt.body.received_at == timedelta(seconds=MAX_DEADLINE_S)
    assert not taken.replayed
    check_world(world)


def test_positions_go_on_within_and_between_commits(world: StoreWorld) -> None:
    first, second = world.open_matter("one"), world.open_matter("two")
    items = [offer(matter, f"{i}/{matter.number}") for i in range(5) for matter in (first, second)]
    for part in (items[:3], items[3:]):
        outcomes = world.acceptor.accept(world.agency_id, part)
        for item, outcome in zip(part, outcomes, strict=True):
            assert isinstance(outcome, Accepted)
            assert outcome.matter_key == item.matter_key
            assert outcome.position == int(item.idempotency_key.split("/")[0])
        check_world(world)


def test_a_repetition_gets_the_first_answer_byte_for_byte(
    world: StoreWorld, tmp_path: Path
) -> None:
    matter = world.open_matter()
    items = [
        offer(matter, "a"),
        offer(matter, "b", file(tmp_path, "b.pdf", b"B" * 3000)),
        offer(matter, "c", kind="payment", claims={"amount": {"minor": 5, "currency": "EUR"}}),
    ]
    first = world.acceptor.accept(world.agency_id, items)
    names = object_names(world)
    world.clock.advance(3600)
    # In another order, among new ones, and one by one.
    mixed = [items[2], offer(matter, "d"), items[0], items[1]]
    again = world.acceptor.accept(world.agency_id, mixed)
    for item in items:
        [alone] = world.acceptor.accept(world.agency_id, [item])
        wanted = first[items.index(item)]
        assert isinstance(wanted, Accepted)
        assert not wanted.replayed
        assert alone == again[mixed.index(item)] == replace(wanted, replayed=True)
    assert object_names(world) == names
    assert world.register.all(world.agency_id)[0].size == 4
    check_world(world)


@pytest.mark.parametrize(
    "change",
    [
        {"claims": {"text": "other"}},
        {"claims": {"text": "text", "subject": "more"}},
        {"claims": {"text": True}},
        {"claims": {"text": 1}},
        {"kind": "document"},
        {"matter_key": "other"},
        {"files": "other content"},
        {"files": "other filename"},
        {"files": "none"},
        {"files": "two"},
    ],
    ids=str,
)
def test_a_used_key_with_other_content_is_a_conflict(
    world: StoreWorld, tmp_path: Path, change: dict[str, Any]
) -> None:
    matter, other = world.open_matter(), world.open_matter("other")
    original = file(tmp_path, "x.pdf", b"original")
    item = Incoming(matter.key, "message", {"text": "text"}, "key", (original,))
    world.acceptor.accept(world.agency_id, [item])
    if "matter_key" in change:
        change = {"matter_key": other.key}
    if "files" in change:
        files: dict[str, tuple[IncomingFile, ...]] = {
            "other content": (file(tmp_path, "y.pdf", b"changed!"),),
            "other filename": (replace(original, filename="z.pdf"),),
            "none": (),
            "two": (original, original),
        }
        change = {"files": files[change["files"]]}
    refused = world.refuse(item._replace(**change))
    assert (refused.code, refused.field) == ("IDEMPOTENCY_CONFLICT", "idempotency_key")
    assert refused.conflict
    assert len(object_names(world)) == 1
    check_world(world)


def test_one_and_true_are_two_contents(world: StoreWorld) -> None:
    matter = world.open_matter()
    world.take(matter, "key", text=1)
    assert world.refuse(offer(matter, "key", claims={"text": True})).conflict


def test_a_key_repeated_within_one_call(world: StoreWorld, tmp_path: Path) -> None:
    matter = world.open_matter()
    content = file(tmp_path, "x.pdf", b"same")
    outcomes = world.acceptor.accept(
        world.agency_id,
        [
            offer(matter, "a", claims={"text": 1.5}),  # type: ignore[dict-item]
            offer(matter, "a", content),
            offer(matter, "a", content),
            offer(matter, "a", claims={"text": "other"}),
            offer(matter, "a", claims={"text": 1.5}),  # type: ignore[dict-item]
        ],
    )
    refused, first, again, conflict, malformed = outcomes
    assert isinstance(refused, Refused)
    assert isinstance(first, Accepted)
    assert again == replace(first, replayed=True)
    assert isinstance(conflict, Refused)
    assert conflict.conflict
    assert isinstance(malformed, Refused)
    assert malformed.code == "JSON_TYPE"
    assert len(object_names(world)) == 1
    check_world(world)


def test_keys_are_each_agencys_own(world: StoreWorld) -> None:
    other_id = world.agencies.add("Another Agency")
    matter = world.open_matter()
    world.take(matter, "key")
    [unknown] = world.acceptor.accept(other_id, [offer(matter, "key")])
    assert isinstance(unknown, Refused)
    assert unknown.code == "MATTER_UNKNOWN"


def test_a_refused_item_holds_back_no_other(world: StoreWorld, tmp_path: Path) -> None:
    matter = world.open_matter()
    gone = IncomingFile(tmp_path / "gone.pdf", "gone.pdf", "application/pdf")
    items = [
        offer(matter, "0"),
        offer(matter, "1", kind="telegram"),
        offer(matter, "2"),
        Incoming(b"?" * 32, "message", {"text": "x"}, "3"),
        offer(matter, "4", gone),
        offer(matter, "5", file(tmp_path, "good.pdf", b"good"), claims={"text": 0.5}),  # type: ignore[dict-item]
        offer(matter, "6", claims={"amount": "12 EUR"}),
        offer(matter, ""),
        offer(matter, "8", claims={"text": "x" * acceptance.MAX_VALUES_BYTES}),
        offer(matter, "9", file(tmp_path, "kept.pdf", b"kept"), gone),
        offer(matter, "10"),
    ]
    outcomes = world.acceptor.accept(world.agency_id, items)
    accepted = [one.position for one in outcomes if isinstance(one, Accepted)]
    refused = [(one.code, one.field) for one in outcomes if isinstance(one, Refused)]
    assert accepted == [0, 1, 2]
    assert refused == [
        ("KIND_UNKNOWN", "kind"),
        ("MATTER_UNKNOWN", "matter_key"),
        ("FILE_UNREADABLE", "files[0]"),
        ("JSON_TYPE", "claims.text"),
        ("CLAIM_SHAPE", "claims.amount"),
        ("IDEMPOTENCY_KEY", "idempotency_key"),
        ("VALUES_SIZE", "claims"),
        ("FILE_UNREADABLE", "files[1]"),
    ]
    assert object_names(world) == []
    check_world(world)


def test_nothing_offered_is_nothing_answered(world: StoreWorld) -> None:
    assert world.acceptor.accept(world.agency_id, []) == []


def test_only_refusals_write_nothing(world: StoreWorld) -> None:
    matter = world.open_matter()
    world.refuse(offer(matter, "k", kind="telegram"))
    with world.database.reading() as connection:
        assert rows.RecordRows(connection).next_ids() == (1, 1)


def test_an_attachment_is_disclosed_with_all_its_digests(world: StoreWorld, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000  # more than one chunk
    matter = world.open_matter()
    taken = world.take(matter, "key", file(tmp_path, "scan.pdf", content))
    disclosures = {one.name: one.value for one in map(records.parse_disclosure, taken.disclosures)}
    sm3 = hashes.Hash(hashes.SM3())
    sm3.update(content)
    [name] = object_names(world)
    assert disclosures["attachment-0"] == {
        "name": name,
        "filename": "scan.pdf",
        "size": len(content),
        "media_type": "application/pdf",
        "sha256": hashlib.sha256(content).hexdigest(),
        "sha512": hashlib.sha512(content).hexdigest(),
        "sm3": sm3.finalize().hex(),
    }
    check_world(world)


def test_equal_files_are_kept_apart(world: StoreWorld, tmp_path: Path) -> None:
    matter = world.open_matter()
    twin = file(tmp_path, "x.pdf", b"twin")
    world.take(matter, "key", twin, twin)
    stored = [path.read_bytes() for path in (world.data / "objects").glob("??/*")]
    assert len(stored) == 2
    assert stored[0] != stored[1]


def test_a_file_above_the_limit_is_refused(
    world: StoreWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "MAX_FILE_BYTES", 100)
    matter = world.open_matter()
    world.take(matter, "fits", file(tmp_path, "a", b"x" * 100))
    refused = world.refuse(offer(matter, "long", file(tmp_path, "b", b"x" * 101)))
    assert (refused.code, refused.field) == ("FILE_SIZE", "files[0]")
    assert len(object_names(world)) == 1


def test_a_commit_that_fails_leaves_nothing(
    world: StoreWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matter = world.open_matter()
    before = world.take(matter, "before")

    def fail(*_: object) -> None:
        raise NothingHappened("STORE_UNAVAILABLE", "the disk is full")

    item = offer(matter, "key", file(tmp_path, "x.pdf", b"content"))
    with monkeypatch.context() as patch:
        patch.setattr("notary.adapters.store.records.RecordRows.append", fail)
        with pytest.raises(NothingHappened):
            world.acceptor.accept(world.agency_id, [item])
    assert object_names(world) == []
    check_world(world)
    [after] = world.acceptor.accept(world.agency_id, [item])
    assert isinstance(after, Accepted)
    assert (after.position, after.replayed) == (before.position + 1, False)
    check_world(world)


@pytest.mark.parametrize(
    "error", [OutcomeUnknown("STORE_COMMIT_FAILED", "the disk went away"), KeyboardInterrupt()]
)
def test_a_commit_that_applied_and_failed_keeps_its_originals(
    world: StoreWorld, tmp_path: Path, error: BaseException
) -> None:
    matter = world.open_matter()
    item = offer(matter, "key", file(tmp_path, "x.pdf", b"content"))

    class Unlucky(Database):
        @contextmanager
        def transaction(self) -> Iterator[Connection]:
            with super().transaction() as connection:
                yield connection
            raise error

    unlucky = Unlucky(world.database.place)
    with pytest.raises(type(error)):
        replace(world, database=unlucky).acceptor.accept(world.agency_id, [item])
    unlucky.close()
    [again] = world.acceptor.accept(world.agency_id, [item])
    assert isinstance(again, Accepted)
    assert (again.position, again.replayed) == (0, True)
    check_world(world)


def test_the_key_of_an_erased_record_stays_used(world: StoreWorld) -> None:
    matter = world.open_matter()
    taken = world.take(matter, "key")
    with world.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE records SET wrapped_secret = NULL, sealed_values = NULL")
    refused = world.refuse(offer(matter, "key"))
    assert (refused.code, refused.conflict) == ("ERASED", False)
    assert f"the record at position {taken.position} of matter" in refused.reason


def test_two_acceptors_share_the_positions_and_the_keys(world: StoreWorld) -> None:
    other = make_second(world)
    matter = world.open_matter()
    answers: dict[str, list[Accepted]] = {}
    lock = threading.Lock()

    def run(one: StoreWorld) -> None:
        for i in range(30):
            # Both offer every key: one is first, the other gets its answer again.
            [outcome] = one.acceptor.accept(one.agency_id, [offer(matter, f"key {i}")])
            assert isinstance(outcome, Accepted)
            with lock:
                answers.setdefault(f"key {i}", []).append(outcome)

    threads = [threading.Thread(target=run, args=(one,)) for one in (world, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    positions = set()
    for first, second in answers.values():
        assert replace(first, replayed=True) == replace(second, replayed=True)
        assert first.replayed != second.replayed
        positions.add(first.position)
    assert positions == set(range(30))
    check_world(world)


def test_a_key_that_another_takes_after_many_were_looked_up_gets_the_first_answer(
    world: StoreWorld,
) -> None:
    matter = world.open_matter()
    items = [offer(matter, f"{i}") for i in range(FEW + 1)]
    first: list[Outcome] = []

    class Slow(rows.StoredRecords):
        @contextmanager
        def reading(self) -> Iterator[rows.RecordRows]:
            with super().reading() as seen:
                yield seen
            first.extend(world.acceptor.accept(world.agency_id, items[3:4]))

    slow = RecordAcceptor(
        Slow(world.database),
        world.objects,
        world.keys,
        world.clock,
        world.entropy,
        world.identity,
        max_deadline_s=MAX_DEADLINE_S,
    )
    outcomes = slow.accept(world.agency_id, items)
    [early] = first
    assert isinstance(early, Accepted)
    assert outcomes[3] == replace(early, replayed=True)
    assert [one.replayed for one in outcomes if isinstance(one, Accepted)].count(False) == FEW
    check_world(world)


def make_second(world: StoreWorld) -> StoreWorld:
    """Another process's view of the same store, with randomness of its own."""
    return replace(world, database=Database(world.database.place), entropy=SeededEntropy("second"))


def test_a_record_in_anothers_place_is_a_contradiction(world: StoreWorld) -> None:
    matter = world.open_matter()
    world.take(matter, "a")
    world.take(matter, "b")
    with world.database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE records SET sealed_values ="
            " (SELECT o.sealed_values FROM records o WHERE o.id <> records.id)"
        )
    with pytest.raises(Contradiction, match="does not open"):
        world.acceptor.accept(world.agency_id, [offer(matter, "a")])


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text().filter(lambda n: n not in ("_sd", "...")), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(json_values, min_size=1, max_size=5))
def test_any_content_comes_back_and_repeats(
    tmp_path_factory: pytest.TempPathFactory, contents: list[Any]
) -> None:
    world = make_world(tmp_path_factory.mktemp("store"))
    matter = world.open_matter()
    items = [
        offer(matter, f"{i}", claims={"fields": content}) for i, content in enumerate(contents)
    ]
    first = world.acceptor.accept(world.agency_id, items)
    again = world.acceptor.accept(world.agency_id, items)
    for content, one, two in zip(contents, first, again, strict=True):
        assert isinstance(one, Accepted)
        assert two == replace(one, replayed=True)
        assert world.reader.content(world.agency_id, one.record_id).values == {"fields": content}
    check_world(world)
    world.close()

"""`verifier receipt`: each line of the table of docs/spec/verification.md §10, and attacks on it.

The story's log anchors five times; a receipt promises a record by a deadline. What must never
happen: a service that kept its promise is convicted, or one that broke it is cleared.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import persons
from tests.hostile.attacks.asked import node
from tests.hostile.attacks.finality import PUBLISHER, block_list, pinned
from tests.hostile.attacks.keys import STRANGERS, with_an_invented_hand_over
from tests.hostile.case import honest
from tests.hostile.chain import Block
from tests.hostile.damage import NO_DAMAGE
from tests.hostile.export import Export
from tests.hostile.log import Key, Log, Secrets
from tests.hostile.package import EVM, Package
from tests.hostile.persons import Toml
from tests.hostile.verify import command
from tests.hostile.world import CASE, HOUR, NOBODY, World
from verifier.check.inputs import GivenFile, read_inputs
from verifier.check.policy import read_policy
from verifier.check.receipt import CLOCK_SKEW, ReceiptCheck, check_receipt, read_proof
from verifier.check.rows import CannotJudge
from verifier.format import jsonc, trees
from verifier.format.digests import b64_encode
from verifier.format.times import block_moment, format_time

PAGE = (Path(__file__).parents[2] / "docs/spec/verification.md").read_text("utf-8")
MILLISECOND = timedelta(milliseconds=1)
KEPT, BROKEN, UNDECIDED, ERROR = 0, 2, 3, 4

Proof = Package | bytes | None


def moment(block: Block) -> datetime:
    return block_moment(block.timestamp)


def anchored(number: int, world: World | None = None) -> datetime:
    """When the anchor of this number was made."""
    return moment((world or honest()).log.anchors[number].block)


def tip(world: World | None = None) -> datetime:
    return moment((world or honest()).chain.tip)


def receipt(
    position: int = 3,
    *,
    received_at: datetime | None = None,
    deadline: datetime | None = None,
    world: World | None = None,
    matter: str = CASE,
    **members: Any,
) -> bytes:
    """By default of a record that was received before everything and promised by the tip."""
    told = world or honest()
    early = block_moment(told.chain.genesis_time)
    return told.log.receipt(
        matter,
        position,
        received_at=format_time(received_at or early),
        deadline=format_time(deadline or tip(told)),
        **members,
    )


def evm(package: Package | None = None, **changes: Any) -> bytes:
    """The chain proof of a package, with members replaced; by default all of the log's links."""
    document = (package or honest().complete("other")).json(EVM)
    return jsonc.encode(document | changes)


def checked(
    given: bytes,
    proof: Proof,
    folder: Path,
    *,
    policy: Toml | None = None,
    inputs: Toml | None = None,
    world: World | None = None,
    files: dict[str, bytes] | None = None,
) -> ReceiptCheck:
    told = world or honest()
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content)
    path = folder / "proof"
    if isinstance(proof, Package):
        proof.write_zip(path)
    elif proof is not None:
        path.write_bytes(proof)
    found = check_receipt(
        GivenFile("receipt.json", given),
        read_policy(persons.write(policy or told.policy(), folder / "policy.toml")),
        read_inputs(persons.write(inputs or told.inputs(), folder / "inputs.toml")),
        None if proof is None else read_proof(path),
    )
    said = json.loads(found.json())
    assert (said["exit"], said["code"]) == (found.exit, found.answer.code)
    assert found.text().startswith(f"PROMISE: {said['promise']}: ")
    return found


def outcome(*arguments: Any, **options: Any) -> tuple[int, str | None]:
    found = checked(*arguments, **options)
    return found.exit, found.answer.code


# ---------------------------------------------------------------------- kept


@pytest.mark.parametrize("kind", ["complete", "extract"])
def test_a_record_that_the_package_dates_by_the_deadline_is_a_promise_kept(
    kind: str, tmp_path: Path
) -> None:
    package = getattr(honest(), kind)()
    found = checked(receipt(3), package, tmp_path)
    assert (found.exit, found.answer.code) == (KEPT, None)
    assert format_time(anchored(3)) in found.text()
    assert json.loads(found.json())["promise"] == "kept"


def test_an_anchor_at_the_deadline_itself_is_in_time(tmp_path: Path) -> None:
    assert outcome(receipt(deadline=anchored(3)), honest().complete(), tmp_path) == (KEPT, None)


def test_a_promise_may_be_kept_before_it_is_due(tmp_path: Path) -> None:
    later = tip() + timedelta(days=1)
    assert outcome(receipt(deadline=later), honest().complete(), tmp_path) == (KEPT, None)


def test_a_record_anchored_before_it_was_received_is_a_promise_kept(tmp_path: Path) -> None:
    """A clock that is hours ahead is no broken promise: the record is there."""
    ahead = receipt(received_at=anchored(4) + timedelta(minutes=30), deadline=tip() - MILLISECOND)
    assert outcome(ahead, honest().complete(), tmp_path) == (KEPT, None)
    # Without the package of its matter, the clocks are all that there is.
    assert outcome(ahead, evm(), tmp_path) == (BROKEN, "RECEIPT_NO_ANCHOR")


def test_a_receipt_by_keys_that_were_handed_over_to_counts_with_the_package(tmp_path: Path) -> None:
    world = World.told(hand_overs=(2,))
    policy = world.policy()
    first = World.told().log
    policy["log"][0]["vkeys"] = [key.vkey for key in first.checkpoint_keys]
    policy["log"][0]["receipt_vkeys"] = [first.receipt_key.vkey]
    given = receipt(world=world)
    assert outcome(given, world.complete(), tmp_path, policy=policy, world=world)[0] == KEPT
    # A bare chain proof shows no hand-over.
    code = outcome(given, evm(world.complete("other")), tmp_path, policy=policy, world=world)
    assert code == (UNDECIDED, "RECEIPT_KEY_NOT_PINNED")


def test_one_receipt_of_a_large_group_is_checked_alone(tmp_path: Path) -> None:
    document = json.loads(receipt(3))
    bodies = [jsonc.encode({"other": i}) for i in range(4_999)]
    bodies.insert(4_321, jsonc.encode(document["body"]))
    group = [trees.leaf_hash(body) for body in bodies]
    text = f"notary.example/log/receipts\n5000\n{b64_encode(trees.root(group))}\n"
    key = honest().log.receipt_key
    path = [one.hex() for one in trees.inclusion_path(group, 4_321)]
    note = f"{text}\n{key.line(key.sign(text))}"
    document |= {"index": 4_321, "path": path, "note": note}
    package = honest().complete()
    assert outcome(jsonc.encode(document), package, tmp_path) == (KEPT, None)
    damages: list[dict[str, Any]] = [
        {"path": path[:-1]},
        {"path": [*path, path[0]]},
        {"path": []},
        {"index": 4_322},
    ]
    for damage in damages:
        given = jsonc.encode(document | damage)
        assert outcome(given, package, tmp_path) == (UNDECIDED, "RECEIPT_SIGNATURE")


# ---------------------------------------------------------------------- broken by a package


def test_another_record_at_that_position_breaks_the_promise(tmp_path: Path) -> None:
    other = receipt(leaf="00" * 32)
    for package in (honest().complete(), honest().extract()):
        assert outcome(other, package, tmp_path) == (BROKEN, "RECEIPT_CONTRADICTED")
    # It does so before it is due, and with other records before it.
    due = receipt(leaf="00" * 32, deadline=tip() + timedelta(days=1))
    assert outcome(due, honest().complete(), tmp_path) == (BROKEN, "RECEIPT_CONTRADICTED")
    head = receipt(head={"size": 4, "root": "00" * 32})
    assert outcome(head, honest().complete(), tmp_path) == (BROKEN, "RECEIPT_CONTRADICTED")


def lost(matter: str = CASE) -> tuple[World, Package, Callable[..., bytes]]:
    """A record that is received, promised, and never sealed; the package without it."""
    world = World.told()
    package = world.absent() if matter == NOBODY else world.complete(matter)
    position = len(world.log.matters[matter].records) if matter in world.log.matters else 0
    world.log.add(matter, "document", {"title": "lost", "occurred_at": None})
    return world, package, lambda **given: receipt(position, world=world, matter=matter, **given)


@pytest.mark.parametrize("matter", [CASE, NOBODY])
def test_a_record_that_is_not_there_after_the_deadline_breaks_the_promise(
    matter: str, tmp_path: Path
) -> None:
    world, package, promise = lost(matter)
    options: dict[str, Any] = {"world": world, "inputs": world.inputs(matter)}
    after = promise(deadline=tip(world) - MILLISECOND)
    assert outcome(after, package, tmp_path, **options) == (BROKEN, "RECEIPT_CONTRADICTED")
    # At the deadline itself it is not overdue.
    at = promise(deadline=tip(world))
    assert outcome(at, package, tmp_path, **options) == (UNDECIDED, "RECEIPT_NOT_DUE")


def test_under_the_last_anchor_in_time_the_record_is_not_there(tmp_path: Path) -> None:
    # Record 3 is anchored by anchor 3. Anchor 1 is shown, anchor 2 changes nothing of the matter.
    late = receipt(3, deadline=anchored(2) - MILLISECOND)
    assert outcome(late, honest().complete(), tmp_path) == (BROKEN, "RECEIPT_LATE")
    later = receipt(3, deadline=anchored(3) - MILLISECOND)
    package = honest().complete()
    assert outcome(later, package, tmp_path) == (UNDECIDED, "RECEIPT_LATE_NOT_SHOWN")
    full = honest().complete(full_history=True)
    assert outcome(later, full, tmp_path) == (BROKEN, "RECEIPT_LATE")
    assert outcome(receipt(3, deadline=anchored(3)), full, tmp_path) == (KEPT, None)


def without_batch(batch: int, *, full_history: bool = False) -> Package:
    """A package that keeps back the batch by which records 3 to 5 are dated, so that they look late."""
    log = honest().log
    export = Export(
        log,
        log.number(CASE),
        "complete",
        as_of=None,
        withheld={(0, "text"): "privilege"},
        erased={2: 5},
        full_history=full_history,
    )
    del export.shown[batch]
    return export.package()


def test_whoever_keeps_an_anchor_back_can_not_convict_the_service_of_being_late(
    tmp_path: Path,
) -> None:
    """Nobody signs a package: a submitter can leave out the batch that dates his record."""
    in_time = receipt(3, deadline=anchored(4) - MILLISECOND)
    assert outcome(in_time, honest().complete(), tmp_path) == (KEPT, None)
    assert outcome(in_time, without_batch(4), tmp_path) == (UNDECIDED, "RECEIPT_LATE_NOT_SHOWN")
    full = without_batch(4, full_history=True)
    assert outcome(in_time, full, tmp_path) == (KEPT, None)


# ---------------------------------------------------------------------- broken by the chain alone


@cache
def silent_for_a_day() -> World:
    return World.told(last_wait_s=24 * HOUR)


def of_a_quiet_day(
    received: timedelta = timedelta(hours=1), deadline: timedelta = timedelta(hours=5)
) -> bytes:
    world = silent_for_a_day()
    last = anchored(4, world)
    return receipt(world=world, received_at=last + received, deadline=last + deadline)


@pytest.mark.parametrize("matter", ["other", NOBODY])
def test_with_no_anchor_between_receipt_and_deadline_the_promise_is_broken(
    matter: str, tmp_path: Path
) -> None:
    world = silent_for_a_day()
    package = world.absent() if matter == NOBODY else world.complete(matter)
    assert outcome(of_a_quiet_day(), package, tmp_path, world=world) == (
        BROKEN,
        "RECEIPT_NO_ANCHOR",
    )
    found = checked(of_a_quiet_day(), evm(package), tmp_path, world=world)
    assert (found.exit, found.answer.code) == (BROKEN, "RECEIPT_NO_ANCHOR")
    assert found.as_of is not None
    assert found.as_of.level == 1
    said = json.loads(found.json())
    assert said["promise"] == "broken"
    assert said["as_of"]["number"] == world.chain.tip.number
    assert said["as_of"]["sources"][0]["who"] == "you (my own node)"
    assert set(said["receipt"]) >= {"log", "matter", "position", "received_at", "deadline"}


def test_an_anchor_after_the_deadline_comes_too_late(tmp_path: Path) -> None:
    received, deadline = anchored(2) + timedelta(minutes=20), anchored(3) - MILLISECOND
    late = receipt(received_at=received, deadline=deadline)
    assert outcome(late, evm(), tmp_path) == (BROKEN, "RECEIPT_NO_ANCHOR")
    # The anchor at the deadline itself may hold the record.
    at = receipt(received_at=received, deadline=anchored(3))
    assert outcome(at, evm(), tmp_path) == (UNDECIDED, "RECEIPT_INCLUSION_MISSING")


@pytest.mark.parametrize(
    ("after", "answer"),
    [
        (CLOCK_SKEW + MILLISECOND, (BROKEN, "RECEIPT_NO_ANCHOR")),
        (CLOCK_SKEW, (UNDECIDED, "RECEIPT_INCLUSION_MISSING")),
        (timedelta(), (UNDECIDED, "RECEIPT_INCLUSION_MISSING")),
        (-CLOCK_SKEW, (UNDECIDED, "RECEIPT_INCLUSION_MISSING")),
    ],
)
def test_an_anchor_shortly_before_the_receipt_may_hold_the_record(
    after: timedelta, answer: tuple[int, str], tmp_path: Path
) -> None:
    """A service whose clock is ahead by up to a quarter of an hour is not convicted by it."""
    world = silent_for_a_day()
    given = of_a_quiet_day(received=after)
    assert outcome(given, evm(world.complete("other")), tmp_path, world=world) == answer


@pytest.mark.parametrize(
    ("before", "code"), [(timedelta(), "RECEIPT_NOT_DUE"), (MILLISECOND, "RECEIPT_NO_ANCHOR")]
)
def test_a_deadline_at_the_as_of_block_is_not_over(
    before: timedelta, code: str, tmp_path: Path
) -> None:
    world = silent_for_a_day()
    given = of_a_quiet_day(deadline=tip(world) - before - anchored(4, world))
    proof = evm(world.complete("other"))
    assert outcome(given, proof, tmp_path, world=world)[1] == code


def test_a_proof_of_an_earlier_block_shows_nothing_yet(tmp_path: Path) -> None:
    world = silent_for_a_day()
    early = world.complete("other", as_of=world.log.anchors[4].block)
    answer = outcome(of_a_quiet_day(), evm(early), tmp_path, world=world)
    assert answer == (UNDECIDED, "RECEIPT_NOT_DUE")


def test_a_package_of_the_matter_convicts_by_its_links_as_well(tmp_path: Path) -> None:
    # The record is dated after the deadline, and no anchor lies between receipt and deadline.
    received, deadline = anchored(2) + timedelta(minutes=20), anchored(3) - MILLISECOND
    late = receipt(3, received_at=received, deadline=deadline)
    assert outcome(late, honest().complete(), tmp_path) == (BROKEN, "RECEIPT_NO_ANCHOR")
    # Its links begin after the deadline: whether the record was in an earlier anchor is not shown.
    first = receipt(0, deadline=anchored(1) - MILLISECOND)
    assert outcome(first, honest().complete(), tmp_path) == (UNDECIDED, "RECEIPT_LINKS_SHORT")


def test_links_that_begin_after_the_deadline_show_nothing_of_before(tmp_path: Path) -> None:
    first = receipt(deadline=anchored(1) - MILLISECOND)
    # The case's own links begin with the second anchor; the first is before the deadline.
    assert outcome(first, evm(honest().complete()), tmp_path) == (UNDECIDED, "RECEIPT_LINKS_SHORT")
    assert outcome(first, evm(), tmp_path) == (UNDECIDED, "RECEIPT_INCLUSION_MISSING")
    # Where the links begin with the log's first, there is no anchor before.
    none = receipt(deadline=anchored(0) - MILLISECOND)
    assert outcome(none, evm(), tmp_path) == (BROKEN, "RECEIPT_NO_ANCHOR")


def links_cut(count: int) -> bytes:
    """The first links left out, with the head after them as `prev`: true, and less."""
    document = honest().complete("other").json(EVM)
    prev = honest().log.anchors[count].prev
    fold = {"prev": prev.hex(), "links": document["fold"]["links"][count:]}
    return evm(fold=fold, legs=[])


def test_whoever_cuts_links_off_can_not_convict(tmp_path: Path) -> None:
    """Between receipt and deadline lies anchor 3, which holds the record; the proof begins after."""
    held = receipt(3, received_at=anchored(2) + timedelta(minutes=30), deadline=anchored(3))
    assert outcome(held, links_cut(3), tmp_path) == (UNDECIDED, "RECEIPT_INCLUSION_MISSING")
    assert outcome(held, links_cut(4), tmp_path) == (UNDECIDED, "RECEIPT_LINKS_SHORT")
    document = honest().complete("other").json(EVM)["fold"]
    without = [link for i, link in enumerate(document["links"]) if i != 3]
    forged = evm(fold=document | {"links": without}, legs=[])
    assert outcome(held, forged, tmp_path) == (UNDECIDED, "FOLD_MISMATCH")


# ---------------------------------------------------------------------- a log that never anchored


@cache
def never_anchored() -> tuple[World, Log]:
    """A second log on the chain that takes records in, gives receipts and never anchors."""
    world = World.told()
    log = Log(world.chain, world.contract, "mute.example/log", Secrets("mute"), NO_DAMAGE)
    log.add(CASE, "document", {"title": "lost", "occurred_at": None})
    log.seal()
    return world, log


def mute_policy() -> Toml:
    world, log = never_anchored()
    return world.policy() | {"log": [world.pin(log)]}


def mute_receipt(deadline: timedelta = -MILLISECOND) -> bytes:
    world, log = never_anchored()
    early = format_time(block_moment(world.chain.genesis_time))
    late = format_time(tip(world) + deadline)
    return log.receipt(CASE, 0, received_at=early, deadline=late)


def mute_evm(log: Log | None = None, **changes: Any) -> bytes:
    """A chain proof without links, from what any node gives."""
    world, mute = never_anchored()
    of, chain = log or mute, world.chain
    as_of = {
        "header": b64_encode(chain.tip.header),
        "account_proof": [b64_encode(n) for n in chain.prove_account(chain.tip, of.contract)],
        "storage_proof": [
            b64_encode(n) for n in chain.prove_slot(chain.tip, of.contract, of.address)
        ],
    }
    document: dict[str, Any] = {
        "format": "notary-evm/1",
        "chain_id": chain.chain_id,
        "contract": "0x" + of.contract.hex(),
        "log_address": "0x" + of.address.hex(),
        "fold": {"prev": "00" * 32, "links": []},
        "as_of": as_of,
        "legs": [],
        "not_before": [],
        "observed": [],
    }
    return jsonc.encode(document | changes)


def mute(given: bytes, proof: bytes, folder: Path) -> tuple[int, str | None]:
    world, _ = never_anchored()
    return outcome(given, proof, folder, policy=mute_policy(), world=world)


def test_a_log_that_never_anchored_broke_its_promise(tmp_path: Path) -> None:
    assert mute(mute_receipt(), mute_evm(), tmp_path) == (BROKEN, "RECEIPT_NO_ANCHOR")
    due = mute_receipt(timedelta())
    assert mute(due, mute_evm(), tmp_path) == (UNDECIDED, "RECEIPT_NOT_DUE")


def test_a_proof_without_links_of_a_log_that_anchored_convicts_nobody(tmp_path: Path) -> None:
    log = honest().log
    given = receipt(deadline=tip() - MILLISECOND)
    assert outcome(given, mute_evm(log), tmp_path) == (UNDECIDED, "SLOT_PROOF")
    # Nor does one that claims to go on from a head.
    head = {"prev": log.anchors[-1].prev.hex(), "links": []}
    answer = outcome(given, mute_evm(log, fold=head), tmp_path)
    assert answer == (UNDECIDED, "EVM_FORM:EVM_NO_LINK")


def test_the_slot_of_another_account_convicts_nobody(tmp_path: Path) -> None:
    """The proof is of an account that never anchored; the receipt's account did."""
    log = honest().log
    changed = mute_evm(log_address="0x" + log.address.hex())
    given = receipt(deadline=tip() - MILLISECOND)
    # The key is recomputed, so the path leads elsewhere.
    assert outcome(given, changed, tmp_path) == (UNDECIDED, "SLOT_PROOF")
    assert outcome(given, mute_evm(), tmp_path) == (UNDECIDED, "RECEIPT_PROOF_OF_OTHER")


@pytest.mark.parametrize("damage", ["cut", "more", "none"])
def test_a_damaged_proof_of_absence_convicts_nobody(damage: str, tmp_path: Path) -> None:
    document = json.loads(mute_evm())
    nodes = document["as_of"]["storage_proof"]
    document["as_of"]["storage_proof"] = {
        "cut": nodes[:-1],
        "more": [*nodes, nodes[-1]],
        "none": [],
    }[damage]
    answer = mute(mute_receipt(), jsonc.encode(document), tmp_path)
    assert answer == (UNDECIDED, "SLOT_PROOF")


def test_a_contract_that_nobody_used_has_no_nodes_to_show(tmp_path: Path) -> None:
    world = World(neighbours=False)
    log = Log(world.chain, world.contract, "mute.example/log", Secrets("mute"), NO_DAMAGE)
    log.add(CASE, "document", {"title": "lost", "occurred_at": None})
    log.seal()
    world.wait()
    chain = world.chain
    early = format_time(block_moment(chain.genesis_time))
    given = log.receipt(CASE, 0, received_at=early, deadline=early)
    document = json.loads(mute_evm())
    document["as_of"] = {
        "header": b64_encode(chain.tip.header),
        "account_proof": [b64_encode(n) for n in chain.prove_account(chain.tip, log.contract)],
        "storage_proof": [],
    }
    policy = world.policy() | {"log": [world.pin(log)]}
    options: dict[str, Any] = {"policy": policy, "inputs": bare_inputs(world)}
    proof = jsonc.encode(document)
    assert outcome(given, proof, tmp_path, **options) == (BROKEN, "RECEIPT_NO_ANCHOR")


def bare_inputs(world: World) -> Toml:
    inputs = world.inputs(None)
    return {name: inputs[name] for name in ("format", "block")}


# ---------------------------------------------------------------------- undecided


def test_anchors_in_time_without_the_record_s_package_decide_nothing(tmp_path: Path) -> None:
    for proof in (evm(), honest().complete("other"), honest().absent()):
        answer = outcome(receipt(deadline=tip() - MILLISECOND), proof, tmp_path)
        assert answer == (UNDECIDED, "RECEIPT_INCLUSION_MISSING")
    # An extract of the matter that does not show the record is no better.
    answer = outcome(receipt(1, deadline=tip() - MILLISECOND), honest().extract(), tmp_path)
    assert answer == (UNDECIDED, "RECEIPT_INCLUSION_MISSING")


def test_without_a_proof_the_signature_is_all_that_is_checked(tmp_path: Path) -> None:
    assert outcome(receipt(), None, tmp_path) == (UNDECIDED, "RECEIPT_PROOF_MISSING")
    assert outcome(receipt(key=STRANGER), None, tmp_path)[1] == "RECEIPT_KEY_NOT_PINNED"


def test_a_package_that_does_not_pass_shows_nothing_of_the_record(tmp_path: Path) -> None:
    broken = honest().complete().put("data/README.txt", b"").sealed()
    contradicted = receipt(leaf="00" * 32, deadline=tip() - MILLISECOND)
    answer = outcome(contradicted, broken, tmp_path)
    assert answer == (UNDECIDED, "RECEIPT_PACKAGE_FAULTY")
    # Its chain proof still stands by itself.
    world = silent_for_a_day()
    broken = world.complete().put("data/README.txt", b"").sealed()
    given = of_a_quiet_day()
    assert outcome(given, broken, tmp_path, world=world) == (BROKEN, "RECEIPT_NO_ANCHOR")
    # A statement that can't be read names no matter.
    unread = honest().complete().put("data/statement.json", b"{}").sealed()
    assert outcome(contradicted, unread, tmp_path) == (UNDECIDED, "RECEIPT_INCLUSION_MISSING")
    without = honest().complete().drop(EVM).sealed()
    assert outcome(contradicted, without, tmp_path) == (UNDECIDED, "BLOCKED")


STRANGER = Key("notary.example/log/receipts", b"\x09" * 32)


def other_body(**members: Any) -> bytes:
    """A receipt whose body was changed after it was signed."""
    document = json.loads(of_a_quiet_day())
    document["body"] |= members
    return jsonc.encode(document)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (b"Dear Sir,", "RECEIPT_FORM:JSON_SYNTAX"),
        (b"{}", "RECEIPT_FORM:MEMBER_MISSING"),
        (other_body(deadline="2026-10-01T00:00:00.000Z"), "RECEIPT_FORM:RECEIPT_DEADLINE"),
        (other_body(position=9), "RECEIPT_FORM:RECEIPT_HEAD_SIZE"),
        (other_body(leaf="00" * 32), "RECEIPT_SIGNATURE"),
        (other_body(received_at="2026-10-01T00:00:00.000Z"), "RECEIPT_SIGNATURE"),
        (other_body(log="other.example/log"), "LOG_NOT_PINNED"),
        (other_body(log_address="0x" + "11" * 20), "LOG_NOT_PINNED"),
        (other_body(contract="0x" + "11" * 20), "LOG_NOT_PINNED"),
        (other_body(chain_id=1), "LOG_NOT_PINNED"),
    ],
)
def test_a_receipt_that_binds_nobody_convicts_nobody(
    given: bytes, code: str, tmp_path: Path
) -> None:
    world = silent_for_a_day()
    proof = evm(world.complete("other"))
    assert outcome(given, proof, tmp_path, world=world) == (UNDECIDED, code)


def test_a_receipt_by_any_other_key_convicts_nobody(tmp_path: Path) -> None:
    checkpoint = Key("notary.example/log/receipts", honest().log.checkpoint_keys[0].secret)
    for key in (STRANGER, checkpoint):
        given = receipt(key=key, leaf="00" * 32)
        answer = outcome(given, honest().complete(), tmp_path)
        assert answer == (UNDECIDED, "RECEIPT_KEY_NOT_PINNED")


def test_keys_that_a_package_invents_a_hand_over_to_convict_nobody(tmp_path: Path) -> None:
    """A stranger signs a promise that no anchor keeps, and hands himself the keys in a package."""
    world = silent_for_a_day()
    promised = receipt(
        world=world,
        key=STRANGERS.receipt,
        received_at=anchored(4, world) + timedelta(hours=1),
        deadline=anchored(4, world) + timedelta(hours=5),
    )
    package = with_an_invented_hand_over(world.complete(), STRANGERS)
    answer = outcome(promised, package, tmp_path, world=world)
    assert answer == (UNDECIDED, "RECEIPT_KEY_NOT_PINNED")


def test_a_log_that_the_person_does_not_trust_any_more_is_not_convicted_by_its_keys(
    tmp_path: Path,
) -> None:
    world = silent_for_a_day()
    given, proof = of_a_quiet_day(), evm(world.complete("other"))
    received = anchored(4, world) + timedelta(hours=1)
    for members, code in (
        ({"last_good_head": "0f" * 32}, "KEYS_COMPROMISED"),
        ({"from": format_time(received + MILLISECOND)}, "PIN_NOT_IN_FORCE"),
        ({"from": format_time(received)}, "RECEIPT_NO_ANCHOR"),
        ({"until": format_time(received)}, "PIN_NOT_IN_FORCE"),
        ({"until": format_time(received + MILLISECOND)}, "RECEIPT_NO_ANCHOR"),
    ):
        policy = world.policy()
        policy["log"][0] |= members
        assert outcome(given, proof, tmp_path, policy=policy, world=world)[1] == code


def test_a_package_of_a_log_of_another_name_is_of_another_log(tmp_path: Path) -> None:
    """Chain, contract and account are the receipt's; the headers bear another name."""
    other = World.told(log_name="other.example/log")
    policy = honest().policy()
    for pins in ([honest().pin()], [honest().pin(), other.pin()]):
        answer = outcome(receipt(), other.complete(), tmp_path, policy=policy | {"log": pins})
        assert answer == (UNDECIDED, "RECEIPT_PROOF_OF_OTHER")


def test_a_block_time_that_nobody_can_write_decides_nothing(tmp_path: Path) -> None:
    """The header's time is in no year of four digits; its hash is what the person has."""
    far = World.told(damage={"header_fields": in_the_far_future})
    export = Export(far.log, far.log.number("other"), "complete", withheld={}, erased={})
    proof = jsonc.encode(export.evm())
    answer = outcome(receipt(world=honest()), proof, tmp_path, inputs=far.inputs())
    assert answer == (UNDECIDED, "BLOCKED")


def in_the_far_future(fields: list[Any], number: int) -> list[Any]:
    return [*fields[:11], b"\x7f" + bytes(7), *fields[12:]] if number == 12 else fields


def test_an_anchor_of_another_log_than_the_full_history_shows_clears_nobody(tmp_path: Path) -> None:
    """The service anchored another root at size 5; the history that it shows has the record there."""

    def forged(headers: tuple[bytes, ...], size: int) -> tuple[bytes, ...]:
        return (*headers[:-1], headers[0]) if size == 5 else headers

    world = World.told(damage={"batch_log": forged})
    export = Export(
        world.log,
        world.log.number(CASE),
        "complete",
        withheld={(0, "text"): "privilege"},
        erased={2: 5},
        full_history=True,
    )
    # Batch 4, under that anchor, is not shown.
    del export.shown[4]
    promised = receipt(3, deadline=anchored(4) - MILLISECOND, world=world)
    answer = outcome(promised, export.package(), tmp_path, world=world)
    assert answer == (UNDECIDED, "RECEIPT_PACKAGE_FAULTY")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"chain_id": 1}, "RECEIPT_PROOF_OF_OTHER"),
        ({"contract": "0x" + "11" * 20}, "RECEIPT_PROOF_OF_OTHER"),
        ({"log_address": "0x" + "11" * 20}, "RECEIPT_PROOF_OF_OTHER"),
        ({"format": "notary-evm/2"}, "EVM_FORM:MEMBER_FORM"),
    ],
)
def test_a_chain_proof_of_something_else_decides_nothing(
    members: dict[str, Any], code: str, tmp_path: Path
) -> None:
    world = silent_for_a_day()
    proof = evm(world.complete("other"), **members)
    assert outcome(of_a_quiet_day(), proof, tmp_path, world=world) == (UNDECIDED, code)


def as_of_changed(**members: Any) -> bytes:
    document = silent_for_a_day().complete("other").json(EVM)
    return jsonc.encode(document | {"as_of": document["as_of"] | members})


@pytest.mark.parametrize(
    ("proof", "code"),
    [
        (lambda: as_of_changed(header=""), "HEADER_FORM"),
        (lambda: as_of_changed(account_proof=[]), "ACCOUNT_PROOF"),
        (lambda: as_of_changed(storage_proof=[]), "SLOT_PROOF"),
    ],
)
def test_a_chain_proof_that_does_not_hold_decides_nothing(
    proof: Callable[[], bytes], code: str, tmp_path: Path
) -> None:
    world = silent_for_a_day()
    exit_, found = outcome(of_a_quiet_day(), proof(), tmp_path, world=world)
    assert (exit_, str(found).split(":")[0]) == (UNDECIDED, code)


def test_other_code_at_the_contract_s_address_decides_nothing(tmp_path: Path) -> None:
    world = World.told(code_hash=b"\x01" * 32, last_wait_s=24 * HOUR)
    proof = evm(world.complete("other"))
    assert outcome(of_a_quiet_day(), proof, tmp_path, world=world) == (UNDECIDED, "CODE_HASH")


def test_a_chain_whose_hash_rule_is_unknown_decides_nothing(tmp_path: Path) -> None:
    world = silent_for_a_day()
    policy = world.policy()
    policy["chain"][0]["hash_rule"] = "besu-qbft"
    proof = evm(world.complete("other"))
    answer = outcome(of_a_quiet_day(), proof, tmp_path, policy=policy, world=world)
    assert answer == (UNDECIDED, "HASH_RULE_UNKNOWN")


def test_without_a_confirmed_block_nothing_is_decided(tmp_path: Path) -> None:
    world = silent_for_a_day()
    given, proof = of_a_quiet_day(), evm(world.complete("other"))
    inputs = world.inputs() | {"block": []}
    found = checked(given, proof, tmp_path, world=world, inputs=inputs)
    assert (found.exit, found.answer.code) == (UNDECIDED, "LEVEL_0")
    assert f"block {world.chain.tip.number} 0x{world.chain.tip.hash.hex()}" in found.text()
    kept = checked(
        receipt(), honest().complete(), tmp_path, inputs=honest().inputs() | {"block": []}
    )
    assert (kept.exit, kept.answer.code) == (UNDECIDED, "LEVEL_0")
    wrong = world.inputs()
    wrong["block"][-1]["hash"] = "0x" + "ab" * 32
    answer = outcome(given, proof, tmp_path, world=world, inputs=wrong)
    assert answer == (UNDECIDED, "BLOCK_HASH_DIFFERENT")


def test_a_disputed_block_decides_nothing(tmp_path: Path) -> None:
    files = {"list.txt": block_list(other=12)}
    inputs = honest().inputs() | {"blocks": ["list.txt"]}
    options: dict[str, Any] = {"policy": pinned(), "inputs": inputs, "files": files}
    answer = outcome(receipt(), honest().complete(), tmp_path, **options)
    assert answer == (UNDECIDED, "BLOCK_DISPUTED")
    files["list.txt"] = block_list(key=Key(PUBLISHER.name, b"\x33" * 32))
    answer = outcome(receipt(), honest().complete(), tmp_path, **options)
    assert answer == (UNDECIDED, "BLOCK_LIST_NOT_PINNED")


# ---------------------------------------------------------------------- words


def test_a_promise_kept_is_said_in_full(tmp_path: Path) -> None:
    found = checked(receipt(), honest().complete(), tmp_path)
    tip_hash = honest().chain.tip.hash.hex()
    body = json.loads(receipt())["body"]
    assert found.text() == (
        f"PROMISE: kept: the record is shown under an anchor of {format_time(anchored(3))}, by the "
        "deadline\n"
        f"  该记录由 {format_time(anchored(3))} 的锚定所包含，未逾期限\n"
        f"  receipt: record 3 of matter key {body['matter']} in log notary.example/log on chain 31337, "
        f"received {body['received_at']}, promised by {body['deadline']} (by the service's clock)\n"
        f"  as of block of {format_time(tip())} (by the chain's clock), level 1:\n"
        f"    chain 31337 block 12 0x{tip_hash}; you (my own node): the same\n"
    )
    assert json.loads(found.json())["as_of"]["time"] == format_time(tip())


def test_a_promise_broken_is_said_with_what_to_do(tmp_path: Path) -> None:
    found = checked(receipt(leaf="00" * 32), honest().complete(), tmp_path)
    lines = found.text().split("\n")
    assert lines[0].startswith("PROMISE: broken: RECEIPT_CONTRADICTED: the package contradicts")
    assert lines[1].startswith("  Keep the package. Where nothing else fails,")
    assert lines[2].startswith("  证据包与服务方签署的回执相矛盾")
    assert lines[3].startswith("  请保留此证据包。若别无不通过之处，")
    assert lines[4].startswith("  receipt: record 3 of ")
    # What can't be read is not said.
    none = checked(b"Dear Sir,", None, tmp_path)
    assert none.text().count("\n") == 4
    said = json.loads(none.json())
    assert (said["receipt"], said["as_of"]) == (None, None)


# ---------------------------------------------------------------------- the table


def test_every_code_of_the_table_is_led_to_by_a_test_of_this_file() -> None:
    table = PAGE.split("## 10. Receipt")[1].split("A package counts")[0]
    codes = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", table)) - {"FILE"}
    assert len(codes) > 15
    tests = Path(__file__).read_text("utf-8")
    assert {code for code in codes if f'"{code}' not in tests} == set()


# ---------------------------------------------------------------------- the command


def asked(folder: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
    return command("receipt", folder / "receipt.json", "--policy", folder / "policy.toml", *more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    world = silent_for_a_day()
    (tmp_path / "receipt.json").write_bytes(of_a_quiet_day())
    (tmp_path / "evm.json").write_bytes(evm(world.complete("other")))
    world.complete("other").write_zip(tmp_path / "package.zip")
    persons.write(world.policy(), tmp_path / "policy.toml")
    return tmp_path


def test_a_block_hash_on_the_command_line_is_enough(folder: Path) -> None:
    block = silent_for_a_day().chain.tip
    hash_ = f"31337:{block.number}:0x{block.hash.hex()}"
    proof = ("--evm", folder / "evm.json")
    assert "RECEIPT_PROOF_MISSING" in asked(folder, "--block-hash", hash_).stdout
    done = asked(folder, *proof)
    assert (done.returncode, done.stderr) == (UNDECIDED, "")
    assert "LEVEL_0" in done.stdout
    done = asked(folder, *proof, "--block-hash", hash_, "--json")
    assert (done.returncode, json.loads(done.stdout)["code"]) == (BROKEN, "RECEIPT_NO_ANCHOR")
    done = asked(folder, "--evm", folder / "package.zip", "--block-hash", hash_)
    assert (done.returncode, done.stderr) == (BROKEN, "")
    assert done.stdout.startswith(
        "PROMISE: broken: RECEIPT_NO_ANCHOR: the service broke its promise"
    )
    assert "服务方违背承诺" in done.stdout


def test_a_quorum_that_is_asked_makes_it_level_2(folder: Path) -> None:
    world = silent_for_a_day()
    policy = world.policy()
    policy["limits"]["quorum"] = 2
    with node(world) as a, node(world) as b:
        policy["endpoint"] = [
            {"operator": name, "chain_id": 31337, "url": one.url}
            for name, one in (("A", a), ("B", b))
        ]
        persons.write(policy, folder / "policy.toml")
        proof = ("--evm", folder / "evm.json", "--json")
        assert asked(folder, *proof).returncode == UNDECIDED
        assert a.calls == []
        done = asked(folder, *proof, "--rpc")
    said = json.loads(done.stdout)
    assert (done.returncode, said["as_of"]["level"]) == (BROKEN, 2)
    assert done.stderr.count("for the hashes of 1 blocks") == 2


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--evm", "none"), "PACKAGE_UNREADABLE"),
        (("--inputs", "none"), "INPUTS_UNREADABLE"),
        (("--blocks", "none"), "INPUTS_BLOCKS_UNREADABLE"),
        (("--rpc",), "RPC_NO_ENDPOINT"),
    ],
)
def test_what_can_not_be_read_is_an_error(more: tuple[str, ...], code: str, folder: Path) -> None:
    done = asked(folder, *more, "--json")
    assert (done.returncode, json.loads(done.stdout)["code"]) == (ERROR, code)


def test_a_receipt_that_can_not_be_read_is_an_error(folder: Path) -> None:
    (folder / "receipt.json").write_bytes(b" " * (2**20 + 1))
    assert json.loads(asked(folder, "--json").stdout)["code"] == "RECEIPT_SIZE"
    (folder / "receipt.json").unlink()
    done = asked(folder, "--json")
    assert (done.returncode, json.loads(done.stdout)["code"]) == (ERROR, "RECEIPT_UNREADABLE")


def test_a_kind_that_the_policy_does_not_list_is_an_error(tmp_path: Path) -> None:
    policy = honest().policy()
    del policy["required"]["complete"]
    with pytest.raises(CannotJudge) as caught:
        checked(receipt(), honest().complete(), tmp_path, policy=policy)
    assert caught.value.code == "POLICY_KIND"


def test_a_proof_is_read_by_what_it_begins_with(tmp_path: Path) -> None:
    honest().complete().write_folder(tmp_path / "evidence")
    given = GivenFile("receipt.json", receipt())
    policy = read_policy(persons.write(honest().policy(), tmp_path / "policy.toml"))
    inputs = read_inputs(persons.write(honest().inputs(), tmp_path / "inputs.toml"))
    assert check_receipt(given, policy, inputs, read_proof(tmp_path / "evidence")).exit == KEPT
    (tmp_path / "huge.json").write_bytes(b"{" * (16 * 2**20 + 1))
    with pytest.raises(CannotJudge) as caught:
        read_proof(tmp_path / "huge.json")
    assert caught.value.code == "EVM_SIZE"

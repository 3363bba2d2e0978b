"""Attacks on receipts, and by receipts: steps 12.1 to 12.5.

A receipt is evidence against the service; a forged one must not be evidence against anybody.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from typing import Any

from tests.hostile.attacks.log import GROUP_ORDER
from tests.hostile.attacks.person import head_after, leaf_missing
from tests.hostile.case import Case, attack, case, honest
from tests.hostile.log import MAX_DEADLINE_S, Key
from tests.hostile.world import CASE, HOUR, NOBODY, World
from verifier.format import jsonc
from verifier.format.digests import b64_encode
from verifier.format.times import format_block_time

# ---------------------------------------------------------------------- 12 receipts


def with_receipts(*receipts: bytes, kind: str = "complete", world: World | None = None) -> Case:
    """A person who holds receipts and requires that they agree."""
    told = world or honest()
    policy = told.policy()
    policy["required"][kind].append("receipts")
    files = {f"receipt-{i}.json": content for i, content in enumerate(receipts)}
    matter = NOBODY if kind == "absent" else CASE
    inputs = told.inputs(matter) | {"receipts": list(files)}
    return case(getattr(told, kind)(), told, policy=policy, inputs=inputs, receipts=files)


def receipt(position: int = 4, **members: Any) -> bytes:
    return honest().log.receipt(CASE, position, **members)


@attack()
def agreeing_receipts() -> Case:
    """Every record's receipt agrees with the package."""
    return with_receipts(*(receipt(position) for position in range(6)))


@attack()
def kept_promise_whose_deadline_is_over() -> Case:
    """The deadline of a record that is there was long before the as-of block."""
    early = format_block_time(honest().chain.genesis_time)
    return with_receipts(receipt(received_at=early, deadline=early))


@attack(receipts="12.1 NOT CHECKED RECEIPT_FORM:JSON_SYNTAX")
def receipt_that_is_no_json() -> Case:
    """A file that the person gives isn't a receipt; that says nothing about the package."""
    return with_receipts(b"Dear Sir,")


@attack(receipts="12.1 NOT CHECKED RECEIPT_FORM:RECEIPT_HEAD_SIZE")
def receipt_with_another_size() -> Case:
    """The receipt's head doesn't end with its record."""
    return with_receipts(receipt(4, head={"size": 6, "root": "00" * 32}))


@attack(receipts="12.1 NOT CHECKED RECEIPT_FORM:NOTE_FORM")
def receipt_with_a_note_that_is_none() -> Case:
    """Where the signed group should be, there is a text without any signature."""
    document = jsonc.decode(receipt(leaf="00" * 32), "receipt")
    assert isinstance(document, dict)
    return with_receipts(jsonc.encode(document | {"note": "promised\n"}))


@attack(receipts="12.1 NOT CHECKED RECEIPT_OF_OTHER")
def receipt_of_another_matter() -> Case:
    """The receipt is for another matter of the log."""
    return with_receipts(honest().log.receipt("other", 0))


@attack(receipts="12.1 NOT CHECKED RECEIPT_OF_OTHER")
def receipt_of_another_log() -> Case:
    """The receipt is for a log of another account."""
    return with_receipts(receipt(log_address="0x" + "11" * 20))


@attack(receipts="12.1 NOT CHECKED RECEIPT_OF_OTHER")
def receipt_of_another_contract() -> Case:
    """The receipt is for a log through another contract."""
    return with_receipts(receipt(contract="0x" + "11" * 20))


@attack(receipts="12.1 NOT CHECKED RECEIPT_OF_OTHER")
def receipt_of_another_chain() -> Case:
    """The receipt is for a log on another chain."""
    return with_receipts(receipt(chain_id=1))


@attack(receipts="12.1 NOT CHECKED RECEIPT_OF_OTHER")
def receipt_of_another_name() -> Case:
    """The receipt is for a log of another name at the same account."""
    return with_receipts(receipt(log="other.example/log"))


@attack(receipts="12.2 NOT CHECKED RECEIPT_KEY_NOT_PINNED")
def receipt_by_a_key_that_is_not_pinned() -> Case:
    """A contradicting receipt is signed by a key that the person doesn't pin: anybody could."""
    stranger = Key("notary.example/log/receipts", b"\x09" * 32)
    return with_receipts(receipt(key=stranger, leaf="00" * 32))


@attack(receipts="12.2 NOT CHECKED RECEIPT_KEY_NOT_PINNED")
def receipt_by_the_checkpoint_key() -> Case:
    """The receipt is signed by the log's checkpoint key, which signs no receipts."""
    checkpoint = Key("notary.example/log/receipts", honest().log.checkpoint_keys[0].secret)
    return with_receipts(receipt(key=checkpoint, leaf="00" * 32))


def resigned(change: Any) -> bytes:
    """A contradicting receipt with another signature by the pinned key."""
    document = jsonc.decode(receipt(leaf="00" * 32), "receipt")
    assert isinstance(document, dict)
    text, line = str(document["note"]).split("\n\n")
    name, encoded = line.removesuffix("\n").removeprefix("— ").split(" ")
    raw = b64decode(encoded)
    document["note"] = f"{text}\n\n— {name} {b64_encode(raw[:4] + change(raw[4:]))}\n"
    return jsonc.encode(document)


@attack(receipts="12.2 NOT CHECKED RECEIPT_SIGNATURE")
def receipt_with_a_wrong_signature() -> Case:
    """A forged receipt contradicts the package; its signature is none, so it says nothing."""
    return with_receipts(resigned(lambda raw: raw[:63] + bytes([raw[63] ^ 1])))


@attack(receipts="12.2 NOT CHECKED RECEIPT_SIGNATURE")
def receipt_with_s_above_the_group_order() -> Case:
    """The receipt's S is the good one plus the group's order."""

    def change(raw: bytes) -> bytes:
        s = int.from_bytes(raw[32:], "little") + GROUP_ORDER
        return raw[:32] + s.to_bytes(32, "little")

    return with_receipts(resigned(change))


@attack(receipts="12.2 NOT CHECKED RECEIPT_SIGNATURE")
def receipt_of_another_body() -> Case:
    """The body is not the one in the signed group."""
    document = jsonc.decode(receipt(), "receipt")
    assert isinstance(document, dict)
    assert isinstance(document["body"], dict)
    document["body"]["leaf"] = "00" * 32
    return with_receipts(jsonc.encode(document))


@attack(receipts="12.3 FAIL RECEIPT_CONTRADICTED")
def receipt_for_another_leaf() -> Case:
    """The service promised another record at that position."""
    return with_receipts(receipt(leaf="00" * 32))


def judged_by_pin(contradiction: Case, **members: str) -> Case:
    """The person pins the log for less: `members` of her pin are others."""
    assert isinstance(contradiction.policy, dict)
    [pin] = contradiction.policy["log"]
    return replace(contradiction, policy=contradiction.policy | {"log": [pin | members]})


@attack(receipts="12.2 NOT CHECKED KEYS_COMPROMISED")
def receipt_that_a_thief_of_the_keys_could_have_made() -> Case:
    """The log is trusted up to its last anchor; a receipt by its key, of whatever time, convicts nobody."""
    return judged_by_pin(with_receipts(receipt(leaf="00" * 32)), last_good_head=head_after(-1))


@attack(receipts="12.2 NOT CHECKED KEYS_COMPROMISED")
def promise_that_a_thief_of_the_keys_could_have_made() -> Case:
    """The same where the record that he promises is not there."""
    return judged_by_pin(later_record(-1), last_good_head=head_after(-1))


@attack(receipts="12.2 NOT CHECKED PIN_NOT_IN_FORCE")
def receipt_from_after_the_pin() -> Case:
    """The receipt is of a time for which the person does not trust the log's keys any more."""
    far = "2031-01-01T00:00:00.000Z"
    late = receipt(leaf="00" * 32, received_at=far, deadline=far)
    return judged_by_pin(with_receipts(late), until=far)


@attack(receipts="12.2 NOT CHECKED PIN_NOT_IN_FORCE")
def receipt_from_before_the_pin() -> Case:
    """The receipt is of the millisecond before the person begins to trust the log."""
    early = "2020-01-01T00:00:00.000Z"
    given = receipt(leaf="00" * 32, received_at=early, deadline=early)
    return judged_by_pin(with_receipts(given), **{"from": "2020-01-01T00:00:00.001Z"})


def unconfirmed(contradiction: Case) -> Case:
    """The person has no hash of any block: who made the package may have made the chain as well."""
    assert isinstance(contradiction.inputs, dict)
    left = {name: value for name, value in contradiction.inputs.items() if name != "block"}
    return replace(contradiction, inputs=left)


@attack(
    receipts="12.3 FAIL RECEIPT_CONTRADICTED",
    finality="9.1 NOT CHECKED LEVEL_0",
    time="10.3 NOT CHECKED NOT_BEFORE_UNCONFIRMED",
)
def receipt_for_another_leaf_under_a_block_that_nobody_confirms() -> Case:
    """Either the service or the package lies: no hash of the block makes the two agree."""
    return unconfirmed(with_receipts(receipt(leaf="00" * 32)))


@attack(
    receipts="12.4 FAIL RECEIPT_CONTRADICTED",
    finality="9.1 NOT CHECKED LEVEL_0",
    time="10.3 NOT CHECKED NOT_BEFORE_UNCONFIRMED",
)
def record_missing_as_of_a_block_that_nobody_confirms() -> Case:
    """The same of a record that is not there."""
    return unconfirmed(later_record(-1))


@attack(receipts="12.3 FAIL RECEIPT_CONTRADICTED")
def receipt_for_another_head() -> Case:
    """The service promised the record after other records than those of the package."""
    return with_receipts(receipt(head={"size": 5, "root": "00" * 32}))


@attack(receipts="12.3 FAIL RECEIPT_CONTRADICTED")
def one_contradicting_receipt_among_good_ones() -> Case:
    """One of six receipts contradicts the package, another is none."""
    good = [receipt(position) for position in range(5)]
    return with_receipts(b"Dear Sir,", *good, receipt(5, leaf="00" * 32))


@attack(receipts="12.3 FAIL RECEIPT_CONTRADICTED", verdict="INVALID")
def contradiction_in_a_row_that_nobody_requires() -> Case:
    """The policy doesn't require receipts; a contradiction is INVALID all the same."""
    contradiction = receipt(leaf="00" * 32)
    inputs = honest().inputs() | {"receipts": ["receipt.json"]}
    return case(honest().complete(), inputs=inputs, receipts={"receipt.json": contradiction})


@attack(
    completeness="8.5 FAIL RECORDS_MISSING",
    inclusion="6.5 NOT CHECKED BLOCKED",
    receipts="12.3 NOT CHECKED BLOCKED",
    blocked="7.3 11.1",
)
def receipt_for_a_leaf_that_the_exporter_left_out() -> Case:
    """The person has the receipt of a record that is missing; the service broke no promise."""
    left_out = leaf_missing(4)
    inputs = honest().inputs() | {"receipts": ["receipt.json"]}
    return replace(left_out, inputs=inputs, receipts={"receipt.json": receipt(4)})


@attack(receipts="12.3 FAIL RECEIPT_CONTRADICTED")
def receipt_for_another_leaf_of_an_extract() -> Case:
    """The service promised another record at a position that the extract shows."""
    return with_receipts(receipt(3, leaf="00" * 32), kind="extract")


@attack(receipts="12.3 NOT CHECKED RECEIPT_NOT_COMPARABLE")
def receipt_for_a_leaf_that_an_extract_does_not_show() -> Case:
    """An extract can't answer for a record that it doesn't show."""
    return with_receipts(receipt(1), kind="extract")


@attack()
def receipt_for_a_leaf_that_an_extract_shows() -> Case:
    """The receipt of a record that the extract shows agrees with it."""
    return with_receipts(receipt(3), kind="extract")


def later_record(deadline_s: int, kind: str = "complete") -> Case:
    """The service gave a receipt for a seventh record and never anchored it.

    The deadline is so many seconds after the as-of block.
    """
    world = World.told()
    tip = world.chain.tip
    package = world.complete() if kind == "complete" else world.absent()
    world.log.add(CASE, "document", {"title": "lost", "occurred_at": None})
    promise = world.log.receipt(
        CASE,
        6,
        received_at=format_block_time(tip.timestamp - 3600),
        deadline=format_block_time(tip.timestamp + deadline_s),
    )
    policy = world.policy()
    policy["required"]["complete"].append("receipts")
    inputs = world.inputs() | {"receipts": ["receipt.json"]}
    return case(package, world, policy=policy, inputs=inputs, receipts={"receipt.json": promise})


@attack(receipts="12.4 FAIL RECEIPT_CONTRADICTED")
def record_missing_after_its_deadline() -> Case:
    """A promised record isn't there a second after its deadline: the service failed, provably."""
    return later_record(-1)


@attack()
def record_pending_before_its_deadline() -> Case:
    """A promised record isn't there yet, and its deadline is the as-of moment."""
    return later_record(0)


@attack(receipts="12.4 FAIL RECEIPT_CONTRADICTED")
def record_of_a_number_that_is_shown_absent() -> Case:
    """The service gave a receipt under a number and shows later that it has nothing there."""
    world = World.told()
    package = world.absent()
    world.log.add(NOBODY, "document", {"title": "lost", "occurred_at": None})
    early = format_block_time(world.chain.genesis_time)
    promise = world.log.receipt(NOBODY, 0, received_at=early, deadline=early)
    policy = world.policy()
    policy["required"]["absent"].append("receipts")
    inputs = world.inputs(NOBODY) | {"receipts": ["receipt.json"]}
    return case(package, world, policy=policy, inputs=inputs, receipts={"receipt.json": promise})


def long_promise(
    *, more_s: int = 1, full_history: bool = False, received_s: int = 0, limits: Any = None
) -> Case:
    """A receipt of record 3 whose deadline is so much later than the headers allow.

    It was received so many seconds after the genesis block; `limits` differ by batch.
    """
    headers = {batch: {"max_deadline_s": limit} for batch, limit in (limits or {}).items()}
    world = World.told(headers=headers)
    received = world.chain.genesis_time + received_s
    given = world.log.receipt(
        CASE,
        3,
        received_at=format_block_time(received),
        deadline=format_block_time(received + MAX_DEADLINE_S + more_s),
    )
    policy = world.policy()
    policy["required"]["complete"].append("receipts")
    inputs = world.inputs() | {"receipts": ["receipt.json"]}
    package = world.complete(full_history=full_history)
    return case(package, world, policy=policy, inputs=inputs, receipts={"receipt.json": given})


@attack(receipts="12.5 FAIL RECEIPT_DEADLINE_LONG")
def promise_beyond_what_the_next_header_allows() -> Case:
    """The service promises a second later than its own next header, which is shown, allows."""
    return long_promise(full_history=True)


@attack(receipts="12.5 FAIL RECEIPT_DEADLINE_LONG")
def promise_of_ten_years() -> Case:
    """A promise that is never due binds nobody."""
    return long_promise(full_history=True, more_s=10 * 365 * 24 * HOUR)


@attack()
def promise_of_what_the_next_header_allows() -> Case:
    """The deadline is exactly what the header allows."""
    return long_promise(full_history=True, more_s=0)


@attack(receipts="12.5 NOT CHECKED RECEIPT_DEADLINE_LONG")
def promise_beyond_what_a_later_header_allows() -> Case:
    """The next header isn't shown; it may have allowed more than the one that is."""
    return long_promise()


@attack()
def promise_under_a_limit_that_was_lowered_later() -> Case:
    """Headers after the next one allow less; they were not in force."""
    return long_promise(
        more_s=0, full_history=True, received_s=90 * 60, limits=dict.fromkeys((2, 3, 4, 5), HOUR)
    )


@attack(receipts="12.5 FAIL RECEIPT_DEADLINE_LONG")
def promise_under_a_limit_that_was_raised_later() -> Case:
    """Headers after the next one allow more; they were not in force either."""
    return long_promise(
        full_history=True,
        received_s=90 * 60,
        limits=dict.fromkeys((2, 3, 4, 5), 10 * MAX_DEADLINE_S),
    )


@attack(receipts="12.5 NOT CHECKED RECEIPT_DEADLINE_LONG")
def long_promise_of_a_record_that_is_still_pending() -> Case:
    """The record comes after the last header; the next one doesn't exist yet."""
    world = World.told()
    package = world.complete()
    world.log.add(CASE, "document", {"title": "pending", "occurred_at": None})
    tip = world.chain.tip.timestamp
    given = world.log.receipt(
        CASE,
        6,
        received_at=format_block_time(tip),
        deadline=format_block_time(tip + MAX_DEADLINE_S + 1),
    )
    policy = world.policy()
    policy["required"]["complete"].append("receipts")
    inputs = world.inputs() | {"receipts": ["receipt.json"]}
    return case(package, world, policy=policy, inputs=inputs, receipts={"receipt.json": given})

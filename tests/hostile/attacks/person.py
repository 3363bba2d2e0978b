"""Attacks on what the person knows and asks: steps 1.1, 1.2 and 8.1 to 8.9, and the truth table.

Here belong mistakes in her own files, too: they must end as ERROR, never as a verdict.
"""

from __future__ import annotations

from typing import Any

import rlp

from tests.hostile.attacks.chain import evm_changed
from tests.hostile.case import Case, attack, case, damaged, honest
from tests.hostile.export import leg
from tests.hostile.log import Key
from tests.hostile.package import (
    CONSISTENCY,
    EVM,
    header_path,
    map_path,
    proof_path,
)
from tests.hostile.persons import Toml, toml
from tests.hostile.world import CASE, NOBODY, World
from verifier.format import numbers
from verifier.format.digests import b64_encode
from verifier.format.times import format_block_time


def with_policy(**members: Any) -> Case:
    """The honest package under a policy with other top-level members."""
    return case(honest().complete(), policy=honest().policy() | members)


def with_log(**members: Any) -> Case:
    policy = honest().policy()
    policy["log"][0] |= members
    return case(honest().complete(), policy=policy)


def with_inputs(**members: Any) -> Case:
    return case(honest().complete(), inputs=honest().inputs() | members)


def limits(**members: Any) -> Toml:
    policy = honest().policy()
    policy["limits"] |= members
    return policy


# ---------------------------------------------------------------------- 1.1 the policy


@attack(error="1.1 POLICY_SYNTAX")
def policy_that_is_no_toml() -> Case:
    """The policy isn't TOML."""
    return Case(honest().complete(), b"format = notary-policy/1\n", honest().inputs())


@attack(error="1.1 POLICY_SYNTAX")
def policy_with_a_member_twice() -> Case:
    """A member of the policy stands twice."""
    text = toml(honest().policy())
    return Case(
        honest().complete(), ('format = "notary-policy/1"\n' + text).encode(), honest().inputs()
    )


@attack(error="1.1 POLICY_SIZE")
def policy_above_1_mib() -> Case:
    """The policy has more than 1 MiB."""
    text = toml(honest().policy()) + "#" * 2**20
    return Case(honest().complete(), text.encode(), honest().inputs())


@attack(error="1.1 POLICY_VALUE")
def policy_of_another_format() -> Case:
    """The policy is of a later format, whose members may mean other things."""
    return with_policy(format="notary-policy/2")


@attack(error="1.1 POLICY_MEMBER_UNKNOWN")
def policy_with_unknown_member() -> Case:
    """The policy has a member that this verifier doesn't know, perhaps a restriction."""
    return with_policy(minimum_level=2)


@attack(error="1.1 POLICY_MEMBER_UNKNOWN")
def policy_with_unknown_limit() -> Case:
    """A limit is misspelled."""
    return case(honest().complete(), policy=limits(max_silence=1))


@attack(error="1.1 POLICY_MEMBER_UNKNOWN")
def policy_with_unknown_kind() -> Case:
    """The policy has a list for a kind that doesn't exist."""
    return with_policy(required=honest().policy()["required"] | {"partial": []})


@attack(error="1.1 POLICY_VALUE")
def policy_with_unknown_row() -> Case:
    """The policy requires a row that doesn't exist, so it would never fail."""
    return with_policy(required={"complete": ["completness"]})


@attack(error="1.1 POLICY_KIND")
def kind_that_the_policy_does_not_list() -> Case:
    """The policy has no list for complete packages: they aren't accepted."""
    return with_policy(required={"extract": ["order"], "absent": []})


@attack(error="1.1 POLICY_MEMBER_MISSING")
def policy_without_limits() -> Case:
    """The policy has no limits."""
    policy = honest().policy()
    del policy["limits"]
    return case(honest().complete(), policy=policy)


@attack(error="1.1 POLICY_TYPE")
def policy_with_a_boolean_limit() -> Case:
    """`max_silence_s` is true, which some readers take for 1."""
    return case(honest().complete(), policy=limits(max_silence_s=True))


@attack(error="1.1 POLICY_VALUE")
def policy_with_another_history() -> Case:
    """The policy asks for a history that doesn't exist."""
    return case(honest().complete(), policy=limits(history="none"))


@attack(error="1.1 POLICY_TWICE")
def policy_with_one_chain_twice() -> Case:
    """One chain is listed as test and as public."""
    chain = honest().policy()["chain"][0]
    return with_policy(chain=[chain, chain | {"class": "public"}])


@attack(error="1.1 POLICY_VALUE")
def policy_with_another_chain_class() -> Case:
    """A chain's class is none of three."""
    return with_policy(chain=[honest().policy()["chain"][0] | {"class": "mainnet"}])


@attack(error="1.1 POLICY_CHAIN")
def policy_with_a_log_on_an_unlisted_chain() -> Case:
    """A log's chain isn't listed."""
    return with_log(chain_id=1)


@attack(error="1.1 POLICY_TWICE")
def policy_with_one_log_twice() -> Case:
    """One log is pinned twice, with different keys."""
    pin = honest().pin()
    return with_policy(log=[pin, pin | {"vkeys": [honest().log.next_key.vkey]}])


@attack(error="1.1 POLICY_VALUE")
def policy_without_vkeys() -> Case:
    """A pin has no checkpoint key."""
    return with_log(vkeys=[])


@attack(error="1.1 POLICY_KEY")
def policy_with_a_key_of_a_wrong_id() -> Case:
    """A pinned vkey's id isn't the key's."""
    name, _, key = honest().log.checkpoint_keys[0].vkey.split("+", 2)
    return with_log(vkeys=[f"{name}+00000000+{key}"])


@attack(error="1.1 POLICY_KEY")
def policy_with_a_key_of_another_log() -> Case:
    """A pinned vkey bears another log's name."""
    return with_log(vkeys=[Key("notary.example/lag", b"\x01" * 32).vkey])


@attack(error="1.1 POLICY_KEY")
def policy_with_a_key_of_small_order() -> Case:
    """A pinned key is a point of small order, which would sign everything."""
    raw = bytes([1]) + bytes([1]) + bytes(31)
    return with_log(vkeys=[f"notary.example/log+00000000+{b64_encode(raw)}"])


@attack(error="1.1 POLICY_VALUE")
def policy_with_an_empty_interval() -> Case:
    """A pin ends when it begins."""
    return with_log(until="2026-01-01T00:00:00.000Z")


@attack(error="1.1 POLICY_VALUE")
def policy_with_a_local_time() -> Case:
    """A pin begins at a time without zone."""
    return with_log(**{"from": "2026-01-01T00:00:00"})


@attack(error="1.1 POLICY_VALUE")
def policy_with_an_upper_case_address() -> Case:
    """A contract's address is in mixed case."""
    return with_log(contract="0xC6602Ba3cB6a503A42A280860Da6b332b6B6548C")


# ---------------------------------------------------------------------- 1.2 the inputs


@attack(error="1.2 INPUTS_SYNTAX")
def inputs_that_are_no_toml() -> Case:
    """The inputs aren't TOML."""
    return Case(honest().complete(), honest().policy(), b"[[block]\n")


@attack(error="1.2 INPUTS_SIZE")
def inputs_above_1_mib() -> Case:
    """The inputs have more than 1 MiB."""
    text = toml(honest().inputs()) + "#" * 2**20
    return Case(honest().complete(), honest().policy(), text.encode())


@attack(error="1.2 INPUTS_MEMBER_UNKNOWN")
def inputs_with_unknown_member() -> Case:
    """The inputs have a member that this verifier doesn't know."""
    return with_inputs(level=1)


@attack(error="1.2 INPUTS_MATTER")
def inputs_with_a_mistyped_number() -> Case:
    """One character of the matter number is wrong."""
    number = honest().log.number(CASE).text
    wrong = "q" if number[10] != "q" else "p"
    return with_inputs(matter=number[:10] + wrong + number[11:])


@attack(error="1.2 INPUTS_VALUE")
def inputs_with_a_date_for_a_time() -> Case:
    """The earliest as-of time is a date."""
    return with_inputs(earliest_as_of="2026-10-01")


@attack(error="1.2 INPUTS_BLOCK_CONFLICT")
def inputs_with_two_hashes_for_one_block() -> Case:
    """Two sources of the person disagree about a block; she has to settle that."""
    inputs = honest().inputs()
    inputs["block"].append(inputs["block"][-1] | {"hash": "0x" + "ab" * 32})
    return case(honest().complete(), inputs=inputs)


@attack()
def inputs_with_one_block_twice() -> Case:
    """Two sources of the person agree about a block."""
    inputs = honest().inputs()
    inputs["block"].append(inputs["block"][-1] | {"origin": "a second source"})
    return case(honest().complete(), inputs=inputs)


@attack(error="1.2 INPUTS_RECEIPT_UNREADABLE")
def inputs_with_a_receipt_that_is_not_there() -> Case:
    """A receipt that the inputs name can't be read: silence about it could hide a contradiction."""
    return with_inputs(receipts=["receipt-1.json"])


@attack(error="1.2 INPUTS_VALUE")
def inputs_with_a_short_hash() -> Case:
    """A block's hash lacks a byte."""
    inputs = honest().inputs()
    inputs["block"][0]["hash"] = inputs["block"][0]["hash"][:-2]
    return case(honest().complete(), inputs=inputs)


# ---------------------------------------------------------------------- 2.1 nothing to judge


@attack(error="2.1 PACKAGE_UNREADABLE")
def package_that_is_not_there() -> Case:
    """The path leads to nothing."""
    return case(lambda folder: folder / "missing.zip")


# ---------------------------------------------------------------------- 8 completeness


@attack(completeness="8.1 NOT CHECKED MATTER_NOT_CONFIRMED")
def matter_not_given() -> Case:
    """The person doesn't say which matter she asks about; the package's word doesn't count."""
    inputs = honest().inputs()
    del inputs["matter"]
    return case(honest().complete(), inputs=inputs)


@attack(completeness="8.2 FAIL MATTER_DIFFERS")
def other_matter() -> Case:
    """The package is a complete one of another matter of the log."""
    return case(honest().complete("other"))


@attack(completeness="8.2 FAIL MATTER_DIFFERS")
def absence_of_another_number() -> Case:
    """The package shows that some other number isn't there."""
    return case(honest().absent("some other number"), matter=NOBODY)


@attack(inclusion="8.2 FAIL MATTER_DIFFERS")
def extract_of_another_matter() -> Case:
    """An extract has no row for completeness, but its matter must be the one asked for."""
    return case(honest().extract((0,), "other"))


@attack(completeness="8.3 FAIL MATTER_OF_OTHER_LOG")
def number_of_another_log() -> Case:
    """The service took records under a number whose tag is another log's."""
    return foreign_number("complete")


@attack(inclusion="8.3 FAIL MATTER_OF_OTHER_LOG")
def extract_under_a_number_of_another_log() -> Case:
    """The same in an extract."""
    return foreign_number("extract")


@attack(completeness="8.3 FAIL MATTER_OF_OTHER_LOG")
def absence_of_a_number_of_another_log() -> Case:
    """The service shows that a number isn't there which could never be: it is another log's."""
    world = World.told()
    world.log.numbered_by = World(seed="second log").log
    return case(world.absent(), world)


def foreign_number(kind: str) -> Case:
    world = World()
    other = World(seed="second log")
    world.log.numbered_by = other.log
    world.tell()
    return case(getattr(world, kind)(), world)


@attack(completeness="8.4 FAIL ASOF_HEADER_OLD", blocked="2.5 4.2 5.1 6.1 7.3 11.1")
def newest_batch_not_shown() -> Case:
    """The exporter shows everything up to the last but one batch, beside all links."""
    package = honest().complete()
    hidden = package.drop(header_path(5), proof_path(5), map_path(5))
    document = package.json(CONSISTENCY)
    document["proofs"].pop()
    world = honest()
    last_shown = leg(world.log, world.log.anchors[-2], 2)

    def change(evm: dict[str, Any]) -> None:
        evm["not_before"].pop()
        evm["legs"][1] = last_shown

    hidden = evm_changed(hidden, change)
    # No statement follows without the newest batch, so the old one stays.
    return case(hidden.put_json(CONSISTENCY, document).sealed())


@attack(
    container="2.5 FAIL FILE_UNKNOWN",
    anchor="4.9 FAIL CHECKPOINT_NOT_ANCHORED",
    completeness="8.4 FAIL ASOF_HEADER_OLD",
    time="10.2 FAIL NOT_BEFORE_MISMATCH",
)
def batch_after_the_last_anchor() -> Case:
    """The exporter shows a batch that no anchor covers as of the block."""
    later = honest().complete()
    package = honest().complete(as_of=honest().log.anchors[-2].block)
    for path in (header_path(5), map_path(5), proof_path(5), CONSISTENCY):
        package = package.put(path, later[path])
    return case(package.sealed())


@attack(completeness="8.4 FAIL ASOF_HEADER_OLD", blocked="2.6 4.2 5.1 6.1")
def newest_batch_not_shown_for_an_absence() -> Case:
    """The exporter shows the last but one batch, in which the number wasn't there yet."""
    world = World.told()
    older = world.absent(as_of=world.log.anchors[-2].block)
    newest = world.absent().json(EVM)
    evm = older.json(EVM)
    before = newest["fold"]["links"]
    evm["fold"]["links"] += before
    evm["as_of"] = newest["as_of"]
    return case(older.put_json(EVM, evm).sealed(), world)


@attack(
    container="2.5 FAIL FILE_MISSING",
    completeness="8.4 FAIL ASOF_HEADER_OLD",
    blocked="4.2 5.1 6.1 7.2",
)
def no_batch_shown_for_an_absence() -> Case:
    """The exporter shows no batch at all: that there is nothing is his word alone."""
    package = honest().absent()
    shown = [path for path in package.files if path.startswith(("data/map/", "data/batches/"))]
    keys = [path for path in package.files if path.startswith("data/keys/")]
    return case(package.drop(*shown, *keys).sealed())


@attack(
    completeness="8.5 FAIL RECORDS_MISSING", inclusion="6.5 NOT CHECKED BLOCKED", blocked="7.3 11.1"
)
def last_leaf_missing() -> Case:
    """The exporter leaves the last record out."""
    return leaf_missing(5)


@attack(
    completeness="8.5 FAIL RECORDS_MISSING", inclusion="6.5 NOT CHECKED BLOCKED", blocked="7.3 11.1"
)
def middle_leaf_missing() -> Case:
    """The exporter leaves a record out between others."""
    return leaf_missing(4)


def leaf_missing(position: int) -> Case:
    world = honest()
    claims = world.log.matters[CASE].records[2].disclosures
    kept = {(0, "text"): "privilege"} | {(2, claim): "personal_data" for claim in claims}
    package = world.complete(withheld=kept, erased={})
    return case(package.drop_leaf(position).restated())


@attack(
    completeness="8.5 FAIL RECORDS_MISSING", inclusion="6.5 NOT CHECKED BLOCKED", blocked="7.3 11.1"
)
def head_of_more_records_than_anybody_can_count() -> Case:
    """The log signed a head of the largest size; who counts up to it never ends."""

    def grown(text: str, **where: Any) -> str:
        return text.replace("\n6\n", f"\n{2**53 - 1}\n") if where["batch"] == 5 else text

    world = World.told(damage={"head": grown})
    return case(world.complete(), world)


@attack(
    completeness="8.5 FAIL RECORDS_MISSING", inclusion="6.5 NOT CHECKED BLOCKED", blocked="7.3 11.1"
)
def leaf_beyond_the_head() -> Case:
    """The exporter adds a record that the as-of head doesn't have yet."""
    world = World.told()
    as_of = world.chain.tip
    world.log.add(CASE, "document", {"title": "too late", "occurred_at": None})
    [late] = world.log.matters[CASE].records[6:]
    package = world.complete(as_of=as_of)
    return case(package.add_leaf(late.leaf, late.opened).restated(), world)


@attack(
    completeness="8.5 FAIL RECORDS_MISSING",
    inclusion="6.5 NOT CHECKED BLOCKED",
    withheld="13.3 NOT CHECKED BLOCKED",
    blocked="7.3 11.1",
)
def erasure_beyond_the_head() -> Case:
    """The record that is too early to be dated is an erasure, and the person has a dispute."""
    world = World.told()
    as_of = world.chain.tip
    world.log.add(CASE, "erasure", {"reason": "asked for", "occurred_at": None})
    [late] = world.log.matters[CASE].records[6:]
    package = world.complete(as_of=as_of)
    policy = world.policy()
    policy["limits"]["dispute_since"] = format_block_time(as_of.timestamp)
    return case(package.add_leaf(late.leaf, late.opened).restated(), world, policy=policy)


@attack(
    completeness="8.5 FAIL RECORDS_MISSING", inclusion="6.5 NOT CHECKED BLOCKED", blocked="7.3 11.1"
)
def leaf_beyond_the_head_in_the_place_of_another() -> Case:
    """The exporter leaves a record out and adds a later one, so that the number is right."""
    world = World.told()
    as_of = world.chain.tip
    world.log.add(CASE, "document", {"title": "too late", "occurred_at": None})
    [late] = world.log.matters[CASE].records[6:]
    package = world.complete(as_of=as_of).drop_leaf(1)
    return case(package.add_leaf(late.leaf, late.opened).restated(), world)


@attack(inclusion="6.3 FAIL MAP_PROOF", completeness="8.5 NOT CHECKED BLOCKED")
def absence_of_a_matter_that_is_there() -> Case:
    """The exporter shows another leaf of the map for a key that the map has."""
    return _absent_though_present("other")


def _absent_though_present(neighbour: str) -> Case:
    world = honest()
    package = world.absent(CASE)
    proof = package.json(map_path(5))
    other = world.log.matters[neighbour].key
    leaf = {"key": other.hex(), "value": world.log.batches[5].values[other].hex()}
    changed = {k: v for k, v in proof.items() if k not in ("head", "blind")}
    changed |= {"kind": "absent-leaf", "leaf": leaf}
    return case(package.put_json(map_path(5), changed).restated(), matter=CASE)


@attack(completeness="8.5 FAIL MATTER_PRESENT")
def absent_package_with_an_inclusion_proof() -> Case:
    """The package says absent, its map proof says present."""
    return case(honest().absent(CASE), matter=CASE)


@attack(completeness="8.6 NOT CHECKED ASOF_NOT_ASKED")
def as_of_not_asked() -> Case:
    """The person doesn't say how recent the answer must be."""
    inputs = honest().inputs()
    del inputs["earliest_as_of"]
    return case(honest().complete(), inputs=inputs)


@attack(completeness="8.6 NOT CHECKED ASOF_TOO_OLD")
def stale_as_of() -> Case:
    """The package answers as of a moment before the one that the person asks about."""
    return with_inputs(earliest_as_of="2026-11-01T00:00:00.000Z")


@attack(completeness="8.6 NOT CHECKED ASOF_TOO_OLD")
def stale_as_of_by_a_millisecond() -> Case:
    """The as-of block is a millisecond too old."""
    moment = format_block_time(honest().chain.tip.timestamp).replace(".000Z", ".001Z")
    return with_inputs(earliest_as_of=moment)


@attack()
def as_of_at_the_very_moment() -> Case:
    """The as-of block is of the moment that the person names."""
    return with_inputs(earliest_as_of=format_block_time(honest().chain.tip.timestamp))


@attack()
def as_of_the_block_of_the_last_anchor() -> Case:
    """The as-of block is the very block of the last anchor."""
    return case(honest().complete(as_of=honest().log.anchors[-1].block))


@attack(completeness="8.7 NOT CHECKED LOG_SILENT")
def silent_log() -> Case:
    """The log was silent for longer than the person allows: records may wait unanchored."""
    return damaged(last_wait_s=90_001)


@attack()
def log_silent_for_as_long_as_allowed() -> Case:
    """The log was silent for just as long as the person allows."""
    return damaged(last_wait_s=90_000)


@attack(completeness="8.8 NOT CHECKED LOG_RETIRED")
def retired_log() -> Case:
    """The newest header names a successor: what came later stands there."""
    return damaged(headers={5: {"successor": "notary.example/next"}})


@attack(inclusion="6.1 FAIL LOG_ENDED_BEFORE")
def log_that_went_on_after_a_shown_batch_that_ends_it() -> Case:
    """Batch 2 names a successor; the newest header has forgotten it, and all looks complete."""
    return damaged(headers={2: {"successor": "notary.example/next"}})


@attack(inclusion="6.1 FAIL LOG_ENDED_BEFORE")
def extract_of_a_log_that_went_on_after_its_end() -> Case:
    """An extract says nothing of completeness; the log contradicts itself all the same."""
    return damaged("extract", headers={2: {"successor": "notary.example/next"}})


@attack(
    anchor="4.12 NOT CHECKED LOG_COMPROMISED",
    completeness="8.9 NOT CHECKED LOG_COMPROMISED",
)
def log_compromised_later() -> Case:
    """The log's key was lost after the anchor before the last one."""
    return with_log(last_good_head=head_after(-2))


@attack(anchor="4.12 NOT CHECKED LOG_COMPROMISED")
def extract_of_a_log_compromised_later() -> Case:
    """An extract has no row for completeness, but its head is not trusted any more either."""
    policy = honest().policy()
    policy["log"][0]["last_good_head"] = head_after(-2)
    return case(honest().extract(), policy=policy)


@attack()
def log_good_to_the_last_anchor() -> Case:
    """The last head that the person trusts is that of the last anchor."""
    return with_log(last_good_head=head_after(-1))


@attack(
    anchor="4.12 NOT CHECKED LOG_COMPROMISED",
    completeness="8.9 NOT CHECKED LOG_COMPROMISED",
)
def log_compromised_before_the_first_link() -> Case:
    """The last good head is before every link of the package, so that none of them is good."""
    return with_log(last_good_head=head_after(0))


@attack(
    anchor="4.12 NOT CHECKED LOG_COMPROMISED",
    completeness="8.9 NOT CHECKED LOG_COMPROMISED",
)
def last_good_head_that_the_log_never_had() -> Case:
    """The last good head is no head of these links; nobody knows on which side they are."""
    return with_log(last_good_head="77" * 32)


def head_after(index: int) -> str:
    """The contract's head after an anchor of the honest log, from its event's second topic."""
    anchor = honest().log.anchors[index]
    entries = rlp.decode(anchor.block.receipts[anchor.tx_index][1:])[3]
    head: bytes = entries[0][1][2]
    return head.hex()


@attack()
def number_typed_by_hand() -> Case:
    """The person types the number in groups and in upper case."""
    number = honest().log.number(CASE)
    return with_inputs(matter=numbers.display(number).upper().replace("-", " "))


# ---------------------------------------------------------------------- 14 the truth table


@attack(timestamp=" NOT APPLICABLE NO_TOKEN")
def required_row_that_does_not_apply() -> Case:
    """The person requires a timestamp token, which no package of this version carries."""
    policy = honest().policy()
    policy["required"]["complete"].append("timestamp")
    return case(honest().complete(), policy=policy)


@attack(time="10.3 NOT CHECKED NOT_BEFORE_UNCONFIRMED", verdict="VALID")
def row_not_checked_that_nobody_requires() -> Case:
    """The person doesn't require the row `time`, so a missing hash there decides nothing."""
    policy = honest().policy()
    policy["required"]["complete"].remove("time")
    inputs = honest().inputs()
    inputs["block"] = inputs["block"][-1:]
    return case(honest().complete(), policy=policy, inputs=inputs)


@attack(withheld="13.1 FAIL WITHHELD_MISMATCH")
def failing_row_that_nobody_requires() -> Case:
    """The person doesn't require the row `withheld`; its failure is INVALID all the same."""
    policy = honest().policy()
    policy["required"]["complete"].remove("withheld")
    return case(honest().complete().chosen(withheld=[]).restated(), policy=policy)


@attack(completeness="8.1 NOT CHECKED MATTER_NOT_CONFIRMED")
def floor_of_an_absent_package() -> Case:
    """The policy requires nothing of an absent package; completeness is its floor."""
    policy = honest().policy()
    policy["required"]["absent"] = []
    inputs = honest().inputs(NOBODY)
    del inputs["matter"]
    return case(honest().absent(), policy=policy, inputs=inputs)

"""Attacks on the full history: steps 7.4 to 7.9, and 2.5 where its files are concerned.

The person's policy asks for the full history, except where a sentence says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.hostile.attacks.log import at
from tests.hostile.attacks.others import signed
from tests.hostile.case import Case, attack, case, honest
from tests.hostile.damage import Change
from tests.hostile.log import map_proof
from tests.hostile.package import HISTORY_HEADERS, HISTORY_MAP, PATHS, Package
from tests.hostile.world import ANCHORED, CASE, World
from verifier.format import jsonc

QUIET = 3  # a batch that adds nothing to the case
UNSEEN = 1  # a batch with new records of the case and without an anchor of its own


def asked(package: Package, world: World | None = None, **rest: Any) -> Case:
    """The package before a person whose policy asks for the full history."""
    told = world or honest()
    policy = told.policy()
    policy["limits"]["history"] = "full"
    return case(package, told, policy=policy, **rest)


def full(kind: str = "complete", world: World | None = None) -> Package:
    """A package with the full history."""
    made: Package = getattr(world or honest(), kind)(full_history=True)
    return made


def with_lines(path: str, change: Callable[[list[bytes]], list[bytes]]) -> Case:
    """The honest full history with other lines in one of its files."""
    package = full()
    changed = package.change_lines(path, change)
    if changed[path] == package[path]:
        raise AssertionError("the change changed nothing")
    return asked(changed.sealed())


def replaced(path: str, batch: int, line: bytes) -> Case:
    """The honest full history with another line for one batch."""
    return with_lines(path, lambda lines: [*lines[:batch], line, *lines[batch + 1 :]])


def rewritten(batch: int, change: Callable[[dict[str, Any]], object], path: str) -> Case:
    """The honest full history with one document changed in place."""
    document = json.loads(full()[path].split(b"\n")[batch])
    change(document)
    return replaced(path, batch, jsonc.encode(document))


def service_did(kind: str = "complete", **damage: Change) -> Case:
    """The full history of a world in which the service sealed something else."""
    world = told(damage)
    return asked(full(kind, world), world)


def told(damage: Mapping[str, Change]) -> World:
    """A damaged world in which no anchor ends with the quiet batch, so that no package shows it."""
    anchored = {batch: sizes for batch, sizes in ANCHORED.items() if batch != QUIET}
    return World.told(anchored=anchored, damage=damage)


# ---------------------------------------------------------------------- honest ones


@attack()
def full_history_of_a_complete_matter() -> Case:
    """Every batch is there."""
    return asked(full())


@attack()
def full_history_of_an_extract() -> Case:
    """Every batch is there, with proofs from each head to the next."""
    return asked(full("extract"))


@attack()
def full_history_of_a_number_that_is_not_there() -> Case:
    """Every batch is there, and none has the number."""
    return asked(full("absent"))


@attack()
def full_history_for_a_person_who_does_not_ask_for_it() -> Case:
    """More than asked for is no fault."""
    return case(full())


@attack(history="7.8 NOT CHECKED HISTORY_SHOWN_ONLY")
def full_history_asked_for() -> Case:
    """The person asks for the full history, and the package shows some batches."""
    return asked(honest().complete())


@attack(history="7.8 NOT CHECKED HISTORY_SHOWN_ONLY")
def full_history_asked_for_of_an_absence() -> Case:
    """The person asks for the full history of a number, and the package shows one batch."""
    return asked(honest().absent())


# ---------------------------------------------------------------------- 2.5 the files


@attack(container="2.5 FAIL FILE_MISSING", blocked="7.5 11.1")
def full_history_stated_without_its_files() -> Case:
    """The statement says full, and the files are not there."""
    return asked(honest().complete().chosen(history="full").restated())


@attack(container="2.5 FAIL FILE_MISSING", blocked="7.6 11.1")
def full_history_without_map_proofs() -> Case:
    """The headers are there, the map proofs are not."""
    return asked(full().drop(HISTORY_MAP).sealed())


@attack(container="2.5 FAIL FILE_MISSING", blocked="7.5")
def full_history_without_headers() -> Case:
    """The map proofs are there, the headers are not."""
    return asked(full().drop(HISTORY_HEADERS).sealed())


@attack(container="2.5 FAIL FILE_UNKNOWN", history="7.8 NOT CHECKED HISTORY_SHOWN_ONLY")
def history_files_in_a_package_that_states_none() -> Case:
    """The statement says shown, so that nobody looks, and the files are there."""
    return asked(full().chosen(history="shown").restated())


@attack(
    container="2.5 FAIL STATEMENT_FORM:STATEMENT_HISTORY",
    verdict="INVALID",
    blocked="3.2 6.3 7.3 8.2 11.1 13.1",
)
def history_of_an_unknown_word() -> Case:
    """The statement says that the history is complete, a word that it does not have."""
    return asked(full().chosen(history="complete").restated())


# ---------------------------------------------------------------------- 7.4 against others' checkpoints


@attack(history="7.4 FAIL LOG_FORKED")
def checkpoint_of_another_tree_at_a_size_that_was_never_anchored() -> Case:
    """The log signed another root for a size that only the full history knows."""
    files = {"theirs.txt": signed(UNSEEN + 1).encode()}
    inputs = honest().inputs() | {"checkpoints": list(files)}
    return asked(full(), inputs=inputs, receipts=files)


# ---------------------------------------------------------------------- 7.5 headers


@attack(history="7.5 FAIL HISTORY_HEADERS:LINES_EMPTY")
def history_without_a_header() -> Case:
    """The file of headers is empty."""
    return with_lines(HISTORY_HEADERS, lambda _: [])


@attack(history="7.5 FAIL HISTORY_HEADERS:LINES_END")
def history_headers_without_last_line_feed() -> Case:
    """The last header is not ended."""
    package = full()
    return asked(package.put(HISTORY_HEADERS, package[HISTORY_HEADERS][:-1]).sealed())


@attack(history="7.5 FAIL HISTORY_HEADERS:JSON_NOT_CANONICAL")
def history_headers_with_carriage_returns() -> Case:
    """The headers end with CR LF."""
    return with_lines(HISTORY_HEADERS, lambda lines: [line + b"\r" for line in lines])


@attack(history="7.5 FAIL HISTORY_HEADERS")
def history_without_its_first_batch() -> Case:
    """The first header and its proof are left out: the story begins later."""
    package = full().change_lines(HISTORY_HEADERS, lambda lines: lines[1:])
    return asked(package.change_lines(HISTORY_MAP, lambda lines: lines[1:]).sealed())


@attack(history="7.5 FAIL HISTORY_HEADERS")
def history_without_one_batch() -> Case:
    """A header between others and its proof are left out."""
    package = full()
    for path in (HISTORY_HEADERS, HISTORY_MAP):
        package = package.change_lines(path, lambda lines: [*lines[:QUIET], *lines[QUIET + 1 :]])
    return asked(package.sealed())


@attack(history="7.5 FAIL HISTORY_HEADERS")
def history_without_its_last_batch() -> Case:
    """The as-of batch's header and proof are left out."""
    package = full()
    for path in (HISTORY_HEADERS, HISTORY_MAP):
        package = package.change_lines(path, lambda lines: lines[:-1])
    return asked(package.sealed())


@attack(history="7.5 FAIL HISTORY_HEADERS")
def history_header_doubled() -> Case:
    """One header and its proof stand twice."""
    package = full()
    for path in (HISTORY_HEADERS, HISTORY_MAP):
        package = package.change_lines(path, lambda lines: [*lines[:2], *lines[1:]])
    return asked(package.sealed())


@attack(history="7.5 FAIL HISTORY_HEADERS")
def history_headers_swapped() -> Case:
    """Two headers change places."""
    return with_lines(HISTORY_HEADERS, lambda lines: [lines[1], lines[0], *lines[2:]])


@attack(history="7.5 FAIL HISTORY_HEADERS")
def history_header_of_another_log() -> Case:
    """A header is that of the same batch of another log."""
    other = World.told(log_name="other.example/log")
    return replaced(HISTORY_HEADERS, QUIET, other.log.batches[QUIET].header)


@attack(history="7.5 FAIL HISTORY_HEADERS")
def history_header_of_a_fork() -> Case:
    """A header says another sealing time; batch, log and map root are the true ones."""
    return rewritten(
        QUIET, lambda one: one.update(sealed_at="2026-10-01T00:00:00.000Z"), HISTORY_HEADERS
    )


@attack(history="7.5 FAIL HISTORY_HEADERS")
def history_header_that_names_another_batch() -> Case:
    """The log itself holds, at the place of one batch, a header that names another one."""
    return service_did(header=at(lambda header: header | {"batch": 7}, batch=QUIET))


@attack(history="7.5 FAIL HISTORY_HEADERS")
def history_header_that_names_another_log() -> Case:
    """The log itself holds, at the place of one batch, a header that names another log."""
    return service_did(
        header=at(lambda header: header | {"log": "notary.example/lag"}, batch=QUIET)
    )


@attack(history="7.5 FAIL HISTORY_HEADERS")
def history_header_beyond_the_as_of_batch() -> Case:
    """A header and a proof follow those of the as-of batch."""
    world = World.told()
    package = full(world=world)
    world.wait()
    late = world.log.seal()
    proof = jsonc.encode(map_proof(late, world.log.number(CASE).key, late.matters[CASE]))
    package = package.change_lines(HISTORY_HEADERS, lambda lines: [*lines, late.header])
    return asked(package.change_lines(HISTORY_MAP, lambda lines: [*lines, proof]).sealed(), world)


@attack(history="7.5 FAIL KEYS_NOT_COMMITTED")
def key_set_that_no_header_committed_to() -> Case:
    """The service seals one batch under a key set that the batch before did not name."""
    world = World.told(headers={QUIET: {"keys": "ab" * 32}})
    return asked(full(world=world), world)


@attack(history="7.5 FAIL KEYS_NOT_COMMITTED")
def key_set_that_no_header_committed_to_in_an_absent_package() -> Case:
    """The same where the package says that there is nothing under the number."""
    world = World.told(headers={QUIET: {"keys": "ab" * 32}})
    return asked(full("absent", world), world)


# ---------------------------------------------------------------------- 7.6 map proofs


@attack(history="7.6 FAIL HISTORY_MAP:LINES_EMPTY", blocked="11.1")
def history_without_a_map_proof() -> Case:
    """The file of map proofs is empty."""
    return with_lines(HISTORY_MAP, lambda _: [])


@attack(history="7.6 FAIL HISTORY_MAP:MEMBER_UNKNOWN", blocked="11.1")
def history_map_proof_with_an_unknown_member() -> Case:
    """A map proof has a member more."""
    return rewritten(QUIET, lambda proof: proof.update(remark="true"), HISTORY_MAP)


@attack(history="7.6 FAIL HISTORY_MAP")
def history_with_a_batch_without_map_proof() -> Case:
    """The last batch has a header and no map proof."""
    return with_lines(HISTORY_MAP, lambda lines: lines[:-1])


@attack(history="7.6 FAIL HISTORY_MAP")
def history_map_proof_left_out_between_others() -> Case:
    """A batch between others has no map proof."""
    return with_lines(HISTORY_MAP, lambda lines: [*lines[:QUIET], *lines[QUIET + 1 :]])


@attack(history="7.6 FAIL HISTORY_MAP")
def history_map_proof_doubled() -> Case:
    """The last map proof stands twice."""
    return with_lines(HISTORY_MAP, lambda lines: [*lines, lines[-1]])


@attack(history="7.6 FAIL HISTORY_MAP", blocked="11.1")
def history_map_proofs_swapped() -> Case:
    """Two map proofs change places."""
    return with_lines(HISTORY_MAP, lambda lines: [lines[1], lines[0], *lines[2:]])


@attack(history="7.6 FAIL HISTORY_MAP", blocked="11.1")
def history_map_proof_of_another_key() -> Case:
    """A map proof is true, of another matter."""
    world = honest()
    batch = world.log.batches[QUIET]
    proof = map_proof(batch, world.log.number("other").key, batch.matters["other"])
    return replaced(HISTORY_MAP, QUIET, jsonc.encode(proof))


@attack(history="7.6 FAIL HISTORY_MAP")
def older_head_grafted_under_a_later_batch() -> Case:
    """The exporter shows the proof of an earlier batch, with the later one's number."""
    earlier = json.loads(full()[HISTORY_MAP].split(b"\n")[2])
    return replaced(HISTORY_MAP, QUIET, jsonc.encode(earlier | {"batch": QUIET}))


@attack(history="7.6 FAIL HISTORY_MAP")
def history_map_proof_with_another_batch_s_number() -> Case:
    """A map proof is the true one, and names another batch."""
    return rewritten(QUIET, lambda proof: proof.update(batch=QUIET + 1), HISTORY_MAP)


@attack(history="7.6 FAIL HISTORY_MAP")
def history_map_proof_that_leads_elsewhere() -> Case:
    """A sibling on a path is another one; the head is the true one."""
    return rewritten(QUIET, lambda proof: proof["path"].__setitem__(0, "77" * 32), HISTORY_MAP)


@attack(history="7.6 FAIL HISTORY_MAP", blocked="11.1")
def presence_turned_into_absence() -> Case:
    """The exporter shows that the map has nothing where it has the matter."""

    def change(proof: dict[str, Any]) -> None:
        del proof["head"], proof["blind"]
        proof["kind"] = "absent-empty"

    return rewritten(QUIET, change, HISTORY_MAP)


@attack(history="7.6 FAIL HISTORY_MAP", blocked="11.1")
def history_head_of_another_log() -> Case:
    """In a batch that no package needs to show, the service seals a head of another origin."""
    change = at(lambda head: head.replace("notary.example", "rotary.example"), matter=CASE, batch=3)
    return service_did(head=change)


# ---------------------------------------------------------------------- 7.7 one after the other


@attack(history="7.7 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def matter_removed_between_two_batches() -> Case:
    """The service takes the matter out of one batch and puts it back into the next."""
    return service_did(matter_size=at(lambda _: 0, matter=CASE, batch=QUIET))


@attack()
def matter_removed_between_two_shown_batches() -> Case:
    """The same is not seen by a person who asks for the shown batches alone, and told so."""
    world = told({"matter_size": at(lambda _: 0, matter=CASE, batch=QUIET)})
    return case(world.complete(), world)


@attack(history="7.7 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def record_removed_between_two_batches() -> Case:
    """The service takes one record out of one batch: sizes 2, 3, 2, 6."""
    return service_did(matter_size=at(lambda _: 2, matter=CASE, batch=QUIET))


@attack(history="7.7 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def record_removed_between_two_batches_of_an_extract() -> Case:
    """The same in an extract."""
    return service_did("extract", matter_size=at(lambda _: 2, matter=CASE, batch=QUIET))


def other_leaf(leaves: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The same leaves but the first, which says another time."""
    return (leaves[0].replace(b"T02:", b"T01:"), *leaves[1:])


@attack(history="7.7 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def head_of_a_fork_in_one_batch() -> Case:
    """In one batch the service seals another record in the place of one, then the true one again."""
    return service_did(matter_leaves=at(other_leaf, matter=CASE, batch=QUIET))


@attack(history="7.7 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def head_of_a_fork_in_one_batch_of_an_extract() -> Case:
    """The same in an extract."""
    return service_did("extract", matter_leaves=at(other_leaf, matter=CASE, batch=QUIET))


@attack(history="7.7 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def first_head_of_a_fork() -> Case:
    """The first head of the matter, of a size that no later one has, is of another record."""
    return service_did(matter_leaves=at(other_leaf, matter=CASE, batch=UNSEEN))


@attack(history="7.7 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def first_head_of_a_fork_in_an_extract() -> Case:
    """The same in an extract, whose proofs join the heads."""
    return service_did("extract", matter_leaves=at(other_leaf, matter=CASE, batch=UNSEEN))


@attack(history="7.7 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def full_history_of_an_extract_without_all_proofs() -> Case:
    """An extract joins the heads of its shown batches alone."""
    shown = honest().extract()[PATHS]
    return asked(full("extract").put(PATHS, shown).sealed())


@attack(history="7.7 FAIL LOG_FORKED")
def matter_gone_for_good() -> Case:
    """The service drops the matter; the exporter says that there is nothing under the number."""
    world = matter_dropped()
    return asked(world.absent(CASE, full_history=True), world, matter=CASE)


@attack()
def matter_gone_for_good_where_one_batch_is_shown() -> Case:
    """The same passes where the person does not ask for the full history, and is told so."""
    world = matter_dropped()
    return case(world.absent(CASE), world, matter=CASE)


def matter_dropped() -> World:
    """A world whose last two batches have the matter no more."""

    def gone(size: int, **where: Any) -> int:
        return 0 if where["matter"] == CASE and where["batch"] > QUIET else size

    return World.told(damage={"matter_size": gone})


@attack(history="7.5 FAIL HISTORY_HEADERS")
def log_that_goes_on_after_its_last_batch() -> Case:
    """The log named a successor in batch 3, and went on as if nothing had been said."""
    world = World.told(headers={QUIET: {"successor": "notary.example/next"}})
    return asked(full(world=world), world)


# ---------------------------------------------------------------------- 7.9 anchors


@attack(history="7.9 FAIL LOG_FORKED")
def anchor_of_another_log_between_two_that_are_shown() -> Case:
    """The log anchored another root for batches 0 to 3, and went back; that anchor's batch isn't shown."""

    def other(headers: tuple[bytes, ...], size: int) -> tuple[bytes, ...]:
        return (*headers[:-1], headers[0]) if size == QUIET + 1 else headers

    world = World.told(damage={"batch_log": other})
    return asked(full(world=world), world)

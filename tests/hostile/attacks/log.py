"""Attacks on checkpoints, batches, maps and history: steps 5.1 to 7.8 and 10.1 to 10.4.

The service is the attacker: it signs, anchors and proves what it has damaged.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from tests.hostile.attacks.chain import evm_changed, with_evm
from tests.hostile.case import Case, attack, case, damaged, honest
from tests.hostile.chain import Block, Chain
from tests.hostile.damage import Change
from tests.hostile.export import consistency_proofs, leg, tlog_proof
from tests.hostile.log import Key, signed_note
from tests.hostile.log import map_path as path_in_map
from tests.hostile.package import (
    CONSISTENCY,
    EVM,
    PATHS,
    Package,
    header_path,
    map_path,
    proof_path,
)
from tests.hostile.world import CASE, GENESIS_TIME, NOBODY, World
from verifier.format import jsonc, matter_map, trees
from verifier.format.digests import ZERO, Digest, b64_encode

# RFC 8032 §5.1: the order of the group.
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

FIRST_SHOWN, LAST_SHOWN = 2, 5  # batches of the honest complete package: 2, 4 and 5
FIRST_ANCHOR = 1  # the anchor that shows the first of them; the one before is of batch 0


def at(change: Callable[[Any], Any], **here: Any) -> Change:
    """Damage one value: where every keyword agrees."""

    def damage(value: Any, **where: Any) -> Any:
        return change(value) if here.items() <= where.items() else value

    return damage


def file(path: str, change: Callable[[Any], object], kind: str = "complete") -> Case:
    """The honest package with another document, changed in place."""
    package: Package = getattr(honest(), kind)()
    document = package.json(path)
    change(document)
    return case(package.put_json(path, document).restated())


# ---------------------------------------------------------------------- 5.1 and 5.4 checkpoints


def text_at_3(change: Callable[[str], str]) -> Case:
    """The first shown checkpoint has another text, signed as it stands."""
    return damaged(damage={"checkpoint_text": at(change, size=3)})


def note_at_3(change: Callable[[str], str]) -> Case:
    """The first shown checkpoint is another note over the right text."""
    return damaged(damage={"note": at(change, size=3)})


@attack(checkpoint="5.1 FAIL CHECKPOINT_FORM:CHECKPOINT_LINES", blocked="2.6 4.2 6.2 7.2 10.4")
def checkpoint_with_an_extension_line() -> Case:
    """A fourth line follows the root: C2SP allows it, this format has none."""
    return text_at_3(lambda text: text + "extension\n")


@attack(checkpoint="5.1 FAIL CHECKPOINT_FORM:NOTE_SIGNATURES", blocked="2.6 4.2 6.2 7.2 10.4")
def checkpoint_without_signatures() -> Case:
    """The text is there, and nobody signed it."""
    return note_at_3(lambda note: note.split("\n\n")[0] + "\n\n")


@attack(checkpoint="5.1 FAIL CHECKPOINT_FORM:NOTE_KEY_TWICE", blocked="2.6 4.2 6.2 7.2 10.4")
def checkpoint_with_two_lines_of_one_key() -> Case:
    """The pinned key's line stands twice."""
    return note_at_3(lambda note: note + note.split("\n\n")[1])


@attack(checkpoint="5.1 FAIL CHECKPOINT_FORM:NOTE_SIGNATURES", blocked="2.6 4.2 6.2 7.2 10.4")
def checkpoint_with_seventeen_lines() -> Case:
    """Sixteen lines of strangers follow the pinned key's."""

    def change(note: str) -> str:
        text = note.split("\n\n")[0] + "\n"
        strangers = [Key("stranger.example", bytes([i]) * 32) for i in range(1, 17)]
        return note + "".join(key.line(key.sign(text)) for key in strangers)

    return note_at_3(change)


@attack(checkpoint="5.1 FAIL CHECKPOINT_FORM:B64_FORM", blocked="2.6 4.2 6.2 7.2 10.4")
def checkpoint_with_tail_bits() -> Case:
    """An unused bit at the end of the root's base64 is set."""

    def change(text: str) -> str:
        lines = text.split("\n")
        last = BASE64.index(lines[2][42])
        return f"{lines[0]}\n{lines[1]}\n{lines[2][:42]}{BASE64[last | 1]}=\n"

    return text_at_3(change)


@attack(checkpoint="5.1 FAIL CHECKPOINT_ORIGIN")
def checkpoint_of_another_origin() -> Case:
    """The pinned key signed a checkpoint that names another log."""
    return text_at_3(lambda text: text.replace("notary.example/log", "notary.example/lag"))


def signature_at_3(change: Callable[[bytes], bytes]) -> Case:
    """The first shown checkpoint bears another signature of the pinned Ed25519 key."""

    def damage(note: str) -> str:
        text, lines = note.split("\n\n")
        line, _, others = lines.partition("\n")
        name, encoded = line.removeprefix("— ").split(" ")
        raw = b64decode(encoded)
        return f"{text}\n\n— {name} {b64_encode(raw[:4] + change(raw[4:]))}\n{others}"

    return note_at_3(damage)


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def checkpoint_with_a_wrong_signature() -> Case:
    """One bit of S is flipped."""
    return signature_at_3(lambda raw: raw[:32] + bytes([raw[32] ^ 1]) + raw[33:])


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def checkpoint_with_s_above_the_group_order() -> Case:
    """S is the good one plus the group's order: a second encoding of the same signature."""

    def change(raw: bytes) -> bytes:
        s = int.from_bytes(raw[32:], "little") + GROUP_ORDER
        return raw[:32] + s.to_bytes(32, "little")

    return signature_at_3(change)


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def checkpoint_with_r_that_is_not_canonical() -> Case:
    """R has y above the prime."""
    return signature_at_3(lambda raw: b"\xff" * 31 + b"\x7f" + raw[32:])


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def checkpoint_with_the_signature_of_another_text() -> Case:
    """The pinned key signed the checkpoint of another size."""

    def change(note: str) -> str:
        other = honest().log.checkpoint(4)[1]
        return note.split("\n\n")[0] + "\n\n" + other.split("\n\n")[1]

    return note_at_3(change)


@attack(checkpoint="5.4 NOT CHECKED CHECKPOINT_KEY_NOT_PINNED")
def checkpoint_by_a_key_that_is_not_pinned() -> Case:
    """The person pins another key under the log's name."""
    policy = honest().policy()
    policy["log"][0]["vkeys"] = [honest().log.next_key.vkey]
    return case(honest().complete(), policy=policy)


@attack(checkpoint="5.5 FAIL CHECKPOINT_SIGNATURE_MISSING")
def one_checkpoint_by_a_key_that_is_not_pinned() -> Case:
    """One of three checkpoints is signed by a stranger alone, not by the key in force."""
    stranger = Key("notary.example/log", b"\x07" * 32)
    return note_at_3(lambda note: signed_note(note.split("\n\n")[0] + "\n", stranger))


@attack()
def checkpoint_with_a_strangers_line() -> Case:
    """A witness signed as well; its line is passed over."""
    witness = Key("witness.example", b"\x08" * 32)

    def change(note: str) -> str:
        return note + witness.line(witness.sign(note.split("\n\n")[0] + "\n"))

    return note_at_3(change)


@attack()
def checkpoint_with_a_strangers_wrong_line() -> Case:
    """A line of another key is passed over even where its signature is none."""
    witness = Key("witness.example", b"\x08" * 32)
    return note_at_3(lambda note: note + witness.line(bytes(64)))


# ---------------------------------------------------------------------- 6.1 and 6.2 headers


def header_2(**members: Any) -> Case:
    """A world in which the first shown header has other members."""
    return damaged(damage={"header": at(lambda header: header | members, batch=FIRST_SHOWN)})


@attack(inclusion="6.1 FAIL HEADER_MISPLACED")
def header_that_names_another_batch() -> Case:
    """Header 2 says that it is header 1."""
    return header_2(batch=1)


@attack(inclusion="6.1 FAIL HEADER_MISPLACED")
def header_that_names_another_log() -> Case:
    """Header 2 names another log."""
    return header_2(log="notary.example/lag")


@attack(inclusion="6.1 FAIL HEADER_MISPLACED:MEMBER_UNKNOWN", blocked="2.6 5.5 10.1")
def header_with_unknown_member() -> Case:
    """Header 2 has a member that the format doesn't list."""
    return header_2(count=3)


@attack(inclusion="6.1 FAIL HEADER_MISPLACED:MEMBER_TYPE", blocked="2.6 5.5 10.1")
def header_that_lists_its_keys() -> Case:
    """Header 2 lists keys where the digest of a key set belongs."""
    change = at(lambda header: header | {"keys": [header["keys"]]}, batch=FIRST_SHOWN)
    return damaged(damage={"header": change})


@attack(inclusion="6.1 FAIL HEADER_MISPLACED:JSON_NOT_CANONICAL", blocked="2.6 5.5 10.1")
def header_with_trailing_line_feed() -> Case:
    """A line feed follows header 2."""
    return damaged(damage={"header_bytes": at(lambda raw: raw + b"\n", batch=FIRST_SHOWN)})


@attack(inclusion="6.1 FAIL HEADER_MISPLACED")
def old_header_under_the_newest_checkpoint() -> Case:
    """The exporter shows header 4 and its map proof as batch 5."""
    package = honest().complete()
    older = package.json(map_path(4)) | {"batch": LAST_SHOWN}
    return case(
        evm_changed(package, without_the_last_not_before)
        .put(header_path(LAST_SHOWN), package[header_path(4)])
        .put_json(map_path(LAST_SHOWN), older)
        .restated()
    )


def without_the_last_not_before(evm: dict[str, Any]) -> None:
    """Take away the block that header 5 names: another header in its place doesn't name it."""
    evm["not_before"].pop()


@attack(inclusion="6.2 FAIL BATCH_NOT_INCLUDED")
def old_header_renumbered() -> Case:
    """The exporter makes header 4 into a header 5 that was never sealed."""
    package = honest().complete()
    older = package.json(map_path(4)) | {"batch": LAST_SHOWN}
    header = package.json(header_path(4)) | {"batch": LAST_SHOWN}
    return case(
        evm_changed(package, without_the_last_not_before)
        .put_json(header_path(LAST_SHOWN), header)
        .put_json(map_path(LAST_SHOWN), older)
        .restated()
    )


@attack(inclusion="6.2 FAIL BATCH_NOT_INCLUDED")
def proof_of_another_batch() -> Case:
    """A good proof under the same checkpoint, bound to another header: it has index 4."""
    proof = tlog_proof(honest().log.anchors[-1], 4)
    return case(honest().complete().put(proof_path(LAST_SHOWN), proof).restated())


@attack(anchor="4.9 FAIL LINK_UNUSED", inclusion="6.2 FAIL BATCH_NOT_INCLUDED")
def batch_shown_by_a_later_anchor() -> Case:
    """Batch 2 is shown by the checkpoint of the last anchor, not of the first that covers it."""
    world = honest()
    made = world.complete().put(proof_path(FIRST_SHOWN), tlog_proof(world.log.anchors[-1], 2))
    hashes = [trees.leaf_hash(header) for header in world.log.headers_under(6)]
    made = made.put_json(
        CONSISTENCY, made.json(CONSISTENCY) | {"proofs": consistency_proofs(hashes, [5, 6])}
    )
    evm = made.json(EVM)
    evm["legs"].insert(1, leg(world.log, world.log.anchors[3], 2))
    return case(made.put_json(EVM, evm).restated())


def proof_lines(change: Callable[[list[str]], list[str]], batch: int = FIRST_SHOWN) -> Case:
    """The honest package with other lines before the checkpoint of a tlog-proof."""
    package = honest().complete()
    head, rest = package[proof_path(batch)].decode().split("\n\n", 1)
    changed = "\n".join(change(head.split("\n"))) + "\n\n" + rest
    return case(package.put(proof_path(batch), changed.encode()).restated())


@attack(inclusion="6.2 FAIL BATCH_NOT_INCLUDED")
def proof_with_another_index() -> Case:
    """The index line names another batch, with the right hashes."""
    return proof_lines(lambda lines: [lines[0], "index 1", *lines[2:]])


@attack(inclusion="6.2 FAIL BATCH_NOT_INCLUDED:DECIMAL_FORM")
def proof_with_a_leading_zero() -> Case:
    """The index is written with a leading zero."""
    return proof_lines(lambda lines: [lines[0], lines[1].replace(" ", " 0"), *lines[2:]])


@attack(inclusion="6.2 FAIL BATCH_NOT_INCLUDED")
def proof_with_a_hash_too_many() -> Case:
    """A hash follows the path."""
    return proof_lines(lambda lines: [*lines, lines[-1]])


@attack(inclusion="6.2 FAIL BATCH_NOT_INCLUDED")
def proof_with_a_hash_too_few() -> Case:
    """The path lacks its last hash."""
    return proof_lines(lambda lines: lines[:-1], batch=4)


# ---------------------------------------------------------------------- 6.3 to 6.5 map and records


@attack(inclusion="6.3 FAIL MAP_PROOF")
def map_proof_with_another_blind() -> Case:
    """The blind is not the one of the value."""
    return file(map_path(LAST_SHOWN), lambda proof: proof.update(blind="00" * 16))


@attack(inclusion="6.3 FAIL MAP_PROOF")
def map_proof_that_names_another_batch() -> Case:
    """The proof says that it is of another batch, whose map is the same."""
    return file(map_path(LAST_SHOWN), lambda proof: proof.update(batch=4))


@attack(inclusion="6.3 FAIL MAP_PROOF")
def map_proof_without_its_last_sibling() -> Case:
    """The path is one sibling short."""
    return file(map_path(LAST_SHOWN), lambda proof: proof["path"].pop())


@attack(inclusion="6.3 FAIL MAP_PROOF")
def map_proof_with_a_sibling_too_many() -> Case:
    """The path has an empty sibling at its end."""
    return file(map_path(LAST_SHOWN), lambda proof: proof["path"].append("00" * 32))


@attack(inclusion="6.3 FAIL MAP_PROOF")
def map_that_is_not_in_its_one_form() -> Case:
    """The service hangs the case one level deeper, beside an empty child, in every batch."""
    key = honest().log.number(CASE).key

    def deeper(root: Digest, values: Mapping[Digest, Digest], **_: int) -> Digest:
        if key not in values:
            return root
        siblings, _met = path_in_map(values, key)
        running = matter_map.leaf_hash(key, values[key])
        for i, sibling in reversed(list(enumerate([*siblings, ZERO]))):
            right = matter_map.bit(key, i)
            pair = (sibling, running) if right else (running, sibling)
            running = matter_map.node_hash(*pair)
        return running

    world = World.told(damage={"map_root": deeper})
    package = world.complete()
    for path in package.files:
        if path.startswith("data/map/"):
            proof = package.json(path)
            package = package.put_json(path, proof | {"path": [*proof["path"], ZERO.hex()]})
    return case(package.restated(), world)


def absent_with(change: Callable[[dict[str, Any]], object], matter: str = NOBODY) -> Case:
    """An absent package with another map proof."""
    package = honest().absent(matter)
    proof = package.json(map_path(LAST_SHOWN))
    change(proof)
    return case(package.put_json(map_path(LAST_SHOWN), proof).restated(), matter=matter)


def number_with(kind: str) -> str:
    """The name of a number that was never used and whose absence is shown in this way."""
    for i in range(1000):
        name = f"unused {i}"
        if honest().absent(name).json(map_path(LAST_SHOWN))["kind"] == kind:
            return name
    raise AssertionError(f"no number is absent by {kind}")


@attack()
def absence_by_another_leaf() -> Case:
    """Another matter's leaf stands where the number's would."""
    name = number_with("absent-leaf")
    return case(honest().absent(name), matter=name)


@attack()
def absence_by_an_empty_child() -> Case:
    """Nothing stands where the number's leaf would."""
    world = lopsided()
    return case(world.absent(UNUSED), world, matter=UNUSED)


UNUSED = "unused"


@cache
def lopsided() -> World:
    """A world in which the unused number ends at an empty child."""
    for i in range(1000):
        world = World.told(seed=f"lopsided {i}")
        if world.absent(UNUSED).json(map_path(LAST_SHOWN))["kind"] == "absent-empty":
            return world
    raise AssertionError("no world has an empty child on that path")


@attack(inclusion="6.3 FAIL MAP_PROOF", blocked="8.5")
def absence_by_an_empty_path() -> Case:
    """An empty path to nothing stands for absence, in a map that isn't empty."""

    def change(proof: dict[str, Any]) -> None:
        del proof["leaf"]
        proof.update(kind="absent-empty", path=[])

    return absent_with(change, number_with("absent-leaf"))


@attack(inclusion="6.3 FAIL MAP_PROOF", blocked="8.5")
def absence_by_its_own_leaf() -> Case:
    """The other leaf has the key itself: the matter is there."""
    world = honest()
    key = world.log.number(CASE).key
    leaf = {"key": key.hex(), "value": world.log.batches[LAST_SHOWN].values[key].hex()}

    def change(proof: dict[str, Any]) -> None:
        del proof["head"], proof["blind"]
        proof.update(kind="absent-leaf", leaf=leaf)

    return absent_with(change, CASE)


@attack(inclusion="6.3 FAIL MAP_PROOF", blocked="8.5")
def absence_by_a_leaf_elsewhere() -> Case:
    """The other leaf is in the map, on a path that the key doesn't take."""
    world = honest()
    batch = world.log.batches[LAST_SHOWN]
    key = world.log.number(CASE).key
    elsewhere = next(other for other in batch.values if other != key)
    siblings, _met = path_in_map(batch.values, elsewhere)

    def change(proof: dict[str, Any]) -> None:
        del proof["head"], proof["blind"]
        leaf = {"key": elsewhere.hex(), "value": batch.values[elsewhere].hex()}
        proof.update(kind="absent-leaf", leaf=leaf, path=[s.hex() for s in siblings])

    return absent_with(change, CASE)


@attack(inclusion="6.3 FAIL MAP_PROOF:MAP_PROOF_FORM", blocked="2.6 8.5")
def absence_without_saying_how() -> Case:
    """The proof's kind is none of three."""
    return absent_with(lambda proof: proof.update(kind="absent"), number_with("absent-leaf"))


@attack(inclusion="6.3 FAIL MAP_PROOF:MEMBER_UNKNOWN", blocked="2.6 8.5")
def absence_with_a_head() -> Case:
    """The proof says absent and brings a head along."""
    return absent_with(lambda proof: proof.update(head="x\n0\n"), number_with("absent-leaf"))


@attack(inclusion="6.4 FAIL HEAD_FORM:HEAD_ORIGIN", blocked="2.6 7.3 8.5 11.1")
def head_with_carriage_returns() -> Case:
    """The head's lines end with CR LF, in the map of every batch from the second on."""
    return head_changed(lambda head: head.replace("\n", "\r\n"))


@attack(inclusion="6.4 FAIL HEAD_FORM:DECIMAL_FORM", blocked="2.6 7.3 8.5 11.1")
def head_with_leading_zero() -> Case:
    """The head's size is written with a leading zero."""
    return head_changed(lambda head: head.replace("\n6\n", "\n06\n"))


@attack(inclusion="6.4 FAIL HEAD_FORM:HEAD_FORM", blocked="2.6 7.3 8.5 11.1")
def head_with_a_fourth_line() -> Case:
    """A line follows the head."""
    return head_changed(lambda head: head + "withheld 2\n")


@attack(inclusion="6.4 FAIL HEAD_FORM:HEAD_ORIGIN", blocked="2.6 7.3 8.5 11.1")
def head_of_another_log() -> Case:
    """The head's origin names another log."""
    return head_changed(lambda head: head.replace("notary.example/log/", "notary.example/lag/"))


@attack(inclusion="6.4 FAIL HEAD_FORM:HEAD_ORIGIN", blocked="2.6 7.3 8.5 11.1")
def head_of_another_matter() -> Case:
    """The head's origin names another matter of the log."""
    other = honest().log.number("other").key.hex()
    return head_changed(lambda head: head.replace(honest().log.number(CASE).key.hex(), other))


def head_changed(change: Callable[[str], str]) -> Case:
    return damaged(damage={"head": at(change, matter=CASE)})


@attack(
    container="2.5 FAIL FILE_MISSING",
    inclusion="6.4 FAIL HEAD_FORM",
    order="11.1 NOT CHECKED BLOCKED",
    blocked="7.3 8.5 17.1 18.8",
)
def absence_shown_as_a_complete_matter() -> Case:
    """A complete package of no records, over a proof that the map has no such key."""
    package = honest().absent()
    return case(package.chosen(kind="complete").restated(), matter="nobody")


@attack(
    inclusion="6.5 FAIL RECORD_NOT_INCLUDED",
    order="11.1 NOT CHECKED BLOCKED",
    completeness="8.5 NOT CHECKED BLOCKED",
    blocked="7.3",
)
def leaf_exchanged() -> Case:
    """The exporter shows another leaf in place of one of the tree."""
    package = honest().complete()
    leaf = json.loads(package.leaf(4)) | {"recorded_at": "2026-10-01T00:00:00.000Z"}
    return case(package.put_leaf(4, jsonc.encode(leaf)).restated())


@attack(
    inclusion="6.5 FAIL RECORD_NOT_INCLUDED", order="11.1 NOT CHECKED BLOCKED", blocked="7.3 8.5"
)
def size_swapped_under_one_root() -> Case:
    """The service writes size 5 over the root of six leaves, from the fourth batch on."""

    def change(head: str) -> str:
        return head.replace("\n6\n", "\n5\n")

    world = World.told(damage={"head": at(change, matter=CASE)})
    package = world.complete(erased={}).drop_leaf(5)
    return case(package.restated(), world)


def path_of(position: int, change: Callable[[list[str]], list[str]]) -> Case:
    """The honest extract with another inclusion path."""

    def at_position(document: dict[str, Any]) -> None:
        for one in document["inclusion"]:
            if one["position"] == position:
                one["path"] = change(one["path"])

    return file(PATHS, at_position, "extract")


@attack(inclusion="6.5 FAIL RECORD_NOT_INCLUDED", blocked="11.1")
def path_too_short() -> Case:
    """The inclusion path of an extract lacks its last hash."""
    return path_of(0, lambda path: path[:-1])


@attack(inclusion="6.5 FAIL RECORD_NOT_INCLUDED", blocked="11.1")
def path_for_an_index_beyond_the_size() -> Case:
    """An extract shows a record that came after the as-of head, with the path of the last one."""
    world = World.told()
    package = world.extract((0, 5))
    late = world.log.add(CASE, "document", {"title": "too late", "occurred_at": None})
    paths = package.json(PATHS)
    paths["inclusion"].append(paths["inclusion"][-1] | {"position": 6})
    package = package.add_leaf(late.leaf, late.opened)
    return case(package.put_json(PATHS, paths).restated(), world)


@attack(inclusion="6.5 FAIL RECORD_NOT_INCLUDED", blocked="11.1")
def path_too_long() -> Case:
    """A hash follows the inclusion path of an extract."""
    return path_of(0, lambda path: [*path, path[-1]])


@attack(inclusion="6.5 FAIL RECORD_NOT_INCLUDED", blocked="11.1")
def path_of_another_position() -> Case:
    """The paths of two records are exchanged."""

    def swap(document: dict[str, Any]) -> None:
        first, second = document["inclusion"]
        first["path"], second["path"] = second["path"], first["path"]

    return file(PATHS, swap, "extract")


@attack(inclusion="6.5 FAIL RECORD_NOT_INCLUDED", blocked="11.1")
def path_missing() -> Case:
    """An extract has no path for one of its leaves."""
    return file(PATHS, lambda document: document["inclusion"].pop(0), "extract")


@attack(inclusion="6.5 FAIL RECORD_NOT_INCLUDED:MEMBER_UNKNOWN", blocked="7.3 11.1")
def paths_with_unknown_member() -> Case:
    """The paths of an extract have a member that the format doesn't list."""
    return file(PATHS, lambda document: document.update(note="all there"), "extract")


@attack(inclusion="6.5 FAIL RECORD_NOT_INCLUDED", blocked="11.1")
def path_for_a_leaf_that_is_not_there() -> Case:
    """An extract has a path for a leaf that it doesn't show."""
    both = honest().extract((0, 1, 3)).json(PATHS)
    return file(PATHS, lambda document: document.update(inclusion=both["inclusion"]), "extract")


# ---------------------------------------------------------------------- 7 history


@attack(history="7.1 FAIL LOG_FORKED", completeness="8.4 FAIL ASOF_HEADER_OLD")
def anchored_sizes_1_2_3_2() -> Case:
    """The service anchors sizes 1, 2, 3 and 2 again; batch 2 is shown although it was taken back."""
    world = World.told(batches=4, anchored={0: (1,), 1: (2,), 2: (3,), 3: (2,)})
    return case(world.complete(erased={}), world)


@attack(
    history="7.1 FAIL LOG_FORKED",
    completeness="8.4 FAIL ASOF_HEADER_OLD",
    finality="9.1 NOT CHECKED LEVEL_0",
    time="10.3 NOT CHECKED NOT_BEFORE_UNCONFIRMED",
)
def anchored_sizes_1_2_3_2_under_a_block_that_nobody_confirms() -> Case:
    """Whoever made this up, the package contradicts itself whatever hash the block has."""
    world = World.told(batches=4, anchored={0: (1,), 1: (2,), 2: (3,), 3: (2,)})
    inputs = {name: value for name, value in world.inputs().items() if name != "block"}
    return case(world.complete(erased={}), world, inputs=inputs)


@attack(history="7.1 FAIL LOG_FORKED")
def anchored_sizes_1_2_3_2_for_an_absence() -> Case:
    """The service goes back to size 2 to show that a number isn't there."""
    world = World.told(batches=4, anchored={0: (1,), 1: (2,), 2: (3,), 3: (2,)})
    return case(world.absent(), world)


@attack(history="7.1 FAIL LOG_FORKED", completeness="8.4 FAIL ASOF_HEADER_OLD")
def two_roots_for_one_size() -> Case:
    """The service anchors size 6 again, over other headers."""
    world = World.told()
    world.damage.changes["batch_log"] = at(lambda headers: (b"{}", *headers[1:]), size=6)
    world.log.anchor(6)
    world.wait()
    return case(world.complete(), world)


@attack()
def one_checkpoint_anchored_twice() -> Case:
    """Size 6 is anchored again over the same headers: nothing new, and no harm."""
    world = World.told()
    world.log.anchor(6)
    world.wait()
    return case(world.complete(), world)


@attack(history="7.2 FAIL LOG_FORKED")
def forked_batch_log() -> Case:
    """The checkpoint of three batches is over another first batch than all later ones."""
    change = at(lambda headers: (b"{}", *headers[1:]), size=3)
    return damaged(damage={"batch_log": change})


@attack(history="7.2 FAIL LOG_FORKED")
def consistency_proof_missing() -> Case:
    """The exporter leaves a consistency proof out."""
    return file(CONSISTENCY, lambda document: document["proofs"].pop())


@attack(history="7.2 FAIL LOG_FORKED")
def consistency_proof_that_leaps() -> Case:
    """One good proof from the first to the last checkpoint stands for two."""
    hashes = [trees.leaf_hash(header) for header in honest().log.headers_under(6)]
    return file(
        CONSISTENCY, lambda document: document.update(proofs=consistency_proofs(hashes, [3, 6]))
    )


@attack(history="7.2 FAIL LOG_FORKED")
def consistency_proof_too_many() -> Case:
    """A good proof that nothing asks for is added."""
    hashes = [trees.leaf_hash(header) for header in honest().log.headers_under(6)]
    return file(
        CONSISTENCY,
        lambda document: document["proofs"].append(consistency_proofs(hashes, [3, 6])[0]),
    )


@attack(history="7.2 FAIL LOG_FORKED")
def consistency_proof_with_a_hash_too_many() -> Case:
    """A hash follows a consistency proof."""
    return file(CONSISTENCY, lambda document: document["proofs"][0]["path"].append("00" * 32))


@attack(history="7.2 FAIL LOG_FORKED:MEMBER_UNKNOWN")
def consistency_with_unknown_member() -> Case:
    """The consistency file has a member that the format doesn't list."""
    return file(CONSISTENCY, lambda document: document.update(note=""))


@attack(history="7.3 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def map_rolled_back_between_two_batches() -> Case:
    """From the fourth batch on the map holds a head of two records, where three were shown."""

    def shrink(size: int, matter: str, batch: int) -> int:
        return 2 if matter == CASE and batch >= 4 else size

    world = World.told(damage={"matter_size": shrink})
    return case(world.complete(erased={}), world)


@attack(
    history="7.3 FAIL LOG_FORKED",
    order="11.1 NOT CHECKED BLOCKED",
    withheld="13.3 NOT CHECKED BLOCKED",
)
def map_rolled_back_for_one_batch_in_a_dispute() -> Case:
    """One shown head has two records, between three and six: nothing dates the erasure then."""

    def shrink(size: int, matter: str, batch: int) -> int:
        return 2 if matter == CASE and batch == 4 else size

    world = World.told(damage={"matter_size": shrink})
    policy = world.policy()
    policy["limits"]["dispute_since"] = "2026-10-02T00:00:00.000Z"
    return case(world.complete(), world, policy=policy)


def rewritten(kind: str) -> Case:
    """From the fourth batch on the log holds another leaf 1 than the second batch showed."""

    def rewrite(leaves: tuple[bytes, ...], matter: str, batch: int) -> tuple[bytes, ...]:
        if matter != CASE or batch >= 4 or len(leaves) < 2:
            return leaves
        return (leaves[0], leaves[1].replace(b"T02:", b"T01:"), *leaves[2:])

    world = World.told(damage={"matter_leaves": rewrite})
    return case(getattr(world, kind)(), world)


@attack(history="7.3 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def record_rewritten_between_two_batches() -> Case:
    """A record of a complete package was another one in an earlier anchored batch."""
    return rewritten("complete")


@attack(history="7.3 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def record_rewritten_in_an_extract() -> Case:
    """A record beside those of the extract was another one in an earlier anchored batch."""
    return rewritten("extract")


@attack(history="7.3 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def record_rewritten_in_an_extract_without_a_new_one() -> Case:
    """Both shown heads have three records; one beside the extract's was another one before."""

    def three(size: int, matter: str, batch: int) -> int:
        return min(size, 3) if matter == CASE else size

    def rewrite(leaves: tuple[bytes, ...], matter: str, batch: int) -> tuple[bytes, ...]:
        if matter != CASE or batch >= 4 or len(leaves) < 2:
            return leaves
        return (leaves[0], leaves[1].replace(b"T02:", b"T01:"), *leaves[2:])

    world = World.told(damage={"matter_size": three, "matter_leaves": rewrite})
    return case(world.extract((0,)), world)


@attack(history="7.3 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def prefix_proof_missing() -> Case:
    """An extract doesn't show that its heads continue each other."""
    return file(PATHS, lambda document: document["prefix"].pop(), "extract")


@attack(history="7.3 FAIL LOG_FORKED", order="11.1 NOT CHECKED BLOCKED")
def prefix_proof_with_a_hash_too_many() -> Case:
    """A hash follows the prefix proof of an extract."""
    return file(PATHS, lambda document: document["prefix"][0]["path"].append("00" * 32), "extract")


# ---------------------------------------------------------------------- 10 time


@attack(time="10.1 NOT CHECKED NOT_BEFORE_MISSING")
def batch_without_not_before() -> Case:
    """A shown header names no recent block, so its records could be from before."""
    return damaged(headers={FIRST_SHOWN: {"not_before": None}})


@attack(time="10.2 FAIL NOT_BEFORE_MISMATCH")
def not_before_header_missing() -> Case:
    """evm.json lacks the header of a block that a batch header names."""
    return with_evm(lambda evm: evm["not_before"].pop(0))


@attack(time="10.2 FAIL NOT_BEFORE_MISMATCH")
def not_before_header_that_nobody_names() -> Case:
    """evm.json has a header that no batch header names."""
    genesis = b64_encode(honest().chain.blocks[0].header)
    return with_evm(lambda evm: evm["not_before"].insert(0, genesis))


@attack(time="10.2 FAIL NOT_BEFORE_MISMATCH")
def not_before_header_that_is_none() -> Case:
    """evm.json has bytes among these headers that no header is made of."""
    return with_evm(lambda evm: evm["not_before"].append(b64_encode(b"\xc0")))


@attack(time="10.2 FAIL NOT_BEFORE_MISMATCH")
def not_before_headers_out_of_order() -> Case:
    """evm.json has the headers that batches name in another order than by number."""
    return with_evm(lambda evm: evm["not_before"].reverse())


@attack(time="10.2 FAIL NOT_BEFORE_MISMATCH")
def not_before_header_twice() -> Case:
    """evm.json has one of these headers twice."""
    return with_evm(lambda evm: evm["not_before"].insert(0, evm["not_before"][0]))


@attack(time="10.2 FAIL NOT_BEFORE_MISMATCH")
def not_before_with_another_number() -> Case:
    """A batch header states another number for the block whose hash it names."""
    return not_before(number=1)


@attack(time="10.2 FAIL NOT_BEFORE_MISMATCH")
def not_before_on_another_chain() -> Case:
    """A batch header names a block of another chain, whose time says nothing here."""
    return not_before(chain_id=1)


def not_before(**members: Any) -> Case:
    def change(header: dict[str, Any]) -> dict[str, Any]:
        return header | {"not_before": header["not_before"] | members}

    return damaged(damage={"header": at(change, batch=FIRST_SHOWN)})


@attack(time="10.3 NOT CHECKED NOT_BEFORE_UNCONFIRMED")
def not_before_that_nobody_confirmed() -> Case:
    """The person has no hash for one of the blocks that bound the sealing."""
    number = honest().complete().json(header_path(FIRST_SHOWN))["not_before"]["number"]
    inputs = honest().inputs()
    inputs["block"] = [block for block in inputs["block"] if block["number"] != number]
    return case(honest().complete(), inputs=inputs)


@attack(time="10.3 FAIL BLOCK_HASH_DIFFERENT")
def not_before_with_another_hash() -> Case:
    """The person's source gives another hash for a block that bounds the sealing."""
    number = honest().complete().json(header_path(FIRST_SHOWN))["not_before"]["number"]
    inputs = honest().inputs()
    for block in inputs["block"]:
        if block["number"] == number:
            block["hash"] = "0x" + "cd" * 32
    return case(honest().complete(), inputs=inputs)


def not_before_of_time(late: int) -> Case:
    """The first shown batch names an early block that states this time."""
    world = World()
    # The chain's clock runs back once, so that an early block has a late time.
    early = world.chain.tip.timestamp
    named = world.chain.mine(late)
    world.chain.mine(early)
    world.tell(headers={FIRST_SHOWN: {"not_before": as_named(world.chain, named)}})
    return case(world.complete(), world)


@attack(time="10.4 FAIL NOT_BEFORE_LATE")
def not_before_after_the_anchor() -> Case:
    """A batch names a block whose time is a second later than the anchor that shows it."""
    return not_before_of_time(honest().log.anchors[FIRST_ANCHOR].block.timestamp + 1)


@attack()
def not_before_of_the_time_of_the_anchor() -> Case:
    """A block of the very second of the anchor is not after it."""
    return not_before_of_time(honest().log.anchors[FIRST_ANCHOR].block.timestamp)


@attack(time="10.4 FAIL NOT_BEFORE_LATE")
def not_before_above_the_as_of_block() -> Case:
    """A batch names a block of a branch that is longer than the chain was at the as-of block."""
    branch = Chain(honest().chain.chain_id, {}, GENESIS_TIME)
    for _ in range(40):
        branch.mine(GENESIS_TIME)
    world = World.told(headers={FIRST_SHOWN: {"not_before": as_named(branch, branch.tip)}})
    package = evm_changed(
        world.complete(), lambda evm: evm["not_before"].append(b64_encode(branch.tip.header))
    )
    inputs = world.inputs()
    inputs["block"].append(as_named(branch, branch.tip))
    return case(package.restated(), world, inputs=inputs)


def as_named(chain: Chain, block: Block) -> dict[str, Any]:
    """A block as batch headers and inputs files name it."""
    return {"chain_id": chain.chain_id, "number": block.number, "hash": "0x" + block.hash.hex()}

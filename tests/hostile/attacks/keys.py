"""Attacks on keys: ML-DSA-44 signatures, key sets and hand-overs, steps 5.2 to 5.5 and 12.2.

The story is told with a rotation here: the batches before it are sealed with the first key set,
those from it on with the second, and the person may know the first alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tests.hostile.attacks.log import at, note_at_3
from tests.hostile.attacks.receipts import with_receipts
from tests.hostile.case import Case, attack, case, damaged, honest
from tests.hostile.export import tlog_proof_of
from tests.hostile.log import ML_DSA_44, TIMESTAMP, Key, KeySet, Secrets, signed_note
from tests.hostile.package import (
    Package,
    header_path,
    key_set_path,
    old_header_path,
    old_proof_path,
    proof_path,
)
from tests.hostile.persons import Toml
from tests.hostile.world import CASE, LOG_NAME, World
from verifier.format import jsonc, trees
from verifier.format.digests import b64_encode

ANCHORED_ROTATION = 3  # batch 2, the last of the old keys, is shown, and its checkpoint anchored
QUIET_ROTATION = 2  # batch 1, the last of the old keys, is not shown, its checkpoint not anchored
BEFORE = QUIET_ROTATION - 1  # the header before the quiet hand-over

STRANGER = Secrets("a stranger")
STRANGERS = KeySet.of(LOG_NAME, STRANGER, 0)


# ---------------------------------------------------------------------- ML-DSA-44


def pinned(*keys: Key) -> Toml:
    """A policy that pins these checkpoint keys of the honest log."""
    policy = honest().policy()
    policy["log"][0]["vkeys"] = [key.vkey for key in keys]
    return policy


def cosigner() -> Key:
    """The ML-DSA-44 key in force in the honest log."""
    return honest().log.checkpoint_keys[1]


def lines_at_3(change: Callable[[str, str, str], str]) -> Case:
    """The first shown checkpoint has other signature lines: of text, Ed25519 line, ML-DSA line."""

    def damage(note: str) -> str:
        text, lines = note.split("\n\n")
        first, second, _ = lines.split("\n")
        return f"{text}\n\n" + change(text + "\n", first + "\n", second + "\n")

    return note_at_3(damage)


def cosignature_at_3(change: Callable[[bytes], bytes]) -> Case:
    """The first shown checkpoint bears another ML-DSA-44 signature; with it goes the timestamp."""

    def damage(text: str, first: str, second: str) -> str:
        return first + cosigner().line(change(cosigner().sign(text)))

    return lines_at_3(damage)


@attack(checkpoint="5.5 FAIL CHECKPOINT_SIGNATURE_MISSING")
def checkpoint_without_its_ml_dsa_signature() -> Case:
    """One checkpoint bears the Ed25519 signature alone."""
    return lines_at_3(lambda text, first, second: first)


@attack(checkpoint="5.5 FAIL CHECKPOINT_SIGNATURE_MISSING")
def checkpoint_without_its_ed25519_signature() -> Case:
    """One checkpoint bears the ML-DSA-44 signature alone."""
    return lines_at_3(lambda text, first, second: second)


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def cosignature_with_a_bit_flipped() -> Case:
    """One bit of the ML-DSA-44 signature is another."""
    return cosignature_at_3(lambda raw: raw[:100] + bytes([raw[100] ^ 1]) + raw[101:])


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def cosignature_with_another_timestamp() -> Case:
    """The timestamp says a second later than what was signed."""
    return cosignature_at_3(lambda raw: (TIMESTAMP + 1).to_bytes(8) + raw[8:])


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def cosignature_with_a_negative_timestamp() -> Case:
    """The timestamp is above 2^63."""
    return cosignature_at_3(lambda raw: b"\xff" * 8 + raw[8:])


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def cosignature_without_its_timestamp() -> Case:
    """The signature stands alone, 2,420 bytes."""
    return cosignature_at_3(lambda raw: raw[8:])


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def cosignature_of_the_text() -> Case:
    """The ML-DSA-44 key signed the note's text, as an Ed25519 key does."""
    private = cosigner()

    def damage(text: str, first: str, second: str) -> str:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        raw = MLDSA44PrivateKey.from_seed_bytes(private.secret).sign(text.encode())
        return first + private.line(TIMESTAMP.to_bytes(8) + raw)

    return lines_at_3(damage)


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def cosignature_over_another_size() -> Case:
    """The ML-DSA-44 key signed the checkpoint of another size."""
    other = honest().log.checkpoint(4)[1].split("\n\n")[1].split("\n")[1] + "\n"
    return lines_at_3(lambda text, first, second: first + other)


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def cosignature_by_the_same_key_for_another_name() -> Case:
    """The key signed as a witness of another name, and the line says the log's."""
    witness = Key("witness.example", cosigner().secret, ML_DSA_44)
    return lines_at_3(lambda text, first, _: first + cosigner().line(witness.sign(text)))


@attack(checkpoint="5.5 FAIL CHECKPOINT_SIGNATURE_MISSING")
def cosignature_under_another_name() -> Case:
    """The line is good, and bears a witness's name: it is not the log's signature."""
    witness = Key("witness.example", cosigner().secret, ML_DSA_44)
    return lines_at_3(lambda text, first, _: first + witness.line(witness.sign(text)))


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def cosignatures_exchanged_between_checkpoints() -> Case:
    """Two shown checkpoints bear each other's ML-DSA-44 signature."""
    log = honest().log
    lines = {size: log.checkpoint(size)[1].rsplit("\n", 2)[1] + "\n" for size in (3, 5)}

    def damage(note: Any, **where: Any) -> Any:
        other = {3: 5, 5: 3}.get(where["size"])
        return note if other is None else note.rsplit("\n", 2)[0] + "\n" + lines[other]

    world = World.told(damage={"note": damage})
    return case(world.complete(), world)


@attack(checkpoint="5.4 FAIL CHECKPOINT_SIGNATURE")
def ed25519_signature_on_the_line_of_the_ml_dsa_key() -> Case:
    """The ML-DSA-44 key's line holds 64 bytes of Ed25519."""
    return lines_at_3(
        lambda text, first, _: first + cosigner().line(honest().log.checkpoint_keys[0].sign(text))
    )


@attack(checkpoint="5.5 FAIL CHECKPOINT_SIGNATURE_MISSING")
def missing_cosignature_before_who_pins_it_alone() -> Case:
    """The person pins the ML-DSA-44 key alone, and one checkpoint lacks its signature."""
    made = lines_at_3(lambda text, first, second: first)
    return replace(made, policy=pinned(cosigner()))


@attack()
def only_the_ml_dsa_key_is_pinned() -> Case:
    """Who believes in no elliptic curve any more pins the ML-DSA-44 key."""
    return case(honest().complete(), policy=pinned(cosigner()))


@attack()
def only_the_ed25519_key_is_pinned() -> Case:
    """Who knows nothing of ML-DSA-44 pins the Ed25519 key; the other is checked all the same."""
    return case(honest().complete(), policy=pinned(honest().log.checkpoint_keys[0]))


# ---------------------------------------------------------------------- 5.2 key sets


@dataclass(frozen=True)
class WrittenKeySet(KeySet):
    """A key set whose text somebody wrote by hand."""

    written: bytes = b""

    @property
    def text(self) -> bytes:
        return self.written


def sealed_with(keys: KeySet, signers: Sequence[Key] | None = None) -> Case:
    """A world whose headers name this key set; the person pins the honest log's keys."""
    world = World()
    world.log.keys = keys
    world.log.signers = None if signers is None else tuple(signers)
    world.tell()
    return case(world.complete(), world, policy=honest().policy())


def written(change: Callable[[list[str]], list[str]]) -> Case:
    """The honest key set with other lines, which the headers name by its own digest."""
    keys = honest().log.keys
    lines = keys.text.decode().split("\n")[:-1]
    text = "".join(f"{line}\n" for line in change(lines)).encode()
    return sealed_with(WrittenKeySet(keys.checkpoint, keys.receipt, text))


def with_key_set(content: bytes) -> Case:
    """Another file under the name of the key set in force."""
    path = key_set_path(honest().log.keys.digest)
    return case(honest().complete().put(path, content).restated())


@attack(checkpoint="5.2 FAIL KEY_SET_MISSING")
def package_without_its_key_set() -> Case:
    """The exporter leaves the key set out that every header names."""
    path = key_set_path(honest().log.keys.digest)
    return case(honest().complete().drop(path).restated())


@attack(checkpoint="5.2 FAIL KEY_SET_FORM")
def key_set_of_another_digest() -> Case:
    """The file named by one digest holds another key set in good form."""
    return with_key_set(honest().log.next_keys.text)


@attack(checkpoint="5.2 FAIL KEY_SET_FORM:KEY_ID")
def key_set_with_a_changed_byte() -> Case:
    """One character of a key is another."""
    text = honest().log.keys.text
    at_ = text.index(b"+", text.index(b"receipt ")) + 20
    return with_key_set(text[:at_] + (b"A" if text[at_] != ord("A") else b"B") + text[at_ + 1 :])


@attack(checkpoint="5.2 FAIL KEY_SET_FORM:KEY_SET_FORM")
def key_set_that_is_cut() -> Case:
    """The last line feed is missing."""
    return with_key_set(honest().log.keys.text[:-1])


@attack(checkpoint="5.2 FAIL KEY_SET_FORM:KEY_SET_ORDER")
def key_set_with_a_line_twice() -> Case:
    """The headers name a key set in which one key stands twice."""
    return written(lambda lines: [*lines[:2], lines[1], *lines[2:]])


@attack(checkpoint="5.2 FAIL KEY_SET_FORM:KEY_SET_ORDER")
def key_set_in_another_order() -> Case:
    """The headers name a key set whose receipt key comes first."""
    return written(lambda lines: [lines[0], lines[3], lines[1], lines[2]])


@attack(checkpoint="5.2 FAIL KEY_SET_FORM:KEY_SET_TYPES")
def key_set_with_two_ed25519_keys() -> Case:
    """A second Ed25519 key signs for the log."""
    extra = f"checkpoint {STRANGERS.checkpoint[0].vkey}"
    return written(lambda lines: [lines[0], *sorted([*lines[1:], extra])])


@attack(checkpoint="5.2 FAIL KEY_SET_FORM:KEY_SET_TYPES")
def key_set_without_an_ed25519_key() -> Case:
    """The ML-DSA-44 key alone signs for the log."""
    ed25519 = honest().log.checkpoint_keys[0].vkey
    return written(lambda lines: [line for line in lines if ed25519 not in line])


@attack(checkpoint="5.2 FAIL KEY_SET_FORM")
def key_set_of_another_log() -> Case:
    """The headers name a key set in good form under the name of another log."""
    return sealed_with(KeySet.of("notary.example/lag", STRANGER, 0))


@attack(container="2.5 FAIL FILE_UNKNOWN")
def key_set_that_no_header_names() -> Case:
    """The exporter adds a key set of his own."""
    path = key_set_path(STRANGERS.digest)
    return case(honest().complete().put(path, STRANGERS.text).restated())


@attack(container="2.5 FAIL FILE_UNKNOWN")
def key_set_under_another_kind_of_name() -> Case:
    """A key set lies under a name that is no digest."""
    text = honest().log.keys.text
    return case(honest().complete().put("data/keys/current.txt", text).restated())


# ---------------------------------------------------------------------- 5.5 keys in force


@attack(checkpoint="5.5 FAIL KEY_NOT_IN_FORCE")
def checkpoint_by_a_key_that_no_header_names() -> Case:
    """The pinned keys sign beside those that the headers name."""
    own = honest().log.checkpoint_keys
    return sealed_with(STRANGERS, [*STRANGERS.checkpoint, *own])


@attack(checkpoint="5.5 FAIL KEY_NOT_IN_FORCE")
def pinned_key_that_stays_behind_its_hand_over() -> Case:
    """After the hand-over the old Ed25519 key signs as well: a thief may have it."""
    world = World()
    old = world.log.keys.checkpoint[0]
    world.damage.changes["note"] = at(signed_as_well(old), size=6)
    world.tell(hand_overs=(QUIET_ROTATION,))
    return case(world.complete(), world, policy=honest().policy())


@attack(checkpoint="5.5 FAIL CHECKPOINT_SIGNATURE_MISSING")
def checkpoint_without_the_keys_in_force() -> Case:
    """The headers name other keys; only the pinned ones sign."""
    own = honest().log.checkpoint_keys
    keys = KeySet((own[0], STRANGERS.checkpoint[1]), honest().log.receipt_key)
    return sealed_with(keys, [own[0]])


def with_an_unknown_type() -> KeySet:
    """The honest key set with one checkpoint key more, of a type that nobody knows yet."""
    keys = honest().log.keys
    return KeySet((*keys.checkpoint, Key(LOG_NAME, b"a key of a later time", 9)), keys.receipt)


@attack(checkpoint="5.5 NOT CHECKED KEY_TYPE_UNKNOWN")
def checkpoint_key_of_an_unknown_type() -> Case:
    """A key set has a checkpoint key of an unknown signature type, which must not be ignored."""
    return sealed_with(with_an_unknown_type(), honest().log.checkpoint_keys)


# ---------------------------------------------------------------------- 5.3 hand-overs


@cache
def rotated(*hand_overs: int) -> World:
    """The story with hand-overs before these batches were sealed. Tests only read it."""
    return World.told(hand_overs=hand_overs)


def before_old_pins(package: Package, world: World, **rest: Any) -> Case:
    """The package before a person who knows the first key set alone."""
    return case(package, world, policy=honest().policy(), **rest)


@attack()
def rotation_under_old_pins() -> Case:
    """The keys were handed over in an anchored batch; the person pinned the old ones."""
    world = rotated(ANCHORED_ROTATION)
    return before_old_pins(world.complete(), world)


@attack()
def quiet_rotation_under_old_pins() -> Case:
    """The last checkpoint of the old keys was never anchored itself."""
    world = rotated(QUIET_ROTATION)
    return before_old_pins(world.complete(), world)


@attack()
def rotation_of_an_extract_under_old_pins() -> Case:
    """The same for an extract."""
    world = rotated(QUIET_ROTATION)
    return before_old_pins(world.extract(), world)


@attack()
def rotation_of_an_absent_package_under_old_pins() -> Case:
    """The same for a package that says that there is nothing."""
    world = rotated(QUIET_ROTATION)
    return before_old_pins(world.absent(), world)


@attack()
def rotation_with_a_full_history() -> Case:
    """The same with every header."""
    world = rotated(QUIET_ROTATION)
    return before_old_pins(world.complete(full_history=True), world)


@attack()
def three_rotations_under_old_pins() -> Case:
    """Trust passes from set to set."""
    world = rotated(1, 3, 5)
    return before_old_pins(world.complete(), world)


@attack()
def three_rotations_under_the_pins_of_the_second_keys() -> Case:
    """A hand-over by keys that the person does not know stands before one by keys that she knows."""
    world = rotated(1, 3, 5)
    return case(world.complete(), world, policy=pinned(*rotated(1).log.keys.checkpoint))


@attack(checkpoint="5.4 NOT CHECKED CHECKPOINT_KEY_NOT_PINNED")
def batch_under_the_new_keys_before_they_were_handed_over() -> Case:
    """Batch 2 names the keys to which batch 3 hands over, and they alone sign its checkpoint."""
    new = rotated(4).log.keys
    early = {
        "header": at(lambda header: header | {"keys": new.digest}, batch=2),
        "note": at(lambda note: signed_note(note.split("\n\n")[0] + "\n", *new.checkpoint), size=3),
    }
    world = World.told(hand_overs=(4,), damage=early)
    return before_old_pins(world.complete(), world)


@attack(checkpoint="5.5 NOT CHECKED KEY_TYPE_UNKNOWN")
def hand_over_to_keys_of_an_unknown_type() -> Case:
    """One of the keys that are handed over to is of a type that nobody knows yet."""
    world = World()
    new = world.log.next_keys
    later = Key(LOG_NAME, b"a key of a later time", 9)
    world.log.next_keys = KeySet((*new.checkpoint, later), new.receipt)
    world.tell(hand_overs=(QUIET_ROTATION,))
    return before_old_pins(world.complete(), world)


@attack()
def rotation_under_the_old_ed25519_key_alone() -> Case:
    """A person who knows one of the old keys trusts both of the new ones."""
    world = rotated(QUIET_ROTATION)
    return case(world.complete(), world, policy=pinned(honest().log.checkpoint_keys[0]))


@attack()
def rotation_under_new_pins() -> Case:
    """Whoever pins the new keys needs no hand-over, where no batch of the old ones is shown."""
    world = rotated(QUIET_ROTATION)
    return case(world.complete(), world)


def without_hand_over(package: Package, batch: int) -> Package:
    return package.drop(old_header_path(batch), old_proof_path(batch))


@attack(checkpoint="5.4 NOT CHECKED CHECKPOINT_KEY_NOT_PINNED")
def rotation_without_its_hand_over() -> Case:
    """The package leaves the hand-over out; nothing leads to the new keys."""
    world = rotated(ANCHORED_ROTATION)
    package = without_hand_over(world.complete(), ANCHORED_ROTATION - 1)
    return before_old_pins(package.restated(), world)


@attack(checkpoint="5.4 NOT CHECKED CHECKPOINT_KEY_NOT_PINNED")
def rotation_before_who_knows_neither_keys() -> Case:
    """Strangers hand over to strangers: trust does not begin inside a package."""
    world = rotated(QUIET_ROTATION)
    return case(world.complete(), world, policy=pinned(*STRANGERS.checkpoint))


def signed_as_well(*keys: Key) -> Callable[[str], str]:
    """The note with good lines of these keys more."""
    return lambda note: note + signed_note(note.split("\n\n")[0] + "\n", *keys).split("\n\n")[1]


def handed_over_by(first: KeySet, *more: Key) -> Case:
    """Another key set was in force from the start and hands over at once; `more` sign there too."""
    world = World()
    world.log.keys = first
    if more:
        world.damage.changes["note"] = at(signed_as_well(*more), size=1)
    world.tell(hand_overs=(1,))
    return before_old_pins(world.complete(), world)


@attack(checkpoint="5.4 NOT CHECKED CHECKPOINT_KEY_NOT_PINNED")
def hand_over_by_an_untrusted_key() -> Case:
    """Keys that nobody pinned hand over in good form."""
    return handed_over_by(STRANGERS)


def with_an_invented_hand_over(package: Package, theirs: KeySet) -> Package:
    """A header that hands over to `theirs`, which the log never had, beside the log's own proof."""
    batch = ANCHORED_ROTATION - 1
    header = package.json(header_path(batch))
    files = {
        old_header_path(batch): jsonc.encode(header | {"next_keys": theirs.digest}),
        old_proof_path(batch): package[proof_path(batch)],
        key_set_path(theirs.digest): theirs.text,
    }
    for path, content in files.items():
        package = package.put(path, content)
    return package.restated()


@attack(
    checkpoint="5.3 FAIL HANDOVER_INVALID",
    receipts="12.2 NOT CHECKED RECEIPT_KEY_NOT_PINNED",
)
def receipt_by_keys_that_an_invented_header_names() -> Case:
    """A stranger writes a header that names his keys beside the log's own checkpoint, and a receipt."""
    told = honest()
    return case(
        with_an_invented_hand_over(told.complete(), STRANGERS),
        inputs=told.inputs() | {"receipts": ["receipt.json"]},
        receipts={"receipt.json": told.log.receipt(CASE, 3, key=STRANGERS.receipt, leaf="00" * 32)},
    )


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def checkpoint_by_keys_that_an_invented_header_names() -> Case:
    """The same stranger signs another root for the newest size: it is no fork of the log."""
    told = honest()
    package = with_an_invented_hand_over(told.complete(), STRANGERS)
    note = signed_note(f"{LOG_NAME}\n6\n{b64_encode(bytes(32))}\n", *STRANGERS.checkpoint)
    return case(
        package,
        inputs=told.inputs() | {"checkpoints": ["theirs.txt"]},
        receipts={"theirs.txt": note.encode()},
    )


@attack(checkpoint="5.4 NOT CHECKED CHECKPOINT_KEY_NOT_PINNED")
def hand_over_by_a_trusted_key_that_is_not_in_force() -> Case:
    """A stolen pinned key signs the hand-over of keys that are not its own."""
    return handed_over_by(STRANGERS, honest().log.checkpoint_keys[0])


@attack(checkpoint="5.4 NOT CHECKED CHECKPOINT_KEY_NOT_PINNED")
def skipped_hand_over() -> Case:
    """Of two hand-overs the first is left out."""
    world = rotated(QUIET_ROTATION, 4)
    package = without_hand_over(world.complete(), BEFORE).drop(
        key_set_path(honest().log.keys.digest)
    )
    consistency = package.json("data/batches/consistency.json")
    consistency["proofs"] = consistency["proofs"][1:]
    package = package.put_json("data/batches/consistency.json", consistency)
    return before_old_pins(package.restated(), world)


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_overs_in_each_others_place() -> Case:
    """The files of two hand-overs are exchanged."""
    world = rotated(QUIET_ROTATION, 4)
    package = world.complete()
    exchanged = package
    for one, other in ((BEFORE, 3), (3, BEFORE)):
        for path in (old_header_path, old_proof_path):
            exchanged = exchanged.put(path(one), package[path(other)])
    return before_old_pins(exchanged.restated(), world)


def service_did(**damage: Any) -> Case:
    """A world with a hand-over in which the service did something else."""
    world = World.told(hand_overs=(QUIET_ROTATION,), damage=damage)
    return before_old_pins(world.complete(), world)


def exporter_did(**damage: Any) -> Case:
    """The same where the export alone is damaged: the hand-over's checkpoint was never anchored."""
    world = World.told(hand_overs=(QUIET_ROTATION,))
    world.damage.changes.update(damage)
    made = world.complete()
    world.damage.require_fired()
    return before_old_pins(made, world)


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_that_does_not_follow_the_one_before() -> Case:
    """The first hand-over names one key set, the second is by another one."""
    change = at(lambda header: header | {"next_keys": STRANGERS.digest}, batch=BEFORE)
    world = World.told(hand_overs=(QUIET_ROTATION, 4), damage={"header": change})
    package = world.complete().put(key_set_path(STRANGERS.digest), STRANGERS.text)
    return case(package.restated(), world)


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_of_another_log() -> Case:
    """The header before the hand-over names another log."""
    return service_did(
        header=at(lambda header: header | {"log": "notary.example/lag"}, batch=BEFORE)
    )


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_of_another_batch() -> Case:
    """The header before the hand-over names another batch."""
    return service_did(header=at(lambda header: header | {"batch": 7}, batch=BEFORE))


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_by_the_last_batch_of_the_log() -> Case:
    """The header that hands its keys over names a successor, and ends the log."""
    return damaged(
        hand_overs=(QUIET_ROTATION,), headers={BEFORE: {"successor": "notary.example/next"}}
    )


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID:MEMBER_UNKNOWN", blocked="2.5")
def hand_over_header_with_an_unknown_member() -> Case:
    """The header before the hand-over has a member that the format does not list."""
    return service_did(header=at(lambda header: header | {"remark": "x"}, batch=BEFORE))


@attack(history="7.2 FAIL LOG_FORKED")
def hand_over_in_another_history() -> Case:
    """The old keys signed, as their last, a log with another first batch than the anchored one."""
    change = at(lambda headers: (b"{}", *headers[1:]), size=QUIET_ROTATION)
    return exporter_did(batch_log=change)


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_without_the_ml_dsa_signature() -> Case:
    """The last checkpoint of the old keys bears the Ed25519 signature alone."""
    return exporter_did(note=at(lambda note: note.rsplit("\n", 2)[0] + "\n", size=QUIET_ROTATION))


def rival_note(size: int) -> tuple[str, tuple[bytes, ...]]:
    """A second checkpoint of a size, signed by the first keys, and the headers that it is over."""
    headers = (b"{}", *rotated(ANCHORED_ROTATION).log.headers_under(size)[1:])
    root = trees.root([trees.leaf_hash(header) for header in headers])
    text = f"{LOG_NAME}\n{size}\n{b64_encode(root)}\n"
    return signed_note(text, *honest().log.checkpoint_keys), headers


@attack(history="7.2 FAIL LOG_FORKED")
def hand_over_under_a_rival_of_the_anchored_checkpoint() -> Case:
    """The old keys signed two trees of their last size; one is anchored, the other hands over."""
    world, last = rotated(ANCHORED_ROTATION), ANCHORED_ROTATION - 1
    note, headers = rival_note(ANCHORED_ROTATION)
    proof = tlog_proof_of(headers, note, last)
    return before_old_pins(world.complete().put(old_proof_path(last), proof).restated(), world)


@attack(
    anchor="4.9 FAIL CHECKPOINT_NOT_ANCHORED", history="7.2 FAIL LOG_FORKED", blocked="2.6 10.4"
)
def batch_under_a_rival_of_the_last_checkpoint() -> Case:
    """An early batch is shown in another tree of the last anchor's size, which the log signed too."""
    note, headers = rival_note(6)
    package = honest().complete().put(proof_path(2), tlog_proof_of(headers, note, 2))
    return case(package.sealed())


def hand_over_note(change: Callable[[str], str]) -> Case:
    """The hand-over under another checkpoint; the consistency proofs follow where they can."""
    world = rotated(QUIET_ROTATION)
    headers = world.log.headers_under(QUIET_ROTATION)
    note = change(world.log.checkpoint(QUIET_ROTATION)[1])
    package = world.complete().put(old_proof_path(BEFORE), tlog_proof_of(headers, note, BEFORE))
    return before_old_pins(package.restated(), world)


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_signed_by_a_stranger() -> Case:
    """The last checkpoint of the old keys bears the lines of a stranger alone."""
    return hand_over_note(
        lambda note: signed_note(note.split("\n\n")[0] + "\n", *STRANGERS.checkpoint)
    )


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_signed_by_the_new_keys() -> Case:
    """The new keys sign their own hand-over."""
    new = rotated(QUIET_ROTATION).log.keys.checkpoint
    return hand_over_note(lambda note: signed_note(note.split("\n\n")[0] + "\n", *new))


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_under_a_checkpoint_of_another_log() -> Case:
    """The old keys signed the same tree under the name of another log."""
    old = honest().log.checkpoint_keys
    return hand_over_note(
        lambda note: signed_note(note.split("\n\n")[0].replace("/log", "/lag") + "\n", *old)
    )


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_with_a_proof_that_names_another_index() -> Case:
    """The tlog-proof is the right one, but for the index that it states."""
    package = rotated(QUIET_ROTATION).complete()
    proof = package[old_proof_path(BEFORE)]
    renamed = proof.replace(b"index %d\n" % BEFORE, b"index 0\n")
    assert renamed != proof
    changed = package.put(old_proof_path(BEFORE), renamed)
    return before_old_pins(changed.restated(), rotated(QUIET_ROTATION))


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID", history="7.2 FAIL LOG_FORKED")
def hand_over_under_a_later_checkpoint_of_the_old_keys() -> Case:
    """The old keys, which a thief may have, signed once more after they had been handed over."""
    world = rotated(QUIET_ROTATION)
    headers = world.log.headers_under(QUIET_ROTATION + 1)
    later = world.log.checkpoint(QUIET_ROTATION + 1)[1].split("\n\n")[0] + "\n"
    note = signed_note(later, *honest().log.checkpoint_keys)
    package = world.complete().put(old_proof_path(BEFORE), tlog_proof_of(headers, note, BEFORE))
    return before_old_pins(package.restated(), world)


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID", history="7.2 FAIL LOG_FORKED")
def hand_over_under_a_later_checkpoint() -> Case:
    """The header before the hand-over is shown under the next checkpoint, which the new keys signed."""
    world = rotated(QUIET_ROTATION)
    headers = world.log.headers_under(QUIET_ROTATION + 1)
    note = world.log.checkpoint(QUIET_ROTATION + 1)[1]
    package = world.complete().put(old_proof_path(BEFORE), tlog_proof_of(headers, note, BEFORE))
    return before_old_pins(package.restated(), world)


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_with_the_proof_of_another_header() -> Case:
    """The tlog-proof is that of batch 0 under the same checkpoint."""
    world = rotated(QUIET_ROTATION)
    headers = world.log.headers_under(QUIET_ROTATION)
    note = world.log.checkpoint(QUIET_ROTATION)[1]
    package = world.complete().put(old_proof_path(BEFORE), tlog_proof_of(headers, note, 0))
    return before_old_pins(package.restated(), world)


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_with_a_changed_header() -> Case:
    """The exporter writes his own next key set into the header before the hand-over."""
    world = rotated(QUIET_ROTATION)
    package = world.complete()
    header = json.loads(package[old_header_path(BEFORE)]) | {"next_keys": STRANGERS.digest}
    forged = (
        package.put(old_header_path(BEFORE), jsonc.encode(header))
        .put(key_set_path(STRANGERS.digest), STRANGERS.text)
        .restated()
    )
    return case(forged, world)


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def hand_over_to_the_same_keys() -> Case:
    """A header that names one key set twice is shown as a hand-over."""
    world = World()
    world.log.next_keys = world.log.keys
    world.tell()
    headers = world.log.headers_under(3)
    note = world.log.checkpoint(3)[1]
    package = (
        world.complete()
        .put(old_header_path(2), headers[2])
        .put(old_proof_path(2), tlog_proof_of(headers, note, 2))
    )
    return before_old_pins(package.restated(), world)


@attack(checkpoint="5.3 NOT CHECKED KEY_TYPE_UNKNOWN")
def hand_over_by_keys_of_an_unknown_type() -> Case:
    """A key in force at the hand-over is of a type that nobody knows yet."""
    world = World()
    world.log.keys = with_an_unknown_type()
    world.tell(hand_overs=(QUIET_ROTATION,))
    return before_old_pins(world.complete(), world)


@attack(checkpoint="5.3 FAIL HANDOVER_INVALID")
def forged_hand_over_by_keys_of_an_unknown_type() -> Case:
    """A key of a type that nobody knows excuses no bad signature of one that everybody knows."""
    world = World()
    world.log.keys = with_an_unknown_type()
    world.tell(hand_overs=(QUIET_ROTATION,))

    def change(note: str) -> str:
        text, lines = note.split("\n\n")
        raw = cosigner().sign(f"{text}\n")
        forged = cosigner().line(raw[:100] + bytes([raw[100] ^ 1]) + raw[101:])
        return f"{text}\n\n{lines.splitlines(keepends=True)[0]}{forged}"

    world.damage.changes["note"] = at(change, size=QUIET_ROTATION)
    return before_old_pins(world.complete(), world)


@attack(container="2.5 FAIL FILE_MISSING", checkpoint="5.3 NOT CHECKED BLOCKED")
def hand_over_without_its_header() -> Case:
    """Of a hand-over only the tlog-proof is there."""
    world = rotated(QUIET_ROTATION)
    package = world.complete().drop(old_header_path(BEFORE))
    return before_old_pins(package.restated(), world)


@attack(container="2.5 FAIL FILE_UNKNOWN")
def hand_over_after_the_as_of_batch() -> Case:
    """The last header is shown as one before a hand-over, which nothing shows."""
    world = honest()
    headers = world.log.headers_under(6)
    note = world.log.checkpoint(6)[1]
    package = (
        world.complete()
        .put(old_header_path(5), headers[5])
        .put(old_proof_path(5), tlog_proof_of(headers, note, 5))
        .put(key_set_path(world.log.next_keys.digest), world.log.next_keys.text)
    )
    return case(package.restated())


# ---------------------------------------------------------------------- 12.2 receipts


@attack()
def receipt_by_a_key_that_was_handed_over_to() -> Case:
    """The person pinned the old receipt key; the receipt is by the new one."""
    world = rotated(QUIET_ROTATION)
    made = with_receipts(world.log.receipt(CASE, 4), world=world)
    policy = honest().policy()
    policy["required"]["complete"].append("receipts")
    return replace(made, policy=policy)


@attack(
    checkpoint="5.4 NOT CHECKED CHECKPOINT_KEY_NOT_PINNED",
    receipts="12.2 NOT CHECKED RECEIPT_KEY_NOT_PINNED",
)
def receipt_by_a_new_key_without_its_hand_over() -> Case:
    """Nothing leads from the pinned keys to the one that signed the receipt."""
    world = rotated(ANCHORED_ROTATION)
    made = with_receipts(world.log.receipt(CASE, 4), world=world)
    policy = honest().policy()
    policy["required"]["complete"].append("receipts")
    package = without_hand_over(world.complete(), ANCHORED_ROTATION - 1).restated()
    return replace(made, policy=policy, package=package)

"""Attacks on and by checkpoints that a person got from others: steps 5.6 and 7.4.

A checkpoint is evidence against a log that told somebody else another story; what the log's keys
did not sign must not be evidence against anybody.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from tests.hostile.attacks.person import head_after
from tests.hostile.case import Case, attack, case, honest
from tests.hostile.log import Key, signed_note
from tests.hostile.world import NOBODY, World
from verifier.format.digests import b64_encode

OTHER_ROOT = b"\x77" * 32


def with_checkpoints(*checkpoints: str, kind: str = "complete", world: World | None = None) -> Case:
    """A person who holds checkpoints of this log."""
    told = world or honest()
    package = getattr(told, kind)()
    files = {f"checkpoint-{i}.txt": text.encode() for i, text in enumerate(checkpoints)}
    inputs = told.inputs(NOBODY) if kind == "absent" else told.inputs()
    return case(package, told, inputs=inputs | {"checkpoints": list(files)}, receipts=files)


def text(size: int, root: bytes = OTHER_ROOT, origin: str | None = None) -> str:
    return f"{origin or honest().log.name}\n{size}\n{b64_encode(root)}\n"


def signed(size: int, root: bytes = OTHER_ROOT) -> str:
    """A checkpoint that the log's keys sign, whatever it says."""
    return signed_note(text(size, root), *honest().log.checkpoint_keys)


@cache
def true(size: int) -> str:
    """The checkpoint that the honest log gives to everybody."""
    return honest().log.checkpoint(size)[1]


@attack()
def checkpoints_of_every_size() -> Case:
    """Somebody watched the log from its first batch, and saw what the package says."""
    return with_checkpoints(*(true(size) for size in range(1, 7)))


@attack()
def checkpoint_given_twice() -> Case:
    """One checkpoint under two names is one."""
    return with_checkpoints(true(3), true(3))


@attack()
def checkpoint_with_a_witness() -> Case:
    """A line of another key stands under the log's own: it is passed over."""
    witness = Key("witness.example", b"\x0a" * 32)
    return with_checkpoints(true(3) + signed_note(text(3), witness).split("\n\n")[1])


@attack()
def checkpoint_of_a_size_that_nothing_shows() -> Case:
    """Batch 1 has no anchor of its own, so nothing in the package has size 2 to compare with."""
    return with_checkpoints(signed(2))


@attack(history="7.4 FAIL LOG_FORKED")
def another_root_for_a_shown_checkpoint() -> Case:
    """The log signed another root for size 3 and showed it to somebody else."""
    return with_checkpoints(signed(3))


@attack(history="7.4 FAIL LOG_FORKED")
def another_root_for_the_newest_checkpoint() -> Case:
    """The log signed another root for the as-of size."""
    return with_checkpoints(true(3), signed(6))


@attack(history="7.4 FAIL LOG_FORKED")
def another_root_for_a_link_that_is_not_shown() -> Case:
    """Size 4 was anchored by a link between two shown ones; the log signed another root for it."""
    return with_checkpoints(signed(4))


@attack(history="7.4 NOT CHECKED KEYS_COMPROMISED")
def another_root_that_a_thief_of_the_keys_could_have_signed() -> Case:
    """The log is trusted up to its last anchor; the keys that signed another root were taken later."""
    policy = honest().policy()
    policy["log"][0]["last_good_head"] = head_after(-1)
    return replace(with_checkpoints(signed(3)), policy=policy)


@attack(history="7.4 FAIL LOG_FORKED")
def another_root_beside_the_true_one() -> Case:
    """One person holds the true checkpoint, another one the false one."""
    return with_checkpoints(true(5), signed(5))


@attack(history="7.4 FAIL LOG_FORKED")
def another_root_against_an_absence() -> Case:
    """A package that says nothing is there comes from one of two histories."""
    return with_checkpoints(signed(6), kind="absent")


@attack(history="7.4 FAIL LOG_FORKED")
def another_root_against_an_extract() -> Case:
    """An extract comes from one of two histories."""
    return with_checkpoints(signed(6), kind="extract")


# ---------------------------------------------------------------------- 5.6 what shows nothing


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_FORM:NOTE_FORM")
def checkpoint_that_is_no_note() -> Case:
    """A letter is no checkpoint; that says nothing about the package."""
    return with_checkpoints("Dear Sir,")


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_FORM:NOTE_FORM")
def empty_checkpoint() -> Case:
    """The file is empty."""
    return with_checkpoints("")


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_FORM:NOTE_SIGNATURES")
def checkpoint_cut_before_its_signature() -> Case:
    """A checkpoint of another root lost its signature on the way."""
    return with_checkpoints(text(3) + "\n")


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_FORM:CHECKPOINT_LINES")
def checkpoint_of_others_with_an_extension_line() -> Case:
    """The log's key signed a fourth line; the format has none."""
    return with_checkpoints(signed_note(text(3) + "more\n", *honest().log.checkpoint_keys))


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_FORM")
def checkpoint_of_another_log() -> Case:
    """The log's key signed for a log of another name."""
    other = text(3, origin="other.example/log")
    return with_checkpoints(signed_note(other, *honest().log.checkpoint_keys))


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_NOT_SIGNED")
def checkpoint_by_a_stranger() -> Case:
    """Anybody can write another root under the log's name, with a key of his own."""
    stranger = Key(honest().log.name, b"\x09" * 32)
    return with_checkpoints(signed_note(text(3), stranger))


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_NOT_SIGNED")
def checkpoint_by_the_receipt_key() -> Case:
    """The receipt key signs no checkpoints, also under the log's name."""
    receipt = Key(honest().log.name, honest().log.receipt_key.secret)
    return with_checkpoints(signed_note(text(3), receipt))


def resigned(change: Callable[[bytes], bytes]) -> Case:
    """Another root for a shown checkpoint, with a changed signature of the pinned Ed25519 key."""
    body, lines = signed(3).split("\n\n")
    line, _, others = lines.partition("\n")
    name, encoded = line.removeprefix("— ").split(" ")
    raw = b64decode(encoded)
    return with_checkpoints(f"{body}\n\n— {name} {b64_encode(raw[:4] + change(raw[4:]))}\n{others}")


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_NOT_SIGNED")
def checkpoint_with_a_wrong_signature() -> Case:
    """One bit of the signature is another: the log is framed."""
    return resigned(lambda raw: raw[:63] + bytes([raw[63] ^ 1]))


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_NOT_SIGNED")
def checkpoint_with_the_signature_of_another() -> Case:
    """The signature is the log's own, under the true root: the log is framed."""
    return with_checkpoints(text(3) + "\n" + true(3).split("\n\n")[1])


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_NOT_SIGNED", history="7.4 FAIL LOG_FORKED")
def forged_checkpoint_beside_a_good_one() -> Case:
    """What one forger writes does not hide what the log signed."""
    stranger = Key(honest().log.name, b"\x09" * 32)
    return with_checkpoints(signed_note(text(6), stranger), signed(6))


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_FORM:NOTE_FORM", history="7.4 FAIL LOG_FORKED")
def letter_beside_a_checkpoint_of_another_root() -> Case:
    """A file that is no checkpoint does not hide what the log signed in the one after it."""
    return with_checkpoints("Dear Sir,", signed(6))


HAND_OVER = 3  # the batch that the next keys sign first; size 3 ends with the last of the old ones


def by_the_next_keys(size: int) -> Case:
    """A person who pins the old keys holds another root for `size`, which the next keys signed."""
    world = World.told(hand_overs=(HAND_OVER,))
    name = "theirs.txt"
    return case(
        world.complete(),
        world,
        policy=honest().policy(),
        inputs=world.inputs() | {"checkpoints": [name]},
        receipts={name: signed_note(text(size), *world.log.checkpoint_keys).encode()},
    )


@attack(history="7.4 FAIL LOG_FORKED")
def another_root_by_the_next_keys() -> Case:
    """The keys that were handed over to signed another root for their first size."""
    return by_the_next_keys(HAND_OVER + 1)


@attack(checkpoint="5.6 NOT CHECKED OTHER_CHECKPOINT_NOT_SIGNED")
def checkpoint_by_the_next_keys_before_their_time() -> Case:
    """Whoever holds the next keys can't speak for the sizes before the hand-over."""
    return by_the_next_keys(HAND_OVER)


@attack(error="1.2 INPUTS_CHECKPOINT_UNREADABLE")
def checkpoint_that_is_not_there() -> Case:
    """A file that the person names is missing; leaving it out silently would hide a fork."""
    return case(honest().complete(), inputs=honest().inputs() | {"checkpoints": ["gone.txt"]})


@attack(error="1.2 INPUTS_CHECKPOINT_SIZE")
def checkpoint_of_a_megabyte() -> Case:
    """A file that is no checkpoint was named by mistake."""
    return with_checkpoints(" " * (2**20 + 1))

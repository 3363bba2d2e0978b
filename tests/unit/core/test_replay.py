"""Replays of public material (docs/spec/format.md §13): verifier/format/replay.py, map_tree.py, public.py.

The folder is written by tests.reference.toy_log, damaged in one place, and replayed by the command.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.reference import naive_map, toy_log
from tests.reference.toy_log import NAME, Signer, ToyLog, key_of, told, write
from verifier.check.replay import replay_folder
from verifier.check.rows import CannotJudge
from verifier.format import batches, public, trees
from verifier.format.digests import ZERO, Digest
from verifier.format.fold import Fold, Link
from verifier.format.frontier import Frontier
from verifier.format.map_tree import MapTree
from verifier.format.replay import ReplayFault

STORY = [{"a": 2}, {"b": 1, "a": 1}, {}, {"c": 3, "d": 1}, {"a": 1, "d": 2}]


def log() -> ToyLog:
    """Five batches, a hand-over at batch 3, anchors of sizes 1, 3, 3 and 5."""
    made = told(STORY[:1])
    made.anchor()
    told(STORY[1:3], made)
    made.anchor()
    made.anchor()
    made.hand_over()
    told(STORY[3:], made)
    made.anchor()
    return made


def fault(files: dict[str, bytes], folder: Path, **options: Any) -> ReplayFault:
    report = replay_folder(write(files, folder), **options)
    assert report.exit == 2
    assert report.fault is not None
    assert str(report.fault) in report.text()
    assert json.loads(report.json())["fault"]["file"] == report.fault.file
    return report.fault


# ---------------------------------------------------------------------- the map


def test_the_growing_map_has_the_root_of_the_map_rebuilt() -> None:
    draw = random.Random(1)
    tree, values = MapTree(), dict[bytes, bytes]()
    assert tree.root() == ZERO
    for _ in range(60):
        keys = set()
        for _ in range(draw.randrange(6)):
            # Half of the keys share all bits but their last ones, as nobody's hash does.
            close = bytes([draw.choice([0, 1, 255])]) * 31 + draw.randbytes(1)
            keys.add(Digest(draw.choice([close, draw.randbytes(32)])))
        changes = [(key, Digest(draw.randbytes(32))) for key in sorted(keys)]
        tree.put(changes)
        values.update(changes)
        assert tree.root() == naive_map.root(values)
        assert len(tree) == len(values)
    assert all(tree.get(key) == value for key, value in values.items())
    assert tree.get(ZERO) == values.get(ZERO)


# ---------------------------------------------------------------------- a log that holds


def test_a_whole_log_holds(tmp_path: Path) -> None:
    made = log()
    report = replay_folder(write(made.files(), tmp_path))
    assert (report.exit, report.fault) == (0, None)
    assert (report.replay.batches, report.replay.matters, report.replay.changes) == (5, 4, 7)
    assert (report.anchors, report.beyond) == (4, 0)
    assert report.replay.root == made.root(5)
    assert report.replay.keys == Signer(b"next").digest
    assert report.head == made.contract_head
    assert report.text().startswith("REPLAY: holds: 5 batches, 7 changes, 4 matters, 4 anchors\n")


def test_a_log_without_batches_holds(tmp_path: Path) -> None:
    report = replay_folder(write(ToyLog().files(), tmp_path))
    assert (report.exit, report.replay.batches, report.replay.keys) == (0, 0, None)
    assert report.replay.map_root == ZERO


@pytest.mark.parametrize("until", range(5))
def test_a_replay_up_to_a_batch_counts_the_anchors_beyond(until: int, tmp_path: Path) -> None:
    report = replay_folder(write(log().files(), tmp_path), until=until)
    assert (report.exit, report.replay.batches) == (0, until + 1)
    assert report.beyond == sum(size > until + 1 for size in (1, 3, 3, 5))


def test_a_batch_beyond_the_last_is_not_replayed(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge) as caught:
        replay_folder(write(log().files(), tmp_path), until=5)
    assert caught.value.code == "PUBLIC_UNREADABLE"


def test_every_batch_is_reported(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    replay_folder(write(log().files(), tmp_path), progress=lambda *at: seen.append(at))
    assert seen == [(i, 5) for i in range(1, 6)]


# ---------------------------------------------------------------------- one damage each

HEADER_1, DELTA_1, CHECKPOINT_1 = (
    public.batch_file(1, name) for name in (public.HEADER, public.DELTA, public.CHECKPOINT)
)


@pytest.mark.parametrize("file", sorted(log().files()))
def test_a_missing_file_is_found(file: str, tmp_path: Path) -> None:
    files = log().files()
    del files[file]
    if file == public.LOG_FILE:
        with pytest.raises(CannotJudge):
            replay_folder(write(files, tmp_path))
        return
    found = fault(files, tmp_path)
    place = file if file.startswith((public.KEYS, public.FOLD_FILE)) else file.rpartition("/")[0]
    assert found.file == place


@pytest.mark.parametrize("file", sorted(log().files()))
def test_a_byte_more_in_any_file_is_found(file: str, tmp_path: Path) -> None:
    files = log().files()
    files[file] += b"\n"
    if file == public.LOG_FILE:
        with pytest.raises(CannotJudge):
            replay_folder(write(files, tmp_path))
        return
    assert fault(files, tmp_path).file == file


def test_swapped_batches_are_found(tmp_path: Path) -> None:
    files = log().files()
    for name in (public.HEADER, public.DELTA, public.CHECKPOINT):
        one, other = public.batch_file(1, name), public.batch_file(2, name)
        files[one], files[other] = files[other], files[one]
    found = fault(files, tmp_path)
    assert (found.batch, found.file, found.expected, found.found) == (1, HEADER_1, "batch 1", "2")


@pytest.mark.parametrize("stray", ["7", "-1", "01", "x", ".incoming", "2.part"])
def test_a_folder_too_many_is_found(stray: str, tmp_path: Path) -> None:
    write(log().files(), tmp_path)
    (tmp_path / public.BATCHES / stray).mkdir()
    found = replay_folder(tmp_path).fault
    assert found is not None
    assert (found.batch, found.file) == (5, public.BATCHES)
    assert stray in found.found


def test_a_file_too_many_in_a_batch_is_found(tmp_path: Path) -> None:
    files = log().files() | {"batches/1/note.txt": b""}
    found = fault(files, tmp_path)
    assert (found.batch, found.file) == (1, "batches/1")


def damaged(change: Callable[[ToyLog], object]) -> dict[str, bytes]:
    """The folder of a log that was damaged before its last batch, and seals and signs it all the same."""
    made = log()
    change(made)
    made.add("e", "after the damage")
    made.seal()
    return made.files()


def resealed(**members: Any) -> dict[str, bytes]:
    """The folder of a log whose last header has other members, signed all the same."""
    made = log()
    made.add("e", "one more")
    made.seal(**members)
    return made.files()


@pytest.mark.parametrize(
    ("members", "file", "expected"),
    [
        ({"log": "other.example/log"}, "header.json", f"log {NAME}"),
        ({"batch": 6}, "header.json", "batch 5"),
        ({"delta": ZERO}, "delta.txt", f"digest {'00' * 32} of the header"),
        ({"map_root": ZERO}, "header.json", "map root "),
        ({"keys": Signer(b"stranger").digest}, "header.json", "keys "),
    ],
)
def test_a_header_that_lies_is_found(
    members: dict[str, Any], file: str, expected: str, tmp_path: Path
) -> None:
    found = fault(resealed(**members), tmp_path)
    assert (found.batch, found.file) == (5, f"batches/5/{file}")
    assert found.expected.startswith(expected)


def test_a_batch_after_the_one_that_ends_the_log_is_found(tmp_path: Path) -> None:
    made = log()
    made.seal(successor="notary.example/next")
    assert replay_folder(write(made.files(), tmp_path / "ended")).exit == 0
    made.seal()
    found = fault(made.files(), tmp_path / "on")
    assert (found.batch, found.file) == (6, "batches/6/header.json")
    assert found.expected == "no batch after 5, which names a successor"


def with_delta(change: Callable[[bytes], bytes]) -> dict[str, bytes]:
    """The last batch has another delta file, with its digest in the header, and is signed."""
    made = log()
    made.add("e", "one more")
    batch = made.seal()
    made.batches.pop()
    batch.delta = change(batch.delta)
    header = batches.parse_header(batch.header)._replace(delta=Digest(sha256(batch.delta).digest()))
    batch.header = batches.encode_header(header)
    made.batches.append(batch)
    return made.files()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b"notary-delta/1", b"notary-delta/2", 1),
        (b"\n5\n", b"\n4\n", 2),
        (NAME.encode(), b"other.example/log", 2),
        (b" - ", b"  ", 4),
        (b" - ", b" " + b"0" * 64 + b" ", 4),
    ],
)
def test_a_delta_file_that_lies_is_found_by_its_line(
    old: bytes, new: bytes, line: int, tmp_path: Path
) -> None:
    found = fault(with_delta(lambda delta: delta.replace(old, new)), tmp_path)
    assert (found.batch, found.file, found.line) == (5, "batches/5/delta.txt", line)


def test_an_old_value_that_is_not_the_map_s_is_found_by_its_line(tmp_path: Path) -> None:
    """The service changed a matter behind its own log's back."""
    before = log().batches[-1].values

    def change(delta: bytes) -> bytes:
        keys = sorted([key_of("a"), key_of("e")])
        lines = delta.split(b"\n")
        mine = b"%s %s %s" % (key_of("a").hex().encode(), b"77" * 32, b"88" * 32)
        lines.insert(3 + keys.index(key_of("a")), mine)
        return b"\n".join(lines)

    found = fault(with_delta(change), tmp_path)
    line = 4 + sorted([key_of("a"), key_of("e")]).index(key_of("a"))
    assert (found.batch, found.line, found.found) == (5, line, "77" * 32)
    assert found.expected == f"old value {before[key_of('a')].hex()}"


def test_a_change_that_is_not_told_is_found(tmp_path: Path) -> None:
    found = fault(with_delta(lambda delta: b"\n".join(delta.split(b"\n")[:3]) + b"\n"), tmp_path)
    assert (found.batch, found.file) == (5, "batches/5/header.json")
    assert found.expected.startswith("map root ")


def test_a_hand_over_to_keys_that_were_not_named_is_found(tmp_path: Path) -> None:
    made = log()
    made.signer = Signer(b"thief")
    made.seal()
    found = fault(made.files(), tmp_path)
    named = Signer(b"next").digest.hex()
    assert (found.batch, found.file) == (5, "batches/5/header.json")
    assert found.expected.startswith(f"keys {named} or ")


def test_a_key_set_of_another_digest_is_found(tmp_path: Path) -> None:
    files = log().files()
    name = public.key_set_file(Signer(b"next").digest)
    files[name] = Signer(b"thief").text.encode()
    found = fault(files, tmp_path)
    assert (found.batch, found.file) == (3, name)
    assert found.found == Signer(b"thief").digest.hex()


def test_a_hand_over_to_what_is_no_key_set_is_found(tmp_path: Path) -> None:
    """The log itself committed to it, and the old keys go on signing."""
    none = b"no key set\n"
    digest = Digest(sha256(none).digest())
    made = log()
    made.seal(next_keys=digest)
    made.seal(keys=digest)
    name = public.key_set_file(digest)
    found = fault(made.files() | {name: none}, tmp_path)
    assert (found.batch, found.file, found.expected) == (6, name, "a key set")


@pytest.mark.parametrize(
    ("size", "root", "origin", "line"),
    [(2, None, NAME, 2), (None, ZERO, NAME, 3), (None, None, "other.example/log", 1)],
)
def test_a_checkpoint_that_lies_is_found_by_its_line(
    size: int | None, root: Digest | None, origin: str, line: int, tmp_path: Path
) -> None:
    made = log()
    files = made.files()
    note = Signer(b"next").note(size or 5, root or made.root(5), origin)
    files["batches/4/checkpoint.txt"] = note.encode()
    found = fault(files, tmp_path)
    assert (found.batch, found.file, found.line) == (4, "batches/4/checkpoint.txt", line)


def test_a_checkpoint_by_the_keys_before_the_hand_over_is_found(tmp_path: Path) -> None:
    made = log()
    files = made.files()
    files["batches/4/checkpoint.txt"] = Signer(b"now").note(5, made.root(5)).encode()
    found = fault(files, tmp_path)
    assert (found.batch, found.line) == (4, None)
    assert found.found.startswith("NOTE_SIGNATURE_MISSING")


def test_a_checkpoint_with_a_bad_signature_is_found(tmp_path: Path) -> None:
    made = log()
    files = made.files()
    good, other = made.checkpoint(5), made.checkpoint(4)
    forged = good.split("\n\n")[0] + "\n\n" + other.split("\n\n")[1]
    files["batches/4/checkpoint.txt"] = forged.encode()
    found = fault(files, tmp_path)
    assert (found.batch, found.found.partition(":")[0]) == (4, "NOTE_SIGNATURE")


# ---------------------------------------------------------------------- anchors


@pytest.mark.parametrize(
    ("change", "expected", "found"),
    [
        (lambda links: links[::-1], "link 1 with size 5 or more", "size 3"),
        (lambda links: [links[0]._replace(size=0)], "link 0 with size 1 or more", "size 0"),
        (lambda links: [*links, links[3]._replace(size=6)], "link 4 with size 5 or less", "size 6"),
        (lambda links: [links[0]._replace(root=ZERO)], "link 0 with root ", "00" * 32),
        (lambda links: [links[1]._replace(size=2)], "link 0 with root ", ""),
    ],
)
def test_anchors_that_are_not_the_log_s_are_found(
    change: Callable[[list[Link]], list[Link]], expected: str, found: str, tmp_path: Path
) -> None:
    made = log()
    made.anchors = change(made.anchors)
    fault_ = fault(made.files(), tmp_path)
    assert (fault_.batch, fault_.file) == (None, public.FOLD_FILE)
    assert fault_.expected.startswith(expected)
    assert fault_.found.startswith(found)


def test_anchors_that_do_not_begin_with_the_first_are_found(tmp_path: Path) -> None:
    made = log()
    fold = Fold(Digest(b"\x01" * 32), tuple(made.anchors))
    files = made.files() | {public.FOLD_FILE: public.encode_fold(fold)}
    assert fault(files, tmp_path).expected == "prev of 32 zero bytes"


# ---------------------------------------------------------------------- the command


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """`verifier replay`, as a process of its own that sees nothing of this one's environment."""
    command = [sys.executable, "-I", "-m", "verifier.check", "replay", str(folder), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_says_what_it_found(tmp_path: Path) -> None:
    files = log().files()
    good = run(write(files, tmp_path / "good"))
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("REPLAY: holds: 5 batches")
    files[DELTA_1] = files[DELTA_1].replace(b" - ", b" " + b"0" * 64 + b" ")
    bad = run(write(files, tmp_path / "bad"), "--json")
    assert (bad.returncode, bad.stderr) == (2, "")
    found = json.loads(bad.stdout)
    assert (found["holds"], found["batches"]) == (False, 2)
    assert (found["fault"]["batch"], found["fault"]["file"]) == (1, DELTA_1)
    none = run(tmp_path / "nothing")
    assert (none.returncode, "PUBLIC_UNREADABLE" in none.stdout) == (4, True)


def test_a_key_of_an_unknown_type_is_said_and_never_ignored(tmp_path: Path) -> None:
    report = replay_folder(
        write(told(STORY, ToyLog(signer=Signer(b"now", extra=5))).files(), tmp_path)
    )
    assert (report.exit, report.fault) == (3, None)
    assert "REPLAY_KEY_TYPE_UNKNOWN" in report.text()
    assert len(report.replay.unknown_keys) == 1


def test_a_special_file_is_not_read(tmp_path: Path) -> None:
    """A pipe would keep the replay waiting for ever, a link would lead out of the folder."""
    write(log().files(), tmp_path)
    (tmp_path / DELTA_1).unlink()
    os.mkfifo(tmp_path / DELTA_1)
    assert run(tmp_path).returncode == 4
    (tmp_path / DELTA_1).unlink()
    (tmp_path / DELTA_1).symlink_to(tmp_path / CHECKPOINT_1)
    assert run(tmp_path).returncode == 4


@pytest.mark.slow
def test_a_thousand_batches_replay_in_seconds(tmp_path: Path) -> None:
    """100,000 changes of 10,000 matters; the bar is far above what an idle machine needs."""
    draw = random.Random(1)
    keys = [Digest(draw.randbytes(32)) for _ in range(10_000)]
    tree, values, signer = MapTree(), dict[Digest, Digest](), Signer(b"now")
    files = ToyLog().files() | {public.key_set_file(signer.digest): signer.text.encode()}
    frontier = Frontier()
    for index in range(1000):
        changes = [
            batches.Change(key, values.get(key), Digest(draw.randbytes(32)))
            for key in sorted(draw.sample(keys, 100))
        ]
        tree.put([(one.key, one.new) for one in changes])
        values.update({one.key: one.new for one in changes})
        delta = batches.encode_delta(NAME, index, changes)
        header = batches.encode_header(
            batches.BatchHeader(
                NAME, index, toy_log.START, tree.root(), Digest(sha256(delta).digest()), 60,
                signer.digest, ZERO,
            )
        )  # fmt: skip
        frontier.append(trees.leaf_hash(header))
        files[public.batch_file(index, public.HEADER)] = header
        files[public.batch_file(index, public.DELTA)] = delta
        checkpoint = signer.note(index + 1, frontier.root()).encode()
        files[public.batch_file(index, public.CHECKPOINT)] = checkpoint
    write(files, tmp_path)
    began = time.process_time()
    report = replay_folder(tmp_path)
    took = time.process_time() - began
    assert (report.exit, report.replay.batches, report.replay.changes) == (0, 1000, 100_000)
    print(f"1,000 batches of 100 changes over 10,000 matters: {took:.1f} s")
    assert took < 30

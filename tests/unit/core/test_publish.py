"""Publishing (docs/spec/format.md §13): notary/usecases/publish.py.

A toy log stands for the store; what the folder says is judged by the stand-alone replay.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notary.core.log_identity import LogIdentity
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Anchor, AsOf, Leg, SealedBatch
from notary.usecases.publish import Published, Publisher
from tests.reference.toy_log import LOG, ToyLog, told
from verifier.check.replay import replay_folder
from verifier.format import batches, public
from verifier.format.digests import ZERO, Digest

STORY = [{"a": 2}, {"b": 1, "a": 1}, {}, {"c": 3}]


@dataclass
class Store:
    """The two ports that publishing asks, over a toy log."""

    log: ToyLog

    def size(self) -> int:
        return len(self.log.batches)

    def batch(self, index: int) -> SealedBatch:
        data = self.log.batches[index].header
        return SealedBatch(index, data, batches.parse_header(data), None)

    def checkpoint(self, size: int) -> str:
        return self.log.checkpoint(size)

    def delta(self, index: int) -> bytes:
        return self.log.batches[index].delta

    def key_set(self, digest: Digest) -> bytes:
        signers = {batch.signer.digest: batch.signer for batch in self.log.batches}
        return signers[digest].text.encode()

    def anchors(self) -> list[Anchor]:
        return [Anchor(i, ZERO, link, ZERO) for i, link in enumerate(self.log.anchors)]

    def leg_of(self, number: int) -> Leg:
        raise AssertionError("no leg is public")

    def newest_as_of(self, block: int | None = None, time: int | None = None) -> AsOf | None:
        raise AssertionError("no as-of proof is public")


def published(log: ToyLog, folder: Path) -> Published:
    store = Store(log)
    publisher = Publisher(LogIdentity(*LOG), store, store)
    return publisher.publish(folder, lambda done, total: None)


def content(folder: Path) -> dict[str, bytes]:
    """Every file that a reader of the folder sees."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith("."):
            found[name] = path.read_bytes()
    return found


def test_a_log_is_published_and_replays(tmp_path: Path) -> None:
    log = told(STORY)
    log.anchor(2)
    assert published(log, tmp_path / "new" / "folder") == Published(4, 4, 1)
    assert content(tmp_path / "new" / "folder") == log.files()
    assert replay_folder(tmp_path / "new" / "folder").exit == 0


def test_only_what_is_new_is_added(tmp_path: Path) -> None:
    log = told(STORY[:2])
    assert published(log, tmp_path) == Published(2, 2, 0)
    before = (tmp_path / public.batch_file(0, public.HEADER)).stat().st_ino
    log.anchor()
    log.hand_over()
    told(STORY[2:], log)
    assert published(log, tmp_path) == Published(4, 2, 1)
    assert published(log, tmp_path) == Published(4, 0, 1)
    assert content(tmp_path) == log.files()
    assert (tmp_path / public.batch_file(0, public.HEADER)).stat().st_ino == before
    assert replay_folder(tmp_path).exit == 0


def test_an_empty_log_is_published(tmp_path: Path) -> None:
    assert published(ToyLog(), tmp_path) == Published(0, 0, 0)
    assert replay_folder(tmp_path).exit == 0


def effects(monkeypatch: pytest.MonkeyPatch, fail_at: int, *, applied: bool) -> list[str]:
    """Let the effect of that number fail, before or after it took place; the list counts them."""
    seen: list[str] = []

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def effect(*arguments: object, **options: object) -> object:
            seen.append(real.__name__)
            here = len(seen) - 1 == fail_at
            if here and not applied:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            result = real(*arguments, **options)
            if here:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return result

        return effect

    monkeypatch.setattr(Path, "replace", failing(Path.replace))
    monkeypatch.setattr(Path, "rename", failing(Path.rename))
    monkeypatch.setattr(Path, "mkdir", failing(Path.mkdir))
    monkeypatch.setattr(os, "fsync", failing(os.fsync))
    return seen


@pytest.mark.parametrize("applied", [False, True])
def test_a_failure_anywhere_leaves_what_the_next_run_goes_on_with(
    applied: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each effect fails once, before and after it applied; never is half a batch seen."""
    log = told(STORY[:2])
    log.anchor()
    with monkeypatch.context() as patch:
        seen = effects(patch, -1, applied=False)
        published(log, tmp_path / "whole")
        count = len(seen)
    assert count > 15
    for number in range(count):
        folder = tmp_path / str(number)
        with monkeypatch.context() as patch:
            folder.mkdir()
            effects(patch, number, applied=applied)
            with pytest.raises(CallerError) as caught:
                published(log, folder)
        assert caught.value.code == "PUBLIC_FOLDER"
        for batch in (folder / public.BATCHES).glob("*"):
            assert sorted(one.name for one in batch.iterdir()) == sorted(
                [public.HEADER, public.DELTA, public.CHECKPOINT]
            )
        published(log, folder)
        assert content(folder) == log.files()


# ---------------------------------------------------------------------- folders of others


def test_a_folder_of_another_log_is_left_alone(tmp_path: Path) -> None:
    published(told(STORY), tmp_path)
    other = public.encode_log(LOG._replace(name="other.example/log"))
    (tmp_path / public.LOG_FILE).write_bytes(other)
    with pytest.raises(CallerError) as caught:
        published(told(STORY), tmp_path)
    assert caught.value.code == "PUBLIC_OTHER_LOG"
    assert (tmp_path / public.LOG_FILE).read_bytes() == other


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_bytes(b"")
    with pytest.raises(CallerError) as caught:
        published(told(STORY), tmp_path)
    assert caught.value.code == "PUBLIC_FOLDER"
    assert {one.name for one in tmp_path.iterdir()} <= {"thesis.tex", ".lock"}


def test_a_folder_with_a_gap_is_not_filled(tmp_path: Path) -> None:
    published(told(STORY), tmp_path)
    (tmp_path / public.BATCHES / "1").rename(tmp_path / "away")
    with pytest.raises(CallerError, match="1 is not among them"):
        published(told(STORY), tmp_path)


@pytest.mark.parametrize(
    "later",
    [
        told(STORY[:3]),
        told(STORY, teller="other "),
        told([*STORY, {"a": 1}], teller="other "),
    ],
    ids=["fewer batches", "another last batch", "another history, longer"],
)
def test_an_old_copy_of_the_store_does_not_publish_a_second_history(
    later: ToyLog, tmp_path: Path
) -> None:
    log = told(STORY)
    published(log, tmp_path)
    with pytest.raises(Contradiction) as caught:
        published(later, tmp_path)
    assert caught.value.code == "PUBLIC_DIFFERS"
    assert content(tmp_path) == log.files()


def test_two_publishers_do_not_meet(tmp_path: Path) -> None:
    log = told(STORY)

    class Twice(Store):
        def delta(self, index: int) -> bytes:
            with pytest.raises(NothingHappened) as caught:
                published(log, tmp_path)
            assert caught.value.code == "PUBLISHER_RUNS"
            return super().delta(index)

    store = Twice(log)
    Publisher(LogIdentity(*LOG), store, store).publish(tmp_path, lambda done, total: None)
    assert content(tmp_path) == log.files()

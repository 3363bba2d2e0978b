"""Keys are made once, for the service's account alone, and nothing else is taken for keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from notary.adapters.keys import folder as key_folder
from notary.adapters.keys.folder import (
    ERASURES_KEY,
    KEK,
    RECEIPT,
    SET_FILES,
    add_set,
    create_keys,
    destroy_sets,
    load_keys,
    load_sets,
    set_folder,
)
from notary.core.keyring import LogSigner
from notary.errors import CallerError
from tests.simulators.store import SeededEntropy

FILES = [KEK, ERASURES_KEY, *[f"set-{number}/{name}" for number in (1, 2) for name in SET_FILES]]
LOG = "a.example/log"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_keys(tmp_path / "keys", SeededEntropy("keys"))
    return tmp_path / "keys"


def test_keys_are_private_and_differ(folder: Path) -> None:
    folders = {folder, *[set_folder(folder, number) for number in (1, 2)]}
    assert {stat.S_IMODE(one.stat().st_mode) for one in folders} == {0o700}
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(folder)) for path in found) == sorted(FILES)
    contents = {path.read_bytes() for path in found}
    assert len(contents) == len(FILES)
    assert {len(one) for one in contents} == {32}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}


def test_what_is_loaded_is_what_was_made(tmp_path: Path) -> None:
    made = create_keys(tmp_path, SeededEntropy("keys"))
    loaded = load_keys(tmp_path)
    assert loaded.kek == made.kek == (tmp_path / KEK).read_bytes()
    one, two = loaded.load_signing()
    assert (one.number, two.number) == (1, 2)
    assert one.receipt.private_bytes_raw() == (set_folder(tmp_path, 1) / RECEIPT).read_bytes()
    digests = [
        [LogSigner(LOG, keys).digest for keys in held.load_signing()] for held in (made, loaded)
    ]
    assert digests[0] == digests[1]
    assert digests[0][0] != digests[0][1]


@pytest.mark.parametrize("name", [KEK, ERASURES_KEY, "set-1", "set-7", "set-1.part"])
def test_keys_are_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(CallerError, match=name) as caught:
        create_keys(tmp_path, SeededEntropy("keys"))
    assert caught.value.code == "KEYS_EXIST"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"precious"


@pytest.mark.parametrize("name", FILES)
def test_a_missing_key_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CallerError, match=name) as caught:
        load_keys(folder)
    assert caught.value.code == "KEY_MISSING"


def test_the_keys_of_a_draft_are_refused_with_a_reason(tmp_path: Path) -> None:
    for name in (KEK, "checkpoint.ed25519", "next-checkpoint.ed25519", "receipt.ed25519"):
        (tmp_path / name).write_bytes(bytes(32))
        (tmp_path / name).chmod(0o600)
    with pytest.raises(CallerError, match="by a draft of this format") as caught:
        load_keys(tmp_path)
    assert caught.value.code == "KEY_MISSING"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601, 0o644])
def test_a_key_open_to_others_is_refused(folder: Path, mode: int) -> None:
    (folder / KEK).chmod(mode)
    with pytest.raises(CallerError, match=f"mode {mode:04o}") as caught:
        load_keys(folder)
    assert caught.value.code == "KEY_OPEN_TO_OTHERS"


@pytest.mark.parametrize(("size", "said"), [(0, "0"), (31, "31"), (33, "more than 32")])
@pytest.mark.parametrize("name", FILES)
def test_a_key_of_another_size_is_refused(folder: Path, name: str, size: int, said: str) -> None:
    (folder / name).write_bytes(bytes(size))
    with pytest.raises(CallerError, match=f"has 32 bytes, got {said}"):
        load_keys(folder)


@pytest.mark.parametrize("name", FILES[1:])
def test_one_key_for_two_uses_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / KEK).read_bytes())
    with pytest.raises(CallerError, match="same key"):
        load_keys(folder)


def test_a_folder_in_place_of_a_key_is_refused(folder: Path) -> None:
    (folder / KEK).unlink()
    (folder / KEK).mkdir()
    with pytest.raises(CallerError) as caught:
        load_keys(folder)
    assert caught.value.code == "KEY_UNREADABLE"


def test_sets_are_counted_on_and_a_destroyed_one_is_gone(folder: Path) -> None:
    assert add_set(folder, SeededEntropy("more")) == 3
    kept = load_sets(folder)[1:]
    destroy_sets(folder, [1])
    found = load_sets(folder)
    assert [one.number for one in found] == [2, 3]
    assert [LogSigner(LOG, one).digest for one in found] == [
        LogSigner(LOG, one).digest for one in kept
    ]
    assert sorted(path.name for path in folder.iterdir()) == [ERASURES_KEY, "set-2", "set-3", KEK]
    destroy_sets(folder, [1])  # a second time changes nothing
    assert add_set(folder, SeededEntropy("yet more")) == 4


class Killed(BaseException):
    """The process ends here."""


def killed_at(monkeypatch: pytest.MonkeyPatch, nth: int, work: Callable[[], object]) -> bool:
    """Do the work, and kill it before its nth call that writes, renames, removes or forces."""
    calls = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            if calls == nth:
                raise Killed
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(key_folder, "_write", counted(key_folder._write))
        patch.setattr(os, "fsync", counted(os.fsync))
        for name in ("mkdir", "rename", "unlink", "rmdir"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        try:
            work()
        except Killed:
            return True
    return False


def test_a_set_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kills = 0
    for nth in range(1, 100):
        folder = tmp_path / str(nth)
        create_keys(folder, SeededEntropy("keys"))
        killed = killed_at(monkeypatch, nth, lambda at=folder: add_set(at, SeededEntropy("3")))  # type: ignore[misc]
        kills += killed
        assert [one.number for one in load_sets(folder)] in ([1, 2], [1, 2, 3])
        # The next one goes on, whatever is left there.
        number = add_set(folder, SeededEntropy("again"))
        assert [one.number for one in load_sets(folder)] == list(range(1, number + 1))
        if not killed:
            break
    assert kills == 10  # a folder, three files each forced, their names, the rename, its name


def test_a_set_is_destroyed_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = 0
    for nth in range(1, 100):
        folder = tmp_path / str(nth)
        create_keys(folder, SeededEntropy("keys"))
        killed = killed_at(monkeypatch, nth, lambda at=folder: destroy_sets(at, [1]))  # type: ignore[misc]
        kills += killed
        assert [one.number for one in load_sets(folder)] in ([1, 2], [2])
        destroy_sets(folder, [1])
        assert sorted(path.name for path in folder.iterdir()) == [ERASURES_KEY, "set-2", KEK]
        if not killed:
            break
    assert kills == 10

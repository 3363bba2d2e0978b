"""Keys are made once, for the service's account alone, and nothing else is taken for keys."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from notary.adapters.keys.folder import FILES, KEK, RECEIPT, create_keys, load_keys
from notary.errors import CallerError
from tests.simulators.store import SeededEntropy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_keys(tmp_path / "keys", SeededEntropy("keys"))
    return tmp_path / "keys"


def test_keys_are_private_and_differ(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    contents = {(folder / name).read_bytes() for name in FILES}
    assert len(contents) == len(FILES)
    assert {len(one) for one in contents} == {32}
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in FILES} == {0o600}


def test_what_is_loaded_is_what_was_made(tmp_path: Path) -> None:
    made = create_keys(tmp_path, SeededEntropy("keys"))
    loaded = load_keys(tmp_path)
    assert loaded.kek == made.kek == (tmp_path / KEK).read_bytes()
    assert loaded.receipt.private_bytes_raw() == (tmp_path / RECEIPT).read_bytes()
    for signer in ("checkpoint_signer", "next_checkpoint_signer", "receipt_signer"):
        one, two = getattr(loaded, signer)("a.example/log"), getattr(made, signer)("a.example/log")
        assert one.vkey == two.vkey


@pytest.mark.parametrize("name", FILES)
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


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601, 0o644])
def test_a_key_open_to_others_is_refused(folder: Path, mode: int) -> None:
    (folder / KEK).chmod(mode)
    with pytest.raises(CallerError, match=f"mode {mode:04o}") as caught:
        load_keys(folder)
    assert caught.value.code == "KEY_OPEN_TO_OTHERS"


@pytest.mark.parametrize(("size", "said"), [(0, "0"), (31, "31"), (33, "more than 32")])
def test_a_key_of_another_size_is_refused(folder: Path, size: int, said: str) -> None:
    (folder / KEK).write_bytes(bytes(size))
    with pytest.raises(CallerError, match=f"has 32 bytes, got {said}"):
        load_keys(folder)


def test_one_key_for_two_uses_is_refused(folder: Path) -> None:
    (folder / RECEIPT).write_bytes((folder / KEK).read_bytes())
    with pytest.raises(CallerError, match="same key"):
        load_keys(folder)


def test_a_folder_in_place_of_a_key_is_refused(folder: Path) -> None:
    (folder / KEK).unlink()
    (folder / KEK).mkdir()
    with pytest.raises(CallerError) as caught:
        load_keys(folder)
    assert caught.value.code == "KEY_UNREADABLE"

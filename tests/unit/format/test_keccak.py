"""Keccak-256, with and without its library."""

import builtins
import importlib
from types import ModuleType
from typing import Any

import pytest

from verifier.format import keccak

KNOWN = {
    b"": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    b"abc": "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
}


@pytest.mark.parametrize("data", KNOWN)
def test_known_hashes(data: bytes) -> None:
    assert keccak.keccak256(data).hex() == KNOWN[data]
    assert keccak.keccak256_pure(data).hex() == KNOWN[data]


def test_both_agree_around_every_block_boundary() -> None:
    pytest.importorskip("sha3")
    for length in (*range(130, 142), 271, 272, 273, 1000):
        data = bytes(i * 7 % 251 for i in range(length))
        assert keccak.keccak256(data) == keccak.keccak256_pure(data)


def test_without_the_library_the_pure_one_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_sha3(name: str, *rest: Any) -> ModuleType:
        if name == "sha3":
            raise ImportError(name)
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_sha3)
    assert keccak._choose() is keccak.keccak256_pure
    monkeypatch.undo()
    importlib.import_module("verifier.format.keccak")

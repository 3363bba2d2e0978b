"""Digests of files: each read once, large ones in threads."""

from __future__ import annotations

import io
from hashlib import new
from pathlib import Path
from zlib import crc32

import pytest

from verifier.format import file_digests
from verifier.format.file_digests import Content, Source


def test_one_reading_gives_every_digest(tmp_path: Path) -> None:
    data = b"x" * (3 * 2**20 + 1)
    (tmp_path / "file").write_bytes(data)
    digests = file_digests.digest_bytes(data, sm3=True)
    assert digests.size == len(data)
    assert digests.crc32 == crc32(data)
    for name in ("sha256", "sha512", "sm3"):
        assert getattr(digests, name) == new(name, data).digest()
    source = Source(len(data), digests.crc32, lambda: io.BytesIO(data))
    several: dict[str, Content] = {"a": data, "b": tmp_path / "file", "c": source, "d": b""}
    found = file_digests.digest_all(several, sm3=True)
    assert found["a"] == found["b"] == found["c"] == digests
    assert found["d"] == file_digests.digest_bytes(b"", sm3=True)


def test_a_small_file_is_digested_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"small")
    found = file_digests.digest_all({"a": tmp_path / "file"})
    assert found == {"a": file_digests.digest_bytes(b"small")}


def test_a_stream_is_read_up_to_its_limit_to_the_byte() -> None:
    data = b"x" * (2**20 + 1)  # one byte more than is read at once
    found = file_digests.digest_stream(io.BytesIO(data + b"more"), limit=len(data))
    assert found == file_digests.digest_bytes(data)


def test_sm3_is_there_only_if_it_was_asked_for() -> None:
    # Not every OpenSSL has it: who does not ask must not need it.
    assert file_digests.digest_stream(io.BytesIO(b"x")).sm3 is None
    assert file_digests.digest_bytes(b"x").sm3 is None


def test_a_file_that_fails_in_a_thread_fails_the_call(tmp_path: Path) -> None:
    def broken() -> io.BytesIO:
        raise OSError("the disk is gone")

    big = 2**20
    files: dict[str, Content] = {f"data/{i}": Source(big, 0, broken) for i in range(3)}
    with pytest.raises(OSError, match="the disk is gone"):
        file_digests.digest_all(files)

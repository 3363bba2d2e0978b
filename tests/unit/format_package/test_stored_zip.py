"""The one zip of a package's files (docs/spec/package.md §2)."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from zlib import crc32

import pytest

from verifier.check import evidence
from verifier.format import bag, file_digests, stored_zip
from verifier.format.file_digests import Content, Source


def zipped(files: dict[str, Content]) -> bytes:
    out = io.BytesIO()
    stored_zip.write_zip(files, out)
    return out.getvalue()


def small() -> dict[str, Content]:
    return {"data/b.json": b"{}", "bagit.txt": bag.BAGIT_BYTES, "data/a.json": b""}


def test_the_zip_opens_with_other_tools_and_holds_the_files() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(small()))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "evidence/bagit.txt",
            "evidence/data/a.json",
            "evidence/data/b.json",
        ]
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.flag_bits, entry.extra, entry.comment) == (0, b"", b"")
            assert (entry.external_attr, entry.internal_attr) == (0, 0)
            assert (entry.create_version, entry.extract_version, entry.create_system) == (20, 20, 0)


def test_the_zip_follows_from_the_files_alone(tmp_path: Path) -> None:
    data = b"\x00\xff" * 700_000
    (tmp_path / "file").write_bytes(data)
    as_bytes = zipped({**small(), "data/x": data})
    as_path = zipped({"data/x": tmp_path / "file", **dict(reversed(list(small().items())))})
    as_source = zipped(
        {**small(), "data/x": Source(len(data), crc32(data), lambda: io.BytesIO(data))}
    )
    assert as_bytes == as_path == as_source


def test_zip_size_says_beforehand_how_large_the_zip_is() -> None:
    files = small()
    assert stored_zip.zip_size({n: len(bytes(c)) for n, c in files.items()}) == len(zipped(files))  # type: ignore[arg-type]


def test_a_source_that_gives_other_bytes_than_it_states_is_refused() -> None:
    for size, crc in ((3, crc32(b"abcd")), (4, crc32(b"abcx"))):
        with pytest.raises(ValueError, match="gave 4 bytes"):
            zipped({"data/x": Source(size, crc, lambda: io.BytesIO(b"abcd"))})


def test_packages_at_the_limits_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    files: dict[str, file_digests.Content] = {"data/a": b"1", "data/b": b"22"}
    monkeypatch.setattr(stored_zip, "MAX_FILES", 2)
    monkeypatch.setattr(
        stored_zip, "MAX_PACKAGE_BYTES", stored_zip.zip_size({"data/a": 1, "data/b": 2})
    )
    assert len(zipped(files)) == stored_zip.MAX_PACKAGE_BYTES


def test_the_limits_are_those_of_the_specification() -> None:
    text = (Path(__file__).parents[3] / "docs/spec/package.md").read_text("utf-8")
    assert "Limits: 2 GiB, 60,000 files, 64 MiB for a file that is no attachment" in text
    assert (stored_zip.MAX_PACKAGE_BYTES, stored_zip.MAX_FILES) == (2_147_483_648, 60_000)
    assert evidence.MAX_FILE_BYTES == 67_108_864


def test_limits_are_kept_when_writing() -> None:
    def never() -> io.BytesIO:
        raise AssertionError("a package beyond the limit is not read")

    with pytest.raises(ValueError, match="at most 60000 files"):
        zipped({"data/x": Source(stored_zip.MAX_PACKAGE_BYTES, 0, never)})
    with pytest.raises(ValueError, match="got 60001 files"):
        zipped({f"data/{i}": b"" for i in range(stored_zip.MAX_FILES + 1)})

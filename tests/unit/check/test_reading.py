"""Proves verifier/check/reading.py: hostile zips and directories (docs/spec/package.md §2)."""

from __future__ import annotations

import io
import os
import socket
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from verifier.check import reading
from verifier.check.reading import Bag, BagUnreadable, read_bag
from verifier.format import bag, file_digests, stored_zip

FILES: dict[str, file_digests.Content] = {
    "bagit.txt": bag.BAGIT_BYTES,
    "data/a.json": b'{"a":1}',
    "data/b.json": b'{"b":2}',
}
LOCAL = 30  # bytes of a local header before the name
CENTRAL = 46  # bytes of a central header before the name


def zipped(files: dict[str, file_digests.Content] | None = None) -> bytes:
    out = io.BytesIO()
    stored_zip.write_zip(FILES if files is None else files, out)
    return out.getvalue()


def read(data: bytes, folder: Path) -> Bag:
    (folder / "package.zip").write_bytes(data)
    return read_bag(folder / "package.zip")


def crafted(change: Callable[[zipfile.ZipFile], object]) -> bytes:
    """A zip by Python's own writer, which writes what a hostile person would."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        change(archive)
    return out.getvalue()


def test_a_zip_of_ours_has_no_fault(tmp_path: Path) -> None:
    package = read(zipped(), tmp_path)
    assert (package.form_faults, package.forbidden, package.empty_folders) == ([], [], [])
    assert list(package.files) == sorted(FILES)
    for name, content in FILES.items():
        assert package.read(name) == content
        assert package.files[name] == file_digests.digest_bytes(bytes(content))


def test_a_zip_without_files_has_the_one_form(tmp_path: Path) -> None:
    package = read(zipped({}), tmp_path)
    assert (package.form_faults, package.files) == ([], {})


def test_every_flipped_bit_outside_content_is_a_fault(tmp_path: Path) -> None:
    whole = zipped()
    content = b"".join(bytes(c) for c in FILES.values())  # type: ignore[arg-type]
    assert len(content) < len(whole)
    for at in range(len(whole)):
        for bit in (0x01, 0x80):
            changed = bytearray(whole)
            changed[at] ^= bit
            package = read(bytes(changed), tmp_path)
            assert package.form_faults, f"byte {at} bit {bit:#x}"


def test_every_truncation_is_a_fault(tmp_path: Path) -> None:
    whole = zipped()
    for length in range(len(whole)):
        assert read(whole[:length], tmp_path).form_faults, length


@pytest.mark.parametrize("extra", [b"\0", b"PK\x05\x06" + bytes(18), b"x" * 70_000])
def test_appended_bytes_are_a_fault(extra: bytes, tmp_path: Path) -> None:
    package = read(zipped() + extra, tmp_path)
    assert [fault for fault in package.form_faults if "not the central directory" in fault]
    assert len(package.files) == len(FILES)


def test_prepended_bytes_are_a_fault(tmp_path: Path) -> None:
    assert read(b"#!/bin/sh\n" + zipped(), tmp_path).form_faults == [
        "no entry and no directory begins at byte 0"
    ]


@pytest.mark.parametrize("data", [b"", b"P", b"not a zip at all, but long enough to be read"])
def test_what_is_no_zip_is_a_fault(data: bytes, tmp_path: Path) -> None:
    package = read(data, tmp_path)
    assert package.form_faults == ["no entry and no directory begins at byte 0"]
    assert package.files == {}


def local_field(offset: int, form: str, value: int) -> bytes:
    changed = bytearray(zipped())
    struct.pack_into(form, changed, offset, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [
        (4, "<H", 45),  # zip64's version
        (6, "<H", 0x0001),  # encrypted
        (6, "<H", 0x0008),  # sizes in a data descriptor
        (6, "<H", 0x0800),  # name in UTF-8
        (8, "<H", 8),  # deflated
        (10, "<H", 1),  # a time of day
        (12, "<H", 0x0022),  # another day
        (22, "<I", 0),  # another uncompressed size: a bomb's header
    ],
)
def test_a_local_header_of_another_form_is_a_fault(
    offset: int, form: str, value: int, tmp_path: Path
) -> None:
    faults = read(local_field(offset, form, value), tmp_path).form_faults
    assert "the local header of 'evidence/bagit.txt' has not the one form" in faults


def test_a_wrong_crc_is_a_fault_although_both_headers_agree(tmp_path: Path) -> None:
    whole = bytearray(zipped())
    at = whole.index(b'{"a":1}')
    whole[at] ^= 1
    assert read(bytes(whole), tmp_path).form_faults == [
        "'data/a.json' has not the CRC that its header states"
    ]


def test_a_wrong_crc_of_a_large_file_is_a_fault(tmp_path: Path) -> None:
    whole = bytearray(zipped({"data/a": b"x" * 300_000, "data/b": b"y" * 300_000}))
    whole[200_000] ^= 1
    assert read(bytes(whole), tmp_path).form_faults == [
        "'data/a' has not the CRC that its header states"
    ]


def test_a_central_name_other_than_the_local_one_is_a_fault(tmp_path: Path) -> None:
    whole = zipped()
    at = whole.rindex(b"evidence/data/a.json")
    changed = whole[:at] + b"evidence/data/x.json" + whole[at + 20 :]
    package = read(changed, tmp_path)
    assert len(package.form_faults) == 1
    assert "data/x.json" not in package


def test_an_entry_that_the_central_directory_omits_is_a_fault(tmp_path: Path) -> None:
    whole = zipped()
    start = whole.index(b"PK\x01\x02")
    second = whole.index(b"PK\x01\x02", start + 1)
    hidden = whole[:start] + whole[second:]
    assert read(hidden, tmp_path).form_faults


def test_an_entry_that_only_the_central_directory_has_is_a_fault(tmp_path: Path) -> None:
    several, fewer = zipped(), zipped({"bagit.txt": bag.BAGIT_BYTES})
    start = several.index(b"PK\x01\x02")
    grafted = fewer[: fewer.index(b"PK\x01\x02")] + several[start:]
    assert read(grafted, tmp_path).form_faults


def test_a_zip_by_another_tool_is_a_fault(tmp_path: Path) -> None:
    data = crafted(lambda archive: archive.writestr("evidence/bagit.txt", bag.BAGIT_BYTES))
    assert read(data, tmp_path).form_faults


def test_an_extra_field_is_a_fault(tmp_path: Path) -> None:
    def write(archive: zipfile.ZipFile) -> None:
        entry = zipfile.ZipInfo("evidence/bagit.txt")
        # Info-ZIP Unicode path: a reader of it would see another name.
        entry.extra = struct.pack("<HHBI", 0x7075, 9, 1, 0) + b"evil"
        archive.writestr(entry, bag.BAGIT_BYTES)

    package = read(crafted(write), tmp_path)
    assert "the local header of 'evidence/bagit.txt' has not the one form" in package.form_faults
    assert package.read("bagit.txt") == bag.BAGIT_BYTES


def test_a_comment_is_a_fault(tmp_path: Path) -> None:
    whole = bytearray(zipped())
    struct.pack_into("<H", whole, len(whole) - 2, 4)
    assert len(read(bytes(whole) + b"note", tmp_path).form_faults) == 1


def test_a_deflated_entry_is_never_inflated(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("evidence/data/bomb", bytes(50_000_000))
    package = read(out.getvalue(), tmp_path)
    assert package.form_faults
    assert package.files["data/bomb"].size < 100_000


def test_a_zip64_entry_runs_past_the_end(tmp_path: Path) -> None:
    changed = bytearray(zipped())
    struct.pack_into("<II", changed, 18, 0xFFFFFFFF, 0xFFFFFFFF)
    assert read(bytes(changed), tmp_path).form_faults[-1].endswith("runs past the end of the file")


def raw_zip(*names: bytes) -> bytes:
    """A zip of empty files whose names are taken as they are, in the order given."""
    entries, offset, parts = [], 0, []
    for name in names:
        entry = stored_zip.ZipEntry(name, 0, 0, offset)
        parts.append(entry.local_header())
        offset += len(parts[-1])
        entries.append(entry)
    return b"".join(parts) + stored_zip.central_directory(entries, offset)


@pytest.mark.parametrize(
    "name",
    [
        b"evidence/../../etc/passwd",
        b"evidence//etc/passwd",
        b"evidence/data/..",
        b"evidence/data\\a",
        b"evidence/data/\xff\xfe",
        "evidence/data/\u202egnp.exe".encode(),
        b"evidence/data/a\x00.json",
        b"evidence/.git/config",
        b"evidence/" + b"a" * 201,
        b"evidence/",
    ],
)
def test_a_name_that_leads_elsewhere_is_forbidden(name: bytes, tmp_path: Path) -> None:
    package = read(raw_zip(name), tmp_path)
    assert package.form_faults == []
    assert len(package.forbidden) == 1
    assert package.forbidden[0].isascii()


@pytest.mark.parametrize(
    "name", [b"/etc/passwd", b"../evidence/x", b"data/a.json", b"EVIDENCE/a", b""]
)
def test_a_name_outside_the_base_folder_is_a_fault(name: bytes, tmp_path: Path) -> None:
    faults = read(raw_zip(name), tmp_path).form_faults
    assert any("outside the folder" in fault for fault in faults)


def test_a_duplicate_name_is_a_fault_and_the_first_one_stands(tmp_path: Path) -> None:
    one, two = zipped({"data/a": b"first"}), zipped({"data/a": b"second"})
    start = one.index(b"PK\x01\x02")
    twice = one[:start] + two
    package = read(twice, tmp_path)
    # What follows is read as what it is.
    assert [fault.partition(" from ")[0] for fault in package.form_faults] == [
        "'evidence/data/a' stands twice or out of order",
        "the bytes",
    ]
    assert package.read("data/a") == b"first"


def test_a_large_duplicate_name_is_a_fault_and_the_first_one_stands(tmp_path: Path) -> None:
    one, two = zipped({"data/a": b"1" * 200_000}), zipped({"data/a": b"2" * 200_000})
    package = read(one[: one.index(b"PK\x01\x02")] + two, tmp_path)
    assert package.form_faults
    assert package.read("data/a") == b"1" * 200_000


def test_entries_out_of_order_are_a_fault(tmp_path: Path) -> None:
    package = read(raw_zip(b"evidence/b", b"evidence/a"), tmp_path)
    assert package.form_faults == ["'evidence/a' stands twice or out of order"]


def test_names_that_differ_only_in_case_are_forbidden(tmp_path: Path) -> None:
    package = read(raw_zip(b"evidence/A", b"evidence/a"), tmp_path)
    assert package.forbidden == ["'a' and 'A' differ only in case"]


def test_a_symbolic_link_in_a_zip_is_a_fault(tmp_path: Path) -> None:
    def write(archive: zipfile.ZipFile) -> None:
        entry = zipfile.ZipInfo("evidence/data/link", (1980, 1, 1, 0, 0, 0))
        entry.create_system, entry.external_attr = 0, 0o120777 << 16
        archive.writestr(entry, b"/etc/passwd")

    assert len(read(crafted(write), tmp_path).form_faults) == 1


def test_more_files_than_the_limit_are_not_read(tmp_path: Path) -> None:
    names = [b"evidence/%06d" % i for i in range(stored_zip.MAX_FILES + 1)]
    package = read(raw_zip(*names), tmp_path)
    assert package.form_faults == ["there are more than 60000 files"]
    assert len(package.files) == stored_zip.MAX_FILES


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "package.zip").open("wb") as stream:
        stream.truncate(stored_zip.MAX_PACKAGE_BYTES + 1)
    package = read_bag(tmp_path / "package.zip")
    assert package.form_faults == ["the zip has 2147483649 bytes, at most 2147483648"]
    with (tmp_path / "package.zip").open("wb") as stream:
        stream.truncate(stored_zip.MAX_PACKAGE_BYTES)
    package = read_bag(tmp_path / "package.zip")
    assert package.form_faults == ["no entry and no directory begins at byte 0"]


def test_memory_does_not_grow_with_an_attachment(tmp_path: Path) -> None:
    size = 64 * 2**20
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(size)
    with (tmp_path / "package.zip").open("wb") as out:
        stored_zip.write_zip({"data/attachments/x": large}, out)
    tracemalloc.start()
    package = read_bag(tmp_path / "package.zip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert package.files["data/attachments/x"].size == size
    assert peak < 8 * 2**20


def test_hostile_faults_do_not_fill_the_report(tmp_path: Path) -> None:
    names = [b"evidence/\xff%06d" % i for i in range(1_000, 0, -1)]
    package = read(raw_zip(*names), tmp_path)
    assert len(package.form_faults) <= reading.MAX_FAULTS
    assert len(package.forbidden) <= reading.MAX_FAULTS


# ---------------------------------------------------------------------- directories


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(zipped())) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "evidence"


def test_a_directory_reads_as_its_zip(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "zip").mkdir()
    as_zip, as_folder = read(zipped(), tmp_path / "zip"), read_bag(folder)
    assert as_folder.files == as_zip.files
    assert (as_folder.form_faults, as_folder.forbidden, as_folder.empty_folders) == ([], [], [])


def test_large_files_stand_among_small_ones_by_their_names(folder: Path, tmp_path: Path) -> None:
    """They are read last, several at a time; and a walk finds what is in folders last."""
    files = FILES | {"data/aa": b"1" * file_digests.LARGE, "zz": b"2" * (file_digests.LARGE + 1)}
    for name, content in files.items():
        (folder / name).write_bytes(bytes(content))  # type: ignore[arg-type]
    (tmp_path / "zip").mkdir()
    for package in (read(zipped(files), tmp_path / "zip"), read_bag(folder)):
        assert list(package.files) == sorted(files)
        for name, content in files.items():
            assert package.read(name) == content


def test_the_folder_above_the_base_folder_stands_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_bag(folder.parent).files == read_bag(folder).files
    (folder.parent / "beside").write_bytes(b"")
    # In whatever order the system gives the two.
    listed = Path.iterdir
    for turned in (False, True):
        monkeypatch.setattr(
            Path,
            "iterdir",
            lambda at, turned=turned: iter(sorted(listed(at), reverse=turned)),
        )
        assert "evidence/bagit.txt" in read_bag(folder.parent).files


def test_a_folder_of_another_name_stands_for_itself(folder: Path) -> None:
    folder.rename(folder.parent / "proof")
    assert "proof/bagit.txt" in read_bag(folder.parent).files


def test_links_in_a_directory_are_forbidden_and_not_followed(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (folder / "data" / "file").symlink_to(secret)
    (folder / "data" / "folder").symlink_to(tmp_path)
    (folder / "data" / "dangling").symlink_to(tmp_path / "nowhere")
    package = read_bag(folder)
    assert sorted(package.forbidden) == [
        f"'data/{name}' is a link or a special file" for name in ("dangling", "file", "folder")
    ]
    assert sorted(package.files) == sorted(FILES)


def test_special_files_in_a_directory_are_forbidden_and_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "data" / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)
        try:
            server.bind("door")  # by a short path: a socket's has at most 108 bytes
        finally:
            os.chdir(here)
        package = read_bag(folder)
    assert sorted(package.forbidden) == [
        "'data/pipe' is a link or a special file",
        "'door' is a link or a special file",
    ]


def test_a_link_to_a_base_folder_does_not_stand_for_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "evidence").symlink_to(folder)
    package = read_bag(tmp_path / "outer")
    assert package.files == {}
    assert package.forbidden == ["'evidence' is a link or a special file"]


class Status(NamedTuple):
    """What Windows says of a junction and of a file that lies elsewhere, by the names it has there."""

    st_mode: int
    st_size: int
    st_reparse_tag: int


@pytest.mark.parametrize("name", ["data/b.json", "data"])
def test_what_windows_keeps_elsewhere_is_forbidden_and_not_followed(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = (folder / name).stat()

    def is_there(status: os.stat_result) -> bool:
        return is_tagged(
            Status(there.st_mode, 0, 0xA0000003) if status.st_ino == there.st_ino else status
        )

    is_tagged: Callable[[Any], bool] = reading._is_reparse_point
    monkeypatch.setattr(reading, "_is_reparse_point", is_there)
    package = read_bag(folder)
    assert package.forbidden == [f"'{name}' is a link or a special file"]
    assert sorted(package.files) == [one for one in sorted(FILES) if not one.startswith(name)]


def test_a_file_that_grows_before_it_is_read_is_never_judged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = reading._walk

    def walk_then_grow(found: Bag, top: Path) -> dict[str, int] | None:
        sizes = walk(found, top)
        (folder / "data" / "a.json").write_bytes(b'{"a":10}')
        return sizes

    monkeypatch.setattr(reading, "_walk", walk_then_grow)
    with pytest.raises(BagUnreadable, match="changed while it was being read"):
        read_bag(folder)


def test_an_empty_folder_is_noted(folder: Path) -> None:
    (folder / "data" / "empty").mkdir()
    assert read_bag(folder).empty_folders == ["the folder 'data/empty' is empty"]


@pytest.mark.parametrize("name", [b"a b", b"\xff", b".hidden", b"x" * 199])
def test_a_forbidden_name_in_a_directory_is_noted(name: bytes, folder: Path) -> None:
    (folder / os.fsdecode(b"data/" + name)).write_bytes(b"")
    assert len(read_bag(folder).forbidden) == 1
    assert read_bag(folder).forbidden[0].isascii()


def test_a_forbidden_folder_is_not_entered(folder: Path) -> None:
    (folder / "data" / "a b").mkdir()
    (folder / "data" / "a b" / "file").write_bytes(b"")
    package = read_bag(folder)
    assert len(package.forbidden) == 1
    assert sorted(package.files) == sorted(FILES)


def test_a_directory_of_nothing_but_folders_ends(folder: Path) -> None:
    for i in range(reading.MAX_FOLDERS + 1):
        (folder / "data" / f"f{i}").mkdir()
    package = read_bag(folder)
    assert package.form_faults == ["there are more than 60000 files or 1000 folders"]
    assert package.files == {}


def test_the_limits_of_a_directory_are_kept_to_the_last(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nested folders count as those beside each other do: they are seen one by one."""
    (folder / "data" / "1" / "2" / "3" / "4").mkdir(parents=True)
    size = stored_zip.zip_size({name: len(bytes(c)) for name, c in FILES.items()})  # type: ignore[arg-type]
    for name, limit in (("MAX_FILES", len(FILES)), ("MAX_FOLDERS", 6), ("MAX_PACKAGE_BYTES", size)):
        with monkeypatch.context() as patch:
            patch.setattr(reading, name, limit)
            assert read_bag(folder).form_faults == []
            patch.setattr(reading, name, limit - 1)
            assert len(read_bag(folder).form_faults) == 1


def test_a_directory_larger_than_any_zip_is_not_read(folder: Path) -> None:
    for name in ("one", "two"):
        with (folder / "data" / name).open("wb") as stream:
            stream.truncate(stored_zip.MAX_PACKAGE_BYTES // 2)
    package = read_bag(folder)
    assert len(package.form_faults) == 1
    assert package.files == {}


# ---------------------------------------------------------------------- what can't be judged


def test_what_is_not_there_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(BagUnreadable, match="No such file"):
        read_bag(tmp_path / "nothing")


def test_what_is_neither_file_nor_directory_can_not_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BagUnreadable, match="neither a file nor a directory"):
        read_bag(tmp_path / "pipe")


def test_a_path_that_no_system_has_can_not_be_read() -> None:
    with pytest.raises(BagUnreadable, match="null byte"):
        read_bag(Path("a\0b"))


def test_of_many_small_files_only_so_many_bytes_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, file_digests.Content] = {f"data/{i}": b"%07d" % i for i in range(5)}
    monkeypatch.setattr(reading, "_KEPT_TOTAL", 14)
    package = read(zipped(files), tmp_path)
    assert list(package._kept) == ["data/0", "data/1"]
    assert [package.read(name) for name in files] == list(files.values())


def test_a_file_that_changes_during_the_check_is_never_judged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_KEPT_TOTAL", 0)
    package = read_bag(folder)
    assert package.read("data/a.json") == b'{"a":1}'
    (folder / "data" / "a.json").write_bytes(b'{"a":2}')
    with pytest.raises(BagUnreadable, match="changed while it was being checked"):
        package.read("data/a.json")
    (folder / "data" / "a.json").unlink()
    with pytest.raises(BagUnreadable, match="No such file"):
        package.read("data/a.json")

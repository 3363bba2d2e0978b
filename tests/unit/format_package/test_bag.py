"""The bag: names of its files, paths that are allowed, manifests (docs/spec/package.md §1)."""

from __future__ import annotations

import io
from hashlib import new
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.format import bag, file_digests, stored_zip
from verifier.format.file_digests import Content


def zipped(files: dict[str, Content]) -> bytes:
    out = io.BytesIO()
    stored_zip.write_zip(files, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "data/map/000000.json"),
        (999_999, "data/map/999999.json"),
        (1_000_000, "data/map/1000000.json"),
    ],
)
def test_numbers_in_names_have_at_least_six_digits(number: int, name: str) -> None:
    assert bag.batch_names(number).map_proof == name
    assert bag.number_in(name, "data/map/", ".json") == number


@pytest.mark.parametrize(
    "text",
    ["", "0", "00001", "0000001", "01000000", "-00001", "+00001", "00000a", "٠٠٠٠٠٠", "1" * 17],
)
def test_a_number_has_one_spelling(text: str) -> None:
    assert bag.number_in(f"data/map/{text}.json", "data/map/", ".json") is None


@pytest.mark.parametrize("size", ["0", "00001", "0000001", "01000000", "1" * 17])
def test_a_token_s_name_has_one_spelling(size: str) -> None:
    assert bag.token_in(f"data/anchors/tokens/{size}-0-0.tst") is None
    place = bag.TokenPlace(size=1, chain=0, number=0)
    assert bag.token_in(bag.token_name(place)) == place


@pytest.mark.parametrize("name", ["data/map/000001.text", "data/nap/000001.json", "000001.json"])
def test_a_number_stands_between_its_folder_and_its_ending(name: str) -> None:
    assert bag.number_in(name, "data/map/", ".json") is None


@given(st.integers(0, 10**12))
def test_names_of_batches_lead_back_to_their_number(batch: int) -> None:
    names = bag.batch_names(batch)
    assert bag.number_in(names.header, "data/batches/", ".json") == batch
    assert bag.number_in(names.map_proof, "data/map/", ".json") == batch
    assert bag.number_in(names.tlog_proof, "data/batches/", ".tlog-proof") == batch


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "data//a",
        "data/",
        "../a",
        "data/../a",
        "data/./a",
        ".hidden",
        "data/.a",
        "C:\\a",
        "data\\a",
        "data/a b",
        "data/ä",
        "data/\udcff",
        "data/a\x00",
        "data/a\n",
        "a" * 201,
    ],
)
def test_a_path_that_a_file_system_could_misread_is_not_allowed(path: str) -> None:
    assert bag.path_fault(path) is not None
    with pytest.raises(ValueError, match=r"is longer|not allowed|begins with a dot"):
        zipped({path: b""})


def test_a_path_of_200_bytes_is_allowed() -> None:
    assert bag.path_fault("a" * 200) is None


def test_two_paths_that_differ_only_in_case_are_not_allowed() -> None:
    assert bag.path_faults(["data/a", "data/b"]) == []
    assert bag.path_faults(["data/a", "data/A"]) == ["'data/A' and 'data/a' differ only in case"]
    with pytest.raises(ValueError, match="differ only in case"):
        zipped({"data/a": b"", "data/A": b""})


def test_manifests_list_the_payload_by_path_bytes() -> None:
    files = {"data/b": b"2", "data/a/z": b"1", "data/a.z": b"3", "bagit.txt": b"no payload"}
    digests = file_digests.digest_all(dict(files))
    wanted = "".join(
        f"{new('sha256', files[name]).hexdigest()}  {name}\n"
        # A dot sorts before a slash.
        for name in ("data/a.z", "data/a/z", "data/b")
    )
    made = bag.manifests(digests)
    assert made["manifest-sha256.txt"] == wanted.encode()
    assert made["bagit.txt"] == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    tags = made["tagmanifest-sha512.txt"].decode().splitlines()
    assert [line.split("  ")[1] for line in tags] == [
        "bagit.txt",
        "manifest-sha256.txt",
        "manifest-sha512.txt",
    ]
    for line in tags:
        hexdigest, name = line.split("  ")
        assert hexdigest == new("sha512", made[name]).hexdigest()


def test_the_sm3_sidecar_lists_all_payload_but_itself() -> None:
    files: dict[str, Content] = {"data/a": b"abc", bag.SM3: b"old"}
    # The digest of "abc" in GB/T 32905-2016, annex A.1.
    line = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0  data/a\n"
    assert bag.sm3_sidecar(file_digests.digest_all(files, sm3=True)) == line.encode()
    with pytest.raises(ValueError, match="data/a has no SM3 digest"):
        bag.sm3_sidecar(file_digests.digest_all(files))


def test_a_bag_is_complete_after_add_tag_files(tmp_path: Path) -> None:
    attachment = tmp_path / "recording"
    attachment.write_bytes(b"RIFF" * 100_000)
    payload: dict[str, Content] = {"data/README.txt": b"hi\n", "data/attachments/x": attachment}
    whole = bag.add_tag_files(payload)
    assert set(whole) == {
        "data/README.txt",
        "data/attachments/x",
        "data/digests-sm3.txt",
        "bagit.txt",
        "manifest-sha256.txt",
        "manifest-sha512.txt",
        "tagmanifest-sha256.txt",
        "tagmanifest-sha512.txt",
    }
    assert b"data/digests-sm3.txt" in bytes(whole["manifest-sha256.txt"])  # type: ignore[arg-type]
    known = file_digests.digest_all(payload, sm3=True)
    assert zipped(bag.add_tag_files(payload, known)) == zipped(whole)
    attachment.unlink()
    assert bag.add_tag_files(payload, known).keys() == whole.keys()


@pytest.mark.parametrize("name", ["manifest-sha256.txt", "data/digests-sm3.txt", "fetch.txt"])
def test_an_exporter_puts_files_under_data_only(name: str) -> None:
    with pytest.raises(ValueError, match="not a file that an exporter puts"):
        bag.add_tag_files({name: b""})

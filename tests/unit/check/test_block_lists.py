"""Proves verifier/check/block_lists.py and how inputs take hashes in (docs/spec/verification.md §2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.attacks.finality import PUBLISHER, block_list, signed
from tests.hostile.log import Key
from verifier.check.block_lists import (
    MAX_BYTES,
    check_signed,
    parse_signed,
    read_line,
    read_lines,
)
from verifier.check.blocks import BlockId
from verifier.check.inputs import Inputs, read_inputs
from verifier.check.policy import BlockList
from verifier.check.rows import CannotJudge
from verifier.format.errors import FormatError
from verifier.format.notes import parse_vkey

HASH = "0x" + "ab" * 32
LINE = f"31337:12:{HASH}"
BLOCK = BlockId(31337, 12)


def test_a_line_is_chain_number_and_hash() -> None:
    assert read_line(LINE) == (BLOCK, b"\xab" * 32)
    assert read_line(f"0:0:{HASH}")[0] == BlockId(0, 0)
    assert read_line(f"{2**53 - 1}:{2**53 - 1}:{HASH}")[0] == BlockId(2**53 - 1, 2**53 - 1)


@pytest.mark.parametrize(
    "line",
    [
        "",
        LINE + " ",
        " " + LINE,
        LINE + "\n",
        LINE.replace("ab", "AB"),
        LINE[:-1],
        LINE + "0",
        LINE.replace("0x", ""),
        LINE.replace("31337", "031337"),
        LINE.replace("31337", "0x7a69"),
        LINE.replace(":12:", ":-12:"),
        LINE.replace(":12:", "::"),
        LINE.replace("12", "١٢"),
        f"{2**53}:12:{HASH}",
        f"1:{2**53}:{HASH}",
        f"12:{HASH}",
        "# " + LINE,
    ],
)
def test_another_line_is_refused(line: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_line(line)
    assert caught.value.code == "BLOCK_LINE"


def test_a_fault_names_its_line() -> None:
    with pytest.raises(FormatError, match="line 2: want CHAIN"):
        read_lines([LINE, "x"])
    with pytest.raises(FormatError, match="line 3") as caught:
        read_lines([LINE, LINE, f"31337:12:0x{'cd' * 32}"])
    assert caught.value.code == "BLOCK_CONFLICT"


# ---------------------------------------------------------------------- signed lists


def test_a_signed_list_counts_for_the_chains_of_its_pin() -> None:
    text = f"notary-blocks/1\nblocks.example\n{LINE}\n1:12:{HASH}\n5:12:{HASH}\n"
    vkey = parse_vkey(PUBLISHER.vkey)
    pins = [BlockList("blocks.example", vkey, chain, "x") for chain in (31337, 5)]
    source = check_signed(parse_signed(signed(text, PUBLISHER)), pins)
    assert set(source) == {BLOCK, BlockId(5, 12)}
    assert {one.level for one in source.values()} == {1}


def test_a_key_speaks_for_the_chains_of_its_own_pin_alone() -> None:
    other = Key(PUBLISHER.name, b"\x23" * 32)
    text = f"notary-blocks/1\nblocks.example\n{LINE}\n5:12:{HASH}\n"
    pins = [
        BlockList("blocks.example", parse_vkey(key.vkey), chain, "x")
        for key, chain in ((PUBLISHER, 31337), (other, 5))
    ]
    assert set(check_signed(parse_signed(signed(text, PUBLISHER)), pins)) == {BLOCK}


def test_the_shortest_signed_list_has_one_block() -> None:
    text = f"notary-blocks/1\nblocks.example\n{LINE}\n"
    assert list(parse_signed(signed(text, PUBLISHER)).blocks) == [BLOCK]


@pytest.mark.parametrize(
    "text",
    [
        "notary-blocks/1\nblocks.example\n",
        f"notary-blocks/10\nblocks.example\n{LINE}\n",
        f"notary-blocks/2\nblocks.example\n{LINE}\n",
    ],
)
def test_a_signed_list_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_signed(signed(text, PUBLISHER))
    assert caught.value.code == "BLOCK_LIST_LINES"


def test_a_signed_list_may_be_longer_than_a_checkpoint() -> None:
    lines = "".join(f"1:{number}:{HASH}\n" for number in range(1000))
    parsed = parse_signed(signed(f"notary-blocks/1\nblocks.example\n{lines}", PUBLISHER))
    assert len(parsed.blocks) == 1000
    assert parsed.name == "blocks.example"


# ---------------------------------------------------------------------- files


def inputs(folder: Path, *files: bytes, blocks: str = "") -> Inputs:
    paths = []
    for i, data in enumerate(files):
        paths.append(folder / f"list-{i}")
        paths[i].write_bytes(data)
    (folder / "inputs.toml").write_text(f'format = "notary-inputs/1"\n{blocks}', "utf-8")
    return read_inputs(folder / "inputs.toml", [], paths)


def refused(folder: Path, *files: bytes) -> CannotJudge:
    with pytest.raises(CannotJudge) as caught:
        inputs(folder, *files)
    return caught.value


TABLE = f'[[block]]\nchain_id = 31337\nnumber = 12\nhash = "{HASH}"\n'


@pytest.mark.parametrize(
    "data",
    [LINE, LINE + "\n", LINE + "\r\n", f"{LINE}\n{LINE}\n", TABLE, TABLE + 'origin = "list-0"\n'],
)
def test_a_file_without_signature_is_the_person_s_own(data: str, tmp_path: Path) -> None:
    own = inputs(tmp_path, data.encode()).blocks
    assert [(block, one.who, one.level) for block, one in own.items()] == [
        (BLOCK, "you (list-0)", 1)
    ]


def test_a_file_may_begin_with_a_chain_of_one_digit(tmp_path: Path) -> None:
    assert list(inputs(tmp_path, f"1:12:{HASH}".encode()).blocks) == [BlockId(1, 12)]


def test_a_signed_file_is_not_the_person_s_own(tmp_path: Path) -> None:
    made = inputs(tmp_path, block_list(), block_list())
    assert made.blocks == {}
    assert [one.name for one in made.signed_lists] == ["list-0"]


def test_a_list_without_its_signature_never_becomes_the_person_s_own(tmp_path: Path) -> None:
    cut = block_list().partition(b"\n\n")[0] + b"\n"
    assert inputs(tmp_path, cut).blocks == {}


def test_files_are_found_beside_the_inputs_file(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text(LINE)
    made = inputs(tmp_path, blocks='blocks = ["mine.txt"]')
    assert [one.who for one in made.blocks.values()] == ["you (mine.txt)"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "INPUTS_BLOCKS_FORM"),
        (b"\n" + LINE.encode(), "INPUTS_SYNTAX"),
        (b"\xef\xbb\xbf" + LINE.encode(), "INPUTS_SYNTAX"),
        (LINE.encode() + b"\n\n", "INPUTS_BLOCKS_FORM"),
        (LINE.encode() + b"\xff", "INPUTS_BLOCKS_FORM"),
        (b"1", "INPUTS_BLOCKS_FORM"),
        (TABLE.encode() + b"level = 1\n", "INPUTS_MEMBER_UNKNOWN"),
        (b'format = "notary-inputs/1"\n' + TABLE.encode(), "INPUTS_MEMBER_UNKNOWN"),
        (f"{LINE}\n31337:12:0x{'cd' * 32}\n".encode(), "INPUTS_BLOCKS_FORM"),
        (b"1" * (MAX_BYTES + 1), "INPUTS_BLOCKS_SIZE"),
    ],
)
def test_another_file_is_an_error(data: bytes, code: str, tmp_path: Path) -> None:
    assert refused(tmp_path, data).code == code


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "inputs.toml").write_text('format = "notary-inputs/1"\nblocks = ["none"]\n')
    with pytest.raises(CannotJudge) as caught:
        read_inputs(tmp_path / "inputs.toml")
    assert caught.value.code == "INPUTS_BLOCKS_UNREADABLE"


def test_two_hashes_for_a_block_are_an_error_wherever_they_come_from(tmp_path: Path) -> None:
    other = f"31337:12:0x{'cd' * 32}".encode()
    assert refused(tmp_path, LINE.encode(), other).code == "INPUTS_BLOCK_CONFLICT"
    assert refused(tmp_path, TABLE.encode(), other).code == "INPUTS_BLOCK_CONFLICT"
    (tmp_path / "inputs.toml").write_text(f'format = "notary-inputs/1"\n{TABLE}')
    with pytest.raises(CannotJudge) as caught:
        read_inputs(tmp_path / "inputs.toml", [read_line(other.decode())])
    assert caught.value.code == "INPUTS_BLOCK_CONFLICT"

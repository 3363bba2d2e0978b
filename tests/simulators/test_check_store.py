"""The check of a store can fail: one damage each, and the sentence that names it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from notary.core.intake import IncomingFile
from tests.simulators.check_store import check_world, contradictions
from tests.simulators.store import CANARY, StoreWorld, make_world, reopen_world

Damage = Callable[[StoreWorld], object]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes], list[str]]:
    """Two matters, four records, one attachment, two batches, one record that waits."""
    home = tmp_path_factory.mktemp("template")
    world = make_world(home)
    first, second = world.open_matter(), world.open_matter()
    (home / "scan").write_bytes(CANARY.encode() * 100)
    world.take(first, "one", IncomingFile(home / "scan", "scan.pdf", "application/pdf"))
    world.take(second, "two")
    world.seal()
    world.take(first, "three")
    world.seal()
    world.take(first, "four")
    check_world(world)
    world.close()
    return home, world.promised, world.published


@pytest.fixture
def world(template: tuple[Path, list[bytes], list[str]], tmp_path: Path) -> Iterator[StoreWorld]:
    home, promised, published = template
    world = reopen_world(shutil.copytree(home, tmp_path / "home"), "damaged")
    world.promised, world.published = list(promised), list(published)
    yield world
    world.close()


def sql(*statements: str) -> Damage:
    """Damage by statements, with constraints off."""

    def damage(world: StoreWorld) -> None:
        with closing(sqlite3.connect(world.database.path, isolation_level=None)) as rows:
            for statement in statements:
                rows.execute(statement)

    return damage


def flipped(table: str, column: str, where: str = "id = 1") -> Damage:
    """Damage by another last byte of a stored value."""

    def damage(world: StoreWorld) -> None:
        with closing(sqlite3.connect(world.database.path, isolation_level=None)) as rows:
            [(value,)] = rows.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchall()
            changed = value[:-1] + bytes([value[-1] ^ 1])
            rows.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (changed,))

    return damage


def the_object(world: StoreWorld) -> Path:
    [path] = world.objects.folder.glob("??/*")
    return path


def of_another_record(world: StoreWorld) -> None:
    """The promise of one record with the note of another's group."""
    first, second = (raw.decode() for raw in world.promised[:2])
    world.promised[0] = (first[: first.index('"note"')] + second[second.index('"note"') :]).encode()


RECORD = "record 1 at position 0 of matter 1"
LOST = "the record that was acknowledged at position"

DAMAGES: list[tuple[str, Damage, str]] = [
    ("record gone", sql("DELETE FROM records WHERE id = 4"), f"{LOST} 2 of matter 1 is lost"),
    (
        "record in the place of another",
        sql(
            "UPDATE records SET position = 9 WHERE id = 3",
            "UPDATE records SET position = 1 WHERE id = 4",
        ),
        f"{LOST} 1 of matter 1 is another now",
    ),
    (
        "gap",
        sql("UPDATE records SET position = 7 WHERE id = 4"),
        "matter 1 has records at the positions [0, 1, 7]",
    ),
    (
        "matter size",
        sql("UPDATE matters SET size = 9 WHERE id = 1"),
        "matter 1 says 9 records, and has 3",
    ),
    (
        "matter edge",
        flipped("matters", "frontier"),
        "matter 1: the stored edge is not its records'",
    ),
    ("leaf hash", flipped("records", "leaf_hash"), f"{RECORD}: the stored hash is not its leaf's"),
    (
        "head after append",
        flipped("records", "head_root"),
        f"{RECORD}: its head is not the log's after it",
    ),
    (
        "receipt of another commit",
        sql("UPDATE records SET group_id = 2 WHERE id = 1"),
        f"{RECORD}: its receipt: ",
    ),
    (
        "receipt of another deadline",
        sql("UPDATE receipt_groups SET deadline_ms = deadline_ms + 1000 WHERE id = 1"),
        f"{RECORD}: its receipt: INCLUSION_ROOT",
    ),
    ("promise with another's note", of_another_record, "an acknowledgement: INCLUSION_"),
    ("leaf", flipped("records", "leaf"), f"{RECORD}: "),
    (
        "sealed values",
        flipped("records", "sealed_values"),
        "position 0 of matter 1 can't be opened: ",
    ),
    (
        "record in two batches",
        sql("UPDATE heads SET size = 1 WHERE matter_id = 1 AND batch = 1"),
        "matter 1 in batch 1: 1 records are sealed when 1 were already",
    ),
    (
        "head of more than there is",
        sql("UPDATE heads SET size = 3 WHERE matter_id = 1 AND batch = 1"),
        "matter 1 in batch 1: its head is not that of its first 3 records",
    ),
    (
        "record that waits for no batch",
        sql("DELETE FROM pending_heads"),
        "matter 1 has 1 records that no batch holds, and [] wait",
    ),
    (
        "head that no delta file has",
        sql(
            "INSERT INTO heads SELECT agency_id, matter_id, 1, size, root FROM heads WHERE matter_id = 2"
        ),
        "batch 1 has heads of 2 matters, its delta file changes 1",
    ),
    ("batch gone", sql("DELETE FROM batches WHERE id = 0"), "the batches are [1]"),
    ("batch hash", flipped("batches", "leaf_hash"), "batch 1: the stored hash is not its header's"),
    ("batch log edge", flipped("batches", "frontier"), "batch 1: the stored edge is not the log's"),
    (
        "header of another batch",
        sql("UPDATE batches SET header = (SELECT header FROM batches WHERE id = 0) WHERE id = 1"),
        "batch 1: its header is of batch 0 of notary.example/log",
    ),
    (
        "delta file",
        flipped("delta_files", "content", "batch = 1"),
        "batch 1: its delta file is not the header's",
    ),
    (
        "delta file of another batch",
        sql("UPDATE delta_files SET content = (SELECT content FROM delta_files WHERE batch = 0)"),
        "batch 1: the delta files do not give its map root",
    ),
    (
        "map root",
        flipped("batches", "map_root"),
        "batch 1: the delta files do not give the stored map root",
    ),
    (
        "checkpoint of another size",
        sql(
            "UPDATE batches SET checkpoint = (SELECT checkpoint FROM batches WHERE id = 0) WHERE id = 1"
        ),
        "batch 1: its checkpoint is not of the 2 batches up to it",
    ),
    (
        "checkpoint of another text",
        sql(
            "UPDATE batches SET checkpoint = replace(checkpoint, char(10) || '2' || char(10),"
            " char(10) || '3' || char(10)) WHERE id = 1"
        ),
        "batch 1: its checkpoint: NOTE_SIGNATURE",
    ),
    (
        "checkpoint that was published",
        sql("UPDATE batches SET checkpoint = checkpoint || ' ' WHERE id = 1"),
        "the checkpoint that was published for size 2 is not there as it was",
    ),
    (
        "unsigned batch",
        sql("UPDATE batches SET checkpoint = '' WHERE id = 1"),
        "batch 1: its checkpoint: ",
    ),
    (
        "block that no header names",
        sql("UPDATE batches SET not_before_header = x'c0' WHERE id = 1"),
        "batch 1: its header: ",
    ),
    (
        "map page",
        flipped("map_pages", "content", "id = (SELECT max(id) FROM map_pages)"),
        "batch 1: its map: ",
    ),
    (
        "attachment gone",
        lambda world: the_object(world).unlink(),
        "an attachment of record 1 is not in the object folder",
    ),
    (
        "attachment cut",
        lambda world: the_object(world).write_bytes(the_object(world).read_bytes()[:-1]),
        f"{RECORD}: attachment 0: ",
    ),
    (
        "object of no record",
        lambda world: the_object(world).with_name("ab" * 16).touch(),
        f"the object {'ab' * 16} is of no record",
    ),
    (
        "unfinished file",
        lambda world: (world.data / "half.part").touch(),
        "the unfinished file data/half.part was left",
    ),
    (
        "readable file",
        lambda world: (world.data / "cache").write_text(f"… {CANARY} …"),
        "data/cache shows what was entered",
    ),
    (
        "readable row",
        sql(f"UPDATE matters SET sealed_title = CAST('{CANARY}' AS BLOB)", "PRAGMA wal_checkpoint"),
        "data/notary.db shows what was entered",
    ),
]


@pytest.mark.parametrize(
    ("damage", "sentence"), [row[1:] for row in DAMAGES], ids=[row[0] for row in DAMAGES]
)
def test_a_damage_is_named(world: StoreWorld, damage: Damage, sentence: str) -> None:
    world.database.forget_deleted()
    assert contradictions(world) == []
    damage(world)
    found = contradictions(world)
    # A sentence that ends with a colon is followed by the format's or the service's own words.
    exact = not sentence.endswith(" ") and ": INCL" not in sentence and ": NOTE" not in sentence
    assert any(one == sentence if exact else one.startswith(sentence) for one in found), found


def test_all_that_does_not_hold_is_said_at_once(world: StoreWorld) -> None:
    sql("UPDATE matters SET size = 9 WHERE id = 2", "DELETE FROM pending_heads")(world)
    (world.data / "half.part").touch()
    with pytest.raises(AssertionError) as raised:
        check_world(world)
    assert str(raised.value).splitlines() == [
        "matter 2 says 9 records, and has 1",
        "matter 1 has 1 records that no batch holds, and [] wait",
        "the unfinished file data/half.part was left",
    ]


def test_what_a_crash_leaves_is_allowed_until_it_is_cleaned_up(world: StoreWorld) -> None:
    (world.data / "half.part").touch()
    the_object(world).with_name("ab" * 16).touch()
    assert len(contradictions(world)) == 2
    assert contradictions(world, crashed=True) == []

"""A backup is whole or visibly not one; what is restored knows its place beside the chain."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from notary import compose, config
from notary.adapters.durable import digest_of
from notary.adapters.keys.mark import MARK
from notary.compose import Service
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Progress
from notary.usecases.backup import BackupDone
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from verifier.format import jsonc

FILES = 30


@contextmanager
def no_bar(title: str, unit: str) -> Iterator[Progress]:
    yield lambda done, total: None


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service with letters, originals, two batches and two anchors."""
    folder = tmp_path_factory.mktemp("backup")
    with Anvil(*scene.CHAIN) as anvil:
        made = scene.make(folder / "home", anvil)
        with made.opened() as service:
            number = service.new_matter(1, "Case", ("A-1",)).number
            letters(service, folder / "one", 0, 20)
            scene.work(service)
            originals(service, folder / "files", number, FILES)
            scene.work(service)
        yield made


def letters(service: Service, folder: Path, first: int, count: int) -> None:
    path = scene.letters(folder, "A-1", first, count)
    report = service.ingest(1, (path,), column_map=folder / "letters.map.toml")
    assert [file.accepted for file in report.files] == [count]


def originals(service: Service, folder: Path, number: str, count: int) -> None:
    folder.mkdir(exist_ok=True)
    for place in range(count):
        (folder / f"{place}.txt").write_text(f"Reminder {place}\n" * 1000, "utf-8")
    service.ingest(1, (folder,), matter=number)


def backed_up(live: Live, dest: Path, keys: Path | None = None) -> BackupDone:
    """A backup by this process; the command itself has tests of its own."""
    with live.opened() as service:
        done: BackupDone = service.run_backup(service.backup(dest), keys, dest, no_bar)
        return done


@pytest.fixture(scope="module")
def first_backup(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first backup of the service; tests take copies of it."""
    dest: Path = tmp_path_factory.mktemp("first") / "backup"
    backed_up(live, dest)
    return dest


@pytest.fixture
def backup(first_backup: Path, tmp_path: Path) -> Path:
    """A backup to damage."""
    return Path(shutil.copytree(first_backup, tmp_path / "backup"))


def objects_of(dest: Path) -> list[Path]:
    return [path for path in sorted((dest / "objects").rglob("*")) if path.is_file()]


def restored(live: Live, backup: Path, folder: Path, keys: Path | None) -> Live:
    """The service out of a backup, on the same chain; with the keys where they were, or a copy."""
    words = () if keys is None else ("--keys", str(keys))
    done = scene.run_elsewhere(live, "restore", str(backup), "--home", str(folder), *words)
    assert done.returncode == 0, done.stderr
    return Live(replace(live.made, home=config.load(folder)), live.anvil)


@pytest.mark.slow
def test_a_backup_is_made_while_others_write_and_comes_back_whole(
    live: Live, tmp_path: Path
) -> None:
    backup, keys = tmp_path / "backup", tmp_path / "keys"
    with live.opened() as service:
        # An open writer, as `serve` is, with rows in the write-ahead log.
        service.new_matter(1, "Open", ("open",))
        made = live.run("backup", str(backup), "--keys", str(keys), "--json")
        assert made.returncode == 0, made.stderr
        answer = json.loads(made.stdout)
    assert (answer["size"], answer["records"], answer["objects"]) == (2, 20 + FILES, FILES)
    assert answer["copied"] == FILES
    assert not any("kek" in path.name or "set-" in path.name for path in backup.rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in keys.rglob("*") if path.is_file()} == {0o600}
    assert keys.stat().st_mode & 0o777 == 0o700
    for path in objects_of(backup):
        source = live.home / "data" / path.relative_to(backup)
        assert not path.samefile(source), "a link is no copy"
        assert path.stat().st_nlink == 1
    good = live.run("backup", str(backup), "--verify", "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["verified"] is True
    again = restored(live, backup, tmp_path / "restored", keys)
    with again.opened() as service:
        shown = service.status()
        assert (shown["records"], shown["sealed"]) == (20 + FILES, 2)
        assert service.standing.trouble().code == "RESTORED_NOT_COMPARED"
        with pytest.raises(NothingHappened, match="not yet compared"):
            letters(service, tmp_path / "more", 100, 1)
        # The worker compares, then everything goes on.
        scene.work(service)
        assert service.standing.trouble() is None
        letters(service, tmp_path / "more", 100, 1)
        views = service.shelf.rows(1, service.register.all(1)[0])
        assert len(views) == 20 + FILES + 1
        stream = service.reader.open_attachment(1, views[20]["record_id"], 0)
        assert stream.read().startswith(b"Reminder")


def test_a_second_run_copies_only_what_is_new_or_wrong(
    live: Live, backup: Path, tmp_path: Path
) -> None:
    first = {path: path.stat().st_mtime_ns for path in objects_of(backup)}
    plan = json.loads(live.run("backup", str(backup), "--dry-run", "--json").stdout)
    assert (plan["objects"], plan["missing"], plan["missing_bytes"]) == (FILES, 0, 0)
    done = backed_up(live, backup)
    assert (done.manifest.run, done.copied, done.kept) == (2, 0, FILES)
    assert {path: path.stat().st_mtime_ns for path in objects_of(backup)} == first
    # One rotten, one gone.
    rotten, gone, *_ = objects_of(backup)
    rotten.write_bytes(b"x" + rotten.read_bytes()[1:])
    gone.unlink()
    done = backed_up(live, backup)
    assert (done.copied, done.kept) == (2, FILES - 2)
    assert compose.verify_backup(backup, no_bar).run == 3
    # Nothing of the runs before is left.
    assert sorted(path.name for path in backup.iterdir()) == [
        ".lock",
        "config-3.toml",
        "files-3.sha256",
        "manifest.json",
        "objects",
        "store-3.db",
    ]


def test_sha256sum_reads_the_list_of_a_backup(live: Live, backup: Path, tmp_path: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", "--quiet", "files-1.sha256"], cwd=backup, check=False)
    assert done.returncode == 0


def test_a_dry_run_writes_nothing(live: Live, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    plan = json.loads(live.run("backup", str(backup), "--dry-run", "--json").stdout)
    assert plan["missing"] == FILES
    assert not backup.exists()


@pytest.mark.slow
def test_a_killed_backup_is_none_and_the_next_run_goes_on(live: Live, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    killed = 0
    # Killed as soon as there is one object more than before, so that no run starts anew.
    for wanted in range(3, FILES, 9):
        process = subprocess.Popen(
            live.command("backup", str(backup)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if len(objects_of(backup)) >= wanted:
                break
            time.sleep(0.0005)
        process.kill()
        killed += process.wait() != 0
        if not (backup / "manifest.json").exists():
            with pytest.raises(CallerError) as caught:
                compose.verify_backup(backup, no_bar)
            assert caught.value.code == "BACKUP_INCOMPLETE"
    assert killed, "every run ended before it was killed"
    there = len([path for path in objects_of(backup) if path.suffix != ".part"])
    assert backed_up(live, backup).kept == there > 0
    assert compose.verify_backup(backup, no_bar).objects == FILES


def test_a_backup_that_fails_later_leaves_the_one_before(
    live: Live, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (backup / "manifest.json").read_bytes()
    gone = objects_of(live.home / "data")[0]
    (backup / gone.relative_to(live.home / "data")).unlink()
    kept = tmp_path / "kept"
    shutil.move(gone, kept)
    try:
        done = live.run("backup", str(backup))
    finally:
        shutil.move(kept, gone)
    assert done.returncode == 70
    assert "error OBJECT_MISSING" in done.stderr
    assert (backup / "manifest.json").read_bytes() == before
    backed_up(live, backup)
    compose.verify_backup(backup, no_bar)


def damage_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["store-1.db", "files-1.sha256", "config-1.toml"])
def test_one_changed_byte_of_a_backup_is_found_before_anything_is_restored(
    live: Live, backup: Path, tmp_path: Path, name: str
) -> None:
    damage_byte(backup / name)
    with pytest.raises(Contradiction) as caught:
        compose.verify_backup(backup, no_bar)
    assert caught.value.code == "BACKUP_DAMAGED"
    done = scene.run_elsewhere(live, "restore", str(backup), "--home", str(tmp_path / "new"))
    assert (done.returncode, (tmp_path / "new").exists()) == (70, False)
    assert f"{name}" in done.stderr


def test_a_changed_a_short_and_a_missing_object_are_found(
    live: Live, backup: Path, tmp_path: Path
) -> None:
    for spoil in (damage_byte, lambda path: path.write_bytes(b""), Path.unlink):
        backed_up(live, backup)
        victim = objects_of(backup)[7]
        spoil(victim)
        with pytest.raises(Contradiction, match=victim.name) as caught:
            compose.verify_backup(backup, no_bar)
        assert caught.value.code == "BACKUP_DAMAGED"


DAMAGES = {
    "leaf": "UPDATE records SET leaf = replace(leaf, 'letter', 'lettes') WHERE id = 3",
    "head": "UPDATE records SET head_root = zeroblob(32) WHERE id = 5",
    "record": "UPDATE matters SET size = size - 1",
    "header": "UPDATE batches SET header = replace(header, '\"batch\":1', '\"batch\":2') WHERE id = 1",
    "root": "UPDATE batches SET map_root = zeroblob(32) WHERE id = 1",
    "checkpoint": "UPDATE batches SET checkpoint = (SELECT checkpoint FROM batches WHERE id = 1)"
    " WHERE id = 0",
    "signature": "UPDATE batches SET checkpoint = replace(checkpoint, 'A', 'B') WHERE id = 1",
    "delta": "UPDATE delta_files SET content = (SELECT content FROM delta_files WHERE batch = 0)"
    " WHERE batch = 1",
    "sealed head": "UPDATE heads SET root = zeroblob(32) WHERE batch = 1",
    "anchor": "UPDATE intents SET root = zeroblob(32) WHERE number = 0",
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_copy_whose_trees_do_not_hold_is_refused_though_its_digests_do(
    live: Live, backup: Path, tmp_path: Path, what: str
) -> None:
    with sqlite3.connect(backup / "store-1.db") as connection:
        assert connection.execute(DAMAGES[what]).rowcount > 0
    connection.close()
    manifest = json.loads((backup / "manifest.json").read_text("utf-8"))
    # Whoever changed the file wrote the manifest anew.
    manifest["files"]["database"]["sha256"] = digest_of(backup / "store-1.db").hex()
    (backup / "manifest.json").write_bytes(jsonc.encode(manifest))
    with pytest.raises(Contradiction) as caught:
        compose.verify_backup(backup, no_bar)
    assert caught.value.code in ("STORE_DAMAGED", "BACKUP_DAMAGED")


def test_a_manifest_with_a_member_more_is_none(live: Live, backup: Path, tmp_path: Path) -> None:
    manifest = json.loads((backup / "manifest.json").read_text("utf-8"))
    (backup / "manifest.json").write_bytes(jsonc.encode({**manifest, "more": 1}))
    with pytest.raises(Contradiction) as caught:
        compose.verify_backup(backup, no_bar)
    assert caught.value.code == "BACKUP_MANIFEST"


def test_places_that_would_protect_nothing_are_refused(live: Live, tmp_path: Path) -> None:
    for words, code in (
        ((str(live.home / "data" / "backup"),), "BACKUP_PLACE"),
        ((str(tmp_path / "b"), "--keys", str(tmp_path / "b" / "keys")), "KEYS_PLACE"),
    ):
        done = live.run("backup", *words)
        assert done.returncode == 2
        assert f"error {code}" in done.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    done = live.run("backup", str(tmp_path / "full"))
    assert "error BACKUP_PLACE" in done.stderr
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter.txt"]


def test_nothing_is_restored_over_something_or_without_its_keys(live: Live, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backed_up(live, backup)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    done = scene.run_elsewhere(live, "restore", str(backup), "--home", str(tmp_path / "full"))
    assert "error HOME_NOT_EMPTY" in done.stderr
    done = scene.run_elsewhere(live, "restore", str(backup), "--home", str(tmp_path / "new"))
    assert "error KEY_MISSING" in done.stderr
    assert not (tmp_path / "new").exists()


def test_foreign_keys_do_not_become_a_home_and_the_right_ones_finish_it(
    live: Live, tmp_path: Path
) -> None:
    backup, keys = tmp_path / "backup", tmp_path / "keys"
    backed_up(live, backup, keys)
    strange = tmp_path / "strange"
    shutil.copytree(keys, strange)
    (strange / "store.kek").write_bytes(b"\x07" * 32)
    new = tmp_path / "new"
    words = ("restore", str(backup), "--home", str(new), "--keys")
    done = scene.run_elsewhere(live, *words, str(strange))
    assert "error KEYS_OF_OTHER_STORE" in done.stderr
    assert not (new / "notary.toml").exists()
    done = scene.run_elsewhere(live, *words, str(keys))
    assert done.returncode == 0, done.stderr
    assert (new / "keys" / "store.kek").read_bytes() == (keys / "store.kek").read_bytes()


@pytest.mark.slow
def test_an_old_backup_beside_a_newer_chain_seals_nothing_and_takes_nothing_in(
    tmp_path: Path,
) -> None:
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil)
        backup, keys = tmp_path / "backup", tmp_path / "keys"
        with live.opened() as service:
            service.new_matter(1, "Case", ("A-1",))
            letters(service, tmp_path / "one", 0, 5)
            scene.work(service)
            backed_up(live, backup, keys)
            letters(service, tmp_path / "two", 10, 5)
            scene.work(service)
        sizes = scene.anchored_sizes(live)
        # Both copies are old: only the chain knows better.
        again = restored(live, backup, tmp_path / "restored", keys)
        with again.opened() as service:
            with pytest.raises(NothingHappened) as caught:
                service.worker(lambda line: None).run_until_idle(patience_s=0)
            assert "STORE_BEHIND_CHAIN" in str(caught.value)
            health = service.health()
            assert health.status == "alarm"
            assert any("STORE_BEHIND_CHAIN" in alarm for alarm in health.alarms)
            for act in (
                lambda: letters(service, tmp_path / "three", 20, 1),
                lambda: service._sealer.seal(service._clock.now(), None),
            ):
                with pytest.raises(NothingHappened) as caught:
                    act()
                assert caught.value.code == "STORE_BEHIND_CHAIN"
            assert service.batch_log.size() == 1
            # What is there can still be read and exported.
            assert len(service.shelf.rows(1, service.register.all(1)[0])) == 5
        assert scene.anchored_sizes(live) == sizes
        done = again.run("status")
        assert done.returncode == 1
        assert "STORE_BEHIND_CHAIN" in done.stdout


@pytest.mark.slow
def test_an_old_backup_beside_its_newer_keys_is_found_out_without_the_chain(
    tmp_path: Path,
) -> None:
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil)
        backup = tmp_path / "backup"
        with live.opened() as service:
            service.new_matter(1, "Case", ("A-1",))
            letters(service, tmp_path / "one", 0, 5)
            scene.work(service)
            backed_up(live, backup)
            letters(service, tmp_path / "two", 10, 5)
            # Sealed and signed, never anchored.
            service._sealer.seal(service._clock.now(), None)
        anvil.stop()
        # The data volume is lost, the key volume is not.
        keys = tmp_path / "key-volume"
        shutil.copytree(live.home / "keys", keys)
        again = restored(live, backup, tmp_path / "restored", keys)
        done = again.run("work", "--until-idle")
        assert done.returncode == 70
        assert "error STORE_BEHIND_SIGNED" in done.stderr
        with again.opened() as service:
            with pytest.raises(NothingHappened) as caught:
                letters(service, tmp_path / "three", 20, 1)
            assert caught.value.code == "STORE_BEHIND_SIGNED"
            assert service.health().status != "ok"
            assert len(service.shelf.rows(1, service.register.all(1)[0])) == 5
        # A database that was copied back by hand, with the mark gone as well, is the chain's to find.
        assert (keys / MARK).exists()


@pytest.mark.slow
def test_batches_that_were_anchored_after_the_backup_are_taken_over(tmp_path: Path) -> None:
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil)
        backup, keys = tmp_path / "backup", tmp_path / "keys"
        with live.opened() as service:
            service.new_matter(1, "Case", ("A-1",))
            letters(service, tmp_path / "one", 0, 5)
            service._sealer.seal(service._clock.now(), None)
            backed_up(live, backup, keys)
            scene.work(service)
        sizes = scene.anchored_sizes(live)
        again = restored(live, backup, tmp_path / "restored", keys)
        with again.opened() as service:
            scene.work(service)
            assert service.standing.trouble() is None
            assert scene.anchored_sizes(live) == sizes, "anchored twice"
            letters(service, tmp_path / "two", 10, 5)
            scene.work(service)
        assert scene.anchored_sizes(live) == [*sizes, sizes[-1] + 1]

"""The store's key is changed while others work, and no moment of it loses a secret."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from notary.adapters.keys import kek as files
from notary.adapters.keys.folder import KEK, NEXT_KEK
from notary.adapters.store.database import METADATA
from notary.adapters.store.rewrap import TABLES, StoredSecrets
from notary.core import envelope
from notary.core.intake import IncomingFile
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Matter
from notary.usecases.key_copies import rotation_lock
from notary.usecases.rotate_kek import RotationDone, rotate_kek
from tests.simulators.rotate_process import no_bar
from tests.simulators.store import StoreWorld, make_world, offer, reopen_world

ROOT = Path(__file__).resolve().parents[3]
RECORDS = 300


def keys_of(world: StoreWorld) -> Path:
    return world.folder / "keys"


def rotate(world: StoreWorld, keep_old: Path | None = None) -> RotationDone:
    return rotate_kek(
        StoredSecrets(world.database), keys_of(world), world.entropy, keep_old, no_bar
    )


def fill(world: StoreWorld, tmp_path: Path, count: int = RECORDS) -> Matter:
    """Records of one matter, one of them with an original."""
    matter = world.open_matter("A matter", "account")
    world.acceptor.accept(world.agency_id, [offer(matter, f"{i}") for i in range(count - 1)])
    original = tmp_path / "original"
    original.write_bytes(b"original" * 1000)
    world.take(matter, "last", IncomingFile(original, "scan.pdf", "application/pdf"))
    return matter


def everything_opens(world: StoreWorld, matter: Matter, count: int = RECORDS) -> None:
    """Titles, accounts, content and originals are what went in."""
    found = world.register.by_account(world.agency_id, "account")
    assert found is not None
    assert (found.title, found.size) == ("A matter", count)
    contents = list(world.reader.contents(world.agency_id, matter.key, range(count)))
    assert all(one.disclosures for one in contents)
    [original] = [original for one in contents for original in one.originals]
    assert original.open().read() == b"original" * 1000


@pytest.fixture
def other(world: StoreWorld) -> Iterator[StoreWorld]:
    """The same store as another process has it open, since before any change."""
    opened = reopen_world(world.folder, "other")
    yield opened
    opened.close()


def test_every_table_with_a_wrapped_secret_is_wrapped_anew() -> None:
    declared = {
        table.name for table in METADATA.tables.values() if "wrapped_secret" in table.columns
    }
    assert declared == {table.name for table in TABLES}
    # The log's own two are the only others.
    others = [
        str(column)
        for table in METADATA.tables.values()
        for column in table.columns
        if "wrapped" in column.name and column.name != "wrapped_secret"
    ]
    assert others == ["log.wrapped_lookup_secret", "log.wrapped_map_secret"]


def test_nothing_opens_under_the_old_key_and_everything_under_the_new(
    world: StoreWorld, tmp_path: Path
) -> None:
    matter = fill(world, tmp_path)
    old = (keys_of(world) / KEK).read_bytes()
    done = rotate(world)
    assert (done.moved, done.wrapped, done.resumed) == (RECORDS + 1, RECORDS + 1, False)
    assert not (keys_of(world) / NEXT_KEK).exists()
    assert (keys_of(world) / KEK).read_bytes() != old
    with pytest.raises(Contradiction) as caught:
        StoredSecrets(world.database).require_all(envelope.kek_cipher(old))
    assert caught.value.code == "REWRAP_INCOMPLETE"
    again = reopen_world(world.folder, "again")
    everything_opens(again, matter)
    again.close()
    # The old key alone opens the store no more, and says what is wanted.
    (keys_of(world) / KEK).write_bytes(old)
    with pytest.raises(CallerError, match="it wants the old key") as refused:
        reopen_world(world.folder, "old")
    assert refused.value.code == "KEYS_OF_OTHER_STORE"


def test_a_process_from_before_reads_and_writes_on(
    world: StoreWorld, other: StoreWorld, tmp_path: Path
) -> None:
    matter = fill(world, tmp_path)
    rotate(world)
    everything_opens(other, matter)
    later = other.open_matter("later")
    other.take(later, "later")
    StoredSecrets(world.database).require_all(
        envelope.kek_cipher((keys_of(world) / KEK).read_bytes())
    )


def test_what_others_write_while_it_runs_is_under_the_new_key(
    world: StoreWorld, other: StoreWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matter = fill(world, tmp_path)
    step = StoredSecrets.rewrap

    def write_first(*args: object) -> int:
        # Between the switch and the first row that is wrapped anew.
        other.take(matter, "meanwhile")
        other.open_matter("meanwhile")
        everything_opens(other, matter, RECORDS + 1)
        return step(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(StoredSecrets, "rewrap", write_first)
    done = rotate(world)
    assert (done.moved, done.wrapped) == (RECORDS + 1, RECORDS + 3)
    everything_opens(other, matter, RECORDS + 1)


STEPS = [
    (files, "add_next_kek"),
    (StoredSecrets, "switch_log"),
    (StoredSecrets, "rewrap"),
    (StoredSecrets, "require_all"),
    (files, "replace_kek"),
]


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("place", range(len(STEPS)))
def test_a_crash_before_and_after_each_step_is_gone_on_from(
    world: StoreWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int, after: bool
) -> None:
    matter = fill(world, tmp_path)
    module, name = STEPS[place]
    step = getattr(module, name)

    def crash(*args: object) -> None:
        if after:
            step(*args)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(module, name, crash)
        with pytest.raises(Crash):
            rotate(world)
    # What the crash left opens, takes in, and is gone on from.
    between = reopen_world(world.folder, "between")
    everything_opens(between, matter)
    between.take(matter, "between")
    between.close()
    done = rotate(world)
    # After the last step there is nothing to go on with: it was a second change.
    assert done.resumed == ((place, after) != (0, False) and (place, after) != (4, True))
    again = reopen_world(world.folder, "again")
    everything_opens(again, matter, RECORDS + 1)
    again.close()


@pytest.mark.soak
def test_killed_at_any_moment_it_loses_no_secret(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    matter = fill(world, tmp_path, 3_000)
    world.close()
    draw = random.Random()
    first = (tmp_path / "keys" / KEK).read_bytes()
    killed = 0
    for number in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.simulators.rotate_process", str(tmp_path), f"r{number}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
        world = reopen_world(tmp_path, f"check{number}")
        everything_opens(world, matter, 3_000)
        world.close()
    assert killed, "no run was killed"
    world = reopen_world(tmp_path, "last")
    rotate(world)
    everything_opens(world, matter, 3_000)
    assert (tmp_path / "keys" / KEK).read_bytes() != first
    assert not (tmp_path / "keys" / NEXT_KEK).exists()
    world.close()


def test_the_old_key_is_kept_first_where_that_is_wanted(
    world: StoreWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, tmp_path)
    old, kept = (keys_of(world) / KEK).read_bytes(), tmp_path / "old.kek"
    with pytest.raises(CallerError) as caught:
        rotate(world, keys_of(world) / "old.kek")
    assert caught.value.code == "KEYS_PLACE"
    kept.write_bytes(b"x" * 32)
    kept.chmod(0o600)
    with pytest.raises(CallerError) as caught:
        rotate(world, kept)
    assert caught.value.code == "KEY_FILE_EXISTS"
    assert not (keys_of(world) / NEXT_KEK).exists()
    kept.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(files, "replace_kek", lambda folder: pytest.fail("too far"))
        patch.setattr(StoredSecrets, "require_all", lambda *_: (_ for _ in ()).throw(Crash()))
        with pytest.raises(Crash):
            rotate(world, kept)
    assert kept.read_bytes() == old
    # The same command again finds the key that it kept itself.
    assert rotate(world, kept).resumed
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (old, 0o600)


def test_a_row_that_opens_under_neither_key_leaves_both(world: StoreWorld, tmp_path: Path) -> None:
    fill(world, tmp_path)
    with world.database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE records SET wrapped_secret = (SELECT wrapped_secret FROM records WHERE id = 1)"
            " WHERE id = 2"
        )
    old = (keys_of(world) / KEK).read_bytes()
    with pytest.raises(Contradiction):
        rotate(world)
    assert (keys_of(world) / KEK).read_bytes() == old
    assert (keys_of(world) / NEXT_KEK).exists()


def test_two_at_once_are_one(world: StoreWorld) -> None:
    with rotation_lock(keys_of(world)), pytest.raises(NothingHappened) as caught:
        rotate(world)
    assert caught.value.code == "ROTATION_RUNS"


def test_an_erasure_meanwhile_stays_one(
    world: StoreWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, tmp_path)
    wrap = envelope.wrap

    def erase_first(*args: object) -> bytes:
        with world.database.transaction() as connection:
            connection.exec_driver_sql(
                "UPDATE records SET wrapped_secret = NULL, sealed_values = NULL WHERE id = 7"
            )
        return wrap(*args)  # type: ignore[arg-type]

    old = envelope.kek_cipher((keys_of(world) / KEK).read_bytes())
    new = envelope.kek_cipher(b"n" * 32)
    with monkeypatch.context() as patch:
        patch.setattr(envelope, "wrap", erase_first)
        StoredSecrets(world.database).rewrap(old, new, world.entropy, lambda done, total: None)
    with world.database.reading() as connection:
        row = connection.exec_driver_sql("SELECT wrapped_secret FROM records WHERE id = 7").one()
    assert row[0] is None

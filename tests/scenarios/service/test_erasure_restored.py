"""A backup from before an erasure, and one from after it, restored from and into each database.

No chain is needed: nothing is anchored before an erasure counts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from notary import compose, config, creation
from notary.adapters.keys.erasures import REGISTER
from notary.core.erasures import Order, Reason, State, standings
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.usecases.restore import Restored
from tests.postgres import Server
from tests.scenarios.service import live as scene
from tests.simulators.commands import run_command

ORDER = Order(Reason.SUBJECT_REQUEST, "privacy office, 2026-17")
LETTERS, GONE, DOCUMENT = 4, 1, 4
SECRET = "Zanzibar-Canary-4417"


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


def no_bar(title: str, unit: str) -> Any:
    return nullcontext(no_progress)


@dataclass
class Erased:
    """A service that erased a letter and a document, with a backup from before and one from after."""

    folder: Path
    home: Path
    number: str

    def restore(
        self,
        backup: str,
        target: Path,
        keys: str | Path = "keys-after",
        erasures: Path | None = None,
        *,
        none_erased: bool = False,
        database: str | None = None,
    ) -> Restored:
        return compose.restore(
            self.folder / backup,
            target,
            self.folder / keys,
            no_bar,
            erasures,
            none_erased=none_erased,
            database=database,
        )


def erased(folder: Path, database: str) -> Erased:
    made = creation.create(
        folder / "home",
        log="erased.notary.example/log",
        agency="Test agency",
        rpc="http://127.0.0.1:9",
        chain_id=31337,
        keys="keys",
        database=database,
    )
    with compose.opened(made.home) as service:
        number = service.new_matter(1, "Case", ("A-1",)).number
        path = scene.letters(folder / "in", "A-1", 0, LETTERS, SECRET)
        service.ingest(1, (path,), column_map=path.with_name("letters.map.toml"))
        (folder / "scan.txt").write_text(f"{SECRET} signed.\n" * 50, "utf-8")
        service.ingest(1, (folder / "scan.txt",), matter=number)
        for when in ("before", "after"):
            dest = folder / when
            service.run_backup(service.backup(dest), folder / f"keys-{when}", dest, no_bar)
            if when == "before":
                [matter] = service.register.all(1)
                service.eraser.erase(matter, [GONE, DOCUMENT], ORDER, no_progress)
    return Erased(folder, folder / "home", number)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Erased:
    return erased(tmp_path_factory.mktemp("erased"), "")


@pytest.fixture
def uris(postgres_server: Server) -> Iterator[Callable[[], str]]:
    """Makes empty databases."""
    made: list[str] = []

    def one() -> str:
        made.append(postgres_server.empty())
        parts = psycopg.conninfo.conninfo_to_dict(made[-1])
        return f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}"

    yield one
    for uri in made:
        postgres_server.drop(uri)


def check_gone(done: Restored) -> None:
    """Two records have no content anywhere, the others have theirs, and the register names the two."""
    assert not [p for p in (done.home.data / "objects").rglob("*") if p.is_file()]
    with compose.opened(done.home) as service:
        [matter] = service.register.all(1)
        views = service.reader.of_matter(1, matter.key, 0, LETTERS + 1)
        assert [one.position for one in views if one.erased] == [GONE, DOCUMENT]
        content = service.reader.content(1, views[0].record_id)
        assert f"{SECRET} 0" in json.dumps(content.values)
        check = service.eraser.erasures
        assert {one.target.position for one in standings(check.lines()).values()} == {
            GONE,
            DOCUMENT,
        }


@pytest.mark.parametrize(
    "way",
    [
        "file to server",
        "server to server",
        pytest.param("server to file", marks=pytest.mark.soak),
    ],
)
def test_what_was_erased_after_a_backup_stays_gone_whatever_the_databases(
    on_sqlite: Erased, uris: Callable[[], str], tmp_path: Path, way: str
) -> None:
    story = on_sqlite if way.startswith("file") else erased(tmp_path / "of", uris())
    for when in ("before", "after"):
        # "" goes before the server that the backup's configuration names.
        target = "" if way.endswith("file") else uris()
        done = story.restore(when, tmp_path / when, database=target)
        assert done.erased_again == (2 if when == "before" else 0)
        check_gone(done)
        with compose.opened(done.home) as service:
            waiting = service.eraser.unfinished()
        # The tombstones came after the first backup: they are taken up when the log may go on.
        assert len(waiting) == (2 if when == "before" else 0)


# What may be wrong with the register.


def test_a_register_that_is_older_than_the_backup_is_refused_and_its_newest_copy_goes_on(
    on_sqlite: Erased, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with pytest.raises(Contradiction, match=r"record 1 of matter .* was erased") as caught:
        on_sqlite.restore("after", home, "keys-before")
    assert caught.value.code == "ERASURES_BEHIND"
    # It is no home yet, and the same call goes on with the newest copy.
    with pytest.raises(CallerError):
        config.load(home)
    check_gone(
        on_sqlite.restore("after", home, "keys-before", on_sqlite.folder / "keys-after" / REGISTER)
    )


def test_a_lost_register_is_taken_from_the_log_if_somebody_answers_for_it(
    on_sqlite: Erased, tmp_path: Path
) -> None:
    keys = Path(shutil.copytree(on_sqlite.folder / "keys-after", tmp_path / "keys"))
    (keys / REGISTER).unlink()
    with pytest.raises(CallerError) as caught:
        on_sqlite.restore("after", tmp_path / "home", keys)
    assert caught.value.code == "ERASURES_MISSING"
    assert not (tmp_path / "home").exists()
    done = on_sqlite.restore("after", tmp_path / "home", keys, none_erased=True)
    check_gone(done)
    with compose.opened(done.home) as service:
        lines = standings(service.eraser.erasures.lines())
        assert {one.order for one in lines.values()} == {ORDER}
        service._check_erasures(full=True)


@pytest.mark.parametrize("place", ["of the keys", "given"])
def test_a_register_with_a_dropped_line_is_refused_before_anything_is_written(
    on_sqlite: Erased, tmp_path: Path, place: str
) -> None:
    keys = Path(shutil.copytree(on_sqlite.folder / "keys-after", tmp_path / "keys"))
    whole = (keys / REGISTER).read_text().splitlines(keepends=True)
    (tmp_path / "given.txt").write_text("".join(whole))
    damaged = tmp_path / "given.txt" if place == "given" else keys / REGISTER
    damaged.write_text("".join([*whole[:2], *whole[3:]]))
    with pytest.raises(CallerError, match="line 1 is missing") as caught:
        on_sqlite.restore("before", tmp_path / "home", keys, tmp_path / "given.txt")
    assert caught.value.code == "ERASURES_CHANGED"
    assert str(damaged) in str(caught.value)
    assert not (tmp_path / "home").exists()


def test_two_copies_that_both_went_on_are_joined(on_sqlite: Erased, tmp_path: Path) -> None:
    # The home that was restored with old keys erased one record, the old home two.
    done = on_sqlite.restore("before", tmp_path / "one", "keys-before")
    with compose.opened(done.home) as service:
        assert service.eraser.erasures.lines() == []
        [matter] = service.register.all(1)
        # Not compared with the chain yet: the line is written, and the tombstone waits.
        with pytest.raises(NothingHappened, match="compared"):
            service.eraser.erase(matter, [0], ORDER, no_progress)
        [begun] = service.eraser.unfinished()
    assert (begun.target.position, begun.state) == (0, State.BEGUN)
    done = on_sqlite.restore(
        "before", tmp_path / "two", done.home.keys, on_sqlite.folder / "keys-after" / REGISTER
    )
    assert done.erased_again == 2
    with compose.opened(done.home) as service:
        known = standings(service.eraser.erasures.lines()).values()
    assert sorted(one.target.position for one in known) == [0, GONE, DOCUMENT]


def test_a_backup_tells_by_its_keys_whether_their_register_is_as_new(
    on_sqlite: Erased, tmp_path: Path
) -> None:
    for when in ("before", "after"):
        compose.verify_backup(on_sqlite.folder / when, no_bar, on_sqlite.folder / f"keys-{when}")
    words = ("backup", str(on_sqlite.folder / "after"), "--verify")
    done = run_command(*words, "--keys", str(on_sqlite.folder / "keys-before"), timeout_s=60)
    assert (done.returncode, "ERASURES_BEHIND" in done.stderr) == (70, True), done.stderr

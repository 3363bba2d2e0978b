"""A service on PostgreSQL, and its move there and back: by the commands, on a real chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from notary import config
from tests.anvil import Anvil
from tests.postgres import Server
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live

PASSWORD = "correct horse"


@pytest.fixture
def uri(postgres_server: Server) -> Iterator[str]:
    """An empty database, as an operator writes it."""
    made = conninfo_to_dict(postgres_server.empty())
    uri = f"postgresql://{made['user']}@/{made['dbname']}?host={made['host']}"
    yield uri
    postgres_server.drop(uri)


def said(live: Live, *words: str) -> dict[str, object]:
    done = live.run(*words, "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def took_in(live: Live, folder: Path, first: int, count: int) -> None:
    path = scene.letters(folder, "A-1", first, count)
    done = live.run("ingest", str(path), "--map", str(folder / "letters.map.toml"))
    assert done.returncode == 0, done.stderr


def at(live: Live, home: Path) -> Live:
    return Live(replace(live.made, home=config.load(home)), live.anvil)


@pytest.mark.slow
def test_a_service_moves_to_postgresql_and_back_and_its_evidence_holds(
    uri: str, tmp_path: Path
) -> None:
    with Anvil(*scene.CHAIN) as anvil:
        # Begun in a file.
        first = scene.make(tmp_path / "first", anvil)
        with first.opened() as service:
            number = service.new_matter(1, "Case", ("A-1",)).number
        took_in(first, tmp_path / "one", 0, 5)
        with first.opened() as service:
            scene.work(service)
        said(first, "backup", str(tmp_path / "backup"), "--keys", str(tmp_path / "keys"))

        # Over to PostgreSQL: it compares itself with the chain, and goes on.
        words = ("restore", str(tmp_path / "backup"), "--keys", str(tmp_path / "keys"))
        home = ("--home", str(tmp_path / "second"))
        done = scene.run_elsewhere(first, *words, "--database", uri, *home)
        assert done.returncode == 0, done.stderr
        second = at(first, tmp_path / "second")
        assert second.made.home.database == uri
        assert not list((tmp_path / "second" / "data").glob("notary.db*"))
        # Which fails, for it is not compared with the chain yet.
        assert json.loads(second.run("status", "--json").stdout)["sealed"] == 1
        refused = second.run("ingest", str(tmp_path / "one"), "--matter", number)
        assert "RESTORED_NOT_COMPARED" in refused.stdout + refused.stderr
        with second.opened() as service:
            scene.work(service)
        took_in(second, tmp_path / "two", 5, 5)
        with second.opened() as service:
            scene.work(service)
        audit = said(second, "audit", "--full")
        assert audit["drift"] == [], audit
        # Nothing goes over a store.
        again = scene.run_elsewhere(
            first, *words, "--database", uri, "--home", str(tmp_path / "third")
        )
        assert again.returncode != 0
        assert "STORE_NOT_EMPTY" in again.stderr
        assert not (tmp_path / "third").exists()
        plan = said(second, "backup", str(tmp_path / "back"), "--dry-run")
        assert plan["records"] == 10
        said(second, "backup", str(tmp_path / "back"))
        assert said(second, "backup", str(tmp_path / "back"), "--verify")["records"] == 10

        # And back into a file, from a backup that names PostgreSQL.
        text = next((tmp_path / "back").glob("config-*.toml")).read_text()
        assert f'database = "{uri}"' in text
        out = tmp_path / "package.zip"
        exported = second.run("export", number, "--out", str(out))
        assert exported.returncode == 0, exported.stderr
        assert out.stat().st_size > 0


@pytest.mark.soak
def test_a_new_service_begins_on_postgresql_once(uri: str, tmp_path: Path) -> None:
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil, database=uri)
        with live.opened() as service:
            service.new_matter(1, "Case", ("A-1",))
        took_in(live, tmp_path / "one", 0, 3)
        with live.opened() as service:
            scene.work(service)
        with psycopg.connect(uri) as connection:
            assert connection.execute("SELECT count(*) FROM records").fetchone() == (3,)
        other = scene.run_elsewhere(
            live, "init", "--log", "other.example/log", "--agency", "X", "--rpc", anvil.url,
            "--database", uri, "--home", str(tmp_path / "other"),
        )  # fmt: skip
        assert "STORE_NOT_EMPTY" in other.stderr
        assert not (tmp_path / "other").exists(), "a refusal leaves nothing behind"
        # A name for people, wherever it comes up.
        away = uri.replace("@", f":{PASSWORD.replace(' ', '%20')}@").replace("host=", "host=/no")
        done = scene.run_elsewhere(
            live, "init", "--log", "other.example/log", "--agency", "X", "--rpc", anvil.url,
            "--database", away, "--home", str(tmp_path / "other"),
        )  # fmt: skip
        assert "STORE_UNAVAILABLE" in done.stderr
        assert "horse" not in done.stderr

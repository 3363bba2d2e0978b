"""What a store in PostgreSQL promises: who is refused, and what a lost line or server means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from notary.adapters.store import postgres
from notary.adapters.store.database import Connection, Database, driver_row
from notary.adapters.store.migrations import require_current, upgrade
from notary.adapters.store.pulse import StoredPulse
from notary.errors import CallerError, Contradiction, NothingHappened, OutcomeUnknown
from tests.postgres import Server, end_sessions, with_database
from tests.simulators.check_store import check_world
from tests.simulators.store import URI, SetClock, make_world, reopen_world


@pytest.fixture
def database(postgres_store: str) -> Iterator[Database]:
    found = Database(postgres_store)
    yield found
    found.close()


@pytest.fixture
def pulse(database: Database) -> StoredPulse:
    """Something to write: one row, which says what was written last."""
    found = StoredPulse(database, SetClock())
    found.beat("first")
    return found


LOST = "UPDATE pulse SET error = 'lost'"  # what must never be read


def said(pulse: StoredPulse) -> str | None:
    last = pulse.last()
    return None if last is None else last.error


# Who is refused.


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://ana:secret@db.example:5433/log", "postgresql://ana@db.example:5433/log"),
        ("postgresql://db.example/log?password=secret", "postgresql://db.example/log"),
        ("postgresql:///log?host=/run/postgresql", "postgresql:///run/postgresql/log"),
        ("service=notary password=secret", "postgresql://?service=notary"),
    ],
)
def test_a_name_for_people_has_no_password(uri: str, shown: str) -> None:
    assert str(Database(uri)) == shown


def test_what_is_no_uri_is_refused_without_repeating_it() -> None:
    with pytest.raises(CallerError) as caught:
        Database("postgresql://ana:secret@db.example/log?sslmode=require&passwort=secret2")
    assert caught.value.code == "CONFIG_INVALID"
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_is_away_is_named_without_the_password() -> None:
    away = Database("postgresql://ana:secret@127.0.0.1:1/log")
    with pytest.raises(NothingHappened) as caught, away.reading():
        pass
    assert caught.value.code == "STORE_UNAVAILABLE"
    assert "ana@127.0.0.1:1/log" in str(caught.value)
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"
    away.close()


def test_a_server_that_acknowledges_before_its_disk_has_it_is_refused(postgres_store: str) -> None:
    with psycopg.connect(postgres_store, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    refused = Database(postgres_store)
    with pytest.raises(CallerError, match="synchronous_commit = off") as caught:
        require_current(refused)
    assert caught.value.code == "STORE_NOT_DURABLE"
    refused.close()


def test_a_server_that_never_forces_its_disk_is_refused() -> None:
    class Careless:
        def execute(self, _: str) -> Careless:
            return self

        def fetchone(self) -> tuple[str, ...]:
            return "off", "on", "UTF8", "18.1"

    with pytest.raises(CallerError, match="fsync = off"):
        postgres._require_fit(Careless(), "the store")  # type: ignore[arg-type]


def test_a_database_of_another_encoding_is_refused(postgres_server: Server) -> None:
    uri = with_database(postgres_server.uri, "latin")
    with psycopg.connect(postgres_server.uri, autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'")
    refused = Database(uri)
    with pytest.raises(CallerError, match="encoding LATIN1; want 14 or later and UTF8"):
        upgrade(refused)
    refused.close()
    postgres_server.drop(uri)


def test_a_database_that_holds_something_else_is_left_alone(postgres_server: Server) -> None:
    uri = postgres_server.empty()
    with psycopg.connect(uri) as connection:
        connection.execute("CREATE TABLE customers (id int)")
    foreign = Database(uri)
    with pytest.raises(CallerError, match="its table customers is not of a store") as caught:
        upgrade(foreign)
    assert caught.value.code == "STORE_FOREIGN"
    with pytest.raises(CallerError, match="the schema is missing"):
        require_current(foreign)
    foreign.close()
    postgres_server.drop(uri)


def test_a_store_of_a_newer_version_is_left_alone(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_later'")
    for refuse in (upgrade, require_current):
        with pytest.raises(CallerError, match="9999_later"):
            refuse(database)


# What a lost line means.


def test_a_line_that_was_cut_while_nobody_used_it_is_opened_anew(
    database: Database, pulse: StoredPulse, postgres_store: str
) -> None:
    end_sessions(postgres_store)
    pulse.beat("second")
    end_sessions(postgres_store)
    assert said(pulse) == "second"
    end_sessions(postgres_store)
    assert database.row("SELECT 1") == (1,)


def test_a_line_that_is_cut_in_a_transaction_leaves_nothing(
    database: Database, pulse: StoredPulse, postgres_store: str
) -> None:
    def write(ask: Callable[[Connection, str], object]) -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql(LOST)
            end_sessions(postgres_store)
            ask(connection, "SELECT 1")

    for ask in (driver_row, Connection.exec_driver_sql):
        with pytest.raises(NothingHappened) as caught:
            write(ask)
        assert caught.value.code == "STORE_UNAVAILABLE"
        assert said(pulse) == "first"
    pulse.beat("second")
    assert said(pulse) == "second"


@pytest.mark.parametrize("applied", [False, True])
def test_a_line_that_is_cut_at_the_commit_is_of_unknown_outcome(
    database: Database,
    pulse: StoredPulse,
    postgres_store: str,
    monkeypatch: pytest.MonkeyPatch,
    applied: bool,
) -> None:
    dialect = database._writer.dialect
    commit: Callable[[object], None] = dialect.do_commit  # type: ignore[assignment]

    def cut(connection: object) -> None:
        if applied:
            driver = connection.driver_connection  # type: ignore[attr-defined]
            driver.execute("COMMIT")
        end_sessions(postgres_store)
        driver = connection.driver_connection  # type: ignore[attr-defined]
        with suppress(psycopg.Error):
            driver.execute("SELECT 1")
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(dialect, "do_commit", cut)
    with pytest.raises(OutcomeUnknown, match="look before repeating"):
        pulse.beat("second")
    monkeypatch.setattr(dialect, "do_commit", commit)
    assert said(pulse) == ("second" if applied else "first")
    pulse.beat("third")
    assert said(pulse) == "third"


def test_a_cut_that_the_driver_meets_at_the_commit_is_of_unknown_outcome(
    database: Database, pulse: StoredPulse, postgres_store: str
) -> None:
    def write() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql(LOST)
            end_sessions(postgres_store)

    with pytest.raises(OutcomeUnknown):
        write()
    assert said(pulse) == "first"


def test_a_statement_that_failed_unheard_is_not_taken_for_a_commit(
    database: Database, pulse: StoredPulse
) -> None:
    """The server answers COMMIT after a failed statement by rolling back, and calls it no error."""

    def write() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql(LOST)
            with suppress(DBAPIError):
                connection.exec_driver_sql("SELECT 1 / 0")

    with pytest.raises(Contradiction) as caught:
        write()
    assert caught.value.code == "STORE_TRANSACTION"
    assert said(pulse) == "first"


# One writer at a time.


def test_a_lock_that_stays_is_reported_as_nothing_happened(
    pulse: StoredPulse, postgres_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres._SETTINGS, "lock_timeout", 50)
    late = Database(postgres_store)
    with psycopg.connect(postgres_store) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", (postgres.WRITER_LOCK,))
        with pytest.raises(NothingHappened, match="lock timeout"), late.transaction():
            pass
    with late.transaction() as connection:
        connection.exec_driver_sql("UPDATE pulse SET error = 'second'")
    assert said(pulse) == "second"
    late.close()


def test_a_process_that_stands_still_in_a_transaction_loses_the_lock(
    pulse: StoredPulse, postgres_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres._WRITER_SETTINGS, "idle_in_transaction_session_timeout", 100)
    frozen = Database(postgres_store)

    def write() -> None:
        # A reader is in nobody's way: it stands still for as long, and goes on.
        with frozen.reading() as reader, frozen.transaction() as connection:
            reader.exec_driver_sql("SELECT 1")
            connection.exec_driver_sql(LOST)
            # Waits until the server has ended the other's session.
            pulse.beat("second")
            reader.exec_driver_sql("SELECT 1")

    with pytest.raises(OutcomeUnknown):
        write()
    assert said(pulse) == "second"
    frozen.close()


# What PostgreSQL keeps otherwise.


def test_a_nul_in_a_text_is_replaced(pulse: StoredPulse) -> None:
    pulse.beat("what a node\0said")
    assert said(pulse) == "what a node\N{REPLACEMENT CHARACTER}said"


def test_every_integer_has_64_bits(database: Database) -> None:
    with database.reading() as connection:
        narrow = connection.exec_driver_sql(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type IN ('integer', 'smallint', 'real')"
        ).all()
    assert narrow == []


# What the role needs.


def test_a_role_that_may_only_change_rows_takes_records_in_and_seals(
    tmp_path: Path, postgres_server: Server, postgres_store: str
) -> None:
    """The tables belong to who made them; docs/operations.md says what the service's role needs."""
    role = "notary_rows_only"
    owner = make_world(tmp_path, uri=postgres_store)
    matter = owner.open_matter()
    owner.close()
    with psycopg.connect(postgres_store, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM public")
        connection.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        )
        connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
    (tmp_path / URI).write_text(psycopg.conninfo.make_conninfo(postgres_store, user=role))
    world = reopen_world(tmp_path, "rows only")
    require_current(world.database)
    world.take(matter, "1")
    world.open_matter("Second", "account")
    world.seal()
    check_world(world)
    world.close()
    with psycopg.connect(postgres_store, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")

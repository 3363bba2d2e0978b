"""A service with two agencies and a key for each role, for the tests of this folder."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from api.app import Front, create_app
from notary import compose, creation
from notary.compose import Service
from notary.core.roles import ALL_ROLES, Role
from notary.creation import Created
from notary.usecases import beside
from notary.usecases.export_jobs import THREAD
from tests.simulators.where import new_database


@dataclass(frozen=True)
class People:
    """The application over one service, and who may ask it.

    `keys` are of the first agency, each with one role alone; `other` is a key of the second agency with all.
    """

    made: Created
    app: Front
    client: TestClient
    service: Service
    keys: dict[Role, str]
    other: str
    other_agency: int

    def headers(self, key: str) -> dict[str, str]:
        """The headers of a request by that key."""
        return {"Authorization": f"Bearer {key}"}


def make(folder: Path, database: str | None = None) -> Created:
    """A service whose chain is out of reach."""
    return creation.create(
        folder / "home",
        log="people.notary.example/log",
        agency="First agency",
        rpc="http://127.0.0.1:9",
        chain_id=31337,
        keys="keys",
        database=new_database() if database is None else database,
    )


@contextmanager
def opened(folder: Path, database: str | None = None) -> Iterator[People]:
    """The application of a new service in the folder."""
    made = make(folder, database)
    with pytest.MonkeyPatch.context() as patch, compose.opened(made.home) as service:
        patch.setenv("NOTARY_HOME", str(made.home.folder))
        register = service.agencies
        keys = {}
        for role in Role:
            user = register.add_user(1, f"the {role}", [role])
            keys[role] = register.issue_key(1, user.user_id, "test")
        second = register.add("Second agency")
        user = register.add_user(second, "all", ALL_ROLES)
        other = register.issue_key(second, user.user_id, "test")
        app = create_app()
        with TestClient(app, raise_server_exceptions=False) as client:
            yield People(made, app, client, service, keys, other, second)


def statements(people: People) -> AbstractContextManager[list[str]]:
    """As `statements_of` its application."""
    return statements_of(people.app)


@contextmanager
def statements_of(app: Front) -> Iterator[list[str]]:
    """The statements that the application asks its store meanwhile, each without its values.

    The store's own words: the driver tells of every statement, whichever way it was given.
    """
    database = app._app.state.service._database
    trace: list[str] = []
    connections = []

    def told(text: str) -> None:
        # The exports look for work at any moment, in a thread of their own, and say beside it that they live.
        name = threading.current_thread().name
        if name != THREAD and not name.endswith(f"({beside._repeat.__name__})"):
            trace.append(_without_values(text))

    class Traced(psycopg.Cursor[Any]):
        """A cursor of PostgreSQL that tells each statement."""

        def execute(self, query: Any, *args: Any, **more: Any) -> Any:
            told(str(query))
            return super().execute(query, *args, **more)

        def executemany(self, query: Any, *args: Any, **more: Any) -> None:
            told(str(query))
            super().executemany(query, *args, **more)

    def opened(connection: Any, *_: object) -> None:
        if isinstance(connection, psycopg.Connection):
            connection.cursor_factory = Traced
        else:
            connection.set_trace_callback(told)
        connections.append(connection)

    for engine in (database._reader, database._writer):
        event.listen(engine, "checkout", opened)
    try:
        yield trace
    finally:
        for engine in (database._reader, database._writer):
            event.remove(engine, "checkout", opened)
        for connection in connections:
            if isinstance(connection, psycopg.Connection):
                connection.cursor_factory = psycopg.Cursor
            else:
                connection.set_trace_callback(None)


def _without_values(text: str) -> str:
    return re.sub(r"'[^']*'|\b[Xx]'[0-9A-Fa-f]*'|\b\d+\b", "?", text)

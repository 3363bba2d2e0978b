"""Owns on which database the services of the suite are made.

NOTARY_TEST_STORE=postgresql puts each service that names no database into one of its own on PostgreSQL, so
that suites that know nothing of databases run on it (tests/soak/test_on_postgresql.py).
"""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack
from functools import cache

from tests import postgres

VARIABLE = "NOTARY_TEST_STORE"


def new_database() -> str:
    """The URI of a new empty database, or "" for the file of a home."""
    return _server().empty() if os.environ.get(VARIABLE) == "postgresql" else ""


@cache
def _server() -> postgres.Server:
    # Of the process: services are made by fixtures of modules, which can't ask for `postgres_server`.
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(postgres.running())

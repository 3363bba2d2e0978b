"""What of a service over HTTP rests on the database's own ways, asked of a service on PostgreSQL.

A selection: tests/soak/test_on_postgresql.py runs all of it there.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api import people
from tests.api.people import People
from tests.api.test_custody import taken, test_readings_at_the_same_time_share_commits
from tests.api.test_exports import test_a_matter_of_another_agency_can_not_be_ordered
from tests.api.test_roles import (
    places,
    test_a_record_for_another_agencys_matter_is_answered_as_for_nobodys,
    test_an_agency_lists_and_counts_its_own_alone,
    test_what_is_of_another_agency_is_answered_as_what_is_nobodys,
)
from tests.postgres import Server

__all__ = [
    "places",
    "taken",
    "test_a_matter_of_another_agency_can_not_be_ordered",
    "test_a_record_for_another_agencys_matter_is_answered_as_for_nobodys",
    "test_an_agency_lists_and_counts_its_own_alone",
    "test_readings_at_the_same_time_share_commits",
    "test_what_is_of_another_agency_is_answered_as_what_is_nobodys",
]


@pytest.fixture(scope="module")
def asked(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """The application, and who may ask it; its store is on PostgreSQL."""
    uri = postgres_server.empty()
    with people.opened(tmp_path_factory.mktemp("people"), uri) as found:
        assert found.made.home.database == uri
        yield found
    postgres_server.drop(uri)

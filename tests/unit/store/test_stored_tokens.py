"""The memory of tokens: what is owed is noted once, what is kept stays, and nothing is asked in vain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notary.adapters.store.database import Database
from notary.adapters.store.timestamps import StoredTokens
from notary.timestamp_ports import KeptToken, Wanted
from tests.simulators.authority import put_intent
from tests.simulators.store import empty_store

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NAMES = ("alpha", "beta")


@pytest.fixture
def database(tmp_path: Path, store_uri: str | None) -> Iterator[Database]:
    found = empty_store(tmp_path, store_uri)
    yield found
    found.close()


@pytest.fixture
def book(database: Database) -> StoredTokens:
    return StoredTokens(database)


def token(content: bytes = b"token", until: datetime = NOW + 300 * DAY) -> KeptToken:
    return KeptToken(content, NOW, until)


def due(book: StoredTokens, authority: str, now: datetime = NOW) -> Wanted:
    found = book.due(authority, now)
    assert found is not None
    return found


def test_each_authority_owes_a_token_of_each_checkpoint_once(
    database: Database, book: StoredTokens
) -> None:
    put_intent(database, 3, NOW)
    put_intent(database, 5, None, "SEALED")
    assert book.want(NAMES, NOW, NOW - DAY) == 4
    assert book.want(NAMES, NOW, NOW - DAY) == 0
    for name in NAMES:
        assert (due(book, name).size, due(book, name).number) == (3, 0)
    assert [(one.authority, one.waiting, one.since) for one in book.owing()] == [
        ("alpha", 2, NOW),
        ("beta", 2, NOW),
    ]


def test_one_size_anchored_twice_has_one_token(database: Database, book: StoredTokens) -> None:
    put_intent(database, 3, NOW)
    put_intent(database, 3, NOW, "MINED")
    assert book.want(("alpha",), NOW, NOW - DAY) == 1


@pytest.mark.parametrize("state", ["SUPERSEDED", "FOREIGN_NONCE"])
def test_nothing_is_owed_of_what_does_not_reach_the_chain(
    database: Database, book: StoredTokens, state: str
) -> None:
    put_intent(database, 3, None, state)
    assert book.want(NAMES, NOW, NOW - DAY) == 0


def test_an_authority_that_is_new_owes_nothing_of_the_past(
    database: Database, book: StoredTokens
) -> None:
    put_intent(database, 3, NOW - DAY - timedelta(seconds=1))
    put_intent(database, 4, NOW - DAY)
    assert book.want(("alpha",), NOW, NOW - DAY) == 1
    assert due(book, "alpha").size == 4


def test_what_failed_is_not_due_before_its_time(database: Database, book: StoredTokens) -> None:
    put_intent(database, 3, NOW)
    put_intent(database, 4, NOW)
    book.want(("alpha",), NOW, NOW - DAY)
    first = due(book, "alpha")
    book.put_off(first, NOW + timedelta(seconds=30), "TIMESTAMP_AWAY: gone")
    assert due(book, "alpha").size == 4
    again = due(book, "alpha", NOW + timedelta(seconds=30))
    assert (again.size, again.tries, again.wanted_at) == (3, 1, NOW)
    [waiting] = book.owing()
    assert (waiting.waiting, waiting.last_error) == (2, "TIMESTAMP_AWAY: gone")


def test_a_kept_token_is_due_no_more_and_never_changes(
    database: Database, book: StoredTokens
) -> None:
    put_intent(database, 3, NOW)
    book.want(NAMES, NOW, NOW - DAY)
    wanted = due(book, "alpha")
    book.keep(wanted, token(b"first"))
    book.keep(wanted, token(b"second"))
    book.put_off(wanted, NOW, "late")
    book.give_up(wanted, "late")
    assert book.due("alpha", NOW) is None
    assert book.chains(3) == [[token(b"first")]]
    assert book.want(NAMES, NOW, NOW - DAY) == 0
    assert [(one.authority, one.waiting, one.given_up) for one in book.owing()] == [("beta", 1, 0)]


def test_what_is_given_up_is_counted_and_never_asked_again(
    database: Database, book: StoredTokens
) -> None:
    put_intent(database, 3, NOW)
    book.want(("alpha",), NOW, NOW - DAY)
    book.give_up(due(book, "alpha"), "not to be had in time")
    assert book.due("alpha", NOW + 10 * DAY) is None
    assert book.want(("alpha",), NOW, NOW - DAY) == 0
    assert [(one.waiting, one.since, one.given_up) for one in book.owing()] == [(0, None, 1)]
    assert book.chains(3) == []


def test_the_last_token_of_a_chain_is_renewed_before_it_ends(
    database: Database, book: StoredTokens
) -> None:
    put_intent(database, 3, NOW)
    put_intent(database, 4, NOW)
    book.want(("alpha",), NOW, NOW - DAY)
    book.keep(due(book, "alpha"), token(b"ends", NOW + 10 * DAY))
    book.keep(due(book, "alpha"), token(b"lasts", NOW + 900 * DAY))
    assert book.want_renewals(("alpha",), NOW, NOW + 9 * DAY) == 0
    assert book.want_renewals(("alpha",), NOW, NOW + 10 * DAY) == 1
    assert book.want_renewals(("alpha",), NOW, NOW + 10 * DAY) == 0
    wanted = due(book, "alpha")
    assert (wanted.size, wanted.number, wanted.before) == (3, 1, b"ends")
    assert wanted.before_until == NOW + 10 * DAY
    book.keep(wanted, token(b"renewed", NOW + 20 * DAY))
    assert [one.token for one in book.chains(3)[0]] == [b"ends", b"renewed"]
    # The renewal is renewed in its turn, and the first token no more.
    assert book.want_renewals(("alpha",), NOW, NOW + 20 * DAY) == 1
    assert due(book, "alpha").before == b"renewed"


def test_first_tokens_come_before_renewals(database: Database, book: StoredTokens) -> None:
    put_intent(database, 3, NOW)
    book.want(("alpha",), NOW, NOW - DAY)
    book.keep(due(book, "alpha"), token())
    book.want_renewals(("alpha",), NOW, NOW + 300 * DAY)
    put_intent(database, 4, NOW)
    book.want(("alpha",), NOW, NOW - DAY)
    assert due(book, "alpha").size == 4


def test_an_authority_that_is_gone_is_asked_nothing_and_its_chains_are_renewed_by_the_first(
    database: Database, book: StoredTokens
) -> None:
    put_intent(database, 3, NOW)
    book.want(NAMES, NOW, NOW - DAY)
    book.keep(due(book, "beta"), token(b"of beta"))
    put_intent(database, 4, NOW)
    book.want(NAMES, NOW, NOW - DAY)
    # beta is taken out of the configuration: what it owes of size 4 is dropped …
    book.want(("alpha",), NOW, NOW - DAY)
    assert book.due("beta", NOW) is None
    # … and its chain over size 3 goes on.
    assert book.want_renewals(("alpha",), NOW, NOW + 300 * DAY) == 1
    book.keep(due(book, "alpha"), token(b"of alpha"))
    book.keep(due(book, "alpha"), token(b"of alpha"))
    assert due(book, "alpha").before == b"of beta"


def test_a_renewal_that_waits_for_an_authority_that_is_gone_is_handed_to_the_first(
    database: Database, book: StoredTokens
) -> None:
    put_intent(database, 3, NOW)
    book.want(("beta",), NOW, NOW - DAY)
    book.keep(due(book, "beta"), token(b"of beta"))
    book.want_renewals(("beta",), NOW, NOW + 300 * DAY)
    book.want(("alpha",), NOW, NOW + DAY)
    assert book.due("beta", NOW) is None
    assert due(book, "alpha").before == b"of beta"

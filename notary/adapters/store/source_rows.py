"""Rows of sources and of the entries of their logs. No rule of the service is here.

Test: tests/unit/store/test_sources.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, insert, select, update

from notary.adapters.store.bulk import insert_rows
from notary.adapters.store.database import table_of
from notary.adapters.store.tables import MatterRow, SourceEntryRow, SourceRow
from notary.core.source_edge import StoredSource, read_state
from notary.errors import Contradiction
from notary.usecases.record_store import GrownSource
from verifier.format import jsonc, source_log
from verifier.format.errors import FormatError
from verifier.format.members import Members

SOURCES = table_of(SourceRow)
ENTRIES = table_of(SourceEntryRow)
MATTERS = table_of(MatterRow)

_STORED = select(
    MATTERS.c.id, MATTERS.c.key, MATTERS.c.frontier, SOURCES.c.profile, SOURCES.c.state
).join(SOURCES, SOURCES.c.matter_id == MATTERS.c.id)


def stored_sources(
    connection: Connection, agency_id: int, keys: Sequence[bytes] | None = None
) -> dict[bytes, StoredSource]:
    """The agency's sources, oldest first, by key; with `keys` those among them alone."""
    wanted = _STORED.where(SOURCES.c.agency_id == agency_id).order_by(MATTERS.c.id)
    # A service has a handful of sources: choosing among them here needs no second statement.
    found = {row.key: row for row in connection.execute(wanted)}
    return {
        key: StoredSource(
            row.id, key, row.frontier, read_profile(row.profile), read_state(row.state)
        )
        for key, row in found.items()
        if keys is None or key in keys
    }


def read_profile(text: str) -> source_log.Profile:
    """A profile as the store keeps it."""
    try:
        return source_log.parse_profile(Members(jsonc.decode(text.encode(), "profile"), "profile"))
    except FormatError as error:
        raise Contradiction(
            "STORE_DAMAGED", f"a source's profile has not its form: {error}"
        ) from error


def profile_text(profile: source_log.Profile) -> str:
    """What `read_profile` reads."""
    return jsonc.encode(source_log.profile_members(profile)).decode()


def write_source(
    connection: Connection, agency_id: int, matter_id: int, profile: source_log.Profile
) -> None:
    """Add a source's row; `write_entries` gives it its state."""
    connection.execute(
        insert(SOURCES),
        {
            "matter_id": matter_id,
            "agency_id": agency_id,
            "name": profile.name,
            "profile": profile_text(profile),
            "state": "",
        },
    )


def keep_profile(connection: Connection, matter_id: int, profile: source_log.Profile) -> None:
    """Make it the source's newest one."""
    connection.execute(
        update(SOURCES)
        .where(SOURCES.c.matter_id == matter_id)
        .values(profile=profile_text(profile))
    )


def write_entries(connection: Connection, grown: GrownSource) -> None:
    """Add entries to a source's log, and keep its state."""
    if grown.entries:
        places = enumerate(grown.entries, grown.first)
        insert_rows(
            connection,
            "source_entries",
            ("matter_id", "position", "entry"),
            [(grown.matter_id, position, entry) for position, entry in places],
        )
    connection.execute(
        update(SOURCES).where(SOURCES.c.matter_id == grown.matter_id).values(state=grown.state)
    )


def entries_of(
    connection: Connection, matter_key: bytes, first: int, end: int
) -> Iterator[tuple[int, bytes]]:
    """Index and bytes of the entries from `first` to before `end`, in order, as they are asked for."""
    rows = connection.execute(
        select(ENTRIES.c.position, ENTRIES.c.entry)
        .join(MATTERS, MATTERS.c.id == ENTRIES.c.matter_id)
        .where(MATTERS.c.key == matter_key, ENTRIES.c.position >= first, ENTRIES.c.position < end)
        .order_by(ENTRIES.c.position)
    )
    for row in rows:
        yield row.position, row.entry

"""Records as findings see them, made by hand: calls every ten minutes, each changed as a test wants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from notary.core.findings.seen import Seen, seen
from verifier.format.jsonc import Json

MINUTE = 60_000  # ms
HOUR = 60 * MINUTE
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def text_of(ms: int) -> str:
    """A moment so many milliseconds after the beginning, as records write it."""
    at = BEGIN + timedelta(milliseconds=ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def call(
    number: int,
    *,
    at: int,
    reference: str | None = None,
    entered: int | None = None,
    matter: str | None = "nm1a",
    file: str = "f" * 64,
    **claims: Json,
) -> Seen:
    """An answered call of a hundred seconds, at so many milliseconds after the beginning."""
    said: dict[str, Json] = {
        "occurred_at": text_of(at),
        "occurred_at_source": {"text": "", "zone": "UTC", "fold": None, "note": None},
        "reference": reference or f"D{number:04}",
        "account": f"A-{number}",
        "direction": "outbound",
        "callee": {"number": f"+4477009{number:05}", "masked": False},
        "disposition": "answered",
        "duration_s": 100,
        "talk_s": 80,
        "import": {"importer": "csv/calls", "file_sha256": file, "row": number + 2},
        **claims,
    }
    return seen("call", said, matter=matter, position=number, entered=entered)


def stream(count: int) -> list[Seen]:
    """So many calls, each ten minutes after the one before."""
    return [call(n, at=n * 10 * MINUTE) for n in range(count)]

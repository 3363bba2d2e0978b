"""Records of who was given what: one for each request that reads or exports. Pure.

They stand in the log of the matter that was read, as records like any other: whoever gets a complete package
sees that they are there, and nothing in a leaf says who, what or why.
Spec: docs/spec/format.md §7; docs/design/0027-custody.md. Test: tests/unit/core/test_custody.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from notary.core.intake import Incoming
from notary.errors import CallerError
from verifier.format import times
from verifier.format.jsonc import Json

KIND = "custody"
LOCAL = "local:"  # before the account of the machine by which a command ran
REQUEST_LENGTH = 16  # random bytes of a request's id
MAX_PURPOSE = 500  # characters: a sentence, and no file


class Action(StrEnum):
    """What was done with the content that was given out."""

    READ = "read"
    EXPORT = "export"


@dataclass(frozen=True)
class Request:
    """Who asks for content, by which request, and why as far as they said."""

    actor: str
    request_id: str
    purpose: str | None = None


@dataclass(frozen=True)
class Handed:
    """A package as it was handed out. `sha256` is lower-case hex."""

    kind: str
    sha256: str
    size: int


def check_purpose(purpose: str | None) -> str | None:
    """The purpose, if it may be recorded. Raises CallerError PURPOSE_FORM."""
    if purpose is not None and not (1 <= len(purpose) <= MAX_PURPOSE and purpose.isprintable()):
        raise CallerError(
            "PURPOSE_FORM",
            f"purpose: want 1 to {MAX_PURPOSE} printable characters, got {len(purpose)}.",
        )
    return purpose


def record(
    matter_key: bytes,
    request: Request,
    action: Action,
    at: datetime,
    positions: Iterable[int],
    package: Handed | None = None,
) -> Incoming:
    """The record of one request, before anything is given out. `positions` ascend."""
    claims: dict[str, Json] = {
        "action": action.value,
        "actor": request.actor,
        "occurred_at": times.format_time(at),
        "request": request.request_id,
        "shown": ranges(positions),
    }
    if request.purpose is not None:
        claims["purpose"] = request.purpose
    if package is not None:
        claims["package"] = {
            "kind": package.kind,
            "sha256": package.sha256,
            "size": package.size,
        }
    return Incoming(matter_key, KIND, claims, f"{KIND}/{request.request_id}", by_service=True)


def ranges(positions: Iterable[int]) -> list[Json]:
    """Half-open ranges of ascending positions, as few as there can be."""
    found: list[list[int]] = []
    for position in positions:
        if found and found[-1][1] == position:
            found[-1][1] += 1
        else:
            found.append([position, position + 1])
    return [list(one) for one in found]

"""What travels over HTTP. Strict: unknown members, floats and booleans for integers are refused.

Test: tests/api/test_api.py.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from notary.core.custody import MAX_PURPOSE
from notary.core.erasures import MAX_STATED, Reason
from notary.core.roles import Role
from verifier.format.statement import Kind
from verifier.format.statement import Reason as WithholdReason


def _integer(value: object) -> object:
    # A body is JSON already, and its arrays become tuples, so its reader is not strict; a text or a
    # boolean is no number all the same.
    if type(value) is not int:
        raise ValueError("want an integer")
    return value


Integer = Annotated[int, BeforeValidator(_integer)]

MAX_KEY_DAYS = 365  # of a key that was made over HTTP: one that nobody renews ends
MAX_OVERLAP_DAYS = 30  # two keys open the same for no longer than a change takes

MAX_NAMED_SOURCES = 20  # an agency has as many exchanges and gateways, not more
MAX_POSITIONS = 1_000  # a request is answered within a minute; more by `notary erase`

Position = Annotated[Integer, Field(ge=0)]
Stated = Annotated[str, Field(min_length=1, max_length=MAX_STATED)]


class Strict(BaseModel):
    """Base of every wire type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class NewMatter(Strict):
    """A matter to register. Its number is made by the service."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    accounts: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=100)
    ] = ()


class MeView(Strict):
    """Whose key was sent: the agency's name, the user's id, and what the key may."""

    agency: str
    user: str
    roles: tuple[str, ...]


class MatterView(Strict):
    """A registered matter. `title` and `accounts` are null for whoever may see nothing personal."""

    number: str
    display: str
    title: str | None
    accounts: tuple[str, ...] | None
    records: int
    created_at: str


class NewRecord(Strict):
    """A record offered for a matter. `claims` are the registered names of its kind (format.md §7)."""

    matter: Annotated[str, Field(max_length=100)]
    kind: Annotated[str, Field(max_length=40)]
    claims: dict[str, Any]
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)]
    source: Annotated[str, Field(max_length=100)] | None = None
    number: Integer | None = None


class FileDeclared(Strict):
    """What a record says of one of its files. What is not null is compared with what comes."""

    media_type: Annotated[str, Field(min_length=3, max_length=200)]
    filename: Annotated[str, Field(max_length=1000)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    size: Annotated[int, Field(ge=0)] | None = None


class NewRecordWithFiles(NewRecord):
    """A record and its files, in the order of the parts."""

    files: Annotated[tuple[FileDeclared, ...], Field(max_length=500)]


class RecordView(Strict):
    """An acknowledged record: its leaf, its disclosures and the signed receipt, each byte for byte."""

    record_id: str
    position: int
    leaf: str
    disclosures: tuple[str, ...]
    receipt: str
    replayed: bool


class ReceiptView(Strict):
    """A record's leaf and signed receipt, each byte for byte; nothing in the clear."""

    record_id: str
    position: int
    leaf: str
    receipt: str


class Fault(Strict):
    """What is wrong with one field."""

    field: str
    reason: str


class Problem(Strict):
    """A problem document (RFC 9457). `code` is stable, `detail` names the cause and what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    faults: tuple[Fault, ...] = ()


class TakenView(RecordView):
    """A record of an array that entered: 201, or 200 if it came before."""

    status: int


OutcomeView = TakenView | Problem
"""The outcome of one record of an array."""


class HandedView(Strict):
    """A package as it was handed out."""

    kind: str
    sha256: str
    size: int


class CustodyView(Strict):
    """One request that was given content: who, what, when, why. `position` is null while no log holds it.

    `shown` are half-open ranges of positions.
    """

    position: int | None
    received_at: str | None
    batch: int | None
    action: str | None
    actor: str | None
    occurred_at: str | None
    purpose: str | None
    request: str | None
    shown: tuple[tuple[int, int], ...] | None
    package: HandedView | None


class NewWithhold(Strict):
    """A field to keep back, or without `claim` all of a record."""

    position: Position
    claim: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    reason: Annotated[str, Field(pattern=f"^({'|'.join(WithholdReason)})$")]


class NewNamedSource(Strict):
    """A source whose log is shown as well, by name or number; all of it from a day on, as YYYY-MM-DD."""

    source: Annotated[str, Field(min_length=1, max_length=100)]
    since: Annotated[str, Field(min_length=10, max_length=10)] | None = None


class NewExport(Strict):
    """A package to make. `positions` are those of an extract; `sources` null: as the kind has it."""

    matter: str
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Annotated[str, Field(pattern=f"^({'|'.join(Kind)})$")] = "complete"
    positions: Annotated[tuple[Position, ...], Field(max_length=MAX_POSITIONS)] = ()
    withhold: Annotated[tuple[NewWithhold, ...], Field(max_length=MAX_POSITIONS)] = ()
    full_history: bool = False
    sources: bool | None = None
    named_sources: Annotated[tuple[NewNamedSource, ...], Field(max_length=MAX_NAMED_SOURCES)] = ()
    purpose: Annotated[str, Field(min_length=1, max_length=MAX_PURPOSE)] | None = None


class ProgressView(Strict):
    """How far a job is: batches of a full history, then records. It begins again with each attempt."""

    done: int
    of: int


class PackageView(Strict):
    """A package that can be fetched, and what it holds."""

    sha256: str
    size: int
    records: int
    shown: int
    withheld: int
    as_of_block: int
    as_of_time: str


class ExportView(Strict):
    """A job. `state` is waiting, running, done or failed; `error` is what ended it."""

    export: str
    matter: str
    kind: str
    state: str
    created_at: str
    attempts: int
    progress: ProgressView
    package: PackageView | None
    error: Problem | None
    expires_at: str | None


RoleName = Annotated[str, Field(pattern=f"^({'|'.join(Role)})$")]


class NewUser(Strict):
    """A user to register."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    roles: Annotated[tuple[RoleName, ...], Field(min_length=1, max_length=len(Role))]


class UserView(Strict):
    """A user. `name` is null for who had keys before there were users."""

    user: str
    name: str | None
    roles: tuple[str, ...]
    created_at: str
    disabled_at: str | None


class NewKey(Strict):
    """A key to make; without `roles` it has all that its user has now."""

    label: Annotated[str, Field(min_length=1, max_length=200)] = "unnamed"
    roles: Annotated[tuple[RoleName, ...], Field(min_length=1, max_length=len(Role))] | None = None
    days: Annotated[Integer, Field(ge=1, le=MAX_KEY_DAYS)] = MAX_KEY_DAYS


class NewRotation(Strict):
    """For how long the old key still opens what it opened."""

    overlap_days: Annotated[Integer, Field(ge=0, le=MAX_OVERLAP_DAYS)] = 7


class KeyView(Strict):
    """What is known of a key; never its text. `last_used` is a day."""

    key: str
    begins: str
    user: str
    label: str
    roles: tuple[str, ...]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used: str | None


class MadeKeyView(KeyView):
    """A key that was just made. `secret` is its text, and shown this once."""

    secret: str


class ActView(Strict):
    """One change of users or keys. `actor` is a user's id, or `local:` and an account of the machine."""

    at: str
    actor: str
    act: str
    user: str
    key: str | None
    roles: tuple[str, ...]


class NewErasure(Strict):
    """Records to erase, why, and on whose word. With `dry_run` only the plan is answered."""

    positions: Annotated[tuple[Position, ...], Field(min_length=1, max_length=MAX_POSITIONS)]
    reason: Annotated[str, Field(pattern=f"^({'|'.join(Reason)})$")]
    authority: Stated
    early: bool = False
    dry_run: bool = False


class NewHold(Strict):
    """A hold of one record, or without a position of the whole matter."""

    position: Position | None = None
    reason: Stated
    authority: Stated


class NewRelease(Strict):
    """Why a hold ends, and on whose word."""

    reason: Stated
    authority: Stated


class PriorityView(Strict):
    """How far the request to anchor at once is (docs/spec/sender.md §9)."""

    state: str
    asked_at: str | None
    not_before: str | None


class HealthView(Strict):
    """Health follows the worker, not the port that answers."""

    status: str
    reasons: tuple[str, ...]
    worker_seen_at: str | None
    worker_error: str | None
    sealed: int
    anchored: int
    held: str | None
    alarms: tuple[str, ...]

"""Owns the calls of a client, each with its typed answer (docs/client.md).

Test: tests/scenarios/client/test_client.py.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from notary.client.checking import Acknowledged, Refusal, acknowledged, receipt_again
from notary.client.exports import Exports
from notary.client.records import READ_BYTES, OriginalFile, Record
from notary.client.stream import RecordStream
from notary.client.transport import PATIENCE_S, TIMEOUT_S, Transport, json_body
from notary.errors import CallerError, OutcomeUnknown
from verifier.format.jsonc import Json

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class ServedMatter:
    """A matter as the service shows it; title and accounts are null for whoever may not see them."""

    number: str
    display: str  # the number in groups, as people write it
    title: str | None
    accounts: tuple[str, ...]
    records: int


@dataclass(frozen=True)
class Health:
    """How the service is: `ok` or not, with the codes of its reasons."""

    status: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ClockOffset:
    """How far the service's clock is ahead of this machine's, and how wrong that can be."""

    ahead: timedelta
    within: timedelta
    measured_at: datetime


class Client:
    """One service, as one user of it. Calls may come from several threads.

    `receipt_keys` are the receipt keys that receipts must be signed by (`notary keys list` on the service's
    machine shows them); with none, receipts are checked to be consistent, and `signed` says no.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        receipt_keys: Sequence[str] = (),
        ca: Path | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = Transport(
            url, key, ca=ca, timeout_s=timeout_s, patience_s=patience_s, pause=pause
        )
        self.exports = Exports(self._transport, patience_s, pause)
        self._keys = tuple(receipt_keys)
        self._patience_s = patience_s
        self._pause = pause

    def health(self) -> Health:
        """Whether records are sealed and anchored. A service that answers no is an answer."""
        return self._transport.once("GET", "/health").read(
            lambda told: Health(str(told["status"]), tuple(told["reasons"]))
        )

    def clock_offset(self) -> ClockOffset:
        """Measure how far the clocks are apart, by the Date of one answer."""
        sent = datetime.now(UTC)
        answer = self._transport.once("GET", "/v1/me")
        got = datetime.now(UTC)
        with suppress(ValueError, TypeError):
            stated = parsedate_to_datetime(answer.date or "")
            # The header has whole seconds, and a server renews it once a second: up to two seconds late.
            middle = sent + (got - sent) / 2
            within = _SECOND + (got - sent) / 2
            return ClockOffset(stated + _SECOND - middle, within, got)
        raise OutcomeUnknown("ANSWER_GARBLED", "the service's answer has no Date.")

    def matters(self) -> list[ServedMatter]:
        """Every matter of the agency."""
        answer = self._transport.call("GET", "/v1/matters")
        return answer.read(lambda told: [_matter(one) for one in told])

    def matter(self, number: str) -> ServedMatter:
        """One matter. Raises CallerError MATTER_UNKNOWN."""
        return self._transport.call("GET", f"/v1/matters/{quote(number, safe='')}").read(_matter)

    def find_matters(self, text: str) -> list[ServedMatter]:
        """The agency's matters in whose number, title or accounts the text stands, whatever the case."""
        wanted = text.casefold()
        return [
            one
            for one in self.matters()
            if any(
                wanted in place.casefold()
                for place in (one.number, one.display, one.title or "", *one.accounts)
            )
        ]

    def custody(self, number: str) -> list[dict[str, Any]]:
        """Who read or exported a matter, as `notary custody --json` has it. It takes the role auditor."""
        path = f"/v1/matters/{quote(number, safe='')}/custody"
        return self._transport.call("GET", path).read(lambda told: [dict(one) for one in told])

    def status(self) -> dict[str, Any]:
        """What waits, is sealed, anchored and late, as `notary status --json` has it."""
        return self._transport.call("GET", "/v1/status").read(dict)

    def sources(self) -> list[dict[str, Any]]:
        """Every source, with the numbers that are missing in its log. For operator, auditor."""
        answer = self._transport.call("GET", "/v1/sources")
        return answer.read(lambda told: [dict(one) for one in told])

    def new_matter(self, title: str, accounts: Sequence[str] = ()) -> ServedMatter:
        """Register a matter. It has no idempotency key, so OutcomeUnknown asks to look first."""
        document: Json = {"title": title, "accounts": list(accounts)}
        answer = self._transport.call("POST", "/v1/matters", json_body(document), repeatable=False)
        return answer.read(_matter)

    def submit(self, record: Record) -> Acknowledged:
        """Hand in a record; durable when this returns.

        Raises CallerError (ConflictError if its key came with other content), NothingHappened where the
        service is away or busy for too long: the same call may be repeated at any time.
        """
        answer = self._transport.call("POST", "/v1/records", json_body(record.document()))
        return answer.read(lambda told: acknowledged(told, record, (), self._keys))

    def submit_many(
        self, records: Iterable[Record]
    ) -> Iterator[tuple[Record, Acknowledged | Refusal]]:
        """Hand in any number of records, and get each with its outcome, in order, while others still go out.

        `records` is read in another thread, a few thousand ahead of the outcomes. A stream that breaks is
        begun anew with what is not answered.
        """
        stream = RecordStream(self._transport, records, self._keys, self._patience_s, self._pause)
        return stream.outcomes()

    def submit_with_files(self, record: Record, files: Sequence[OriginalFile]) -> Acknowledged:
        """Hand in a record with its originals, streamed; durable when this returns. Raises as `submit`."""
        if not files:
            return self.submit(record)
        listed: list[Json] = [file.document() for file in files]
        document: dict[str, Json] = {**record.document(), "files": listed}
        answer = self._transport.call(
            "POST", "/v1/records/with-files", lambda: _multipart(document, files)
        )
        return answer.read(lambda told: acknowledged(told, record, files, self._keys))

    def receipt(self, record_id: str, matter: str) -> Acknowledged:
        """Leaf and receipt of an acknowledged record of that matter again."""
        path = f"/v1/records/{quote(record_id, safe='')}/receipt"
        answer = self._transport.call("GET", path)
        return answer.read(lambda told: receipt_again(told, matter, self._keys))


def _stretch(file: OriginalFile, size: int) -> Iterator[bytes]:
    """The file's first `size` bytes. Raises CallerError if it has not as many."""
    try:
        with file.path.open("rb") as stream:
            while size and (block := stream.read(min(size, READ_BYTES))):
                size -= len(block)
                yield block
    except OSError as error:
        raise CallerError("FILE_UNREADABLE", f"{file.path}: {error.strerror}.") from error
    if size:
        raise CallerError("FILE_CHANGED", f"{file.path} became shorter while it was sent.")


def _matter(told: Mapping[str, Any]) -> ServedMatter:
    return ServedMatter(
        str(told["number"]),
        str(told["display"]),
        told["title"],
        tuple(told["accounts"] or ()),
        int(told["records"]),
    )


def _multipart(
    document: Mapping[str, Json], files: Sequence[OriginalFile]
) -> tuple[Mapping[str, str], Iterator[bytes]]:
    """RFC 7578, with files read as they are sent."""
    boundary = secrets.token_hex(16)
    heads = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="record"\r\n'
        f"Content-Type: application/json\r\n\r\n".encode("ascii")
        + json.dumps(document).encode("ascii")
    ]
    heads += [
        f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{place}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n".encode("ascii")
        for place in range(len(files))
    ]
    end = f"\r\n--{boundary}--\r\n".encode("ascii")
    sizes = [file.facts[0] for file in files]
    length = sum(map(len, heads)) + sum(sizes) + len(end)

    def content() -> Iterator[bytes]:
        yield heads[0]
        for head, file, size in zip(heads[1:], files, sizes, strict=True):
            yield head
            yield from _stretch(file, size)
        yield end

    return {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(length),
    }, content()

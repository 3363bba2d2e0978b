"""Owns the calls about packages: ordered, followed, fetched, cancelled.

Spec: docs/http.md, "Exports that take long"; docs/client.md.
Test: tests/scenarios/client/test_exports.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from notary.client.download import fetch
from notary.client.transport import Transport, Waits, by_status, json_body
from notary.errors import CallerError, NotaryError, NothingHappened
from verifier.format.jsonc import Json

PATH = "/v1/exports"
LOOK_EVERY_S = 1.0  # the service itself writes down every two seconds how far it is
DONE = "done"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Withheld:
    """What is kept back of a record, and why: a claim, or without one all of it.

    `reason` is `privilege`, `personal_data`, `trade_secret`, `mediation`, `not_relevant` or `other`.
    """

    position: int
    reason: str
    claim: str | None = None

    def document(self) -> dict[str, Json]:
        """As it travels."""
        document: dict[str, Json] = {"position": self.position, "reason": self.reason}
        if self.claim is not None:
            document["claim"] = self.claim
        return document


@dataclass(frozen=True)
class Package:
    """A package that can be fetched: hex SHA-256, bytes, what it shows, and as of which block and time."""

    sha256: str
    size: int
    records: int
    shown: int
    withheld: int
    as_of_block: int
    as_of_time: str


@dataclass(frozen=True)
class Export:
    """An export as the service shows it. `state` is waiting, running, done or failed.

    `done` of `total` steps are made. `failure` is why nothing came of it.
    """

    name: str
    matter: str
    kind: str
    state: str
    done: int
    total: int
    package: Package | None
    failure: NotaryError | None
    expires_at: str | None


class Exports:
    """The exports of one agency; `Client.exports`. It takes the role counsel."""

    def __init__(
        self, transport: Transport, patience_s: float, pause: Callable[[float], None]
    ) -> None:
        self._transport = transport
        self._patience_s = patience_s
        self._pause = pause

    def order(
        self,
        matter: str,
        idempotency_key: str,
        *,
        positions: Sequence[int] = (),
        absent: bool = False,
        withhold: Sequence[Withheld] = (),
        full_history: bool = False,
        sources: bool | None = None,
        named_sources: Mapping[str, str | None] | None = None,
        purpose: str | None = None,
    ) -> Export:
        """Have a package made: of the whole matter, of the records at `positions`, or that it is `absent`.

        `named_sources` are shown whether a record names them or not, each whole from its day on
        (`YYYY-MM-DD`) if it has one.
        Under the same key the same order is the same export; of another one it raises ConflictError.
        """
        kind = "absent" if absent else "extract" if positions else "complete"
        kept: list[Json] = [one.document() for one in withhold]
        shown: list[Json] = [
            {"source": name, "since": since} for name, since in (named_sources or {}).items()
        ]
        document: dict[str, Json] = {
            "matter": matter,
            "idempotency_key": idempotency_key,
            "kind": kind,
            "positions": list(positions),
            "withhold": kept,
            "full_history": full_history,
            "sources": sources,
            "named_sources": shown,
            "purpose": purpose,
        }
        return self._transport.call("POST", PATH, json_body(document)).read(_export)

    def all(self) -> list[Export]:
        """Every export of the agency that is not over, oldest first."""
        answer = self._transport.call("GET", PATH)
        return answer.read(lambda told: [_export(one) for one in told])

    def get(self, name: str) -> Export:
        """One export. Raises CallerError EXPORT_UNKNOWN."""
        return self._transport.call("GET", _path(name)).read(_export)

    def wait(
        self, export: Export, progress: Progress | None = None, *, within_s: float | None = None
    ) -> Export:
        """Wait until it is done. Raises what ended it, NothingHappened EXPORT_SLOW after `within_s`."""
        end = None if within_s is None else time.monotonic() + within_s
        found = export
        while found.state != DONE:
            found = self.get(export.name)
            if progress is not None and found.total:
                progress(found.done, found.total)
            if found.failure is not None:
                raise found.failure
            if found.state != DONE:
                if end is not None and time.monotonic() >= end:
                    raise NothingHappened(
                        "EXPORT_SLOW",
                        f"export {found.name} is {found.state} after {within_s:g} s ({found.done} of "
                        f"{found.total}). It goes on; wait again.",
                    )
                self._pause(LOOK_EVERY_S)
        return found

    def download(self, export: Export, path: Path, progress: Progress | None = None) -> None:
        """The package as a file, whole or not there, its digest checked; `progress` counts bytes.

        A broken connection is gone on with where it stopped, also by the same call in another process. What
        is there already and is this package is left; another file is not replaced: CallerError FILE_EXISTS.
        Raises Contradiction PACKAGE_BAD if the bytes are not those that the service names.
        """
        if export.package is None:
            raise CallerError(
                "EXPORT_UNFINISHED", f"export {export.name} is {export.state}. Wait for it first."
            )
        waits = Waits(self._patience_s, self._pause)
        place = _path(export.name) + "/package"
        package = export.package
        fetch(self._transport, place, package.sha256, package.size, path, waits, progress)

    def cancel(self, export: Export) -> None:
        """Stop it, or remove its package: it is gone when this returns."""
        try:
            self._transport.call("DELETE", _path(export.name))
        except CallerError as error:
            # A repetition after a lost answer finds nothing any more.
            if error.code != "EXPORT_UNKNOWN":
                raise


def _path(name: str) -> str:
    return f"{PATH}/{quote(name, safe='')}"


def _export(told: Mapping[str, Any]) -> Export:
    error, package = told["error"], told["package"]
    return Export(
        str(told["export"]),
        str(told["matter"]),
        str(told["kind"]),
        str(told["state"]),
        int(told["progress"]["done"]),
        int(told["progress"]["of"]),
        None if package is None else _package(package),
        None
        if error is None
        else by_status(int(error["status"]), str(error["code"]), str(error["detail"])),
        told["expires_at"],
    )


def _package(told: Mapping[str, Any]) -> Package:
    return Package(
        str(told["sha256"]),
        int(told["size"]),
        int(told["records"]),
        int(told["shown"]),
        int(told["withheld"]),
        int(told["as_of_block"]),
        str(told["as_of_time"]),
    )

"""Leads rows to matters: by account, by the matter number that a row states, or all to one.

Spec: docs/spec/column-map.md §4. Test: tests/scenarios/ingest/test_files.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from notary.importers.rows import BadRow, ImportedRow
from notary.ports import MatterRegister
from notary.usecases.import_store import ImportStore
from verifier.format import numbers
from verifier.format.errors import FormatError

MAX_CACHED_ACCOUNTS = 100_000  # about 20 MB


class Matters:
    """Leads rows to matters, remembering what it asked."""

    def __init__(
        self, agency_id: int, register: MatterRegister, store: ImportStore, forced: bytes | None
    ) -> None:
        self._agency_id = agency_id
        self._register = register
        self._store = store
        self.forced = forced
        self._accounts: dict[str, bytes | None] = {}
        self._numbers: dict[bytes, str] = {}

    def learn(self, accounts: Iterable[str]) -> None:
        """Ask for many accounts at once, so that each row need not."""
        unknown = sorted({account for account in accounts if account not in self._accounts})
        if len(self._accounts) + len(unknown) > MAX_CACHED_ACCOUNTS:
            self._accounts.clear()
        found = self._store.matters_of(self._agency_id, unknown) if unknown else {}
        for account in unknown:
            self._accounts[account] = found.get(account)

    def of_account(self, account: str) -> bytes | None:
        """The key of the matter that the account leads to, or None."""
        if account not in self._accounts:
            self.learn([account])
        return self._accounts[account]

    def of(self, row: ImportedRow) -> bytes | None:
        """The key of the row's matter, or None if its account is unknown. Raises BadRow."""
        if row.matter is not None:
            key: bytes | None = self._of_number(row.matter)
        elif row.account is not None:
            key = self.of_account(row.account)
        else:
            key = self.forced
            if key is None:
                raise BadRow(
                    "ROW_ACCOUNT",
                    "account",
                    "nothing in the row leads to a matter",
                    "name the matter with --matter, or the account's column in a column map",
                )
        if self.forced is None:
            return key
        if key is not None and key != self.forced:
            raise BadRow(
                "ROW_MATTER",
                "matter" if row.matter is not None else "account",
                "the row leads to another matter than --matter",
                "give the file without --matter, or mend the row",
            )
        return self.forced

    def number(self, key: bytes) -> str:
        """The printed number of a matter that a row was led to."""
        if key not in self._numbers:
            matter = self._register.by_key(self._agency_id, key)
            self._numbers[key] = "" if matter is None else matter.number
        return self._numbers[key]

    def _of_number(self, text: str) -> bytes:
        try:
            key = bytes(numbers.parse(text).key)
        except FormatError as error:
            raise BadRow("ROW_MATTER", "matter", error.message, "mend the number") from error
        if key not in self._numbers:
            matter = self._register.by_key(self._agency_id, key)
            if matter is None:
                raise BadRow(
                    "ROW_MATTER",
                    "matter",
                    "the agency has no matter with this number",
                    "register the matter, or mend the number",
                )
            self._numbers[key] = matter.number
        return key

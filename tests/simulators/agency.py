"""An agency's machine: folders that people and switches write to, and the agent's own folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notary.agent.journal import Journal, Queued
from notary.agent.making import Maker
from notary.agent.scan import Scanner
from notary.agent.settings import SEND, Folder, Settings
from notary.agent.signing import sender_key
from notary.importers.column_map import ColumnMap
from notary.importers.map_file import load_map

SOURCE = "pbx-1"
MATTER = "nm1qyqqzqsrqszsvpcgpy9qkrqdpc8hydcw7q9wm9h0"
SMS = """
id = "sms"
version = 1
format = "csv"
kind = "message"
[account]
column = "account"
[occurred_at]
column = "sent"
[claims.text]
type = "text"
column = "text"
"""
HEADER = "account,sent,text\n"


def sms(number: int, account: str = "C-1") -> str:
    """A row; no two are equal."""
    return f"{account},2026-02-01T09:00:00Z,Please call {number}\n"


def sms_map(folder: Path, identity: str = "") -> ColumnMap:
    path = folder / "sms.map.toml"
    more = f'[identity]\ncolumns = ["{identity}"]\n' if identity else ""
    path.write_text(SMS + more, "utf-8")
    return load_map(path)


@dataclass
class Agency:
    """One followed folder, and a scanner over it whose time stands still until it is set."""

    home: Path
    map: ColumnMap | None = None
    matter: str | None = MATTER
    originals: str = SEND
    spool_mb: int = 100
    now_s: float = 0.0
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for folder in (self.files, self.state, self.spool):
            folder.mkdir(parents=True, exist_ok=True)
        self.open()

    @property
    def files(self) -> Path:
        return self.home / "files"

    @property
    def state(self) -> Path:
        return self.home / "state"

    @property
    def spool(self) -> Path:
        return self.state / "spool"

    def open(self) -> None:
        """As a process that starts."""
        folder = Folder(self.files, "*", self.matter, self.map, self.originals)
        settings = Settings(
            self.state,
            "https://a",
            SOURCE,
            self.state / "api.key",
            (folder,),
            spool_mb=self.spool_mb,
        )
        self.journal = Journal(self.state)
        self.queued: list[Queued] = []
        self.scanner = Scanner(
            settings,
            self.journal,
            self.spool,
            lambda: self.now_s,
            self.told.append,
            lambda record: self.queued.append(record),
        )

    def restart(self) -> None:
        """As after a kill."""
        self.journal.close()
        self.open()

    def look(self, *, after_s: float = 0.0) -> list[Queued]:
        self.now_s += after_s
        maker = Maker(sender_key(self.state), SOURCE, None, "2026-11-26T10:00:00.000Z")
        self.queued = []
        self.scanner.look(maker)
        return self.queued

    def settle(self) -> list[Queued]:
        """Look, wait for as long as anything has to stand still, look again."""
        return self.look() + self.look(after_s=1_000)

    def faults(self) -> list[str]:
        found: list[Any] = self.journal.told(100)["faults"]
        return [one["code"] for one in reversed(found)]


def texts(records: list[Queued]) -> list[Any]:
    return [one.claims.get("text") for one in records]

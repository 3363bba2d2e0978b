"""Owns the register of a generated case: which account leads to which matter, as a table and as commands.

Test: tests/unit/cases/test_command.py.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from notary.cases import case_folder

TABLE = "accounts.csv"
COMMANDS = "register.sh"


class Entry(NamedTuple):
    """One matter: the case's own name of it, its title, and every spelling of its account."""

    matter: str
    title: str
    accounts: tuple[str, ...]


def write(out: case_folder.CaseFolder, entries: Sequence[Entry]) -> None:
    """Write the register into the case's folder."""
    rows = [(one.matter, one.title, account) for one in entries for account in one.accounts]
    out.write(TABLE, case_folder.table(("matter", "title", "account"), rows))
    lines = ["# One command for each matter; it prints the matter's number.", "set -e"]
    for entry in entries:
        accounts = [word for account in entry.accounts for word in ("--account", account)]
        lines.append(shlex.join(["notary", "matter", "new", entry.title, *accounts]))
    out.write(COMMANDS, ("\n".join(lines) + "\n").encode())

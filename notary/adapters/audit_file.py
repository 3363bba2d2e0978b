"""The file that remembers an audit: how far it came, what it found, and which drift stands.

Written whole or not at all, so that a killed audit goes on. It lies beside the store and in no backup: a
restored store is audited anew. Test: tests/scenarios/service/test_audit.py.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from notary.adapters.durable import write_file
from notary.core.audit_state import AuditState, Finding
from notary.errors import CallerError

NAME = "audit.json"


class AuditFile:
    """`audit.json` in the data folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def read(self) -> AuditState | None:
        """What was kept last; None before the first audit. Raises CallerError AUDIT_FILE."""
        try:
            kept = json.loads(self._path.read_bytes())
            for name in ("found", "standing"):
                kept[name] = [Finding(**one) for one in kept[name]]
            return AuditState(**kept)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CallerError(
                "AUDIT_FILE",
                f"{self._path} can't be read ({error}). Remove it; run `notary audit`.",
            ) from error

    def keep(self, state: AuditState) -> None:
        """Keep the state in place of the one before."""
        write_file(self._path, json.dumps(asdict(state), indent=1).encode("utf-8"))

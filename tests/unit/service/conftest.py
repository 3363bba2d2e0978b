"""Fixtures of the commands' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from notary import creation


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new service's folder. Nothing listens where its chain should be; no command here asks it."""
    made = creation.create(
        tmp_path / "home",
        log="commands.notary.example/log",
        agency="Agency",
        rpc="http://127.0.0.1:9",
        chain_id=31337,
        keys="keys",
    )
    return made.home.folder

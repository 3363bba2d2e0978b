"""The frozen packages are judged as they always were (tests/corpus/ORIGIN.md)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.corpus.regenerate import CORPUS, KINDS, judged, make

MAX_FILE_BYTES = 100_000  # the corpus grows with every version and must stay small


@pytest.mark.parametrize("kind", KINDS)
def test_the_verdict_stays(kind: str) -> None:
    expected = json.loads((CORPUS / kind / "expected.json").read_bytes())
    assert expected["verdict"] == "VALID"
    assert judged(CORPUS / kind) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_world_still_makes_these_bytes(kind: str, tmp_path: Path) -> None:
    """Until format 1.0; if the format changed on purpose: python -m tests.corpus.regenerate."""
    make(kind, tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (CORPUS / kind / path.name).read_bytes(), path.name


def test_the_files_are_small() -> None:
    files = [path for kind in KINDS for path in (CORPUS / kind).iterdir()]
    assert len(files) == 18
    assert [path for path in files if path.stat().st_size > MAX_FILE_BYTES] == []

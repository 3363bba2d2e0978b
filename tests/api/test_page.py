"""docs/http.md names every request that the application answers, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from api.app import create_app
from notary import creation

PAGE = Path(__file__).parents[2] / "docs/http.md"


def test_the_page_lists_every_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = creation.create(
        tmp_path / "home",
        log="page.notary.example/log",
        agency="Test agency",
        rpc="http://127.0.0.1:9",
        chain_id=31337,
        keys="keys",
    )
    monkeypatch.setenv("NOTARY_HOME", str(made.home.folder))
    app = create_app()._app
    answered = [
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    ]
    listed = PAGE.read_text("utf-8").split("\n## Keys and roles\n")[0]
    told = re.findall(r"^\| `([A-Z]+ /\S*)` \|", listed, re.MULTILINE)
    assert sorted(told) == sorted(answered)


def test_the_page_names_every_code_that_the_edge_gives() -> None:
    sources = "".join(path.read_text("utf-8") for path in (PAGE.parents[1] / "api").glob("*.py"))
    given = re.findall(
        r'(?:HttpFault|CallerError|problem|body)\(\s*(?:[\w.]+,\s*)?"([A-Z_]{4,})"', sources
    )
    assert {"BODY_SIZE", "CONTENT_TYPE", "PARTS", "HEAD_SIZE", "INTERNAL"} <= set(given)
    told = set(re.findall(r"`([A-Z_]{4,})`", PAGE.read_text("utf-8")))
    assert set(given) - told == set()

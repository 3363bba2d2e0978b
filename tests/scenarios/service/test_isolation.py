"""What is anchored of one agency is answered to another as what does not exist, by the same questions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from notary.core.intake import Incoming
from notary.core.roles import ALL_ROLES
from tests.anvil import Anvil
from tests.api.people import statements_of
from tests.scenarios.service import live as scene
from verifier.format import numbers


@pytest.mark.slow
def test_an_anchored_matter_of_another_agency_is_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil)
        with live.opened() as service:
            other = service.agencies.add("Other")
            user = service.agencies.add_user(other, "all", ALL_ROLES)
            key = service.agencies.issue_key(other, user.user_id, "x", valid=timedelta(days=1))
            found = {}
            for name, agency in (("first", 1), ("second", other)):
                matter = service.new_matter(agency, "A v. B", ("A-1",))
                item = Incoming(matter.key, "message", {"text": "Hello"}, "k-1")
                service.acceptor.accept(agency, [item])
                found[name] = matter.number
            scene.work(service)
        nobody = numbers.make(
            b"\x09" * numbers.RANDOM_LENGTH, numbers.parse(found["first"]).log_tag
        )

        monkeypatch.setenv("NOTARY_HOME", str(live.home))
        app = create_app()
        with TestClient(app, raise_server_exceptions=False) as client:
            headers = {"Authorization": f"Bearer {key}"}

            def ask(number: str, query: str) -> tuple[Any, list[str]]:
                with statements_of(app) as trace:
                    answer = client.get(f"/v1/matters/{number}/{query}", headers=headers)
                return answer, trace

            own, _ = ask(found["second"], "package?purpose=own")
            assert own.status_code == 200
            assert own.content[:2] == b"PK"
            for query in ("package", "package?kind=extract&position=0", "custody"):
                ask(nobody.text, query)
                theirs, asked = ask(found["first"], query)
                unknown, asked_too = ask(nobody.text, query)
                assert (theirs.status_code, theirs.json()["code"]) == (404, "MATTER_UNKNOWN")
                assert theirs.text.replace(found["first"], "#") == unknown.text.replace(
                    nobody.text, "#"
                )
                assert asked == asked_too
            # The map is public: whoever has the number sees that the log has it, and gets no false proof.
            absent, _ = ask(found["first"], "package?kind=absent")
            assert (absent.status_code, absent.json()["code"]) == (422, "MATTER_PRESENT")
            assert ask(nobody.text, "package?kind=absent")[0].status_code == 200

            [row] = ask(found["second"], "custody")[0].json()
            assert (row["action"], row["purpose"], row["actor"]) == ("export", "own", user.handle)
            assert row["request"] == own.headers["request-id"]
            assert row["package"]["size"] == len(own.content)
        with live.opened() as service:
            # The other agency's matter has no trace of it.
            assert service.matter(1, found["first"]).size == 1

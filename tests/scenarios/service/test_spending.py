"""The cap per day as an operator sets it, and sees it in status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notary.errors import NothingHappened
from tests.anvil import Anvil
from tests.scenarios.service import live as scene


def test_a_cap_in_the_configuration_holds_the_worker_and_is_shown(tmp_path: Path) -> None:
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil, {"max_spend_per_day": "0.0000001"})
        with (
            live.opened() as service,
            pytest.raises(NothingHappened, match=r"the cap is 0\.0000001"),
        ):
            service.worker(lambda line: None).run_until_idle(patience_s=0)
        assert scene.anchored_sizes(live) == []
        done = live.run("status", "--json")
        assert done.returncode == 1
        told = json.loads(done.stdout)
        assert (told["anchor"]["held"], told["budget"]["cap_per_day"]) == ("BUDGET", "0.0000001")
        # A higher cap, and it goes on.
        path = live.home / "notary.toml"
        path.write_text(path.read_text("utf-8").replace('"0.0000001"', '"0.01"'), "utf-8")
        done = live.run("work", "--until-idle")
        assert done.returncode == 0, done.stderr
        assert "cap 0.01;" in done.stdout
        assert len(scene.anchored_sizes(live)) == 1

"""Nothing public says anything of a person; and whatever does is found, by the command that looks for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notary.core.intake import Accepted, Incoming
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live

NAME = "Ada Example-Canary"
PHONES = [f"+49 40 98765{number:02}" for number in range(40)]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service with calls of many numbers, letters, an original with a telling name; sealed and anchored."""
    folder = tmp_path_factory.mktemp("lint")
    with Anvil(*scene.CHAIN) as anvil:
        made = scene.make(folder / "home", anvil)
        with made.opened() as service:
            matter = service.new_matter(1, f"Bank v. {NAME}", (f"{NAME}-1",))
            calls = [
                Incoming(matter.key, "call", {"caller": phone, "direction": "in"}, f"call-{phone}")
                for phone in PHONES
            ]
            taken = service.acceptor.accept(1, calls)
            assert all(isinstance(one, Accepted) for one in taken)
            letters = scene.letters(folder / "one", f"{NAME}-1", 0, 5, NAME)
            service.ingest(1, (letters,), column_map=folder / "one" / "letters.map.toml")
            (folder / f"{NAME}.txt").write_text(f"{NAME} signs.\n", "utf-8")
            service.ingest(1, (folder / f"{NAME}.txt",), matter=matter.number)
            scene.work(service)
        yield made


def lint(live: Live, *words: str) -> tuple[int, dict[str, Any]]:
    run = live.run("lint-public", *words, "--json")
    assert run.stdout, run.stderr
    # The report repeats nothing of what it names.
    assert NAME not in run.stdout + run.stderr
    assert PHONES[0] not in run.stdout + run.stderr
    return run.returncode, json.loads(run.stdout)


def test_what_the_service_makes_public_is_clean(live: Live) -> None:
    code, told = lint(live)
    assert (code, told["found"]) == (0, [])
    assert told["values"] >= len(PHONES) + 5
    assert told["digests"] > 15 * len(PHONES)
    assert told["places"] > 8


def test_an_export_is_clean_where_its_fields_are_withheld(live: Live, tmp_path: Path) -> None:
    with live.opened() as service:
        number = service.register.all(1)[0].number
    words = [f"--withhold={position}=personal_data" for position in range(len(PHONES) + 6)]
    run = live.run("export", number, "--out", str(tmp_path / "package.zip"), *words)
    assert run.returncode == 0, run.stderr
    code, told = lint(live, str(tmp_path / "package.zip"))
    assert (code, told["found"]) == (0, [])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"GET /x?name={NAME.replace(' ', '%20')}\n", "the value itself, percent-encoded"),
        (f"caller {PHONES[3]}\n", "the value itself"),
        (hashlib.sha256(PHONES[3].encode()).hexdigest(), "its bare SHA-256 (of the value), in hexadecimal"),
    ],
)  # fmt: skip
def test_a_log_that_says_too_much_is_found(
    live: Live, tmp_path: Path, text: str, what: str
) -> None:
    (tmp_path / "access.log").write_text(f"GET /health\n{text}\n", "utf-8")
    code, told = lint(live, str(tmp_path))
    assert code == 1
    [one] = [one for one in told["found"] if one["what"] == what][:1]
    assert (one["line"], one["place"]) == (2, str(tmp_path / "access.log"))
    if "caller" in text:
        assert (one["claim"], one["position"]) == ("caller", 3)


def test_a_form_that_no_record_has_is_found_as_well(live: Live, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("mail to somebody@else.example\n", "utf-8")
    code, told = lint(live, str(tmp_path / "log"))
    assert code == 1
    assert told["found"][0]["what"] == "what looks like a e-mail address"


def test_a_file_that_is_not_there_is_named(live: Live, tmp_path: Path) -> None:
    run = live.run("lint-public", str(tmp_path / "gone"))
    assert (run.returncode, "LINT_FILE" in run.stderr) == (2, True)

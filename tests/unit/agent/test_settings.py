"""watch.toml as the page shows it is read; each fault names itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from notary.agent.settings import DIGESTS, load
from notary.errors import CallerError
from tests.simulators.agency import SMS


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The agent's folder with the page's own example, its paths made ones of the test."""
    [text] = re.findall(r"```toml\n(.*?)```", Path("docs/agent.md").read_text("utf-8"), re.DOTALL)
    folder = tmp_path / "state"
    folder.mkdir()
    for name, path in (("cdr", "/var/log/asterisk/cdr-csv"), ("letters", "/srv/letters")):
        (tmp_path / name).mkdir()
        text = text.replace(path, str(tmp_path / name))
    (folder / "asterisk.map.toml").write_text(SMS, "utf-8")
    (folder / "watch.toml").write_text(text, "utf-8")
    (folder / "api.key").write_text("nt_x\n", "utf-8")
    return folder


def test_the_pages_example_is_read(state: Path) -> None:
    found = load(state)
    tables, letters = found.folders
    assert (found.server, found.source, found.api_key()) == (
        "https://notary.example",
        "pbx-1",
        "nt_x",
    )
    assert tables.map is not None
    assert (tables.names, tables.matter) == ("Master.csv*", None)
    assert letters.originals == DIGESTS


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("notary-watch/1", "notary-watch/2", "want format"),
        ("poll_s = 2", "poll_s = 0", "above 0"),
        ("poll_s = 2", 'poll_s = "2"', "another type"),
        ("poll_s = 2", "poll_ms = 2", "unknown member poll_ms"),
        ('originals = "digests"', 'originals = "none"', "originals is"),
        ('map = "asterisk.map.toml"', "", "neither a map nor a matter"),
        ('source = "pbx-1"', "", "source is missing"),
        ('matter = "nm1qyq', 'matter = "nm1qyp', "matter: "),
        ('names = "Master.csv*"', "names = 3", "another type"),
        ("[[folder]]", "[folder]", "can't be read"),
    ],
)
def test_a_fault_is_named_with_the_file(state: Path, old: str, new: str, reason: str) -> None:
    path = state / "watch.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(CallerError) as error:
        load(state)
    assert reason in str(error.value)
    assert str(path) in str(error.value)


def test_folders_in_one_another_are_refused(state: Path) -> None:
    path = state / "watch.toml"
    text = re.sub(r'path = ".*letters"', f'path = "{state.parent}"', path.read_text("utf-8"))
    path.write_text(text, "utf-8")
    with pytest.raises(CallerError, match="lie in one another"):
        load(state)


def test_a_missing_or_empty_key_says_what_to_do(state: Path) -> None:
    (state / "api.key").write_text("", "utf-8")
    with pytest.raises(CallerError, match="Write the API key"):
        load(state).api_key()

"""The configuration file: read strictly, written once."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from notary import config
from notary.errors import CallerError

CONFIG = config.Config(
    agency='Müller & "Söhne"',
    log="notary.example/log",
    chain_id=31337,
    rpc="http://127.0.0.1:8545",
    contract="0x" + "c6" * 20,
    log_address="0x" + "11" * 20,
)


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    config.save(tmp_path, CONFIG)
    assert config.load(tmp_path).config == CONFIG


def test_several_endpoints_are_an_array(tmp_path: Path) -> None:
    several = replace(CONFIG, rpc=("https://one.example/key", "http://127.0.0.1:8545"))
    path = config.save(tmp_path, several)
    assert 'rpc = ["https://one.example/key", "http://127.0.0.1:8545"]' in path.read_text("utf-8")
    assert config.load(tmp_path).config == several
    assert several.endpoints == several.rpc
    assert CONFIG.endpoints == ("http://127.0.0.1:8545",)


def test_the_file_is_for_this_account_alone(tmp_path: Path) -> None:
    path = config.save(tmp_path, CONFIG)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_configuration_does_not_replace_the_first(tmp_path: Path) -> None:
    path = config.save(tmp_path, CONFIG)
    before = path.read_bytes()
    with pytest.raises(CallerError) as caught:
        config.save(tmp_path, CONFIG)
    assert caught.value.code == "HOME_EXISTS"
    assert path.read_bytes() == before


def test_a_missing_home_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="notary init") as caught:
        config.load(tmp_path)
    assert caught.value.code == "HOME_MISSING"


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("chain_id = 31337", 'chain_id = "31337"', "chain_id"),
        ("chain_id = 31337", "chain_id = true", "chain_id"),
        ("poll_s = 4", "poll_s = -1", "poll_s"),
        ("poll_s = 4", "pol_s = 4", "pol_s"),
        ('max_spend_per_day = ""', 'max_spend_per_day = "1e3"', "max_spend_per_day"),
        ('format = "notary-config/1"', 'format = "notary-config/2"', "format"),
        ('rpc = "http://127.0.0.1:8545"', 'rpc = "file:///etc/passwd"', "rpc"),
        ('rpc = "http://127.0.0.1:8545"', "rpc = []", "rpc is empty"),
        ('rpc = "http://127.0.0.1:8545"', "rpc = [1]", "rpc must be addresses"),
        ('rpc = "http://127.0.0.1:8545"', 'rpc = ["http://a/1", "ws://b"]', "rpc must be an http"),
        (
            'rpc = "http://127.0.0.1:8545"',
            'rpc = ["https://u:k@One.example/x", "https://one.example/y"]',
            "names one.example:443 twice",
        ),
        (
            'rpc = "http://127.0.0.1:8545"',
            'rpc = ["https://one.example:443", "https://one.example"]',
            "names one.example:443 twice",
        ),
        ('rpc = "http://127.0.0.1:8545"', 'rpc = "http://one.example:99999"', "rpc must be"),
        ('rpc = "http://127.0.0.1:8545"', 'rpc = "http://"', "rpc must be"),
        ('rpc = "http://127.0.0.1:8545"', 'rpc = "ftp://one.example:21"', "rpc must be"),
        ("chain_id = 31337", "", "chain_id"),
        ("chain_id = 31337", "chain_id = ", "TOML"),
    ],
)
def test_a_damaged_configuration_names_the_member(
    tmp_path: Path, before: str, after: str, named: str
) -> None:
    path = config.save(tmp_path, CONFIG)
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")
    with pytest.raises(CallerError, match=named) as caught:
        config.load(tmp_path)
    assert caught.value.code == "CONFIG_INVALID"


HOOK = """
[[webhook]]
name = "ops"
url = "https://example.org/hook?token=1"
secret = "keys/ops.secret"
"""


def test_webhooks_are_read_as_they_stand(tmp_path: Path) -> None:
    path = config.save(tmp_path, CONFIG)
    other = HOOK.replace('"ops"', '"two"').replace("https://example.org", "http://127.0.0.1:80")
    path.write_text(path.read_text("utf-8") + HOOK + other, "utf-8")
    assert [hook.name for hook in config.load(tmp_path).config.webhook] == ["ops", "two"]


@pytest.mark.parametrize(
    ("hooks", "named"),
    [
        (HOOK.replace("https", "http"), "url of webhook ops"),
        (HOOK.replace("https", "file"), "url of webhook ops"),
        (HOOK.replace("example.org", "user:word@example.org"), "url of webhook ops"),
        (HOOK.replace("example.org", "example.org:port"), "url of webhook ops"),
        (HOOK.replace("example.org/hook?token=1", ""), "url of webhook ops"),
        (HOOK.replace("token=1", "#part"), "url of webhook ops"),
        (HOOK.replace("secret =", "secrets ="), "has exactly name, secret, url"),
        (HOOK + "more = 1", "has exactly name, secret, url"),
        (HOOK.replace('"ops"', "1"), "is no text"),
        (HOOK.replace('"ops"', '""'), "is no text"),
        (HOOK + 'anchors = "no"', r"anchors of a \[\[webhook\]\] is true or false"),
        (HOOK + HOOK, r"two \[\[webhook\]\] are named ops"),
        ("webhook = 1", "has exactly"),
    ],
)
def test_a_webhook_that_can_not_be_is_refused(tmp_path: Path, hooks: str, named: str) -> None:
    path = config.save(tmp_path, CONFIG)
    path.write_text(path.read_text("utf-8") + hooks, "utf-8")
    with pytest.raises(CallerError, match=named) as caught:
        config.load(tmp_path)
    assert caught.value.code == "CONFIG_INVALID"
    assert "token" not in str(caught.value)


TIMESTAMP = """
[[timestamp]]
name = "Example"
url = "http://tsa.example/tsr"
roots = '''
PEM
'''
"""


def test_authorities_are_read_as_they_stand(tmp_path: Path) -> None:
    path = config.save(tmp_path, CONFIG)
    other = TIMESTAMP.replace("Example", "Other").replace("http:", "https:")
    path.write_text(path.read_text("utf-8") + TIMESTAMP + HOOK + other, "utf-8")
    found = config.load(tmp_path).config
    assert [(one.name, one.roots) for one in found.timestamp] == [
        ("Example", "PEM\n"),
        ("Other", "PEM\n"),
    ]
    assert [hook.name for hook in found.webhook] == ["ops"]


@pytest.mark.parametrize(
    ("authorities", "named"),
    [
        (TIMESTAMP.replace("http", "file"), "url of authority Example"),
        (TIMESTAMP.replace("tsa.example", "tsa.example:port"), "url of authority Example"),
        (TIMESTAMP.replace("tsa.example/tsr", ""), "url of authority Example"),
        (TIMESTAMP.replace("tsa.example", "user:word@tsa.example"), "url of authority Example"),
        (TIMESTAMP.replace("roots", "root"), "has exactly name, roots, url"),
        (TIMESTAMP + TIMESTAMP, r"two \[\[timestamp\]\] are named Example"),
        (
            "".join([TIMESTAMP.replace("Example", f"Example {i}") for i in range(11)]),
            "11 authorities, at most 10",
        ),
    ],
)
def test_an_authority_that_can_not_be_is_refused(
    tmp_path: Path, authorities: str, named: str
) -> None:
    path = config.save(tmp_path, CONFIG)
    path.write_text(path.read_text("utf-8") + authorities, "utf-8")
    with pytest.raises(CallerError, match=named) as caught:
        config.load(tmp_path)
    assert caught.value.code == "CONFIG_INVALID"


def test_a_control_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="control character"):
        config.save(tmp_path, replace(CONFIG, agency="a\nb"))


def test_the_named_folder_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTARY_HOME", "/elsewhere")
    assert config.home_folder("here") == Path("here")
    assert config.home_folder(None) == Path("/elsewhere")
    monkeypatch.delenv("NOTARY_HOME")
    assert config.home_folder(None) == Path("notary-home")

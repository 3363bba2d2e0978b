"""The agent as it runs, against the service as it runs: nothing is lost and nothing doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notary import compose
from notary.agent.journal import Journal
from notary.agent.signing import check
from notary.client import Client
from notary.errors import Contradiction
from tests.simulators.agency import HEADER, sms, sms_map
from tests.simulators.served import Served, kill, served
from verifier.format import numbers, records
from verifier.format.jsonc import Json

SECONDS = 60
SETTINGS = """
format = "notary-watch/1"
server = "{url}"
source = "pbx-1"
receipt_keys = ["{receipt_key}"]
settle_s = 0.2
poll_s = 0.05
[[folder]]
path = "{tables}"
map = "{map}"
[[folder]]
path = "{letters}"
matter = "{matter}"
originals = "{originals}"
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served")) as one:
        yield one


@dataclass
class Site:
    """The agent's folder, two followed ones, and a matter whose account is the site's own."""

    service: Served
    folder: Path
    matter: str
    account: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def table(self) -> Path:
        return self.folder / "tables" / "out.csv"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "notary", "watch", "--state", str(self.state), *words]

    def start(self) -> None:
        self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(SECONDS) == 0
            self.process = None

    def run(self, *words: str) -> tuple[int, Any]:
        done = subprocess.run(
            self.command(*words, "--json"),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def status(self) -> Any:
        return self.run("--status")[1]

    def append(self, text: str) -> None:
        with self.table.open("a", encoding="utf-8") as file:
            file.write(text)

    def claims(self) -> list[dict[str, Any]]:
        return self.service.claims(self.matter)

    def numbers(self) -> list[int]:
        """The numbers of the messages that the service has, in its order."""
        kept = [one for one in self.claims() if one["kind"] == "message"]
        return [int(str(one["text"]).rpartition(" ")[2]) for one in kept]

    def sent_all(self, count: int) -> None:
        """Wait until the service has as many records of the matter."""
        client = Client(self.service.url, self.service.made.token)
        deadline = time.monotonic() + SECONDS
        while client.matter(self.matter).records < count:
            assert time.monotonic() < deadline, self.status()
            time.sleep(0.1)


@pytest.fixture
def site(service: Served, tmp_path: Path) -> Iterator[Site]:
    yield from _site(service, tmp_path, "send")


def _site(service: Served, folder: Path, originals: str) -> Iterator[Site]:
    account = folder.name
    matter = Client(service.url, service.made.token).new_matter("A v. B", [account]).number
    one = Site(service, folder, matter, account)
    for name in ("state", "tables", "letters"):
        (folder / name).mkdir()
    sms_map(folder)
    text = SETTINGS.format(
        url=service.url,
        receipt_key=service.receipt_key,
        tables=folder / "tables",
        map=folder / "sms.map.toml",
        letters=folder / "letters",
        matter=matter,
        originals=originals,
    )
    (one.state / "watch.toml").write_text(text, "utf-8")
    (one.state / "api.key").write_text(service.made.token, "utf-8")
    yield one
    if one.process is not None:
        kill(one.process)


def test_what_comes_into_the_folders_is_at_the_service_signed_and_with_receipts(site: Site) -> None:
    site.append(HEADER + sms(0, site.account))
    letter = site.folder / "letters" / "notice.pdf"
    letter.write_bytes(b"%PDF-1.4 notice")
    site.start()
    site.sent_all(2)
    site.append(sms(1, site.account))
    site.sent_all(3)
    site.stop()
    key = site.status()["key"]
    for one in site.claims():
        kind = one.pop("kind")
        found = check(site.matter, kind, one)
        assert (found.key, found.source) == (key, "pbx-1")
        with pytest.raises(Contradiction):
            check(site.matter, kind, {**one, "account": "other"})
    told = site.status()
    assert (told["waiting"], told["sent"], told["refused"], told["trouble"]) == (0, 3, 0, None)
    assert abs(told["clock"]["ahead_of_us_ms"]) <= 2 * told["clock"]["within_ms"]
    assert list((site.state / "spool").iterdir()) == []
    letter_claims = next(one for one in site.claims() if "attachment-0" in one)
    assert letter_claims["attachment-0"]["size"] == len(b"%PDF-1.4 notice")


@pytest.mark.slow
def test_killed_at_random_under_load_it_loses_nothing_and_doubles_nothing(site: Site) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    rows, files = 1_500, 8
    site.append(HEADER)
    written = threading.Event()

    def write() -> None:
        text = "".join(sms(number, site.account) for number in range(rows))
        at = 0
        for number in range(files):
            (site.folder / "letters" / f"{number}.bin").write_bytes(os.urandom(50_000))
            end = len(text) if number == files - 1 else at + dice.randrange(2 * len(text) // files)
            site.append(text[at:end])
            at = max(at, min(end, len(text)))
            time.sleep(0.3)
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    kills = 0
    while not written.is_set() or kills < 3:
        site.start()
        assert site.process is not None
        time.sleep(dice.uniform(0.3, 2.5))
        kill(site.process)
        kills += 1
        if kills == 2:
            site.service.stop(signal.SIGKILL)
            site.service.start()
    writer.join()
    # The last one ends by itself, once it has noted what it sent.
    assert site.run("--once")[0] == 0
    assert site.numbers() == list(range(rows))
    assert Counter(one["kind"] for one in site.claims()) == {"message": rows, "document": files}
    told = site.status()
    assert (told["waiting"], told["refused"], told["fault_count"]) == (0, 0, 0)
    # What was sent and not noted was sent again: each record has one receipt.
    assert told["sent"] == rows + files


def test_while_the_service_is_away_everything_waits(site: Site) -> None:
    site.service.stop(signal.SIGKILL)
    try:
        site.append(HEADER + sms(0, site.account) + sms(1, site.account))
        (site.folder / "letters" / "a.bin").write_bytes(b"a")
        code, told = site.run("--once")
        assert code == 1
        assert told["trouble"].startswith("SERVICE_AWAY: ")
        # Nobody knows the matters of accounts yet.
        assert (told["waiting"], told["no_matter"], told["clock"]) == (1, 2, None)
        site.table.unlink()
        (site.folder / "letters" / "a.bin").unlink()
    finally:
        site.service.start()
    code, told = site.run("--once")
    assert (code, told["sent"], told["waiting"]) == (0, 3, 0)
    assert site.numbers() == [0, 1]


def test_a_record_without_a_matter_waits_until_its_account_has_one(site: Site) -> None:
    site.append(HEADER + sms(0, "nobody") + sms(1, site.account))
    code, told = site.run("--once")
    assert (told["sent"], told["no_matter"], told["accounts_without_matter"]) == (1, 1, ["nobody"])
    client = Client(site.service.url, site.service.made.token)
    client.new_matter("Nobody", ["nobody"])
    code, told = site.run("--once")
    assert (code, told["sent"], told["no_matter"]) == (0, 2, 0)


def test_a_key_that_is_revoked_stops_the_sending_and_says_so(site: Site) -> None:
    (site.state / "api.key").write_text("nt_" + "x" * 43, "utf-8")
    (site.folder / "letters" / "a.bin").write_bytes(b"a")
    code, told = site.run("--once")
    assert (code, told["waiting"], told["refused"]) == (1, 1, 0)
    assert told["trouble"].startswith("TOKEN_WANTED")


def test_with_digests_no_original_leaves_the_house(service: Served, tmp_path: Path) -> None:
    [site] = [next(one) for one in [_site(service, tmp_path, "digests")]]
    content = os.urandom(100_000)
    (site.folder / "letters" / "a.bin").write_bytes(content)
    code, told = site.run("--once")
    assert (code, told["sent"]) == (0, 1)
    [one] = site.claims()
    assert "attachment-0" not in one
    [kept] = one["fields"]["originals"]
    assert (kept["size"], kept["filename"]) == (len(content), "a.bin")
    check(site.matter, one.pop("kind"), one)


def test_a_record_that_is_refused_is_kept_and_sent_again_when_told(site: Site) -> None:
    path = site.state / "watch.toml"
    text = path.read_text("utf-8")
    unknown = numbers.make_source(
        b"\x09" * numbers.RANDOM_LENGTH, numbers.parse(site.matter).log_tag
    )
    line = f'source_number = "{unknown.text}"\n[[folder]]'
    path.write_text(text.replace("[[folder]]", line, 1), "utf-8")
    site.append(HEADER + sms(0, site.account) + sms(1, site.account))
    code, told = site.run("--once")
    assert (code, told["sent"], told["waiting"], told["refused"]) == (1, 0, 0, 2)
    assert all(one.startswith("SOURCE_UNKNOWN: ") for one in told["refusals"])
    # The cause is mended, and the clock was set back by a year meanwhile: it is compared anew.
    path.write_text(text, "utf-8")
    journal = Journal(site.state)
    ahead: Json = {"ahead_of_us_ms": 0, "within_ms": 1, "measured_at": "2099-11-26T10:00:00.000Z"}
    journal.set_fact("clock", ahead)
    journal.close()
    # By itself it stays refused: only a person knows that the cause is mended.
    code, told = site.run("--once")
    assert (code, told["sent"], told["refused"]) == (1, 0, 2)
    assert told["clock"]["measured_at"] < "2099"
    code, told = site.run("--once", "--again")
    assert (code, told["sent"], told["waiting"], told["refused"]) == (0, 2, 0, 0)
    assert site.numbers() == [0, 1]
    assert site.run("--once", "--again")[1]["sent"] == 2


def test_records_are_of_the_source_that_the_service_counts_for(site: Site) -> None:
    command = [sys.executable, "-m", "notary", "source", "new", site.account, "--zone", "UTC"]
    home = str(site.service.made.home.folder)
    done = subprocess.run(
        [*command, "--numbered-by", "service", "--json", "--home", home],
        capture_output=True,
        text=True,
        check=True,
    )
    number = json.loads(done.stdout)["source"]
    path = site.state / "watch.toml"
    text = path.read_text("utf-8").replace(
        "[[folder]]", f'source_number = "{number}"\n[[folder]]', 1
    )
    path.write_text(text, "utf-8")
    site.append(HEADER + sms(0, site.account) + sms(1, site.account))
    assert site.run("--once")[0] == 0
    with compose.opened(site.service.made.home) as service:
        matter = service.matter(service.agency_id, site.matter)
        views = service.reader.of_matter(service.agency_id, matter.key, 0, 9)
    leaves = [records.parse_leaf(view.leaf) for view in views]
    assert [leaf.number for leaf in leaves] == [0, 1]
    assert all(leaf.source is not None for leaf in leaves)


def test_a_lost_folder_of_the_agent_doubles_nothing(site: Site) -> None:
    site.append(HEADER + sms(0, site.account))
    assert site.run("--once")[0] == 0
    (site.state / "journal.db").unlink()
    code, told = site.run("--once")
    assert (code, told["refused"]) == (1, 1)
    assert "IDEMPOTENCY" in told["refusals"][0]
    assert site.numbers() == [0]


def test_a_dry_run_shows_what_is_new_and_writes_nothing(site: Site) -> None:
    site.append(HEADER + sms(0, site.account))
    before = sorted(site.folder.rglob("*"))
    code, told = site.run("--dry-run")
    assert (code, told["records"]) == (0, 1)
    assert told["first"][0]["claims"]["text"] == "Please call 0"
    assert sorted(site.folder.rglob("*")) == before
    site.run("--once")
    site.append(sms(1, site.account))
    assert site.run("--dry-run")[1]["records"] == 1


def test_a_second_agent_on_one_folder_is_told_so(site: Site) -> None:
    site.append(HEADER + sms(0, site.account))
    assert site.run("--once")[1]["runs"] is True
    assert site.status()["runs"] is False
    site.start()
    site.append(sms(1, site.account))
    site.sent_all(2)
    told = site.status()
    assert (told["runs"], told["contact_at"] is not None) == (True, True)
    code, said = site.run("--once")
    assert code == 75
    assert "another agent is at work" in said
    site.stop()


def test_the_command_takes_folders_without_a_file(
    service: Served, site: Site, tmp_path: Path
) -> None:
    (site.state / "watch.toml").unlink()
    (site.folder / "letters" / "a.bin").write_bytes(b"a")
    letters = str(site.folder / "letters")
    code, told = site.run(letters, "--server", service.url, "--matter", site.matter, "--dry-run")
    assert (code, told["records"]) == (0, 1)
    assert site.run()[0] == 2
    assert site.run(letters)[0] == 2

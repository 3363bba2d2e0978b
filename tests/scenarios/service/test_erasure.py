"""A record is erased, and everything else still verifies: by the stand-alone verifier, over real exports."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from notary import compose, config, demo
from notary.adapters.keys.erasures import REGISTER
from notary.core.erasures import Order, Reason
from notary.errors import CallerError, NothingHappened
from notary.usecases import certificate
from notary.usecases.export_order import ExportOrder, ExportResult
from notary.usecases.reissue import read_earlier
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators.commands import run_command
from verifier.format import numbers, receipts, records

SPEC = Path(__file__).parents[3] / "docs" / "spec" / "erasure.md"
LETTERS = 6
DOCUMENT = LETTERS  # its position
GONE = 2  # the erased letter
STONE = DOCUMENT + 3  # the tombstone's position: before it the custody of two exports
ORDER = Order(Reason.SUBJECT_REQUEST, "privacy office, 2026-17")
WORDS = ("--reason", "subject_request", "--authority", ORDER.authority)
SECRET = "Zanzibar-Canary-4417"


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


class Story:
    """A service whose letter 2 and whose document were erased, with packages and a backup from before."""

    def __init__(self, folder: Path, anvil: Anvil) -> None:
        self.folder = folder
        self.live = scene.make(folder / "home", anvil)
        with self.live.opened() as service:
            matter = service.new_matter(1, "Case", ("A-1",))
            self.number = numbers.parse(matter.number)
            self.letters = scene.letters(folder / "one", "A-1", 0, LETTERS, SECRET)
            service.ingest(1, (self.letters,), column_map=folder / "one" / "letters.map.toml")
            (folder / "files").mkdir()
            (folder / "files" / "scan.txt").write_text(f"{SECRET} signed.\n" * 50, "utf-8")
            service.ingest(1, (folder / "files",), matter=matter.number)
            scene.work(service)
            self.before = self.export(service, "before", ExportOrder(self.number))
            self.part = self.export(
                service, "part", ExportOrder(self.number, "extract", (GONE, GONE + 1))
            )
            self.receipt = service.reader.at(1, matter.key, GONE).receipt
            self.backup = folder / "backup"
            service.run_backup(
                service.backup(self.backup), folder / "keys-before", self.backup, scene_bar
            )
        run = self.live.run("erase", matter.number, str(GONE), str(DOCUMENT), *WORDS, "--yes", "--json",
                            "--certificate", str(folder / "certificate.json"))  # fmt: skip
        assert run.returncode == 0, run.stderr
        self.told = json.loads(run.stdout)
        with self.live.opened() as service:
            self.unanchored = self.export(service, "unanchored", ExportOrder(self.number))
            scene.work(service)

    def export(self, service: Any, name: str, order: ExportOrder) -> tuple[Path, ExportResult]:
        out = self.folder / name
        out.mkdir(exist_ok=True)
        result = service.export(1, order, out / "package.zip", no_progress)
        demo.write_policy(service, out)
        demo.write_inputs(out, self.number.text, self.live.anvil.url, [result])
        return out, result

    def exported(self, name: str, order: ExportOrder) -> tuple[Path, ExportResult]:
        with self.live.opened() as service:
            return self.export(service, name, order)


def scene_bar(title: str, unit: str) -> Any:
    return nullcontext(no_progress)


def judged(folder: Path) -> dict[str, Any]:
    code, report = scene.judge(folder, folder / "package.zip")
    assert report["exit"] == code
    return report


def row(report: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in report["rows"] if one["row"] == name)
    return found


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with Anvil(*scene.CHAIN) as anvil:
        yield Story(tmp_path_factory.mktemp("erasure"), anvil)


def test_the_whole_matter_is_valid_and_counts_and_names_what_is_gone(story: Story) -> None:
    folder, result = story.exported("whole", ExportOrder(story.number))
    assert (result.erased, result.unsaid, result.withheld) == ((GONE, DOCUMENT), (), 0)
    report = judged(folder)
    assert report["verdict"] == "VALID"
    assert "0 withheld, 2 erased" in row(report, "completeness")["en"]
    assert "0 fields withheld, 2 records erased" in row(report, "withheld")["en"]
    first, second = report["erasures"]
    assert (first["position"], first["kind"], first["tombstone"]) == (GONE, "letter", STONE)
    assert (second["position"], second["kind"], second["tombstone"]) == (
        DOCUMENT, "document", STONE + 1,
    )  # fmt: skip
    assert (first["reason"], first["authority"]) == ("subject_request", ORDER.authority)
    stone = report["records"][STONE]
    assert (stone["kind"], stone["anchored_at"]) == ("erasure", first["anchored_at"])
    assert first["anchored_at"] > report["records"][GONE]["anchored_at"]
    with zipfile.ZipFile(folder / "package.zip") as package:
        names = package.namelist()
        shown = package.read("evidence/data/disclosures.txt").decode()
    assert not [name for name in names if "attachments" in name]
    assert f"{SECRET} {GONE}" not in shown
    assert f"{SECRET} {GONE + 1}" in shown


def test_packages_from_before_stay_valid_and_still_show_it(story: Story) -> None:
    for folder, _ in (story.before, story.part):
        report = judged(folder)
        assert (report["verdict"], report["erasures"]) == ("VALID", [])
    with zipfile.ZipFile(story.before[0] / "package.zip") as package:
        assert f"{SECRET} {GONE}" in package.read("evidence/data/disclosures.txt").decode()


def test_until_its_tombstone_is_anchored_what_is_gone_counts_as_withheld(story: Story) -> None:
    folder, result = story.unanchored
    assert (result.erased, result.unsaid) == ((), (GONE, DOCUMENT))
    report = judged(folder)
    assert report["verdict"] == "VALID"
    assert "2 withheld, 0 erased" in row(report, "completeness")["en"]


def test_the_same_again_of_a_package_from_before_shows_that_it_went(story: Story) -> None:
    earlier = read_earlier(story.before[0] / "package.zip")
    folder, result = story.exported(
        "again", ExportOrder(story.number, again=earlier, show_added=True)
    )
    assert (result.erased, result.withheld) == ((GONE, DOCUMENT), 0)
    assert judged(folder)["verdict"] == "VALID"


def test_an_extract_again_takes_the_tombstone_along(story: Story) -> None:
    earlier = read_earlier(story.part[0] / "package.zip")
    order = ExportOrder(story.number, "extract", earlier.positions, again=earlier)
    folder, result = story.exported("part-again", order)
    assert (result.shown, result.erased, result.added) == (3, (GONE,), (STONE,))
    report = judged(folder)
    assert report["verdict"] == "VALID"
    assert [one["position"] for one in report["records"]] == [GONE, GONE + 1, STONE]


def test_neighbours_alone_and_a_full_history_verify(story: Story) -> None:
    order = ExportOrder(story.number, "extract", (GONE - 1, GONE + 1), full_history=True)
    folder, result = story.exported("neighbours", order)
    assert (result.shown, result.erased) == (2, ())
    report = judged(folder)
    assert report["verdict"] == "VALID"
    assert row(report, "history")["code"] == "FULL_HISTORY"


def test_an_erasure_after_the_dispute_began_is_invalid(story: Story, tmp_path: Path) -> None:
    folder, _ = story.exported("dispute", ExportOrder(story.number))
    policy = (folder / "policy.toml").read_text("utf-8")
    anchored = judged(folder)["erasures"][0]["anchored_at"]
    for since, verdict in (("2026-01-01T00:00:00.000Z", "INVALID"), (anchored, "VALID")):
        (folder / "policy.toml").write_text(
            policy.replace("[limits]", f'[limits]\ndispute_since = "{since}"'), "utf-8"
        )
        report = judged(folder)
        assert report["verdict"] == verdict, since
        if verdict == "INVALID":
            assert row(report, "withheld")["code"] == "ERASED_AFTER_DISPUTE"
    # Leaving the tombstones out does not hide it: then it is no complete package, and says withheld.
    order = ExportOrder(story.number, "extract", (GONE,))
    folder, result = story.exported("dispute", order)
    assert result.erased == (GONE,)
    (folder / "policy.toml").write_text(
        policy.replace("[limits]", '[limits]\ndispute_since = "2026-01-01T00:00:00.000Z"'), "utf-8"
    )
    assert judged(folder)["verdict"] == "INVALID"


def test_the_receipt_of_an_erased_record_is_kept(story: Story) -> None:
    folder, _ = story.exported("receipt", ExportOrder(story.number))
    (folder / "receipt.json").write_bytes(story.receipt)
    inputs = (folder / "inputs.toml").read_text("utf-8")
    (folder / "inputs.toml").write_text(
        inputs.replace("\n[[block]]", 'receipts = ["receipt.json"]\n\n[[block]]', 1), "utf-8"
    )
    report = judged(folder)
    assert report["verdict"] == "VALID"
    assert row(report, "receipts")["result"] == "PASS"


def test_the_certificate_says_no_more_than_is_so(story: Story) -> None:
    told = json.loads((story.folder / "certificate.json").read_bytes())
    assert told["format"] == certificate.FORMAT
    assert [one["position"] for one in told["records"]] == [GONE, DOCUMENT]
    page = SPEC.read_text("utf-8")
    words = " ".join(page.split("```words\n")[1].split("```")[0].split())
    assert told["words"] == words == certificate.WORDS
    assert "is destroyed" not in words.replace("key is destroyed, are not reached", "")
    one = told["records"][0]
    stone = records.parse_leaf(one["tombstone"]["leaf"].encode())
    body = receipts.parse(one["tombstone"]["receipt"].encode()).body
    assert (stone.kind, body.position) == ("erasure", STONE)
    assert one["destroyed_at"] is not None
    disclosed = [records.parse_disclosure(text) for text in one["tombstone"]["disclosures"]]
    assert {"position": GONE, "leaf": one["leaf"]} in [said.value for said in disclosed]
    assert SECRET not in json.dumps(told)


def test_one_row_of_an_export_file_is_gone_and_the_others_are_exhibited(story: Story) -> None:
    digest = hashlib.sha256(story.letters.read_bytes()).digest()
    with story.live.opened() as service:
        with pytest.raises(CallerError, match="erased with a record"):
            b"".join(service._imports.layout(1, digest))
        matter = service.register.all(1)[0]
        for position in (GONE - 1, GONE + 1):
            view = service.reader.at(1, matter.key, position)
            raw = service.reader.content(1, view.record_id).values["raw"]
            assert f"L-{position}," in raw["text"]
        # The same file again adds nothing, brings nothing back, and says so.
        report = service.ingest(
            1, (story.letters,), column_map=story.folder / "one" / "letters.map.toml"
        )
        assert [file.accepted for file in report.files] == [0]
        assert service.reader.at(1, matter.key, GONE).erased


def test_nothing_of_what_is_gone_is_left_in_the_data_folder(story: Story) -> None:
    with story.live.opened() as service:
        assert service.eraser.unfinished() == []
    # All is sealed there anyway; the names of the originals would be in the clear.
    assert not [
        path for path in (story.live.home / "data" / "objects").rglob("*") if path.is_file()
    ]


@pytest.mark.slow
def test_what_was_erased_after_a_backup_is_erased_again_before_the_restored_home_opens(
    story: Story, tmp_path: Path
) -> None:
    with zipfile.ZipFile(story.before[0] / "package.zip") as package:
        assert [one for one in package.namelist() if "attachments" in one]
    words = ("--keys", str(story.folder / "keys-before"))
    # Keys of before the erasure know nothing of it: the newest register is given beside them.
    newest = story.live.made.home.keys / REGISTER
    done = story.live.command("restore", str(story.backup), *words, "--erasures", str(newest))[:-2]
    home = tmp_path / "restored"
    run = run_command(*done[3:], "--home", str(home), "--json", timeout_s=120)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["erased_again"] == 2
    assert not [path for path in (home / "data" / "objects").rglob("*") if path.is_file()]
    again = Live(replace(story.live.made, home=config.load(home)), story.live.anvil)
    with again.opened() as service:
        matter = service.register.all(1)[0]
        assert [service.reader.at(1, matter.key, p).erased for p in (GONE, GONE + 1, DOCUMENT)] == [
            True, False, True,
        ]  # fmt: skip
        # The tombstones came after the backup; they are taken up again when the log may go on.
        assert matter.size == STONE
        assert len(service.eraser.unfinished()) == 2


def test_a_restore_without_a_register_is_refused_unless_somebody_answers_for_it(
    story: Story, tmp_path: Path
) -> None:
    keys = Path(shutil.copytree(story.folder / "keys-before", tmp_path / "keys"))
    (keys / REGISTER).unlink()
    words = ("restore", str(story.backup), "--keys", str(keys), "--home", str(tmp_path / "home"))
    run = run_command(*words, timeout_s=120)
    assert run.returncode == 2
    assert "ERASURES_MISSING" in run.stderr
    assert not (tmp_path / "home").exists()
    (keys / REGISTER).write_text("notary-erasures/1\nother.example/log\n")
    assert "ERASURES_OF_OTHER_LOG" in run_command(*words, timeout_s=120).stderr
    (keys / REGISTER).unlink()
    run = run_command(*words, "--no-erasures", timeout_s=120)
    assert run.returncode == 0, run.stderr


def test_a_new_backup_into_the_same_folder_holds_nothing_of_it(
    story: Story, tmp_path: Path
) -> None:
    dest = Path(shutil.copytree(story.backup, tmp_path / "backup"))
    assert [path for path in (dest / "objects").rglob("*") if path.is_file()]
    with story.live.opened() as service:
        service.run_backup(service.backup(dest), None, dest, scene_bar)
    assert not [path for path in (dest / "objects").rglob("*") if path.is_file()]
    assert len(list(dest.glob("store-*.db"))) == 1
    # Every tree and receipt of the copy stands, and no record wants an original that is gone.
    assert compose.verify_backup(dest, scene_bar).objects == 0


def test_a_backup_that_an_erasure_overtakes_says_so_and_the_next_one_is_whole(
    story: Story, tmp_path: Path
) -> None:
    (tmp_path / "late.txt").write_text(f"{SECRET} came late.\n", "utf-8")
    dest = tmp_path / "backup"
    with story.live.opened() as service:
        service.ingest(1, (tmp_path / "late.txt",), matter=story.number.text)
        matter = service.register.all(1)[0]

        def erasing(title: str, unit: str) -> Any:
            # The rows are copied, the originals are not yet.
            if title == "copying attachments":
                service.eraser.erase(matter, [matter.size - 1], ORDER, no_progress)
            return scene_bar(title, unit)

        with pytest.raises(NothingHappened) as caught:
            service.run_backup(service.backup(dest), None, dest, erasing)
        assert caught.value.code == "ERASED_MEANWHILE"
        service.run_backup(service.backup(dest), None, dest, scene_bar)
    assert compose.verify_backup(dest, scene_bar).objects == 0


def test_an_audit_holds_the_register_against_the_log(story: Story) -> None:
    def drifts(service: Any, *, full: bool) -> list[tuple[str, str]]:
        state = service.audit((), 0, full, no_progress)
        return [(one.subject, one.text) for one in state.found if one.drift]

    with story.live.opened() as service:
        path = service.eraser.erasures.path
        whole = path.read_text("utf-8").splitlines(keepends=True)
        assert drifts(service, full=True) == []
        try:
            # The first line is dropped, then the whole of the first erasures is cut off.
            for kept, full, said in (
                ([*whole[:2], *whole[3:]], False, "line 1 is missing"),
                (whole[:2], True, r"the register of erasures does not have it, nor \d+ others"),
            ):
                path.write_text("".join(kept), "utf-8")
                [(subject, text)] = drifts(service, full=full)
                assert subject == "the register of erasures"
                # How many others there are is for the tests that ran before to say.
                assert re.search(said, text)
        finally:
            path.write_text("".join(whole), "utf-8")
        # What was found stood as an alarm until this audit.
        assert service._audits.read().standing
        assert drifts(service, full=True) == []
        assert not service._audits.read().standing


def test_commands_show_ask_and_refuse(story: Story) -> None:
    number = story.number.text
    dry = story.live.run("erase", number, "0", "--dry-run")
    assert dry.returncode == 0
    assert "record 0, letter of" in dry.stdout
    assert "stays provable" in dry.stdout
    for words, code in (
        (("erase", number, "0", *WORDS), "CONFIRMATION_WANTED"),
        (("erase", number, "0", "--yes"), "ORDER_WANTED"),
        (("erase", number, "--yes", *WORDS), "POSITIONS_WANTED"),
        (("retention", "due"), "RETENTION_MISSING"),
        (("hold", "release", number, "0", "--reason", "x", "--authority", "y"), "HOLD_UNKNOWN"),
    ):
        run = story.live.run(*words)
        assert (run.returncode, code in run.stderr) == (2, True), run.stderr
    shown = json.loads(story.live.run("hold", "list", "--json").stdout)
    assert shown == []
    again = story.live.run("erase", number, str(GONE), *WORDS, "--yes")
    assert again.returncode == 0, again.stderr
    assert "erased already" in again.stdout
    assert json.loads(story.live.run("erase", "--json").stdout) == {"destroyed": 0, "dropped": 0}

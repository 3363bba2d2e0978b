"""The same file again adds nothing; a changed one adds what is new; nothing is lost and all is rebuilt."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from notary.core.erasures import Order, Reason
from notary.errors import CallerError
from notary.importers.column_map import ColumnMap
from notary.importers.map_file import parse_map
from tests.simulators.intake import LETTERS, LETTERS_CSV, IntakeWorld, counts

pytestmark = pytest.mark.usefixtures("chunks")

WITHOUT_IDENTITY = parse_map(
    LETTERS.replace(b'[identity]\ncolumns = ["id"]\n', b""), "without identity"
)


def test_good_rows_enter_and_an_unknown_account_waits(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    path = world.file("letters.csv", LETTERS_CSV)
    report = world.take(path, maps=[letters])
    assert counts(report) == (2, 0, 0, 1, 0)
    assert report.rows == 3
    first, second = world.claims()
    assert first["kind"] == "letter"
    assert first["amount"] == {"minor": 10050, "currency": "EUR"}
    assert first["occurred_at"] == "2026-02-01T09:00:00.000Z"
    assert second["subject"] == "Second reminder,\nwith a second line"
    assert second["raw"] == {
        "text": LETTERS_CSV[LETTERS_CSV.index("L2,") : LETTERS_CSV.index("L3,")],
    }
    assert second["import"] == {
        "importer": "csv/letters",
        "version": "1.1",
        "file_sha256": report.sha256.hex(),
        "row": 3,
        "start": LETTERS_CSV.index("L2,"),
        "end": LETTERS_CSV.index("L3,"),
    }
    assert world.rebuilt(path) == LETTERS_CSV.encode()


def test_the_same_file_again_adds_nothing(world: IntakeWorld, letters: ColumnMap) -> None:
    path = world.file("letters.csv", LETTERS_CSV)
    world.take(path, maps=[letters])
    for _ in range(2):
        assert counts(world.take(path, maps=[letters])) == (0, 2, 0, 1, 0)
    assert world.size() == 2
    assert world.imports.waiting_count(world.agency_id) == 1
    assert world.rebuilt(path) == LETTERS_CSV.encode()


@pytest.mark.parametrize("identity", [True, False])
def test_a_row_added_in_the_middle_adds_one_record(
    world: IntakeWorld, letters: ColumnMap, identity: bool
) -> None:
    map_ = letters if identity else WITHOUT_IDENTITY
    world.take(world.file("letters.csv", LETTERS_CSV), maps=[map_])
    lines = LETTERS_CSV.splitlines(keepends=True)
    lines.insert(2, "L9,C-1,2026-02-10 09:00,1.00,In between\n")
    longer = world.file("longer.csv", "".join(lines))
    assert counts(world.take(longer, maps=[map_])) == (1, 2, 0, 1, 0)
    assert [claims["subject"] for claims in world.claims()][-1] == "In between"
    assert world.rebuilt(longer) == "".join(lines).encode()


@pytest.mark.parametrize("identity", [True, False])
def test_columns_in_another_order_and_new_ones_add_nothing(
    world: IntakeWorld, letters: ColumnMap, identity: bool
) -> None:
    map_ = letters if identity else WITHOUT_IDENTITY
    world.take(world.file("letters.csv", LETTERS_CSV), maps=[map_])
    other = world.file(
        "other.csv",
        "subject,operator,amount,id,sent,contract\r\n"
        "First reminder,anna,100.50,L1,2026-02-01 09:00,C-1\r\n"
        '"Second reminder,\nwith a second line",ben,100.50,L2,2026-02-15 09:00,C-1\r\n'
        "Last reminder,ben,100.50,L3,2026-03-01 09:00,C-2\r\n",
    )
    assert counts(world.take(other, maps=[map_])) == (0, 2, 0, 1, 0)
    assert world.size() == 2
    assert world.rebuilt(other) == other.read_bytes()


def test_a_corrected_row_is_a_conflict_and_overwrites_nothing(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    world.take(world.file("letters.csv", LETTERS_CSV), maps=[letters])
    before = world.claims()
    changed = world.file("changed.csv", LETTERS_CSV.replace("First reminder", "First notice"))
    report = world.take(changed, maps=[letters])
    assert counts(report) == (0, 1, 0, 1, 1)
    assert report.problems[0].code == "ROW_CONFLICT"
    assert report.problems[0].row == 2
    assert world.claims() == before
    assert report.rejects_file is not None
    assert "First notice" in report.rejects_file.read_text()
    assert world.rebuilt(changed) == changed.read_bytes()


def test_a_corrected_row_conflicts_with_one_that_waits(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    world.take(world.file("letters.csv", LETTERS_CSV), maps=[letters])
    changed = world.file("changed.csv", LETTERS_CSV.replace("Last reminder", "Final notice"))
    assert counts(world.take(changed, maps=[letters])) == (0, 2, 0, 0, 1)
    # It stays a conflict once the account is known: what waits came first.
    world.store.open_matter("Contract two", "C-2")
    assert counts(world.take(changed, maps=[letters])) == (0, 2, 0, 0, 1)
    assert world.imports.waiting_count(world.agency_id) == 1


def test_two_rows_of_one_identity_that_wait_and_differ_are_a_conflict(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    rows = "L7,C-9,2026-02-01 09:00,1.00,One\nL7,C-9,2026-02-01 09:00,1.00,Other\n"
    path = world.file("twice.csv", "id,contract,sent,amount,subject\n" + rows)
    report = world.take(path, maps=[letters])
    assert counts(report) == (0, 0, 0, 1, 1)
    assert world.rebuilt(path) == path.read_bytes()


def test_equal_rows_without_identity_are_kept_and_counted(world: IntakeWorld) -> None:
    row = "L1,C-1,2026-02-01 09:00,100.50,First reminder\n"
    twice = world.file("twice.csv", "id,contract,sent,amount,subject\n" + row + row)
    assert counts(world.take(twice, maps=[WITHOUT_IDENTITY])) == (2, 0, 0, 0, 0)
    assert counts(world.take(twice, maps=[WITHOUT_IDENTITY])) == (0, 2, 0, 0, 0)
    thrice = world.file("thrice.csv", "id,contract,sent,amount,subject\n" + row * 3)
    assert counts(world.take(thrice, maps=[WITHOUT_IDENTITY])) == (1, 2, 0, 0, 0)
    assert world.size() == 3


def test_one_identity_twice_in_a_file_is_one_record(world: IntakeWorld, letters: ColumnMap) -> None:
    row = "L1,C-1,2026-02-01 09:00,100.50,First reminder\n"
    other = "L1,C-1,2026-02-01 09:00,100.50,Another text\n"
    path = world.file("twice.csv", "id,contract,sent,amount,subject\n" + row + row + other)
    assert counts(world.take(path, maps=[letters])) == (1, 1, 0, 0, 1)
    assert world.rebuilt(path) == path.read_bytes()
    assert counts(world.take(path, maps=[letters])) == (0, 2, 0, 0, 1)


def test_a_waiting_row_moves_in_once_its_account_is_known(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    path = world.file("letters.csv", LETTERS_CSV)
    world.take(path, maps=[letters])
    assert world.ingest.run_unassigned(world.agency_id).files[0].unassigned == 1
    second = world.store.open_matter("Contract two", "C-2")
    [report] = world.ingest.run_unassigned(world.agency_id).files
    assert counts(report) == (1, 0, 0, 0, 0)
    [claims] = world.claims(second)
    assert claims["subject"] == "Last reminder"
    assert world.ingest.run_unassigned(world.agency_id).files == ()
    assert world.rebuilt(path) == LETTERS_CSV.encode()
    assert counts(world.take(path, maps=[letters])) == (0, 3, 0, 0, 0)
    assert world.size() == 3


def test_the_same_file_moves_waiting_rows_in_as_well(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    path = world.file("letters.csv", LETTERS_CSV)
    world.take(path, maps=[letters])
    world.store.open_matter("Contract two", "C-2")
    assert counts(world.take(path, maps=[letters])) == (1, 2, 0, 0, 0)
    assert world.imports.waiting_count(world.agency_id) == 0
    assert world.ingest.run_unassigned(world.agency_id).files == ()
    assert world.size() == 3
    assert world.rebuilt(path) == LETTERS_CSV.encode()


def test_what_waits_is_sealed_in_the_store(world: IntakeWorld, letters: ColumnMap) -> None:
    world.take(world.file("letters.csv", LETTERS_CSV), maps=[letters])
    world.store.database.forget_deleted()
    stored = world.store.database.path.read_bytes()
    assert b"unassigned" in stored
    for secret in (b"Last reminder", b"First reminder", b"with a second line"):
        assert secret not in stored


def test_rejects_are_private_and_can_be_mended_and_fed_again(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    path = world.file(
        "letters.csv",
        "id,contract,sent,amount,subject\n"
        "L1,C-1,2026-02-01 09:00,100.50,First reminder\n"
        "L2,C-1,15.02.2026,100.50,Second reminder\n"
        "L3,C-1,2026-02-20 09:00,100.505,Third reminder\n"
        "L4,C-1,2026-02-21 09:00,100.50,Fourth, reminder\n"
        'L5,C-1,2026-02-22 09:00,100.50,"Fifth" reminder\n',
    )
    report = world.take(path, maps=[letters])
    assert counts(report) == (1, 0, 4, 0, 0)
    rejects = report.rejects_file
    assert rejects is not None
    assert rejects == world.folder / "letters.rejects.csv"
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    assert [problem.code for problem in report.problems] == [
        "ROW_TIME",
        "ROW_VALUE",
        "ROW_COLUMNS",
        "ROW_QUOTES",
    ]
    assert [problem.row for problem in report.problems] == [3, 4, 5, 6]
    assert world.rebuilt(path) == path.read_bytes()
    text = rejects.read_text()
    header = text.splitlines()[0]
    assert header == (
        "_reject_row,_reject_field,_reject_reason,_reject_remedy,id,contract,sent,amount,subject"
    )
    # Nothing enters before it is mended, and the same rejects make no second file.
    again = world.take(path, maps=[letters])
    assert counts(again) == (0, 1, 4, 0, 0)
    assert again.rejects_file == rejects
    unmended = world.take(rejects, maps=[letters])
    assert counts(unmended) == (0, 0, 4, 0, 0)
    assert unmended.rejects_file == world.folder / "letters.rejects-2.csv"
    mended = (
        text.replace("15.02.2026", "2026-02-15 09:00")
        .replace("100.505", "100.50")
        .replace("Fourth, reminder", '"Fourth, reminder"')
        .replace(
            '"L5,C-1,2026-02-22 09:00,100.50,""Fifth"" reminder"',
            "L5,C-1,2026-02-22 09:00,100.50,Fifth reminder",
        )
    )
    rejects.write_text(mended, newline="")
    assert counts(world.take(rejects, maps=[letters])) == (4, 0, 0, 0, 0)
    assert counts(world.take(rejects, maps=[letters])) == (0, 4, 0, 0, 0)
    assert [claims["subject"] for claims in world.claims()] == [
        "First reminder",
        "Second reminder",
        "Third reminder",
        "Fourth, reminder",
        "Fifth reminder",
    ]


def test_rejects_of_rejects_can_be_mended_too(world: IntakeWorld, letters: ColumnMap) -> None:
    path = world.file(
        "letters.csv", "id,contract,sent,amount,subject\nL2,C-1,15.02.2026,1,Second reminder\n"
    )
    first = world.take(path, maps=[letters]).rejects_file
    assert first is not None
    second = world.take(first, maps=[letters]).rejects_file
    assert second is not None
    assert second.read_text().count("_reject_row") == 1
    second.write_text(second.read_text().replace("15.02.2026,", "2026-02-15 09:00,"), newline="")
    assert counts(world.take(second, maps=[letters])) == (1, 0, 0, 0, 0)


def test_rejects_go_where_they_are_told(
    world: IntakeWorld, letters: ColumnMap, tmp_path: Path
) -> None:
    path = world.file("letters.csv", "id,contract,sent,amount,subject\nL2,C-1,x,1,y\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    report = world.take(path, maps=[letters], rejects=elsewhere)
    assert report.rejects_file == elsewhere / "letters.rejects.csv"
    assert sorted(world.folder.iterdir()) == [path]
    with pytest.raises(CallerError, match="want an existing folder"):
        world.take(path, maps=[letters], rejects=tmp_path / "missing")


def test_a_dry_run_shows_rows_and_writes_nothing(world: IntakeWorld, letters: ColumnMap) -> None:
    path = world.file("letters.csv", LETTERS_CSV + "L4,C-1,never,1,Bad time\n")

    def everything() -> dict[str, bytes]:
        return {
            str(found): found.read_bytes()
            for found in sorted(world.folder.parent.rglob("*"))
            # Reading maps a shared-memory file beside the store.
            if found.is_file() and not found.name.endswith("-shm")
        }

    before = everything()
    report = world.take(path, maps=[letters], dry_run=True)
    assert everything() == before
    assert counts(report) == (2, 0, 1, 1, 0)
    assert report.rejects_file is None
    assert [(shown.row, shown.matter) for shown in report.preview] == [
        (2, world.matter.number),
        (3, world.matter.number),
        (4, None),
    ]
    assert report.preview[0].claims["amount"] == {"minor": 10050, "currency": "EUR"}
    assert world.size() == 0


def test_a_row_that_leads_elsewhere_than_the_named_matter_is_refused(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    second = world.store.open_matter("Contract two", "C-2")
    path = world.file("letters.csv", LETTERS_CSV.replace("C-2", "C-3"))
    report = world.take(path, maps=[letters], matter=second)
    assert counts(report) == (1, 0, 2, 0, 0)
    assert {problem.code for problem in report.problems} == {"ROW_MATTER"}
    [claims] = world.claims(second)
    assert claims["account"] == "C-3"


def test_an_erased_copy_is_gone_and_the_file_can_not_be_rebuilt(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    world.take(world.file("letters.csv", LETTERS_CSV), maps=[letters])
    other = world.file(
        "other.csv",
        "subject,amount,id,sent,contract\nFirst reminder,100.50,L1,2026-02-01 09:00,C-1\n",
    )
    world.take(other, maps=[letters])
    assert world.rebuilt(other) == other.read_bytes()
    [record] = world.store.reader.of_matter(world.agency_id, world.matter.key, 0, 1)
    order = Order(Reason.MISTAKE, "privacy office, 2026-17")
    world.store.eraser().erase(world.matter, [record.position], order, lambda done, total: None)
    with pytest.raises(CallerError, match="were erased with a record"):
        world.rebuilt(other)


def test_a_file_that_was_never_taken_in_is_not_rebuilt(world: IntakeWorld) -> None:
    with pytest.raises(CallerError, match="no file with SHA-256"):
        b"".join(world.ingest.rebuild(world.agency_id, bytes(32)))

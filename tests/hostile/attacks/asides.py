"""Attacks on numbers that are set aside for rows that wait: steps 18.1 to 18.10.

Whoever edits entries is the tree's builder; whoever changes a waiting row keeps the store.
"""

from __future__ import annotations

import hashlib
import json

from tests.hostile.asides import ROW, aside_case, asked_case, undamaged
from tests.hostile.attacks.sources import ANOTHER
from tests.hostile.case import Case, attack, case, honest
from tests.hostile.sources import OTHER_PBX, Entry, Source, files
from tests.hostile.world import NOBODY
from verifier.format import numbers
from verifier.format.digests import b64url_encode
from verifier.format.jsonc import Json

RAW: Json = {"text": ROW.decode()}


@attack()
def rows_that_waited() -> Case:
    """Nothing is damaged: two rows came into the case later, another matter's too, and one still waits."""
    return aside_case()


# ---------------------------------------------------------------------- 18.1 the form


@attack(sources="18.1 FAIL SOURCE_FORM:MEMBER_UNKNOWN")
def aside_with_a_member_more() -> Case:
    """What waits names its account."""
    return aside_case(lambda entries: entries[7].update(account="4711"))


@attack(sources="18.1 FAIL SOURCE_FORM:MEMBER_FORM")
def closing_with_no_numbers_aside_said() -> Case:
    """Where nothing waits, a closing says nothing of it; this one says none."""
    return aside_case(lambda entries: entries[12].update(aside=0))


@attack(sources="18.1 FAIL SOURCE_FORM:DIGEST_LENGTH")
def aside_that_commits_to_nothing() -> Case:
    """The commitment has no bytes."""
    return aside_case(lambda entries: entries[7].update(row=""))


# ---------------------------------------------------------------------- 18.3 the root


@attack(sources="18.3 FAIL SOURCE_NOT_INCLUDED")
def commitment_exchanged_after_sealing() -> Case:
    """The row that still waits gets another commitment, after its head was sealed."""
    world, source = undamaged()
    made = files(world, source)
    [entries] = [name for name in made if name.endswith(".txt")]
    row = json.loads(made[entries].splitlines()[3].split(b" ", 1)[1])["row"]
    made[entries] = made[entries].replace(row.encode(), ANOTHER.encode())
    return asked_case(world, source, made, None)


# ---------------------------------------------------------------------- 18.4 the records


@attack(sources="18.4 FAIL SOURCE_ASIDE_CLAIM")
def aside_that_only_the_leaf_knows() -> Case:
    """The leaf says that its row waited, and its entry names no aside."""
    return aside_case(lambda entries: entries[10].pop("aside"))


@attack(sources="18.4 FAIL SOURCE_ASIDE_CLAIM")
def aside_that_the_leaf_does_not_know() -> Case:
    """The log says that the call 6 waited, its leaf does not; all counts are made to fit."""

    def edit(entries: list[Entry]) -> None:
        entries[7].update(number=6)
        entries[8].update(last=6, next=7, missing=[[5, 5]])
        entries[11].update(aside=7)
        entries[12].update(first=None, last=None, counts={}, missing=[[5, 5]])
        entries[14].update(missing=[[5, 5]])
        del entries[12]["aside"], entries[14]["aside"]

    return aside_case(edit)


# ---------------------------------------------------------------------- 18.5 what is shown


@attack(sources="18.5 FAIL SOURCE_ENTRIES")
def day_of_the_aside_left_out() -> Case:
    """The day on which the record's number came is not shown."""
    return aside_case(shown=[0, 8, 9, 10, 11, 12, 14, 15, 16])


# ---------------------------------------------------------------------- 18.6 the numbers


@attack(sources="18.6 FAIL SOURCE_ASIDE_DIFFERS")
def aside_of_another_number() -> Case:
    """The record of number 4 names what was set aside under 5."""
    return aside_case(lambda entries: entries[10].update(aside=7))


@attack(sources="18.6 FAIL SOURCE_ASIDE_DIFFERS")
def aside_that_is_a_record() -> Case:
    """The record names an earlier record."""
    return aside_case(lambda entries: entries[10].update(aside=9))


@attack(sources="18.6 FAIL SOURCE_ASIDE_DIFFERS")
def aside_that_is_the_entry_itself() -> Case:
    """The record names its own entry."""
    return aside_case(lambda entries: entries[10].update(aside=10))


@attack(sources="18.6 FAIL SOURCE_ASIDE_DIFFERS")
def aside_later_than_the_record() -> Case:
    """The record names what is set aside days after it."""
    return aside_case(lambda entries: entries[10].update(aside=15))


@attack(sources="18.6 FAIL SOURCE_ASIDE_DIFFERS")
def aside_beyond_the_log() -> Case:
    """The record names an index that the log does not have."""
    return aside_case(lambda entries: entries[10].update(aside=2**53 - 1))


@attack(sources="18.6 FAIL SOURCE_ASIDE_DIFFERS")
def aside_of_another_kind() -> Case:
    """What waited was a message, and the record is a call."""

    def edit(entries: list[Entry]) -> None:
        entries[6]["kind"] = "message"
        entries[8]["counts"] = {"call": 1, "message": 1}

    return aside_case(edit)


@attack(sources="18.6 FAIL SOURCE_NUMBER_TWICE")
def two_records_of_one_aside() -> Case:
    """Another matter's record names what the case's record named."""
    return aside_case(tail=lambda entries: entries.append({**entries[16], "record": ANOTHER}))


@attack(sources="18.6 FAIL SOURCE_NUMBER_TWICE")
def number_set_aside_twice() -> Case:
    """The row that waits is set aside again, with other content."""
    return aside_case(tail=lambda entries: entries.append({**entries[7], "row": ANOTHER}))


@attack(sources="18.6 FAIL SOURCE_NUMBER_TWICE")
def record_that_takes_the_number_of_a_row_that_waits() -> Case:
    """A record has the number 5, and does not say that a row waited under it."""
    taken: Entry = {"entry": "record", "kind": "call", "number": 5, "record": ANOTHER}
    return aside_case(tail=lambda entries: entries.append(taken))


@attack(sources="18.6 FAIL SOURCE_NUMBER_TWICE")
def record_that_names_a_hidden_entry_and_not_the_row_of_its_number() -> Case:
    """Another matter's record of number 5 names an entry that is not shown, and 5 waits in one that is."""
    taken: Entry = {"aside": 4, "entry": "record", "kind": "call", "number": 5, "record": ANOTHER}
    return aside_case(tail=lambda entries: entries.append(taken))


@attack(sources="18.6 FAIL SOURCE_NUMBER_DIFFERS")
def number_set_aside_that_had_come() -> Case:
    """In the open day a row is set aside under a number of a day that is not shown."""
    return aside_case(tail=lambda entries: entries.append({**entries[7], "number": 3}))


@attack(sources="18.6 FAIL SOURCE_NUMBER_DIFFERS")
def aside_before_a_closing_that_lacks_its_number() -> Case:
    """Another matter's record says that number 9 was set aside on a hidden day, and no closing knows it."""
    return aside_case(lambda entries: entries[9].update(number=9))


@attack(sources="18.6 FAIL SOURCE_NUMBER_DIFFERS")
def number_set_aside_called_missing() -> Case:
    """The closing of the third day calls 4 missing though it is set aside."""
    return aside_case(lambda entries: entries[8].update(missing=[[4, 4]]))


@attack(sources="18.6 FAIL SOURCE_PROFILE")
def aside_where_the_service_numbers() -> Case:
    """The service gives the numbers, and yet a row that waits has one."""
    return aside_case(lambda entries: entries[0]["profile"].update(numbering="service"))


# ---------------------------------------------------------------------- 18.7 closings


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def closing_that_forgets_a_row_that_waits() -> Case:
    """One number is still set aside at the end of the fourth day, and its closing says nothing."""
    return aside_case(lambda entries: entries[12].pop("aside"))


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def closing_that_counts_a_row_again_when_it_moves() -> Case:
    """The two rows that came into matters are counted as if their numbers had come on that day."""
    return aside_case(lambda entries: entries[12].update(counts={"call": 3}, first=2))


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def closing_that_does_not_count_what_is_set_aside() -> Case:
    """The third day is said to have had no number."""
    return aside_case(lambda entries: entries[8].update(counts={}, first=None, last=None))


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def row_that_moves_and_none_waits() -> Case:
    """The last closing, of a hidden day, says that nothing waits; in the open day 5 comes into a matter."""
    moved: Entry = {"aside": 7, "entry": "record", "kind": "call", "number": 5, "record": ANOTHER}
    return aside_case(
        lambda entries: entries[14].pop("aside"), lambda entries: entries.append(moved)
    )


# ---------------------------------------------------------------------- 18.9 what was set aside


@attack(sources="18.9 FAIL SOURCE_ASIDE_NOT_OPENED")
def row_changed_while_it_undamaged() -> Case:
    """The row that came into the case has another telephone number than the one that was set aside."""
    return aside_case(first={"raw": {"text": "4;0307777777;out\n"}})


@attack(sources="18.9 FAIL SOURCE_ASIDE_NOT_OPENED")
def row_in_other_bytes() -> Case:
    """The row's line end was mended while it waited."""
    return aside_case(first={"raw": {"bytes": b64url_encode(ROW[:-1] + b"\r\n")}})


@attack()
def row_that_stands_as_bytes() -> Case:
    """The same bytes in the other form of the claim: nothing is damaged."""
    return aside_case(first={"raw": {"bytes": b64url_encode(ROW)}})


@attack(sources="18.9 FAIL SOURCE_ASIDE_NOT_OPENED")
def other_random_bytes() -> Case:
    """The record has other random bytes than the commitment was made with."""
    return aside_case(first={"raw": RAW, "aside": {"salt": b64url_encode(bytes(32))}})


@attack(sources="18.9 FAIL SOURCE_ASIDE_NOT_OPENED")
def random_bytes_cut() -> Case:
    """The record has half of the random bytes."""
    return aside_case(first={"raw": RAW, "aside": {"salt": b64url_encode(bytes(16))}})


@attack(sources="18.9 FAIL SOURCE_ASIDE_NOT_OPENED")
def random_bytes_left_out() -> Case:
    """The record says that its row waited, without the random bytes."""
    return aside_case(first={"raw": RAW, "aside": {}})


@attack(sources="18.9 FAIL SOURCE_ASIDE_NOT_OPENED")
def record_without_its_row() -> Case:
    """The record has neither the row nor the place where it stands."""
    return aside_case(first={"text": "called"})


def _committed(source_key: str, number: int, salt: bytes, row: bytes) -> str:
    message = b"notary/source-aside/v1\n" + bytes.fromhex(source_key) + number.to_bytes(8, "big")
    return b64url_encode(hashlib.sha256(message + salt + row).digest())


@attack(sources="18.9 FAIL SOURCE_ASIDE_NOT_OPENED")
def commitment_of_another_number() -> Case:
    """Under 4 stands again what was set aside under 5, and the record opens it with the row of 5."""
    _, source = undamaged()
    claims: dict[str, Json] = {
        "raw": {"text": "5;030888;in\n"},
        "aside": {"salt": b64url_encode(source.salt(5))},
    }
    return aside_case(lambda entries: entries[6].update(row=entries[7]["row"]), first=claims)


@attack(sources="18.9 FAIL SOURCE_ASIDE_NOT_OPENED")
def commitment_of_another_source() -> Case:
    """What was set aside in the log of another source, under the same number."""
    world, source = undamaged()
    other = Source(world.log, OTHER_PBX)
    row = _committed(other.key, 4, source.salt(4), ROW)
    return aside_case(lambda entries: entries[6].update(row=row))


@attack(sources="18.9 NOT CHECKED SOURCE_ASIDE_WITHHELD")
def row_withheld() -> Case:
    """The exporter withholds the row itself."""
    return aside_case(withheld={(0, "raw"): "privilege"})


@attack(sources="18.9 NOT CHECKED SOURCE_ASIDE_WITHHELD")
def random_bytes_withheld() -> Case:
    """The exporter withholds the random bytes."""
    return aside_case(withheld={(0, "aside"): "privilege"})


@attack(sources="18.9 NOT CHECKED SOURCE_ASIDE_ERASED")
def record_that_waited_erased() -> Case:
    """The record's content was erased, the random bytes with it."""
    return aside_case(erased={0: 3})


@attack(sources="18.9 FAIL SOURCE_ASIDE_NOT_OPENED")
def place_of_another_row() -> Case:
    """A row too long for a claim of its own: the record names another place in the file."""
    return aside_case(tail=lambda entries: entries[15].update(row=ANOTHER))


# ---------------------------------------------------------------------- 18.10 what the person asks for


def _asks(first: str, last: str, since: int | None = 0) -> Case:
    world, source = undamaged()
    asked = [{"number": source.number.text, "from": first, "to": last}]
    return asked_case(world, source, files(world, source, since=since), asked)


@attack()
def source_asked_for_and_shown() -> Case:
    """The person names the source, and days that its closings cover."""
    return _asks("2026-10-03", "2026-10-05")


@attack()
def source_asked_for_without_days() -> Case:
    """She asks for the source alone, and takes what its last closing says."""
    return _asks_for(undamaged()[1].number)


@attack(sources="18.10 NOT CHECKED SOURCE_DAYS_NOT_SHOWN")
def days_of_which_only_closings_are_shown() -> Case:
    """What the closings say of her days is the service's word."""
    return _asks("2026-10-03", "2026-10-05", None)


@attack()
def days_shown_from_the_closing_before() -> Case:
    """All is shown from the closing before her first day on."""
    return _asks("2026-10-03", "2026-10-05", 5)


@attack(sources="18.10 NOT CHECKED SOURCE_DAYS_NOT_SHOWN")
def days_shown_from_their_first_closing() -> Case:
    """All is shown but the first of her days."""
    return _asks("2026-10-03", "2026-10-05", 8)


@attack(sources="18.10 NOT CHECKED SOURCE_DAYS_NOT_COVERED")
def days_before_the_log_began() -> Case:
    """The log began on the first day that she asks for."""
    return _asks("2026-10-02", "2026-10-05")


@attack(sources="18.10 NOT CHECKED SOURCE_DAYS_NOT_COVERED")
def days_that_are_not_closed() -> Case:
    """She asks for the open day too."""
    return _asks("2026-10-03", "2026-10-06")


def _asks_for(number: numbers.SourceNumber) -> Case:
    world, source = undamaged()
    return asked_case(world, source, files(world, source), [{"number": number.text}])


@attack(sources="18.10 FAIL SOURCE_ASKED_OF_OTHER_LOG")
def source_asked_for_of_another_log() -> Case:
    """She asks for a source of another log."""
    return _asks_for(numbers.make_source(bytes(16), b"\1\2\3\4"))


@attack(sources="18.10 NOT CHECKED SOURCE_ASKED_NOT_SHOWN")
def source_asked_for_and_not_shown() -> Case:
    """She asks for the other exchange, which no record names."""
    world, _ = undamaged()
    return _asks_for(Source(world.log, OTHER_PBX).number)


@attack(sources="18.10 NOT CHECKED SOURCE_ASKED_NOT_SHOWN")
def source_asked_for_of_a_matter_without_any() -> Case:
    """No record of the matter names a source: the row would not apply, had she not asked."""
    world = honest()
    inputs = {**world.inputs(), "source": [{"number": Source(world.log).number.text}]}
    return case(world.complete(), world, inputs=inputs)


@attack(verdict="INDETERMINATE")
def source_asked_for_of_an_absent_matter() -> Case:
    """Nothing is under the number, so no source is shown that she asks for."""
    world = honest()
    inputs = {**world.inputs(NOBODY), "source": [{"number": Source(world.log).number.text}]}
    return case(world.absent(), world, inputs=inputs)

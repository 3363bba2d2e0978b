"""Plants frauds in files that hold one event each: vCons of conversations, and messages.

Test: tests/unit/cases/test_frauds.py.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from notary.cases.collection import vcons
from notary.cases.draws import Draws
from notary.cases.frauds.answer import Planted
from notary.cases.frauds.layouts import moved_mail_date, new_uuid

LONG = 60  # seconds of a conversation that is made to be two
PAUSE = 6  # seconds between the two
CALL_DAYS = 3  # by which a conversation is dated earlier; the carrier's token keeps its own time
MAIL_DAYS = 12  # by which a message is dated earlier: more than servers try to deliver it


def backdated(folder: Path, draws: Draws) -> list[Planted]:
    """A conversation, and a demand by e-mail, are dated some days earlier."""
    return [*_vcon(folder, draws), *_mail(folder, draws)]


def _vcon(folder: Path, draws: Draws) -> list[Planted]:
    signed = [
        path
        for path in sorted(folder.glob("switches/vcon/*/*.vcon.json"))
        if any("stir" in party for party in json.loads(path.read_bytes())["parties"])
    ]
    if not signed:
        return []
    path = draws.one("vcon/backdated", signed)
    vcon = json.loads(path.read_bytes())
    back = timedelta(days=CALL_DAYS)
    changed = {}
    for name, place in (("dialog.0.start", vcon["dialog"][0]), ("created_at", vcon)):
        member = name.rpartition(".")[2]
        before = place[member]
        place[member] = (datetime.fromisoformat(before) - back).isoformat()
        changed[name] = (before, place[member])
    path.write_bytes(vcons.text(vcon))
    return [
        Planted(
            "backdated",
            "vcon",
            f"a recorded conversation dated {CALL_DAYS} days earlier",
            path.relative_to(folder).as_posix(),
            (1,),
            (f"{vcon['uuid']}#dialog/0",),
            changed=(changed,),
        )
    ]


def split(folder: Path, draws: Draws) -> list[Planted]:
    """A recorded conversation is made to be two vCons, each with a part of the recording's length."""
    paths = sorted(folder.glob("switches/vcon/*/*.vcon.json"))
    long = [path for path in paths if json.loads(path.read_bytes())["dialog"][0]["duration"] > LONG]
    if not long:
        return []
    path = draws.one("vcon/split", long)
    vcon = json.loads(path.read_bytes())
    second = copy.deepcopy(vcon)
    dialog, other = vcon["dialog"][0], second["dialog"][0]
    talk = dialog["duration"]
    dialog["duration"] = talk // 2
    start = datetime.fromisoformat(dialog["start"]) + timedelta(seconds=talk // 2 + PAUSE)
    other |= {"start": start.isoformat(), "duration": talk - talk // 2 - PAUSE}
    second["uuid"] = new_uuid(vcon["uuid"], 0)
    path.write_bytes(vcons.text(vcon))
    path.with_name(f"{path.name.removesuffix('.vcon.json')}-2.vcon.json").write_bytes(
        vcons.text(second)
    )
    return [
        Planted(
            "split",
            "vcon",
            f"a recorded conversation of {talk} s made two",
            path.relative_to(folder).as_posix(),
            (1,),
            tuple(f"{one['uuid']}#dialog/0" for one in (vcon, second)),
            changed=({"dialog.0.duration": (talk, dialog["duration"])},),
        )
    ]


def _mail(folder: Path, draws: Draws) -> list[Planted]:
    messages = sorted(folder.glob("mail/*/*.eml"))
    if not messages:
        return []
    path = draws.one("mail/backdated", messages)
    lines = path.read_bytes().decode("ascii").split("\r\n")
    index = next(n for n, line in enumerate(lines) if line.startswith("Date: "))
    before = lines[index].removeprefix("Date: ")
    after = moved_mail_date(before, -timedelta(days=MAIL_DAYS))
    lines[index] = f"Date: {after}"
    path.write_bytes("\r\n".join(lines).encode("ascii"))
    reference = next(line for line in lines if line.startswith("Message-ID: "))
    return [
        Planted(
            "backdated",
            "mail",
            f"a demand by e-mail dated {MAIL_DAYS} days earlier",
            path.relative_to(folder).as_posix(),
            (1,),
            (reference.removeprefix("Message-ID: "),),
            changed=({"Date": (before, after)},),
        )
    ]


SINGLES: Mapping[str, Callable[[Path, Draws], list[Planted]]] = {
    "backdated": backdated,
    "split": split,
}

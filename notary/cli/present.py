"""What people read: plain text for a terminal, and the same facts as JSON.

Owns wording and layout only. Test: tests/unit/service/test_cli.py.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what these modules load would make every `--help` wait
    from notary.core.intake import Accepted
    from notary.creation import Created
    from notary.ports import Matter
    from notary.usecases.import_report import FileReport, IngestReport
    from notary.usecases.publish import Published
    from verifier.format.predecessor import Predecessor


def continued(before: Predecessor, matter: Matter, told: Accepted) -> str:
    """What a new log states of the one that it continues."""
    return (
        f"continues {before}\n"
        f"          stated in record {told.record_id} of matter {matter.number}: export it to show it"
    )


def created(made: Created) -> str:
    """What `notary init` prints: what was made, where, and the two things to back up."""
    return "\n".join(
        [
            f"made      {made.home.folder}/notary.toml   configuration",
            *(
                [
                    f"          {made.home.data}   database, encrypted",
                    f"          {made.home.config.objects}   attachments, encrypted",
                ]
                if made.home.config.objects
                else [f"          {made.home.data}   database and attachments, encrypted"]
            ),
            f"          {made.home.keys}   keys",
            "",
            f"log       {made.home.config.log}",
            f"agency    {made.home.config.agency}",
            f"chain     {made.home.config.chain_id}, contract {made.home.config.contract}",
            f"account   {made.home.config.log_address}   send it the chain's currency for fees",
            *[
                f"vkey      {vkey}   goes into the policies of those who verify"
                for vkey in made.checkpoint_vkeys
            ],
            f"receipts  {made.receipt_vkey}   likewise, for receipts",
            f"token     {made.token}",
            "          shown this once; it opens the HTTP interface (Authorization: Bearer …) in every role.",
            "          `notary user new` and `notary apikey new` make keys that may less.",
            "",
            "Back up two things, apart from each other; either alone is useless to a thief and to you:",
            f"  1. {made.home.data}, with notary.toml beside it",
            f"  2. {made.home.keys}",
            "",
            "Next: notary contract deploy, notary matter new, notary ingest, notary work",
        ]
    )


def claim_text(value: object) -> str:
    """A claim's value: words as they are, anything else as the JSON that it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def ingest_json(report: IngestReport) -> dict[str, object]:
    """What intake did, for programs."""
    return {
        "dry_run": report.dry_run,
        "files": [
            {
                "path": str(file.path),
                "importer": file.importer,
                "why": file.why,
                "rows": file.rows,
                "accepted": file.accepted,
                "replayed": file.replayed,
                "rejected": file.rejected,
                "unassigned": file.unassigned,
                "conflicts": file.conflicts,
                "sha256": file.sha256.hex(),
                "problems": [problem.sentence() for problem in file.problems],
                "preview": [
                    {
                        "row": row.row,
                        "kind": row.kind,
                        "matter": row.matter,
                        "claims": dict(row.claims),
                        "files": list(row.files),
                    }
                    for row in file.preview
                ],
                "rejects_file": None if file.rejects_file is None else str(file.rejects_file),
            }
            for file in report.files
        ],
    }


def ingest_text(report: IngestReport) -> str:
    """What intake did, for people: a line a file, then what needs a hand."""
    rows = [
        (
            _named(file.path),
            file.importer or "refused",
            str(file.rows),
            str(file.accepted),
            str(file.replayed),
            str(file.rejected),
            str(file.unassigned),
            str(file.conflicts),
        )
        for file in report.files
    ]
    lines = [
        table(
            ("file", "importer", "rows", "new", "known", "rejected", "unassigned", "conflicts"),
            rows,
        )
    ]
    lines += [note for file in report.files for note in _notes(file, dry_run=report.dry_run)]
    if report.dry_run:
        lines.append("dry run: nothing was written")
    return "\n".join(lines)


def _notes(file: FileReport, *, dry_run: bool) -> list[str]:
    name = _named(file.path)
    notes = []
    if file.why and dry_run:
        notes.append(f"{name}: taken for {file.importer}: {file.why}")
    elif file.unread:
        notes.append(f"{name}: kept whole as one document, nothing in it is read: {file.why}")
    notes += [f"{name}: {problem.sentence()}" for problem in file.problems]
    if file.shipped_map and any(problem.code == "ROW_ZONE" for problem in file.problems):
        notes += [
            f"{name}: nothing in the file tells its zone. Save these lines as zone.map.toml, with the zone "
            "of the system that wrote it, and give them with --map zone.map.toml:",
            f'    base = "{file.shipped_map}"',
            '    id = "our-switch"',
            "    version = 1",
            '    occurred_at.zone = "Europe/Madrid"',
        ]
    counted = file.rejected + file.conflicts
    if counted > len(file.problems):
        notes.append(f"{name}: … and {counted - len(file.problems)} more")
    for row in file.preview:
        where = row.matter or "no matter yet"
        notes.append(f"{name} row {row.row} would be recorded as {row.kind} of {where}:")
        # A line of a text must not look like one of ours.
        notes += [
            f"    {claim}: {claim_text(value)}".replace("\n", "\n        ")
            for claim, value in row.claims.items()
        ]
    if file.rejects_file is not None:
        notes.append(f"{name}: mend {_named(file.rejects_file)} and feed it in again")
    if file.unassigned:
        notes.append(
            f"{name}: {file.unassigned} rows wait for an account that no matter has. "
            "`notary matter account NUMBER ACCOUNT`, then `notary ingest --unassigned`."
        )
    if file.conflicts:
        notes.append(
            f"{name}: {file.conflicts} rows came before with other content; nothing was "
            "overwritten. Enter what changed as corrections."
        )
    return notes


def _named(path: Path) -> str:
    """A file's name on one line, whatever stands in it."""
    text = str(path)
    return text if text.isprintable() else ascii(text)[1:-1]


def ingest_incomplete(report: IngestReport) -> bool:
    """Whether something needs a hand."""
    return any(file.rejected or file.unassigned or file.conflicts for file in report.files)


def _dkim(queue: Mapping[str, Any]) -> str:
    """How the checks of signed messages stand."""
    error = f"; last error {queue['last_error']}" if queue["last_error"] else ""
    return f"{queue['waiting']} signed messages wait for their signers' keys{error}"


def status_text(status: Mapping[str, Any]) -> str:
    """The service's state for people."""
    anchor, priority, workers = status["anchor"], status["priority"], status["workers"]
    lines = [
        f"health    {status['health']}",
        f"log       {status['log']}"
        + (f", retired: {status['successor']} follows it" if status["successor"] else ""),
        f"records   {status['records']} in {status['matters']} matters, "
        f"{status['unsealed']} wait for sealing, {status['unassigned']} rows unassigned",
        f"originals {status['originals']}",
        f"batches   {status['sealed']} sealed, {anchor['proved_size']} proved on chain",
        f"anchor    {anchor['state']}" + (f": {anchor['held']}" if anchor["held"] else ""),
        f"as of     {anchor['as_of'] or 'no final proof yet'}",
        f"account   {_of_currency(anchor['balance']) or 'balance unknown'}",
        f"costs     {_costs(status['budget'])}",
        *[f"stamps    {_stamps(one)}" for one in status["timestamps"]],
        *([f"dkim      {_dkim(status['dkim'])}"] if status["dkim"]["waiting"] else []),
        *([f"at once   {priority_text(priority)}"] if priority["asked_at"] else []),
        f"worker    {status['worker'] or 'was never seen; start `notary work`'}"
        + (f", {workers['at_work']}" if workers["at_work"] else ""),
        *[f"standby   {one}" for one in workers["standing_by"]],
    ]
    lines += source_lines(status["sources"])
    lines += [
        f"webhook   {name}: {one['waiting']} notices wait, {one['given_up']} given up"
        for name, one in status["webhooks"].items()
    ]
    lines += [
        f"endpoint  {one['host']} {one['condition']} since {one['since']}"
        + (f": {one['text'].removeprefix(one['host'] + ': ')}" if one["text"] else "")
        for one in status["endpoints"]
    ]
    lines += [
        f"api key   {key['key']} ({key['begins']}…, {key['label']}) ends {key['expires_at']}: "
        f"notary apikey rotate {key['key']}"
        for key in status["keys_ending"]
    ]
    lines += [f"alarm     {alarm}" for alarm in status["alarms"]]
    return "\n".join(lines)


def _stamps(one: Mapping[str, Any]) -> str:
    said = f"{one['authority']}: {one['waiting']} wait, {one['given_up']} given up"
    return said + (f"; {one['error']}" if one["error"] else "")


def priority_text(told: Mapping[str, str | None]) -> str:
    """How far a request to anchor at once is."""
    said = str(told["state"])
    if told["asked_at"]:
        said += f"; asked for at {told['asked_at']}"
    if told["not_before"]:
        said += f"; not before {told['not_before']}"
    return said


def _of_currency(amount: str | None) -> str | None:
    return None if amount is None else f"{amount} of the chain's currency"


def _costs(budget: Mapping[str, Any]) -> str:
    cap = budget["cap_per_day"]
    said = f"{budget['spent_today']} in 24 h, " + (f"cap {cap}" if cap else "no cap")
    if budget["per_anchor"] is None:
        return said + "; no anchor was paid yet"
    said += (
        f"; {budget['per_anchor']} an anchor, at this pace {budget['per_day']} a day, "
        f"{budget['per_30_days']} in 30 days"
    )
    if budget["days_left"] is not None:
        said += f"; the account lasts {budget['days_left']:g} days"
    return said


def published_json(done: Published) -> dict[str, object]:
    """What the public folder holds."""
    return {"batches": done.batches, "added": done.added, "anchors": done.anchors}


def published_text(done: Published, folder: Path) -> str:
    """What the public folder holds, and how to check it."""
    return (
        f"{folder}: {done.batches} batches, {done.added} of them new; {done.anchors} anchors. "
        f"Anybody can check it: verifier replay {folder}"
    )


def counted(count: int, word: str) -> str:
    """So many of them, for people: one has no plural."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned by spaces; the last one is not padded."""
    widths = [max(_width(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in (head, *rows)
    )


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: a Chinese letter takes two."""
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)


def source_lines(sources: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each source, and one for each thing to know of it."""
    lines = []
    for one in sources:
        last = f", last {one['last_record_at']}" if one["last_record_at"] else ""
        lines.append(
            f"source    {one['name']}: {one['records']} records, {one['missing']} numbers missing, "
            f"{one['waiting']} rows wait, days before {one['open_day']} closed{last}"
        )
        lines += [f"          {said['code']}: {said['text']}" for said in one["findings"]]
    return lines


def sources_table(sources: Sequence[Mapping[str, Any]]) -> str:
    """Every source."""
    rows = [
        (
            str(one["name"]),
            str(one["source"]),
            str(one["numbering"]),
            str(one["next"]),
            str(sum(last - first + 1 for first, last in one["missing"])),
            str(one["waiting"]),
            str(one["open_day"]),
            ", ".join(said["code"] for said in one["findings"]) or "-",
        )
        for one in sources
    ]
    heads = ("name", "number", "numbered by", "next", "missing", "waiting", "open day", "findings")
    return table(heads, rows)


def source_text(source: Mapping[str, Any]) -> str:
    """One source, whole."""
    lines = [f"{source['name']}  {source['source']}"]
    lines += [
        f"  {name}: {claim_text(value)}"
        for name, value in source.items()
        if name not in ("name", "source", "findings") and value not in (None, [], {})
    ]
    lines += [f"  {said['code']}: {said['text']}" for said in source["findings"]]
    return "\n".join(lines)

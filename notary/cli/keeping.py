"""The commands that keep a service alive over years: back up, restore, change the store's key.

Test: tests/scenarios/service/test_backup.py, tests/unit/store/test_rotate_kek.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notary import config
from notary.cli.options import DryRunOption, HomeOption, JsonOption, opened
from notary.cli.output import EXIT_CONTRADICTION, answer, errors_said, progress_bar
from notary.core.backup_manifest import Manifest
from notary.errors import CallerError
from verifier.format import times
from verifier.format.heads import check_log_name

keys_app = typer.Typer(help="The keys of the service.", no_args_is_help=True)

MAX_FINDINGS = 20  # of a kind, for people
EXIT_UNCHECKED = 1  # nothing drifted, and something could not be asked

WITHOUT_KEYS = "The keys are not in it, and without them it opens nothing: copy them with --keys."


def register(app: typer.Typer) -> None:
    """Add the commands to the `notary` command line."""
    app.command()(backup)
    app.command()(restore)
    app.command()(audit)
    app.command()(retire)
    keys_app.command("rotate-kek")(rotate_kek)
    app.add_typer(keys_app, name="keys")


def backup(
    dest: Annotated[Path, typer.Argument(help="A folder of its own, best on another disk.")],
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Only check the backup that is there: digests, trees, signatures."
        ),
    ] = False,
    keys: Annotated[
        Path | None,
        typer.Option(
            help="Copy the key folder as well, to this other place. With --verify: a key folder whose "
            "register of erasures is held against the backup."
        ),
    ] = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back up database, attachments and configuration while the service runs.

    The same command again copies only what is new, also after a crash.
    """
    from notary import compose

    with errors_said():
        if verify:
            if dry_run:
                raise CallerError("VERIFY_ALONE", "--verify writes nothing: leave --dry-run out.")
            manifest = compose.verify_backup(dest, progress_bar, keys)
            shown = {"verified": True, **_shown(manifest)}
            answer(as_json, shown, f"good      {dest}\n{_text(manifest)}")
            return
        with opened(home) as service:
            task = service.backup(dest)
            if dry_run:
                plan = task.plan()
                answer(
                    as_json,
                    {"dry_run": True, **vars(plan)},
                    f"would copy the database ({plan.database_bytes} bytes) and {plan.missing} of "
                    f"{plan.objects} attachments ({plan.missing_bytes} bytes)\ndry run: nothing was written",
                )
                return
            done = service.run_backup(task, keys, dest, progress_bar)
        shown = {
            **_shown(done.manifest),
            "copied": done.copied,
            "copied_bytes": done.copied_bytes,
            "kept": done.kept,
            "keys": None if keys is None else str(keys),
        }
        where = WITHOUT_KEYS if keys is None else f"keys      {keys}: keep it apart from {dest}"
        answer(
            as_json,
            shown,
            f"wrote     {dest}\n{_text(done.manifest)}\n"
            f"copied    {done.copied} attachments, {done.copied_bytes} bytes; {done.kept} were there\n"
            f"{where}",
        )


def restore(
    src: Annotated[Path, typer.Argument(help="The folder of a backup.")],
    keys: Annotated[
        Path | None,
        typer.Option(help="A copy of the key folder. Default: the key folder is where it was."),
    ] = None,
    erasures: Annotated[
        Path | None,
        typer.Option(
            help="A newer copy of erasures.txt than the key folder's: what it says is gone goes again."
        ),
    ] = None,
    no_erasures: Annotated[
        bool,
        typer.Option(
            "--no-erasures",
            help="State that no newer register is left, or nothing was ever erased: what the backup's own "
            "log says of erasures is taken.",
        ),
    ] = False,
    database: Annotated[
        str | None,
        typer.Option(
            help="Restore into this empty database of PostgreSQL, postgresql://USER@HOST/NAME, whatever the "
            "backup was of."
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a home from a backup. The home must not exist or be empty."""
    from notary import compose

    with errors_said():
        done = compose.restore(
            src,
            config.home_folder(home),
            keys,
            progress_bar,
            erasures,
            none_erased=no_erasures,
            database=database,
        )
        shown = {
            **_shown(done.manifest),
            "home": str(done.home.folder),
            "keys": str(done.home.keys),
            "generation": done.generation,
            "erased_again": done.erased_again,
        }
        text = (
            f"restored  {done.home.folder}, restoration {done.generation}\n{_text(done.manifest)}\n"
            f"keys      {done.home.keys}\n"
            f"erased    {done.erased_again} records that were erased after the backup, again\n\n"
            "Records that were acknowledged after the backup are not in it, and their receipts are "
            "broken promises:\nfeed in again whatever came after that time, and tell who holds such "
            "receipts.\nNext: notary work. It compares the store with the chain; until then nothing is "
            "taken in or sealed."
        )
        answer(as_json, shown, text)


def audit(
    rpc: Annotated[
        list[str] | None,
        typer.Option(
            "--rpc", help="Ask this endpoint; may be repeated. Default: those configured."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Only what was sealed and anchored from this time on, 2026-11-01T00:00:00.000Z."
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read every row and rebuild every tree and map as well.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask again whether every stored proof holds: by its own rules, and on the chain as it is now.

    Stopped, the same command goes on. Exit 0 all holds, 1 something can't be asked any more, 70 drift.
    """
    with errors_said():
        first = 0 if since is None else int(times.parse_time(since).timestamp())
        with (
            opened(home) as service,
            progress_bar("auditing", "proofs") as progress,
        ):
            done = service.audit(tuple(rpc or ()), first, full, progress)
        drifts = [one for one in done.found if one.drift]
        unchecked = [one for one in done.found if not one.drift]
        shown = {
            "begun_at": done.begun_at,
            "ended_at": done.ended_at,
            "endpoints": done.hosts,
            "asked": done.steps,
            "drift": [{"subject": one.subject, "text": one.text} for one in drifts],
            "not_checkable": [{"subject": one.subject, "text": one.text} for one in unchecked],
            "standing": [{"subject": one.subject, "text": one.text} for one in done.standing],
        }
        lines = [f"asked     {done.steps} proofs, of {', '.join(done.hosts)}"]
        for word, found in (("DRIFT     ", drifts), ("unchecked ", unchecked)):
            lines += [f"{word}{one.subject}: {one.text}" for one in found[:MAX_FINDINGS]]
            if len(found) > MAX_FINDINGS:
                lines.append(f"{word}… and {len(found) - MAX_FINDINGS} more; --json lists them all")
        lines.append(f"drift {len(drifts)}, not checkable {len(unchecked)}")
        answer(as_json, shown, "\n".join(lines))
        if drifts:
            raise typer.Exit(EXIT_CONTRADICTION)
        if unchecked:
            raise typer.Exit(EXIT_UNCHECKED)


def retire(
    log: Annotated[str, typer.Option("--log", help="The name of this log, so that no other ends.")],
    successor: Annotated[
        str, typer.Option("--successor", help="The name of the log that follows.")
    ],
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End this log for ever: seal a last batch that names its successor. Nothing enters afterwards.

    Keep `notary work` running until it is anchored. `notary init --succeeds` begins the other log.
    """
    with errors_said(), opened(home) as service:
        if log != service.identity.name:
            raise CallerError(
                "LOG_OF_OTHER_HOME", f"this home holds {service.identity.name}, not {log}."
            )
        if dry_run:
            check_log_name(successor)
            waiting = service.status()["unsealed"]
            shown: dict[str, object] = {
                "dry_run": True,
                "successor": successor,
                "unsealed": waiting,
            }
            answer(as_json, shown, f"would seal {waiting} records in a last batch and end {log}")
            return
        sealed = service.retire(successor)
        shown = {"log": log, "successor": successor, "last_batch": sealed.index}
        answer(
            as_json,
            shown,
            f"retired   {log} with batch {sealed.index}; {successor} follows it\n"
            "Next: keep notary work running until notary status shows this batch anchored and proved; export "
            "what is needed; notary init --succeeds this home.",
        )


def rotate_kek(
    keep_old: Annotated[
        Path | None,
        typer.Option("--keep-old", help="Write the old key to this file, for backups made before."),
    ] = None,
    destroy_old: Annotated[
        bool,
        typer.Option(
            "--destroy-old", help="Keep no old key: backups made before never open again."
        ),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change the key that encrypts the store, while the service runs.

    Killed or stopped, the same command goes on. Backups made before open with the old key only.
    """
    with errors_said():
        if destroy_old == (keep_old is not None):
            raise CallerError(
                "KEK_CHOICE",
                "backups made before this open with the old key only. Say --keep-old FILE to keep it, or "
                "--destroy-old to make those backups unreadable for ever.",
            )
        with opened(home) as service:
            done = service.rotate_kek(keep_old, progress_bar)
        old = "destroyed: backups made before open no more"
        if keep_old is not None:
            old = f"kept in {keep_old}: keep it apart from the backups that it opens"
        text = (
            f"wrapped   {done.moved} of {done.wrapped} secrets anew"
            f"{', an earlier call had begun' if done.resumed else ''}\nold key   {old}\n"
            "Next: notary backup with --keys, since older copies of the key folder open the store no more."
        )
        if not done.log_emptied:
            text += "\nA reader kept the write-ahead log from being emptied; the next checkpoint does it."
        answer(as_json, {**vars(done), "kept": None if keep_old is None else str(keep_old)}, text)


def _shown(manifest: Manifest) -> dict[str, object]:
    return {
        "run": manifest.run,
        "made_at": times.format_time(manifest.made_at),
        "log": str(manifest.identity),
        "size": manifest.size,
        "root": manifest.root.hex(),
        "records": manifest.records,
        "matters": manifest.matters,
        "objects": manifest.objects,
    }


def _text(manifest: Manifest) -> str:
    return (
        f"backup    run {manifest.run}, made {times.format_time(manifest.made_at)}, "
        f"of {manifest.identity}\n"
        f"holds     {manifest.records} records in {manifest.matters} matters, {manifest.objects} "
        f"attachments, {manifest.size} batches"
    )

"""The command that moves originals from one place to another.

Test: tests/scenarios/service/test_originals.py.
"""

from __future__ import annotations

from typing import Annotated

import typer

from notary import config
from notary.cli.options import DryRunOption, HomeOption, JsonOption, home_of
from notary.cli.output import errors_said, progress_bar, say, say_json

objects_app = typer.Typer(help="Where originals lie.", no_args_is_help=True)

FOLDER = "folder"  # the home's own data folder, as a place to copy to


@objects_app.command("copy")
def copy(
    to: Annotated[
        str,
        typer.Option(
            "--to", help="s3://BUCKET/PREFIX, gs://, az://, or `folder` for the home's own."
        ),
    ],
    endpoint: Annotated[
        str, typer.Option(help="Address of an S3-compatible store of another maker.")
    ] = "",
    region: Annotated[str, typer.Option(help="Its region.")] = "",
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy every original to another place, reading each back. Stopped, the same command goes on.

    Nothing is taken away where they are, and the configuration is not changed.
    """
    from notary import compose

    with errors_said():
        made = home_of(home)
        url = "" if to == FOLDER else to
        config.check_objects(url, endpoint, region, "--to")
        with compose.opened(made) as service, progress_bar("copying", "originals") as progress:
            target = compose.place_of(made, url, endpoint, region)
            done = service.copy_originals(target, progress, dry_run=dry_run)
        if as_json:
            say_json({"to": target.place, "dry_run": dry_run, **vars(done)})
            return
        would = "would copy" if dry_run else "copied"
        say(
            f"{would:<10}{done.copied} of {done.named} originals ({done.copied_bytes} bytes) to "
            f"{target.place}; {done.there} were there"
        )
        if not dry_run:
            say(
                f"Next: stop serve, ingest and work; the same command again; objects = {url!r} in "
                f"{config.CONFIG_NAME}; start them; notary audit."
            )

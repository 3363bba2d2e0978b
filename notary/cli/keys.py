"""The commands for the keys that sign: show them, hand over to the next ones.

Test: tests/scenarios/service/test_keys.py.
"""

from __future__ import annotations

import typer

from notary.cli.options import HomeOption, JsonOption, opened
from notary.cli.output import errors_said, say, say_json


def register(keys_app: typer.Typer) -> None:
    """Add the commands to the group `keys`."""
    keys_app.command()(show)
    keys_app.command()(rotate)


def show(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the key sets: what policies pin, since when it signs, and what comes next."""
    with errors_said(), opened(home) as service:
        shown = service.key_sets()
        if as_json:
            say_json([vars(one) for one in shown])
            return
        for one in shown:
            say(f"set {one.number}   {one.state}   {one.digest}")
            for vkey in (*one.checkpoint_vkeys, one.receipt_vkey):
                say(f"        {vkey}")


def rotate(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Hand the log over to the next keys that sign, while the service runs.

    Killed or stopped, the same command goes on. The old keys are destroyed once the hand-over is
    anchored; packages lead from the old keys to the new ones, so policies may stay as they are.
    """
    with errors_said(), opened(home) as service:
        done = service.rotate_keys()
        if as_json:
            say_json(
                {
                    "batch": done.batch,
                    "keys": done.keys.hex(),
                    "next_keys": done.next_keys.hex(),
                    "now": done.now,
                }
            )
            return
        say(
            f"batch {done.batch} hands over to the key set {done.keys.hex()}"
            + ("" if done.now else ", by an earlier call; it is not anchored yet")
        )
        say("The old keys are destroyed when `notary work` has anchored this batch.")
        say("Next: copy the key folder again; older copies lack the set that comes after.")

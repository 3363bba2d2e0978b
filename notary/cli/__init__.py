"""The command line. `notary --help` lists the commands; each works on one home folder.

Heavy libraries are imported inside the commands, so that help and mistakes answer at once.
"""


def main() -> None:
    """Entry point of the `notary` script."""
    from notary.adapters.system import collect_seldom

    # Also what is imported is looked through less often: a tenth of the time of a small command.
    collect_seldom()
    from notary.cli.app import app

    app()

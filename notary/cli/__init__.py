"""The command line. `notary --help` lists the commands; each works on one home folder.

Heavy libraries are imported inside the commands, so that help and mistakes answer at once.
"""

from notary.cli.app import main

__all__ = ["main"]

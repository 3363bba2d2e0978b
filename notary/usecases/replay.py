"""Replay public material by the stand-alone verifier, run as a process of its own.

The service has no second opinion about its own log: what a stranger's verifier says is what counts.
Spec: docs/spec/verification.md §9. Test: tests/scenarios/service/test_publish.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from notary.errors import NothingHappened

# -I: neither this folder nor the environment can put another module in the verifier's place.
_COMMAND = (sys.executable, "-I", "-m", "verifier.check", "replay")


def replay(folder: Path, *, until: int | None, chain: Path | None, as_json: bool) -> int:
    """Let the verifier speak on this process's own output; its exit code.

    Raises NothingHappened VERIFIER_NOT_RUN.
    """
    arguments = [*_COMMAND]
    if until is not None:
        arguments += ["--until", str(until)]
    if chain is not None:
        arguments += ["--chain", str(chain)]
    if as_json:
        arguments.append("--json")
    try:
        # After --, a folder whose name begins with a dash is a folder.
        done = subprocess.run([*arguments, "--", str(folder)], check=False)
    except OSError as error:
        raise NothingHappened(
            "VERIFIER_NOT_RUN", f"{_COMMAND[0]}: the verifier could not be run: {error}"
        ) from error
    return done.returncode

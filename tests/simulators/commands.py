"""`notary` commands as processes of their own, without paying for the imports of each.

A server that has loaded the service and started nothing forks for each command; the child has its own
standard output, environment and exit code, and ends as a process does. What a command does when it is
started afresh, or killed, is shown by tests/scenarios/test_demo.py and tests/scenarios/service/test_kill.py.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
USAGE = 2  # the exit code of a SystemExit that is no number


def run_command(
    *words: str, timeout_s: int, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `notary` with these words to its end. A command past its time is ended by SIGALRM."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        order = {
            "words": words,
            "out": str(out),
            "err": str(err),
            "cwd": str(Path.cwd()),
            "environment": dict(os.environ if environment is None else environment),
            "timeout_s": timeout_s,
        }
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        return subprocess.CompletedProcess(
            ["notary", *words], status, out.read_text("utf-8"), err.read_text("utf-8")
        )


@cache
def _server() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.commands"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen[str]) -> None:
    server.communicate()


def serve() -> None:
    """Carry out the orders on standard input, one process each."""
    import notary.adapters.chain.web3_chain
    import notary.cli.app
    import notary.compose  # noqa: F401 - loaded once for all

    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _carry_out(order)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _carry_out(order: dict[str, Any]) -> None:
    """Be the command, and end."""
    code = 1
    try:
        signal.alarm(order["timeout_s"])
        for number, name in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT
            os.dup2(os.open(name, flags, 0o600), number)
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(order["cwd"])
        sys.argv = ["notary", *order["words"]]
        from notary.cli import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else USAGE
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()

"""Owns the real processes that are killed: a server that forks one for each run, ready at once.

`python -m tests.simulators.store_process` reads one order a line, as JSON, and forks a process that opens
the store anew, carries out the task, and is struck at a numbered place. A fork of a server that holds
nothing open costs milliseconds where a start costs seconds, so every place can be tried.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, Self

from tests.simulators.places import Places
from tests.simulators.store import StoreWorld, reopen_world
from tests.simulators.store_faults import kill, power_loss, watched

ROOT = Path(__file__).resolve().parents[2]

Say = Callable[[str], None]


class Task(Protocol):
    """What a process does, and says once it was promised. A function of a module."""

    __module__: str
    __name__: str

    def __call__(self, world: StoreWorld, say: Say) -> None:
        """Carry it out."""
        ...


@dataclass(frozen=True)
class Run:
    """What came of a process. `places` are those that it passed by, if it was not struck."""

    status: int
    said: list[str]

    @property
    def places(self) -> list[str]:
        """The places of a run that came to its end."""
        return [line.removeprefix("place ") for line in self.said if line.startswith("place ")]

    @property
    def promised(self) -> list[str]:
        """What it was promised before it ended."""
        return [line for line in self.said if not line.startswith("place ")]


class Forks:
    """The server, seen from a test. Use as a context manager."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.simulators.store_process"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()
        assert self._server.stdout is not None
        self._server.stdout.close()

    def run(
        self,
        task: Task,
        folder: Path,
        seed: str,
        at: int | None = None,
        *,
        strike: str = "kill",
        plant: Callable[[], Any] | None = None,
        watch: bool = True,
    ) -> Run:
        """Let a process carry out the task on the store in `folder`, struck at place `at`.

        `plant` is a function of a module that gives a context manager: a bug for the process to have.
        Without `watch`, the places are those that the task passes by itself, at `Voice.places`.
        """
        assert self._server is not None
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        order = {
            "folder": str(folder),
            "seed": seed,
            "at": at,
            "strike": strike,
            "task": [task.__module__, task.__name__],
            "plant": plant and [plant.__module__, plant.__name__],
            "watch": watch,
        }
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        answer = json.loads(self._server.stdout.readline())
        return Run(answer["status"], answer["said"])


def serve() -> None:
    """Carry out the orders on standard input, one process each."""
    for line in sys.stdin:
        order = json.loads(line)
        # Before the fork, so that only the first process pays for it.
        for named in (order["task"], order["plant"]):
            if named:
                import_module(named[0])
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            try:
                _carry_out(order, writing)
            except BaseException as error:  # noqa: BLE001  # the test must hear of it
                os.write(writing, f"raised {type(error).__name__}: {error}\n".encode())
                os._exit(1)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read().splitlines()
        _, status = os.waitpid(child, 0)
        answer = {"status": os.waitstatus_to_exitcode(status), "said": said}
        print(json.dumps(answer), flush=True)


class Voice:
    """Where a process says what it was promised. At once: what is said can't be taken back.

    `places` are those that it passes by.
    """

    out = -1
    places = Places()

    @classmethod
    def say(cls, line: str) -> None:
        """Tell the outside."""
        os.write(cls.out, f"{line}\n".encode())


def _carry_out(order: dict[str, Any], out: int) -> None:
    Voice.out = out
    folder = Path(order["folder"])
    world = reopen_world(folder, order["seed"])
    places = Voice.places = Places(order["at"], kill)
    with ExitStack() as stack:
        if order["watch"]:
            disk = stack.enter_context(watched(world.database, folder, places))
            if order["strike"] == "power":
                places.strike = power_loss(disk)
        stack.enter_context(_planted(order["plant"]))
        _named(order["task"])(world, Voice.say)
        # What was said last must outlive the process, too.
        places.pass_by("after everything")
    for place in places.passed:
        Voice.say(f"place {place}")


@contextmanager
def _planted(plant: list[str] | None) -> Iterator[None]:
    if plant is None:
        yield
    else:
        with _named(plant)():
            yield


def _named(name: list[str]) -> Any:
    return getattr(import_module(name[0]), name[1])


if __name__ == "__main__":
    # Not this copy of the module, but the one that tasks import.
    import_module("tests.simulators.store_process").serve()

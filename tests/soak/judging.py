"""Judges one changed package in process as the command line would, within a time limit.

What no verdict is comes out as a word of its own: `CRASH …` for whatever the command line would
call INTERNAL, `HANG` for more than the limit. Used by tests/soak/test_mutated_packages.py.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from traceback import extract_tb
from types import FrameType

from tests.hostile import persons
from tests.hostile.package import Package
from verifier.check import report_json, report_text
from verifier.check.inputs import Inputs, read_inputs
from verifier.check.judge import check
from verifier.check.policy import Policy, read_policy
from verifier.check.report import Report
from verifier.check.rows import CannotJudge
from verifier.format.identity import source_digest

LIMIT_S = 10.0  # seconds; an honest package of these worlds takes some milliseconds
IDENTITY = source_digest()


class Hang(BaseException):
    """The limit has passed. No Exception, so that nothing on the way takes it for its own."""


@contextmanager
def limit() -> Iterator[None]:
    """Raise Hang after LIMIT_S seconds in the main thread."""

    def alarm(_signal: int, _frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Person:
    """A person's files as bytes, under a folder of hers."""

    folder: Path
    policy: bytes
    inputs: bytes
    receipts: Mapping[str, bytes]
    listed: frozenset[int]  # the blocks that her honest inputs give a hash for

    @classmethod
    def honest(
        cls, folder: Path, policy: persons.Toml, inputs: persons.Toml, receipts: list[bytes]
    ) -> Person:
        names = {f"receipt-{at}.json": content for at, content in enumerate(receipts)}
        told = inputs | ({"receipts": list(names)} if names else {})
        folder.mkdir()
        listed = frozenset(block["number"] for block in inputs["block"])
        return cls(
            folder, persons.toml(policy).encode(), persons.toml(told).encode(), names, listed
        )

    @cached_property
    def read(self) -> tuple[Policy, Inputs]:
        """Policy and inputs, read once. Raises CannotJudge."""
        for name, content in self.receipts.items():
            (self.folder / name).write_bytes(content)
        (self.folder / "policy.toml").write_bytes(self.policy)
        (self.folder / "inputs.toml").write_bytes(self.inputs)
        return read_policy(self.folder / "policy.toml"), read_inputs(self.folder / "inputs.toml")


def judged(person: Person, package: Package | bytes, *, sm3: bool, as_folder: bool) -> str:
    """The verdict over a package or over the bytes of a zip; or `CRASH …` or `HANG`."""
    path = person.folder / "package.zip"
    if as_folder and isinstance(package, Package):
        path = person.folder / "package"
        shutil.rmtree(path, ignore_errors=True)
        package.write_folder(path)
    else:
        path.write_bytes(package if isinstance(package, bytes) else package.zipped())
    try:
        with limit():
            return _reported(person, path, sm3)
    except Hang:
        return "HANG"
    except Exception as failure:  # noqa: BLE001 - what the command line calls INTERNAL
        last = extract_tb(failure.__traceback__)[-1]
        return f"CRASH {type(failure).__name__} in {Path(last.filename).name} line {last.lineno}"


def _reported(person: Person, path: Path, sm3: bool) -> str:
    try:
        policy, inputs = person.read
        judgement = check(path, policy, inputs, sm3=sm3)
    except CannotJudge as error:
        report_json.write_error(error)
        report_text.write_error(error)
        return "CRASH INTERNAL" if error.code == "INTERNAL" else "ERROR"
    report = Report(judgement, IDENTITY)
    report_json.write(report)
    report_text.write(report).encode("utf-8")
    return judgement.verdict.value

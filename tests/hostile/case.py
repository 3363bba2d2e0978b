"""Attacks: what each hands to the verifier and what the verifier must answer.

An attack is a function that makes a Case, registered with its expected rows:

    @attack(anchor="4.6 FAIL CODE_HASH")
    def other_code_at_the_address() -> Case:
        \"\"\"The account at the contract's address holds other code.\"\"\"

A row reads `step result code`. Rows that aren't named must PASS or not apply, except those that are
BLOCKED by just the steps of `blocked="2.5 6.5"`. The verdict follows from the rows as
docs/spec/verification.md §5 says, unless it is given. `error="1.1 POLICY_KIND"` stands for verdict
ERROR. An attack without any row is harmless: VALID.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.hostile import persons
from tests.hostile.package import Package
from tests.hostile.persons import Toml
from tests.hostile.world import CASE, NOBODY, World
from tests.simulators.nodes import Node


@dataclass(frozen=True)
class Case:
    """A package with the person's own files. Bytes stand for files that are no package or TOML."""

    package: Package | bytes | Callable[[Path], Path]
    policy: Toml | bytes
    inputs: Toml | bytes
    receipts: Mapping[str, bytes] = field(default_factory=dict)
    sm3: bool = False
    # What is asked with --rpc: nodes with the operator that the policy names, or None.
    nodes: Sequence[tuple[str | None, Node]] = ()
    rpc: bool = True

    def write(self, folder: Path) -> tuple[Path, Path, Path]:
        """Write everything under `folder`: paths of package, policy, inputs."""
        if isinstance(self.package, Package):
            package = self.package.write_zip(folder / "package.zip")
        elif isinstance(self.package, bytes):
            package = folder / "package.zip"
            package.write_bytes(self.package)
        else:
            package = self.package(folder)
        for name, content in self.receipts.items():
            (folder / name).write_bytes(content)
        return (
            package,
            _write(self.policy, folder / "policy.toml"),
            _write(self.inputs, folder / "inputs.toml"),
        )


def _write(document: Toml | bytes, path: Path) -> Path:
    if isinstance(document, bytes):
        path.write_bytes(document)
        return path
    return persons.write(document, path)


@dataclass(frozen=True)
class Row:
    """What a row must say."""

    step: str
    result: str
    code: str

    @classmethod
    def of(cls, text: str) -> Row:
        step, rest = text.split(" ", 1)
        result, code = rest.rsplit(" ", 1)
        if result not in ("PASS", "FAIL", "NOT CHECKED", "NOT APPLICABLE"):
            raise ValueError(f"{text!r} has no result")
        return cls(step, result, code)


@dataclass(frozen=True)
class Attack:
    """A registered attack."""

    name: str
    make: Callable[[], Case]
    rows: Mapping[str, Row]
    verdict: str
    error: tuple[str, str] | None  # step and code
    blocked: frozenset[str]  # steps, by which rows that are not in `rows` are BLOCKED

    @property
    def steps(self) -> frozenset[str]:
        if self.error:
            return frozenset({self.error[0]})
        return frozenset(row.step for row in self.rows.values())


CATALOGUE: dict[str, Attack] = {}


def attack(
    *, error: str | None = None, verdict: str | None = None, blocked: str = "", **rows: str
) -> Callable[[Callable[[], Case]], Callable[[], Case]]:
    """Register the function as an attack with the rows that it must lead to."""
    expected = {row: Row.of(text) for row, text in rows.items()}
    if verdict is None:
        results = {row.result for row in expected.values()}
        verdict = "ERROR" if error else "VALID"
        if results & {"NOT CHECKED", "NOT APPLICABLE"}:
            verdict = "INDETERMINATE"
        if "FAIL" in results:
            verdict = "INVALID"
    step, _, code = (error or "").partition(" ")

    def register(make: Callable[[], Case]) -> Callable[[], Case]:
        name = f"{make.__module__.rsplit('.', 1)[1]}.{make.__name__}"
        if name in CATALOGUE or not make.__doc__:
            raise ValueError(f"{name} stands twice or has no sentence that says what it does")
        fault = (step, code) if error else None
        CATALOGUE[name] = Attack(name, make, expected, verdict, fault, frozenset(blocked.split()))
        return make

    return register


# ---------------------------------------------------------------------- honest material


@cache
def honest() -> World:
    """The undamaged world. Tests only read it."""
    return World.told()


def case(
    package: Package | bytes | Callable[[Path], Path],
    world: World | None = None,
    *,
    policy: Toml | None = None,
    inputs: Toml | None = None,
    matter: str | None = None,
    **rest: Any,
) -> Case:
    """A case in which the person is honest and well informed about `world`."""
    told = world or honest()
    if matter is None:
        readme = package.files.get("data/README.txt", b"") if isinstance(package, Package) else b""
        matter = NOBODY if b"\nkind: absent\n" in readme else CASE
    return Case(package, policy or told.policy(), inputs or told.inputs(matter), **rest)


def damaged(kind: str = "complete", **options: Any) -> Case:
    """The package of that kind from a world told with `options`, and a person who believes it."""
    world = World.told(**options)
    return case(getattr(world, kind)(), world)

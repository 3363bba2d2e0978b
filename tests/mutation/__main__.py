"""Runs the tests over modules once for each fault that could be in them; says which faults none notices.

`make mutants MODULES=verifier.check.judge` (docs/design/0022-mutation-run.md). The tests run once,
every line observed. Then, for each fault, a copy of the process puts it into the loaded functions and
runs the tests that reach its line, those first that reach the rarest lines of the function, until one
fails or `--seconds` of processor time have gone into them. Nothing is written but what is printed.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib
import os
import re
import resource
import select
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FunctionType, ModuleType
from typing import Any

import coverage
import pytest

from tests.mutation.edits import Edit, edits

ROOT = Path(__file__).resolve().parents[2]
TESTS = (
    "tests/unit/check",
    "tests/unit/format",
    "tests/unit/format_package",
    "tests/unit/core/test_replay.py",
    "tests/hostile/test_anchor_command.py",
    "tests/hostile/test_attacks.py",
    "tests/hostile/test_command_line.py",
    "tests/hostile/test_fork_commands.py",
    "tests/hostile/test_forks.py",
    "tests/hostile/test_public.py",
    "tests/hostile/test_receipt_command.py",
    "tests/corpus",
)
SECONDS = 2.0  # of processor time for a fault: some two hundred attacks
HANGS_AFTER_S = 5.0  # of processor time: who makes a loop endless is noticed by any test
WAITS_AFTER_S = 300.0  # of the clock: who waits at a pipe for ever needs no processor
MEMORY_BYTES = 4 * 2**30  # of addresses: a loop may also fill a list for ever
NEAR = 3  # tests that reach the same lines of a function, before others have had their turn


@dataclass
class Observed:
    """What one run of the tests showed: tests by line of each file, and seconds by test."""

    items: dict[str, pytest.Item]
    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, Mapping[int, Sequence[str]]] = field(default_factory=dict)

    def reaching(self, file: str, lines: Iterable[int]) -> set[str]:
        """The tests that ran one of the lines."""
        return {test for line in lines for test in self.lines[file].get(line, ()) if test}

    def importing(self, module: str) -> set[str]:
        """The tests of files that import the module, or a name from it."""
        package, _, name = module.rpartition(".")
        said = re.compile(rf"\b{re.escape(module)}\b|from {re.escape(package)} import .*\b{name}\b")
        return {
            test for test, item in self.items.items() if said.search(item.path.read_text("utf-8"))
        }

    def ordered(self, module: ModuleType, edit: Edit, function: range) -> Iterator[str]:
        """The tests for a fault, the likeliest to notice it first."""
        file = str(module.__file__)
        known = self.lines[file]
        if edit.function is None:
            tests = self.reaching(file, known) | self.importing(module.__name__)
        else:
            tests = self.reaching(file, edit.lines)
        reached = defaultdict(list)
        for line in function:
            for test in known.get(line, ()):
                reached[test].append(line)
        turns: Counter[tuple[int, ...]] = Counter()
        ranked = []
        for test in sorted(tests, key=self.seconds.__getitem__):
            near = tuple(reached[test])
            rarest = min((len(known[line]) for line in near), default=len(tests))
            ranked.append((turns[near] // NEAR, rarest, self.seconds[test], test))
            turns[near] += 1
        for *_, test in sorted(ranked):
            yield test


@dataclass(frozen=True)
class Fault:
    """A fault with the module's code that has it, and everything loaded that it must reach."""

    module: ModuleType
    edit: Edit
    code: CodeType
    functions: Sequence[FunctionType]
    caches: Sequence[_lru_cache_wrapper[Any]]

    def put(self) -> None:
        """Put the fault in, wherever the module's functions and constants are known by now."""
        if self.edit.function is None:
            self.put_constants()
        else:
            self.put_function(self.edit.function)
        for cache in self.caches:
            cache.cache_clear()

    def put_function(self, name: str) -> None:
        """Give the loaded function the code with the fault, so that all who imported it have it."""
        new = _code(self.code, name)
        for one in self.functions:
            old = one.__code__
            if (old.co_filename, old.co_qualname, old.co_firstlineno) == (
                new.co_filename,
                new.co_qualname,
                new.co_firstlineno,
            ):
                one.__code__ = new

    def put_constants(self) -> None:
        """Run the module anew, and put what is no function and no class in the old ones' place."""
        fresh = ModuleType(self.module.__name__)
        fresh.__dict__.update({"__file__": self.module.__file__, "__path__": []})
        exec(self.code, fresh.__dict__)  # noqa: S102 - the module itself, but for the fault
        known = [
            one.__dict__
            for name, one in sys.modules.items()
            if name.startswith(("verifier.", "tests."))
        ]
        for name, new in fresh.__dict__.items():
            old = self.module.__dict__.get(name, new)
            if name.startswith("__") or isinstance(new, FunctionType | type | ModuleType):
                continue
            for names in known:
                if names.get(name, new) is old:
                    names[name] = new


def _code(code: CodeType, name: str) -> CodeType:
    """The code of a function by its qualified name. Raises LookupError if there is none."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            if one.co_qualname == name:
                return one
            if name.startswith(f"{one.co_qualname}."):
                return _code(one, name)
    raise LookupError(f"no function {name} in {code.co_filename}")


def _functions(tree: ast.AST, names: tuple[str, ...] = ()) -> Iterator[tuple[str, range]]:
    """Qualified name of every outermost function, and the lines of its body."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, (*names, node.name))
        elif isinstance(node, ast.FunctionDef):
            end = node.end_lineno or node.lineno
            yield ".".join((*names, node.name)), range(node.body[0].lineno, end + 1)


class Mutation:
    """A plugin of pytest that takes the place of its loop over the tests."""

    def __init__(self, modules: Sequence[str], seconds: float) -> None:
        self.modules = {name: importlib.import_module(name) for name in modules}
        self.seconds = seconds
        self.failed = False
        self.counts: dict[str, Counter[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a failure."""
        self.failed = self.failed or report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Observe the tests, then run them over every fault."""
        observed = self.observed(session.items)
        print()
        gc.unfreeze()  # a check freezes what there is when it ends, and hides it from the next line
        functions = [one for one in gc.get_objects() if isinstance(one, FunctionType)]
        caches = [
            one
            for one in gc.get_objects()
            if isinstance(one, _lru_cache_wrapper) and one.__module__.startswith("verifier.")
        ]
        gc.freeze()  # a copy of the process then shares what is there
        for name, module in self.modules.items():
            self.counts[name] = Counter()
            file = str(module.__file__)
            tree = ast.parse(Path(file).read_text("utf-8"))
            ranges = dict(_functions(tree))
            for edit in edits(tree):
                edit.exchange()
                code = compile(tree, file, "exec")
                edit.exchange()
                order = observed.ordered(module, edit, ranges.get(edit.function or "", range(0)))
                tests = list(self.affordable(order, observed.seconds))
                put = Fault(module, edit, code, functions, caches)
                result = self.noticed(put, [observed.items[test] for test in tests])
                self.counts[name][result] += 1
                if result != "noticed":
                    print(f"{result}: {name}:{edit.words} ({len(tests)} tests)", flush=True)
        return True

    def observed(self, items: Sequence[pytest.Item]) -> Observed:
        """Run every test once. Raises pytest.UsageError if one fails."""
        files = [str(module.__file__) for module in self.modules.values()]
        observed = Observed({item.nodeid: item for item in items})
        watch = coverage.Coverage(data_file=None, config_file=False, include=files)
        watch.start()
        for item, following in zip(items, [*items[1:], None], strict=True):
            watch.switch_context(item.nodeid)
            began = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            observed.seconds[item.nodeid] = time.process_time() - began
            if self.failed:
                raise pytest.UsageError(f"{item.nodeid} fails without any fault")
        watch.stop()
        observed.lines = {file: watch.get_data().contexts_by_lineno(file) for file in files}
        return observed

    def affordable(self, tests: Iterable[str], seconds: Mapping[str, float]) -> Iterator[str]:
        """The first tests, up to the limit of processor time."""
        spent = 0.0
        for test in tests:
            if spent > self.seconds:
                return
            spent += seconds[test]
            yield test

    def noticed(self, fault: Fault, items: Sequence[pytest.Item]) -> str:
        """What the tests say of a fault: `noticed`, `survived`, or `unreached` if none runs it."""
        if not items:
            return "unreached"
        reading, writing = os.pipe()
        with TemporaryDirectory() as folder:
            process = os.fork()
            if process == 0:
                self.child(fault, items, writing, Path(folder))
            os.close(writing)
            # A copy that ends without a word was ended by the limit, or by the fault itself.
            said = os.read(reading, 1) if select.select([reading], [], [], None)[0] else b""
            os.close(reading)
            os.waitpid(process, 0)
        return "survived" if said == b"s" else "noticed"

    def child(self, fault: Fault, items: Sequence[pytest.Item], writing: int, folder: Path) -> None:
        """In the copy: put the fault in, run the tests, say `s` if none failed, and end."""
        signal.setitimer(signal.ITIMER_PROF, HANGS_AFTER_S)
        signal.setitimer(signal.ITIMER_REAL, WAITS_AFTER_S)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        try:
            silence = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(silence, stream)
            config = items[0].config
            config.pluginmanager.unregister(name="terminalreporter")
            config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]
            fault.put()
            for item in items:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if self.failed:
                    break
            else:
                os.write(writing, b"s")
        finally:
            os._exit(0)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="+", metavar="MODULE", help="such as verifier.check.judge")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="PATH")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"for a fault; {SECONDS:g}")
    args = parser.parse_args()
    mutation = Mutation(args.modules, args.seconds)
    with TemporaryDirectory() as folder:
        options = [
            "-p",
            "no:randomly",
            "-p",
            "no:cacheprovider",
            "-q",
            "-m",
            "not slow and not soak and not foreign",
        ]
        ended = pytest.main([*options, "--basetemp", folder, *args.tests], plugins=[mutation])
    for name, counts in mutation.counts.items():
        print(f"{name}: {', '.join(f'{count} {result}' for result, count in counts.items())}")
    return ended


if __name__ == "__main__":
    raise SystemExit(main())

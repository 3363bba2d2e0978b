"""Owns the commands of `verifier` (docs/spec/verification.md, first lines, §5, §8).

Imports of the work are inside the commands, so that `verifier --help` is quick. Whatever goes
wrong in here ends as verdict ERROR, never as another verdict. Proved by tests/unit/check/test_cli.py.
"""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.check.arguments import EXIT_OK, EXIT_USAGE, parse

if TYPE_CHECKING:
    from typing import Protocol

    from verifier.check.blocks import BlockId, BlockSource
    from verifier.check.policy import Policy, Url

    class _Checked(Protocol):
        """What a command other than `check` came to."""

        @property
        def exit(self) -> int: ...

        def json(self) -> bytes: ...

        def text(self) -> str: ...


EXIT_ERROR = 4  # verdict ERROR, which is also what an unknown condition gives

# A chain proof is a JSON document of the format, whose limit this is.
_MAX_EVM_BYTES = 16 * 2**20


def _check(arguments: argparse.Namespace) -> int:
    # The process ends with its report, and looking for cycles costs a seventh of its time.
    gc.disable()
    from verifier.check.inputs import read_inputs
    from verifier.check.judge import check
    from verifier.check.policy import read_policy
    from verifier.check.report import Report
    from verifier.format.identity import source_digest

    policy = read_policy(arguments.policy)
    inputs = read_inputs(arguments.inputs, arguments.block_hash, arguments.blocks)
    ask = _asking(arguments.rpc, policy)
    judgement = check(arguments.package, policy, inputs, sm3=arguments.sm3, ask=ask)
    report = Report(judgement, source_digest())
    if arguments.json:
        from verifier.check import report_json

        _print(report_json.write(report) + b"\n")
    else:
        from verifier.check import report_text

        _print(report_text.write(report).encode("utf-8"))
    if arguments.fork_proof is not None:
        from verifier.check.compare import fork_of_case

        # To the standard error: the report's two forms are the specification's.
        sys.stderr.write(fork_of_case(judgement, arguments.fork_proof))
    # Nor is all that is there looked through once more when the interpreter ends.
    gc.freeze()
    return report.exit


def _asking(
    urls: "Sequence[Url | None] | None", policy: "Policy"
) -> "Callable[[Sequence[BlockId]], Sequence[BlockSource]] | None":
    """How nodes are asked; None without --rpc, and then nothing that knows a network is loaded."""
    if urls is None:
        return None
    from datetime import UTC, datetime

    from verifier.check import endpoints
    from verifier.check.rows import CannotJudge

    nodes = endpoints.chosen(policy.endpoints, urls)
    if not nodes:
        raise CannotJudge("RPC_NO_ENDPOINT", "the policy lists no endpoint")

    def ask(wanted: "Sequence[BlockId]") -> "Sequence[BlockSource]":
        # Said before anything is sent, and to the standard error, so that no report changes.
        sys.stderr.writelines(endpoints.announcement(nodes, wanted))
        return endpoints.ask(nodes, wanted, datetime.now(UTC), _progress("asking"))

    return ask


def _tell(checked: "_Checked", arguments: argparse.Namespace) -> int:
    _print(checked.json() + b"\n" if arguments.json else checked.text().encode("utf-8"))
    return checked.exit


def _anchor(arguments: argparse.Namespace) -> int:
    from verifier.check.anchor_check import Wanted, check_anchor
    from verifier.check.toml import read_file

    data = read_file(arguments.evm_json, _MAX_EVM_BYTES, "EVM")
    wanted = Wanted(arguments.chain_id, arguments.contract, arguments.log_address)
    return _tell(check_anchor(data, wanted), arguments)


def _fork(arguments: argparse.Namespace) -> int:
    from verifier.check.fork import MAX_BYTES, check_fork
    from verifier.check.inputs import read_inputs
    from verifier.check.policy import read_policy
    from verifier.check.toml import read_file

    policy = None if arguments.policy is None else read_policy(arguments.policy)
    inputs = read_inputs(arguments.inputs, arguments.block_hash, arguments.blocks)
    # Without a policy nobody is convicted, whatever a node says.
    ask = None if policy is None else _asking(arguments.rpc, policy)
    data = read_file(arguments.file, MAX_BYTES, "FORK")
    return _tell(check_fork(data, policy, inputs, ask), arguments)


def _blocks(arguments: argparse.Namespace) -> int:
    from verifier.check.block_lists import form
    from verifier.check.evidence import Evidence
    from verifier.check.reading import BagUnreadable, read_bag
    from verifier.check.rows import CannotJudge

    try:
        statement = Evidence(read_bag(arguments.package)).statement
    except BagUnreadable as error:
        raise CannotJudge("PACKAGE_UNREADABLE", str(error)) from error
    if statement.value is None:
        raise CannotJudge("PACKAGE_UNREADABLE", f"{arguments.package!s}: no readable statement")
    _print(form(statement.value.blocks).encode("ascii"))
    return EXIT_OK


def _receipt(arguments: argparse.Namespace) -> int:
    from verifier.check.inputs import MAX_GIVEN_BYTES, GivenFile, read_inputs
    from verifier.check.policy import read_policy
    from verifier.check.receipt import check_receipt, read_proof
    from verifier.check.toml import read_file

    file: Path = arguments.file
    given = GivenFile(file.name, read_file(file, MAX_GIVEN_BYTES, "RECEIPT"))
    policy = read_policy(arguments.policy)
    inputs = read_inputs(arguments.inputs, arguments.block_hash, arguments.blocks)
    proof = None if arguments.evm is None else read_proof(arguments.evm)
    return _tell(
        check_receipt(given, policy, inputs, proof, _asking(arguments.rpc, policy)), arguments
    )


def _compare(arguments: argparse.Namespace) -> int:
    from verifier.check.compare import compare, write_proof

    comparison = compare(arguments.first, arguments.second)
    proof, out = comparison.found.proof, arguments.out
    if proof is not None and out is not None:
        write_proof(proof, out)
    _print(comparison.json(out) + b"\n" if arguments.json else comparison.text(out).encode("utf-8"))
    return comparison.exit


def _replay(arguments: argparse.Namespace) -> int:
    from verifier.check.replay import replay_folder
    from verifier.check.toml import read_file

    chain = None
    if arguments.chain is not None:
        chain = read_file(arguments.chain, _MAX_EVM_BYTES, "EVM")
    report = replay_folder(
        arguments.folder, until=arguments.until, chain=chain, progress=_progress("replaying")
    )
    return _tell(report, arguments)


def _progress(title: str) -> Callable[[int, int], None]:
    """A counter on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda done, total: None

    def show(done: int, total: int) -> None:
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{title} {done}/{total} ({100 * done // total} %){end}")
        sys.stderr.flush()

    return show


def _explain(arguments: argparse.Namespace) -> int:
    from verifier.check.texts import TEXTS

    text = TEXTS.get(arguments.code.partition(":")[0])
    if text is None:
        print(
            f"verifier explain: no code {arguments.code!a}; want one as a report prints it, such as ZIP_FORM",
            file=sys.stderr,
        )
        return EXIT_USAGE
    lines = [arguments.code.partition(":")[0], text.en, text.do_en, "", text.zh, text.do_zh]
    _print(("\n".join(lines) + "\n").encode("utf-8"))
    return EXIT_OK


# By the names that `arguments` gives them.
_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "check": _check,
    "anchor": _anchor,
    "fork": _fork,
    "blocks": _blocks,
    "receipt": _receipt,
    "compare": _compare,
    "replay": _replay,
    "explain": _explain,
}


def _print(data: bytes) -> None:
    # Bytes, because a report is UTF-8 whatever the terminal's locale says.
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Never raises but SystemExit of argparse."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    try:
        return _with_errors(_COMMANDS[arguments.command], arguments)
    except Exception as failure:  # noqa: BLE001 - the last resort: not even the error could be printed
        sys.stderr.write(f"VERDICT: ERROR\nINTERNAL: {type(failure).__name__}\n")
        _give_up_output()
        return EXIT_ERROR


def _give_up_output() -> None:
    """Let what could not be printed go, or the interpreter tries again and exits as it likes."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        return  # an output without a file, as tests have


def _with_errors(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    from verifier.check.rows import CannotJudge

    try:
        return run(arguments)
    except CannotJudge as error:
        cannot = error
    except Exception as failure:  # noqa: BLE001 - a condition that nobody foresaw is no verdict
        cannot = CannotJudge("INTERNAL", _what_happened(failure))
    from verifier.check import report_json, report_text

    if getattr(arguments, "json", False):
        _print(report_json.write_error(cannot) + b"\n")
    else:
        _print(report_text.write_error(cannot).encode("utf-8"))
    return EXIT_ERROR


def _what_happened(failure: Exception) -> str:
    """Kind and place of a failure, in ASCII and without the package's own words."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = ""
    if trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename).name
        place = f" in {file} line {trace.tb_lineno}"
    return f"{type(failure).__name__}{place}"


if __name__ == "__main__":
    sys.exit(main())

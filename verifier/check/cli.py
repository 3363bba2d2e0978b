"""Owns the command line `verifier` (docs/spec/verification.md, first lines, §5, §8).

Imports of the work are inside the commands, so that `verifier --help` is quick. Whatever goes
wrong in here ends as verdict ERROR, never as another verdict. Proved by tests/unit/check/test_cli.py.
"""

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from verifier.check.blocks import BlockId, BlockSource
    from verifier.check.policy import Policy, Url

EXIT_OK = 0
EXIT_ERROR = 4  # verdict ERROR, which is also what an unknown condition gives
EXIT_USAGE = 64  # sysexits.h EX_USAGE; argparse's own 2 would read as INVALID

_HELP_COLUMNS = 78  # of a terminal of 80, as argparse leaves two free

# A chain proof is a JSON document of the format, whose limit this is.
_MAX_EVM_BYTES = 16 * 2**20


class _Help(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        # With a width given, argparse need not ask for the terminal's, for which it imports shutil.
        super().__init__(prog, width=_HELP_COLUMNS)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Help, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Wrong usage is no verdict."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from verifier.format.identity import source_digest

        identity = source_digest()
        # To the standard output; argparse's own exit would print an error.
        print(f"verifier {identity.version} sha256:{identity.sha256.hex()}")
        parser.exit(EXIT_OK)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="verifier",
        description="Checks evidence packages offline. What decides trust is in your own two "
        "files, never in the package.",
        epilog="Exit codes: 0 VALID, 2 INVALID, 3 INDETERMINATE, 4 ERROR, 64 wrong usage.",
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print version and digest of this verifier"
    )
    # With the name given, argparse need not format a usage line.
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", prog="verifier"
    )

    check = commands.add_parser("check", help="check a package")
    check.add_argument("package", metavar="PACKAGE", type=Path, help="a zip or a directory")
    check.add_argument(
        "--policy", metavar="FILE", type=Path, required=True, help="TOML: whom you trust"
    )
    check.add_argument(
        "--inputs",
        metavar="FILE",
        type=Path,
        required=True,
        help="TOML: matter number, date, block hashes, receipts that you have",
    )
    _add_blocks(check)
    form = check.add_mutually_exclusive_group()
    form.add_argument("--text", action="store_true", help="report for people (default)")
    form.add_argument("--json", action="store_true", help="report for machines")
    check.add_argument("--sm3", action="store_true", help="check SM3 digests as well")
    check.add_argument(
        "--fork-proof",
        metavar="FILE",
        type=Path,
        help="where the log has forked, write the proof here",
    )
    check.set_defaults(run=_check)

    anchor = commands.add_parser("anchor", help="check one chain proof without a package")
    anchor.add_argument("evm_json", metavar="EVM_JSON", type=Path)
    anchor.add_argument("--chain-id", metavar="N", type=_number, required=True)
    anchor.add_argument("--contract", metavar="A", type=_address, required=True)
    anchor.add_argument("--log-address", metavar="A", type=_address, required=True)
    anchor.add_argument("--json", action="store_true", help="report for machines")
    anchor.set_defaults(run=_anchor)

    fork = commands.add_parser("fork", help="check a fork proof")
    fork.add_argument("file", metavar="FILE", type=Path)
    fork.add_argument("--policy", metavar="FILE", type=Path, help="TOML: whom you trust")
    fork.add_argument("--inputs", metavar="FILE", type=Path, help="TOML: block hashes you have")
    fork.add_argument("--json", action="store_true", help="report for machines")
    fork.set_defaults(run=_fork)

    blocks = commands.add_parser("blocks", help="list the blocks whose hashes a package needs")
    blocks.add_argument("package", metavar="PACKAGE", type=Path, help="a zip or a directory")
    blocks.set_defaults(run=_blocks)

    receipt = commands.add_parser("receipt", help="say whether a receipt's promise was kept")
    receipt.add_argument("file", metavar="FILE", type=Path)
    receipt.add_argument(
        "--policy", metavar="FILE", type=Path, required=True, help="TOML: whom you trust"
    )
    receipt.add_argument("--inputs", metavar="FILE", type=Path, help="TOML: block hashes you have")
    receipt.add_argument(
        "--evm",
        metavar="EVM_JSON|PACKAGE",
        type=Path,
        help="a chain proof of the log, or a package of any of its matters",
    )
    _add_blocks(receipt)
    receipt.add_argument("--json", action="store_true", help="report for machines")
    receipt.set_defaults(run=_receipt)

    compare = commands.add_parser("compare", help="look for a fork between two packages of one log")
    compare.add_argument("first", metavar="PACKAGE", type=Path)
    compare.add_argument("second", metavar="PACKAGE", type=Path)
    compare.add_argument("--out", metavar="FILE", type=Path, help="where to write a fork proof")
    compare.add_argument("--json", action="store_true", help="report for machines")
    compare.set_defaults(run=_compare)

    replay = commands.add_parser("replay", help="replay a log from its public material")
    replay.add_argument("folder", metavar="FOLDER", type=Path)
    replay.add_argument("--until", metavar="B", type=_number, help="the last batch to replay")
    replay.add_argument("--chain", metavar="EVM_JSON", type=Path, help="a chain proof of the log")
    replay.add_argument("--json", action="store_true", help="report for machines")
    replay.set_defaults(run=_replay)

    explain = commands.add_parser("explain", help="say what a code means")
    explain.add_argument("code", metavar="CODE")
    explain.set_defaults(run=_explain)
    return parser


def _add_blocks(parser: argparse.ArgumentParser) -> None:
    """Where hashes of blocks come from beside the inputs file."""
    parser.add_argument(
        "--block-hash",
        metavar="CHAIN:NUMBER:HASH",
        type=_block_hash,
        action="append",
        default=[],
        help="a block hash of your own; any number of times",
    )
    parser.add_argument(
        "--blocks",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="block hashes: your own, or a list signed by a key of your policy",
    )
    parser.add_argument(
        "--rpc",
        metavar="URL",
        nargs="?",
        type=_url,
        action="append",
        help="ask the policy's endpoints over the network, or that of URL alone; any number of times",
    )


def _block_hash(text: str) -> object:
    from verifier.check.block_lists import read_line
    from verifier.format.errors import FormatError

    try:
        return read_line(text)
    except FormatError as error:
        raise argparse.ArgumentTypeError(error.message) from error


def _url(text: str) -> object:
    from verifier.check.policy import parse_url
    from verifier.format.errors import FormatError

    try:
        return parse_url(text)
    except FormatError as error:
        raise argparse.ArgumentTypeError(error.message) from error


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise argparse.ArgumentTypeError(f"want a decimal number, got {text!a}")
    return int(text)


def _address(text: str) -> bytes:
    # An EIP-55 checksum is spelled in mixed case; the person may paste it.
    digits = text.removeprefix("0x")
    if len(text) != 42 or len(digits) != 40 or not set(digits.lower()) <= set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"want 0x and 40 hex digits, got {text!a}")
    return bytes.fromhex(digits)


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
        sys.stderr.flush()
        return endpoints.ask(nodes, wanted, datetime.now(UTC), _progress("asking"))

    return ask


def _anchor(arguments: argparse.Namespace) -> int:
    from verifier.check.anchor_check import Wanted, check_anchor
    from verifier.check.toml import read_file

    data = read_file(arguments.evm_json, _MAX_EVM_BYTES, "EVM")
    wanted = Wanted(arguments.chain_id, arguments.contract, arguments.log_address)
    checked = check_anchor(data, wanted)
    _print(checked.json() + b"\n" if arguments.json else checked.text().encode("utf-8"))
    return checked.exit


def _fork(arguments: argparse.Namespace) -> int:
    from verifier.check.fork import MAX_BYTES, check_fork
    from verifier.check.inputs import read_inputs
    from verifier.check.policy import read_policy
    from verifier.check.toml import read_file

    policy = None if arguments.policy is None else read_policy(arguments.policy)
    inputs = None if arguments.inputs is None else read_inputs(arguments.inputs)
    checked = check_fork(read_file(arguments.file, MAX_BYTES, "FORK"), policy, inputs)
    _print(checked.json() + b"\n" if arguments.json else checked.text().encode("utf-8"))
    return checked.exit


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
    checked = check_receipt(given, policy, inputs, proof, _asking(arguments.rpc, policy))
    _print(checked.json() + b"\n" if arguments.json else checked.text().encode("utf-8"))
    return checked.exit


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
    _print(report.json() + b"\n" if arguments.json else report.text().encode("utf-8"))
    return report.exit


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
        print(f"verifier explain: no code {arguments.code!a}", file=sys.stderr)
        return EXIT_USAGE
    lines = [arguments.code.partition(":")[0], text.en, text.do_en, "", text.zh, text.do_zh]
    _print(("\n".join(lines) + "\n").encode("utf-8"))
    return EXIT_OK


def _print(data: bytes) -> None:
    # Bytes, because a report is UTF-8 whatever the terminal's locale says.
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Never raises but SystemExit of argparse."""
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return _with_errors(run, arguments)
    except Exception as failure:  # noqa: BLE001 - the last resort: not even the error could be printed
        sys.stderr.write(f"VERDICT: ERROR\nINTERNAL: {type(failure).__name__}\n")
        return EXIT_ERROR


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

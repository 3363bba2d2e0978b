"""Owns what the command line `verifier` takes, and its help (docs/spec/verification.md §8).

Imports nothing of the work, so that `verifier --help` is quick. Proved by tests/unit/check/test_cli.py.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

EXIT_OK = 0
EXIT_USAGE = 64  # sysexits.h EX_USAGE; argparse's own 2 would read as INVALID

_HELP_COLUMNS = 78  # of a terminal of 80, as argparse leaves two free


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


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package", metavar="PACKAGE", type=Path, help="a zip or a directory")
    parser.add_argument(
        "--policy", metavar="FILE", type=Path, required=True, help="TOML: whom you trust"
    )
    parser.add_argument(
        "--inputs",
        metavar="FILE",
        type=Path,
        required=True,
        help="TOML: matter number, date, block hashes, receipts that you have",
    )
    _add_blocks(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--text", action="store_true", help="report for people (default)")
    form.add_argument("--json", action="store_true", help="report for machines")
    parser.add_argument("--sm3", action="store_true", help="check SM3 digests as well")
    parser.add_argument(
        "--fork-proof",
        metavar="FILE",
        type=Path,
        help="where the log has forked, write the proof here",
    )


def _anchor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("evm_json", metavar="EVM_JSON", type=Path, help="the chain proof")
    parser.add_argument(
        "--chain-id", metavar="N", type=_number, required=True, help="the chain's id"
    )
    parser.add_argument(
        "--contract", metavar="A", type=_address, required=True, help="the contract's address"
    )
    parser.add_argument(
        "--log-address", metavar="A", type=_address, required=True, help="the log's account"
    )
    _add_json(parser)


def _fork(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the fork proof")
    parser.add_argument("--policy", metavar="FILE", type=Path, help="TOML: whom you trust")
    parser.add_argument("--inputs", metavar="FILE", type=Path, help="TOML: block hashes you have")
    _add_blocks(parser)
    _add_json(parser)


def _blocks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package", metavar="PACKAGE", type=Path, help="a zip or a directory")


def _receipt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the receipt, as it was given")
    parser.add_argument(
        "--policy", metavar="FILE", type=Path, required=True, help="TOML: whom you trust"
    )
    parser.add_argument("--inputs", metavar="FILE", type=Path, help="TOML: block hashes you have")
    parser.add_argument(
        "--evm",
        metavar="EVM_JSON|PACKAGE",
        type=Path,
        help="a chain proof of the log, or a package of any of its matters",
    )
    _add_blocks(parser)
    _add_json(parser)


def _compare(parser: argparse.ArgumentParser) -> None:
    for name in ("first", "second"):
        parser.add_argument(name, metavar="PACKAGE", type=Path, help="a zip or a directory")
    parser.add_argument("--out", metavar="FILE", type=Path, help="where to write a fork proof")
    _add_json(parser)


def _replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="what `notary publish` wrote")
    parser.add_argument("--until", metavar="B", type=_number, help="the last batch to replay")
    parser.add_argument("--chain", metavar="EVM_JSON", type=Path, help="a chain proof of the log")
    _add_json(parser)


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", help="as a report prints it, such as ZIP_FORM")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="report for machines")


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


# What help says of each command, and what fills its parser.
COMMANDS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "check": ("check a package", _check),
    "anchor": ("check one chain proof without a package", _anchor),
    "fork": ("check a fork proof", _fork),
    "blocks": ("list the blocks whose hashes a package needs", _blocks),
    "receipt": ("say whether a receipt's promise was kept", _receipt),
    "compare": ("look for a fork between two packages of one log", _compare),
    "replay": ("replay a log from its public material", _replay),
    "explain": ("say what a code means", _explain),
}


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """What a command line says; its `command` is one of COMMANDS. Raises SystemExit for wrong usage,
    and when help or version was asked for.
    """
    top = _Parser(
        prog="verifier",
        description="Checks evidence packages offline. What decides trust is in your own two "
        "files, never in the package.",
        epilog="Exit codes: 0 VALID, 2 INVALID, 3 INDETERMINATE, 4 ERROR, 64 wrong usage.",
    )
    top.add_argument(
        "--version", action=_Version, nargs=0, help="print version and digest of this verifier"
    )
    # With the name given, argparse need not format a usage line.
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", prog="verifier")
    # A parser takes a hundredth of the time of a small check: only that of the command is made.
    asked = argv[:1] if argv and argv[0] in COMMANDS else list(COMMANDS)
    for name in asked:
        said, fill = COMMANDS[name]
        fill(commands.add_parser(name, help=said))
    return top.parse_args(argv)

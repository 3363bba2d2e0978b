"""Owns the documents of the public material: where they stand, and two of them (docs/spec/format.md §13).

What they say together is asked by `replay`. Proved by tests/unit/core/test_replay.py and
tests/property/format/test_parsers.py.
"""

from verifier.format import jsonc
from verifier.format.digests import Digest
from verifier.format.fold import Fold, read_fold, write_fold
from verifier.format.heads import check_log_name
from verifier.format.members import Members
from verifier.format.statement import Log, read_log, write_log

LOG_FORMAT = "notary-public/1"
FOLD_FORMAT = "notary-fold/1"

LOG_FILE = "log.json"
FOLD_FILE = "fold.json"
BATCHES = "batches"
KEYS = "keys"
HEADER, DELTA, CHECKPOINT = "header.json", "delta.txt", "checkpoint.txt"  # of each batch


def batch_file(batch: int, name: str) -> str:
    """The path of one of a batch's three files."""
    return f"{BATCHES}/{batch}/{name}"


def key_set_file(digest: Digest) -> str:
    """The path of a key set in the public folder (format.md §13)."""
    return f"{KEYS}/{digest.hex()}.txt"


def parse_log(data: bytes) -> Log:
    """Read log.json. Raises FormatError JSON_…, MEMBER_… or LOG_NAME."""
    members = Members(jsonc.decode(data, LOG_FILE), LOG_FILE)
    members.literal("format", LOG_FORMAT)
    log = read_log(members.object("log"))
    members.done()
    return log


def encode_log(log: Log) -> bytes:
    """Write log.json. Raises FormatError LOG_NAME."""
    check_log_name(log.name)
    return jsonc.encode({"format": LOG_FORMAT, "log": write_log(log)})


def parse_fold(data: bytes) -> Fold:
    """Read fold.json. Raises FormatError JSON_…, MEMBER_… or LINK_RANGE."""
    members = Members(jsonc.decode(data, FOLD_FILE), FOLD_FILE)
    members.literal("format", FOLD_FORMAT)
    return read_fold(members)


def encode_fold(fold: Fold) -> bytes:
    """Write fold.json."""
    return jsonc.encode({"format": FOLD_FORMAT, **write_fold(fold)})

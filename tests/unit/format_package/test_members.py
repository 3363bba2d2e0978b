"""No document of a package, of a person or of public material has a member that its format does not list.

Such a member would travel unread: under digests and beside signatures, and to other readers it could
say something else. Every object of every document is tried, however deep it lies.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.hostile.case import honest
from tests.hostile.package import CONSISTENCY, EVM, PATHS, STATEMENT, header_path, map_path
from tests.hostile.world import CASE
from tests.reference.refusal import refused
from tests.reference.unknown_members import with_a_member_more
from verifier.format import (
    batches,
    evm_document,
    matter_map,
    paths,
    public,
    receipts,
    statement,
)
from verifier.format.digests import sha256
from verifier.format.fold import Fold, Link
from verifier.format.statement import Log

LOG = Log(1, b"\xc0" * 20, b"\xac" * 20, "notary.example/log")
FOLD = Fold(sha256(b"before"), (Link(sha256(b"root"), 3, 1_000),))

DOCUMENTS: dict[str, tuple[Callable[[bytes], object], Callable[[], bytes]]] = {
    "statement": (statement.parse, lambda: honest().complete()[STATEMENT]),
    "paths": (paths.parse_paths, lambda: honest().extract()[PATHS]),
    "consistency": (paths.parse_consistency, lambda: honest().complete()[CONSISTENCY]),
    "chain proof": (evm_document.parse, lambda: honest().complete()[EVM]),
    "map proof": (matter_map.parse, lambda: honest().complete()[map_path(5)]),
    "batch header": (batches.parse_header, lambda: honest().complete()[header_path(5)]),
    "receipt": (receipts.parse, lambda: honest().log.receipt(CASE, 4)),
    "public log": (public.parse_log, lambda: public.encode_log(LOG)),
    "public fold": (public.parse_fold, lambda: public.encode_fold(FOLD)),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_unknown_member_is_refused_wherever_it_is(name: str) -> None:
    parse, made = DOCUMENTS[name]
    parse(made())
    for changed in with_a_member_more(made()):
        with refused("MEMBER_UNKNOWN"):
            parse(changed)


def test_a_log_without_a_name_is_not_written() -> None:
    with refused("LOG_NAME"):
        public.encode_log(LOG._replace(name="No Log"))

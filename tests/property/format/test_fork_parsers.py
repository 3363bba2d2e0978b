"""The parsers of public material and of fork proofs, over arbitrary and over damaged bytes.

Each raises FormatError and nothing else, what it accepts is written again as it was, and a damaged
proof is either refused or proves what it proved before. A damaged folder ends with a place.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reference.toy_log import ToyLog, told, write
from tests.unit.format.test_fork import PROOFS
from verifier.check.fork import check_fork
from verifier.check.inputs import read_inputs
from verifier.check.replay import replay_folder
from verifier.check.rows import CannotJudge
from verifier.format import evm, fork, public
from verifier.format.errors import FormatError

LOG = told([{"a": 1}, {"a": 1, "b": 1}])
LOG.anchor()
FILES = LOG.files()

FORMS: dict[str, tuple[Callable[[bytes], Any], Callable[[Any], bytes], bytes]] = {
    "log": (public.parse_log, public.encode_log, FILES[public.LOG_FILE]),
    "fold": (public.parse_fold, public.encode_fold, FILES[public.FOLD_FILE]),
    **{name: (fork.parse, fork.encode, fork.encode(proof)) for name, proof in PROOFS.items()},
}


def damaged(good: bytes) -> st.SearchStrategy[bytes]:
    """The document with a stretch of it replaced."""
    at = st.integers(0, len(good))
    piece = st.one_of(
        st.binary(max_size=4),
        st.sampled_from([b"null", b"[]", b"{}", b"0", b'"', b"-", b"\n", b"00"]),
    )
    return st.builds(
        lambda start, length, new: good[:start] + new + good[start + length :],
        at, st.sampled_from([0, 1, 2, 4, 64]), piece,
    )  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_parser_raises_only_our_error(name: str, data: st.DataObject) -> None:
    parse, write_again, good = FORMS[name]
    assert write_again(parse(good)) == good
    raw = data.draw(st.one_of(st.binary(max_size=64), damaged(good)))
    try:
        found = parse(raw)
    except FormatError:
        return
    assert write_again(found) == raw


@pytest.mark.parametrize("name", PROOFS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_proof_proves_nothing_new(name: str, data: st.DataObject) -> None:
    proves_nothing_new(PROOFS[name], data.draw(damaged(fork.encode(PROOFS[name]))))


def test_another_header_is_another_block_to_compare() -> None:
    good = PROOFS["links, smaller"]
    raw = fork.encode(good)
    header = raw.index(b'"header":"') + len(b'"header":"')
    damaged_headers = [raw[:at] + b"/" + raw[at + 1 :] for at in range(header, header + 100)]
    judged = [proves_nothing_new(good, one) for one in damaged_headers if one != raw]
    # Some of a header's fields say nothing of the log; only the block's hash tells them apart.
    assert 0 < judged.count(3) < len(judged)


def proves_nothing_new(good: fork.Fork, raw: bytes) -> int:
    """The exit code, after it was seen that a damaged proof proves what it did or less."""
    found = check_fork(raw, None, read_inputs(None))
    assert found.exit in (2, 3)
    if found.exit == 3 and found.proof is not None:
        # Only the words about chain and account, which nobody signs, may be others.
        proved = found.proof.fork._replace(log=good.log)
        if isinstance(good.told, fork.Links) and isinstance(proved.told, fork.Links):
            # And a header, which nobody signs either: its hash is what the reader compares.
            assert found.proof.block is not None
            same_block = found.proof.block.hash == evm.parse_header(good.told.as_of.header).hash
            assert (proved == good) == same_block
            proved = proved._replace(told=proved.told._replace(as_of=good.told.as_of))
        assert proved == good
    return found.exit


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_folder_ends_with_a_place(data: st.DataObject, tmp_path: Path) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    raw = data.draw(damaged(FILES[name]))
    write(FILES | {name: raw}, tmp_path)
    try:
        report = replay_folder(tmp_path)
    except CannotJudge:
        assert name == public.LOG_FILE
        return
    if raw == FILES[name]:
        assert report.exit == 0
    elif name == public.LOG_FILE:
        # Chain, contract and account stand in no file beside: a chain proof is compared with them.
        assert report.exit in (0, 2)
    elif name == public.FOLD_FILE and report.exit == 0:
        # So does the time of an anchor, which the contract's head binds.
        assert report.head != ToyLog(anchors=LOG.anchors).contract_head
    elif name.endswith(public.CHECKPOINT) and report.exit == 0:
        # A line of a key that nobody knows is passed over.
        assert raw.startswith(FILES[name].rstrip(b"\n")) or FILES[name][:40] in raw
    else:
        assert report.exit == 2

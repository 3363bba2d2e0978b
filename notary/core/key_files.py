"""The files of a package that say which keys signed: key sets, and hand-overs from one to the next.

Pure. Spec: docs/spec/package.md §1 and §3. Test: tests/scenarios/service/test_keys.py, where the
stand-alone verifier judges what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from notary.ports import SealedBatch
from verifier.format import bag, notes, tlogproof, trees
from verifier.format.batches import BatchHeader
from verifier.format.digests import Digest


def key_files(
    shown: Iterable[BatchHeader],
    hand_overs: Mapping[int, SealedBatch],
    checkpoint: Callable[[int], str],
    key_set: Callable[[Digest], bytes],
    header_hashes: Sequence[bytes],
) -> dict[str, bytes]:
    """Key sets of the shown headers and of the hand-overs, and the files of each hand-over.

    `hand_overs` are the batches before each; `checkpoint` gives the note of a size.
    """
    named = {header.keys for header in shown}
    files: dict[str, bytes] = {}
    for index, before in hand_overs.items():
        named |= {before.header.keys, before.header.next_keys}
        names = bag.hand_over_names(index)
        files[names.header] = before.header_bytes
        # package.md §3: under the checkpoint of exactly size B + 1, the last that the old keys signed
        size = index + 1
        path = trees.inclusion_path(header_hashes[:size], index)
        files[names.tlog_proof] = tlogproof.encode(
            tlogproof.TlogProof(index, tuple(path), notes.parse_note(checkpoint(size)))
        )
    for digest in named:
        files[bag.key_set_name(digest.hex())] = key_set(digest)
    return files

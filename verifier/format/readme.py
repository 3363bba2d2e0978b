"""Owns the README of a package (docs/spec/package.md §5).

It follows from the statement alone; the verifier rebuilds it. Proved by
tests/unit/format_package/test_statement.py, which reads the template in the specification.
"""

import re

from verifier.format.statement import Statement
from verifier.format.times import format_time

# package.md §5, to the byte.
TEMPLATE = """\
EVIDENCE PACKAGE
kind: {kind}
matter number: {matter}
log: {log.name} on chain {log.chain_id}, contract {log.contract}, account {log.log_address}
as of block {as_of.block} ({as_of.time}), batch {as_of.batch}, last anchor {as_of.last_anchor}
records in the matter as of that block: {records}; in this package: {number of shown}
fields withheld: {number of withheld}; records erased: {number of erased}; history: {history}

WHAT THIS IS
Everything here is the exporter's, until you check it. Nothing in this folder can vouch for itself:
the block hashes below count only if a source of your own gives the same ones.

BLOCKS TO COMPARE
{for each block: chain {chain_id} block {number} {hash} {used_for}}

HOW TO CHECK WITH THE VERIFIER
The exporter used version {verifier.version}, digest sha256:{verifier.sha256}. Get yours from where you trust it, then:
  verifier check PACKAGE --policy policy.toml --inputs inputs.toml
The policy says whom you trust; the inputs say which matter number, from which date on, which block hashes.

HOW TO CHECK WITH OTHER TOOLS
  files:      sha256sum -c manifest-sha256.txt        (in this folder's parent)
  bag:        python -m bagit --validate .            (in this folder's parent)
  a leaf:     (printf '\\000'; sed -n 1p data/matter/leaves.txt | tr -d '\\n') | sha256sum     gives the first leaf's hash
  a field:    sed -n 1p data/disclosures.txt | cut -d' ' -f2- | tr -d '\\n' | basenc --base64url -w0 | tr -d = | openssl sha256 -binary | basenc --base64url
              gives the digest that stands in the leaf at that position under that name
  a batch:    data/batches/*.tlog-proof are C2SP tlog-proofs, their checkpoints C2SP signed notes
  a block:    Keccak-256 of a header in data/anchors/evm.json (base64) is its block hash

WHAT IT DOES NOT SHOW
Records that were never given to the service. A second matter number. Whether what a record says is true.
When an event happened, other than by what its record says: the chain dates the record, not the event.
"""  # noqa: E501 - the specification's lines

_BLOCKS_LINE = "{for each block: chain {chain_id} block {number} {hash} {used_for}}"
_PLACE = re.compile(r"\{([a-z0-9_. ]+)\}")


def encode(statement: Statement) -> bytes:
    """Write data/README.txt from the statement alone."""
    choices, log, as_of = statement.choices, statement.log, statement.as_of
    values = {
        "kind": choices.kind.value,
        "matter": choices.matter.text,
        "log.name": log.name,
        "log.chain_id": str(log.chain_id),
        "log.contract": "0x" + log.contract.hex(),
        "log.log_address": "0x" + log.log_address.hex(),
        "as_of.block": str(as_of.block),
        "as_of.time": format_time(as_of.time),
        "as_of.batch": str(as_of.batch),
        "as_of.last_anchor": format_time(as_of.last_anchor),
        "records": str(statement.records),
        "number of shown": str(len(statement.shown)),
        "number of withheld": str(len(choices.withheld)),
        "number of erased": str(len(choices.erased)),
        "history": choices.history.value,
        "verifier.version": choices.verifier.version,
        "verifier.sha256": choices.verifier.sha256.hex(),
    }
    lines = [
        f"chain {one.chain_id} block {one.number} 0x{one.hash.hex()} {one.used_for.value}"
        for one in statement.blocks
    ]
    before, after = TEMPLATE.split(_BLOCKS_LINE)
    parts = [_PLACE.sub(lambda match: values[match[1]], part) for part in (before, after)]
    return "\n".join(lines).join(parts).encode("utf-8")

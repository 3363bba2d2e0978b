"""All of a record but its place: checked, disclosed, digested and sealed, before any lock is asked for.

Spec: docs/spec/format.md §5, §6; docs/design/0016-two-cores-for-intake.md. Pure: the same offer and the
same random bytes give the same record, in whichever process. Test: tests/unit/core/test_preparing.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from notary.core import acceptance, envelope, opening
from notary.core.envelope import Lookup
from notary.core.intake import Incoming, Refused
from notary.core.keyed import Keyed
from notary.core.leaves import draft_leaf
from verifier.format import asides, records
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

LOOKUP_IDEMPOTENCY = "idempotency"

# The random bytes of one record, taken together: secret, nonce of its wrapping, blind of its leaf.
_SECRET = slice(0, envelope.SECRET_LENGTH)
_NONCE = slice(_SECRET.stop, _SECRET.stop + envelope.NONCE_LENGTH)
_BLIND = slice(_NONCE.stop, _NONCE.stop + records.BLIND_LENGTH)
RANDOM_LENGTH = _BLIND.stop


class Prepared(NamedTuple):
    """A record that waits for its place.

    `digest` finds it by its idempotency key. `secret` is wrapped with `nonce` under the store's write
    lock, which says by which key. `draft` is its leaf up to the position; `disclosures` are parted by
    spaces.
    """

    digest: bytes
    secret: bytes
    nonce: bytes
    draft: bytes
    disclosures: bytes
    sealed_values: bytes


class KeptFiles(NamedTuple):
    """The files of one record, kept already. `remove_but` takes away those that nothing names."""

    facts: Sequence[acceptance.FileFacts]
    remove_but: Callable[[Iterable[bytes]], None]


class Offered(NamedTuple):
    """Items on their way to `Acceptor.take`. `prepared` waits for those without files, in their order.

    With `kept` there is one item, and it is prepared with them.
    """

    agency_id: int
    items: Sequence[Incoming]
    random: bytes
    prepared: Callable[[], Sequence[Prepared | Refused]]
    kept: KeptFiles | None = None


def prepare_all(
    lookup_secret: bytes, agency_id: int, items: Sequence[Incoming], random: bytes
) -> list[Prepared | Refused]:
    """Prepare offers without files, each answered in its place of the list.

    `random` has RANDOM_LENGTH bytes for each. What may not enter is refused as `acceptance.check_offer` says.
    """
    lookup = Lookup(lookup_secret, agency_id, LOOKUP_IDEMPOTENCY)
    prepared: list[Prepared | Refused] = []
    for place, item in enumerate(items):
        refused = acceptance.check_offer(item)
        if refused is None:
            at = place * RANDOM_LENGTH
            one = prepare(lookup, item, item.claims, random[at : at + RANDOM_LENGTH])
            prepared.append(one)
        else:
            prepared.append(refused)
    return prepared


def prepare(
    lookup: Lookup, item: Incoming, claims: Mapping[str, Json], random: bytes
) -> Prepared | Refused:
    """Prepare an offer that `check_offer` passed; `claims` are the offered ones and the attachments'."""
    secret = random[_SECRET]
    keyed = Keyed(secret)
    if item.aside is not None:
        claims = {**claims, asides.CLAIM: asides.salt_claim(item.aside)}
    try:
        draft, disclosures = draft_leaf(
            item.matter_key, item.kind, secret, keyed, random[_BLIND], claims, item.source
        )
    except FormatError as error:
        return acceptance.find_fault(item, error)
    sealed = opening.seal_values(keyed, dict(claims))
    if len(sealed) > acceptance.MAX_VALUES_BYTES:
        return acceptance.too_long(len(sealed))
    return Prepared(
        lookup.of(item.idempotency_key),
        secret,
        random[_NONCE],
        draft,
        b" ".join(disclosures),
        sealed,
    )


def secret_of(random: bytes) -> bytes:
    """The secret that `prepare` takes from these bytes; files are sealed under it before."""
    return random[_SECRET]

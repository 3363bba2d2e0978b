"""Records over arbitrary claims: the fast writer is the plain one."""

from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.property.format.test_jsonc import VALUES
from verifier.format import jsonc, records
from verifier.format.digests import Digest, b64url_encode
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.kinds import COMMON, KINDS

KIND_AND_CLAIMS = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.dictionaries(
            st.sampled_from(sorted(KINDS[kind] | COMMON | {"attachment-0", "attachment-10"})),
            VALUES,
            min_size=1,
            max_size=8,
        ),
    )
)
SOURCES = st.none() | st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 2**53 - 1))


def _nests(value: Json) -> bool:
    # The writer refuses these two member names; a case of its own holds that.
    if isinstance(value, dict):
        return "_sd" in value or "..." in value or any(map(_nests, value.values()))
    return isinstance(value, list) and any(map(_nests, value))


@given(
    KIND_AND_CLAIMS,
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**53 - 1),
    st.datetimes(timezones=st.just(UTC)),
    SOURCES,
)
def test_a_made_leaf_is_what_canonical_json_writes(
    kind_and_claims: tuple[str, dict[str, Json]],
    secret: bytes,
    blind: bytes,
    position: int,
    recorded_at: datetime,
    source: tuple[bytes, int] | None,
) -> None:
    kind, claims = kind_and_claims
    assume(not _nests(claims))
    leaf, disclosures = records.make_leaf(
        matter=Digest(secret),
        position=position,
        kind=kind,
        recorded_at=recorded_at,
        secret=secret,
        blind=blind,
        claims=claims,
        source=Digest(source[0]) if source else None,
        number=source[1] if source else None,
    )
    names = sorted(claims)
    for i, (name, text) in enumerate(zip(names, disclosures, strict=True)):
        salt = records.salt(secret, i, name)
        assert text == b64url_encode(jsonc.encode([b64url_encode(salt), name, claims[name]]))
        assert records.parse_disclosure(text).value == claims[name]
    document = jsonc.decode(leaf, "leaf")
    assert isinstance(document, dict)
    assert document["claims"] == {
        name: b64url_encode(records.disclosure_digest(text))
        for name, text in zip(names, disclosures, strict=True)
    }
    assert records.encode_leaf(records.parse_leaf(leaf)) == leaf


@given(st.text(max_size=60) | st.binary(max_size=60).map(b64url_encode))
def test_disclosures_are_refused_with_nothing_but_our_error(text: str) -> None:
    try:
        one = records.parse_disclosure(text)
    except FormatError:
        return
    assert records.make_disclosure(one.salt, one.name, one.value) == text

"""Leaves and disclosures."""

import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from tests.reference.refusal import refused
from verifier.format import jsonc, records
from verifier.format.digests import Digest, b64url_encode
from verifier.format.jsonc import Json

MATTER = Digest(b"\x11" * 32)
SECRET = bytes(range(32))
BLIND = bytes(range(16))
AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
CLAIMS: dict[str, Json] = {
    "text": "Möbius \u2028 \U0001f600",
    "amount": {"minor": -5, "currency": "EUR"},
    "occurred_at": None,
    "attachment-10": [1, True],
    "attachment-2": "",
}


def made(claims: dict[str, Json] | None = None, kind: str = "letter") -> tuple[bytes, list[str]]:
    return records.make_leaf(
        matter=MATTER,
        position=4,
        kind=kind,
        recorded_at=AT,
        secret=SECRET,
        blind=BLIND,
        claims=CLAIMS if claims is None else claims,
    )


LEAF, DISCLOSURES = made()


def test_a_made_leaf_is_canonical_json_of_its_members() -> None:
    document = json.loads(LEAF)
    assert jsonc.encode(document) == LEAF
    assert document | {"claims": None} == {
        "format": "notary-leaf/1",
        "matter": "11" * 32,
        "position": 4,
        "kind": "letter",
        "recorded_at": "2026-01-02T03:04:05.678Z",
        "blind": b64url_encode(BLIND),
        "claims": None,
    }
    assert list(document["claims"]) == sorted(CLAIMS)


def test_disclosures_open_the_claims_in_canonical_order() -> None:
    leaf = records.parse_leaf(LEAF)
    opened = [records.parse_disclosure(text) for text in DISCLOSURES]
    assert [one.name for one in opened] == sorted(CLAIMS)
    for i, one in enumerate(opened):
        assert one.value == CLAIMS[one.name]
        assert one.digest == leaf.claims[one.name] == sha256(one.text.encode()).digest()
        message = b"notary/salt/v1" + i.to_bytes(4, "big") + one.name.encode()
        assert one.salt == hmac.digest(SECRET, message, "sha256")[:16]
        assert one.salt == records.salt(SECRET, i, one.name)
        assert one.text == records.make_disclosure(one.salt, one.name, one.value)


def test_a_leaf_comes_back() -> None:
    leaf = records.parse_leaf(LEAF)
    assert records.encode_leaf(leaf) == LEAF
    assert leaf.recorded_at == AT
    last = leaf._replace(position=2**53 - 1)
    assert records.parse_leaf(records.encode_leaf(last)) == last
    with_source = leaf._replace(source=Digest(b"\x22" * 32), number=0)
    assert records.parse_leaf(records.encode_leaf(with_source)) == with_source
    assert records.check_claims(leaf) is leaf
    assert records.check_digests(leaf) is leaf


def test_make_leaf_writes_source_and_number() -> None:
    data, _ = records.make_leaf(
        matter=MATTER, position=0, kind="call", recorded_at=AT, secret=SECRET, blind=BLIND,
        claims={"text": "a"}, source=MATTER, number=7,
    )  # fmt: skip
    leaf = records.parse_leaf(data)
    assert (leaf.source, leaf.number) == (MATTER, 7)


def damaged(**members: Json) -> bytes:
    document = json.loads(LEAF)
    for name, value in members.items():
        if value == "drop":
            del document[name]
        else:
            document[name] = value
    return jsonc.encode(document)


DIGEST = b64url_encode(bytes(32))


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"format": "notary-leaf/2"}, "MEMBER_FORM"),
        ({"matter": "drop"}, "MEMBER_MISSING"),
        ({"matter": "11" * 31}, "MEMBER_FORM"),
        ({"position": -1}, "MEMBER_FORM"),
        ({"position": "4"}, "MEMBER_TYPE"),
        ({"kind": 1}, "MEMBER_TYPE"),
        ({"recorded_at": "2026-01-02T03:04:05Z"}, "TIME_FORM"),
        ({"blind": b64url_encode(bytes(15))}, "LEAF_BLIND"),
        ({"blind": "A" * 21 + "B"}, "B64URL_FORM"),
        ({"claims": {}}, "LEAF_CLAIMS"),
        ({"claims": []}, "LEAF_CLAIMS"),
        ({"claims": [1]}, "LEAF_CLAIMS"),
        ({"claims": "text"}, "LEAF_CLAIMS"),
        ({"claims": {"text": 1}}, "LEAF_CLAIMS"),
        ({"claims": {"text": DIGEST[:-1]}}, "LEAF_CLAIMS"),
        ({"claims": {"text": DIGEST + "="}}, "LEAF_CLAIMS"),
        ({"claims": {"text": DIGEST[:-1] + "B"}}, "B64URL_FORM"),
        ({"claims": {"text": [DIGEST, DIGEST]}}, "LEAF_CLAIMS"),
        ({"source": "22" * 32}, "LEAF_SOURCE"),
        ({"number": 0}, "LEAF_SOURCE"),
        ({"source": "22" * 32, "number": -1}, "MEMBER_FORM"),
        ({"decoys": []}, "MEMBER_UNKNOWN"),
    ],
    ids=str,
)
def test_a_damaged_leaf_is_refused(members: dict[str, Json], code: str) -> None:
    with refused(code):
        records.parse_leaf(damaged(**members))


def test_a_digest_is_that_of_the_string_with_both_of_its_alphabet_s_own_characters() -> None:
    for value, own in (("~~~~~", "-"), ("?????", "_"), ("ÿÿÿÿÿ", "_")):
        text = records.make_disclosure(bytes(16), "text", value)
        assert own in text
        wanted = Digest(sha256(text.encode()).digest())
        assert records.parse_disclosure(text).digest == wanted == records.disclosure_digest(text)


def test_two_digests_under_one_claim_name_are_refused() -> None:
    twice = LEAF.replace(b'"claims":{', b'"claims":{"amount":"' + DIGEST.encode() + b'",')
    with refused("JSON_DUPLICATE"):
        records.parse_leaf(twice)


def test_one_digest_under_two_names_is_refused() -> None:
    leaf = records.parse_leaf(damaged(claims={"text": DIGEST, "amount": DIGEST}))
    with refused("CLAIM_DIGEST_TWICE"):
        records.check_digests(leaf)
    with refused("CLAIM_DIGEST_TWICE"):
        records.encode_leaf(leaf)


def test_claims_and_kinds_outside_the_registry_are_refused() -> None:
    for document, code in (
        ({"claims": {"caller": DIGEST}}, "CLAIM_UNKNOWN"),
        ({"kind": "letters"}, "KIND_UNKNOWN"),
    ):
        leaf = records.parse_leaf(damaged(**document))
        with refused(code):
            records.check_claims(leaf)
        with refused(code):
            records.encode_leaf(leaf)
    with refused("CLAIM_UNKNOWN"):
        made({"caller": 1})
    with refused("KIND_UNKNOWN"):
        made(kind="letters")


def test_the_largest_leaf_stands_and_one_byte_more_is_refused() -> None:
    leaf = records.parse_leaf(LEAF)
    claims = {f"attachment-{i}": Digest(sha256(bytes([i % 256, i // 256])).digest())
              for i in range(2000)}  # fmt: skip
    with refused("LEAF_SIZE"):
        records.encode_leaf(leaf._replace(claims=claims))
    with refused("LEAF_SIZE"):
        made({f"attachment-{i}": i for i in range(2000)})
    # A claim of four digits takes 64 bytes and one of three digits a byte less.
    first: dict[str, Json] = {"attachment-1000": 0}
    count = -(-(65536 - len(made(first)[0])) // 64)
    shorter = len(made(first)[0]) + 64 * count - 65536
    names = [*range(1000, 1001 + count - shorter), *range(100, 100 + shorter)]
    largest, _ = made({f"attachment-{i}": 0 for i in names})
    assert len(largest) == 65536
    assert records.encode_leaf(records.parse_leaf(largest)) == largest
    with refused("LEAF_SIZE"):
        records.parse_leaf(b'"' + b"a" * 65535 + b'"')
    with refused("MEMBER_TYPE"):
        records.parse_leaf(b'"' + b"a" * 65534 + b'"')


def test_writers_refuse_what_the_reader_would() -> None:
    leaf = records.parse_leaf(LEAF)
    for wrong, code in (
        (leaf._replace(claims={}), "LEAF_CLAIMS"),
        (leaf._replace(blind=bytes(15)), "LEAF_BLIND"),
        (leaf._replace(number=1), "LEAF_SOURCE"),
        (leaf._replace(source=MATTER), "LEAF_SOURCE"),
        (leaf._replace(position=-1), "LEAF_POSITION"),
        (leaf._replace(position=2**53), "LEAF_POSITION"),
        (leaf._replace(source=MATTER, number=-1), "LEAF_POSITION"),
        (leaf._replace(recorded_at=AT.replace(tzinfo=None)), "TIME_ZONE"),
        (leaf._replace(matter=b"short"), "DIGEST_LENGTH"),  # type: ignore[arg-type]
    ):
        with refused(code):
            records.encode_leaf(wrong)
    with refused("LEAF_CLAIMS"):
        made({})
    with refused("LEAF_SECRET"):
        records.make_leaf(
            matter=MATTER, position=0, kind="call", recorded_at=AT, secret=bytes(31),
            blind=BLIND, claims={"text": ""},
        )  # fmt: skip


def disclosure(document: Json) -> str:
    return b64url_encode(jsonc.encode(document))


SALT = b64url_encode(bytes(16))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (disclosure([SALT, "text"]), "DISCLOSURE_FORM"),
        (disclosure([SALT, "text", 1, 2]), "DISCLOSURE_FORM"),
        (disclosure({"salt": SALT}), "DISCLOSURE_FORM"),
        (disclosure({"a": SALT, "b": "text", "c": 1}), "DISCLOSURE_FORM"),
        (disclosure("abc"), "DISCLOSURE_FORM"),
        (disclosure([1, "text", 1]), "DISCLOSURE_FORM"),
        (disclosure([SALT, 1, 1]), "DISCLOSURE_FORM"),
        (disclosure([b64url_encode(bytes(15)), "text", 1]), "DISCLOSURE_SALT"),
        (disclosure([b64url_encode(bytes(17)), "text", 1]), "DISCLOSURE_SALT"),
        (disclosure([SALT + "==", "text", 1]), "B64URL_FORM"),
        (disclosure([SALT[:-1] + "B", "text", 1]), "B64URL_FORM"),
        (disclosure([SALT, "text", {"_sd": []}]), "DISCLOSURE_NESTED"),
        (disclosure([SALT, "text", [{"a": {"...": "x"}}]]), "DISCLOSURE_NESTED"),
        (b64url_encode(b'["' + SALT.encode() + b'", "text", 1]'), "JSON_NOT_CANONICAL"),
        (b64url_encode(b'["' + SALT.encode() + b'","text",1.5]'), "JSON_INTEGER"),
        (b64url_encode(b'["' + SALT.encode() + b'","text",{"a":1,"a":1}]'), "JSON_DUPLICATE"),
        (b64url_encode(b'["' + SALT.encode() + b'","text",' + b"[" * 40), "JSON_DEPTH"),
        (disclosure([SALT, "text", 1]) + "=", "B64URL_FORM"),
        (disclosure([SALT, "text", 1]) + "\n", "B64URL_FORM"),
        (" " + disclosure([SALT, "text", 1]), "B64URL_FORM"),
        (disclosure([SALT, "text", 1])[:-1] + "+", "B64URL_FORM"),
        ("", "JSON_SYNTAX"),
    ],
)
def test_a_disclosure_in_any_other_form_is_refused(text: str, code: str) -> None:
    with refused(code):
        records.parse_disclosure(text)


def test_a_disclosure_with_a_set_tail_bit_is_refused() -> None:
    text = disclosure([SALT, "text", 1])
    assert len(text) % 4 != 0
    last = chr(ord(text[-1]) + 1)
    with refused("B64URL_FORM"):
        records.parse_disclosure(text[:-1] + last)


def test_the_example_of_rfc_9901_has_its_digest_but_not_our_form() -> None:
    text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    digest = records.disclosure_digest(text)
    assert b64url_encode(digest) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    with refused("JSON_NOT_CANONICAL"):
        records.parse_disclosure(text)


def test_two_spellings_of_a_name_are_two_values() -> None:
    _, (composed,) = made({"text": "\u00fc"})
    _, (decomposed,) = made({"text": "u\u0308"})
    assert records.disclosure_digest(composed) != records.disclosure_digest(decomposed)


def test_writers_of_disclosures_refuse_nesting_salts_and_foreign_text() -> None:
    with refused("DISCLOSURE_NESTED"):
        records.make_disclosure(bytes(16), "text", {"_sd": []})
    with refused("DISCLOSURE_NESTED"):
        made({"text": [{"...": 1}]})
    with refused("DISCLOSURE_SALT"):
        records.make_disclosure(bytes(15), "text", 1)
    with refused("B64URL_FORM"):
        records.disclosure_digest("é")
    with refused("JSON_SURROGATE"):
        made({"text": "\ud800"})
    with refused("JSON_TYPE"):
        made({"text": 1.0})  # type: ignore[dict-item]


def test_a_value_may_nest_one_level_less_than_a_document() -> None:
    value: Json = 0
    for _ in range(31):
        value = [value]
    _, (text,) = made({"text": value})
    assert records.parse_disclosure(text).value == value
    with refused("JSON_DEPTH"):
        made({"text": [value]})

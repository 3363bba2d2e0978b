"""Proves verifier/check/policy.py, step 1.1: the policy file (docs/spec/verification.md §1)."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.hostile import persons
from tests.hostile.authority import honest_authority
from verifier.check import policy as policy_file
from verifier.check import toml
from verifier.check.policy import Policy, read_policy
from verifier.check.rows import CannotJudge, Row
from verifier.format.errors import FormatError
from verifier.format.notes import make_vkey
from verifier.format.statement import Kind

NAME = "notary.example/log"


def vkey(seed: int, name: str = NAME) -> str:
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return make_vkey(name, key.public_key().public_bytes_raw()).text


def document() -> dict[str, Any]:
    return {
        "format": "notary-policy/1",
        "required": {"complete": ["order", "completeness"], "absent": []},
        "limits": {"max_silence_s": 90_000, "history": "shown"},
        "chain": [{"id": 31337, "name": "demo chain", "class": "test", "hash_rule": "ethereum"}],
        "log": [
            {
                "chain_id": 31337,
                "contract": "0x" + "c0" * 20,
                "log_address": "0x" + "ac" * 20,
                "name": NAME,
                "vkeys": [vkey(1)],
                "from": "2026-01-01T00:00:00.000Z",
                "origin": "contract, annex 3",
            }
        ],
    }


def block_list(**members: Any) -> dict[str, Any]:
    name = "blocks.example"
    return {"name": name, "vkey": vkey(7, name), "chain_id": 31337, "origin": "x", **members}


def endpoint(operator: str, url: str, **members: Any) -> dict[str, Any]:
    return {"operator": operator, "chain_id": 31337, "url": url, **members}


def with_endpoints(*endpoints: dict[str, Any], quorum: Any = 2) -> dict[str, Any]:
    made = document() | {"endpoint": list(endpoints)}
    if quorum is not None:
        made["limits"]["quorum"] = quorum
    return made


def read(value: dict[str, Any] | str | bytes, folder: Path) -> Policy:
    if isinstance(value, dict):
        value = persons.toml(value)
    (folder / "policy.toml").write_bytes(value.encode() if isinstance(value, str) else value)
    return read_policy(folder / "policy.toml")


def refused(value: dict[str, Any] | str | bytes, folder: Path) -> CannotJudge:
    with pytest.raises(CannotJudge) as caught:
        read(value, folder)
    return caught.value


def test_the_example_of_the_specification_is_read(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "spec" / "verification.md"
    text = page.read_text("utf-8").split("```toml\n")[1].split("```")[0]
    text = text.replace('"0x…"', '"0x' + "c0" * 20 + '"', 2)
    text = text.replace('vkeys = ["…"]', f'vkeys = ["{vkey(1)}"]', 1)
    text = text.replace(
        'receipt_vkeys = ["…"]', f'receipt_vkeys = ["{vkey(2, NAME + "/receipts")}"]', 1
    )
    text = text.replace('last_good_head = "…"', f'last_good_head = "{"0f" * 32}"')
    second = '[[endpoint]]\noperator = "B"\nchain_id = 31337\nurl = "https://b.example"\n\n'
    text = text.replace("[[timestamp_authority]]", second + "[[timestamp_authority]]", 1)
    text = text.replace('vkey = "…"', f'vkey = "{vkey(7, "blocks.example")}"', 1)
    block = text[text.index("-----BEGIN") : text.index("'''  ")]
    text = text.replace(block, honest_authority().pem)
    assert "…" not in text.replace("from here …", "").replace("… to before", "")
    policy = read(text, tmp_path)
    assert policy.sha256 == sha256(text.encode()).hexdigest()
    assert policy.required[Kind.EXTRACT] == {Row.ORDER, Row.TIME}
    assert policy.limits.max_silence_s == 90_000
    assert policy.limits.dispute_since is not None
    assert policy.chains[31337].chain_class == "test"
    pin = policy.pins[0]
    assert (pin.name, pin.contract, pin.origin) == (NAME, b"\xc0" * 20, "contract, annex 3")
    assert pin.last_good_head == b"\x0f" * 32
    assert [key.text for key in pin.vkeys] == [vkey(1)]
    assert pin.until is not None
    assert pin.since < pin.until
    assert policy.limits.max_timestamp_gap_s == 90_000
    [authority] = policy.authorities
    assert authority.roots == (honest_authority().root,)
    assert (authority.name, authority.policies) == ("Example TSA", frozenset({"1.2.3.4.1"}))


def test_a_kind_without_a_list_is_not_in_the_policy(tmp_path: Path) -> None:
    policy = read(document(), tmp_path)
    assert policy.required == {
        Kind.COMPLETE: {Row.ORDER, Row.COMPLETENESS},
        Kind.ABSENT: frozenset(),
    }


def test_a_policy_may_pin_nothing(tmp_path: Path) -> None:
    value = document()
    del value["log"], value["chain"]
    assert read(value, tmp_path).pins == ()


# Where a value goes: a path of member names and indexes; None takes the member away.
WRONG: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("no format", ("format",), None, "POLICY_MEMBER_MISSING"),
    ("another format", ("format",), "notary-policy/2", "POLICY_VALUE"),
    ("unknown member", ("trust",), "all", "POLICY_MEMBER_UNKNOWN"),
    ("no required", ("required",), None, "POLICY_MEMBER_MISSING"),
    ("required is no table", ("required",), "all", "POLICY_TYPE"),
    ("unknown kind", ("required", "partial"), [], "POLICY_MEMBER_UNKNOWN"),
    ("unknown row", ("required", "complete"), ["Order"], "POLICY_VALUE"),
    ("row twice", ("required", "complete"), ["order", "order"], "POLICY_TWICE"),
    ("row is no string", ("required", "complete"), [1], "POLICY_TYPE"),
    ("rows are no array", ("required", "complete"), "order", "POLICY_TYPE"),
    ("too many rows", ("required", "complete"), ["order"] * 1001, "POLICY_VALUE"),
    ("no limits", ("limits",), None, "POLICY_MEMBER_MISSING"),
    ("no silence", ("limits", "max_silence_s"), None, "POLICY_MEMBER_MISSING"),
    ("silence is a boolean", ("limits", "max_silence_s"), True, "POLICY_TYPE"),
    ("silence is negative", ("limits", "max_silence_s"), -1, "POLICY_VALUE"),
    ("silence is beyond doubles", ("limits", "max_silence_s"), 2**53, "POLICY_VALUE"),
    ("silence is a string", ("limits", "max_silence_s"), "90000", "POLICY_TYPE"),
    ("another history", ("limits", "history"), "some", "POLICY_VALUE"),
    ("no history", ("limits", "history"), None, "POLICY_MEMBER_MISSING"),
    ("a time without zone", ("limits", "dispute_since"), "2026-01-01T00:00:00.000", "POLICY_VALUE"),
    (
        "a time with an offset",
        ("limits", "dispute_since"),
        "2026-01-01T00:00:00.000+00:00",
        "POLICY_VALUE",
    ),
    ("unknown limit", ("limits", "max_size"), 1, "POLICY_MEMBER_UNKNOWN"),
    ("chain id is a boolean", ("chain", 0, "id"), True, "POLICY_TYPE"),
    ("another class", ("chain", 0, "class"), "Public", "POLICY_VALUE"),
    ("a name of two lines", ("chain", 0, "name"), "a\nVERDICT: VALID", "POLICY_VALUE"),
    ("a name that turns the line", ("chain", 0, "name"), "a\u202eb", "POLICY_VALUE"),
    ("an empty name", ("chain", 0, "name"), "", "POLICY_VALUE"),
    ("a long name", ("chain", 0, "name"), "x" * 201, "POLICY_VALUE"),
    ("unknown member of a chain", ("chain", 0, "final"), True, "POLICY_MEMBER_UNKNOWN"),
    ("no hash rule", ("chain", 0, "hash_rule"), None, "POLICY_MEMBER_MISSING"),
    ("chain not listed", ("log", 0, "chain_id"), 1, "POLICY_CHAIN"),
    ("short address", ("log", 0, "contract"), "0x" + "c0" * 19, "POLICY_VALUE"),
    ("address in mixed case", ("log", 0, "contract"), "0x" + "C0" * 20, "POLICY_VALUE"),
    ("address without 0x", ("log", 0, "log_address"), "c0" * 21, "POLICY_VALUE"),
    ("a log name with a scheme", ("log", 0, "name"), "https://notary.example", "POLICY_VALUE"),
    ("no keys", ("log", 0, "vkeys"), [], "POLICY_VALUE"),
    ("no member for keys", ("log", 0, "vkeys"), None, "POLICY_MEMBER_MISSING"),
    ("key twice", ("log", 0, "vkeys"), [vkey(1), vkey(1)], "POLICY_TWICE"),
    ("key of another name", ("log", 0, "vkeys"), [vkey(1, "other.example/log")], "POLICY_KEY"),
    ("no key", ("log", 0, "vkeys"), ["ed25519:AAAA"], "POLICY_KEY"),
    (
        "receipt key under the log's name",
        ("log", 0, "receipt_vkeys"),
        [vkey(2)],
        "POLICY_KEY",
    ),
    ("no from", ("log", 0, "from"), None, "POLICY_MEMBER_MISSING"),
    ("until at from", ("log", 0, "until"), "2026-01-01T00:00:00.000Z", "POLICY_VALUE"),
    ("a head in upper case", ("log", 0, "last_good_head"), "AB" * 32, "POLICY_VALUE"),
    ("a short head", ("log", 0, "last_good_head"), "ab" * 31, "POLICY_VALUE"),
    ("no origin", ("log", 0, "origin"), None, "POLICY_MEMBER_MISSING"),
    ("unknown member of a log", ("log", 0, "weight"), 1, "POLICY_MEMBER_UNKNOWN"),
]


@pytest.mark.parametrize(
    ("place", "value", "code"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG]
)
def test_a_policy_outside_the_form_is_refused(
    place: tuple[Any, ...], value: Any, code: str, tmp_path: Path
) -> None:
    changed: Any = document()
    where = changed
    for step in place[:-1]:
        where = where[step]
    if value is None:
        del where[place[-1]]
    else:
        where[place[-1]] = value
    assert refused(changed, tmp_path).code == code


def test_a_key_of_another_type_is_refused(tmp_path: Path) -> None:
    value = document()
    value["log"][0]["vkeys"] = [make_vkey(NAME, bytes(32), 0x07).text]
    error = refused(value, tmp_path)
    assert error.code == "POLICY_KEY"
    assert "type 0x07" in error.detail


def test_a_chain_or_a_log_stands_once(tmp_path: Path) -> None:
    for name in ("chain", "log"):
        value = document()
        value[name] *= 2
        assert refused(value, tmp_path).code == "POLICY_TWICE"


def test_one_account_may_have_two_log_names(tmp_path: Path) -> None:
    value = document()
    other = "notary.example/two"
    value["log"].append(value["log"][0] | {"name": other, "vkeys": [vkey(1, other)]})
    assert len(read(value, tmp_path).pins) == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("max_silence_s = 9e4", "POLICY_TYPE"),
        ("max_silence_s = nan", "POLICY_TYPE"),
        ("max_silence_s = inf", "POLICY_TYPE"),
        ("max_silence_s = 90000.0", "POLICY_TYPE"),
        ("dispute_since = 2026-01-01T00:00:00.000Z", "POLICY_TYPE"),
        ("dispute_since = 2026-01-01", "POLICY_TYPE"),
        ("max_silence_s = 1\nmax_silence_s = 2", "POLICY_SYNTAX"),
        ("max_silence_s = " + "9" * 10_000, "POLICY_SYNTAX"),
        ("max_silence_s = " + "[" * 100_000, "POLICY_SYNTAX"),
    ],
)
def test_values_that_only_toml_knows_are_refused(line: str, code: str, tmp_path: Path) -> None:
    value = document()
    del value["limits"]["max_silence_s"]
    text = persons.toml(value).replace("[limits]\n", f"[limits]\n{line}\n")
    if "dispute" in line:
        text = text.replace("[limits]\n", "[limits]\nmax_silence_s = 1\n")
    assert refused(text, tmp_path).code == code


@pytest.mark.parametrize("data", [b"\xff\xfe", b"format", b"{}", b"\x00", "﻿".encode()])
def test_what_is_no_toml_is_refused(data: bytes, tmp_path: Path) -> None:
    assert refused(data, tmp_path).code == "POLICY_SYNTAX"


def test_an_empty_policy_is_refused(tmp_path: Path) -> None:
    assert refused(b"", tmp_path).code == "POLICY_MEMBER_MISSING"


def test_what_is_as_large_as_allowed_stands(tmp_path: Path) -> None:
    value = document()
    value["chain"][0] |= {"id": 0, "name": "n" * toml.MAX_TEXT}
    value["log"][0]["chain_id"] = 0
    value["limits"]["max_silence_s"] = 2**53 - 1
    text = persons.toml(value)
    text += "#" * (toml.MAX_FILE_BYTES - len(text))
    policy = read(text, tmp_path)
    assert policy.limits.max_silence_s == 2**53 - 1
    assert policy.chains[0].name == "n" * 200
    value["chain"][0]["name"] += "n"
    assert refused(value, tmp_path).code == "POLICY_VALUE"


def test_as_many_keys_as_allowed_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_file, "_MAX_ITEMS", 2)
    value = document()
    value["log"][0]["vkeys"] = [vkey(1), vkey(2)]
    assert len(read(value, tmp_path).pins[0].vkeys) == 2
    value["log"][0]["vkeys"].append(vkey(3))
    assert refused(value, tmp_path).code == "POLICY_VALUE"


def test_a_huge_policy_is_not_parsed(tmp_path: Path) -> None:
    text = persons.toml(document()) + "#" * toml.MAX_FILE_BYTES
    assert refused(text, tmp_path).code == "POLICY_SIZE"


@pytest.mark.parametrize("name", ["", "nothing.toml", "a\0b"])
def test_a_policy_that_can_not_be_opened_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(CannotJudge) as caught:
        read_policy(tmp_path / name)
    assert caught.value.code == "POLICY_UNREADABLE"
    assert caught.value.detail.isascii()


def test_an_error_names_file_table_and_member(tmp_path: Path) -> None:
    value = document()
    value["log"][0]["from"] = "yesterday"
    assert refused(value, tmp_path).detail == (
        "policy.toml, [[log]] number 1: 'from': want YYYY-MM-DDTHH:MM:SS.mmmZ, got 'yesterday'"
    )


# ---------------------------------------------------------------------- sources of block hashes


def test_a_list_of_blocks_is_pinned_by_name_key_and_chain(tmp_path: Path) -> None:
    read_lists = read(document() | {"block_list": [block_list()]}, tmp_path).block_lists
    assert [(one.name, one.vkey.text, one.chain_id) for one in read_lists] == [
        ("blocks.example", vkey(7, "blocks.example"), 31337)
    ]


ML_DSA_KEY = make_vkey("blocks.example", bytes(1312), 6).text


@pytest.mark.parametrize(
    ("lists", "code"),
    [
        ([block_list(chain_id=1)], "POLICY_CHAIN"),
        ([block_list(vkey=vkey(7))], "POLICY_KEY"),
        ([block_list(vkey=ML_DSA_KEY)], "POLICY_KEY"),
        ([block_list(level=2)], "POLICY_MEMBER_UNKNOWN"),
        ([block_list(origin="")], "POLICY_VALUE"),
        ([block_list(), block_list()], "POLICY_TWICE"),
    ],
)
def test_a_list_of_blocks_outside_the_form_is_refused(
    lists: list[dict[str, Any]], code: str, tmp_path: Path
) -> None:
    assert refused(document() | {"block_list": lists}, tmp_path).code == code


ONE, TWO = endpoint("A", "https://a.example/key"), endpoint("B", "http://127.0.0.1:8545")


def test_endpoints_are_read_with_their_quorum(tmp_path: Path) -> None:
    policy = read(with_endpoints(ONE, TWO), tmp_path)
    assert policy.limits.quorum == 2
    assert [(one.operator, one.chain_id) for one in policy.endpoints] == [
        ("A", 31337),
        ("B", 31337),
    ]
    assert [one.url for one in policy.endpoints] == [
        (True, "a.example", 443, "/key"),
        (False, "127.0.0.1", 8545, "/"),
    ]


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("https://a.example", (True, "a.example", 443, "/")),
        ("https://a.example:8443/v2/K-e_y~?x=%20&y",
         (True, "a.example", 8443, "/v2/K-e_y~?x=%20&y")),
        ("http://localhost", (False, "localhost", 80, "/")),
        ("http://127.1.2.3:65535", (False, "127.1.2.3", 65535, "/")),
        ("http://[::1]:8545", (False, "[::1]", 8545, "/")),
        ("https://[2001:db8::1]", (True, "[2001:db8::1]", 443, "/")),
    ],
)  # fmt: skip
def test_a_url_is_https_or_of_this_machine(url: str, parsed: tuple[Any, ...]) -> None:
    assert policy_file.parse_url(url) == parsed


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "package.zip",
        "http://a.example",
        "http://127.0.0.1.a.example",
        "http://localhost.a.example",
        "http://128.0.0.1",
        "HTTPS://a.example",
        "https://A.example",
        "https://user:secret@a.example",
        "http://127.0.0.1@a.example/",
        "https://a.example/#part",
        "https://a.example/a b",
        "https://a.example/\n",
        "https://a.example/\r\nHost: b",
        "https://a.example:0",
        "https://a.example:65536",
        "https://a.example:8545x",
        "https://münchen.example",
        "https://",
        "ws://127.0.0.1",
        "file:///etc/passwd",
        "https:/a.example",
    ],
)
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(FormatError) as caught:
        policy_file.parse_url(url)
    assert caught.value.code == "URL_FORM"


@pytest.mark.parametrize(
    ("endpoints", "quorum", "code"),
    [
        ([ONE, TWO], None, "POLICY_QUORUM"),
        ([ONE, TWO], 3, "POLICY_QUORUM"),
        ([ONE], 2, "POLICY_QUORUM"),
        ([ONE, endpoint("A", "https://c.example")], 2, "POLICY_QUORUM"),
        ([ONE, TWO], 1, "POLICY_VALUE"),
        ([ONE, TWO], 0, "POLICY_VALUE"),
        ([ONE, TWO], True, "POLICY_TYPE"),
        ([ONE, TWO, ONE], 2, "POLICY_TWICE"),
        ([ONE, endpoint("B", "https://a.example:443/key")], 2, "POLICY_TWICE"),
        ([ONE, endpoint("B", "https://a.example/other")], 2, "POLICY_QUORUM"),
        ([ONE, TWO, endpoint("C", "https://c.example", chain_id=1)], 2, "POLICY_CHAIN"),
        ([ONE, endpoint("", "https://c.example")], 2, "POLICY_VALUE"),
        ([ONE, endpoint("B", "http://c.example")], 2, "POLICY_VALUE"),
        ([ONE, endpoint("B", "https://c.example", level=2)], 2, "POLICY_MEMBER_UNKNOWN"),
    ],
)
def test_endpoints_that_make_no_quorum_are_refused(
    endpoints: list[dict[str, Any]], quorum: Any, code: str, tmp_path: Path
) -> None:
    assert refused(with_endpoints(*endpoints, quorum=quorum), tmp_path).code == code


@pytest.mark.parametrize(
    ("level", "code"),
    [(0, "POLICY_VALUE"), (3, "POLICY_VALUE"), ("2", "POLICY_TYPE"), (True, "POLICY_TYPE")],
)
def test_the_level_asked_for_is_1_or_2(level: Any, code: str, tmp_path: Path) -> None:
    made = with_endpoints(ONE, TWO)
    made["limits"]["level"] = level
    assert refused(made, tmp_path).code == code
    made["limits"]["level"] = 2
    assert read(made, tmp_path).limits.level == 2
    del made["limits"]["level"]
    assert read(made, tmp_path).limits.level == 1
    # A level that nothing could reach is a mistake.
    del made["endpoint"]
    made["limits"]["level"] = 2
    assert refused(made, tmp_path).code == "POLICY_QUORUM"


def test_a_quorum_without_endpoints_is_idle(tmp_path: Path) -> None:
    assert read(with_endpoints(), tmp_path).endpoints == ()

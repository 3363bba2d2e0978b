"""Attacks on leaves, disclosures and attachments: steps 3.1 to 3.8 and 13.1 to 13.3.

The service is the attacker unless a sentence says otherwise: it commits to damaged bytes, so
tree, map, header, checkpoint, anchor and manifests all agree with them.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.hostile.case import Case, attack, case, damaged, honest
from tests.hostile.damage import Change
from tests.hostile.package import DISCLOSURES, LEAVES, Package, disclosure_line, opened
from tests.hostile.world import CASE, ERASED, WITHHELD, World
from verifier.format import jsonc
from verifier.format.digests import b64url_encode

# ---------------------------------------------------------------------- 3.1 leaves


def leaf_bytes(change: Callable[[bytes], bytes], position: int = 1) -> Change:
    """Damage the bytes of one leaf of the case."""

    def at(leaf: bytes, **where: Any) -> bytes:
        return change(leaf) if where == {"matter": CASE, "position": position} else leaf

    return at


def leaf_member(position: int = 1, **members: Any) -> Change:
    """Damage members of one leaf of the case; None takes a member away."""

    def at(leaf: dict[str, Any], **where: Any) -> dict[str, Any]:
        if where != {"matter": CASE, "position": position}:
            return leaf
        return {k: v for k, v in (leaf | members).items() if v is not None}

    return at


def leaf_text(old: str, new: str) -> Case:
    """A world in which leaf 1 of the case has `new` in place of `old`."""

    def change(leaf: bytes) -> bytes:
        if leaf.count(old.encode()) != 1:
            raise AssertionError(f"{old!r} doesn't stand once in {leaf!r}")
        return leaf.replace(old.encode(), new.encode())

    return damaged(damage={"leaf_bytes": leaf_bytes(change)})


@attack(
    integrity="3.1 FAIL LEAF_FORM:JSON_DUPLICATE", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8"
)
def leaf_with_two_digests_under_one_name() -> Case:
    """Claim `amount` stands twice, so that each tribunal could be shown an amount of its own."""
    return leaf_text('"claims":{"amount":', f'"claims":{{"amount":"{"A" * 43}","amount":')


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_INTEGER", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_exponent() -> Case:
    """The position is written as 1E0."""
    return leaf_text('"position":1,', '"position":1E0,')


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_INTEGER", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_fraction() -> Case:
    """The position is written as 1.0."""
    return leaf_text('"position":1,', '"position":1.0,')


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_INTEGER", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_integer_beyond_doubles() -> Case:
    """The position is 2^53 + 1, which a reader with doubles takes for another number."""
    return leaf_text('"position":1,', f'"position":{2**53 + 1},')


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_INTEGER", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_infinite_number() -> Case:
    """The position is 1e400, which many readers take for infinity."""
    return leaf_text('"position":1,', '"position":1e400,')


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_INTEGER", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_negative_zero() -> Case:
    """The position of the first leaf is -0."""
    change = leaf_bytes(lambda leaf: leaf.replace(b'"position":0', b'"position":-0'), 0)
    return damaged(damage={"leaf_bytes": change})


@attack(
    integrity="3.1 FAIL LEAF_FORM:JSON_NOT_CANONICAL", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8"
)
def leaf_with_needless_escape() -> Case:
    """A letter of the kind is written as an escape."""
    return leaf_text('"kind":"payment"', '"kind":"\\u0070ayment"')


@attack(
    integrity="3.1 FAIL LEAF_FORM:JSON_SURROGATE", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8"
)
def leaf_with_lone_surrogate() -> Case:
    """The kind ends with half a character, which no UTF-8 can carry."""
    return leaf_text('"kind":"payment"', '"kind":"payment\\ud800"')


@attack(
    integrity="3.1 FAIL LEAF_FORM:JSON_NOT_CANONICAL", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8"
)
def leaf_with_members_out_of_order() -> Case:
    """The blind comes last instead of first."""

    def change(leaf: bytes) -> bytes:
        first, rest = leaf[1:-1].split(b",", 1)
        return b"{" + rest + b"," + first + b"}"

    return damaged(damage={"leaf_bytes": leaf_bytes(change)})


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_SYNTAX", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_trailing_line_feed() -> Case:
    """A line feed belongs to the leaf, so that an empty line follows it."""
    return damaged(damage={"leaf_bytes": leaf_bytes(lambda leaf: leaf + b"\n")})


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_BOM", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_byte_order_mark() -> Case:
    """A byte order mark precedes the value."""
    return damaged(damage={"leaf_bytes": leaf_bytes(lambda leaf: b"\xef\xbb\xbf" + leaf)})


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_SYNTAX", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_a_second_value() -> Case:
    """A second value follows the first."""
    return damaged(damage={"leaf_bytes": leaf_bytes(lambda leaf: leaf + b"{}")})


@attack(
    integrity="3.1 FAIL LEAF_FORM:MEMBER_UNKNOWN", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8"
)
def leaf_with_unknown_member() -> Case:
    """The leaf has a member that the format doesn't list."""
    return damaged(damage={"leaf": leaf_member(remark="paid in cash")})


@attack(
    integrity="3.1 FAIL LEAF_FORM:MEMBER_MISSING", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8"
)
def leaf_without_blind() -> Case:
    """The leaf has no blind, so its bytes could be guessed."""
    return damaged(damage={"leaf": leaf_member(blind=None)})


@attack(integrity="3.1 FAIL LEAF_FORM:LEAF_BLIND", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_short_blind() -> Case:
    """The blind has 15 bytes."""
    return damaged(damage={"leaf": leaf_member(blind=b64url_encode(bytes(15)))})


@attack(integrity="3.1 FAIL LEAF_FORM:TIME_FORM", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_leap_second() -> Case:
    """recorded_at has 60 seconds."""
    return damaged(damage={"leaf": leaf_member(recorded_at="2026-10-01T00:00:60.000Z")})


@attack(integrity="3.1 FAIL LEAF_FORM:LEAF_SOURCE", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_source_without_number() -> Case:
    """The leaf names a source but no number in it."""
    return damaged(damage={"leaf": leaf_member(source="00" * 32)})


@attack(integrity="3.1 FAIL LEAF_FORM:LEAF_CLAIMS", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_without_claims() -> Case:
    """The leaf has no claim, yet fills a position."""
    world = World.told(damage={"leaf": leaf_member(position=5, claims={})})
    return case(world.complete(erased={}).put_disclosures(5, []).restated(), world)


@attack(integrity="3.1 FAIL LEAF_FORM:LEAF_SIZE", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_above_64_kib() -> Case:
    """The leaf has more than 64 KiB."""
    return damaged(damage={"leaf": leaf_member(remark="x" * 65_536)})


@attack(integrity="3.1 FAIL LEAF_FORM:B64URL_FORM", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_tail_bits_in_its_blind() -> Case:
    """An unused bit at the end of the blind is set."""
    return damaged(damage={"leaf": leaf_member(blind=set_tail_bit(b64url_encode(bytes(16))))})


@attack(integrity="3.1 FAIL LEAF_FORM:B64URL_FORM", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_tail_bits_in_a_digest() -> Case:
    """An unused bit at the end of a claim's digest is set."""

    def at(leaf: dict[str, Any], **where: Any) -> dict[str, Any]:
        if where != {"matter": CASE, "position": 1}:
            return leaf
        claims = leaf["claims"]
        return leaf | {"claims": claims | {"payer": set_tail_bit(claims["payer"])}}

    return damaged(damage={"leaf": at})


@attack(integrity="3.1 FAIL LEAF_FORM:MEMBER_FORM", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_upper_case_key() -> Case:
    """The matter key is in upper case."""
    return damaged(damage={"leaf": leaf_member(matter=honest().log.number(CASE).key.hex().upper())})


# ---------------------------------------------------------------------- 3.2 and 3.3


@attack(integrity="3.2 FAIL LEAF_MISPLACED", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_with_another_position() -> Case:
    """Leaf 1 says that it is leaf 7."""
    return damaged(damage={"leaf": _position(7)})


def _position(claimed: int) -> Change:
    def at(leaf: dict[str, Any], **where: Any) -> dict[str, Any]:
        here = where == {"matter": CASE, "position": 1}
        return leaf | {"position": claimed} if here else leaf

    return at


@attack(integrity="3.2 FAIL LEAF_MISPLACED")
def leaf_of_another_matter() -> Case:
    """Leaf 1 names the key of another matter of the log."""
    key = honest().log.matters["other"].key.hex()
    return damaged(damage={"leaf": leaf_member(matter=key)})


@attack(integrity="3.3 FAIL CLAIM_UNKNOWN")
def leaf_of_unknown_kind() -> Case:
    """The kind is not registered."""
    return damaged(damage={"leaf": leaf_member(kind="rumour")})


@attack(integrity="3.3 FAIL CLAIM_UNKNOWN")
def leaf_with_claim_of_another_kind() -> Case:
    """A payment with claims becomes a filing, which has no amount."""
    return damaged(damage={"leaf": leaf_member(kind="filing")})


@attack(integrity="3.3 FAIL CLAIM_UNKNOWN")
def leaf_with_padded_attachment_number() -> Case:
    """A claim is named attachment-00."""
    claims = {"attachment-00": b64url_encode(bytes(32))}

    def add(leaf: dict[str, Any], **where: Any) -> dict[str, Any]:
        if where != {"matter": CASE, "position": 1}:
            return leaf
        return leaf | {"claims": leaf["claims"] | claims}

    world = World.told(damage={"leaf": add})
    return case(world.complete(withheld={**WITHHELD, (1, "attachment-00"): "other"}), world)


@attack(integrity="3.3 FAIL CLAIM_UNKNOWN")
def leaf_with_names_in_two_normal_forms() -> Case:
    """Two claim names differ only by Unicode normalisation."""
    names = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    claims = {name: b64url_encode(bytes([i]) * 32) for i, name in enumerate(names)}
    world = World.told(damage={"leaf": leaf_member(claims=claims)})
    kept = {**WITHHELD, **{(1, name): "other" for name in names}}
    return case(world.complete(withheld=kept).put_disclosures(1, []).restated(), world)


@attack()
def value_with_names_in_two_normal_forms() -> Case:
    """Inside a value two spellings are two names, and nothing is normalised."""
    names = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    world = World.told()
    world.wait()
    fields: jsonc.Json = {name: i for i, name in enumerate(names)}
    world.log.add(CASE, "document", {"title": "list", "fields": fields})
    world.log.seal()
    world.log.anchor()
    world.wait()
    return case(world.complete(), world)


# ---------------------------------------------------------------------- 3.4 to 3.7


@attack(integrity="3.4 FAIL CLAIM_DIGEST_TWICE")
def leaf_with_one_digest_twice() -> Case:
    """Two claims of a leaf have one digest: a bare list could show the one for the other."""

    def at(leaf: dict[str, Any], **where: Any) -> dict[str, Any]:
        if where != {"matter": CASE, "position": 0}:
            return leaf
        claims = leaf["claims"]
        return leaf | {"claims": claims | {"text": claims["stage"]}}

    return damaged(damage={"leaf": at})


def disclosure(change: Callable[[str], str], name: str = "payer", position: int = 1) -> Case:
    """A world in which one disclosure string is damaged and the leaf commits to it."""

    def at(text: str, **where: Any) -> str:
        here = where == {"matter": CASE, "position": position, "name": name}
        return change(text) if here else text

    return damaged(damage={"disclosure": at})


def encoded(document: str) -> Callable[[str], str]:
    """Put other JSON text into the string, with the salt of the world where it says SALT."""
    salt = b64url_encode(b"\x5a" * 16)
    return lambda _: b64url_encode(document.replace("SALT", salt).encode())


def elements(text: str) -> list[Any]:
    """Salt, name and value of a disclosure string."""
    found: list[Any] = json.loads(opened(text))
    return found


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def set_tail_bit(text: str) -> str:
    """Another string for the same bytes: an unused bit of the last character is set."""
    if len(text) % 4 not in (2, 3):
        raise AssertionError("this string has no unused bits")
    return text[:-1] + ALPHABET[ALPHABET.index(text[-1]) | 1]


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_with_tail_bits() -> Case:
    """The service commits to a string with an unused bit at the end of the base64url set."""
    return disclosure(set_tail_bit, name="amount")


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_with_stray_character() -> Case:
    """The service commits to base64url with a space inside, which lax readers skip."""
    return disclosure(lambda text: text[:8] + " " + text[8:])


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_with_padding() -> Case:
    """The service commits to base64url with padding."""
    return disclosure(lambda text: text + "=")


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_DUPLICATE", blocked="13.1")
def disclosure_with_two_amounts() -> Case:
    """The value holds `minor` twice."""
    value = '["SALT","amount",{"currency":"EUR","minor":1,"minor":2}]'
    return disclosure(encoded(value), name="amount")


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_INTEGER", blocked="13.1")
def disclosure_with_exponent() -> Case:
    """An amount is written as 1E2."""
    value = '["SALT","amount",{"currency":"EUR","minor":1E2}]'
    return disclosure(encoded(value), name="amount")


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_INTEGER", blocked="13.1")
def disclosure_with_negative_zero() -> Case:
    """An amount is -0."""
    value = '["SALT","amount",{"currency":"EUR","minor":-0}]'
    return disclosure(encoded(value), name="amount")


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_INTEGER", blocked="13.1")
def disclosure_with_integer_beyond_doubles() -> Case:
    """An amount is 2^53 + 1."""
    value = f'["SALT","amount",{{"currency":"EUR","minor":{2**53 + 1}}}]'
    return disclosure(encoded(value), name="amount")


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_INTEGER", blocked="13.1")
def disclosure_with_infinite_number() -> Case:
    """An amount is 1e400."""
    value = '["SALT","amount",{"currency":"EUR","minor":1e400}]'
    return disclosure(encoded(value), name="amount")


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_SURROGATE", blocked="13.1")
def disclosure_with_lone_surrogate() -> Case:
    """A name ends with half a character."""
    return disclosure(encoded('["SALT","payer","Acme\\udc00"]'))


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_DEPTH", blocked="13.1")
def disclosure_nested_too_deep() -> Case:
    """The value has 33 levels of nesting, with the array around it."""
    return disclosure(encoded(f'["SALT","payer",{"[" * 32}{"]" * 32}]'))


@attack()
def disclosure_nested_as_deep_as_allowed() -> Case:
    """The value has 32 levels of nesting, with the array around it."""
    return disclosure(encoded(f'["SALT","payer",{"[" * 31}{"]" * 31}]'))


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:DISCLOSURE_FORM", blocked="13.1")
def disclosure_with_two_elements() -> Case:
    """The array has two elements, the form of RFC 9901 for array members."""
    return disclosure(encoded('["SALT","Acme GmbH"]'))


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:DISCLOSURE_FORM", blocked="13.1")
def disclosure_with_four_elements() -> Case:
    """The array has a fourth element."""
    return disclosure(encoded('["SALT","payer","Acme GmbH","Beta AG"]'))


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:DISCLOSURE_SALT", blocked="13.1")
def disclosure_with_short_salt() -> Case:
    """The salt has 15 bytes."""
    return disclosure(encoded(f'["{b64url_encode(bytes(15))}","payer","Acme GmbH"]'))


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:DISCLOSURE_NESTED", blocked="13.1")
def disclosure_that_nests() -> Case:
    """The value holds digests of further disclosures under `_sd`."""
    return disclosure(encoded('["SALT","payer",{"at":[{"_sd":["x"]}]}]'))


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:DISCLOSURE_NESTED", blocked="13.1")
def disclosure_with_an_array_digest() -> Case:
    """The value holds a digest of an array member under `...`."""
    return disclosure(encoded('["SALT","payer",[{"...":"x"}]]'))


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_under_another_record() -> Case:
    """The exporter shows the amount of record 0 under record 1, at the same name."""
    other = honest().complete().disclosures(0)[1]
    return with_disclosures(1, lambda texts: [other, *texts[1:]])


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_under_another_name() -> Case:
    """The service commits at `payer` to a string that names itself `payee`."""
    misnamed = encoded('["SALT","payee","Acme GmbH"]')

    def at(text: str, **where: Any) -> str:
        here = where == {"matter": CASE, "position": 1, "name": "payer"}
        return misnamed(text) if here else text

    world = World.told(damage={"disclosure": at})
    # So that only the name is wrong, the field whose line it is counts as withheld.
    listed = [
        {"position": position, "claim": claim, "reason": "other"}
        for position, claim in ((0, "text"), (1, "payer"))
    ]
    return case(world.complete().chosen(withheld=listed).restated(), world)


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosures_out_of_order() -> Case:
    """The exporter turns two lines around."""
    return with_disclosures(1, lambda texts: [texts[1], texts[0], *texts[2:]])


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_twice() -> Case:
    """The exporter lists one disclosure twice."""
    return with_disclosures(1, lambda texts: [texts[0], *texts])


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_of_another_value() -> Case:
    """The exporter writes another amount with the salt of the true one."""

    def change(texts: list[bytes]) -> list[bytes]:
        salt, name, value = json.loads(texts[0])
        if name != "amount":
            raise AssertionError("line 0 isn't the amount")
        return [jsonc.encode([salt, name, value | {"minor": 1}]), *texts[1:]]

    return with_disclosures(1, change)


def with_disclosures(position: int, change: Callable[[list[bytes]], list[bytes]]) -> Case:
    """The honest package with other disclosures at a position."""
    package = honest().complete()
    return case(package.put_disclosures(position, change(package.disclosures(position))).sealed())


# ---------------------------------------------------------------------- the two files of lines


def with_lines(
    path: str, change: Callable[[list[bytes]], list[bytes]], kind: str = "complete"
) -> Case:
    """The honest package with other lines in a file, restated."""
    package: Package = getattr(honest(), kind)()
    return case(package.change_lines(path, change).restated())


def with_end(path: str, change: Callable[[bytes], bytes]) -> Case:
    """The honest package with another end of a file of lines, restated."""
    package = honest().complete()
    return case(package.put(path, change(package[path])).restated())


@attack(integrity="3.2 FAIL LEAF_MISPLACED", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_line_doubled() -> Case:
    """The exporter lists one leaf twice."""
    return with_lines(LEAVES, lambda lines: [*lines[:2], *lines[1:]])


@attack(integrity="3.2 FAIL LEAF_MISPLACED", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_lines_swapped() -> Case:
    """The exporter turns two leaves around."""
    return with_lines(LEAVES, lambda lines: [lines[1], lines[0], *lines[2:]])


@attack(integrity="3.2 FAIL LEAF_MISPLACED", blocked="2.5 6.5 11.1 13.1 17.1 18.8")
def leaf_lines_swapped_in_an_extract() -> Case:
    """The exporter of an extract turns its two leaves around."""
    return with_lines(LEAVES, lambda lines: lines[::-1], "extract")


@attack(
    integrity="3.2 FAIL LEAF_MISPLACED",
    inclusion="6.5 FAIL RECORD_NOT_INCLUDED",
    order="11.1 NOT CHECKED BLOCKED",
    blocked="7.3 8.5",
)
def leaf_line_of_another_matter() -> Case:
    """The exporter puts a leaf of another matter in the place of one."""
    foreign = honest().log.matters["other"].records[1].leaf
    return with_lines(LEAVES, lambda lines: [lines[0], foreign, *lines[2:]])


@attack(
    integrity="3.1 FAIL LEAF_FORM:JSON_NOT_CANONICAL", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8"
)
def leaf_lines_with_carriage_returns() -> Case:
    """The exporter ends the lines of leaves with CR LF."""
    return with_lines(LEAVES, lambda lines: [line + b"\r" for line in lines])


@attack(integrity="3.1 FAIL LEAF_FORM:LINES_END", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_lines_without_last_line_feed() -> Case:
    """The exporter doesn't end the last line of leaves."""
    return with_end(LEAVES, lambda content: content[:-1])


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_SYNTAX", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_lines_with_an_empty_line() -> Case:
    """The exporter puts an empty line between two leaves."""
    return with_lines(LEAVES, lambda lines: [lines[0], b"", *lines[1:]])


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_SYNTAX", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_lines_with_an_empty_line_at_the_end() -> Case:
    """The exporter ends the leaves with an empty line."""
    return with_end(LEAVES, lambda content: content + b"\n")


@attack(integrity="3.1 FAIL LEAF_FORM:LINES_END", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_lines_with_trailing_bytes() -> Case:
    """Bytes follow the last line of leaves."""
    return with_end(LEAVES, lambda content: content + b" ")


@attack(integrity="3.1 FAIL LEAF_FORM:LINES_EMPTY", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def leaf_file_without_a_line() -> Case:
    """The file of leaves is there and empty."""
    return with_end(LEAVES, lambda _: b"")


@attack(integrity="3.1 FAIL LEAF_FORM:JSON_SYNTAX", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8")
def two_leaves_on_one_line() -> Case:
    """The exporter takes the LF between two leaves away."""
    return with_lines(LEAVES, lambda lines: [lines[0] + lines[1], *lines[2:]])


@attack(
    integrity="3.1 FAIL LEAF_FORM:JSON_NOT_CANONICAL", blocked="2.5 6.5 7.3 8.5 11.1 13.1 17.1 18.8"
)
def leaf_line_that_is_not_canonical() -> Case:
    """The exporter puts a space behind a comma of a leaf."""
    return with_lines(LEAVES, lambda lines: [lines[0].replace(b",", b", ", 1), *lines[1:]])


@attack(withheld="13.1 FAIL WITHHELD_MISMATCH")
def disclosure_line_dropped() -> Case:
    """The exporter takes a line of disclosures away and lists nothing."""
    return with_lines(DISCLOSURES, lambda lines: lines[1:])


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_lines_of_two_leaves_swapped() -> Case:
    """The exporter puts the disclosures of record 1 before those of record 0."""
    return with_lines(DISCLOSURES, lambda lines: sorted(lines, key=lambda one: one[:1] == b"0"))


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_line_of_another_matter() -> Case:
    """The exporter shows a field of another matter's record under the same position and name."""
    foreign = opened(honest().log.matters["other"].records[1].disclosures["amount"])
    return with_disclosures(1, lambda texts: [foreign, *texts[1:]])


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_of_a_leaf_that_is_not_there() -> Case:
    """There is a disclosure for a position beyond the matter."""
    made = jsonc.encode([b64url_encode(b"\x5a" * 16), "text", "nothing"])
    return with_lines(DISCLOSURES, lambda lines: [*lines, disclosure_line(77, made)])


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH")
def disclosure_of_a_leaf_that_an_extract_leaves_out() -> Case:
    """An extract discloses a field of a record that it doesn't show."""
    line = disclosure_line(1, honest().complete().disclosures(1)[0])
    made = honest().extract()
    first = len(made.disclosures(0))
    return with_lines(DISCLOSURES, lambda ls: [*ls[:first], line, *ls[first:]], "extract")


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_NOT_CANONICAL", blocked="2.5 13.1")
def disclosures_with_carriage_returns() -> Case:
    """The exporter ends lines with CR LF."""
    return with_lines(DISCLOSURES, lambda lines: [line + b"\r" for line in lines])


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:LINES_END", blocked="2.5 13.1")
def disclosures_without_last_line_feed() -> Case:
    """The exporter doesn't end the last line."""
    return with_end(DISCLOSURES, lambda content: content[:-1])


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:LINES_END", blocked="2.5 13.1")
def disclosures_with_trailing_bytes() -> Case:
    """Bytes follow the last disclosure."""
    return with_end(DISCLOSURES, lambda content: content + b"\0")


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:LINES_EMPTY", blocked="13.1")
def disclosure_file_without_a_line() -> Case:
    """Nothing is disclosed, and the file is there all the same."""
    claims = {
        (record.position, claim): "other"
        for record in honest().log.matters[CASE].records
        for claim in record.disclosures
    }
    package = honest().complete(withheld=claims, erased={})
    return case(package.put(DISCLOSURES, b"").restated())


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:DISCLOSURE_POSITION", blocked="13.1")
def disclosures_with_an_empty_line() -> Case:
    """The exporter puts an empty line between two."""
    return with_lines(DISCLOSURES, lambda lines: [lines[0], b"", *lines[1:]])


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:DISCLOSURE_POSITION", blocked="13.1")
def disclosure_with_a_leading_zero() -> Case:
    """A position is written as 00."""
    return first_disclosure(lambda line: b"0" + line)


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:DISCLOSURE_POSITION", blocked="13.1")
def disclosure_with_a_signed_position() -> Case:
    """A position is written as +0."""
    return first_disclosure(lambda line: b"+" + line)


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:DISCLOSURE_POSITION", blocked="13.1")
def disclosure_with_a_position_in_other_digits() -> Case:
    """A position is written with an Arabic-Indic digit, which many readers take for a number."""
    return first_disclosure(lambda line: "\u0660".encode() + line[1:])


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:DISCLOSURE_POSITION", blocked="13.1")
def disclosure_with_a_tab() -> Case:
    """A tab stands where the space belongs."""
    return first_disclosure(lambda line: line.replace(b" ", b"\t", 1))


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_NOT_CANONICAL", blocked="13.1")
def disclosure_with_two_spaces() -> Case:
    """Two spaces stand where one belongs."""
    return first_disclosure(lambda line: line.replace(b" ", b"  ", 1))


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_NOT_CANONICAL", blocked="13.1")
def disclosure_that_is_not_canonical() -> Case:
    """The exporter writes a letter of a field as an escape: to a reader it says the same."""
    return first_disclosure(lambda line: line.replace(b'"addressee"', b'"\\u0061ddressee"'))


@attack(integrity="3.5 FAIL DISCLOSURE_FORM:JSON_SYNTAX", blocked="13.1")
def two_disclosures_on_one_line() -> Case:
    """The exporter takes the LF between two disclosures away."""
    return with_lines(DISCLOSURES, lambda lines: [lines[0] + lines[1], *lines[2:]])


def first_disclosure(change: Callable[[bytes], bytes]) -> Case:
    """The honest package with another first line of disclosures."""

    def other(lines: list[bytes]) -> list[bytes]:
        changed = change(lines[0])
        if changed == lines[0]:
            raise AssertionError("the first line isn't what was expected")
        return [changed, *lines[1:]]

    return with_lines(DISCLOSURES, other)


@attack(integrity="3.7 FAIL SALT_REUSED")
def salt_of_two_claims() -> Case:
    """The service salts two claims of one record alike."""
    return damaged(damage={"salt": _one_salt(0, 0)})


@attack(integrity="3.7 FAIL SALT_REUSED")
def salt_of_two_records() -> Case:
    """The service salts the same claim of two records alike, which shows when values are equal."""
    return damaged(damage={"salt": _one_salt(3, 4, name="occurred_at")})


def _one_salt(*positions: int, name: str | None = None) -> Change:
    def at(salt: bytes, **where: Any) -> bytes:
        here = where["matter"] == CASE and where["position"] in positions
        return b"\x11" * 16 if here and name in (None, where["name"]) else salt

    return at


# ---------------------------------------------------------------------- 3.8 attachments


def stored_names(package: Package) -> list[str]:
    return sorted(path for path in package.files if path.startswith("data/attachments/"))


@attack(integrity="3.8 FAIL ATTACHMENT_MISMATCH")
def attachment_with_other_bytes() -> Case:
    """The exporter puts other bytes of the same length in place of the original."""
    package = honest().complete()
    [path] = stored_names(package)
    return case(package.put(path, package[path][::-1]).sealed())


@attack(integrity="3.8 FAIL ATTACHMENT_MISMATCH")
def attachment_cut_short() -> Case:
    """The exporter cuts the last byte off the original."""
    package = honest().complete()
    [path] = stored_names(package)
    return case(package.put(path, package[path][:-1]).sealed())


def attachment_claim(**members: Any) -> Case:
    """A world whose service commits to other words about the attachment of record 3."""

    def at(text: str, **where: Any) -> str:
        if where != {"matter": CASE, "position": 3, "name": "attachment-0"}:
            return text
        salt, name, value = elements(text)
        return b64url_encode(jsonc.encode([salt, name, value | members]))

    return damaged(damage={"disclosure": at})


@attack(integrity="3.8 FAIL ATTACHMENT_MISMATCH")
def attachment_with_wrong_size() -> Case:
    """The disclosure states another size, with the right digests."""
    return attachment_claim(size=27)


@attack(integrity="3.8 FAIL ATTACHMENT_MISMATCH")
def attachment_with_wrong_sha256() -> Case:
    """The disclosure states another SHA-256, with the right SHA-512."""
    return attachment_claim(sha256="00" * 32)


@attack(integrity="3.8 FAIL ATTACHMENT_MISMATCH")
def attachment_with_wrong_sha512() -> Case:
    """The disclosure states another SHA-512, with the right SHA-256."""
    return attachment_claim(sha512="00" * 64)


@attack(integrity="3.8 FAIL ATTACHMENT_MISMATCH", blocked="2.5")
def attachment_with_unknown_member() -> Case:
    """The disclosure has a member that the format doesn't list."""
    return attachment_claim(note="")


@attack(integrity="3.8 FAIL ATTACHMENT_MISMATCH", blocked="2.5")
def attachment_with_a_short_sm3() -> Case:
    """The disclosed SM3 lacks a byte: that is a fault of its form, whoever asks for SM3."""
    return attachment_claim(sm3="00" * 31)


@attack(integrity="3.8 FAIL ATTACHMENT_MISMATCH", blocked="2.5")
def attachment_with_a_short_name() -> Case:
    """The stored file is named by one byte, which is not random, and which others may share."""
    claimed = attachment_claim(name="ab")
    assert isinstance(claimed.package, Package)
    [stored] = stored_names(claimed.package)
    moved = claimed.package.move(stored, f"{stored[:-32]}ab")
    return replace(claimed, package=moved.sealed())


def two_attachments(damage: dict[str, Any] | None = None) -> World:
    """A matter of one record with two attachments of the same bytes."""
    world = World(damage=damage)
    claims: dict[str, jsonc.Json] = {"title": "two of a kind", "occurred_at": None}
    world.log.add(CASE, "document", claims, [("a", b"one file"), ("b", b"one file")])
    world.log.seal()
    world.log.anchor()
    world.wait()
    return world


@attack()
def two_attachments_of_the_same_bytes() -> Case:
    """Two files of the same bytes stand under two names, as their disclosures say."""
    world = two_attachments()
    return case(world.complete(withheld={}, erased={}), world)


@attack(container="2.5 FAIL FILE_MISSING", integrity="3.8 FAIL ATTACHMENT_MISMATCH")
def attachment_altered_behind_one_that_is_missing() -> Case:
    """The file of the first disclosure is left out, that of the second is another one."""
    world = two_attachments()
    package = world.complete(withheld={}, erased={})
    first = world.log.secrets.take(f"stored name {CASE}/0 0", 16).hex()
    missing, altered = sorted(stored_names(package), key=lambda path: not path.endswith(first))
    return case(package.drop(missing).put(altered, b"a file").restated(), world)


@attack(integrity="3.8 FAIL ATTACHMENT_MISMATCH")
def one_file_for_two_attachments() -> Case:
    """Two disclosures name one stored file."""

    def at(text: str, **where: Any) -> str:
        if where["name"] != "attachment-1":
            return text
        salt, name, value = elements(text)
        return b64url_encode(jsonc.encode([salt, name, value | {"name": first}]))

    first = honest().log.secrets.take(f"stored name {CASE}/0 0", 16).hex()
    world = two_attachments(damage={"disclosure": at})
    package = world.complete(withheld={}, erased={})
    second = next(p for p in stored_names(package) if not p.endswith(first))
    return case(package.drop(second).restated(), world)


# ---------------------------------------------------------------------- 13 withheld and erased


@attack(withheld="13.1 FAIL WITHHELD_MISMATCH")
def withheld_field_not_listed() -> Case:
    """The exporter keeps a field back and doesn't say so."""
    package = honest().complete()
    return case(package.chosen(withheld=[]).restated())


@attack(withheld="13.1 FAIL WITHHELD_MISMATCH")
def shown_field_listed_as_withheld() -> Case:
    """The exporter lists a field as withheld that he shows."""
    return listed([(0, "amount"), (0, "text")])


@attack(withheld="13.1 FAIL WITHHELD_MISMATCH")
def withheld_field_that_no_leaf_has() -> Case:
    """The exporter lists a field that the leaf doesn't have."""
    return listed([(0, "legal_basis"), (0, "text")])


@attack(withheld="13.1 FAIL WITHHELD_MISMATCH")
def withheld_field_of_a_leaf_that_is_not_there() -> Case:
    """The exporter lists a field of a position beyond the matter."""
    return listed([(0, "text"), (77, "text")])


def listed(fields: list[tuple[int, str]]) -> Case:
    reasons = [{"position": p, "claim": c, "reason": "other"} for p, c in fields]
    return case(honest().complete().chosen(withheld=reasons).restated())


@attack(withheld="13.1 FAIL WITHHELD_MISMATCH")
def erased_record_with_a_disclosure() -> Case:
    """The exporter lists a record as erased and shows a field of it all the same."""
    world = honest()
    package = world.complete()
    text = opened(world.log.matters[CASE].records[2].disclosures["direction"])
    return case(package.put_disclosures(2, [text]).restated())


@attack(withheld="13.1 FAIL WITHHELD_MISMATCH")
def erased_record_neither_listed_nor_withheld() -> Case:
    """The exporter leaves a record empty and lists nothing."""
    return case(honest().complete().chosen(erased=[]).restated())


@attack(withheld="13.2 FAIL TOMBSTONE_MISSING")
def erased_record_with_another_record_as_tombstone() -> Case:
    """The tombstone that the exporter names is a message."""
    return erased_by(4)


@attack(withheld="13.2 FAIL TOMBSTONE_MISSING")
def erased_record_with_a_tombstone_that_is_not_there() -> Case:
    """The tombstone that the exporter names is beyond the matter."""
    return erased_by(77)


def erased_by(tombstone: int) -> Case:
    erased = [{"position": 2, "tombstone": tombstone}]
    return case(honest().complete().chosen(erased=erased).restated())


@attack(withheld="13.2 FAIL TOMBSTONE_MISSING")
def tombstone_of_another_record() -> Case:
    """The tombstone erases record 2; the exporter uses it for record 4 as well."""
    return case(honest().complete(erased={**ERASED, 4: 5}))


@attack(withheld="13.2 FAIL TOMBSTONE_MISSING")
def tombstone_whose_target_is_withheld() -> Case:
    """The exporter withholds the field that says which record the tombstone erases."""
    return case(honest().complete(withheld={**WITHHELD, (5, "target"): "other"}))


def erasure_target(**members: Any) -> Case:
    """A world in which the erasure names another target."""

    def at(text: str, **where: Any) -> str:
        if where["name"] != "target":
            return text
        salt, name, value = elements(text)
        return b64url_encode(jsonc.encode([salt, name, value | members]))

    return damaged(damage={"disclosure": at})


@attack(withheld="13.2 FAIL TOMBSTONE_MISSING")
def tombstone_with_another_leaf_hash() -> Case:
    """The tombstone names position 2 with the hash of another leaf."""
    return erasure_target(leaf="00" * 32)


@attack(withheld="13.2 FAIL TOMBSTONE_MISSING")
def tombstone_with_another_position() -> Case:
    """The tombstone names another position with the hash of leaf 2."""
    return erasure_target(position=1)


@attack(withheld="13.2 FAIL TOMBSTONE_MISSING")
def tombstone_of_a_record_of_another_matter() -> Case:
    """The tombstone names this position, and the leaf that stands there in another matter."""
    other = next(one for name, one in honest().log.matters.items() if name != CASE and one.records)
    return erasure_target(position=0, leaf=other.records[0].leaf_hash.hex())


@attack(withheld="13.2 FAIL TOMBSTONE_MISSING")
def tombstone_that_was_erased_itself() -> Case:
    """The tombstone of record 2 is listed as erased too, by a tombstone of its own."""
    world = twice_erased(5)
    return case(world.complete(erased={**ERASED, 5: 6}), world)


@attack()
def two_tombstones_of_one_record() -> Case:
    """Two records say of one that it was erased; the exporter names the second. Both are true."""
    world = twice_erased(2)
    return case(world.complete(erased={2: 6}), world)


@attack(container="2.5 FAIL STATEMENT_FORM:STATEMENT_ORDER", blocked="3.2 6.3 7.3 8.2 11.1 13.1")
def record_listed_as_erased_by_two_tombstones() -> Case:
    """The exporter lists one record twice, once by each of its tombstones."""
    world = twice_erased(2)
    erased = [{"position": 2, "tombstone": stone} for stone in (5, 6)]
    return case(world.complete().chosen(erased=erased).restated(), world)


def twice_erased(position: int) -> World:
    """A world with a second tombstone, of that record, at position 6."""
    world = World.told()
    world.wait()
    target = world.log.matters[CASE].records[position]
    claims: dict[str, jsonc.Json] = {
        "target": {"position": position, "leaf": target.leaf_hash.hex()},
        "reason": "other",
        "authority": "nobody asked",
    }
    world.log.add(CASE, "erasure", claims)
    world.log.seal()
    world.log.anchor()
    world.wait()
    return world


@attack(withheld="13.2 FAIL TOMBSTONE_MISSING")
def tombstone_before_its_record() -> Case:
    """The tombstone stands before the record that it erases: it was made in advance."""
    world = World.told()
    # The leaf of position 7 is known to the service before it makes position 6.
    draft = World.told()
    for one in (draft, world):
        one.wait()
    draft.log.add(CASE, "document", {"title": "placeholder"})
    target = draft.log.add(CASE, "document", {"title": "to be erased"})
    claims: dict[str, jsonc.Json] = {
        "target": {"position": 7, "leaf": target.leaf_hash.hex()},
        "reason": "made in advance",
    }
    world.log.add(CASE, "erasure", claims)
    made = world.log.add(CASE, "document", {"title": "to be erased"})
    if made.leaf != target.leaf:
        raise AssertionError("the leaf isn't the one that was foreseen")
    world.log.seal()
    world.log.anchor()
    world.wait()
    return case(world.complete(erased={**ERASED, 7: 6}), world)


@attack(withheld="13.3 FAIL ERASED_AFTER_DISPUTE")
def erasure_after_the_dispute() -> Case:
    """A record was erased after the day from which the person says that the dispute ran."""
    policy = honest().policy()
    policy["limits"]["dispute_since"] = "2026-10-01T02:00:00.000Z"
    return case(honest().complete(), policy=policy)


@attack(withheld="13.3 FAIL ERASED_AFTER_DISPUTE")
def erasure_after_the_dispute_called_withheld() -> Case:
    """The exporter lists the erased fields as withheld, so that no tombstone is asked for."""
    policy = honest().policy()
    policy["limits"]["dispute_since"] = "2026-10-01T02:00:00.000Z"
    claims = honest().log.matters[CASE].records[2].disclosures
    kept = {**WITHHELD, **{(2, claim): "personal_data" for claim in claims}}
    return case(honest().complete(withheld=kept, erased={}), policy=policy)


@attack()
def erasure_before_the_dispute() -> Case:
    """The same erasure is no fault when the dispute came later."""
    policy = honest().policy()
    policy["limits"]["dispute_since"] = "2026-10-02T00:00:00.000Z"
    return case(honest().complete(), policy=policy)


@attack()
def erasure_at_the_moment_of_the_dispute() -> Case:
    """An erasure that was anchored at the very moment is not after it."""
    policy = honest().policy()
    # The second shown anchor is that of the batch with the tombstone.
    anchored = honest().complete().json("data/statement.json")["anchors"][1]["time"]
    policy["limits"]["dispute_since"] = anchored
    return case(honest().complete(), policy=policy)


@attack()
def record_after_the_dispute() -> Case:
    """Records that came after the dispute began are no erasures, and no fault."""
    policy = honest().policy()
    policy["limits"]["dispute_since"] = "2026-10-01T00:00:00.000Z"
    return case(honest().extract((0, 3)), policy=policy)


@attack(withheld="13.1 FAIL WITHHELD_MISMATCH")
def erased_record_that_an_extract_leaves_out() -> Case:
    """An extract counts a record as erased that it doesn't show."""
    erased = [{"position": 2, "tombstone": 5}]
    return case(honest().extract((0, 3)).chosen(erased=erased).restated())


@attack()
def erased_record_counted_as_withheld() -> Case:
    """Without a tombstone the exporter lists every field of the record as withheld."""
    claims = honest().log.matters[CASE].records[2].disclosures
    kept = {**WITHHELD, **{(2, claim): "personal_data" for claim in claims}}
    return case(honest().complete(withheld=kept, erased={}))


@attack()
def everything_withheld() -> Case:
    """The exporter withholds every field of one record, with a reason for each."""
    claims = honest().log.matters[CASE].records[1].disclosures
    kept = {**WITHHELD, **{(1, claim): "trade_secret" for claim in claims}}
    return case(honest().complete(withheld=kept))

"""Members of a JSON object, each taken once by name and type."""

from __future__ import annotations

from tests.reference.refusal import refused
from verifier.format.jsonc import Json
from verifier.format.members import Members


def members() -> Members:
    return Members(
        {
            "text": "a",
            "integer": 5,
            "zero": 0,
            "true": True,
            "digest": "ab" * 32,
            "address": "0x" + "cd" * 20,
            "array": [1, 2],
            "texts": ["00", "0x00"],
            "hashes": ["ef" * 32],
            "b64": "AAE=",
            "b64s": ["", "/w=="],
            "object": {"x": 1},
            "null": None,
        },
        "thing",
    )


def test_members_are_taken_once_by_name_and_type() -> None:
    one = members()
    assert "text" in one
    assert one.text("text") == "a"
    assert "text" not in one
    assert one.integer("integer", 5, 5) == 5
    assert one.any("true") is True
    assert one.hex32("digest") == bytes.fromhex("ab" * 32)
    assert members().hexbytes("digest") == bytes.fromhex("ab" * 32)
    assert one.zerox("address", 20) == bytes.fromhex("cd" * 20)
    assert one.b64("b64") == b"\x00\x01"
    assert one.b64s("b64s", 2) == (b"", b"\xff")
    assert one.array("array", 2) == [1, 2]
    assert one.texts("texts", 2) == ["00", "0x00"]
    assert one.hashes("hashes", 1) == (b"\xef" * 32,)
    assert one.integer("zero") == 0
    inner = one.object("object")
    assert inner.integer("x") == 1
    inner.done()
    assert one.null("null")
    one.done()


def test_a_literal_member_is_what_it_must_be() -> None:
    members().literal("text", "a")
    with refused("MEMBER_FORM"):
        members().literal("text", "b")


def test_null_leaves_what_is_not_null() -> None:
    one = members()
    assert not one.null("text")
    assert one.text("text") == "a"


def test_a_member_that_nobody_took_is_refused() -> None:
    with refused("MEMBER_UNKNOWN"):
        members().done()


def test_a_missing_member_is_refused() -> None:
    with refused("MEMBER_MISSING"):
        members().text("other")
    with refused("MEMBER_MISSING"):
        members().null("other")


def test_members_of_another_type_are_refused() -> None:
    for kind in ("integer", "array", "object"):
        with refused("MEMBER_TYPE"):
            getattr(members(), kind)("text")
    with refused("MEMBER_TYPE"):
        members().text("integer")
    with refused("MEMBER_TYPE"):
        members().integer("true")
    with refused("MEMBER_TYPE"):
        members().integer("null")
    with refused("MEMBER_TYPE"):
        members().texts("array")
    with refused("MEMBER_TYPE"):
        members().objects("array")
    wrong: list[Json] = [None, [], "a", 1, False]
    for value in wrong:
        with refused("MEMBER_TYPE"):
            Members(value, "thing")


def test_members_outside_their_form_are_refused() -> None:
    with refused("MEMBER_FORM"):
        members().integer("integer", 6)
    with refused("MEMBER_FORM"):
        members().integer("integer", 0, 4)
    with refused("MEMBER_FORM"):
        members().hexbytes("digest", 31)
    with refused("MEMBER_FORM"):
        members().hexbytes("text")
    with refused("MEMBER_FORM"):
        members().zerox("digest")
    with refused("MEMBER_FORM"):
        members().zerox("address", 32)
    with refused("MEMBER_FORM"):
        members().array("array", 1)
    with refused("MEMBER_FORM"):
        Members({"digest": "ab" * 31}, "thing").hex32("digest")
    with refused("MEMBER_FORM"):
        members().texts("texts", 1)
    with refused("MEMBER_FORM"):
        members().hashes("texts", 2)
    with refused("MEMBER_FORM"):
        members().hashes("hashes", 0)
    with refused("MEMBER_FORM"):
        Members({"hashes": ["ef" * 33]}, "thing").hashes("hashes", 1)
    with refused("MEMBER_FORM"):
        members().b64s("texts", 2)
    with refused("MEMBER_FORM"):
        members().objects("array", 1)

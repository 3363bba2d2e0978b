"""DKIM signatures, made by an implementation of others, are judged by the bytes and the key alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from unittest import mock

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.importers.dkim import MAX_SIGNATURES, Finding, Result, judge, signatures
from tests.simulators.mail import MESSAGE, Signer, ed25519_signer, rsa_signer, with_tags

NOW = datetime(2026, 11, 26, tzinfo=UTC)
CANONS = [(head, body) for head in (b"simple", b"relaxed") for body in (b"simple", b"relaxed")]
SIGNERS = [rsa_signer, ed25519_signer]


def finding(message: bytes, *records: bytes) -> Finding:
    """Of the first signature."""
    return judge(signatures(message)[0], records, NOW)


def by_others(message: bytes, record: bytes) -> bool:
    try:
        return bool(dkim.DKIM(message).verify(dnsfunc=lambda name, timeout=5: record))
    except (dkim.DKIMException, ValueError, IndexError):
        # It meets some damage with errors of the libraries below.
        return False


@pytest.mark.parametrize("canon", CANONS)
@pytest.mark.parametrize("signer", SIGNERS)
def test_a_signature_of_others_passes_and_any_change_fails(
    signer: object, canon: tuple[bytes, bytes]
) -> None:
    one: Signer = signer()  # type: ignore[operator]
    signed = one.sign(canon=canon)
    assert finding(signed, one.record) == Finding(
        Result.PASS,
        "the signed headers and the signed body are those that the holder of the key signed",
        (),
    )
    altered_body = finding(signed.replace(b"Friday", b"Monday"), one.record)
    assert (altered_body.result, altered_body.reason) == (
        Result.FAIL,
        "the body is not the one that was signed",
    )
    altered_header = finding(signed.replace(b"Second", b"Third"), one.record)
    assert altered_header.result is Result.FAIL
    assert altered_header.reason.startswith("the signature is not of these headers")


@pytest.mark.parametrize("canon", CANONS)
def test_a_message_saved_with_lf_passes_and_says_so(canon: tuple[bytes, bytes]) -> None:
    signer = rsa_signer()
    found = finding(signer.sign(canon=canon).replace(b"\r\n", b"\n"), signer.record)
    assert found.result is Result.PASS
    assert any("LF alone" in note for note in found.notes)


@pytest.mark.parametrize(("canon", "result"), [(b"relaxed", Result.PASS), (b"simple", Result.FAIL)])
def test_blanks_count_only_in_the_simple_form(canon: bytes, result: Result) -> None:
    signer = rsa_signer()
    signed = signer.sign(canon=(canon, canon))
    head, _, body = signed.partition(b"\r\n\r\n")
    changed = head + b"\r\n\r\n" + body.replace(b"Please  pay \t", b"Please pay  ")
    assert finding(changed, signer.record).result is result
    refolded = signed.replace(b"Second\r\n  reminder ", b"Second reminder")
    assert finding(refolded, signer.record).result is result
    declared = with_tags(signed, {b"c": b"simple/simple" if canon == b"relaxed" else b"relaxed"})
    assert finding(declared, signer.record).result is Result.FAIL


def test_bytes_after_the_signed_length_are_flagged() -> None:
    signer = rsa_signer()
    signed = signer.sign(length=True)
    assert finding(signed, signer.record).notes == ()
    found = finding(signed + b"Pay twice.\r\n", signer.record)
    assert found.result is Result.PASS
    assert found.notes == (
        "l=: the last 16 bytes of the body are not signed; anybody can have added them",
    )
    cut = finding(signed.replace(b"by Friday.", b""), signer.record)
    assert cut.reason.startswith("the signature can't be of any message: l= says ")


def test_an_added_header_is_flagged_unless_it_was_signed_to_be_absent() -> None:
    signer = rsa_signer()
    subjects = signer.sign()
    twice = finding(b"Subject: Final notice\r\n" + subjects, signer.record)
    assert twice.result is Result.PASS
    assert twice.notes == ("subject stands 2 times and is signed 1 times: one was added",)
    # dkimpy signs From once more than it stands.
    senders = finding(b"From: other@example.com\r\n" + subjects, signer.record)
    assert senders.result is Result.FAIL
    few = signer.sign(include_headers=[b"from", b"date"])
    assert finding(few, signer.record).notes == ("to is not signed", "subject is not signed")


def test_a_signer_that_is_not_the_sender_is_flagged() -> None:
    signer = rsa_signer()
    foreign = signer.sign(MESSAGE.replace(b"agency@example.com", b"agency@example.org"))
    found = finding(foreign, signer.record)
    assert found == Finding(
        Result.PASS, found.reason, ("the signer's domain is not the one in From",)
    )


def test_a_signature_that_has_ended_still_says_what_was_signed() -> None:
    signer = rsa_signer()
    with mock.patch.object(dkim.time, "time", return_value=NOW.timestamp() - 100):
        signed = signer.sign()
    # It writes no x=. With one, the signature is of another header, but what x= says is told before.
    [one] = signatures(signed)
    assert one.signed_at == datetime.fromtimestamp(NOW.timestamp() - 100, UTC)
    late = signatures(with_tags(signed, {b"q": b"dns/txt; x=1893456000"}))[0]
    assert late.expires == datetime(2030, 1, 1, tzinfo=UTC)
    ended = judge(late, [signer.record], datetime(2031, 1, 1, tzinfo=UTC))
    assert any("x=" in note for note in ended.notes)
    assert not judge(late, [signer.record], NOW).notes
    backwards = finding(with_tags(signed, {b"q": b"dns/txt; x=1"}), signer.record)
    assert backwards.reason.endswith("it ends before it begins (x=, t=)")


def test_each_of_several_signatures_is_judged_by_itself() -> None:
    first, second = rsa_signer(), ed25519_signer()
    signed = second.sign(first.sign())
    ed, rsa = signatures(signed)
    assert (ed.key_name, rsa.key_name) == (second.name, first.name)
    assert judge(ed, [second.record], NOW).result is Result.PASS
    assert judge(rsa, [first.record], NOW).result is Result.PASS
    assert judge(rsa, [second.record], NOW).result is Result.NOT_CHECKED
    assert len(signatures(signed.split(b"From:")[0] * 30 + MESSAGE)) == MAX_SIGNATURES


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "no key stands in the DNS at this name any more, or none ever did"),
        (b"v=DKIM1; p=", "the signer has revoked the key"),
        (b"v=DKIM1", "the key record can't be used: it has no key"),
        (b"v=DKIM2; p=AAAA", "the key record can't be used: it is of another version"),
        (b"garbage", "the key record can't be used: it is no list of tags"),
        (b"p=AAAA", "the key record can't be used: p= is no key"),
        (b"p=%%%", "the key record can't be used: p= is not base64"),
        (b"k=ed25519; p=AAAA", "the key record can't be used: its key is of type ed25519, the"),
        (b"h=sha1; p=AAAA", "the key record can't be used: it does not allow SHA-256"),
        (b"s=tlsrpt; p=AAAA", "the key record can't be used: its key is not for mail"),
        (b"p=AAAA; p=AAAA", "the key record can't be used: the tag p stands twice"),
        (b"n=\xff\xfe; p=", "the signer has revoked the key"),
    ],
)
def test_without_a_usable_key_nothing_is_said_of_the_message(
    record: bytes | None, reason: str
) -> None:
    found = finding(rsa_signer().sign(), *([] if record is None else [record]))
    assert found.result is Result.NOT_CHECKED
    assert found.reason.startswith(reason)


def test_two_key_records_are_no_key() -> None:
    signer = rsa_signer()
    found = finding(signer.sign(), signer.record, signer.record)
    assert (found.result, found.reason) == (
        Result.NOT_CHECKED,
        "several key records stand at this name",
    )


def test_weak_and_test_keys_are_flagged_and_short_ones_refused() -> None:
    weak = rsa_signer(1024)
    found = finding(weak.sign(), weak.record + b"; t=y")
    assert found.result is Result.PASS
    assert found.notes == (
        "the signer calls its key a test (t=y)",
        "the key has 1024 bits, which is weak",
    )


def test_a_key_for_the_domain_alone_signs_for_no_part_of_it() -> None:
    signer = rsa_signer()
    signed = signer.sign(identity=b"a@mail.example.com")
    assert finding(signed, signer.record).result is Result.PASS
    found = finding(signed, signer.record + b"; t=s")
    assert (
        found.reason == "the key record can't be used: it forbids signing for a part of the domain"
    )


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({b"c": b"simple/other"}, "c= is no known form"),
        ({b"d": b"other.example"}, "i= is outside d="),
        ({b"q": b"http"}, "its key does not stand in the DNS (q=)"),
        ({b"h": b"to : subject"}, "it does not sign From"),
        ({b"bh": b"%"}, "bh= is not base64"),
        ({b"t": b"soon"}, "t= is no time"),
        ({b"s": b"a/b"}, "s= is no name of the DNS"),
        ({b"s": b""}, "the tag s is missing"),
    ],
)
def test_a_signature_that_is_none_fails_and_says_why(tags: dict[bytes, bytes], reason: str) -> None:
    signer = rsa_signer()
    found = finding(with_tags(signer.sign(), tags), signer.record)
    assert found == Finding(
        Result.FAIL, f"the signature can't be of any message: {reason}", found.notes
    )


def test_sha1_is_not_checked() -> None:
    found = finding(with_tags(rsa_signer().sign(), {b"a": b"rsa-sha1"}))
    assert found.result is Result.NOT_CHECKED
    assert found.reason.startswith("rsa-sha1 proves nothing any more")


# Not CR, VT and FF, which they take for blanks and RFC 6376 does not.
@given(st.integers(0, 10_000), st.integers(0, 255).filter(lambda byte: byte not in b"\r\v\f"))
def test_where_others_see_a_changed_byte_so_do_we(place: int, byte: int) -> None:
    signer = rsa_signer()
    signed = signer.sign()
    at = place % len(signed)
    changed = signed[:at] + bytes([byte]) + signed[at + 1 :]
    results = [judge(one, [signer.record], NOW).result for one in signatures(changed)]
    assert (results == [Result.PASS]) == by_others(changed, signer.record)


@pytest.mark.parametrize(
    "hostile",
    [
        b" " * 1_000_000 + b"x",
        b"\r\n" * 500_000 + b"x",
        b"a: b\r\n" * 150_000,
        (b"\t " * 250_000 + b"\r\n") * 2,
    ],
)
def test_hostile_bodies_and_headers_cost_linear_time(hostile: bytes) -> None:
    signer = rsa_signer()
    signed = signer.sign()
    header = signed.partition(b"From:")[0]
    started = time.process_time()
    for message in (signed + hostile, header * 30 + hostile + MESSAGE):
        for one in signatures(message):
            judge(one, [signer.record], NOW)
    assert time.process_time() - started < 5

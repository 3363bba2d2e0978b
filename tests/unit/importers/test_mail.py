"""Messages as files: their headers are read, what can't be is said, and nothing is refused for it."""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from notary.importers.document import document_row, document_source
from notary.importers.mail import MAX_LISTED, MAX_PARSED_BYTES
from notary.importers.original import Original
from notary.importers.rows import ImportedRow

PDF = b"%PDF-1.4 annex"
MAIL = (
    b"Received: from b.example.com by c.example.com; Mon, 2 Feb 2026 09:00:03 +0000\r\n"
    b"Received: from a.example.com\r\n\tby b.example.com; Mon, 2 Feb 2026 10:00:01 +0100\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=2026;\r\n\th=from:date; "
    b"bh=et0Y66rt/P+/ZseRAZ7p7Si6JyRfSDm5lwhkTgpRl0g=; b=BB\r\n BB\r\n"
    b"From: =?utf-8?q?Agenc=C3=ADa?= <agency@example.com>\r\n"
    b"To: Debtor <debtor@example.com>, other@example.com\r\n"
    b"Cc: copy@example.com\r\n"
    b"Subject: =?utf-8?b?5YKs5qy+?=\r\n reminder\r\n"
    b"Date: Mon, 2 Feb 2026 10:00:00 +0100\r\n"
    b"Message-ID: <1@example.com>\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n'
    b"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlease pay.\r\n"
    b'--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="annex.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n" + b64encode(PDF) + b"\r\n--x--\r\n"
)


def row(path: Path, content: bytes) -> ImportedRow:
    path.write_bytes(content)
    with Original(path) as original:
        item = document_row(original, document_source(original, bytes(32)), bytes(32))
    assert isinstance(item, ImportedRow)
    return item


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail.eml"


def claims(path: Path, content: bytes) -> Any:
    item = row(path, content)
    assert item.kind == "message"
    return item.claims


def test_the_headers_are_read_and_the_file_is_attached(path: Path) -> None:
    item = row(path, MAIL)
    found: Any = item.claims
    assert found["sender"] == "Agenc\u00eda <agency@example.com>"
    assert found["subject"] == "\u50ac\u6b3e reminder"
    assert found["reference"] == "<1@example.com>"
    assert [one["address"] for one in found["recipients"]] == [
        "debtor@example.com",
        "other@example.com",
        "copy@example.com",
    ]
    assert found["occurred_at"] == "2026-02-02T09:00:00.000Z"
    assert found["occurred_at_source"]["zone"] == "+01:00"
    assert found["occurred_at_source"]["note"] == "as the sender's Date header says"
    assert found["text"] == "Please pay."
    assert [file.media_type for file in item.files] == ["message/rfc822"]
    assert found["import"]["importer"] == "mail"


def test_each_hop_is_listed_the_last_first(path: Path) -> None:
    last, first = claims(path, MAIL)["fields"]["received"]
    assert last["at"] == "2026-02-02T09:00:03.000Z"
    assert first["at"] == "2026-02-02T09:00:01.000Z"
    assert first["text"].startswith("from a.example.com by b.example.com;")


def test_an_attachment_is_named_by_its_digest(path: Path) -> None:
    assert claims(path, MAIL)["fields"]["attachments"] == [
        {
            "filename": "annex.pdf",
            "media_type": "application/pdf",
            "size": len(PDF),
            "sha256": hashlib.sha256(PDF).hexdigest(),
        }
    ]


def test_a_signature_is_named_and_said_to_be_unchecked(path: Path) -> None:
    [signature] = claims(path, MAIL)["fields"]["dkim"]
    assert (signature["domain"], signature["selector"]) == ("example.com", "2026")
    assert signature["algorithm"] == "rsa-sha256"
    assert signature["result"].startswith("NOT CHECKED: ")


def test_a_signature_over_another_body_fails_without_any_key(path: Path) -> None:
    [signature] = claims(path, MAIL.replace(b"Please pay.", b"Please pay!"))["fields"]["dkim"]
    assert signature["result"] == "FAIL: the body is not the one that was signed"


def test_seals_of_forwarders_are_counted_and_said_to_be_unchecked(path: Path) -> None:
    found = claims(path, b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.example; s=1; b=AA\r\n" + MAIL)
    assert found["fields"]["arc"].startswith("NOT CHECKED: 1 seals")


def test_the_digest_with_crlf_is_that_of_the_message_as_sent(path: Path) -> None:
    saved = claims(path, MAIL.replace(b"\r\n", b"\n"))
    assert saved["fields"]["sha256_crlf"] == hashlib.sha256(MAIL).hexdigest()


@pytest.mark.parametrize(
    ("date", "at", "note"),
    [
        (b"Mon, 2 Feb 2026 10:00:00 -0000", "2026-02-02T10:00:00.000Z", "sender's Date"),
        (b"Mon, 2 Feb 2026 10:00:00", None, "no offset"),
        (b"yesterday", None, "can't be read"),
        (b"", None, "gives no time"),
        (b"Mon, 2 Feb 99999 10:00:00 +0000", None, "can't be read"),
    ],
)
def test_a_date_is_never_guessed(path: Path, date: bytes, at: str | None, note: str) -> None:
    found = claims(path, MAIL.replace(b"Mon, 2 Feb 2026 10:00:00 +0100", date))
    assert found["occurred_at"] == at
    assert note in (found["occurred_at_source"]["note"] or "")


def test_a_missing_date_is_null(path: Path) -> None:
    found = claims(path, MAIL.replace(b"Date:", b"X-Date:"))
    assert found["occurred_at"] is None
    assert "no one Date" in found["occurred_at_source"]["note"]


def test_a_header_that_stands_twice_gives_no_claim(path: Path) -> None:
    found = claims(path, b"From: other@example.com\r\n" + MAIL)
    assert "sender" not in found
    assert found["fields"]["stands_twice"] == ["From"]


def test_a_header_in_plain_utf_8_is_read(path: Path) -> None:
    # RFC 6532; older programs write it as well.
    content = b"From: a@example.com\nDate: x\nSubject: \xe5\x82\xac\xe6\xac\xbe \xe2\x80\xae\n\n"
    assert row(path, content).claims["subject"] == "\u50ac\u6b3e \u202e"
    assert row(path, content.replace(b"\xac", b"\xff")).claims["subject"] != "\u50ac\u6b3e"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (b'multipart/encrypted; protocol="application/pgp-encrypted"; boundary="x"', "NOT READ"),
        (b"application/pkcs7-mime; smime-type=enveloped-data", "NOT READ"),
        (b"application/x-pkcs7-mime; smime-type=authEnveloped-data", "NOT READ"),
        (b"application/pkcs7-mime; smime-type=signed-data", "NOT CHECKED"),
        (b'multipart/signed; protocol="application/pkcs7-signature"; boundary="x"', "NOT CHECKED"),
        (b"application/pkcs7-mime", None),
        (b"text/plain", None),
    ],
)
def test_what_is_encrypted_or_signed_says_so(path: Path, kind: bytes, says: str | None) -> None:
    content = b"From: a@example.com\nDate: x\nContent-Type: " + kind + b"\n\n--x\n\nHi\n--x--\n"
    fields = row(path, content).claims["fields"]
    assert isinstance(fields, dict)
    closed = fields.get("closed")
    assert (None if closed is None else str(closed).partition(":")[0]) == says


def test_control_characters_and_foreign_bytes_deceive_nobody(path: Path) -> None:
    found = claims(path, MAIL.replace(b"Please pay.", b"Please\x1b[2Jpay\xff"))
    assert "\x1b" not in found["text"]
    assert found["text"].endswith("pay\ufffd")
    found = claims(path, MAIL.replace(b"<1@example.com>", b"<1\x07\xe9@example.com>"))
    assert found["reference"].isprintable()


@pytest.mark.parametrize(
    "content",
    [
        b"From,To,Date\nx,y,z\n",
        b"From agency@example.com Mon Feb  2 10:00:00 2026\nFrom: a@example.com\nDate: x\n\n",
        b"From: only\n\nx",
        b"PK\x03\x04" + MAIL,
        b"",
    ],
)
def test_what_has_no_headers_of_a_message_is_a_document(path: Path, content: bytes) -> None:
    assert row(path, content).kind == "document"


def test_lists_are_bounded_and_counted(path: Path) -> None:
    hop = b"Received: by a; Mon, 2 Feb 2026 09:00:00 +0000\r\n"
    fields = claims(path, hop * 300 + MAIL)["fields"]
    assert len(fields["received"]) == MAX_LISTED
    assert fields["received_count"] == 302


@pytest.mark.parametrize("shape", ["deep", "long", "charset", "addresses", "words"])
def test_a_hostile_message_is_recorded_in_bounded_time_and_memory(path: Path, shape: str) -> None:
    head = b"From: a@example.com\r\nDate: Mon, 2 Feb 2026 10:00:00 +0000\r\n"
    body = b"\r\nx"
    if shape == "deep":
        parts = b"".join(
            b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n)
            for n in range(20_000)
        )
        body = parts
    if shape == "long":
        body = b"\r\n" + b"x" * (MAX_PARSED_BYTES + 1)
    if shape == "charset":
        body = b"Content-Type: text/plain; charset=no-such\r\n\r\nx"
    if shape == "addresses":
        body = b"To: " + b'(<,"' * 15_000 + b"\r\n\r\nx"
    if shape == "words":
        body = b"Subject: " + b"=?utf-8?b?" * 6_000 + b"\r\n\r\nx"
    path.write_bytes(head + body)
    code = f"""
from pathlib import Path
from notary.importers.document import document_row, document_source
from notary.importers.original import Original
with Original(Path({str(path)!r})) as original:
    row = document_row(original, document_source(original, bytes(32)), bytes(32))
print(row.kind, row.claims["fields"].get("note", ""))
"""
    limit = 1024 * 2**20

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=bound,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("message")
    if shape in ("deep", "long"):
        assert ("only the headers" if shape == "long" else "told apart") in done.stdout

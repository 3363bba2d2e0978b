"""vCons of the old and the current syntax: each element a record, digests checked, nothing fetched."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest

from notary.importers.column_map import ColumnMap
from notary.importers.map_file import parse_map, shipped_map
from notary.importers.original import Original
from notary.importers.recognise import open_rows, recognise
from notary.importers.rows import MAX_ROW_BYTES, ImportedRow, Reject
from notary.importers.vcon import MAX_VCON_BYTES, vcon_fits

SAMPLES = Path("tests/samples/vcon")
UUID = "018f0000-0000-8000-8000-000000000001"
START = "2026-02-02T09:00:00+01:00"
SOUND = b"RIFF\x04\x00\x00\x00WAVE" + bytes(range(256))


def coded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def sha512(data: bytes) -> str:
    return f"sha512-{coded(hashlib.sha512(data).digest())}"


def recording(**members: Any) -> dict[str, Any]:
    return {
        "type": "recording",
        "start": START,
        "duration": 33,
        "parties": [0, 1],
        "mediatype": "audio/x-wav",
        **members,
    }


def vcon(*dialog: Any, **members: Any) -> dict[str, Any]:
    return {
        "vcon": "0.4.0",
        "uuid": UUID,
        "created_at": START,
        "subject": "Payment",
        "parties": [
            {"tel": "tel:+447700900100", "name": "Agency", "stir": "ey.ey.sig", "role": "agent"},
            {"tel": "+44770090****", "name": "Debtor", "role": "customer"},
        ],
        "dialog": list(dialog),
        **members,
    }


def read(path: Path, content: Any, map_: ColumnMap | None = None) -> list[Any]:
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with Original(path) as original:
        found = recognise(original, [] if map_ is None else [map_], alone=False)
        assert not isinstance(found, Reject)
        assert found.map is not None
        assert found.map.format == "vcon"
        return list(open_rows(original, found.map, bytes(32)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "call.vcon.json"


def test_an_inline_recording_is_decoded_and_its_digest_checked(path: Path) -> None:
    body = {"body": coded(SOUND), "encoding": "base64url", "content_hash": sha512(SOUND)}
    [item] = read(path, vcon(recording(**body)))
    assert item.kind == "call"
    assert item.claims["occurred_at"] == "2026-02-02T08:00:00.000Z"
    assert item.claims["caller"] == {"number": "+447700900100", "masked": False}
    assert item.claims["callee"] == {"number": "+44770090****", "masked": True}
    assert item.claims["duration_s"] == 33
    assert item.claims["reference"] == f"{UUID}#dialog/0"
    content = item.claims["fields"]["content"]
    assert (content["size"], content["digest"]) == (len(SOUND), "PASS")
    assert content["sha512"] == hashlib.sha512(SOUND).hexdigest()
    assert item.claims["fields"]["parties"][0]["stir"] == "ey.ey.sig"
    assert item.raw == path.read_bytes()[item.start : item.end]


@pytest.mark.parametrize(
    "named",
    [
        {"content_hash": sha512(SOUND)},
        {"content_hash": [sha512(SOUND)]},
        {"alg": "SHA-512", "signature": coded(hashlib.sha512(SOUND).digest())},
    ],
)
def test_a_recording_beside_is_checked_and_attached(path: Path, named: dict[str, Any]) -> None:
    dialog = recording(url="https://example.com/a/b.wav?x=1", **named)
    [item] = read(path, vcon(dialog))
    assert item.files == ()
    assert item.claims["fields"]["content"]["digest"].startswith("NOT CHECKED: nothing is fetched")
    (path.parent / "b.wav").write_bytes(SOUND)
    [item] = read(path, vcon(dialog))
    assert [(file.filename, file.media_type) for file in item.files] == [("b.wav", "audio/wav")]
    assert item.claims["fields"]["content"]["digest"] == "PASS"
    (path.parent / "b.wav").write_bytes(SOUND + b"x")
    [item] = read(path, vcon(dialog))
    assert isinstance(item, Reject)
    assert (item.code, item.field) == ("ROW_DIGEST", "dialog[0].content_hash")


def test_a_file_is_attached_for_its_digest_and_never_by_a_path(path: Path) -> None:
    (path.parent / "b.wav").write_bytes(SOUND)
    [item] = read(path, vcon(recording(url="https://example.com/b.wav")))
    assert item.files == ()
    assert "gives no content_hash" in item.claims["fields"]["content"]["digest"]
    inner = path.parent / "in"
    inner.mkdir()
    below = inner / "below"
    below.mkdir()
    (below / "b.wav").write_bytes(SOUND)
    for name in ("../b.wav", "/etc/passwd", "below/b.wav"):
        dialog = recording(url="https://example.com/", filename=name, content_hash=sha512(SOUND))
        [item] = read(inner / "call.json", vcon(dialog))
        assert item.files == ()


def test_an_analysis_is_derived_and_names_its_inputs(path: Path) -> None:
    analysis = {
        "type": "summary",
        "dialog": [0],
        "vendor": "V",
        "product": "P",
        "body": "They spoke.",
    }
    attachment = {
        "purpose": "consent",
        "start": START,
        "encoding": "json",
        "body": {"b": 1, "a": 2},
    }
    _, derived, document = read(
        path, vcon(recording(), analysis=[analysis], attachments=[attachment])
    )
    assert derived.kind == "derived"
    assert derived.claims["model"] == {"vendor": "V", "product": "P"}
    assert derived.claims["inputs"] == [f"{UUID}#dialog/0"]
    assert derived.claims["occurred_at"] is None
    assert derived.claims["text"] == "They spoke."
    assert (document.kind, document.claims["title"]) == ("document", "consent")
    assert document.claims["text"] == '{"a":2,"b":1}'


def test_what_was_said_is_a_message_and_a_missed_call_a_call(path: Path) -> None:
    text = {"type": "text", "start": START, "parties": [0, 1], "originator": 1, "body": "Hello"}
    missed = {"type": "incomplete", "start": START, "parties": [0, 1], "disposition": "no-answer"}
    message, call = read(path, vcon(text, missed, redacted={"uuid": "earlier"}))
    assert message.kind == "message"
    assert message.claims["sender"]["name"] == "Debtor"
    assert [one["name"] for one in message.claims["recipients"]] == ["Agency"]
    assert (message.claims["text"], message.claims["subject"]) == ("Hello", "Payment")
    assert call.claims["disposition"] == "no-answer"
    assert call.claims["fields"]["redacted"] == "earlier"


def test_a_part_of_a_second_is_not_rounded(path: Path) -> None:
    [item] = read(path, vcon(recording(duration=33.12)))
    assert "duration_s" not in item.claims
    assert item.claims["fields"]["duration"] == "33.12"


def test_a_map_names_the_zone_and_the_account(path: Path) -> None:
    content = vcon(recording(start="2026-02-02T09:00:00"), recording(start=None))
    refused, timeless = read(path, content)
    assert (refused.code, refused.field) == ("ROW_ZONE", "dialog[0].start")
    assert timeless.claims["occurred_at"] is None
    assert timeless.claims["occurred_at_source"]["note"] == "the source gives no time"
    text = (
        'base = "vcon"\nid = "own"\nversion = 1\n[occurred_at]\nzone = "Europe/Madrid"\n'
        '[account]\ncolumn = "parties[role=customer].name"\n'
    )
    item, _ = read(path, content, parse_map(text.encode(), "own"))
    assert item.claims["occurred_at"] == "2026-02-02T08:00:00.000Z"
    assert item.account == "Debtor"


def test_the_identity_is_the_place_in_the_vcon(path: Path) -> None:
    [one] = read(path, vcon(recording()))
    again, other = read(path, vcon(recording(), recording()))
    assert one.identity == again.identity != other.identity
    [unnamed] = read(path, {**vcon(recording()), "uuid": ""})
    assert unnamed.identity not in (one.identity, other.identity)


def test_what_is_too_long_for_a_claim_stands_in_the_file_attached_once(path: Path) -> None:
    body = {"body": coded(bytes(MAX_ROW_BYTES)), "encoding": "base64url"}
    one, two = read(path, vcon(recording(**body), recording(**body)))
    assert [file.path for file in one.files] == [path]
    assert two.files == ()
    for item in (one, two):
        assert item.raw == b""
        assert "raw" not in item.claims
        assert item.claims["fields"]["bytes_in"] == one.claims["reference"]
        assert item.claims["fields"]["content"]["size"] == MAX_ROW_BYTES


def test_what_later_drafts_brought_is_read(path: Path) -> None:
    """recording-set, a channel without party, session identifiers and inputs from attachments (0.4.0)."""
    session = [{"local": "a", "remote": "b"}, {}]
    whole = recording(type="recording-set", recordings=[1], session_id=session)
    channel = recording(parties=[[0], None], recording_set=0, message_id="<m@example.com>")
    analysis = {"type": "report", "vendor": "V", "attachment": [0], "body": "x"}
    document = vcon(
        whole, {}, channel, analysis=[analysis], attachments=[{"body": "y", "start": START}]
    )
    grouped, single, report, _ = read(path, document)
    assert (grouped.kind, grouped.claims["fields"]["type"]) == ("call", "recording-set")
    assert json.loads(grouped.claims["fields"]["session_id"]) == session
    assert single.claims["fields"]["message_id"] == "<m@example.com>"
    assert single.claims["caller"]["number"] == "+447700900100"
    # The empty place of what a redaction took out is no record, and keeps its number.
    assert single.claims["reference"] == f"{UUID}#dialog/2"
    assert report.claims["inputs"] == [f"{UUID}#attachments/0"]


def test_a_digest_in_hexadecimal_is_checked(path: Path) -> None:
    for algorithm in ("sha256", "sha512"):
        said = hashlib.new(algorithm, b"They spoke.").hexdigest()
        [item] = read(path, vcon(recording(type="text", body="They spoke.", content_hash=said)))
        assert item.claims["fields"]["content"]["digest"] == "PASS"
    said = hashlib.sha512(b"They spoke.").hexdigest()
    [item] = read(path, vcon(recording(type="text", body="They spoke!", content_hash=said)))
    assert item.code == "ROW_DIGEST"


def test_an_encrypted_vcon_is_known_by_its_end(path: Path) -> None:
    long = {"ciphertext": "A" * 2**17, "unprotected": {"cty": "application/vcon+json"}}
    [item] = read(path, long)
    assert item.claims["title"].endswith("its content was NOT CHECKED")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            {"payload": coded(b'{"vcon": "0.4.0"}'), "signatures": [{"protected": "e30"}]},
            "signature",
        ),
        ({"unprotected": {"cty": "application/vcon+json"}, "ciphertext": "AA"}, "content"),
    ],
)
def test_a_closed_vcon_is_kept_and_says_what_was_not_checked(
    path: Path, content: Any, says: str
) -> None:
    [item] = read(path, content)
    assert item.kind == "document"
    assert item.claims["title"].endswith(f"its {says} was NOT CHECKED")
    assert [file.path for file in item.files] == [path]


@pytest.mark.parametrize(
    ("dialog", "code", "field"),
    [
        ({"type": "shout"}, "ROW_VCON", "type"),
        ({"parties": [2]}, "ROW_VCON", "parties"),
        ({"parties": [True]}, "ROW_VCON", "parties"),
        ({"parties": [-1]}, "ROW_VCON", "parties"),
        ({"body": "a+b/", "encoding": "base64url"}, "ROW_VCON", "body"),
        ({"body": "abcde", "encoding": "base64url"}, "ROW_VCON", "body"),
        ({"body": "x", "encoding": "gzip"}, "ROW_VCON", "encoding"),
        ({"body": "x", "content_hash": "md5-AAAA"}, "ROW_VCON", "content_hash"),
        ({"body": "x", "content_hash": sha512(b"y")}, "ROW_DIGEST", "content_hash"),
        ({"body": "a\u001b[31m"}, "ROW_CONTROL", "body"),
        ({"body": "\ud800"}, "ROW_VALUE", "body"),
        ({"start": "yesterday"}, "ROW_TIME", "start"),
        ({"start": 5}, "ROW_TIME", "start"),
        ({"type": ["recording"]}, "ROW_VCON", "type"),
    ],
)
def test_a_bad_dialog_is_refused_and_its_neighbour_enters(
    path: Path, dialog: dict[str, Any], code: str, field: str
) -> None:
    bad, good = read(path, vcon(recording(**dialog), recording()))
    assert isinstance(bad, Reject), bad
    assert (bad.code, bad.field) == (code, f"dialog[0].{field}")
    assert bad.remedy
    assert isinstance(good, ImportedRow)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (json.dumps(vcon(recording())).encode()[:-9], "ROW_JSON"),
        (json.dumps(vcon(recording())).encode().replace(b'"dialog"', b'"uuid"'), "ROW_JSON"),
        (b'{"vcon": "0.4.0", "dialog": ' + b"[" * 90_000, "ROW_JSON"),
        (json.dumps(vcon(recording(), critical=["x"])).encode(), "ROW_VCON"),
        (json.dumps(vcon(recording(), must_support=["x"])).encode(), "ROW_VCON"),
        (json.dumps(vcon({})).encode(), "ROW_VCON"),
        (json.dumps({**vcon(), "vcon": "7"}).encode(), "ROW_VCON"),
        (json.dumps(vcon()).encode(), "ROW_VCON"),
        (json.dumps({"vcons": [vcon(recording())]}).encode(), "ROW_VCON"),
        (json.dumps({**vcon(), "parties": {}}).encode(), "ROW_VCON"),
        (b'{"vcon": "0.4.0", "x": "' + b"y" * MAX_VCON_BYTES + b'"}', "ROW_SIZE"),
        (b'{"vcon": "0.4.0", "x": "\xe9"}', "ROW_ENCODING"),
    ],
)
def test_a_vcon_that_can_not_be_trusted_is_refused_whole(
    path: Path, content: bytes, code: str
) -> None:
    [item] = read(path, content)
    assert isinstance(item, Reject)
    assert item.whole
    assert item.code == code
    assert item.remedy


@pytest.mark.parametrize(
    "content",
    [
        {"payload": "e30", "signatures": []},
        {"payload": "a", "signatures": []},
        {"payload": {"vcon": 1}, "signatures": []},
        {"ciphertext": "AA"},
        {"vcon": 4},
        [vcon()],
    ],
)
def test_what_is_signed_or_encrypted_and_no_vcon_is_not_taken_for_one(content: Any) -> None:
    assert not vcon_fits(json.dumps(content).encode())


def test_a_signed_vcon_longer_than_the_first_bytes_is_known() -> None:
    head = b'{"payload": "' + coded(json.dumps(vcon()).encode() + bytes(90)).encode()
    for cut in range(4):
        assert vcon_fits(head[: len(head) - cut])


def test_a_map_for_vcons_makes_no_claims() -> None:
    assert shipped_map("vcon").claims == ()

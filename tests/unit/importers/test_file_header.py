"""What headers say is recorded as their word; a hostile one costs nothing and says nothing."""

from __future__ import annotations

import io
import struct
import time
import wave
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notary.importers.document import document_row, document_source
from notary.importers.file_header import header_says
from notary.importers.original import Original
from notary.importers.rows import ImportedRow


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


# GSM 6.10: 65 bytes hold 320 samples.
GSM = riff(
    chunk(b"fmt ", struct.pack("<HHIIHHHH", 0x31, 1, 8_000, 1_625, 65, 0, 2, 320)),
    chunk(b"fact", struct.pack("<I", 16_000)),
    chunk(b"data", bytes(65 * 50)),
)


def pcm() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(4 * 4_000))
    return out.getvalue()


def box(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + name + data


MP4 = (
    box(b"ftyp", b"isom" + bytes(4))
    + box(b"free", bytes(100))
    + box(
        b"moov", box(b"mvhd", struct.pack(">IIIII", 0, 3_853_000_000, 0, 600, 18_300) + bytes(80))
    )
)
OPUS = (
    b"OggS\0\2"
    + bytes(20)
    + b"\1\x13"
    + b"OpusHead\1\2"
    + struct.pack("<HIH", 312, 16_000, 0)
    + b"\0"
    b"OggS\0\4" + struct.pack("<Q", 48_000 * 3 + 312) + bytes(13)
)
FLAC = (
    b"fLaC\0\0\0\x22"
    + bytes(10)
    + struct.pack(">Q", 44_100 << 44 | 1 << 41 | 44_100 * 2)
    + bytes(16)
)
MP3 = (
    b"ID3\4\0\0\0\0\0\x0a"
    + bytes(10)
    + b"\xff\xfb\x90\x64"
    + bytes(32)
    + b"Xing\0\0\0\1"
    + struct.pack(">I", 100)
    + bytes(300)
)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + struct.pack(">II", 640, 480)
JPEG = b"\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x11\x08" + struct.pack(">HH", 480, 640) + bytes(9)


def says(path: Path, content: bytes) -> Any:
    path.write_bytes(content)
    with Original(path) as original:
        return header_says(original)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (GSM, {"encoding": "GSM 6.10", "channels": 1, "sample_rate": 8_000, "duration_ms": 2_000}),
        (pcm(), {"encoding": "PCM", "channels": 2, "sample_rate": 8_000, "duration_ms": 500}),
        (MP4, {"brand": "isom", "duration_ms": 30_500, "created": "2026-02-03T21:46:40Z"}),
        (OPUS, {"encoding": "Opus", "channels": 2, "duration_ms": 3_000}),
        (FLAC, {"encoding": "FLAC", "channels": 2, "sample_rate": 44_100, "duration_ms": 2_000}),
        (
            MP3,
            {
                "encoding": "MPEG layer 3",
                "sample_rate": 44_100,
                "channels": 2,
                "duration_ms": 2_612,
            },
        ),
        (PNG, {"width": 640, "height": 480}),
        (b"GIF89a" + struct.pack("<HH", 64, 48), {"width": 64, "height": 48}),
        (JPEG, {"width": 640, "height": 480}),
    ],
)
def test_what_a_header_says_is_told(path: Path, content: bytes, wanted: dict[str, Any]) -> None:
    assert says(path, content) == wanted


def test_a_recording_that_was_cut_off_says_so(path: Path) -> None:
    assert "cut_off" not in says(path, GSM)
    assert "more than the file holds" in says(path, GSM[:-100])["cut_off"]


def test_an_unknown_format_tag_is_shown_as_a_number(path: Path) -> None:
    assert says(path, GSM.replace(b"\x31\0\1\0", b"\x99\0\1\0"))["encoding"] == "format tag 0x0099"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"RIFF\0\0\0\0WAVE",
        riff(chunk(b"fmt ", b"\1")),
        box(b"ftyp", b"\xff" * 8),
        MP4.replace(struct.pack(">I", 600) + struct.pack(">I", 18_300), bytes(8)),
        FLAC[:20],
        FLAC.replace(FLAC[18:26], bytes(8)),
        b"\xff\xfb",
        PNG[:18],
        JPEG[:9],
    ],
)
def test_a_header_that_can_not_be_followed_says_nothing(path: Path, content: bytes) -> None:
    assert says(path, content) is None


@pytest.mark.parametrize(
    "content",
    [
        riff() + b"junk\0\0\0\0" * 2_000_000,
        box(b"ftyp", b"isom" + bytes(4)) + box(b"free", b"") * 2_000_000,
        b"\xff\xd8" + b"\xff\xe0\0\2" * 4_000_000,
    ],
)
def test_a_header_without_end_is_given_up_at_once(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with Original(path) as original:
        before = time.process_time()
        header_says(original)
        assert time.process_time() - before < 1


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    which=st.sampled_from([GSM, MP4, OPUS, FLAC, MP3, PNG, JPEG]),
    place=st.integers(0, 120),
    junk=st.binary(min_size=1, max_size=12),
)
def test_no_damage_raises(path: Path, which: bytes, place: int, junk: bytes) -> None:
    says(path, which[:place] + junk + which[place + len(junk) :])


def test_a_document_has_it_and_no_time_of_it(path: Path) -> None:
    path.write_bytes(MP4)
    with Original(path) as original:
        item = document_row(original, document_source(original, bytes(32)), bytes(32))
    assert isinstance(item, ImportedRow)
    claims: Any = item.claims
    assert claims["fields"]["header_says"]["duration_ms"] == 30_500
    assert claims["occurred_at"] is None
    assert claims["filename"] == "file"

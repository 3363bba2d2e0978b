"""Owns what the header of a recording, picture or PDF says of itself (docs/spec/importers.md §8).

Each reader but that of PDF looks at a few places that the header names, at most MAX_STEPS of them, and
decodes nothing. A header can say anything, so what it says is recorded as its word.
Test: tests/unit/importers/test_file_header.py.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from notary.importers.original import HEAD_BYTES, Original
from notary.importers.pdf import pdf_says
from verifier.format.jsonc import MAX_INTEGER, Json

MAX_STEPS = 200  # chunks, boxes or segments that are passed over before what is looked for
MILLISECONDS = 1_000

# RFC 2361 and mmreg.h. The standard library's wave refuses all but the first.
_WAV_FORMATS = {
    0x0001: "PCM",
    0x0002: "MS ADPCM",
    0x0003: "IEEE float",
    0x0006: "A-law",
    0x0007: "mu-law",
    0x0011: "IMA ADPCM",
    0x0031: "GSM 6.10",
    0x0055: "MPEG layer 3",
    0xFFFE: "extensible",
}
_OPUS_RATE = 48_000  # RFC 7845 §4: positions count at this rate, whatever was recorded
_MP4_EPOCH = datetime(1904, 1, 1)  # noqa: DTZ001 - ISO 14496-12 §8.2.2: in UTC
_MP3_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_MP3_SAMPLES = {3: 1_152, 2: 576, 0: 576}  # in a frame of layer 3, by version


def header_says(original: Original) -> dict[str, Json] | None:
    """What the file's header says, or None where it is of no known kind, or can't be followed."""
    head = original.head()
    for fits, reader in _READERS:
        if fits(head):
            try:
                says = reader(original)
            except (struct.error, ValueError, OverflowError, ZeroDivisionError, LookupError):
                return None
            # Numbers that no record can hold are no lengths or dates of anything.
            return {
                name: value
                for name, value in says.items()
                if not isinstance(value, int) or 0 <= value <= MAX_INTEGER
            } or None
    return None


def _at(original: Original, start: int, length: int) -> bytes:
    """Up to `length` bytes at `start`; fewer where the file ends."""
    start = min(start, original.size)
    return original.read(start, min(start + length, original.size))


def _unpack(form: str, data: bytes, offset: int = 0) -> tuple[int, ...]:
    return tuple(int(value) for value in struct.unpack_from(form, data, offset))


def _wav(original: Original) -> dict[str, Json]:
    says: dict[str, Json] = {}
    rate = byte_rate = samples = data = 0
    for name, start, length in _chunks(original):
        if name == b"fmt ":
            tag, channels, rate, byte_rate = _unpack("<HHII", _at(original, start, 12))
            says["encoding"] = _WAV_FORMATS.get(tag, f"format tag 0x{tag:04X}")
            says["channels"] = channels
            says["sample_rate"] = rate
        elif name == b"fact":
            [samples] = _unpack("<I", _at(original, start, 4))
        elif name == b"data":
            data = length
            if start + length > original.size:
                says["cut_off"] = "the header announces more than the file holds"
            break
    if samples and rate:
        says["duration_ms"] = samples * MILLISECONDS // rate
    elif byte_rate:
        says["duration_ms"] = data * MILLISECONDS // byte_rate
    return says


def _chunks(original: Original) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and length of each chunk of a RIFF file."""
    place = 12
    for _ in range(MAX_STEPS):
        head = _at(original, place, 8)
        if len(head) < 8:
            return
        [length] = _unpack("<I", head, 4)
        yield head[:4], place + 8, length
        # Chunks begin at even places.
        place += 8 + length + (length & 1)


def _mp4(original: Original) -> dict[str, Json]:
    says: dict[str, Json] = {"brand": _at(original, 8, 4).decode("ascii")}
    for name, start, end in _boxes(original, 0, original.size):
        if name != b"moov":
            continue
        for inner, begin, _ in _boxes(original, start, end):
            if inner == b"mvhd":
                data = _at(original, begin, 32)
                if data[0] == 1:
                    created, _, scale, duration = _unpack(">QQIQ", data, 4)
                else:
                    created, _, scale, duration = _unpack(">IIII", data, 4)
                says["duration_ms"] = duration * MILLISECONDS // scale
                if created:
                    at = _MP4_EPOCH + timedelta(seconds=created)
                    says["created"] = at.isoformat(timespec="seconds") + "Z"
                return says
    return says


def _boxes(original: Original, place: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each box's content (ISO 14496-12 §4.2)."""
    for _ in range(MAX_STEPS):
        head = _at(original, place, 16)
        if place + 8 > stop or len(head) < 8:
            return
        [length] = _unpack(">I", head)
        start = place + 8
        if length == 1:
            [length] = _unpack(">Q", head, 8)
            start += 8
        end = stop if length == 0 else place + length
        if end < start:
            return
        yield head[4:8], start, min(end, stop)
        place = end


def _ogg(original: Original) -> dict[str, Json]:
    head = original.head()
    first = head[27 + head[26] :]
    says: dict[str, Json] = {}
    skip = 0
    if first.startswith(b"OpusHead"):
        says["encoding"] = "Opus"
        says["channels"] = first[9]
        [skip] = _unpack("<H", first, 10)
        rate = _OPUS_RATE
    elif first.startswith(b"\x01vorbis"):
        says["encoding"] = "Vorbis"
        says["channels"] = first[11]
        [rate] = _unpack("<I", first, 12)
        says["sample_rate"] = rate
    else:
        return says
    # The last page says where the stream ends (RFC 3533 §6).
    tail = _at(original, max(0, original.size - HEAD_BYTES), HEAD_BYTES)
    last = tail.rfind(b"OggS")
    if last >= 0:
        [position] = _unpack("<Q", tail, last + 6)
        says["duration_ms"] = (position - skip) * MILLISECONDS // rate
    return says


def _mp3(original: Original) -> dict[str, Json]:
    place = 0
    tag = _at(original, 0, 10)
    if tag.startswith(b"ID3"):
        place = 10 + sum(
            (byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True)
        )
    frame = _at(original, place, 200)
    if frame[0] != 0xFF or frame[1] & 0xE6 != 0xE2:
        return {}
    version = frame[1] >> 3 & 3
    rate = _MP3_RATES[version][frame[2] >> 2 & 3]
    says: dict[str, Json] = {"encoding": "MPEG layer 3", "sample_rate": rate}
    says["channels"] = 1 if frame[3] >> 6 == 3 else 2
    # Only an encoder's own count tells the length without reading the whole file.
    for mark in (b"Xing", b"Info"):
        found = frame.find(mark)
        if found >= 0 and frame[found + 7] & 1:
            [frames] = _unpack(">I", frame, found + 8)
            says["duration_ms"] = frames * _MP3_SAMPLES[version] * MILLISECONDS // rate
    return says


def _flac(original: Original) -> dict[str, Json]:
    [packed] = _unpack(">Q", original.head(), 18)
    rate = packed >> 44
    return {
        "encoding": "FLAC",
        "sample_rate": rate,
        "channels": (packed >> 41 & 7) + 1,
        "duration_ms": (packed & (1 << 36) - 1) * MILLISECONDS // rate,
    }


def _png(original: Original) -> dict[str, Json]:
    width, height = _unpack(">II", original.head(), 16)
    return {"width": width, "height": height}


def _gif(original: Original) -> dict[str, Json]:
    width, height = _unpack("<HH", original.head(), 6)
    return {"width": width, "height": height}


def _jpeg(original: Original) -> dict[str, Json]:
    place = 2
    for _ in range(MAX_STEPS):
        head = _at(original, place, 9)
        mark, length = _unpack(">HH", head)
        # SOF0 to SOF15 hold the size, but for the tables DHT, JPG and DAC.
        if 0xFFC0 <= mark <= 0xFFCF and mark not in (0xFFC4, 0xFFC8, 0xFFCC):
            height, width = _unpack(">HH", head, 5)
            return {"width": width, "height": height}
        if mark < 0xFFC0:
            break
        place += 2 + length
    return {}


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[Original], dict[str, Json]]], ...] = (
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WAVE", _wav),
    (lambda head: head[4:8] == b"ftyp", _mp4),
    (lambda head: head[:4] == b"OggS", _ogg),
    (lambda head: head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe2"), _mp3),
    (lambda head: head[:4] == b"fLaC", _flac),
    (lambda head: head[:8] == b"\x89PNG\r\n\x1a\n", _png),
    (lambda head: head[:4] == b"GIF8", _gif),
    (lambda head: head[:3] == b"\xff\xd8\xff", _jpeg),
    (lambda head: head[:5] == b"%PDF-", pdf_says),
)

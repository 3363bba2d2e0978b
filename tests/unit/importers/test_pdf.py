"""A PDF's own words are recorded where they can be read within limits; its bytes are hashed in any case."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter

from notary.cases.pdf import page
from notary.importers import pdf
from notary.importers.file_header import header_says
from notary.importers.original import Original

INFO = b"<< /Title (Second \\\\ reminder) /Producer (Press 1) /CreationDate (D:20260202100000+01'00') >>"
CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
UNREAD = "only the version was read: "


def made(objects: Sequence[bytes], *, info: bool = False) -> bytes:
    """A PDF of these objects, the first of which is its catalog and the last, perhaps, its information."""
    out = b"%PDF-1.7\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n"
        % (count, table, count, b"/Info %d 0 R " % (count - 1) if info else b"", len(out))
    )


def says(folder: Path, content: bytes) -> Any:
    path = folder / "a.pdf"
    path.write_bytes(content)
    with Original(path) as original:
        return header_says(original)


def locked(password: str) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.add_metadata({"/Title": "Secret"})
    writer.encrypt(password, "owner", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def bomb() -> bytes:
    """A catalog in a stream of objects that unpacks to 256 MiB."""
    packer = zlib.compressobj(1)
    parts = [packer.compress(bytes(2**20)) for _ in range(256)]
    stream = b"".join(parts) + packer.flush()
    head = b"%PDF-1.7\n"
    container = (
        b"5 0 obj\n<< /Type /ObjStm /N 1 /First 10 /Filter /FlateDecode /Length %d >>\nstream\n%s\n"
        b"endstream\nendobj\n" % (len(stream), stream)
    )
    start = len(head) + len(container)
    rows = bytes([0, 0, 0, 0, 0, 2, 0, 0, 5, 0]) + bytes([1, 0, 0, len(head), 0])
    table = (
        b"6 0 obj\n<< /Type /XRef /Size 7 /Root 1 0 R /W [1 3 1] /Index [0 2 5 1] /Length %d >>\nstream\n%s"
        b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (len(rows), rows, start)
    )
    return head + container + table


def test_pages_title_producer_and_date_are_told_as_stated(tmp_path: Path) -> None:
    page_ = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    pages = b"<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 7 >>"
    assert says(tmp_path, made([CATALOG, pages, page_, INFO], info=True)) == {
        "version": "1.7",
        "pages": 2,
        "title": "Second \\ reminder",
        "producer": "Press 1",
        "created": "D:20260202100000+01'00'",
    }
    assert says(tmp_path, page(["Hello"])) == {"version": "1.4", "pages": 1}


def test_an_encrypted_file_is_read_only_if_it_opens_without_a_password(tmp_path: Path) -> None:
    assert says(tmp_path, locked("")) == {
        "version": "1.3",
        "pages": 1,
        "title": "Secret",
        "producer": "pypdf",
    }
    assert says(tmp_path, locked("other")) == {"version": "1.3", "note": UNREAD + "it is encrypted"}


def test_control_characters_of_a_title_are_replaced(tmp_path: Path) -> None:
    info = b"<< /Title (\\376\\377\\000a\\000\\033) >>"
    found = says(
        tmp_path, made([CATALOG, b"<< /Type /Pages /Kids [] /Count 0 >>", info], info=True)
    )
    assert found["title"] == "a\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-",
        b"%PDF-\xff\xff\xff",
        b"%PDF-1.7\n" + b"[" * 200_000,
        made([CATALOG, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]),
        made([CATALOG, b"<< /Type /Pages /Kids [3 0 R] >>", b"<< /Type /Pages /Kids [2 0 R] >>"]),
        made([b"<< /Type /Catalog /Pages " + b"[" * 50_000 + b"]" * 50_000 + b" >>"]),
        page(["Hello"])[:-60],
    ],
)
def test_what_can_not_be_read_is_said_so_and_the_reader_lives(
    tmp_path: Path, content: bytes
) -> None:
    started = time.monotonic()
    found = says(tmp_path, content)
    assert time.monotonic() - started < 5
    assert found["note"].startswith(UNREAD) or found["pages"] >= 0
    assert says(tmp_path, page(["Hello"])) == {"version": "1.4", "pages": 1}


def test_a_bomb_is_given_up_within_the_limits(tmp_path: Path) -> None:
    started = time.monotonic()
    found = says(tmp_path, bomb())
    assert found["note"].startswith(UNREAD)
    assert time.monotonic() - started < pdf.TIMEOUT_S + 5
    assert says(tmp_path, page(["Hello"])) == {"version": "1.4", "pages": 1}


def test_a_reader_that_hangs_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says(tmp_path, page(["Hello"]))
    child = pdf._READER._child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    monkeypatch.setattr(pdf, "TIMEOUT_S", 0.2)
    assert says(tmp_path, page(["Hello"]))["note"] == UNREAD + "it takes too long"
    monkeypatch.undo()
    assert says(tmp_path, page(["Hello"])) == {"version": "1.4", "pages": 1}


def test_a_file_above_the_limit_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "MAX_PDF_BYTES", 100)
    assert says(tmp_path, page(["Hello"]))["note"] == UNREAD + "it is longer than 100 bytes"


def test_facts_of_other_bytes_than_the_hashed_ones_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(page(["Hello"]))
    with Original(path) as original:
        head = original.head()
        path.unlink()
        path.write_bytes(page(["Other"]))
        assert original.head() == head
        assert header_says(original) == {
            "version": "1.4",
            "note": UNREAD + "the file changed meanwhile",
        }


def test_the_reader_ends_with_the_process_that_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(page(["Hello"]))
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom notary.importers.original import Original\n"
        "from notary.importers import pdf\nwith Original(Path(sys.argv[1])) as one: pdf.pdf_says(one)\n"
        "print(pdf._READER._child.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    child = int(done.stdout)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _runs(child):
        time.sleep(0.02)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False

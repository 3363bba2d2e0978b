"""The kernel's own account of a receipt: its bytes go to the socket after the store was forced to disk.

Needs strace (a Debian package) and the right to trace.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulators.server import make, ndjson, served

pytestmark = pytest.mark.foreign

TRACED = "trace=fsync,fdatasync,write,pwrite64,sendto,sendmsg"
# A server whose store forces nothing: what the check must find out.
CARELESS = """
import sys
from sqlalchemy import event
from sqlalchemy.pool import Pool

@event.listens_for(Pool, "checkout")
def careless(connection, record, proxy):
    connection.cursor().execute("PRAGMA synchronous=OFF")

sys.argv = ["notary", *sys.argv[1:]]
from notary.cli import main
main()
"""


def tracer(out: Path) -> list[str]:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed: apt-get install strace")
    probe = subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"nobody may trace here: {probe.stderr.decode()[:200]}")
    # Paths of descriptors, threads of the process, whole strings of what is sent.
    return [found, "-f", "-y", "-s", "400", "-e", TRACED, "-o", str(out)]


def order(trace: str, receipt: str) -> list[str]:
    """What happened, in order: `written` and `forced` of the log of the store, `answered`."""
    found = []
    for line in trace.splitlines():
        # A call that blocks is shown in two halves; the second is its end.
        if "notary.db-wal>" in line and re.search(r"p?write(64)?\(", line):
            found.append("written")
        elif re.search(r"f(data)?sync\(\d+<[^>]*notary\.db-wal>\)\s+= 0", line):
            found.append("forced")
        elif re.search(r"<unfinished", line) and re.search(r"f(data)?sync\(\d+<[^>]*-wal>", line):
            found.append(f"begun {line.split()[0]}")
        elif re.search(r"<\.\.\. f(data)?sync resumed>.*= 0", line):
            begun = f"begun {line.split()[0]}"
            if begun in found:
                found[found.index(begun)] = "asked"
                found.append("forced")
        elif receipt in line and re.search(r"send(to|msg)\(\d+<socket:", line):
            found.append("answered")
    return found


def traced(tmp_path: Path, *command: str) -> list[str]:
    out = tmp_path / "trace"
    home = make(tmp_path / "home")
    with served(*home, *tracer(out), command=command) as server:
        # What the start of the service and the first commit write is not looked at.
        assert server.post("/v1/records", server.record("warm")).status == 201
        at = out.stat().st_size
        answer = server.post("/v1/records", server.record("traced"))
        assert answer.status == 201
        name = answer.json()["record_id"]
    return order(out.read_text("utf-8", "replace")[at:], name)


def test_the_store_is_forced_to_disk_before_a_receipt_is_sent(tmp_path: Path) -> None:
    found = traced(tmp_path)
    before = found[: found.index("answered")]
    assert "written" in before
    last = len(before) - 1 - before[::-1].index("written")
    assert "forced" in before[last:], found


def test_a_store_that_forces_nothing_is_found_out(tmp_path: Path) -> None:
    found = traced(tmp_path, sys.executable, "-c", CARELESS)
    before = found[: found.index("answered")]
    assert "written" in before
    assert "forced" not in before, found


def test_the_same_holds_for_a_line_of_a_stream(tmp_path: Path) -> None:
    out = tmp_path / "trace"
    home = make(tmp_path / "home")
    with served(*home, *tracer(out)) as server, server.connect() as connection:
        assert server.post("/v1/records", server.record("warm")).status == 201
        at = out.stat().st_size
        connection.head("POST", "/v1/records/stream", "application/x-ndjson")
        connection.chunk(ndjson([server.record("streamed")]))
        connection.answer_head()
        name = next(connection.lines())["record_id"]
    found = order(out.read_text("utf-8", "replace")[at:], name)
    before = found[: found.index("answered")]
    last = len(before) - 1 - before[::-1].index("written")
    assert "forced" in before[last:], found

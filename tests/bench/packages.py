"""Export, the check of what was exported against tools that people have, and sizes of packages."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from notary import demo
from notary.compose import Service
from notary.usecases.export_order import ExportOrder, ExportResult
from tests.anvil import Anvil
from tests.bench import measure
from tests.bench.measure import Row
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from verifier.format import numbers

NODES = 72  # milestones of the trade case
SMALL = 100_000  # bytes of an attachment
LARGE = 5_000_000  # bytes
CHUNK = 2**20  # bytes read at once by what only digests
MANY = 10_000  # records


def rows(*, long: bool) -> list[Row]:
    """All of them on one service; the large attachments only in the long run."""
    with tempfile.TemporaryDirectory() as name, Anvil(*scene.CHAIN) as anvil:
        folder = Path(name)
        live = scene.make(folder / "home", anvil)
        with live.opened() as service:
            small = _take_files(service, folder, SMALL)
            plain = _take_letters(service, folder, "Plain", range(NODES))
            many = _take_letters(service, folder, "Many", range(NODES, NODES + MANY))
            large = _take_files(service, folder, LARGE) if long else None
            scene.work(service)
        return [
            *_small(live, folder, small),
            *_many(live, folder, many),
            *_sizes(live, folder, plain),
            *([] if large is None else _large(live, folder, small, large)),
        ]


def _take_files(service: Service, folder: Path, size: int) -> str:
    """A matter of 72 documents of that size."""
    originals = folder / f"originals-{size}"
    originals.mkdir()
    for i in range(NODES):
        (originals / f"{i:02}.bin").write_bytes(os.urandom(size))
    number = service.new_matter(1, f"Files of {size}", ()).number
    service.ingest(1, (originals,), matter=number)
    return number


def _take_letters(service: Service, folder: Path, account: str, letters: range) -> str:
    """A matter of letters of those numbers, which must not be another account's."""
    number = service.new_matter(1, account, (account,)).number
    source = scene.letters(folder / account, account, letters.start, len(letters))
    report = service.ingest(1, (source,), column_map=source.parent / "letters.map.toml")
    assert sum(file.accepted for file in report.files) == len(letters)
    return number


def _quiet(done: int, total: int) -> None:
    """No progress bar."""


class _Exported:
    """A package with the policy and the inputs of a person who checks it."""

    def __init__(self, live: Live, folder: Path, order: ExportOrder) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.package = self.folder / "package.zip"
        results: list[ExportResult] = []
        with live.opened() as service:
            self.seconds = measure.seconds(
                lambda: results.append(service.export(1, order, self.package, _quiet))
            )
            demo.write_policy(service, self.folder)
        demo.write_inputs(self.folder, order.number.text, live.anvil.url, results)

    @property
    def command(self) -> list[str]:
        """The stand-alone verifier on it; anything but VALID ends with another code than 0."""
        return [
            *(sys.executable, "-I", "-m", "verifier.check.cli", "check", str(self.package)),
            *("--policy", str(self.folder / "policy.toml")),
            *("--inputs", str(self.folder / "inputs.toml"), "--json"),
        ]

    def unpacked(self) -> Path:
        """The bag beside it."""
        with zipfile.ZipFile(self.package) as archive:
            archive.extractall(self.folder)
        return self.folder / "evidence"


def _complete(number: str) -> ExportOrder:
    return ExportOrder(numbers.parse(number))


def _small(live: Live, folder: Path, number: str) -> list[Row]:
    exported = _Exported(live, folder, _complete(number))
    bag = exported.unpacked()
    ours, reference = measure.pair(
        measure.process(exported.command),
        measure.process([sys.executable, "-m", "bagit", "--validate", str(bag)]),
        11,
    )
    what = f"{NODES} records with {NODES} attachments of 100 KB"
    size = exported.package.stat().st_size
    return [
        measure.at_most(f"export, {what}", exported.seconds, "s", 2, f"{size / 1e6:.1f} MB"),
        measure.at_most(
            "verify it, process start included",
            ours / reference,
            "× bagit --validate",
            1,
            f"{ours * 1e3:.0f} ms",
        ),
    ]


def _many(live: Live, folder: Path, number: str) -> list[Row]:
    exported = _Exported(live, folder, _complete(number))
    run = measure.process(exported.command)
    return [
        measure.at_most(
            f"verify {MANY:,} records", min(measure.seconds(run) for _ in range(3)), "s", 3
        )
    ]


def _sizes(live: Live, folder: Path, number: str) -> list[Row]:
    """Packages of the same letters, whole and of one record."""
    whole = _Exported(live, folder, _complete(number)).package
    one = _Exported(live, folder, ExportOrder(numbers.parse(number), "extract", (NODES // 2,)))
    with zipfile.ZipFile(one.package) as archive:
        shown = {"evidence/data/disclosures.txt", "evidence/data/matter/leaves.txt"}
        proofs = sum(entry.file_size for entry in archive.infolist() if entry.filename not in shown)
    return [
        measure.at_most(
            f"package of {NODES} records without attachments", whole.stat().st_size / 1e3, "KB", 150
        ),
        measure.at_most(
            "proofs, keys and manifests of an extract of one record",
            proofs / 1e3,
            "KB",
            24,
            f"the package {one.package.stat().st_size / 1e3:.0f} KB",
        ),
    ]


def _large(live: Live, folder: Path, small: str, large: str) -> list[Row]:
    exported = _Exported(live, folder, _complete(large))
    bag = exported.unpacked()
    sha256sum = measure.process(["sha256sum", "-c", "--quiet", "manifest-sha256.txt"], cwd=bag)
    ours, reference = measure.pair(measure.process(exported.command), sha256sum, 7)
    alone, reference_again = measure.pair(lambda: _digest_alone(bag), sha256sum, 7)
    grown = _peak_kib(exported.command) - _peak_kib(
        _Exported(live, folder, _complete(small)).command
    )
    what = f"{NODES} attachments of 5 MB"
    return [
        measure.at_most(
            f"verify {what}: SHA-256, SHA-512 and CRC",
            ours / reference,
            "× sha256sum -c",
            0.3,
            f"{ours:.2f} s",
        ),
        # What no verifier goes below that checks both manifests and the zip's own sums.
        Row(
            "those three digests of these files alone, on two threads",
            alone / reference_again,
            "× sha256sum -c",
            detail=f"{alone:.2f} s",
        ),
        measure.at_most(
            f"memory for {what} above that for 100 KB each",
            grown / 1024,
            "MiB",
            16,
            "of 360 MB read",
        ),
    ]


def _digest_alone(bag: Path) -> None:
    """SHA-256, SHA-512 and CRC of the attachments by the standard library, and nothing else."""

    def digest(path: Path) -> None:
        first, second, crc = hashlib.sha256(), hashlib.sha512(), 0
        with path.open("rb", buffering=0) as stream:
            while chunk := stream.read(CHUNK):
                first.update(chunk)
                second.update(chunk)
                crc = zlib.crc32(chunk, crc)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(digest, (bag / "data" / "attachments").iterdir()))


def _peak_kib(command: list[str]) -> int:
    """The most memory that a process of its own held."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=-3);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    words = [sys.executable, "-c", program, *command]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

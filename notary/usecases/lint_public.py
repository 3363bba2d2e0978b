"""Searches everything public for everything personal that the store knows.

Public is what `notary publish` writes, what the chain holds, what is answered without a key, the names of
files, and whatever files are given besides. Spec: docs/spec/erasure.md §8. Test:
tests/scenarios/service/test_lint_public.py.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from notary.core import lint
from notary.core.lint import Finding, Known, Search
from notary.core.personal import MIN_VALUE_BYTES, telling_values
from notary.errors import CallerError, Contradiction
from notary.ports import AnchorBook, Bars, MatterRegister
from notary.usecases.holds import values_of
from notary.usecases.publish import Publisher
from notary.usecases.read import RecordReader

MAX_FILE_BYTES = 2**30  # a larger one is no log line, header or answer


@dataclass(frozen=True)
class Linted:
    """What was searched, and what was found."""

    values: int
    digests: int
    places: int
    size: int
    found: tuple[Finding, ...]


@dataclass(frozen=True)
class PublicLinter:
    """The linter of one service. `answers` are what is told without a key, by their names."""

    agencies: Sequence[int]
    register: MatterRegister
    reader: RecordReader
    publisher: Publisher
    book: AnchorBook
    data: Path
    answers: Mapping[str, bytes]

    def run(self, paths: Sequence[Path], bars: Bars) -> Linted:
        """Search everything public, and these files and folders.

        Raises CallerError LINT_FILE, and Contradiction LINT_BLIND if it can't find what is put before it.
        """
        values = digests = places = size = 0
        found: dict[Finding, None] = {}
        with tempfile.TemporaryDirectory() as folder:
            with bars("writing what is public", "batches") as progress:
                self.publisher.publish(Path(folder), progress)
            known = self._known()
            while part := tuple(islice(known, lint.VALUES_AT_A_TIME)):
                search = Search(part)
                _require_sight(search, part)
                digests += search.digests
                # The forms need no value, so one pass is enough for them.
                first, values = values == 0, values + len(part)
                materials = list(self._materials(Path(folder), paths))
                places, size = len(materials), 0
                with bars("searching", "places") as progress:
                    for done, (place, file) in enumerate(materials, 1):
                        content = file if isinstance(file, bytes) else _read(file)
                        size += len(content)
                        found.update(dict.fromkeys(search.run(place, content)))
                        if first:
                            found.update(dict.fromkeys(lint.forms(place, content)))
                        progress(done, len(materials))
        return Linted(values, digests, places, size, tuple(found))

    def _known(self) -> Iterator[Known]:
        for agency_id in self.agencies:
            for matter in self.register.all(agency_id):
                number = matter.number
                for claim, text in (
                    ("title", matter.title),
                    *[("account", account) for account in matter.accounts],
                ):
                    if len(text.encode()) >= MIN_VALUE_BYTES:
                        yield Known(number, None, claim, text)
                contents = self.reader.contents(agency_id, matter.key, range(matter.size))
                for position, content in enumerate(contents):
                    for claim, text in telling_values(values_of(content.disclosures)):
                        yield Known(number, position, claim, text)

    def _materials(
        self, published: Path, paths: Sequence[Path]
    ) -> Iterator[tuple[str, bytes | Path]]:
        for path in _files(published):
            yield f"published {path.relative_to(published)}", path
        for anchor in self.book.anchors():
            leg = self.book.leg_of(anchor.number)
            yield f"chain, transaction of anchor {anchor.number}", leg.tx
            yield f"chain, receipt of anchor {anchor.number}", leg.receipt
        yield from self.answers.items()
        names = "\n".join(str(path.relative_to(self.data)) for path in _files(self.data))
        yield "names of files", names.encode("utf-8", "surrogateescape")
        for path in paths:
            if not path.exists():
                raise CallerError("LINT_FILE", f"{path}: there is no such file or folder.")
            for file in _files(path) if path.is_dir() else [path]:
                yield str(file), file


def _require_sight(search: Search, part: Sequence[Known]) -> None:
    """A search that finds nothing must have shown that it can."""
    text = lint.planted(part)
    lines = {one.line for one in search.run("planted", text) if one.known == part[0]}
    if len(lines) != text.count(b"\n") + 1 - part[0].text.count("\n"):
        raise Contradiction(
            "LINT_BLIND",
            "the search does not find what was put before it; trust none of its answers.",
        )


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CallerError("LINT_FILE", f"{path} has more than {MAX_FILE_BYTES} bytes.")
        return path.read_bytes()
    except OSError as error:
        raise CallerError("LINT_FILE", f"{path}: {error.strerror}.") from error

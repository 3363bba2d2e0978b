"""Backs the data up while the service runs.

The order makes each moment safe: a copy of the rows first, then every object that they name (an object
is written before the row that names it), then the list of digests, and the manifest last, in one step.
Until then the folder holds the backup that it held before. Keys are no part of it: whoever finds the
backup finds nothing that he can read. Test: tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from notary.adapters import durable
from notary.config import CONFIG_NAME, Home
from notary.core.backup_manifest import CONFIG, DATABASE, OBJECTS, KeptFile, Manifest
from notary.core.log_identity import LogIdentity
from notary.core.moments import milliseconds, moment
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Bars, Clock, ObjectStore
from notary.usecases.backup_check import (
    MANIFEST,
    OBJECT_FOLDER,
    object_path,
    read_list,
    read_manifest,
)
from notary.usecases.backup_store import CopiedStore, OpenCopy
from notary.usecases.originals import Digesting, sealed_length

LOCK = ".lock"

_OURS = re.compile(
    r"manifest\.json|\.lock|objects|(store-\d+\.db|files-\d+\.sha256|config-\d+\.toml)"
    r"|.+\.part(-journal)?"
)


@dataclass(frozen=True)
class BackupDone:
    """What a backup holds, and what this run had to copy of the objects."""

    manifest: Manifest
    copied: int
    copied_bytes: int
    kept: int


@dataclass(frozen=True)
class BackupPlan:
    """What a backup would do now."""

    records: int
    size: int
    objects: int
    missing: int
    missing_bytes: int
    database_bytes: int


class Backup:
    """The backups of one service in one folder."""

    def __init__(
        self,
        home: Home,
        store: CopiedStore,
        open_copy: OpenCopy,
        objects: ObjectStore,
        identity: LogIdentity,
        folder: Path,
        clock: Clock,
    ) -> None:
        for inner, outer in ((folder, home.folder), (home.folder, folder), (folder, home.keys)):
            if inner.resolve().is_relative_to(outer.resolve()):
                raise CallerError(
                    "BACKUP_PLACE",
                    f"{folder} and {home.folder} lie within each other; take a folder of its own, on "
                    "another disk.",
                )
        self._home = home
        self._store = store
        self._open_copy = open_copy
        self._objects = objects
        self._identity = identity
        self._folder = folder
        self._clock = clock

    def plan(self) -> BackupPlan:
        """What `run` would copy, by the names alone; nothing is written."""
        before = self._before()
        del before
        with self._store.now() as held:
            facts = held.facts()
            named = list(held.named_objects())
        missing = [
            sealed_length(size) for name, size in named if not self._object(name.hex()).exists()
        ]
        return BackupPlan(
            facts.records,
            facts.size,
            len(named),
            len(missing),
            sum(missing),
            self._store.size(),
        )

    def run(self, bars: Bars) -> BackupDone:
        """Make the backup, or bring the one that is there up to date. Again after a crash: goes on.

        Raises CallerError BACKUP_PLACE or BACKUP_OF_OTHER_LOG, NothingHappened BACKUP_RUNS, COPY_FAILED or
        ERASED_MEANWHILE, Contradiction OBJECT_MISSING if a record's original is in neither folder.
        """
        before = self._before()
        self._folder.mkdir(mode=durable.PRIVATE_FOLDER, parents=True, exist_ok=True)
        busy = NothingHappened(
            "BACKUP_RUNS", f"another backup into {self._folder} is at work; one is enough."
        )
        with durable.only_one(self._folder / LOCK, busy):
            run = 1 if before is None else before.run + 1
            made_at = moment(milliseconds(self._clock.now()))
            files = {
                CONFIG: f"config-{run}.toml",
                DATABASE: f"store-{run}.db",
                OBJECTS: f"files-{run}.sha256",
            }
            # 1. The rows, as one moment of the store. A crash up to 4 leaves the backup before, and
            # objects that the next run finds.
            with bars("copying the database", "parts") as progress:
                database = self._folder / files[DATABASE]
                self._store.copy(database, progress)
            durable.copy_file(self._home.folder / CONFIG_NAME, self._folder / files[CONFIG])
            with self._open_copy(database) as held:
                facts = held.facts()
                named = list(held.named_objects())
            # 2. What they name.
            known = {} if before is None else read_list(self._folder, before)
            listed, done = self._copy_objects(named, known, bars)
            # 3. The list of the objects' digests, in the form that `sha256sum -c` reads.
            content = "".join(
                f"{digest.hex()}  {OBJECT_FOLDER}/{name[:2]}/{name}\n"
                for name, digest in listed.items()
            )
            durable.write_file(self._folder / files[OBJECTS], content.encode())
            # 4. The manifest: from here on this backup counts.
            manifest = Manifest(
                run,
                made_at,
                facts.identity,
                facts.schema,
                facts.size,
                facts.root,
                None if facts.anchor is None else (facts.anchor[1], facts.anchor[2]),
                facts.records,
                facts.matters,
                len(listed),
                {what: self._kept(name) for what, name in files.items()},
            )
            durable.write_file(self._folder / MANIFEST, manifest.encode())
            # 5. What no manifest names any more. A crash leaves some of it, for the next run.
            self._sweep(set(files.values()), set(listed))
            return BackupDone(manifest, *done)

    def _before(self) -> Manifest | None:
        """The backup that the folder holds; refuses a folder that is somebody else's."""
        if not self._folder.exists():
            return None
        for path in sorted(self._folder.iterdir()):
            if not _OURS.fullmatch(path.name):
                raise CallerError(
                    "BACKUP_PLACE",
                    f"{path} is no part of a backup. Give a folder of its own; nothing was changed.",
                )
        try:
            before = read_manifest(self._folder)
        except CallerError:
            return None
        if before.identity != self._identity:
            raise CallerError(
                "BACKUP_OF_OTHER_LOG",
                f"{self._folder} holds a backup of {before.identity}. Give another folder.",
            )
        return before

    def _copy_objects(
        self, named: list[tuple[bytes, int]], known: dict[str, bytes], bars: Bars
    ) -> tuple[dict[str, bytes], tuple[int, int, int]]:
        listed: dict[str, bytes] = {}
        copied = copied_bytes = 0
        folders = set()
        with bars("copying attachments", "files") as progress:
            for place, (raw_name, size) in enumerate(named, 1):
                name = raw_name.hex()
                target = self._object(name)
                digest = self._same(name, target, known.get(name))
                if digest is None:
                    digest = self._copy_object(raw_name, target)
                    copied += 1
                    copied_bytes += target.stat().st_size
                    folders.add(target.parent)
                if target.stat().st_size != sealed_length(size):
                    raise Contradiction(
                        "OBJECT_LENGTH",
                        f"{self._objects.place}: {name} has {target.stat().st_size} bytes, its record wants "
                        f"{sealed_length(size)}. Restore the file from an older backup.",
                    )
                listed[name] = digest
                progress(place, len(named))
            if folders:
                durable.force_names(*sorted(folders), self._folder / OBJECT_FOLDER, self._folder)
        return listed, (copied, copied_bytes, len(named) - copied)

    def _same(self, name: str, target: Path, known: bytes | None) -> bytes | None:
        """The digest of an object that is in the backup and right; None if it must be copied."""
        if not target.exists():
            return None
        found = durable.digest_of(target)
        if known is None:
            # A run that was killed left it: its source tells whether it is right.
            read = Digesting(self._objects.read(bytes.fromhex(name)))
            for _ in read:
                pass
            known = read.digest()
        return found if found == known else None

    def _copy_object(self, name: bytes, target: Path) -> bytes:
        try:
            return durable.write_pieces(self._objects.read(name), target)
        except Contradiction as error:
            with self._store.now() as held:
                if name in {one for one, _ in held.named_objects()}:
                    raise
            raise NothingHappened(
                "ERASED_MEANWHILE",
                f"{self._objects.place}: {name.hex()}: its record was erased. Run the backup again.",
            ) from error

    def _object(self, name: str) -> Path:
        return object_path(self._folder, name)

    def _kept(self, name: str) -> KeptFile:
        path = self._folder / name
        return KeptFile(name, path.stat().st_size, durable.digest_of(path))

    def _sweep(self, files: set[str], objects: set[str]) -> None:
        for path in self._folder.iterdir():
            if path.is_file() and path.name not in {MANIFEST, LOCK, *files}:
                path.unlink()
        for path in self._folder.glob(f"{OBJECT_FOLDER}/??/*"):
            if path.name not in objects:
                path.unlink()

"""Backs the data up while the service runs, and checks what was backed up.

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
from notary.adapters.keys.erasures import ErasureFile
from notary.adapters.store import audit, snapshot
from notary.adapters.store.database import Database
from notary.config import CONFIG_NAME, Home
from notary.core import backup_manifest
from notary.core.backup_manifest import CONFIG, DATABASE, OBJECTS, KeptFile, Manifest
from notary.core.log_identity import LogIdentity
from notary.core.moments import milliseconds, moment
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Bars, Clock, ObjectStore
from notary.usecases.originals import Digesting, sealed_length

MANIFEST = "manifest.json"
LOCK = ".lock"
OBJECT_FOLDER = "objects"

_OURS = re.compile(
    r"manifest\.json|\.lock|objects|(store-\d+\.db|files-\d+\.sha256|config-\d+\.toml)"
    r"|.+\.part(-journal)?"
)
_OBJECT = re.compile(r"[0-9a-f]{32}")


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
        database: Database,
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
        self._database = database
        self._objects = objects
        self._identity = identity
        self._folder = folder
        self._clock = clock

    def plan(self) -> BackupPlan:
        """What `run` would copy, by the names alone; nothing is written."""
        before = self._before()
        del before
        with snapshot.opened_live(self._database) as connection:
            facts = snapshot.facts(connection)
            named = list(snapshot.named_objects(connection))
        missing = [
            sealed_length(size) for name, size in named if not self._object(name.hex()).exists()
        ]
        return BackupPlan(
            facts.records,
            facts.size,
            len(named),
            len(missing),
            sum(missing),
            self._database.size(),
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
                snapshot.copy_database(self._database, database, progress)
            durable.copy_file(self._home.folder / CONFIG_NAME, self._folder / files[CONFIG])
            with snapshot.opened_copy(database) as connection:
                facts = snapshot.facts(connection)
                named = list(snapshot.named_objects(connection))
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
            with snapshot.opened_live(self._database) as connection:
                if name in {one for one, _ in snapshot.named_objects(connection)}:
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


def object_path(folder: Path, name: str) -> Path:
    """Where an object lies in a backup: as in the data folder."""
    return folder / OBJECT_FOLDER / name[:2] / name


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Raises CallerError BACKUP_INCOMPLETE if there is none."""
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise CallerError(
            "BACKUP_INCOMPLETE",
            f"{path} is not there: {folder} is no backup, or its first run did not end. Run "
            "`notary backup` again.",
        ) from None
    except OSError as error:
        raise CallerError("BACKUP_UNREADABLE", f"{path}: {error.strerror}.") from error
    return backup_manifest.parse(content, str(path))


def read_list(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    """Name → SHA-256 of every object of the backup. Raises Contradiction if the list is not right."""
    kept = manifest.files[OBJECTS]
    check_file(folder, kept)
    found: dict[str, bytes] = {}
    for line in (folder / kept.name).read_text("ascii").splitlines():
        digest, _, path = line.partition("  ")
        name = path.rpartition("/")[2]
        if not _OBJECT.fullmatch(name) or path != f"{OBJECT_FOLDER}/{name[:2]}/{name}":
            raise _damaged(folder / kept.name, f"the line {line!r} names no object")
        found[name] = bytes.fromhex(digest)
    if len(found) != manifest.objects:
        raise _damaged(
            folder / kept.name, f"{len(found)} objects, the manifest has {manifest.objects}"
        )
    return found


def check_file(folder: Path, kept: KeptFile) -> None:
    """Raise Contradiction BACKUP_DAMAGED unless the file is there with its length and digest."""
    path = folder / kept.name
    if not path.is_file():
        raise _damaged(path, "it is missing")
    if path.stat().st_size != kept.size:
        raise _damaged(path, f"it has {path.stat().st_size} bytes, the manifest wants {kept.size}")
    if durable.digest_of(path) != kept.sha256:
        raise _damaged(path, f"its SHA-256 is not {kept.sha256.hex()}")


def check_digests(folder: Path, bars: Bars) -> tuple[Manifest, dict[str, bytes]]:
    """Manifest and objects of a backup of which every byte is as it was written.

    Raises CallerError BACKUP_INCOMPLETE; Contradiction BACKUP_MANIFEST or BACKUP_DAMAGED.
    """
    manifest = read_manifest(folder)
    for kept in manifest.files.values():
        check_file(folder, kept)
    objects = read_list(folder, manifest)
    with bars("checking attachments", "files") as progress:
        for place, (name, digest) in enumerate(objects.items(), 1):
            path = object_path(folder, name)
            if not path.is_file():
                raise _damaged(path, "it is missing")
            if durable.digest_of(path) != digest:
                raise _damaged(path, f"its SHA-256 is not {digest.hex()}")
            progress(place, len(objects))
    return manifest, objects


def verify(folder: Path, bars: Bars, keys: Path | None = None) -> Manifest:
    """Check a backup whole: every digest, then every tree and signature of the database copy.

    With `keys`, a key folder or a copy of one: also that its register of erasures has all that was erased
    before the backup. Raises as `check_digests`, Contradiction STORE_DAMAGED or ERASURES_BEHIND, and
    CallerError as ErasureRegister.lines. Nothing is written.
    """
    manifest, objects = check_digests(folder, bars)
    path = folder / manifest.files[DATABASE].name
    with snapshot.opened_copy(path) as connection:
        facts = snapshot.facts(connection)
        anchor = None if facts.anchor is None else (facts.anchor[1], facts.anchor[2])
        found = (facts.identity, facts.schema, facts.size, facts.root, anchor)
        stated = (manifest.identity, manifest.schema, manifest.size, manifest.root, manifest.anchor)
        if found != stated or (facts.records, facts.matters) != (
            manifest.records,
            manifest.matters,
        ):
            raise _damaged(path, "it does not hold what the manifest says of it")
        named = {name.hex(): size for name, size in snapshot.named_objects(connection)}
        if set(named) != set(objects):
            raise _damaged(path, "its records name other attachments than the backup has")
        for name, size in named.items():
            if object_path(folder, name).stat().st_size != sealed_length(size):
                raise _damaged(object_path(folder, name), "its length is not that of its record")
        if keys is not None:
            register = ErasureFile(keys, manifest.identity.name)
            known = {line.target.leaf for line in register.lines()}
            for matter, position, leaf in snapshot.emptied_records(connection):
                if leaf not in known:
                    raise Contradiction(
                        "ERASURES_BEHIND",
                        f"record {position} of matter {matter.hex()} was erased before the backup, and "
                        f"{register.path} does not have it: it is older than the backup, or was cut off. "
                        "Take its newest copy.",
                    )
        with bars("checking every tree", "records") as progress:
            audit.check_rows(connection, facts.identity, progress)
    return manifest


def _damaged(path: Path, what: str) -> Contradiction:
    return Contradiction("BACKUP_DAMAGED", f"{path}: {what}. This backup can't be trusted.")

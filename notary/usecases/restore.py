"""Puts a backup back as a service's home, checked before the first byte is written.

The configuration comes last, as in `notary init`: a crash leaves a folder that the next call goes on
with. The restored store is marked, so that it seals nothing before it was compared with the chain
(docs/design/0012-restored-stores.md). Test: tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from notary import config
from notary.adapters import durable
from notary.adapters.keys.erasures import ErasureFile
from notary.adapters.keys.folder import load_keys
from notary.config import Home
from notary.core.backup_manifest import CONFIG, DATABASE, Manifest
from notary.core.erasures import Line, standings
from notary.core.moments import milliseconds, moment
from notary.errors import CallerError, Contradiction
from notary.ports import Bars, Clock, ObjectStore, Progress
from notary.usecases.backup_check import check_digests, object_path
from notary.usecases.erase import Back, find_back
from notary.usecases.erasure_check import ErasureCheck, require_known, take_from_log, unknown
from notary.usecases.key_copies import copy_keys
from notary.usecases.originals import Digesting, compared
from notary.usecases.read import RecordReader
from notary.usecases.restoring_store import RestoringStores
from notary.usecases.standing import Restoration

DURABLE_AT_ONCE = 100  # originals; more only make a failure be noticed later
MARKER = "restoring"  # in a home that a restoration has begun and not ended


@dataclass(frozen=True)
class Restored:
    """What was restored, and how many records were erased since."""

    home: Home
    manifest: Manifest
    generation: int
    erased_again: int


def restore(
    stores: RestoringStores,
    source: Path,
    folder: Path,
    keys: Path | None,
    clock: Clock,
    bars: Bars,
    open_objects: Callable[[Home], ObjectStore],
    erasures: Path | None = None,
    *,
    none_erased: bool = False,
    database: str | None = None,
) -> Restored:
    """Make the home `folder` from the backup `source`; `keys` is a copy of the key folder.

    `database`, the URI of an empty database of PostgreSQL, takes the place of the one that the
    configuration names. Without `keys` the key folder that the configuration names must be there. What its
    register of erasures, joined with the one in `erasures`, says is gone is destroyed again before anything
    can be read; `none_erased` states that no newer register is left, or nothing was ever erased: then what
    the backup's own log says of erasures is taken. Raises CallerError HOME_NOT_EMPTY, STORE_NOT_EMPTY,
    KEYS_EXIST, KEY_MISSING, KEYS_OF_OTHER_STORE, BACKUP_INCOMPLETE, or as ErasureRegister.lines;
    Contradiction BACKUP_MANIFEST, BACKUP_DAMAGED or ERASURES_BEHIND, NothingHappened COPY_FAILED,
    STORE_BUSY or REGISTER_NOT_KEPT.
    """
    # 1. Everything is judged before anything is written.
    _require_empty(folder)
    manifest, objects = check_digests(source, bars)
    kept = source / manifest.files[CONFIG].name
    text = kept.read_text("utf-8")
    home = Home(folder, config.read(kept))
    if database is not None:
        text = config.with_database(text, database)
        home = Home(folder, replace(home.config, database=database))
    if keys is not None and home.keys.exists() and any(home.keys.iterdir()) and not _begun(folder):
        raise CallerError(
            "KEYS_EXIST",
            f"{home.keys} holds keys already; they are never overwritten. Leave --keys out to use them.",
        )
    load_keys(home.keys if keys is None else keys)
    told = _erasures_told(
        home.keys if keys is None else keys, erasures, manifest, none_erased=none_erased
    )
    resumed = _begun(folder)
    if isinstance(home.database, str) and not resumed:
        stores.require_vacant(home.database)
    # 2. From the marker on, a crash leaves a home that this same call may be given again.
    folder.mkdir(mode=durable.PRIVATE_FOLDER, parents=True, exist_ok=True)
    durable.write_file(folder / MARKER, b"")
    home.data.mkdir(mode=durable.PRIVATE_FOLDER, exist_ok=True)
    _remove_file(home)
    copy = home.database_file
    _copy(source / manifest.files[DATABASE].name, copy, manifest.files[DATABASE].sha256)
    if keys is not None:
        copy_keys(keys, home.keys)
    # Before any original is copied, and long before anything can be read: what was erased since.
    store = open_objects(home)
    erased = _erase_again(stores, home, manifest, told, clock, store, none_newer=none_erased)
    gone = {name.hex() for name in erased.names}
    with bars("restoring attachments", "files") as progress:
        wanted = {name: digest for name, digest in objects.items() if name not in gone}
        store.remove(erased.names)
        _restore_objects(source, wanted, store, progress)
    # 3. The store itself: this version's schema, and the mark that it was restored.
    restoration = _mark(stores, home, manifest, clock)
    if isinstance(home.database, str):
        with bars("filling the database", "rows") as progress:
            stores.fill(home.database, copy, restoration, progress, resumed=resumed)
        _remove_file(home)
    folders = [one for one in home.data.rglob("*") if one.is_dir()]
    durable.force_names(*folders, home.data, folder)
    # 4. The configuration: from here on it is a home.
    durable.write_file(folder / config.CONFIG_NAME, text.encode())
    (folder / MARKER).unlink()
    durable.force_names(folder)
    return Restored(home, manifest, restoration.generation, len(erased.contents))


def _erasures_told(
    keys: Path, given: Path | None, manifest: Manifest, *, none_erased: bool
) -> list[Line]:
    """The lines that the register of the keys lacks. Raises CallerError ERASURES_MISSING."""
    kept = ErasureFile(keys, manifest.identity.name)
    if given is None and not kept.exists() and not none_erased:
        raise CallerError(
            "ERASURES_MISSING",
            f"there is no {kept.path}: it says what was erased, and the backup may still hold that. Give its "
            "newest copy with --erasures, or say --no-erasures if none is left, or nothing was ever erased.",
        )
    known = kept.lines() if kept.exists() else []
    told = [] if given is None else kept.lines_of(given)
    # Two copies may both have gone on since they were one: what either says is gone goes.
    return [line for line in told if line not in set(known)]


def _erase_again(
    stores: RestoringStores,
    home: Home,
    manifest: Manifest,
    told: list[Line],
    clock: Clock,
    objects: ObjectStore,
    *,
    none_newer: bool,
) -> Back:
    register = ErasureFile(home.keys, manifest.identity.name)
    register.create()
    register.append(told)
    with stores.opened(home.database_file, load_keys(home.keys)) as copy:
        reader = RecordReader(copy.records, objects, copy.keys, copy.identity)
        stones = ErasureCheck(copy.logged, reader, register).stones()
        missing = unknown(stones, standings(register.lines()))
        if none_newer:
            take_from_log(register, clock, missing)
        else:
            require_known(missing)
        back = find_back(copy.erasures, register, clock)
        copy.erasures.empty(back.contents)
        return back


def _restore_objects(
    source: Path, digests: dict[str, bytes], objects: ObjectStore, progress: Progress
) -> None:
    """Bring every original of the backup to where the home's configuration wants it.

    What is there with its length is left alone: this restoration may have begun before, and a bucket may
    have outlived the database.
    """
    paths = [(name, object_path(source, name)) for name in sorted(digests)]
    wanted = ((bytes.fromhex(name), path.stat().st_size) for name, path in paths)
    written = []
    # The listing goes on while objects are written: those come before the place that it has reached.
    for place, (name, size, found) in enumerate(compared(wanted, objects.listed()), 1):
        if found != size:
            text = name.hex()
            objects.write(name, _pieces(object_path(source, text), digests[text]))
            written.append(name)
        if len(written) == DURABLE_AT_ONCE or (place == len(paths) and written):
            objects.make_durable(written)
            written = []
        progress(place, len(paths))


def _pieces(path: Path, digest: bytes) -> Iterator[bytes]:
    """The bytes of a file of the backup. Raises Contradiction at their end if they are not what they were."""
    with path.open("rb") as file:
        read = Digesting(iter(lambda: file.read(durable.READ_LENGTH), b""))
        yield from read
    if read.digest() != digest:
        raise _changed(path)


def _remove_file(home: Home) -> None:
    for left in home.data.glob(f"{home.database_file.name}*"):
        left.unlink()


def _mark(stores: RestoringStores, home: Home, manifest: Manifest, clock: Clock) -> Restoration:
    """Bring the file to this version's schema, and state in it that it was restored."""
    with stores.opened(home.database_file, load_keys(home.keys)) as copy:
        if copy.identity != manifest.identity:
            raise Contradiction(
                "BACKUP_MANIFEST",
                f"the backup holds {copy.identity}, its manifest says {manifest.identity}",
            )
        now = moment(milliseconds(clock.now()))
        return copy.mark_restored(now, manifest.made_at, manifest.size)


def _require_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not _begun(folder):
        raise CallerError(
            "HOME_NOT_EMPTY",
            f"{folder} is not empty. Nothing is ever restored over something: take another --home, or "
            "move what is there away.",
        )


def _begun(folder: Path) -> bool:
    """Whether a restoration into this home was begun and not ended."""
    return (folder / MARKER).exists()


def _copy(source: Path, target: Path, digest: bytes) -> None:
    if durable.copy_file(source, target) != digest:
        raise _changed(source)


def _changed(path: Path) -> Contradiction:
    return Contradiction(
        "BACKUP_DAMAGED", f"{path} changed while it was read; its SHA-256 is another than before."
    )

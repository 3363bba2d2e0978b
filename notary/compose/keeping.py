"""What keeps the service sound, and what it must forget: keys, backups, audits, holds and erasures.

Test: tests/scenarios/service.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

from notary.adapters.durable import only_one, whole_file
from notary.adapters.keys.erasures import ErasureFile
from notary.adapters.keys.folder import add_set, destroy_sets
from notary.adapters.store.copies import StoredCopies, open_copy
from notary.adapters.store.erasing import StoredErasures
from notary.adapters.store.log import StoredKeyUses
from notary.adapters.store.originals import StoredOriginals
from notary.adapters.store.rewrap import StoredSecrets
from notary.compose.watching import Watching
from notary.core.audit_state import AuditState
from notary.core.erasures import standings
from notary.core.retention import RETENTION_NAME
from notary.errors import NothingHappened
from notary.ports import Bars, Matter, ObjectStore, Progress, SealedBatch
from notary.usecases.audit_questions import Questions
from notary.usecases.backup import Backup, BackupDone
from notary.usecases.certificate import issue
from notary.usecases.chain_audit import Audit
from notary.usecases.erase import Eraser
from notary.usecases.erasure_check import ErasureCheck
from notary.usecases.erasure_plan import Planner
from notary.usecases.holds import Holds
from notary.usecases.key_copies import copy_keys, rotation_lock
from notary.usecases.lint_public import Linted, PublicLinter
from notary.usecases.originals import CopyDone, compared, copy_all, sealed_length
from notary.usecases.publish import Publisher
from notary.usecases.retention import Retention
from notary.usecases.rotate_kek import RotationDone, rotate_kek
from notary.usecases.rotate_keys import HandedOver, KeyRotation, KeySetShown
from notary.usecases.succession import retire
from verifier.format import contract

GWEI = 10**9


class Keeping(Watching):
    """Keys, backups, audits, the contract, holds and erasures."""

    def deploy_contract(self) -> str:
        """Put the contract on the chain unless it is there; say which."""
        from notary.adapters.chain.deployment import deploy

        done = deploy(self._chain, self._signer, max_fee_cap=self.home.config.max_fee_gwei * GWEI)
        word = "deployed now" if done.deployed_now else "was there already"
        return f"contract {_zerox(done.address)} on chain {self.identity.chain_id} {word}"

    def contract_said(self) -> str:
        """Whether the contract's code stands at its address."""
        found = self._chain.identity()
        if found.code_hash == contract.RUNTIME_CODE_HASH:
            return (
                f"contract {_zerox(contract.ADDRESS)} on chain {found.chain_id}: the expected code"
            )
        return (
            f"contract {_zerox(contract.ADDRESS)} on chain {found.chain_id}: not there "
            f"(code hash {_zerox(found.code_hash)}). `notary contract deploy` puts it there."
        )

    @cached_property
    def holds(self) -> Holds:
        """Legal holds (usecases.holds)."""
        return Holds(self.reader, self.acceptor, self._entropy, self._alone)

    @cached_property
    def retention(self) -> Retention:
        """How long records are kept, by the operator's rules (usecases.retention)."""
        return Retention(
            self.home.folder / RETENTION_NAME,
            self.reader,
            self.register,
            self.holds,
            self._clock,
        )

    @cached_property
    def planner(self) -> Planner:
        """What erasures would do (usecases.erasure_plan)."""
        return Planner(self._stored_erasures, self.reader, self.holds, self.retention)

    @cached_property
    def eraser(self) -> Eraser:
        """Erases records (usecases.erase)."""
        return Eraser(
            self._stored_erasures,
            self._objects,
            self.register,
            self.acceptor,
            self.planner,
            self.holds,
            self._erasures,
            self._clock,
            self._alone,
        )

    def _alone(self) -> AbstractContextManager[None]:
        """Erasing and the setting of holds, one at a time."""
        return self._database.alone(self.home.data / "erasing.lock")

    @property
    def _stored_erasures(self) -> StoredErasures:
        return StoredErasures(self._database, self._keys)

    @property
    def _erasures(self) -> ErasureFile:
        return ErasureFile(self.home.keys, self.identity.name)

    def write_certificate(self, matter: Matter, positions: Sequence[int], out: Path) -> None:
        """Write the certificate of erasures that took place (usecases.certificate)."""
        erased = self.planner.plan(matter, positions, None)
        known = standings(self.eraser.erasures.lines())
        told = issue(self.identity, self.reader, matter, erased, known, self._clock.now())
        with whole_file(out, "CERTIFICATE_FILE") as file:
            file.write(told)

    def backup(self, folder: Path) -> Backup:
        """The backups of this service in a folder. Raises CallerError BACKUP_PLACE."""
        store = StoredCopies(self._database)
        return Backup(
            self.home, store, open_copy, self._objects, self.identity, folder, self._clock
        )

    def run_backup(self, task: Backup, keys: Path | None, folder: Path, bars: Bars) -> BackupDone:
        """Run it; with `keys`, copy the key folder there as well."""
        if keys is None:
            return task.run(bars)
        # Rows and keys of one moment: no rotation may take a key away between the two copies.
        with rotation_lock(self.home.keys):
            copy_keys(self.home.keys, keys, apart_from=folder)
            return task.run(bars)

    def key_sets(self) -> list[KeySetShown]:
        """The signing key sets at hand, in the order in which they were made."""
        return self._rotation.shown()

    @cached_property
    def _rotation(self) -> KeyRotation:
        keys = self.home.keys
        return KeyRotation(
            StoredKeyUses(self._database),
            self._keys,
            self._sealer,
            self.book,
            lambda: add_set(keys, self._entropy),
            lambda numbers: destroy_sets(keys, numbers),
        )

    def rotate_keys(self) -> HandedOver:
        """Hand the log over to its next key set (usecases.rotate_keys)."""
        with rotation_lock(self.home.keys):
            self._rotation.retire()
            now = self._clock.now()
            return self._rotation.rotate(now, self._recent_block(now))

    def retire_keys(self) -> list[int]:
        """Destroy the key sets that an anchored hand-over has left behind; their numbers."""
        with rotation_lock(self.home.keys):
            return self._rotation.retire()

    def rotate_kek(self, keep_old: Path | None, bars: Bars) -> RotationDone:
        """Change the key encryption key (usecases.rotate_kek)."""
        secrets = StoredSecrets(self._database)
        return rotate_kek(secrets, self.home.keys, self._entropy, keep_old, bars)

    def lint_public(self, paths: Sequence[Path], bars: Bars) -> Linted:
        """Search everything public for everything personal (usecases.lint_public)."""
        erasures = self._erasures
        answers = {
            "GET /health": repr(self.health()).encode(),
            "GET /metrics": repr(self.figures()).encode(),
            erasures.path.name: "\n".join(erasures.texts()).encode(),
        }
        return PublicLinter(
            [one.agency_id for one in self.agencies.all()],
            self.register,
            self.reader,
            Publisher(self.identity, self.batch_log, self.book),
            self.book,
            self.home.data,
            answers,
        ).run(paths, bars)

    def retire(self, successor: str) -> SealedBatch:
        """Seal the last batch of this log, which names its successor (usecases.succession)."""
        now = self._clock.now()
        return retire(self._sealer, self.identity.name, successor, now, self._recent_block(now))

    def audit(self, rpcs: Sequence[str], since: int, full: bool, progress: Progress) -> AuditState:
        """Ask again whether every stored proof holds (usecases.chain_audit)."""
        from notary.adapters.chain.web3_chain import Web3Chain

        identity = self.identity
        chains = [
            Web3Chain(rpc, identity.contract, identity.log_address)
            for rpc in rpcs or self.home.config.endpoints
        ]
        questions = Questions(
            identity,
            self.book,
            self.batch_log,
            chains,
            self._check_store,
            self._check_erasures,
            lambda: compared(self._wanted_originals(), self._objects.listed()),
        )
        with only_one(
            self.home.data / "audit.lock",
            NothingHappened("AUDIT_RUNS", "another audit is at work on this home."),
        ):
            return Audit(questions, self._audits).run(
                self._clock.now, progress, since=since, full=full
            )

    def _check_store(self) -> None:
        with StoredCopies(self._database).now() as moment:
            moment.check(self.identity, lambda done, total: None)

    def _check_erasures(self, full: bool) -> None:
        check = ErasureCheck(self._stored_erasures, self.reader, self._erasures)
        check.lines()
        if full:
            check.store()

    def _wanted_originals(self) -> list[tuple[bytes, int]]:
        """Every original that a record names, ascending, with the bytes that it should have, sealed."""
        named = StoredOriginals(self._database).all()
        return [(name, sealed_length(size)) for name, size in named]

    def copy_originals(self, target: ObjectStore, progress: Progress, *, dry_run: bool) -> CopyDone:
        """Copy every original to another place (usecases.originals)."""
        return copy_all(self._wanted_originals(), self._objects, target, progress, dry_run=dry_run)


def _zerox(raw: bytes) -> str:
    return "0x" + raw.hex()

"""`verifier compare`, `verifier check --fork-proof` and `verifier fork`, over whole packages.

A log forks after batch 3 of the story: two worlds go on apart under the same keys
(docs/spec/verification.md §9).
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile import persons
from tests.hostile.attacks import ALL
from tests.hostile.attacks.others import signed, with_checkpoints
from tests.hostile.case import Case, honest
from tests.hostile.package import (
    EVM,
    HISTORY_HEADERS,
    HISTORY_MAP,
    LEAVES,
    STATEMENT,
    Package,
    header_path,
    map_path,
    old_header_path,
    old_proof_path,
    proof_path,
)
from tests.hostile.verify import command
from tests.hostile.world import CASE, HOUR, NOBODY, World
from verifier.check.compare import Comparison, compare, fork_of_case
from verifier.check.evidence import Evidence
from verifier.check.fork import check_fork
from verifier.check.inputs import read_inputs
from verifier.check.judge import check
from verifier.check.policy import read_policy
from verifier.check.reading import read_bag
from verifier.check.rows import CannotJudge
from verifier.check.statements import Statements
from verifier.format import fork
from verifier.format.notes import Note


def go_on(world: World, teller: str, *, batches: int = 1, matter: str = CASE) -> World:
    """The world goes on: each batch with one record more, anchored."""
    for i in range(batches):
        world.wait()
        title = f"{teller} {i}"
        world.log.add(matter, "document", {"title": title, "text": "", "occurred_at": world.now()})
        world.log.seal()
        world.log.anchor()
    world.wait(HOUR)
    return world


@cache
def forked() -> tuple[World, World]:
    """Two worlds of one log: the case has one record more in each, another one."""
    shared = World.told(batches=4)
    one, other = copy.deepcopy(shared), copy.deepcopy(shared)
    return go_on(one, "one"), go_on(other, "other")


def compared(first: Package, second: Package, folder: Path) -> Comparison:
    comparison = compare(
        first.write_zip(folder / "first.zip"), second.write_zip(folder / "second.zip")
    )
    said = json.loads(comparison.json(None))
    assert (said["exit"], said["code"]) == (comparison.exit, comparison.code)
    assert comparison.text(None).startswith("COMPARE: ")
    return comparison


# ---------------------------------------------------------------------- compare


def test_two_packages_of_one_story_agree(tmp_path: Path) -> None:
    world = honest()
    for other in (world.extract(), world.absent(), world.complete("other")):
        comparison = compared(world.complete(), other, tmp_path)
        assert (comparison.exit, comparison.found.contradictions) == (0, ())
        assert comparison.found.compared["checkpoints"]


def test_an_older_package_is_a_beginning_of_a_newer_one(tmp_path: Path) -> None:
    world = honest()
    older = world.complete(as_of=world.log.anchors[2].block, withheld={}, erased={})
    comparison = compared(older, world.complete(), tmp_path)
    assert (comparison.exit, comparison.found.compared["heads"] > 0) == (0, True)


def test_two_stories_are_convicted_by_their_checkpoints(tmp_path: Path) -> None:
    one, other = forked()
    comparison = compared(one.complete(erased={}), other.complete(erased={}), tmp_path)
    assert comparison.exit == 2
    assert comparison.found.proof is not None
    assert comparison.found.proof.fork.kind == "checkpoints"


def test_two_stories_of_different_length_are_convicted_by_a_matter(tmp_path: Path) -> None:
    one = forked()[0]
    longer = go_on(copy.deepcopy(forked()[1]), "longer")
    comparison = compared(
        one.export("complete", CASE, None, None),
        longer.export("complete", CASE, None, None),
        tmp_path,
    )
    assert comparison.found.proof is not None
    assert comparison.found.proof.fork.kind in ("heads", "headers", "checkpoints")


@pytest.mark.parametrize("matter", ["other", "third"])
def test_a_full_history_convicts_whatever_the_matters_are(matter: str, tmp_path: Path) -> None:
    """Another matter as of another size: the headers of the longer story leave the other no place."""
    one = forked()[0]
    longer = go_on(copy.deepcopy(forked()[1]), "longer", matter=matter)
    comparison = compared(one.absent(), longer.absent(full_history=True), tmp_path)
    assert comparison.exit == 2
    assert comparison.found.proof is not None
    assert comparison.found.proof.fork.kind == "tree"
    honest_pair = compared(
        honest().absent(as_of=honest().log.anchors[1].block),
        honest().complete(full_history=True),
        tmp_path,
    )
    assert (honest_pair.exit, honest_pair.found.contradictions) == (0, ())
    assert honest_pair.found.compared["trees"]


def test_nothing_comparable_is_no_acquittal(tmp_path: Path) -> None:
    """Another matter as of another size: whether the log forked can't be said, and is not."""
    one = forked()[0]
    longer = go_on(copy.deepcopy(forked()[1]), "longer", matter="other")
    first = one.absent()
    second = longer.absent()
    comparison = compared(first, second, tmp_path)
    assert (comparison.exit, comparison.code) == (3, "NOTHING_COMPARABLE")


def test_a_forged_package_is_no_fork(tmp_path: Path) -> None:
    """The second package is another log's under the same name, which the accuser made himself."""
    accuser = World.told(seed="accuser")
    document = accuser.complete().json(EVM)
    document["log_address"] = "0x" + honest().log.address.hex()
    forged = accuser.complete().put_json(EVM, document).restated()
    comparison = compared(honest().complete(), forged, tmp_path)
    assert (comparison.exit, comparison.code) == (3, "FORK_NOT_PINNED")
    assert comparison.found.proof is not None
    policy = read_policy(persons.write(honest().policy(), tmp_path / "policy.toml"))
    proof = fork.encode(comparison.found.proof.fork)
    assert check_fork(proof, policy, read_inputs(None)).code == "FORK_NOT_PINNED"


def test_a_contradiction_without_its_keys_is_no_acquittal(tmp_path: Path) -> None:
    """The second package keeps back the key set that signed it, so that nothing can be proved."""
    forged = World.told(seed="accuser").complete()
    document = forged.json(EVM)
    document["log_address"] = "0x" + honest().log.address.hex()
    forged = forged.put_json(EVM, document)
    for name in [name for name in forged.files if name.startswith("data/keys/")]:
        forged = forged.drop(name)
    comparison = compared(honest().complete(), forged.restated(), tmp_path)
    assert (comparison.exit, comparison.code) == (3, "CONTRADICTION_UNPROVED")
    assert comparison.found.contradictions


def test_anchors_in_an_invented_block_are_no_fork(tmp_path: Path) -> None:
    """The accuser shows the log's own checkpoints under a chain of his own, with sizes that decrease."""
    accuser = World.told(anchored={0: (1,), 2: (3,), 3: (2,), 5: (6,)})
    document = honest().complete().json(EVM)
    invented = accuser.complete().json(EVM)
    document |= {"fold": invented["fold"], "as_of": invented["as_of"], "legs": []}
    forged = honest().complete().put_json(EVM, document)
    comparison = compared(honest().complete(), forged, tmp_path)
    assert (comparison.exit, comparison.code) == (3, "FORK_BLOCK_NOT_CONFIRMED")


def test_packages_of_two_logs_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge) as caught:
        compared(honest().complete(), World.told(seed="another").complete(), tmp_path)
    assert caught.value.code == "LOGS_DIFFER"
    (tmp_path / "none").write_bytes(b"")
    with pytest.raises(CannotJudge) as caught:
        compare(tmp_path / "none", tmp_path / "none")
    assert caught.value.code == "PACKAGE_UNREADABLE"
    with pytest.raises(CannotJudge) as caught:
        compare(tmp_path / "nowhere", tmp_path / "none")
    assert caught.value.code == "PACKAGE_UNREADABLE"


def test_the_commands_lead_from_two_packages_to_a_proof(tmp_path: Path) -> None:
    one, other = forked()
    first = one.complete(erased={}).write_zip(tmp_path / "one.zip")
    second = other.extract(erased={}).write_zip(tmp_path / "other.zip")
    out = tmp_path / "fork.json"
    done = command("compare", first, second, "--out", out, "--json")
    assert (done.returncode, done.stderr) == (2, "")
    assert json.loads(done.stdout)["out"] == str(out)
    assert json.loads(out.read_bytes())["kind"] == json.loads(done.stdout)["kind"]
    assert command("compare", first, second, "--out", out).returncode == 4
    only = command("compare", first, second)
    assert (only.returncode, "--out FILE writes it" in only.stdout) == (2, True)
    assert command("compare", first, first, "--out", tmp_path / "no.json").returncode == 0
    assert not (tmp_path / "no.json").exists()
    assert command("compare", first, tmp_path / "none").returncode == 4
    policy = persons.write(one.policy(), tmp_path / "policy.toml")
    proved = command("fork", out, "--policy", policy)
    assert (proved.returncode, proved.stderr) == (0, ""), proved.stdout
    assert json.loads(command("fork", out, "--policy", policy, "--json").stdout)["exit"] == 0
    # Nobody is asked for somebody who trusts nobody.
    alone = command("fork", out, "--rpc")
    assert (alone.returncode, alone.stderr) == (3, "")
    assert "RPC_NO_ENDPOINT" in command("fork", out, "--policy", policy, "--rpc").stdout


# ---------------------------------------------------------------------- what a package says


def told(package: Package, folder: Path) -> dict[str, int]:
    """How many statements of each kind a package makes."""
    statements = Statements()
    path = package.sealed().write_zip(folder / "package.zip")
    statements.add_package(0, Evidence(read_bag(path)))
    return {name: len(value) for name, value in vars(statements).items() if name[0] != "_"}


TOLD = {
    "key_sets": 1,
    "checkpoints": 3,
    "headers": 3,
    "matters": 7,
    "histories": 1,
    "chains": 1,
    "leaves": 1,
}
KEYS = next(name for name in honest().complete().files if name.startswith("data/keys/"))
UNREADABLE = {
    KEYS: {"key_sets": 0},
    header_path(2): {"headers": 2, "checkpoints": 2, "matters": 6},
    proof_path(2): {"headers": 2, "checkpoints": 2, "matters": 6},
    # The last checkpoint is the one over the history.
    header_path(5): {"headers": 2, "checkpoints": 2, "matters": 2, "histories": 0},
    proof_path(5): {"headers": 2, "checkpoints": 2, "matters": 2, "histories": 0},
    map_path(2): {"matters": 6},
    HISTORY_HEADERS: {"histories": 0, "matters": 3},
    HISTORY_MAP: {"matters": 3},
    LEAVES: {"leaves": 0},
    STATEMENT: {"leaves": 0, "matters": 0},
    # Without the chain proof nobody knows which log's heads they are.
    EVM: {"chains": 0, "matters": 0},
}


@pytest.mark.parametrize("content", [b"\xff", b"\xff\n", b"", None])
@pytest.mark.parametrize("name", UNREADABLE)
def test_what_can_not_be_read_says_nothing_and_hides_nothing_else(
    name: str, content: bytes | None, tmp_path: Path
) -> None:
    package = honest().complete(full_history=True)
    damaged = package.drop(name) if content is None else package.put(name, content)
    assert told(package, tmp_path) == TOLD
    assert told(damaged, tmp_path) == TOLD | UNREADABLE[name]


def test_a_history_without_any_checkpoint_says_nothing(tmp_path: Path) -> None:
    package = honest().complete(full_history=True)
    for batch in (2, 4, 5):
        package = package.drop(proof_path(batch))
    nothing = {"checkpoints": 0, "headers": 0, "matters": 0, "histories": 0}
    assert told(package, tmp_path) == TOLD | nothing


def test_a_history_says_what_its_checkpoint_says_and_no_more(tmp_path: Path) -> None:
    package = honest().complete(full_history=True)
    unsaid = TOLD | {"histories": 0, "matters": 3}
    for change in (
        lambda lines: lines[:-1],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [lines[0], lines[0], *lines[2:]],
    ):
        assert told(package.change_lines(HISTORY_HEADERS, change), tmp_path) == unsaid
    # A line of the map beyond the last batch once ended the comparison.
    longer = package.change_lines(HISTORY_MAP, lambda lines: [*lines, lines[0]])
    assert told(longer, tmp_path) == TOLD
    assert compared(honest().complete(), longer, tmp_path).exit == 0


def test_a_head_that_is_none_says_nothing(tmp_path: Path) -> None:
    package = honest().complete(full_history=True)
    name = map_path(2)
    spelled = package.put(name, package[name].replace(b"\\n3\\n", b"\\n03\\n"))
    assert told(spelled, tmp_path) == TOLD | {"matters": 6}

    def change(lines: list[bytes]) -> list[bytes]:
        return [line.replace(b"\\n3\\n", b"\\n03\\n") for line in lines]

    # What the lines before it say stands.
    assert told(package.change_lines(HISTORY_MAP, change), tmp_path) == TOLD | {"matters": 5}


def test_a_note_that_is_no_checkpoint_says_nothing() -> None:
    statements = Statements()
    assert statements.add_checkpoint(0, Note("notary.example/log\n", (), "")) is None
    assert statements.checkpoints == []


def test_records_count_from_the_first_without_a_gap(tmp_path: Path) -> None:
    package = honest().complete(full_history=True)
    for change, leaves in ((lambda lines: lines[1:], 0), (lambda lines: lines[:-1], 1)):
        damaged = package.change_lines(LEAVES, change)
        assert told(damaged, tmp_path) == TOLD | {"leaves": leaves}


def test_a_hand_over_is_a_header_with_its_proof(tmp_path: Path) -> None:
    package = honest().complete(full_history=True)
    proof = package.put(old_proof_path(2), package[proof_path(2)])
    assert told(proof, tmp_path) == TOLD
    assert told(proof.put(old_header_path(2), b"\xff"), tmp_path) == TOLD
    whole = proof.put(old_header_path(2), package[header_path(2)])
    assert told(whole, tmp_path) == TOLD | {"headers": 4}


def test_a_package_of_two_logs_speaks_for_no_matter(tmp_path: Path) -> None:
    package = honest().complete(full_history=True)
    name = header_path(2)
    other = package.put(name, package[name].replace(b"notary.example/log", b"notary.example/lag"))
    assert told(other, tmp_path) == TOLD | {"matters": 0}


# ---------------------------------------------------------------------- check --fork-proof


def written(case: Case, folder: Path) -> tuple[str, Path]:
    """What `check --fork-proof` says of a case, and where the proof would be."""
    package, policy, inputs = case.write(folder)
    judgement = check(package, read_policy(policy), read_inputs(inputs))
    out = folder / "fork.json"
    return fork_of_case(judgement, out), out


def test_a_package_and_a_checkpoint_lead_to_a_proof(tmp_path: Path) -> None:
    package, policy, inputs = with_checkpoints(signed(3)).write(tmp_path)
    out = tmp_path / "fork.json"
    done = command("check", package, "--policy", policy, "--inputs", inputs, "--fork-proof", out)
    assert done.returncode == 2
    assert "kind checkpoints; written to" in done.stderr
    assert command("fork", out, "--policy", policy).returncode == 0
    # A second time the file is there, and is not written over.
    again = command("check", package, "--policy", policy, "--inputs", inputs, "--fork-proof", out)
    assert (again.returncode, "FORK_FILE" in again.stdout) == (4, True)


def test_an_anchored_root_and_a_signed_one_do_not_stand_alone(tmp_path: Path) -> None:
    said, out = written(with_checkpoints(signed(4)), tmp_path)
    assert said.startswith("no fork proof was written: ")
    assert not out.exists()


def test_a_fork_of_a_log_whose_name_nobody_can_tell_is_not_written(tmp_path: Path) -> None:
    """The links fork, and the headers name two logs: a proof would have to name one."""
    forked = ALL["log.anchored_sizes_1_2_3_2"].make()
    assert isinstance(forked.package, Package)
    name = header_path(2)
    other = forked.package[name].replace(b"notary.example/log", b"notary.example/lag")
    said, out = written(replace(forked, package=forked.package.put(name, other).sealed()), tmp_path)
    assert said.startswith("no fork proof was written: ")
    assert not out.exists()


def test_without_a_fork_nothing_is_written(tmp_path: Path) -> None:
    said, out = written(with_checkpoints(), tmp_path)
    assert said == "no fork was met; no fork proof was written\n"
    assert not out.exists()


FORKED = [
    name
    for name, one in ALL.items()
    if any(row.code.startswith("LOG_FORKED") for row in one.rows.values())
    # A proof by anchors convicts nobody under a block that nobody confirms.
    and "finality" not in one.rows
]


@pytest.mark.parametrize("name", FORKED)
def test_what_an_attack_leaves_as_a_proof_convicts_the_log(name: str, tmp_path: Path) -> None:
    """In the catalogue the service itself signs and anchors: whatever is written must hold."""
    case = ALL[name].make()
    _, out = written(case, tmp_path)
    if out.exists():
        policy = read_policy(tmp_path / "policy.toml")
        checked = check_fork(out.read_bytes(), policy, read_inputs(tmp_path / "inputs.toml"))
        assert checked.exit == 0, checked.text()


def test_some_attacks_leave_each_kind_of_proof(tmp_path: Path) -> None:
    """The search is no empty promise: within one package it finds heads and anchors as well."""
    kinds = set()
    for i, name in enumerate(FORKED):
        folder = tmp_path / str(i)
        folder.mkdir()
        _, out = written(ALL[name].make(), folder)
        if out.exists():
            kinds.add(json.loads(out.read_bytes())["kind"])
    assert {"checkpoints", "heads", "links", "tree"} <= kinds


# ---------------------------------------------------------------------- random honest worlds

ACTS: Any = st.lists(
    st.tuples(st.sampled_from([CASE, "other", ""]), st.booleans()), min_size=1, max_size=12
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=ACTS, data=st.data())
def test_no_two_packages_of_a_random_honest_log_make_a_fork(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, bool]], data: st.DataObject
) -> None:
    world = World(header_size=15, neighbours=False)
    for i, (matter, anchored) in enumerate([(CASE, True), *acts]):
        if matter:
            world.log.add(matter, "document", {"title": str(i), "occurred_at": None})
        world.log.seal()
        if anchored:
            world.log.anchor()
    world.wait()
    blocks = [anchor.block for anchor in world.log.anchors]
    folder = tmp_path_factory.mktemp("pair")
    pair = [
        world.export(data.draw(st.sampled_from(["complete", "absent"])), CASE, None, block)
        if data.draw(st.booleans())
        else world.absent(NOBODY, as_of=block)
        for block in data.draw(st.lists(st.sampled_from(blocks), min_size=2, max_size=2))
    ]
    comparison = compared(pair[0], pair[1], folder)
    assert (comparison.found.proof, comparison.found.contradictions) == (None, ())

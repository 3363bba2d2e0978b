"""`verifier fork` (docs/spec/verification.md §9): a fork proof before a person's policy and inputs.

The proofs are those of tests/unit/format/test_fork.py; here it is asked whom they convict.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.hostile import persons
from tests.hostile.attacks.finality import PUBLISHER, signed
from tests.reference.toy_log import LOG, NAME, START, Signer
from tests.unit.format.test_fork import NOW, ON_CHAIN, ONE, OTHER, PROOFS, proof
from verifier.check.blocks import Said, SourceKind
from verifier.check.fork import ForkCheck, check_fork
from verifier.check.inputs import read_inputs
from verifier.check.policy import read_policy
from verifier.format import evm, fork, key_sets, notes
from verifier.format.digests import Digest
from verifier.format.fork import Checkpoints, Fork, Links
from verifier.format.signatures import ML_DSA_44
from verifier.format.statement import Log
from verifier.format.times import format_time

SIGNED = [name for name, one in PROOFS.items() if one.kind != "links"]
COSIGNER = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
COSIGNER_VKEY = notes.make_vkey(NAME, COSIGNER.public_key().public_bytes_raw(), ML_DSA_44)


def policy(log: Log = LOG, vkeys: tuple[str, ...] = (NOW.vkey.text,), **pin: Any) -> dict[str, Any]:
    return {
        "format": "notary-policy/1",
        "required": {"complete": []},
        "limits": {"max_silence_s": 90_000, "history": "shown"},
        "chain": [
            {"id": log.chain_id, "name": "test", "class": "test",
             "hash_rule": pin.pop("hash_rule", "ethereum")}
        ],
        "log": [
            {
                "chain_id": log.chain_id,
                "contract": "0x" + log.contract.hex(),
                "log_address": "0x" + log.log_address.hex(),
                "name": log.name,
                "vkeys": list(vkeys),
                "from": format_time(START),
                "origin": "contract, annex 3",
                **pin,
            }
        ],
    }  # fmt: skip


def inputs(hash_: bytes, number: int, chain_id: int = ON_CHAIN.chain_id) -> dict[str, Any]:
    block = {"chain_id": chain_id, "number": number, "hash": "0x" + hash_.hex()}
    return {"format": "notary-inputs/1", "block": [block]}


def checked(
    file: Fork | bytes,
    folder: Path,
    whom: dict[str, Any] | None,
    known: dict[str, Any] | None = None,
) -> ForkCheck:
    """The answer, which both forms of the report can say."""
    found = check_fork(
        file if isinstance(file, bytes) else fork.encode(file),
        None if whom is None else read_policy(persons.write(whom, folder / "policy.toml")),
        read_inputs(None if known is None else persons.write(known, folder / "inputs.toml")),
    )
    said = json.loads(found.json())
    assert (said["exit"], said["code"], said["proved"]) == (found.exit, found.code, found.exit == 0)
    text = found.text()
    assert (found.code or "proved") in text
    return found


def block_of(name: str) -> evm.Header:
    links = PROOFS[name].told
    assert isinstance(links, Links)
    return evm.parse_header(links.as_of.header)


# ---------------------------------------------------------------------- proved


@pytest.mark.parametrize("name", SIGNED)
def test_a_fork_by_pinned_keys_is_proved(name: str, tmp_path: Path) -> None:
    found = checked(PROOFS[name], tmp_path, policy())
    assert (found.exit, found.code) == (0, None)
    assert NOW.vkey.text in found.text()


@pytest.mark.parametrize("name", ["links, smaller", "links, equal"])
def test_a_fork_on_a_confirmed_block_is_proved(name: str, tmp_path: Path) -> None:
    block = block_of(name)
    known = inputs(block.hash, block.number)
    assert checked(PROOFS[name], tmp_path, policy(ON_CHAIN), known).exit == 0


# ---------------------------------------------------------------------- for the reader to confirm


@pytest.mark.parametrize("name", PROOFS)
def test_without_a_policy_nobody_is_convicted(name: str, tmp_path: Path) -> None:
    """Whoever has no key of the log can fork a log of his own under its name."""
    found = checked(PROOFS[name], tmp_path, None)
    assert (found.exit, found.code) == (3, "FORK_NOT_PINNED")
    if PROOFS[name].kind != "links":
        assert NOW.vkey.text in found.text()
    else:
        assert block_of(name).hash.hex() in found.text()


@pytest.mark.parametrize(
    "other",
    [
        LOG._replace(name="other.example/log"),
        LOG._replace(chain_id=1),
        LOG._replace(contract=b"\x09" * 20),
        LOG._replace(log_address=b"\x09" * 20),
    ],
)
def test_a_fork_of_a_log_that_is_not_pinned_convicts_nobody(other: Log, tmp_path: Path) -> None:
    vkey = Signer(b"now", other.name).vkey.text
    found = checked(PROOFS["tree"], tmp_path, policy(other, (vkey,)))
    assert (found.exit, found.code) == (3, "FORK_NOT_PINNED")


@pytest.mark.parametrize("name", SIGNED)
def test_a_stranger_who_forks_a_log_of_his_own_convicts_nobody(name: str, tmp_path: Path) -> None:
    """The same name, chain and account, both stories by the accuser's keys: all in order but the pin."""
    found = checked(PROOFS[name], tmp_path, policy(vkeys=(Signer(b"the log's").vkey.text,)))
    assert (found.exit, found.code) == (3, "FORK_NOT_PINNED")


def test_a_second_story_by_a_stranger_convicts_nobody(tmp_path: Path) -> None:
    """The accuser adds his own key set beside the log's, and signs the second story himself."""
    stranger = Signer(b"stranger")
    framed = proof(Checkpoints(ONE.checkpoint(4), stranger.note(4, OTHER.root(4))), NOW, stranger)
    assert fork.check(framed).key_sets
    found = checked(framed, tmp_path, policy())
    assert (found.exit, found.code) == (3, "FORK_NOT_PINNED")
    assert "second" in found.detail


def test_one_of_two_pinned_types_convicts_nobody(tmp_path: Path) -> None:
    """Whoever breaks Ed25519 alone gives a key set without the ML-DSA key; the pin has both."""
    both = policy(vkeys=(NOW.vkey.text, COSIGNER_VKEY.text))
    found = checked(PROOFS["checkpoints"], tmp_path, both)
    assert (found.exit, found.code) == (3, "FORK_NOT_PINNED")
    assert "0x06" in found.detail


def test_both_of_two_pinned_types_convict(tmp_path: Path) -> None:
    receipt = key_sets.parse(NOW.text.encode()).receipt
    text = key_sets.encode(key_sets.make([NOW.vkey, COSIGNER_VKEY], receipt)).decode()
    first, second = (notes.cosign(log.checkpoint(4), NAME, COSIGNER, 7) for log in (ONE, OTHER))
    both = policy(vkeys=(NOW.vkey.text, COSIGNER_VKEY.text))
    told = Checkpoints(first, second)
    assert checked(Fork(LOG, (text,), told), tmp_path, both).exit == 0


def test_keys_that_were_taken_convict_nobody(tmp_path: Path) -> None:
    """Of a log whose keys are known to be stolen, anybody may have signed the second story."""
    found = checked(PROOFS["tree"], tmp_path, policy(last_good_head="ab" * 32))
    assert (found.exit, found.code) == (3, "FORK_LOG_COMPROMISED")


def test_a_block_that_nobody_confirms_convicts_nobody(tmp_path: Path) -> None:
    name = "links, smaller"
    block = block_of(name)
    other_chain = inputs(block.hash, block.number, 1)
    other_number = inputs(block.hash, block.number + 1)
    for known in (None, other_chain, other_number):
        found = checked(PROOFS[name], tmp_path, policy(ON_CHAIN), known)
        assert (found.exit, found.code) == (3, "FORK_BLOCK_NOT_CONFIRMED")
        assert block.hash.hex() in found.detail


def test_a_block_below_the_level_of_the_policy_convicts_nobody(tmp_path: Path) -> None:
    """Her own hash is level 1; she asks for what two operators give, and asked nobody."""
    block = block_of("links, smaller")
    whom = policy(ON_CHAIN)
    whom["limits"] |= {"level": 2, "quorum": 2}
    whom["endpoint"] = [
        {"operator": name, "chain_id": ON_CHAIN.chain_id, "url": f"https://{name}.example"}
        for name in ("a", "b")
    ]
    known = inputs(block.hash, block.number)
    found = checked(PROOFS["links, smaller"], tmp_path, whom, known)
    assert (found.exit, found.code) == (3, "FORK_BLOCK_NOT_CONFIRMED")
    # Both nodes give it when asked.
    answers = {
        name: Said(SourceKind.ENDPOINT, name, Digest(block.hash), 0, name) for name in ("a", "b")
    }
    asked = check_fork(
        fork.encode(PROOFS["links, smaller"]),
        read_policy(tmp_path / "policy.toml"),
        read_inputs(tmp_path / "inputs.toml"),
        lambda wanted: [{wanted[0]: said} for said in answers.values()],
    )
    assert (asked.exit, asked.code) == (0, None)


def test_a_signed_list_confirms_and_disputes_a_block(tmp_path: Path) -> None:
    block = block_of("links, smaller")
    whom, known = policy(ON_CHAIN), inputs(block.hash, block.number)
    for hash_, own, answer in (
        (block.hash, False, (0, None)),
        (b"\x01" * 32, False, (3, "FORK_BLOCK_NOT_CONFIRMED")),
        (b"\x01" * 32, True, (3, "FORK_BLOCK_NOT_CONFIRMED")),
    ):
        line = f"{ON_CHAIN.chain_id}:{block.number}:0x{hash_.hex()}"
        text = f"notary-blocks/1\n{PUBLISHER.name}\n{line}\n"
        (tmp_path / "list.txt").write_bytes(signed(text, PUBLISHER))
        whom["block_list"] = [
            {
                "name": PUBLISHER.name,
                "vkey": PUBLISHER.vkey,
                "chain_id": ON_CHAIN.chain_id,
                "origin": "their web site",
            }
        ]
        known = inputs(block.hash, block.number) | {"blocks": ["list.txt"]}
        if not own:
            del known["block"]
        found = checked(PROOFS["links, smaller"], tmp_path, whom, known)
        assert (found.exit, found.code) == answer
    # Who is not pinned says nothing, and is not passed over.
    del whom["block_list"]
    found = checked(PROOFS["links, smaller"], tmp_path, whom, known)
    assert "BLOCK_LIST_NOT_PINNED" in found.detail


def test_an_unknown_hash_rule_convicts_nobody(tmp_path: Path) -> None:
    block = block_of("links, equal")
    whom = policy(ON_CHAIN, hash_rule="sm3-chain")
    found = checked(PROOFS["links, equal"], tmp_path, whom, inputs(block.hash, block.number))
    assert (found.exit, found.code) == (3, "FORK_BLOCK_NOT_CONFIRMED")


def test_a_block_of_another_chain_is_refuted(tmp_path: Path) -> None:
    block = block_of("links, equal")
    known = inputs(b"\x01" * 32, block.number)
    found = checked(PROOFS["links, equal"], tmp_path, policy(ON_CHAIN), known)
    assert (found.exit, found.code) == (2, "FORK_BLOCK_DIFFERENT")


def test_a_key_of_an_unknown_type_is_for_a_newer_verifier(tmp_path: Path) -> None:
    unknown = PROOFS["tree"]._replace(keys=(Signer(b"now", extra=5).text,))
    found = checked(unknown, tmp_path, policy())
    assert (found.exit, found.code) == (3, "FORK_KEY_TYPE_UNKNOWN")


# ---------------------------------------------------------------------- not proved


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"", "JSON_SYNTAX"),
        (b"{}", "MEMBER_MISSING"),
        (proof(Checkpoints(ONE.checkpoint(4), ONE.checkpoint(4))), "FORK_SAME"),
        (proof(Checkpoints(ONE.checkpoint(3), ONE.checkpoint(4))), "FORK_SIZES"),
    ],
)
def test_a_file_that_proves_nothing_is_refused_for_its_reason(
    file: Fork | bytes, code: str, tmp_path: Path
) -> None:
    found = checked(file, tmp_path, policy())
    assert (found.exit, found.code) == (2, f"FORK_NOT_PROVED:{code}")


# ---------------------------------------------------------------------- the command


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-m", "verifier.check", "fork", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_says_what_it_found(tmp_path: Path) -> None:
    file = tmp_path / "fork.json"
    file.write_bytes(fork.encode(PROOFS["tree"]))
    whom = persons.write(policy(), tmp_path / "policy.toml")
    proved = run(file, "--policy", whom)
    assert (proved.returncode, proved.stderr) == (0, "")
    assert proved.stdout.startswith("FORK: proved: ")
    unknown = run(file, "--json")
    assert (unknown.returncode, json.loads(unknown.stdout)["code"]) == (3, "FORK_NOT_PINNED")
    file.write_bytes(b"{}")
    assert run(file, "--policy", whom).returncode == 2
    assert run(tmp_path / "nothing").returncode == 4
    assert run(file, "--policy", tmp_path / "nothing").returncode == 4
    file.write_bytes(b" " * (16 * 2**20 + 1))
    assert "FORK_SIZE" in run(file).stdout

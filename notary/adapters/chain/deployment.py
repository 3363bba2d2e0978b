"""Puts the contract on a chain that has not got it yet, through the public CREATE2 deployer.

The address follows from the init code (docs/spec/anchor.md §1), so deploying is idempotent: whoever
does it first has done it for all. Test: tests/scenarios/anchor/test_chain_adapter.py, which also compares
the code with contracts/artifact/Anchors.json.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from notary.adapters.chain.compared import ComparedChain
from notary.chain_ports import Signer, TransactionFields
from notary.core.budget import amount_of
from notary.errors import CallerError, NothingHappened, OutcomeUnknown
from verifier.format import contract as anchors
from verifier.format.keccak import keccak256

# The compiler's output; K of it is verifier.format.contract.INIT_CODE_HASH.
INIT_CODE = bytes.fromhex(
    "6080604052348015600f57600080fd5b506102a28061001f6000396000f3fe60806040523480156100105760"
    "0080fd5b50600436106100365760003560e01c806315954b2c1461003b578063bda4fec514610060575b6000"
    "80fd5b61004e61004936600461021f565b610080565b60405190815260200160405180910390f35b61004e61"
    "006e366004610265565b60006020819052908152604090205481565b60008281036100bb576040517fb263ae"
    "7300000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b81"
    "67ffffffffffffffff166000036100ff576040517fc459d23f00000000000000000000000000000000000000"
    "000000000000000000815260040160405180910390fd5b336000908152602081905260409020548481146101"
    "4f576040517f10df735100000000000000000000000000000000000000000000000000000000815260048101"
    "82905260240160405180910390fd5b60408051602081018790528082018690526fffffffffffffffff000000"
    "00000000009185901b9190911667ffffffffffffffff4216176060820181905290608001604080518083037f"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0018152828252805160209182"
    "01203360008181528084528490208290558a855291840189905291830184905290945084917f16728c82845f"
    "587bb8c8fc406e6ed580e3895b5a1d215c1b1582d3f26fa8b0259060600160405180910390a3505093925050"
    "50565b60008060006060848603121561023457600080fd5b8335925060208401359150604084013567ffffff"
    "ffffffffff8116811461025a57600080fd5b809150509250925092565b600060208284031215610277576000"
    "80fd5b813573ffffffffffffffffffffffffffffffffffffffff8116811461029b57600080fd5b9392505050"
    "56"
)
GAS_LIMIT = 400_000  # the deployment takes about 240,000
WAIT_S = 120  # ten blocks on mainnet
POLL_S = 0.2


@dataclass(frozen=True)
class Deployment:
    """The contract stands at its address. `deployed_now` says whether this call has put it there."""

    address: bytes
    deployed_now: bool


def deploy(
    chain: ComparedChain, signer: Signer, *, max_fee_cap: int, wait_s: float = WAIT_S
) -> Deployment:
    """See that the contract stands at its address; put it there if it does not.

    Uses one nonce of the signer, so it belongs before the first anchor. Calling it again is safe at any
    time. Raises CallerError if the chain has no deployer, the fee cap is too low or the account too poor,
    NothingHappened if the chain is away, OutcomeUnknown if the transaction was sent and is not seen in a
    block in time.
    """
    if chain.code_hash(anchors.ADDRESS) == anchors.RUNTIME_CODE_HASH:
        return Deployment(anchors.ADDRESS, deployed_now=False)
    if chain.code_hash(anchors.DEPLOYER) == keccak256(b""):
        raise CallerError(
            "DEPLOYER_MISSING",
            f"the chain has no CREATE2 deployer at 0x{anchors.DEPLOYER.hex()}. Deploy it as "
            "https://github.com/Arachnid/deterministic-deployment-proxy describes, then try again.",
        )
    fees = chain.fees()
    max_fee = min(2 * fees.base_fee + fees.priority_fee, max_fee_cap)
    if max_fee < fees.base_fee:
        raise CallerError(
            "FEE_CAP",
            f"the base fee is {fees.base_fee} wei, the cap {max_fee_cap}. Wait or raise it.",
        )
    # A node refuses a sender that could not pay the whole limit.
    balance, wanted = chain.balance(), GAS_LIMIT * max_fee
    if balance < wanted:
        raise CallerError(
            "FUNDS",
            f"account 0x{signer.address.hex()} has {amount_of(balance)} of the chain's currency, and the "
            f"deployment may cost {amount_of(wanted)}. Send it some, then try again.",
        )
    signed = signer.sign(
        TransactionFields(
            chain_id=chain.identity().chain_id,
            nonce=chain.transaction_count(),
            to=anchors.DEPLOYER,
            gas_limit=GAS_LIMIT,
            max_fee=max_fee,
            priority_fee=min(fees.priority_fee, max_fee),
            call_data=anchors.SALT + INIT_CODE,
        )
    )
    refusal: OutcomeUnknown | None = None
    try:
        chain.send(signed.raw)
    except OutcomeUnknown as error:
        refusal = error
    deadline = time.monotonic() + wait_s
    while chain.code_hash(anchors.ADDRESS) != anchors.RUNTIME_CODE_HASH:
        if refusal is not None and not chain.knows(signed.hash):
            raise NothingHappened(
                "DEPLOYMENT_REFUSED", f"the node did not take the deployment: {refusal}"
            ) from refusal
        if time.monotonic() > deadline:
            raise OutcomeUnknown(
                "DEPLOYMENT_PENDING",
                f"transaction 0x{signed.hash.hex()} is in no block after {wait_s} s. Try again later: "
                "a contract that is there by then is taken as it is.",
            )
        time.sleep(POLL_S)
    return Deployment(anchors.ADDRESS, deployed_now=True)

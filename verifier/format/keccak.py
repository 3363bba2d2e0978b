"""Owns Keccak-256 as Ethereum uses it (docs/spec/README.md, Notation: K).

safe-pysha3 computes it when installed; otherwise `keccak256_pure` does, some hundred times
slower. Proved by tests/unit/format/test_keccak.py, which compares the two.
"""

from collections.abc import Callable

from verifier.format.digests import Digest

_RATE = 136  # bytes: 1600 bits less twice the 256 of the digest
_LANE = (1 << 64) - 1

# FIPS 202 §3.2.5: ι, one constant a round.
_ROUND_CONSTANTS = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
    0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip

# FIPS 202 §3.2.2 and §3.2.3: the walk of ρ and π over the lanes, numbered x + 5y.
_WALK = (10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1)
_ROTATIONS = (
    1,
    3,
    6,
    10,
    15,
    21,
    28,
    36,
    45,
    55,
    2,
    14,
    27,
    41,
    56,
    8,
    25,
    43,
    62,
    18,
    39,
    61,
    20,
    44,
)


def _permute(lanes: list[int]) -> None:
    for constant in _ROUND_CONSTANTS:
        # θ: each lane takes the parities of two neighbouring columns.
        columns = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        for x in range(5):
            right = columns[(x + 1) % 5]
            mixed = columns[(x + 4) % 5] ^ ((right << 1 | right >> 63) & _LANE)
            for y in range(0, 25, 5):
                lanes[x + y] ^= mixed
        # ρ and π: each lane is rotated and moves to the next place of the walk.
        moving = lanes[1]
        for place, rotation in zip(_WALK, _ROTATIONS, strict=True):
            moved = (moving << rotation | moving >> (64 - rotation)) & _LANE
            moving, lanes[place] = lanes[place], moved
        # χ: along each row, the only step that is not linear.
        for y in range(0, 25, 5):
            row = lanes[y : y + 5]
            for x in range(5):
                lanes[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & _LANE)
        # ι
        lanes[0] ^= constant


def keccak256_pure(data: bytes) -> Digest:
    """Hash bytes of any length without a library."""
    # Keccak's own padding, 0x01 … 0x80, before FIPS 202 added two bits for SHA-3.
    padded = bytearray(data) + bytearray(_RATE - len(data) % _RATE)
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for i in range(_RATE // 8):
            at = start + 8 * i
            lanes[i] ^= int.from_bytes(padded[at : at + 8], "little")
        _permute(lanes)
    return Digest(b"".join([lane.to_bytes(8, "little") for lane in lanes[:4]]))


def _choose() -> Callable[[bytes], Digest]:
    try:
        from sha3 import keccak_256
    except ImportError:
        return keccak256_pure
    return lambda data: Digest(keccak_256(data).digest())


# Hash bytes of any length with Keccak-256.
keccak256: Callable[[bytes], Digest] = _choose()

"""Ed25519's curve in plain integers (RFC 8032 §5.1), for signatures that no library makes."""

from hashlib import sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    """RFC 8032 §5.1.4, affine."""
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + y1 * x2) * pow(1 + product, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P
    return x, y


def times(n: int, point: Point) -> Point:
    """Add a point to nothing n times."""
    result: Point = (0, 1)
    while n:
        if n & 1:
            result = add(result, point)
        point = add(point, point)
        n >>= 1
    return result


def encode(point: Point) -> bytes:
    """§5.1.2."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def x_of(y: int) -> int | None:
    """§5.1.3: an x of this y, if there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    for candidate in (x, x * ROOT % P):
        if candidate * candidate % P == square:
            return candidate
    return None


_BASE_Y = 4 * pow(5, -1, P) % P
_x = x_of(_BASE_Y)
assert _x is not None
BASE: Point = (_x if _x % 2 == 0 else P - _x, _BASE_Y)


def small_order() -> set[bytes]:
    """Encodings of the eight points whose order divides eight."""
    found: set[bytes] = set()
    y = 2
    while len(found) < 8:
        x = x_of(y)
        if x is not None:
            point = times(L, (x, y))
            found |= {encode(times(n, point)) for n in range(8)}
        y += 1
    return found


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    """§5.1.6, step 4."""
    return int.from_bytes(sha512(r + a + message).digest(), "little") % L

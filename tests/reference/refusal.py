"""One sentence for "this is refused with exactly that code"."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from verifier.format.errors import FormatError


@contextmanager
def refused(code: str) -> Iterator[None]:
    """The block raises FormatError with this code."""
    with pytest.raises(FormatError) as caught:
        yield
    assert caught.value.code == code, str(caught.value)
    assert caught.value.message

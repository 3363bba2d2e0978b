"""A source some of whose rows wait for their matter, and the package of a case that two of them came into.

The second reading of "rows that wait" in docs/spec/format.md §16; the log itself is in `sources`. Test of
the undamaged one: the first attack of tests/hostile/attacks/asides.py.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.hostile.case import Case, case
from tests.hostile.sources import Edit, Source, files, judged, nothing, packed
from tests.hostile.world import CASE, STRANGERS_CALL, World
from verifier.format import jsonc
from verifier.format.jsonc import Json

ROW = b"4;0301234567;out\n"
LONG: Json = {
    "importer": "vcon/calls", "version": "1.1", "file_sha256": "ab" * 32, "row": 1, "start": 0, "end": 9,
}  # fmt: skip
"""The claim `import` of a row that is too long for a claim `raw`."""


def waited(
    edit: Edit = nothing,
    tail: Edit = nothing,
    *,
    first: dict[str, Json] | None = None,
    erased: bool = False,
) -> tuple[World, Source]:
    """A case of three calls, two of which waited; `first` changes the claims of the first of these.

    Entries: 0 profile · 1 other, 2 aside 2, 3 closing · 4 other, 5 closing: days that are not shown · 6 aside
    4, of the case, 7 aside 5, which no matter gets, 8 closing · 9 other, 2 that was set aside in 2, 10 case,
    4 that was set aside in 6, 11 case, 12 closing · 13 other, 14 closing, the last one in batch 0 · 15 aside
    8, 16 the same in the case, in batch 1.
    """
    world = World()
    world.wait()
    source = Source(world.log)
    source.call("other", 1)
    source.aside(2, b"2;030999;out\n")
    source.close()
    source.call("other", 3)
    source.close()
    source.aside(4, ROW)
    source.aside(5, b"5;030888;in\n")
    source.close()
    source.moved("other", 2, 2, {"raw": {"text": "2;030999;out\n"}})
    source.moved(CASE, 4, 6, first or {"raw": {"text": ROW.decode()}})
    source.call(CASE, 6)
    source.close()
    source.call("other", 7)
    source.close()
    edit(source.entries)
    source.enter()
    world.log.seal()
    world.wait()
    world.log.anchor(1, before=[STRANGERS_CALL])
    world.wait()
    source.aside(8, jsonc.encode(LONG))
    source.moved(CASE, 8, 15, {"import": LONG})
    tail(source.entries)
    if erased:
        leaf = world.log.matter(CASE).records[0].leaf_hash
        target: Json = {"position": 0, "leaf": leaf.hex()}
        world.log.add(CASE, "erasure", {"target": target, "reason": "order", "authority": "court"})
    source.enter()
    world.log.seal()
    world.wait()
    world.log.anchor(2, before=[STRANGERS_CALL])
    world.wait()
    return world, source


@cache
def undamaged() -> tuple[World, Source]:
    """The story as it was. Attacks on what is shown of it only read it."""
    return waited()


def aside_case(
    edit: Edit = nothing,
    tail: Edit = nothing,
    *,
    first: dict[str, Json] | None = None,
    shown: list[int] | None = None,
    inputs: list[dict[str, Any]] | None = None,
    **omitted: Any,
) -> Case:
    """The story with one damage, and a person who asks for the logs of sources."""
    if (edit, tail, first) == (nothing, nothing, None) and "erased" not in omitted:
        world, source = undamaged()
    else:
        world, source = waited(edit, tail, first=first, erased="erased" in omitted)
    return asked_case(world, source, files(world, source, shown), inputs, **omitted)


def asked_case(
    world: World,
    source: Source,
    made: dict[str, bytes],
    inputs: list[dict[str, Any]] | None,
    **omitted: Any,
) -> Case:
    """With `inputs` she names sources in hers and not the row in her policy."""
    package = packed(world, made, **omitted)
    if inputs is None:
        return judged(world, package, required=True)
    document = {**world.inputs(), "source": inputs}
    return case(package, world, inputs=document)

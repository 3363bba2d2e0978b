"""Proves verifier/format/identity.py: version and digest of the source (docs/spec/package.md §4)."""

import tomllib
from hashlib import sha256
from pathlib import Path

from verifier.format.identity import VERSION, digest_of_sources, source_digest

VERIFIER = Path(__file__).parents[3] / "verifier"


def test_the_version_is_the_one_that_is_published() -> None:
    published = tomllib.loads((VERIFIER / "pyproject.toml").read_text("utf-8"))
    assert published["project"]["version"] == VERSION


def test_the_digest_is_the_one_of_the_specification() -> None:
    running = sha256()
    for name in sorted(p.relative_to(VERIFIER).as_posix() for p in VERIFIER.rglob("*.py")):
        running.update(name.encode() + b"\0" + (VERIFIER / name).read_bytes() + b"\0")
    assert source_digest().sha256 == running.digest()
    assert source_digest().version == VERSION


def test_no_source_holds_the_separator() -> None:
    for file in VERIFIER.rglob("*.py"):
        assert b"\0" not in file.read_bytes(), file


def test_every_byte_path_and_file_counts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.py").write_bytes(b"pass\n")
    (tmp_path / "y.py").write_bytes(b"")
    seen = {digest_of_sources(tmp_path)}
    (tmp_path / "a" / "x.py").write_bytes(b"pass \n")
    seen.add(digest_of_sources(tmp_path))
    (tmp_path / "a" / "x.py").rename(tmp_path / "x.py")
    seen.add(digest_of_sources(tmp_path))
    (tmp_path / "y.py").unlink()
    seen.add(digest_of_sources(tmp_path))
    assert len(seen) == 4
    (tmp_path / "notes.txt").write_bytes(b"not source")
    assert digest_of_sources(tmp_path) in seen

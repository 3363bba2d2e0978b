"""Owns the record of a file that no importer knows: the file itself is its attachment.

Test: tests/unit/importers/test_parts.py.
"""

from __future__ import annotations

from notary.core.intake import IncomingFile
from notary.importers.media import media_type
from notary.importers.original import Original
from notary.importers.rows import IMPORTER_VERSION, BadRow, ImportedRow, Reject, Source
from notary.importers.values import CONTROL

IMPORTER = "document"


def document_source(original: Original, key: bytes) -> Source:
    """By whom a document is read."""
    return Source(IMPORTER, IMPORTER_VERSION, original.sha256.hex(), key)


def document_row(original: Original, source: Source, matter_key: bytes) -> ImportedRow | Reject:
    """The record of a document in a matter. The file's own times are no evidence and are not taken."""
    name = original.path.name
    try:
        name.encode("utf-8")
        found = CONTROL.search(name)
        if found is not None:
            raise BadRow(
                "ROW_CONTROL",
                "filename",
                f"the control character U+{ord(found[0]):04X} in the file's name",
                "rename the file",
            )
    except UnicodeEncodeError:
        return BadRow(
            "ROW_ENCODING", "filename", "the file's name is not UTF-8", "rename the file"
        ).reject(1, 0, original.size, None)
    except BadRow as bad:
        return bad.reject(1, 0, original.size, None)
    return ImportedRow(
        1,
        None,
        None,
        "document",
        {
            "filename": name,
            "occurred_at": None,
            "occurred_at_source": {
                "text": None,
                "zone": None,
                "fold": None,
                "note": "a file says no time of its own",
            },
            "import": source.import_claim(1, 0, original.size),
        },
        source.identify((matter_key.hex(), name, original.sha256.hex())),
        False,
        0,
        original.size,
        b"",
        (IncomingFile(original.path, name, media_type(original.path)),),
    )

"""Opens the place where a home's originals lie, by its configuration.

Test: tests/scenarios/service/test_originals.py.
"""

from __future__ import annotations

from notary.adapters.objects.folder import ObjectFolder
from notary.config import Home
from notary.ports import ObjectStore


def open_objects(home: Home) -> ObjectStore:
    """Where the originals of a home lie. Raises CallerError OBJECTS_URL; asks nothing of anybody yet."""
    settings = home.config
    if not settings.objects:
        return ObjectFolder(home.objects)
    return open_remote(settings.objects, settings.objects_endpoint, settings.objects_region)


def open_remote(url: str, endpoint: str, region: str) -> ObjectStore:
    """The place of a URL. Raises CallerError OBJECTS_URL; asks nothing of anybody yet."""
    # Imported here: the library is large, and most services keep a folder.
    from notary.adapters.objects.remote import RemoteObjects

    return RemoteObjects(url, endpoint, region)

"""Whether a folder is copied to the cloud or to other machines by a synchronisation program.

Such a program holds files while it copies them, brings deleted ones back, makes "conflicted copies", and sends
patient documents to whoever runs it.
"""

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["synchronised_by"]

_PRODUCTS = {
    "onedrive": "OneDrive", "dropbox": "Dropbox", "iclouddrive": "iCloud", "icloud drive": "iCloud",
    "com~apple~clouddocs": "iCloud", "mobile documents": "iCloud", "google drive": "Google Drive",
    "googledrive": "Google Drive", "mon drive": "Google Drive", "my drive": "Google Drive", "nextcloud": "Nextcloud",
    "owncloud": "ownCloud", "kdrive": "kDrive", "pcloud drive": "pCloud", "box sync": "Box", "hubic": "hubiC",
    "synologydrive": "Synology Drive", "cloudstorage": "CloudStorage",
}  # fmt: skip
"""Names of folders that these programs make, in lower case."""
_PREFIXES = ("onedrive - ", "dropbox (", "nextcloud-", "googledrive-")
_MARKERS = {
    ".dropbox": "Dropbox", ".dropbox.cache": "Dropbox", ".nextcloudsync.log": "Nextcloud",
    ".owncloudsync.log": "ownCloud", ".stfolder": "Syncthing", ".tmp.driveupload": "Google Drive",
}  # fmt: skip
"""What these programs leave in the folder that they synchronise."""
_VARIABLES = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")


def synchronised_by(path: Path, *, environment: Mapping[str, str] = os.environ) -> str:
    """The name of the program that most likely synchronises a folder; empty when none does.

    A heuristic: names of the folders above, files that such programs leave there, OneDrive's own variables.

    Args:
        path: absolute; need not exist.
        environment: variables of the process.
    """
    for folder in (path, *path.parents):
        found = _by_name(folder.name.lower()) or _by_marker(folder)
        if found:
            return found
    homes = (environment.get(name) for name in _VARIABLES)
    return "OneDrive" if any(home and path.is_relative_to(home) for home in homes) else ""


def _by_name(name: str) -> str:
    prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")
    return _PRODUCTS.get(name) or (_PRODUCTS[prefix.rstrip(" -(")] if prefix else "")


def _by_marker(folder: Path) -> str:
    for marker, product in _MARKERS.items():
        try:
            if (folder / marker).exists():
                return product
        except OSError:  # not ours to look into
            return ""
    return ""

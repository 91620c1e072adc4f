"""Where the data files of the product are: operator presets, LPS profiles, the commented example of the settings.

They live in ``config/`` of the source tree; a wheel carries the same files inside the package.
"""

from pathlib import Path

__all__ = ["data_folder"]

_PACKAGE = Path(__file__).resolve().parents[1]


def data_folder() -> Path:
    """The folder that holds ``operators/`` and ``lps/``.

    Returns:
        ``connector/_config`` in an installed wheel, ``config`` beside the package in a source tree.
    """
    return _find(_PACKAGE)


def _find(package: Path) -> Path:
    installed = package / "_config"
    return installed if installed.is_dir() else package.parent / "config"

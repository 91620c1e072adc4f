"""The language of the terminal: French, unless ``MSS_LANG`` or the session's locale asks for English."""

import os

__all__ = ["is_english", "say"]


def is_english() -> bool:
    """True when the person wants English."""
    wanted = os.environ.get("MSS_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return wanted.lower().startswith("en")


def say(fr: str, en: str) -> str:
    """The one of two texts that the person reads."""
    return en if is_english() else fr

"""LPS profiles as data: ``config/lps/<name>.toml`` says how the files of a message are named and which are given."""

import tomllib

from pydantic import Field, ValidationError

from connector.domain.errors import ConfigurationError
from connector.exchange.arrival import PartRole
from connector.settings.data import data_folder
from connector.settings.model import Section

__all__ = ["LpsProfile", "load_profile"]


class LpsProfile(Section):
    """One profile."""

    description: str
    """For the person who chooses it, in French."""
    roles: list[PartRole]
    """What is given, in the order of the part numbers."""
    prefix: str = Field(pattern=r"^[A-Za-z0-9_{}-]*\{stamp\}[A-Za-z0-9_{}-]*\{id\}[A-Za-z0-9_{}-]*$")
    """``{stamp}`` and ``{id}``; names sort by arrival when the stamp stands first."""
    label_chars: int = Field(default=24, ge=0, le=40)
    """Longest word for the type of a document."""
    name_chars: int = Field(default=60, ge=8, le=100)
    """Longest part kept of the name of another attachment."""
    archive_name: str = Field(default="IHE_XDM", pattern=r"^[A-Za-z0-9_-]{1,20}$")
    """What follows the prefix in the name of the archive."""
    extensions: dict[PartRole, str]
    """With the dot."""


def load_profile(name: str) -> LpsProfile:
    """Read a profile.

    Raises:
        ConfigurationError: ``REGLAGE_INVALIDE``: no such profile, or its file is wrong.
    """
    folder = data_folder() / "lps"
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if name not in known:
        raise ConfigurationError("REGLAGE_INVALIDE", f"reception.profile is not one of: {', '.join(known) or 'none'}")
    try:
        return LpsProfile.model_validate(tomllib.loads((folder / f"{name}.toml").read_text("utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError("REGLAGE_INVALIDE", f"the profile {name} cannot be used: {error}") from error

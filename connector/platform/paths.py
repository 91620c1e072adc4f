"""Where our own files are: one data folder, and the places in which a settings file is looked for."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

__all__ = [
    "APP_NAME",
    "CONFIG_NAME",
    "CONFIG_VARIABLE",
    "DataPaths",
    "config_candidates",
    "default_data_dir",
    "find_config",
]

APP_NAME = "mssante-connector"
CONFIG_NAME = "connector.toml"
CONFIG_VARIABLE = "MSS_CONNECTOR_CONFIG"
"""Environment variable that names the settings file."""


def default_data_dir() -> Path:
    """The system's folder for application data of this user: journal, key, lock and logs."""
    return platformdirs.user_data_path(APP_NAME, appauthor=False)


def config_candidates(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Where a settings file may be, the most particular first; a named one excludes all others."""
    if named := environment.get(CONFIG_VARIABLE):
        return [Path(named)]
    return [
        platformdirs.user_config_path(APP_NAME, appauthor=False) / CONFIG_NAME,
        platformdirs.site_config_path(APP_NAME, appauthor=False) / CONFIG_NAME,
    ]


def find_config(environment: Mapping[str, str] = os.environ) -> Path:
    """The first candidate that exists, else the first, so that a message can name it."""
    candidates = config_candidates(environment)
    return next((path for path in candidates if path.is_file()), candidates[0])


@dataclass(frozen=True, slots=True)
class DataPaths:
    """The names inside the data folder."""

    root: Path

    @property
    def journal(self) -> Path:
        """The SQLite file."""
        return self.root / "journal.sqlite"

    @property
    def journal_url(self) -> str:
        """Its SQLAlchemy URL."""
        return f"sqlite:///{self.journal}"

    @property
    def key(self) -> Path:
        """The payload key, when it is kept in a file."""
        return self.root / "journal.key"

    @property
    def lock(self) -> Path:
        """Held while the daemon runs."""
        return self.root / "lock"

    @property
    def known_folders(self) -> Path:
        """Which exchange folders were made once."""
        return self.root / "folders.json"

    @property
    def logs(self) -> Path:
        """Folder of the technical log."""
        return self.root / "logs"

    @property
    def trust(self) -> Path:
        """Folder of the accepted authorities and their revocation lists."""
        return self.root / "trust"

    @property
    def api_tls(self) -> Path:
        """Folder of the local API's certificate and its key."""
        return self.root / "api-tls"

    @property
    def endpoint(self) -> Path:
        """Where the local HTTP server listens."""
        return self.root / "endpoint.json"

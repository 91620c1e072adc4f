"""Opening the journal of some settings: for the daemon, and for commands beside it."""

from connector.daemon.endpoint import data_paths
from connector.journal.journal import Journal, journal_exists
from connector.journal.vault import Vault
from connector.platform.files import private_folder
from connector.platform.keystore import journal_key
from connector.platform.system import SystemClock, SystemIds
from connector.settings.model import Settings

__all__ = ["open_journal"]


def open_journal(settings: Settings, *, actor: str) -> Journal:
    """Open the journal of these settings, making it and its key on the first start.

    Raises:
        Unavailable: the key store is locked or the database is busy: nothing is wiped.
        ConfigurationError: ``CLE_ABSENTE``, ``CLE_PERMISSIONS``, ``JOURNAL_VERSION``.
    """
    paths = data_paths(settings)
    private_folder(paths.root)
    url = settings.journal.url or paths.journal_url
    key = journal_key(settings.journal.key_store, paths.key, journal_exists=journal_exists(url))
    return Journal.open(url, vault=Vault(key), clock=SystemClock(), ids=SystemIds(), actor=actor)

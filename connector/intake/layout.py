r"""The tree of folders of one mailbox, and the markers that tell an empty folder from an absent disk.

::

    <root>/                          .connecteur-mss, LISEZMOI.txt
      <box>/                         .connecteur-mss
        A_ENVOYER/                   the LPS writes here, and only here
        ENVOYES/AAAA-MM/             originals of what was handed to the operator
        ERREURS/                     what was refused or failed for good, with a .erreur.txt
        STATUTS/                     status files for the LPS
        RECUS/                       incoming; the LPS reads and deletes here
        .travail/                    ours: claims, temporary files, follow-up records

A root or a box that was made once and has lost its marker is an error (``SPOOL_ABSENT``): the disk or share is not
there, and nothing may be concluded from what is seen – least of all that the LPS deleted everything. It is never made
again by itself. What was made once is remembered outside the tree (:class:`KnownFolders`).
"""

import errno
import json
import threading
from dataclasses import dataclass
from pathlib import Path

from connector.domain.errors import Unavailable
from connector.domain.legacy_text import note
from connector.platform.files import private_folder, unavailable, write_atomic
from connector.settings.model import MailboxSettings, SpoolSettings

__all__ = ["MARKER", "BoxLayout", "KnownFolders", "demand_marker", "establish", "folders_of"]

MARKER = ".connecteur-mss"
"""Name of the file that says "this is the folder, and the disk is there"."""

_MARKER_TEXT = b"Dossier du connecteur MSSante. Ne supprimez pas ce fichier.\r\n"

_README = note(
    "Dossiers du connecteur MSSanté",
    "A_ENVOYER   votre logiciel dépose ici les documents à envoyer",
    "ENVOYES     les documents confiés à l'opérateur, classés par mois",
    "ERREURS     ce qui n'a pas pu partir ; chaque fichier .erreur.txt dit pourquoi et que faire",
    "STATUTS     l'état de chaque envoi, pour votre logiciel",
    "RECUS       les messages reçus ; votre logiciel les lit puis les supprime",
    "Ne déposez rien ailleurs que dans A_ENVOYER. Ne supprimez pas les fichiers .connecteur-mss.",
)


@dataclass(frozen=True, slots=True)
class BoxLayout:
    """Where everything of one mailbox is."""

    root: Path
    box: Path
    received: Path  # RECUS, or the path that the settings give
    delivery_work: Path  # on the same volume as received

    @property
    def outbox(self) -> Path:
        """What the LPS wants to send."""
        return self.box / "A_ENVOYER"

    @property
    def sent(self) -> Path:
        """Originals of what left, one folder per month below."""
        return self.box / "ENVOYES"

    @property
    def errors(self) -> Path:
        """Originals of what did not leave."""
        return self.box / "ERREURS"

    @property
    def statuses(self) -> Path:
        """Status files."""
        return self.box / "STATUTS"

    @property
    def work(self) -> Path:
        """Claims and records; same volume as the others, so that a rename is atomic."""
        return self.box / ".travail"

    def check(self) -> None:
        """Make sure that the disk is there; folders below the box that a person removed are made again.

        Raises:
            Unavailable: ``SPOOL_ABSENT`` (no marker), ``SPOOL_REFUSE`` (no rights), ``DISQUE_PLEIN``.
        """
        for folder in self.marked:
            demand_marker(folder)
        try:
            for folder in self._plain():
                private_folder(folder)
        except OSError as error:
            raise unavailable(error) from error

    @property
    def marked(self) -> tuple[Path, ...]:
        """The folders that carry a marker."""
        own = () if self.received.parent == self.box else (self.received,)
        return (self.root, self.box, *own)

    def _plain(self) -> tuple[Path, ...]:
        folders = (self.outbox, self.sent, self.errors, self.statuses, self.work, self.received, self.delivery_work)
        return tuple(folder for folder in folders if not folder.is_dir())


class KnownFolders:
    """Which folders were made once: a small JSON file in the data folder of the connector, outside the spool.

    Args:
        path: the file; absent = nothing was made yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._gate = threading.Lock()  # every mailbox asks from threads of its own

    def __contains__(self, folder: Path) -> bool:
        return str(folder) in self._read()

    def remember(self, folder: Path) -> None:
        """Note durably that this folder is marked."""
        with self._gate:
            known = self._read()
            if str(folder) not in known:
                write_atomic(self._path, json.dumps(sorted([*known, str(folder)]), indent=1).encode("utf-8"))

    def _read(self) -> list[str]:
        try:
            return [str(item) for item in json.loads(self._path.read_text("utf-8"))]
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:  # unreadable is not absent: making folders anew could hide a lost disk
            raise Unavailable("SPOOL_ABSENT", "the list of known folders cannot be read") from error


def establish(
    spool: SpoolSettings, mailbox: MailboxSettings, known: KnownFolders, *, anew: bool = False
) -> BoxLayout:
    """The folders of a mailbox, made at the first start and found at every other.

    Args:
        spool: where the root is.
        mailbox: its name of folder and its reception path.
        known: what was made before.
        anew: a person says that the folders shall be made again (moved or deleted on purpose).

    Raises:
        Unavailable: ``SPOOL_ABSENT`` when a folder that was made once has no marker; also the codes of
            :meth:`BoxLayout.check`.
    """
    folders = folders_of(spool, mailbox)
    for folder in folders.marked:
        if anew or folder not in known:
            _mark(folder)
            known.remember(folder)
    folders.check()
    readme = folders.root / "LISEZMOI.txt"
    if not readme.exists():
        write_atomic(readme, _README)
    return folders


def folders_of(spool: SpoolSettings, mailbox: MailboxSettings) -> BoxLayout:
    """Where the folders of a mailbox are, or would be; looks at nothing."""
    root = spool.root.expanduser()
    box = root / mailbox.folder
    if mailbox.reception.path is None:
        return BoxLayout(root, box, box / "RECUS", box / ".travail")
    received = mailbox.reception.path.expanduser()
    return BoxLayout(root, box, received, received / ".travail")


def _mark(folder: Path) -> None:
    try:
        private_folder(folder)
        if not (folder / MARKER).exists():
            write_atomic(folder / MARKER, _MARKER_TEXT)
    except OSError as error:
        raise unavailable(error) from error


def demand_marker(folder: Path) -> None:
    """Make sure that a folder which was made once is there.

    Raises:
        Unavailable: ``SPOOL_ABSENT`` (no marker), ``SPOOL_REFUSE`` (no rights).
    """
    try:
        (folder / MARKER).lstat()
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise unavailable(error) from error
        raise Unavailable("SPOOL_ABSENT", "a folder has lost its marker, or its disk is not there") from error

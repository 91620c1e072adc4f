"""What a mailbox does with what it receives: where it goes, in which form, and what its sender hears."""

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from connector.domain.text import Text
from connector.settings.base import Address, BadSetting, Section
from connector.settings.lps import LpsOptions, TextEncoding
from connector.settings.mllp import MllpTarget
from connector.settings.routing import RouteSettings

__all__ = ["AfterDelivery", "FirstConnection", "ReadReceiptPolicy", "ReceptionSettings"]

LONGEST_FOLDER_NAME = 255


class ReadReceiptPolicy(StrEnum):
    """When a read receipt that was asked for leaves."""

    NEVER = "never"
    DELIVERED = "delivered"
    TAKEN = "taken"
    ASK = "ask"


class FirstConnection(StrEnum):
    """What is fetched of the messages that were in a folder before the first connection."""

    ALL = "all"
    NEW = "new"  # none of them
    DAYS = "days"  # those of the last days


class AfterDelivery(StrEnum):
    """What becomes of a message on the operator's server once the LPS has it."""

    SEEN = "seen"  # read, and marked with our keyword
    FLAG = "flag"  # flagged, and marked with our keyword; it stays unread
    MOVE = "move"  # into another folder
    DELETE = "delete"
    NOTHING = "nothing"


class ReceptionSettings(Section):
    """How the LPS reads what arrives."""

    folders: list[str] = Field(default=["INBOX"], min_length=1)
    """Folders of the mailbox that are read, as the operator names them; ``/`` stands for whatever separates the
    levels there. The first one is watched with IDLE, the others every ``poll_seconds``."""
    profile: str = "plat"
    """Form in which the software gets messages: name of a file in ``config/lps/``, or in ``profiles``."""
    profiles: Path | None = None
    """Folder with profiles of your own: ``<name>.toml`` there comes before ours of the same name."""
    options: LpsOptions = LpsOptions()
    """Where the software differs from its profile."""
    mllp: MllpTarget | None = None
    """A software that listens: it gets the HL7 v2 messages of the profile, instead of files."""
    routes: list[RouteSettings] = []
    path: Path | None = None
    """Default: ``<root>/<box>/RECUS``."""
    ok_flag: bool = False
    """Write ``.ok`` after the index: the same as ``options.drapeau = ".ok"``."""
    text_encoding: TextEncoding = "cp1252"
    """The same as ``options.encodage``."""
    read_receipt: ReadReceiptPolicy | None = None
    """When a sender asks for a read receipt: ``never`` one; when the message was ``delivered`` to the folder (the
    receipt then only says that it was dispatched); when the software has ``taken`` it or says that it is integrated;
    ``ask``: a person or the software decides. Default: ``taken`` for an APP mailbox, ``ask`` for PER and ORG."""
    failure_notice_to: Literal["service", "sender", "nobody"] | Address = "service"
    """Who is written to when the software cannot integrate a message and its sender asked for no receipt:
    ``service``: the mailbox's own ``reply_to``, nobody when there is none; ``sender``; ``nobody``; or an address."""
    first_connection: FirstConnection = FirstConnection.ALL
    """Of the messages that were in a folder before the first connection: ``all`` are fetched, only what comes ``new``
    from then on, or those of the last ``days``, see ``first_days``. Decided once for each folder, for good."""
    first_days: int = Field(default=30, ge=1, le=36_500)
    """How many days count with ``first_connection = "days"``."""
    after_delivery: AfterDelivery = AfterDelivery.SEEN
    """What becomes of a message at the operator's once the software has it: ``seen`` and marked with our keyword;
    ``flag``: flagged and marked, still unread; ``move`` to ``move_to``; ``delete``; ``nothing`` is changed."""
    move_to: str = Field(default="", max_length=LONGEST_FOLDER_NAME)
    """Folder for ``after_delivery = "move"``; made when it is not there."""
    patient_mismatch: Literal["quarantine", "mark"] = "quarantine"
    """What to do when archive, document and result of one message name different patients: set the message aside for
    a person, or deliver it with a warning in its index."""
    overdue_hours: float = Field(default=24.0, ge=0)
    """A message that stands in the folder for longer is told: somebody has to look; 0 = never, for a software that
    reads without deleting."""
    taken_when: Literal["any", "all"] = "any"
    """A message counts as taken when the software has moved or deleted ``any`` of its files, since the same result
    comes in several forms of which it reads one; or ``all`` of them. Index and flag do not count."""

    @model_validator(mode="after")
    def _folders_have_names(self) -> Self:
        for name in (*self.folders, *filter(None, [self.move_to])):
            if not (0 < len(name) <= LONGEST_FOLDER_NAME and name.isprintable()) or set(name) & set("*%"):
                raise BadSetting(
                    Text(f"{name!r} n'est pas un nom de dossier", f"{name!r} is no name of a folder"),
                    Text("attendu : un nom sans * ni %", "expected a name without * and %"),
                )
        if len(set(self.folders)) != len(self.folders):
            raise BadSetting(
                Text("un dossier est nommé deux fois", "a folder is named twice"),
                Text("attendu : des noms distincts", "expected distinct names"),
            )
        return self

    @model_validator(mode="after")
    def _knows_where_to(self) -> Self:
        if (self.after_delivery is AfterDelivery.MOVE) != bool(self.move_to):
            raise BadSetting(
                Text('move_to et after_delivery = "move" vont ensemble',
                     'move_to and after_delivery = "move" go together'),
                Text('attendu : after_delivery = "move" et move_to = "<dossier>"',
                     'expected after_delivery = "move" and move_to = "<folder>"'),
            )  # fmt: skip
        return self

    @property
    def places(self) -> list[Path]:
        """The folders that are named here: its own and those of the routes, each once."""
        named = [self.path, *(route.path for route in self.routes)]
        return list(dict.fromkeys(path for path in named if path is not None))

"""Drops that were refused before they became a message."""

from datetime import datetime

from pydantic import ConfigDict

from connector.client.models.base import Answer, example

__all__ = ["RefusalModel", "RefusalsModel"]

_REFUSAL = {
    "id": "01KAGY9T3W5X7Z2B4D6F8H0K1M",
    "mailbox": "dr.modele@exemple.mssante.fr",
    "at": "2026-11-20T09:00:12Z",
    "name": "REQ0417",
    "files": ["REQ0417.xml", "REQ0417.mss.json"],
    "note": "REQ0417.erreur.txt",
    "sentence_fr": "Le fichier REQ0417.mss.json : la rubrique « destinataires » contient une valeur vide.",
    "seen_at": None,
    "seen_by": "",
    "code": "SIDECAR_INVALIDE",
    "title_fr": "Le fichier d'accompagnement (.mss) contient une erreur.",
    "cure_fr": "Corrigez la rubrique indiquée, puis déposez de nouveau l'ensemble.",
    "title_en": "The sidecar file (.mss) has an error.",
    "cure_en": "Correct the key that is named, then drop everything again.",
}


class RefusalModel(Answer):
    """One drop that never left. Its files are in the folder ``ERREURS`` of its mailbox."""

    model_config = ConfigDict(json_schema_extra=example(_REFUSAL))

    id: str
    mailbox: str
    at: datetime
    name: str
    """Of the drop: base name of its status files."""
    files: list[str]
    """Names in ``ERREURS``."""
    note: str
    """Name of the note in ``ERREURS``."""
    sentence_fr: str = ""
    """What is particular to this drop, in French; may be empty."""
    seen_at: datetime | None = None
    """When somebody said that she has seen it."""
    seen_by: str = ""
    code: str
    title_fr: str
    cure_fr: str
    title_en: str
    cure_en: str


class RefusalsModel(Answer):
    """A page of refusals, newest first."""

    model_config = ConfigDict(json_schema_extra=example({"items": [_REFUSAL], "next_cursor": None}))

    items: list[RefusalModel]
    next_cursor: str | None = None
    """Give it back as ``cursor`` for the next page; ``null`` on the last one."""

"""How files are written for one practice software: options of an LPS profile, which a mailbox may set differently.

Source rule: lps-folder-conventions 8.6; the keys are its words, since those who write profiles read them there.
"""

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from connector.documents.hl7.to_lps import LpsForm
from connector.documents.hprim.encoding import LineEnd
from connector.domain.text import Text
from connector.settings.base import BadSetting, Section

__all__ = ["FlagFor", "Hl7Options", "HprimSynthesis", "LpsOptions", "ReadableForm", "TextEncoding"]

_HL7_TEXT = r"^[^\x00-\x1f]{0,60}$"

TextEncoding = Literal["cp1252", "cp850", "iso-8859-1", "utf-8", "utf-8-sig", "mac_roman"]
"""Code pages that practice software reads."""


class HprimSynthesis(StrEnum):
    """When an HPRIM Médecin record is made from a CDA document."""

    NEVER = "jamais"
    WHEN_ABSENT = "si_absent"  # the message brings none about that patient
    ALWAYS = "toujours"


class ReadableForm(StrEnum):
    """Whether a CDA document is also given in a form that any program shows."""

    NO = "non"
    HTML = "html"
    PDF = "pdf"  # its own PDF when it carries one


class FlagFor(StrEnum):
    """What a flag stands beside."""

    MESSAGE = "message"
    FILE = "fichier"


class Hl7Options(Section):
    """HL7 v2 messages for the software, one for each document: files, or over MLLP."""

    forme: LpsForm = LpsForm.MDM
    """``mdm``: MDM T02, T04 or T10, as the volet of reception says; ``oru``: ORU R01, for software that knows nothing
    else."""
    jeu_de_caracteres: Literal["UNICODE UTF-8", "8859/1", "8859/15", "WINDOWS-1252"] = "UNICODE UTF-8"
    """MSH-18; a message that does not fit is written in UTF-8, and says so."""
    application: str = Field(default="CONNECTEUR", pattern=_HL7_TEXT)
    """MSH-3: who sends."""
    etablissement: str = Field(default="", pattern=_HL7_TEXT)
    """MSH-4; empty = the name of the mailbox."""
    application_lps: str = Field(default="", pattern=_HL7_TEXT)
    """MSH-5: the software."""
    etablissement_lps: str = Field(default="", pattern=_HL7_TEXT)
    """MSH-6."""


class LpsOptions(Section):
    """How files are written for the software. A key that is not written here is as the profile says.

    The defaults are those of a profile that says nothing.
    """

    index: bool = True
    """Write ``<prefixe>.mss.json``: sender, patient, files; the last file of a message but for the flag."""
    drapeau: str = Field(default="", pattern=r"^(\.[A-Za-z0-9]{1,8})?$")
    """Extension of an empty file that comes last of all, e.g. ``.ok``; empty = none."""
    drapeau_par: FlagFor = FlagFor.MESSAGE
    """One flag for the ``message``, or one beside each ``fichier``."""
    extensions_majuscules: bool = False
    """``.PDF`` instead of ``.pdf``."""
    longueur_nom_max: int = Field(default=120, ge=12, le=200)
    """Longest name of a file, extension included."""
    noms_8_3: bool = False
    """Eight capitals and digits, a dot, three: for programs of the time of DOS."""
    encodage: TextEncoding = "cp1252"
    """Of the text of the message, and of HPRIM that we write. What the code page cannot hold is written in UTF-8 with
    a byte order mark."""
    fin_de_ligne: LineEnd = LineEnd.CRLF
    """Of the same files."""
    colonnes: int = Field(default=0, ge=0, le=250)
    """Longer lines of the same files are wrapped there; 0 = never. A record made from a CDA has 80 then."""
    ligne_13: bool = False
    """An empty line between the header and the text of HPRIM that we write."""
    ligne1: str = Field(default="", pattern=r"^[A-Za-z0-9_/.-]{0,10}$")
    """Line 1 of HPRIM that we write; empty = the patient's code at the sender."""
    code_destinataire: str = Field(default="", pattern=r"^\S{0,10}$")
    """Code of line 12 of HPRIM that we write: by which the software knows the owner of the mailbox."""
    nom_utilise: bool = False
    """The used name instead of the birth name in a record made from a CDA."""
    hprim_separe: bool = False
    """No file holds two patients: one that does is cut into a file for each record."""
    hprim_reecrit: bool = False
    """Received HPRIM Médecin is written anew as the options say, when it then still says the same; else every byte
    stays as it came."""
    hprim_synthese: HprimSynthesis = HprimSynthesis.NEVER
    """Make an HPRIM Médecin record from a CDA document: ``jamais``; ``si_absent``, when the message brings none about
    that patient; ``toujours``."""
    cda_lisible: ReadableForm = ReadableForm.NO
    """Give each CDA document also as ``html`` or ``pdf``; as ``pdf`` its own, when it carries one."""
    sans_doublon: bool = False
    """Leave out a file that repeats another one of the message, byte for byte."""
    hl7: Hl7Options = Hl7Options()

    @model_validator(mode="after")
    def _short_names_have_short_flags(self) -> Self:
        if self.noms_8_3 and self.drapeau and (len(self.drapeau) > 4 or self.drapeau_par is FlagFor.MESSAGE):
            raise BadSetting(
                Text("le nom du drapeau dépasserait celui d'un fichier 8.3, or noms_8_3 = true",
                     "the name of the flag would be longer than 8.3, with noms_8_3 = true"),
                Text('attendu : drapeau_par = "fichier" et trois lettres, comme ".ok"',
                     'expected drapeau_par = "fichier" and three letters, such as ".ok"'),
            )  # fmt: skip
        return self

    def over(self, below: "LpsOptions") -> "LpsOptions":
        """These options where they were written, those of ``below`` elsewhere."""
        return LpsOptions.model_validate(_merged(_written(below), _written(self)))


def _written(section: Section) -> dict[str, Any]:
    values = {name: getattr(section, name) for name in section.model_fields_set}
    return {name: _written(value) if isinstance(value, Section) else value for name, value in values.items()}


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    inner = {name: _merged(below.get(name, {}), value) for name, value in above.items() if isinstance(value, dict)}
    return below | above | inner

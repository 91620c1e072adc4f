"""LPS profiles as data: ``config/lps/<name>.toml`` says which files of a message a software gets, where, how named.

Source rule: lps-folder-conventions 8.6. A new profile needs no code; ``docs/lps-profiles.md`` explains every key.
"""

import tomllib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, field_validator, model_validator

from connector.delivery.pattern import BadPattern, Pattern, folder_parts
from connector.domain.errors import ConfigurationError
from connector.domain.text import Text
from connector.exchange.arrival import PartRole
from connector.settings.base import BadSetting, Section
from connector.settings.data import data_folder
from connector.settings.load import Problem, problems_of
from connector.settings.lps import HprimSynthesis, LpsOptions, ReadableForm

__all__ = ["FileRule", "InvalidProfile", "LpsProfile", "load_profile", "profile_names"]

_FOLDER_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_ -]{0,39}$"
_SHORT_STEM = 8
_LONGEST: dict[str, str | int] = {"stamp": "AAAAMMJJ-HHMMSS", "id": "K3QF2X", "n": 99}
_PREFIX_FIELDS = frozenset({"stamp", "id"})
_READABLE = {ReadableForm.HTML: PartRole.HTML, ReadableForm.PDF: PartRole.PDF}


def _checked(parse: Callable[[], object]) -> None:
    try:
        parse()
    except BadPattern as error:
        raise BadSetting(
            Text(error.french, error.english), Text("voir docs/lps-profiles.md", "see docs/lps-profiles.md")
        ) from None


class FileRule(Section):
    """Which files, where, and under which names."""

    roles: list[PartRole] = Field(min_length=1)
    """Of corps, cda, pdf, hprim, html, hl7, autre, xdm."""
    nom: str
    """Pattern with ``{prefixe}``, ``{stamp}``, ``{id}``, ``{n}`` (``{n:02}``), ``{type}``, ``{nom}``."""
    dossier: str = ""
    """Folder below the LPS's own; one whose name holds ``{prefixe}`` or ``{id}`` belongs to the message and appears
    whole."""
    toujours: bool = False
    """Also give a text that says nothing (role ``corps``)."""

    @field_validator("nom")
    @classmethod
    def _is_name(cls, nom: str) -> str:
        _checked(lambda: Pattern.parse(nom))
        return nom

    @field_validator("dossier")
    @classmethod
    def _is_folder(cls, dossier: str) -> str:
        _checked(lambda: folder_parts(dossier))
        return dossier

    @model_validator(mode="after")
    def _messages_stand_alone(self) -> Self:
        """A message that is sent over MLLP instead must not be in a folder that appears with it."""
        if PartRole.HL7 in self.roles and any(part.fields for part in self.folders):
            raise BadSetting(
                Text("des messages HL7 v2 ne vont pas dans un dossier propre au message",
                     "HL7 v2 messages do not go into a folder of the message's own"),
                Text("attendu : dossier sans variable", "expected a dossier without fields"),
            )  # fmt: skip
        return self

    @cached_property
    def pattern(self) -> Pattern:
        """Of the name."""
        return Pattern.parse(self.nom)

    @cached_property
    def folders(self) -> tuple[Pattern, ...]:
        """Of the path, from the outermost."""
        return folder_parts(self.dossier)


class LpsProfile(Section):
    """One profile."""

    description: str
    """For the person who chooses it, in French."""
    prefixe: str = Field(default="{stamp}_{id}", pattern=r"^([A-Za-z0-9{].*)?\{id\}")
    """What index and flag are called, and what patterns may begin with."""
    fichiers: list[FileRule] = Field(min_length=1)
    """In the order of the numbers; the first rule for a role counts."""
    index_dossier: str = ""
    """Folder of index and flag."""
    hors_profil: str = Field(default="AUTRES", pattern=_FOLDER_NAME)
    """Folder below the LPS's own for messages of which this profile would leave something out: there they are whole,
    in the form of ``plat``."""
    longueur_type: int = Field(default=24, ge=0, le=40)
    """Longest word for the type of a document; 0 = none."""
    longueur_piece: int = Field(default=60, ge=8, le=100)
    """Longest part kept of the name of another attachment."""
    options: LpsOptions = LpsOptions()

    @field_validator("prefixe")
    @classmethod
    def _is_prefix(cls, prefixe: str) -> str:
        _checked(lambda: Pattern.parse(prefixe, _PREFIX_FIELDS))
        return prefixe

    @field_validator("index_dossier")
    @classmethod
    def _is_folder(cls, dossier: str) -> str:
        _checked(lambda: folder_parts(dossier))
        return dossier

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._check_short_names()
        self._check_wanted_forms()
        flag = self.options.drapeau.lower()
        if flag and any(rule.nom.lower().endswith(flag) for rule in self.fichiers):
            raise BadSetting(
                Text(f"le drapeau {flag!r} a l'extension d'un des fichiers",
                     f"the flag {flag!r} has the extension of one of the files"),
                Text("attendu : une autre extension", "expected another extension"),
            )  # fmt: skip
        return self

    def _check_short_names(self) -> None:
        """Patterns of ``noms_8_3`` fit without being cut: a cut name would be that of another file."""
        for rule in self.fichiers if self.options.noms_8_3 else ():
            stem = Pattern.parse(rule.nom.rpartition(".")[0])
            if not stem.fields <= set(_LONGEST) or len(stem.fill(_LONGEST)) > _SHORT_STEM:
                raise BadSetting(
                    Text(f"le nom {rule.nom!r} peut dépasser huit caractères, or noms_8_3 = true",
                         f"the name {rule.nom!r} may have more than eight characters, with noms_8_3 = true"),
                    Text("attendu par exemple : nom = \"{id}{n:02}.hpm\"", "expected e.g. nom = \"{id}{n:02}.hpm\""),
                )  # fmt: skip
        if self.options.noms_8_3 and self.options.index:
            raise BadSetting(
                Text("le nom de l'index a plus de huit caractères, or noms_8_3 = true",
                     "the name of the index has more than eight characters, with noms_8_3 = true"),
                Text("attendu : index = false", "expected index = false"),
            )  # fmt: skip

    def _check_wanted_forms(self) -> None:
        """What is to be made has a place to go."""
        wanted = {
            f"cda_lisible = {self.options.cda_lisible.value!r}": _READABLE.get(self.options.cda_lisible),
            f"hprim_synthese = {self.options.hprim_synthese.value!r}": PartRole.HPRIM
            if self.options.hprim_synthese is not HprimSynthesis.NEVER
            else None,
        }
        for option, role in wanted.items():
            if role is not None and self.rule(role) is None:
                raise BadSetting(
                    Text(f"{option}, mais aucun des fichiers n'a le rôle {role.value!r}",
                         f"{option}, but none of the files has the role {role.value!r}"),
                    Text(f"attendu : [[fichiers]] avec roles = [{role.value!r}]",
                         f"expected [[fichiers]] with roles = [{role.value!r}]"),
                )  # fmt: skip

    @cached_property
    def prefix(self) -> Pattern:
        """Of :attr:`prefixe`."""
        return Pattern.parse(self.prefixe, _PREFIX_FIELDS)

    @cached_property
    def index_folders(self) -> tuple[Pattern, ...]:
        """Of :attr:`index_dossier`, from the outermost."""
        return folder_parts(self.index_dossier)

    def rule(self, role: PartRole) -> FileRule | None:
        """What is done with files of a role; ``None`` = the software does not get them."""
        return next((rule for rule in self.fichiers if role in rule.roles), None)

    def with_options(self, options: LpsOptions) -> "LpsProfile":
        """The same profile, with options of a mailbox above its own.

        Raises:
            ValidationError: they do not fit this profile.
        """
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return LpsProfile.model_validate({**values, "options": options.over(self.options)})


class InvalidProfile(ConfigurationError):
    """A profile that cannot be used; ``problems`` says why, one line each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("REGLAGE_INVALIDE", "; ".join(str(problem) for problem in problems))
        self.problems = problems


def profile_names(own: Path | None = None) -> dict[str, Path]:
    """Every profile that can be chosen, by name; a file of ``own`` comes before ours of the same name."""
    folders = [data_folder() / "lps", *([own] if own else [])]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def load_profile(name: str, own: Path | None = None, options: LpsOptions | None = None) -> LpsProfile:
    """Read a profile.

    Args:
        name: of its file, without ``.toml``.
        own: a folder with profiles of the user's own.
        options: of the mailbox, above those of the profile.

    Raises:
        InvalidProfile: ``REGLAGE_INVALIDE``: no such profile, or its file or the options are wrong.
    """
    known = profile_names(own)
    if name not in known:
        choices = ", ".join(sorted(known)) or "–"
        raise InvalidProfile([
            Problem("profile", Text(f"{name!r} est inconnu", f"{name!r} is unknown"),
                    Text(f"attendu : un de {choices}", f"expected one of {choices}")),
        ])  # fmt: skip
    try:
        profile = LpsProfile.model_validate(tomllib.loads(known[name].read_text("utf-8-sig")))
        return profile.with_options(options) if options else profile
    except ValidationError as error:
        raise InvalidProfile(problems_of(error, LpsProfile, within=known[name].name)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        wrong = Text(f"ne peut pas être lu ({error})", f"cannot be read ({error})")
        right = Text("attendu : un fichier TOML en UTF-8", "expected a TOML file in UTF-8")
        raise InvalidProfile([Problem(known[name].name, wrong, right)]) from error

"""The INI form of a sidecar, for software of the 1990s: ANSI or UTF-8, ``;`` comments, numbered keys and sections.

::

    [message]            reference=, destinataire1=, copie1=, objet=, corps= and the options
    [options]            the options may also stand here
    [patient]            ins=, ins_oid=, ins_qualifiee=, nom_naissance=, prenoms=Camille, Alix …
    [fichier1]           nom=, type=, loinc=, titre=, date=
    [sha256]             <file name>=<hex>
"""

import configparser
import re

from connector.intake.problem import BadDrop

__all__ = ["read_ini"]

_OPTIONS = frozenset({
    "accuse_reception", "accuse_lecture", "urgent", "sans_reponse", "masque_ps", "invisible_patient",
    "doublon_autorise", "numero_dossier", "remplace",
})  # fmt: skip
_NUMBERED = re.compile(r"(destinataire|copie|fichier)(\d{0,3})")
_INS = {"ins": "valeur", "ins_oid": "oid", "ins_qualifiee": "qualifiee"}

_Section = dict[str, str]


def read_ini(data: bytes) -> dict[str, object]:
    """The tree that the JSON form would have given.

    Raises:
        BadDrop: ``ENCODAGE`` or ``SIDECAR_INVALIDE`` (a line without ``=``, a key or section twice).
    """
    sections = _sections(_decoded(data))
    tree = _message(sections.pop("message", {}))
    options = {**_as_dict(tree.get("options")), **sections.pop("options", {})}
    tree["options"] = options or None
    tree["patient"] = _patient(sections.pop("patient", {}))
    tree["sha256"] = sections.pop("sha256", {})
    files = sorted((key for key in sections if _is_numbered(key, "fichier")), key=_number)
    tree["fichiers"] = [sections.pop(key) for key in files]
    return {**tree, **sections}


def _as_dict(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, dict) else {}


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadDrop(
        "ENCODAGE", "the INI sidecar is neither UTF-8 nor CP1252",
        "Le fichier d'accompagnement INI n'est ni en UTF-8 ni en Windows-1252.",
    )  # fmt: skip


def _sections(text: str) -> dict[str, _Section]:
    parser = configparser.RawConfigParser(
        delimiters=("=",), comment_prefixes=(";", "#"), inline_comment_prefixes=None, strict=True,
        empty_lines_in_values=False, default_section="\x00none",
    )  # fmt: skip
    parser.optionxform = str  # type: ignore[assignment,method-assign] # the documented way to keep the case of keys
    try:
        parser.read_string(text.replace("\x00", ""))
    except configparser.Error as error:
        line = getattr(error, "lineno", None)
        where = f" à la ligne {line}" if line else ""
        raise BadDrop(
            "SIDECAR_INVALIDE", f"the INI sidecar: {type(error).__name__}",
            f"Fichier d'accompagnement INI : erreur{where} (ligne sans « = », section ou rubrique en double).",
        ) from None  # fmt: skip
    return {name.strip().lower(): _section(name, parser) for name in parser.sections()}


def _section(name: str, parser: configparser.RawConfigParser) -> _Section:
    keep_case = name.strip().lower() == "sha256"  # its keys are file names
    return {key if keep_case else key.lower(): value for key, value in parser.items(name)}


def _message(section: _Section) -> dict[str, object]:
    tree: dict[str, object] = {}
    people: dict[str, list[tuple[int, str]]] = {"destinataire": [], "copie": []}
    options: dict[str, object] = {}
    for key, value in section.items():
        if _is_numbered(key, "destinataire") or _is_numbered(key, "copie"):
            people[key.rstrip("0123456789")].append((_number(key), value))
        elif key in _OPTIONS:
            options[key] = value
        else:
            tree[key] = value.replace("\\n", "\n") if key == "corps" else value
    tree["destinataires"] = [value for _, value in sorted(people["destinataire"]) if value.strip()]
    tree["copie"] = [value for _, value in sorted(people["copie"]) if value.strip()]
    tree["options"] = options
    return tree


def _patient(section: _Section) -> dict[str, object]:
    tree: dict[str, object] = {key: value for key, value in section.items() if key not in _INS}
    ins = {_INS[key]: value for key, value in section.items() if key in _INS}
    if ins:
        tree["ins"] = ins
    if "prenoms" in section:
        tree["prenoms"] = [name.strip() for name in re.split("[,;]", section["prenoms"])]
    return tree


def _is_numbered(key: str, word: str) -> bool:
    found = _NUMBERED.fullmatch(key)
    return found is not None and found[1] == word


def _number(key: str) -> int:
    digits = key.lstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits or 0)

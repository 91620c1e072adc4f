"""The index of a batch, ``X.mss.csv``: each line is one sending with its own sidecar. Pure.

::

    fichier;destinataires;reference;nom_naissance;prenoms;naissance;sexe;ins;type;objet
    REQ0417.pdf;dr.modele@test.mssante.example;REQ0417;TESTUT;Camille;17/01/1999;M;;CR-BIO;

The header is compulsory, ``fichier`` is the only compulsory column, and the order does not count. Several recipients
(``destinataires``, ``copie``) are separated by ``,``. Further columns: those of :data:`COLUMNS`; one that nobody
knows is told as an unknown key. A line that is wrong is refused alone, by its number and its column.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from connector.domain.limits import Limits
from connector.intake.csv_table import Row, Table, is_damaged, read_table
from connector.intake.drop import is_batch_index, is_sidecar, same_name
from connector.intake.problem import BadDrop
from connector.intake.scan import is_flag, is_litter
from connector.intake.sidecar import listed_names, read_sidecar

__all__ = ["COLUMNS", "IndexLine", "listed_in_index", "read_index"]

FILE = "fichier"

COLUMNS: Mapping[str, str] = MappingProxyType({
    "expediteur": "expediteur", "reference": "reference", "objet": "objet", "corps": "corps",
    "patient_mes": "patient_mes",
    "nom_naissance": "patient.nom_naissance", "nom_utilise": "patient.nom_utilise", "prenom": "patient.prenom",
    "naissance": "patient.naissance", "sexe": "patient.sexe", "lieu_naissance": "patient.lieu_naissance",
    "identifiant": "patient.identifiant.valeur",
    "ins": "patient.ins.valeur", "ins_oid": "patient.ins.oid", "ins_qualifiee": "patient.ins.qualifiee",
    "type": "fichiers.type", "loinc": "fichiers.loinc", "titre": "fichiers.titre", "date": "fichiers.date",
    "accuse_reception": "options.accuse_reception", "accuse_lecture": "options.accuse_lecture",
    "urgent": "options.urgent", "masque_ps": "options.masque_ps", "invisible_patient": "options.invisible_patient",
    "sans_reponse": "options.sans_reponse", "doublon_autorise": "options.doublon_autorise",
    "numero_dossier": "options.numero_dossier", "remplace": "options.remplace", "annule": "options.annule",
})  # fmt: skip
"""Column of the index to key of the sidecar; ``fichier``, ``destinataires``, ``copie`` and ``prenoms`` are lists."""

_LISTS = MappingProxyType({"destinataires": "destinataires", "copie": "copie", "prenoms": "patient.prenoms"})
_FREE_TEXT = frozenset({"objet", "corps", "titre"})


@dataclass(frozen=True, slots=True)
class IndexLine:
    """One line, understood."""

    line: int
    file: str  # NFC; empty when the line does not name one that could be meant
    sidecar: bytes  # JSON; always there, so that a refused line can be corrected and dropped by itself
    problem: BadDrop | None = None


def listed_in_index(data: bytes, limits: Limits) -> tuple[str, ...]:
    """The files that an index demands, in its order, each once.

    Raises:
        BadDrop: as from :func:`read_index`.
    """
    return tuple(dict.fromkeys(line.file for line in read_index(data, limits) if line.file))


def read_index(data: bytes, limits: Limits) -> tuple[IndexLine, ...]:
    """Read an index.

    Args:
        data: its bytes.
        limits: ``max_sidecar_bytes``.

    Returns:
        Its lines; what is wrong with one of them stands there.

    Raises:
        BadDrop: ``TROP_GROS``, ``ENCODAGE``, ``SIDECAR_INVALIDE``: nothing of it can be used.
    """
    if len(data) > limits.max_sidecar_bytes:
        raise BadDrop("TROP_GROS", f"the index has {len(data)} bytes", "L'index du lot (CSV) est trop gros.")
    table = read_table(data, FILE)
    if not table.rows:
        raise BadDrop("SIDECAR_INVALIDE", "the index has no line", "L'index du lot (CSV) n'a aucune ligne.")
    return tuple(_without_twins([_line(row, limits) for row in table.rows], table))


def _line(row: Row, limits: Limits) -> IndexLine:
    sidecar = json.dumps(_tree(row), ensure_ascii=False, indent=1).encode("utf-8")
    try:
        _check(row)
        (file,) = listed_names(read_sidecar("index.mss.json", sidecar, limits))
        _check_file(file, row)
    except BadDrop as error:
        french = (
            error.french if error.french.startswith("Ligne ") else f"Ligne {row.line} de l'index : {error.french}"
        )
        return IndexLine(row.line, _usable(row), sidecar, BadDrop(error.code, error.detail, french))
    return IndexLine(row.line, file, sidecar)


def _tree(row: Row) -> dict[str, object]:
    """The line as the tree of a sidecar."""
    tree: dict[str, object] = {"version": 1}
    for column, value in row.values.items():
        if column in _LISTS:
            _put(tree, _LISTS[column], [item.strip() for item in value.split(",") if item.strip()])
        elif column != FILE:
            _put(tree, COLUMNS.get(column, f"colonne {column.replace('.', ' ')}"), value)
    described = tree.pop("fichiers", {})
    told = described if isinstance(described, dict) else {}
    return {**tree, "fichiers": [{"nom": row.values.get(FILE, ""), **told}]}


def _put(tree: dict[str, object], path: str, value: object) -> None:
    *above, key = path.split(".")
    for name in above:
        inner = tree.setdefault(name, {})
        tree = inner if isinstance(inner, dict) else {}
    tree[key] = value


def _check(row: Row) -> None:
    if row.is_too_long:
        raise _wrong(row, "", "more values than columns", "plus de valeurs que de colonnes dans l'en-tête")
    for column, value in row.values.items():
        if column not in _FREE_TEXT and is_damaged(value):
            detail = "a number that a spreadsheet has shortened"
            french = (
                "nombre abîmé par le tableur (forme « 8,1E+10 ») ; mettez la colonne au format Texte et ressaisissez"
            )
            raise _wrong(row, column, detail, french)


def _check_file(file: str, row: Row) -> None:
    if is_sidecar(file) or is_flag(file) or is_litter(file) or is_batch_index(file):
        detail = "a file that is none of the documents"
        raise _wrong(row, FILE, detail, "ce n'est pas le nom d'un document")


def _wrong(row: Row, column: str, detail: str, french: str) -> BadDrop:
    where = f"colonne « {column} » : " if column else ""
    return BadDrop("SIDECAR_INVALIDE", f"the index, line {row.line}: {detail}", f"{where}{french}.")


def _usable(row: Row) -> str:
    """The file of a line that is wrong elsewhere: it goes with it, so that both are found together."""
    named = json.dumps({"fichiers": [row.values.get(FILE, "")]}).encode("utf-8")
    try:
        (file,) = listed_names(read_sidecar("index.mss.json", named, Limits()))
        _check_file(file, row)
    except BadDrop:
        return ""
    return file


def _without_twins(lines: Sequence[IndexLine], table: Table) -> Iterable[IndexLine]:
    """A file on two lines: whose it is, nobody can know, so neither leaves; the same line twice is told once."""
    by_file: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        if line.file:
            by_file[same_name(line.file)].append(number)
    for number, line in enumerate(lines):
        twins = by_file[same_name(line.file)] if line.file else [number]
        differ = any(table.rows[twin].values != table.rows[number].values for twin in twins)
        if twins[0] == number and not differ:
            yield line
        else:
            others = [str(lines[twin].line) for twin in twins if twin != number]
            yield _twin(line, ", ".join(others), "SIDECAR_INVALIDE" if differ else "DOUBLON")


def _twin(line: IndexLine, others: str, code: str) -> IndexLine:
    french = f"Ligne {line.line} de l'index : colonne « {FILE} » : ce fichier figure aussi ligne {others}."
    return replace(line, problem=BadDrop(code, "a file stands on two lines", french))

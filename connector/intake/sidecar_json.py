"""The JSON form of a sidecar: UTF-8, with or without the byte order mark that .NET writes."""

import json

from connector.intake.problem import BadDrop

__all__ = ["read_json"]


def read_json(data: bytes) -> object:
    """The tree of the file.

    Raises:
        BadDrop: ``ENCODAGE`` (not UTF-8) or ``SIDECAR_INVALIDE`` (not JSON, a key twice, nested too deep).
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadDrop(
            "ENCODAGE", "the JSON sidecar is not UTF-8", "Le fichier d'accompagnement JSON n'est pas en UTF-8."
        ) from error
    try:
        tree: object = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"ligne {error.lineno}, colonne {error.colno}"
        raise _not_json(f"not JSON at line {error.lineno}", f"erreur de syntaxe JSON à la {place}") from None
    except RecursionError:
        raise _not_json("nested too deep", "trop de niveaux imbriqués") from None
    return tree


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Two values for one key would let each reader see another recipient."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _not_json("a key stands twice in one object", "une rubrique figure deux fois")
    return result


def _no_constant(_: str) -> object:
    raise _not_json("NaN and Infinity are not JSON", "NaN ou Infinity n'est pas du JSON")


def _not_json(detail: str, french: str) -> BadDrop:
    return BadDrop("SIDECAR_INVALIDE", f"the JSON sidecar: {detail}", f"Fichier d'accompagnement : {french}.")

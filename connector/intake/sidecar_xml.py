"""The XML form of a sidecar: root ``message``, the names of the JSON form as elements or attributes.

::

    <message version="1">
      <reference>REQ0417</reference>
      <destinataires><destinataire adresse="dr.modele@test.mssante.example"/></destinataires>
      <fichiers><fichier><nom>REQ0417.xml</nom></fichier></fichiers>
      <patient><prenoms><prenom>Camille</prenom></prenoms></patient>
      <sha256><fichier nom="REQ0417.xml">…</fichier></sha256>
    </message>

No document type, no entities, no network: :func:`connector.documents.xml.parse_xml` sees to that.
"""

from connector.documents.xml import SafeElement, local_name, parse_xml
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.intake.problem import BadDrop

__all__ = ["read_xml"]

_LISTS = frozenset({"destinataires", "copie", "fichiers", "prenoms"})
_LIMITS = Limits(max_xml_depth=8)


def read_xml(data: bytes) -> dict[str, object]:
    """The tree that the JSON form would have given.

    Raises:
        BadDrop: ``SIDECAR_INVALIDE`` (ill-formed, DOCTYPE, another root), ``ENCODAGE``, ``TROP_GROS`` (too deep).
    """
    try:
        root = parse_xml(data, _LIMITS, error=InvalidSubmission, code="SIDECAR_INVALIDE")
    except InvalidSubmission as error:
        sentence = f"Fichier d'accompagnement XML illisible ({_french_reason(error)})."
        raise BadDrop(error.code, error.detail, sentence) from None
    if local_name(root) != "message":
        raise BadDrop(
            "SIDECAR_INVALIDE", "the root of the XML sidecar is not message",
            "Fichier d'accompagnement XML : l'élément racine « message » est attendu.",
        )  # fmt: skip
    tree = _object(root)
    return tree if isinstance(tree, dict) else {}


def _french_reason(error: InvalidSubmission) -> str:
    return (
        "déclaration DOCTYPE interdite" if "document type" in error.detail else "syntaxe, jeu de caractères ou taille"
    )


def _object(element: SafeElement) -> object:
    """Text when there is nothing but text, else the keys."""
    name = local_name(element)
    children = [child for child in element if local_name(child)]
    if name == "sha256":
        return {child.get("nom", ""): (child.text or "").strip() for child in children}
    if name in _LISTS:
        return [_object(child) for child in children]
    attributes = {str(key): str(value) for key, value in element.attrib.items() if not str(key).startswith("{")}
    if not children and not attributes:
        return (element.text or "").strip()
    keys: dict[str, object] = dict(attributes)
    for child in children:
        key = local_name(child)
        if key in keys:
            raise BadDrop(
                "SIDECAR_INVALIDE", "a key stands twice in the XML sidecar",
                f"Fichier d'accompagnement XML : la rubrique « {key[:40]} » figure deux fois.",
            )  # fmt: skip
        keys[key] = _object(child)
    return keys

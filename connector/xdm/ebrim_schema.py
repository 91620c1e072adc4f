"""The part of the ebRIM 3.0 schema that XDS metadata use, as facts: order of children, attributes, lengths.

Gives the verdict of OASIS ``lcm.xsd`` on XDS metadata, with messages that name the place and never quote content.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from connector.documents.xml import SafeElement, local_name
from connector.xdm.vocabulary import LCM, RIM

__all__ = ["Violation", "violations"]

_OBJECT_CHILDREN = ("Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier")
_OBJECT_ATTRIBUTES = frozenset({"id", "home", "lid", "objectType", "status"})
_IDENTIFIABLE = (
    "ExtrinsicObject",
    "RegistryPackage",
    "Classification",
    "Association",
    "ObjectRef",
    "ExternalIdentifier",
)
_ONCE = frozenset({"Name", "Description", "VersionInfo", "ContentVersionInfo", "ValueList", "RegistryObjectList"})
_LONG_NAME = 256
_FREE_TEXT = 1024


@dataclass(frozen=True, slots=True)
class Violation:
    """One departure from the schema."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What one element may hold: children in this order, unless ``any_order``."""

    children: tuple[str, ...] = ()
    any_order: bool = False
    required: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    lengths: tuple[tuple[str, int], ...] = ()  # attributes that are cut short, with their limit


def _registry_object(*, required: set[str], also: set[str] | None = None, last: tuple[str, ...] = ()) -> _Rule:
    needed = frozenset(required | {"id"})
    return _Rule(
        children=_OBJECT_CHILDREN + last,
        required=needed,
        allowed=_OBJECT_ATTRIBUTES | needed | frozenset(also or ()),
        lengths=tuple((name, _LONG_NAME) for name in ("value", "nodeRepresentation", "mimeType")),
    )


_STRINGS = _Rule(children=("LocalizedString",), any_order=True)
_RULES = {
    "SubmitObjectsRequest": _Rule(
        children=("RequestSlotList", "RegistryObjectList"), allowed=frozenset({"id", "comment"})
    ),
    "RegistryObjectList": _Rule(children=_IDENTIFIABLE, any_order=True),
    "RegistryPackage": _registry_object(required=set(), last=("RegistryObjectList",)),
    "ExtrinsicObject": _registry_object(required=set(), also={"mimeType", "isOpaque"}, last=("ContentVersionInfo",)),
    "Classification": _registry_object(
        required={"classifiedObject"}, also={"classificationScheme", "classificationNode", "nodeRepresentation"}
    ),
    "ExternalIdentifier": _registry_object(required={"registryObject", "identificationScheme", "value"}),
    "Association": _registry_object(required={"associationType", "sourceObject", "targetObject"}),
    "ObjectRef": _Rule(
        children=("Slot",), required=frozenset({"id"}), allowed=frozenset({"id", "home", "createReplica"})
    ),
    "Slot": _Rule(
        children=("ValueList",),
        required=frozenset({"name"}),
        allowed=frozenset({"name", "slotType"}),
        lengths=(("name", _LONG_NAME),),
    ),
    "ValueList": _Rule(children=("Value",), any_order=True),
    "Value": _Rule(),
    "Name": _STRINGS,
    "Description": _STRINGS,
    "LocalizedString": _Rule(
        required=frozenset({"value"}),
        allowed=frozenset({"value", "charset", "{http://www.w3.org/XML/1998/namespace}lang"}),
        lengths=(("value", _FREE_TEXT),),
    ),
    "VersionInfo": _Rule(allowed=frozenset({"versionName", "comment"})),
    "ContentVersionInfo": _Rule(allowed=frozenset({"versionName", "comment"})),
}


def violations(root: SafeElement) -> list[Violation]:
    """Every departure of a metadata file from the schema, in document order.

    Args:
        root: of METADATA.XML, as :func:`connector.documents.xml.parse_xml` gives it.
    """
    if root.tag != f"{{{LCM}}}SubmitObjectsRequest":
        return [Violation(root.sourceline or 0, "the root is not SubmitObjectsRequest of ebXML RegRep 3.0")]
    return [
        Violation(element.sourceline or 0, text)
        for element in root.iter()
        if local_name(element) != "RequestSlotList" for text in _element(element)
    ]  # fmt: skip


def _element(element: SafeElement) -> Iterator[str]:
    name = local_name(element)
    rule = _RULES.get(name)
    expected = LCM if name == "SubmitObjectsRequest" else RIM
    if rule is None or element.tag != f"{{{expected}}}{name}":
        yield f"{name} is not an element of this schema" if rule is None else f"{name} is in the wrong namespace"
        return
    yield from _attributes(element, name, rule)
    yield from _children(element, name, rule)
    if name == "Value" and len(element.text or "") > _LONG_NAME:
        yield f"a Value is longer than {_LONG_NAME} characters"


def _attributes(element: SafeElement, name: str, rule: _Rule) -> Iterator[str]:
    attributes = {str(key): str(value) for key, value in element.attrib.items()}
    for missing in sorted(rule.required - attributes.keys()):
        yield f"{name} has no attribute {missing}"
    for unknown in sorted(attributes.keys() - rule.allowed):
        if not unknown.startswith("{http://www.w3.org/2001/XMLSchema-instance}"):
            yield f"{name} has an attribute {unknown}, which is not in the schema"
    for key, limit in rule.lengths:
        if len(attributes.get(key, "")) > limit:
            yield f"the attribute {key} of {name} is longer than {limit} characters"


def _children(element: SafeElement, name: str, rule: _Rule) -> Iterator[str]:
    names = [local_name(child) for child in element]
    for child in dict.fromkeys(names):
        if child not in rule.children:
            yield f"{name} may not hold {child}"
        elif child in _ONCE and names.count(child) > 1:
            yield f"{name} holds {child} more than once"
    if name == "Slot" and "ValueList" not in names:
        yield "a Slot has no ValueList"
    if rule.any_order:
        return
    known = [child for child in names if child in rule.children]
    for before, after in dict.fromkeys(pairwise(known)):
        if rule.children.index(before) > rule.children.index(after):
            yield f"in {name}, {after} comes after {before}"

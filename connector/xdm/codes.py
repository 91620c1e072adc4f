"""Value sets of the ANS, as facts kept in tab-separated files beside this module.

The ANS updates its sets several times a year: a code that is not in a set is never a reason to refuse a document,
only a warning (:mod:`connector.xdm.check`).
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from connector.xdm.model import CodedValue

__all__ = [
    "UNKNOWN_FORMAT", "class_of", "format_of_media_type", "format_of_models", "label_of_type", "type_aliases",
    "value_set",
]  # fmt: skip

UNKNOWN_FORMAT = "urn:asipSante:modelesHorsProfils:2011"
"""The formatCode of a document whose model is in no table."""


def label_of_type(code: str) -> str:
    """The label of a document type in JDV_J07, or an empty string."""
    row = _rows_by_code("type_codes").get(code)
    return row[2] if row else ""


def class_of(type_code: str) -> CodedValue | None:
    """The class of a document type (ASS_X04), if the type is known."""
    row = _rows_by_code("type_codes").get(type_code)
    return value_set("class_codes")[row[3]] if row else None


def format_of_models(template_ids: tuple[str, ...]) -> CodedValue:
    """The format of a structured document: that of its last templateId which ASS_A11 knows."""
    table = _rows_by_code("formats_of_models")
    known = next((table[root][1] for root in reversed(template_ids) if root in table), UNKNOWN_FORMAT)
    return value_set("format_codes")[known]


def format_of_media_type(media_type: str) -> CodedValue:
    """The format of a document whose body is one file (ASS_A12)."""
    bare = media_type.partition(";")[0].strip().lower()
    row = _rows_by_code("formats_of_models").get(bare)
    return value_set("format_codes")[row[1] if row else UNKNOWN_FORMAT]


@lru_cache
def value_set(name: str) -> Mapping[str, CodedValue]:
    """The codes of one set, by code.

    Args:
        name: base name of its file, e.g. ``facility_types``.
    """
    return MappingProxyType({row[0]: CodedValue(row[0], row[1], row[2]) for row in _rows(name)})


def type_aliases() -> Mapping[str, str]:
    """Short names of document types, as written by software, with the code that each means."""
    return {name: row[1] for name, row in _rows_by_code("type_aliases").items()}


@lru_cache
def _rows_by_code(name: str) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({row[0]: row for row in _rows(name)})


def _rows(name: str) -> Iterator[tuple[str, ...]]:
    text = files("connector.xdm").joinpath("value_sets", f"{name}.tsv").read_text("utf-8")
    return (tuple(line.split("\t")) for line in text.splitlines() if line and not line.startswith("#"))

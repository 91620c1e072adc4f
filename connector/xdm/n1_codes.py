"""Codes for documents that we make ourselves: what a person or a setting says, as a code of the official set.

Unlike on reading, where an unknown code is only a warning, a document of our own never gets a code outside its set:
receivers file by it. The sets are those in ``value_sets``; short names of types stand in ``type_aliases.tsv``.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from unicodedata import combining, normalize

from connector.documents.cda.model import Code
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.xdm.codes import type_aliases, value_set

__all__ = ["document_type", "facility_type", "practice_setting", "specialty"]

_SEPARATORS = re.compile(r"[\s_./'-]+")


def document_type(*given: str) -> Code:
    """The type of a document (JDV_J07).

    Args:
        given: what the LPS says, the best first: a code, or a short name such as ``CR-BIO``; empty ones are passed
            over, and of several the first that is known counts.

    Raises:
        InvalidSubmission: ``TYPE_DOCUMENT_ABSENT``, ``TYPE_DOCUMENT_INCONNU``.
    """
    names = [name.strip() for name in given if name.strip()]
    for name in names:
        known = value_set("type_codes").get(name.upper())
        code = name.upper() if known and known.display_name else _aliases().get(_folded(name))
        if code:
            return _of("type_codes", code)
    if not names:
        raise InvalidSubmission("TYPE_DOCUMENT_ABSENT", "the type of the document is not given")
    raise InvalidSubmission("TYPE_DOCUMENT_INCONNU", "the type of the document is not in JDV_J07")


def facility_type(code: str) -> Code:
    """The kind of structure (JDV_J02), e.g. ``SA07``.

    Raises:
        ConfigurationError: ``CODE_REGLAGE_INCONNU``.
    """
    return _setting("facility_types", "structure.facility", code)


def practice_setting(code: str) -> Code:
    """The frame in which care is given (JDV_J04), e.g. ``AMBULATOIRE``.

    Raises:
        ConfigurationError: ``CODE_REGLAGE_INCONNU``.
    """
    return _setting("practice_settings", "structure.setting", code)


def specialty(code: str) -> Code:
    """Profession and specialty of an author (JDV_J01), e.g. ``G15_10/SM54``.

    Raises:
        ConfigurationError: ``CODE_REGLAGE_INCONNU``.
    """
    return _setting("author_specialties", "author.specialty", code)


def _setting(name: str, setting: str, code: str) -> Code:
    if code.strip() not in value_set(name):
        raise ConfigurationError("CODE_REGLAGE_INCONNU", f"mailboxes.{setting} is not a code of its value set")
    return _of(name, code.strip())


def _of(name: str, code: str) -> Code:
    value = value_set(name)[code]
    return Code(value.code, value.coding_scheme, value.display_name)


@lru_cache
def _aliases() -> Mapping[str, str]:
    return MappingProxyType({_folded(name): code for name, code in type_aliases().items()})


def _folded(name: str) -> str:
    """``CR d'hospit`` as ``crdhospit``: without case, accents and separators."""
    plain = "".join(c for c in normalize("NFD", name) if not combining(c))
    return _SEPARATORS.sub("", plain).casefold()

"""The folder with the publication of the ANS: files by name, and nothing that leads out of it.

What a schema or schematron includes is followed before anything is compiled: a link to another folder, to a server or
to a document type outside refuses the whole file.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import etree

from connector.domain.errors import ConfigurationError

__all__ = ["HEADER", "SCHEMA", "Publication", "parser"]

SCHEMA = "CDA_extended.xsd"
"""The CDA schema with the extensions of the ANS."""

HEADER = "ASIP-STRUCT-MIN-StrucMin.sch"
"""The schematron of the header."""

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_SCH = "{http://purl.oclc.org/dsdl/schematron}"
_MOST_ENTRIES = 50_000  # the whole publication has some 2 000
_MOST_FILES = 2_000  # that one file may include
_MOST_BYTES = 30_000_000


def parser() -> etree.XMLParser:
    """Reads a file of the publication: no entity, no document type, no network."""
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True)


class Publication:
    """What lies in the folder. Looked through once.

    Args:
        folder: of the settings.

    Raises:
        ConfigurationError: ``SCHEMAS_ABSENTS``: no such folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        if not self.folder.is_dir():
            raise ConfigurationError("SCHEMAS_ABSENTS", "validation.schemas is not a folder")
        self._files = dict(_by_name(self.folder))

    def file(self, name: str) -> Path:
        """The file of this name, the one that lies least deep, with everything that it includes in the folder.

        Raises:
            ConfigurationError: ``SCHEMAS_ABSENTS``, ``SCHEMAS_INVALIDES``.
        """
        path = self._files.get(name)
        if path is None:
            raise ConfigurationError("SCHEMAS_ABSENTS", f"validation.schemas holds no {name}")
        self._check_closed(path, _schema_links if path.suffix == ".xsd" else _schematron_links)
        return path

    def _check_closed(self, start: Path, links: Callable[[etree._Element], Iterable[str]]) -> None:
        waiting, seen = [start], {start}
        while waiting:
            path = waiting.pop()
            root = self._root(path)
            for link in links(root):
                target = (path.parent / unquote(urlsplit(link).path)).resolve()
                if urlsplit(link).scheme or urlsplit(link).netloc or not target.is_relative_to(self.folder):
                    raise ConfigurationError("SCHEMAS_INVALIDES", f"{path.name} leads out of validation.schemas")
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
            if len(seen) > _MOST_FILES:
                raise ConfigurationError("SCHEMAS_INVALIDES", f"{start.name} includes more than {_MOST_FILES} files")

    def _root(self, path: Path) -> etree._Element:
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ConfigurationError("SCHEMAS_INVALIDES", f"{path.name} has more than {_MOST_BYTES} bytes")
            tree = etree.parse(str(path), parser())
        except OSError as error:
            raise ConfigurationError("SCHEMAS_ABSENTS", f"{path.name} cannot be read") from error
        except etree.XMLSyntaxError as error:
            raise ConfigurationError("SCHEMAS_INVALIDES", f"{path.name} is not well-formed XML") from error
        if not _is_harmless(tree.docinfo.internalDTD):
            raise ConfigurationError("SCHEMAS_INVALIDES", f"{path.name} has a document type that leads elsewhere")
        return tree.getroot()


def _is_harmless(declared: etree.DTD | None) -> bool:
    """True without a document type, or with one that names no other place: that of the schema of schemas itself."""
    if declared is None:
        return True
    named = urlsplit(declared.system_url or "")
    is_beside = not named.scheme and not named.netloc and "/" not in named.path and "\\" not in named.path
    return is_beside and not any(entity.system_url for entity in declared.iterentities())


def _by_name(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file by its name, the deepest first, so that the one nearest to the top counts."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        found += [Path(place) / name for name in sorted(names) if name.endswith((".xsd", ".sch"))]
        if len(found) > _MOST_ENTRIES:
            raise ConfigurationError("SCHEMAS_INVALIDES", f"validation.schemas has more than {_MOST_ENTRIES} files")
    for path in sorted(found, key=lambda path: (len(path.parts), str(path)), reverse=True):
        yield path.name, path


def _schema_links(root: etree._Element) -> Iterator[str]:
    for element in root.iterchildren(f"{_XSD}include", f"{_XSD}import", f"{_XSD}redefine"):
        if location := element.get("schemaLocation"):
            yield location


def _schematron_links(root: etree._Element) -> Iterator[str]:
    for element in root.iter(f"{_SCH}include", f"{_SCH}extends"):
        if href := element.get("href"):
            yield href.partition("#")[0]

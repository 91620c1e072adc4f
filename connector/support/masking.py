"""Settings without anything private: each value is either known to be harmless, or replaced by what kind it is.

A field that this version does not know yet is masked: a new setting is private until somebody says that it is not.
"""

from collections.abc import Mapping
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from connector.domain.address import MailboxAddress
from connector.settings.model import SecretRef, Settings
from connector.support.scrub import MASK, Scrubber

__all__ = ["labels_of", "masked_settings", "setting_names"]

_HARMLESS_TEXTS = (
    "software.product_reference",  # says which product it is
    "software.environment", "api.host", "card.pin_policy", "journal.key_store", "log.*",
    "operators.*.preset", "operators.*.smtp.*", "operators.*.imap.*", "operators.*.tls.igc", "operators.*.tls.m*imum",
    "operators.*.tls.ciphers", "operators.*.tls.revocation", "operators.*.sent_folder",
    "mailboxes.*.reception.profile", "mailboxes.*.reception.options.encodage",
    "mailboxes.*.reception.options.drapeau", "mailboxes.*.reception.routes.*.profile",
    "mailboxes.*.reception.text_encoding", "mailboxes.*.reception.first_connection",
    "mailboxes.*.operator",
)  # fmt: skip
"""Texts that name no person, no practice and no place; numbers, switches and choices are harmless anyway."""


def labels_of(settings: Settings) -> dict[str, str]:
    """Private texts that are known, and what stands for each of them in a bundle."""
    labels = {}
    for number, mailbox in enumerate(settings.mailboxes, 1):
        labels[str(mailbox.address)] = labels[mailbox.folder] = f"boite-{number}"
    for number, name in enumerate(settings.operators, 1):
        labels[name] = f"operateur-{number}"
    for number, path in enumerate(dict.fromkeys(_paths(settings)), 1):
        labels[path] = f"chemin-{number}"
    return labels


def setting_names(model: type[BaseModel] = Settings) -> frozenset[str]:
    """The names of all tables and fields of the settings."""
    inner = (section for info in model.model_fields.values() for section in _sections(info.annotation))
    return frozenset(model.model_fields).union(*map(setting_names, inner))


def _sections(annotation: object) -> list[type[BaseModel]]:
    """The models inside a type: ``list[MailboxSettings]``, ``CardChoice | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for argument in get_args(annotation) for section in _sections(argument)]


def _paths(value: object) -> list[str]:
    if isinstance(value, Path):
        return [str(value)]
    if isinstance(value, BaseModel):
        return [path for name in type(value).model_fields for path in _paths(getattr(value, name))]
    if isinstance(value, Mapping):
        return [path for item in value.values() for path in _paths(item)]
    return [path for item in value for path in _paths(item)] if isinstance(value, list) else []


def masked_settings(settings: Settings, scrubber: Scrubber) -> dict[str, Any]:
    """The whole file with defaults, as it may leave the practice."""
    masked: dict[str, Any] = _masked("", settings, scrubber)
    return masked


def _masked(key: str, value: Any, scrubber: Scrubber) -> Any:  # noqa: PLR0911 - one line for each kind of value
    match value:
        case None | bool() | int() | float():
            return value
        case SecretRef():
            return {name: MASK for name in type(value).model_fields if getattr(value, name) is not None}
        case BaseModel():
            return {name: _field(key, name, value, scrubber) for name in type(value).model_fields}
        case Mapping():
            return {scrubber.labels.get(str(name), MASK): _masked(f"{key}.{name}", item, scrubber)
                    for name, item in value.items()}  # fmt: skip
        case list():
            return [_masked(f"{key}.{number}", item, scrubber) for number, item in enumerate(value)]
        case Enum():
            return value.value
        case Path() | MailboxAddress():
            return scrubber.labels.get(str(value), MASK)
        case _:
            return _text(key, str(value), scrubber)


def _field(key: str, name: str, section: BaseModel, scrubber: Scrubber) -> Any:
    value, default = getattr(section, name), type(section).model_fields[name].default
    inner = f"{key}.{name}".strip(".")
    if value == default and not isinstance(value, BaseModel | Path):
        return default.value if isinstance(default, Enum) else default
    return _masked(inner, value, scrubber)


def _text(key: str, value: str, scrubber: Scrubber) -> str:
    if value in scrubber.labels:
        return scrubber.labels[value]
    if key.split(".") == ["journal", "url"]:
        return _database(value)
    parent = key.rpartition(".")[0] if key.rpartition(".")[2].isdigit() else key  # one of a list
    return value if any(fnmatchcase(parent, pattern) for pattern in _HARMLESS_TEXTS) else MASK


def _database(url: str) -> str:
    try:
        return make_url(url).get_backend_name()
    except (ArgumentError, ValueError):
        return MASK

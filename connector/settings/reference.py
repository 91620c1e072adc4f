"""The reference of all settings, made from the models: ``docs/settings.md`` can never say something else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from connector.settings.model import Settings

__all__ = ["settings_as_markdown"]

_INTRODUCTION = """\
# Settings

One TOML file. `mss-connector config init` writes a commented one, `config check` says what is wrong and what would be
right, `config show` prints every value with presets and defaults. Secrets are never in the file: a secret is
`{ keyring = "name" }`, `{ file = "path" }` or `{ env = "NAME" }`.

This page is made from `connector/settings/`; a test compares them.
"""


def settings_as_markdown() -> str:
    """The whole page."""
    return _INTRODUCTION + "".join(_tables("", Settings))


def _tables(prefix: str, model: type[BaseModel]) -> Iterator[str]:
    """One table per section; sections inside sections follow it."""
    plain = {name: info for name, info in model.model_fields.items() if _section(info) is None}
    if prefix:
        yield f"\n## {prefix}\n\n{_first_paragraph(model)}\n"
    if plain:
        yield "\n| key | default | meaning |\n|---|---|---|\n"
        yield from (f"| `{name}` | {_default(info)} | {_meaning(info)} |\n" for name, info in plain.items())
    for name, info in model.model_fields.items():
        inner = _section(info)
        if inner is not None:
            yield from _tables(f"{prefix}.{name}".strip(".") + _plural(info), inner)


def _section(info: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a table of the file; a secret reference counts as a value."""
    candidates = (info.annotation, *get_args(info.annotation))
    models = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
    return next((model for model in models if model.__name__ != "SecretRef"), None)


def _plural(info: FieldInfo) -> str:
    origin = getattr(info.annotation, "__origin__", None)
    return ".<name>" if origin is dict else "[]" if origin is list else ""


def _default(info: FieldInfo) -> str:
    if info.default is PydanticUndefined:
        return "*required*"
    return f"`{_toml(info.default)}`" if info.default is not None else "–"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return (
        str(value)
        if isinstance(value, int | float)
        else f'"{value.as_posix() if isinstance(value, Path) else value}"'
    )


def _meaning(info: FieldInfo) -> str:
    choices = [argument for argument in get_args(info.annotation) if isinstance(argument, str)]
    text = " ".join((info.description or "").split()).replace("|", "\\|").replace("``", "`")
    return f"{text} {'One of ' + ', '.join(f'`{c}`' for c in choices) + '.' if choices else ''}".strip()


def _first_paragraph(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())

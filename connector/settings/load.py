"""Reading the settings file: TOML, operator presets, validation, and messages that a person can act on.

Every problem names the key as it is written in the file, what is wrong, and what would be right.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connector.domain.errors import ConfigurationError
from connector.domain.text import Text
from connector.settings.data import data_folder
from connector.settings.model import BadSetting, Settings

__all__ = ["InvalidSettings", "Problem", "load_settings", "problems_of", "read_settings"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct in the settings file."""

    key: str  # as in the file: operators.mailiz.smtp.port, mailboxes[0].address
    wrong: Text
    right: Text

    def __str__(self) -> str:
        return f"{self.key}: {self.wrong.en}; {self.right.en}"


class InvalidSettings(ConfigurationError):
    """The settings file cannot be used; ``problems`` says why, one line each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("REGLAGE_INVALIDE", "; ".join(str(problem) for problem in problems))
        self.problems = problems


def read_settings(path: Path) -> Settings:
    """Read and validate the settings file.

    Relative paths inside it are taken from the folder of the file.

    Raises:
        InvalidSettings: no such file, not TOML, or values that do not fit.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except FileNotFoundError:
        wrong = Text("le fichier de réglages n'existe pas", "the settings file does not exist")
        right = Text("créez-le avec : mss-connector config init", "create it with: mss-connector config init")
    except (OSError, UnicodeDecodeError) as error:
        wrong = Text(f"ne peut pas être lu ({error})", f"cannot be read ({error})")
        right = Text("attendu : un fichier TOML en UTF-8", "expected a TOML file in UTF-8")
    except tomllib.TOMLDecodeError as error:
        wrong = Text(f"n'est pas du TOML : {error}", f"is not TOML: {error}")
        right = Text("attendu : des lignes clé = valeur", "expected key = value lines")
    else:
        return load_settings(values, base=path.resolve().parent)
    raise InvalidSettings([Problem(str(path), wrong, right)])


def load_settings(values: Mapping[str, Any], *, base: Path) -> Settings:
    """Validate values that were read from somewhere.

    Args:
        values: nested tables as in the file.
        base: folder from which relative paths are taken.

    Raises:
        InvalidSettings: with every problem found, not only the first.
    """
    merged, problems = _with_presets(values)
    if problems:
        raise InvalidSettings(problems)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise InvalidSettings(problems_of(error, Settings)) from error
    absolute: Settings = _absolute_paths(settings, base)
    return absolute


def _with_presets(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The values with each operator's preset below them."""
    merged = dict(values)
    problems: list[Problem] = []
    operators = values.get("operators")
    if isinstance(operators, Mapping):
        merged["operators"] = {}
        for name, table in operators.items():
            preset = table.get("preset") if isinstance(table, Mapping) else None
            try:
                merged["operators"][name] = _over(_preset(preset), table) if preset else table
            except FileNotFoundError:
                problems.append(_unknown_preset(name, preset))
    return merged, problems


def _preset(name: object) -> dict[str, Any]:
    if not isinstance(name, str) or not name.replace("-", "").replace("_", "").isalnum():
        raise FileNotFoundError(name)
    table = tomllib.loads((data_folder() / "operators" / f"{name}.toml").read_text(encoding="utf-8"))
    operator: dict[str, Any] = table.get("operator", {})
    return operator


def _unknown_preset(operator: str, preset: object) -> Problem:
    known = ", ".join(sorted(e.name.removesuffix(".toml") for e in (data_folder() / "operators").iterdir()))
    wrong = Text(f"le préréglage {preset!r} est inconnu", f"the preset {preset!r} is unknown")
    return Problem(f"operators.{operator}.preset", wrong, _one_of(known))


def _one_of(choices: object) -> Text:
    return Text(f"attendu : un de {choices}", f"expected one of {choices}")


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``above`` wins; tables are merged key by key."""
    result = dict(below)
    for key, value in above.items():
        deeper = result.get(key)
        result[key] = _over(deeper, value) if isinstance(deeper, Mapping) and isinstance(value, Mapping) else value
    return result


def problems_of(error: ValidationError, model: type[BaseModel], *, within: str = "") -> list[Problem]:
    """What is wrong, in our words.

    Args:
        error: of pydantic.
        model: that was validated.
        within: name of the file, to stand before each key when it is not the settings file.
    """
    return [_problem(details, model, within) for details in error.errors()]


def _problem(details: ErrorDetails, model: type[BaseModel], within: str) -> Problem:
    """One pydantic error in our words."""
    location, context = details["loc"], details.get("ctx", {})
    key = ": ".join(filter(None, (within, _dotted(location)))) or "(file)"
    shown = _shown(details["input"])
    wrong = Text(f"a la valeur {shown}", f"has the value {shown}")
    match details["type"]:
        case "extra_forbidden":
            return Problem(key, Text("n'est pas un réglage", "is not a setting"), _nearest(location, model))
        case "missing":
            return Problem(
                key, Text("manque", "is missing"), Text("une valeur est exigée ici", "it is required here")
            )
        case "value_error" if isinstance(context.get("error"), BadSetting):
            return Problem(key, context["error"].wrong, context["error"].right)
        case "literal_error" | "enum":
            return Problem(key, wrong, _one_of(context.get("expected")))
        case kind:
            return Problem(key, wrong, _expected(kind, context, details["msg"]))


_KINDS = {
    "int": Text("un nombre entier", "a whole number"),
    "float": Text("un nombre", "a number"),
    "bool": Text("true ou false", "true or false"),
    "string": Text("un texte entre guillemets", "a quoted text"),
    "path": Text("un chemin entre guillemets", "a quoted path"),
    "list": Text("une liste [ … ]", "a list [ … ]"),
    "dict": Text("une table", "a table"),
    "model": Text("une table", "a table"),
}
_BOUNDS = {"greater_than": ">", "greater_than_equal": "≥", "less_than": "<", "less_than_equal": "≤"}


def _expected(kind: str, context: Mapping[str, Any], message: str) -> Text:
    """What would fit, from the type of a pydantic error (``int_parsing``, ``less_than`` …)."""
    if kind in _BOUNDS:
        bound = next((context[name] for name in ("gt", "ge", "lt", "le") if name in context), "?")
        return Text(f"attendu : {_BOUNDS[kind]} {bound}", f"expected {_BOUNDS[kind]} {bound}")
    if kind == "string_pattern_mismatch":
        pattern = context.get("pattern")
        return Text(f"attendu : un texte de la forme {pattern}", f"expected a text of the form {pattern}")
    known = _KINDS.get(kind.partition("_")[0])
    return Text(f"attendu : {known.fr}", f"expected {known.en}") if known else Text(message, message)


def _dotted(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _shown(value: object) -> str:
    """A value in a message; never a long one, and never a table that may hold a secret."""
    return repr(value)[:60] if isinstance(value, str | int | float | bool) else f"of type {type(value).__name__}"


def _nearest(location: tuple[int | str, ...], model: type[BaseModel]) -> Text:
    """The known key that resembles the unknown one most."""
    section = _model_at(model, location[:-1])
    known = sorted(section.model_fields) if section else []
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    if close:
        return Text(f"vouliez-vous dire {close[0]!r} ?", f"did you mean {close[0]!r}?")
    return Text(f"connus ici : {', '.join(known)}", f"known here: {', '.join(known)}")


def _model_at(model: type[BaseModel] | None, location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The section that a location leads to."""
    for step in location:
        if model is None:
            return None
        if isinstance(step, int) or step not in model.model_fields:
            continue  # an index of a list, or the name of a table: the model was found one step earlier
        model = _inner_model(model.model_fields[step].annotation)
    return model


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is None:
        return None
    return next((found for found in map(_inner_model, get_args(annotation)) if found), None)


def _absolute_paths(value: Any, base: Path) -> Any:
    """The same settings with every path absolute and ``~`` expanded."""
    if isinstance(value, Path):
        return base / value.expanduser()
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        absolute = {name: _absolute_paths(held, base) for name, held in fields.items()}
        changed = {name: held for name, held in absolute.items() if held != fields[name]}
        return value.model_copy(update=changed)  # what did not change stays known as written or not
    if isinstance(value, list):
        return [_absolute_paths(item, base) for item in value]
    if isinstance(value, dict):
        return {key: _absolute_paths(item, base) for key, item in value.items()}
    return value

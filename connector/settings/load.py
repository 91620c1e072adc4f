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
from connector.settings.data import data_folder
from connector.settings.model import Settings

__all__ = ["InvalidSettings", "Problem", "load_settings", "read_settings"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct in the settings file."""

    key: str  # as in the file: operators.mailiz.smtp.port, mailboxes[0].address
    wrong: str  # what is wrong
    right: str  # what would be right

    def __str__(self) -> str:
        return f"{self.key}: {self.wrong}; {self.right}"


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
    except FileNotFoundError:
        hint = "create it with: mss-connector config init"
        raise InvalidSettings([Problem(str(path), "the settings file does not exist", hint)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings([Problem(str(path), f"cannot be read ({error})", "expected UTF-8 TOML")]) from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings([Problem(str(path), f"is not TOML: {error}", "expected key = value lines")]) from error
    return load_settings(values, base=path.resolve().parent)


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
        raise InvalidSettings([_problem(details) for details in error.errors()]) from error
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
    known = sorted(entry.name.removesuffix(".toml") for entry in (data_folder() / "operators").iterdir())
    return Problem(f"operators.{operator}.preset", f"{preset!r} is unknown", f"expected one of: {', '.join(known)}")


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``above`` wins; tables are merged key by key."""
    result = dict(below)
    for key, value in above.items():
        deeper = result.get(key)
        result[key] = _over(deeper, value) if isinstance(deeper, Mapping) and isinstance(value, Mapping) else value
    return result


def _problem(details: ErrorDetails) -> Problem:
    """One pydantic error in our words."""
    location = details["loc"]
    key = _dotted(location) or "(file)"
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            return Problem(key, "is not a setting", _nearest(location))
        case "missing":
            return Problem(key, "is missing", "it is required here")
        case "value_error":
            return Problem(key, _split(context)[0], _split(context)[1])
        case "literal_error" | "enum":
            return Problem(key, f"has the value {_shown(details['input'])}", f"expected {context.get('expected')}")
        case _:
            return Problem(key, f"has the value {_shown(details['input'])}", _lower_first(details["msg"]))


def _split(context: Mapping[str, Any]) -> tuple[str, str]:
    """Our validators write "what is wrong; what is right" or "expected …" alone."""
    text = str(context.get("error", "is not valid"))
    wrong, _, right = text.partition("; ")
    return (wrong, right) if right else ("does not fit", text)


def _dotted(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _shown(value: object) -> str:
    """A value in a message; never a long one, and never a table that may hold a secret."""
    return repr(value)[:60] if isinstance(value, str | int | float | bool) else f"of type {type(value).__name__}"


def _lower_first(text: str) -> str:
    return (text[:1].lower() + text[1:]).replace("input should", "it should")


def _nearest(location: tuple[int | str, ...]) -> str:
    """The known key that resembles the unknown one most."""
    model = _model_at(Settings, location[:-1])
    known = sorted(model.model_fields) if model else []
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"


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
        changed = {name: _absolute_paths(getattr(value, name), base) for name in type(value).model_fields}
        return value.model_copy(update=changed)
    if isinstance(value, list):
        return [_absolute_paths(item, base) for item in value]
    if isinstance(value, dict):
        return {key: _absolute_paths(item, base) for key, item in value.items()}
    return value

"""Reading keys of a sidecar one by one: what is missing, what has the wrong shape, what nobody asked for.

The three forms (JSON, INI, XML) give the same tree of ``dict``, ``list``, ``str``, ``bool``, ``int`` and ``None``;
old software writes everything as text, so ``oui``, ``1`` or ``20/11/2026`` are as good as the JSON values.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import NoReturn, TypeVar

from connector.intake.problem import BadDrop, shape

__all__ = ["Attempts", "Keys", "wrong"]

_T = TypeVar("_T")

_YES = frozenset({"oui", "o", "1", "vrai", "true", "yes"})
_NO = frozenset({"non", "n", "0", "faux", "false", "no", ""})
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FRENCH_DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def wrong(key: str, expected: str, value: object) -> NoReturn:
    """Refuse the sidecar, naming the key and the value's shape.

    Raises:
        BadDrop: ``SIDECAR_INVALIDE``.
    """
    raise BadDrop(
        "SIDECAR_INVALIDE",
        f"the sidecar key {key} has a {type(value).__name__} that does not fit",
        f"Rubrique « {key} » : {expected} est attendu ; reçu : {shape(value)}.",
    )


class Keys:
    """One object of the sidecar.

    Args:
        values: its keys and values; ``None`` and ``{}`` mean an absent object.
        path: how a person finds it in the file, e.g. ``destinataires[2]``; empty for the root.
    """

    def __init__(self, values: object, path: str = "") -> None:
        if values is not None and not isinstance(values, Mapping):
            wrong(path or "(racine)", "un ensemble de rubriques", values)
        self._values: dict[str, object] = {str(k): v for k, v in (values or {}).items()}
        self._path = path
        self._asked: set[str] = set()
        self._inner: list[Keys] = []

    def name(self, key: str) -> str:
        """The full name of a key, for messages."""
        return f"{self._path}.{key}" if self._path else key

    def get(self, key: str) -> object:
        """The raw value of a key, ``None`` when absent."""
        self._asked.add(key)
        return self._values.get(key)

    def text(self, key: str, *, max_chars: int, lines: bool = False) -> str | None:
        """A text; blank counts as absent.

        Raises:
            BadDrop: another type, too long, control characters, line ends unless ``lines``.
        """
        value = self.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if not isinstance(value, str) or _CONTROL.search(value):
            wrong(self.name(key), "un texte", value)
        if len(value) > max_chars or (not lines and len(value.strip().splitlines()) > 1):
            wrong(
                self.name(key), f"un texte {'' if lines else 'd’une ligne '}de {max_chars} caractères au plus", value
            )
        return value.strip()

    def yes(self, key: str, *, default: bool) -> bool:
        """``true``/``false``, or the French words for them."""
        value = self.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        word = str(value).strip().casefold() if isinstance(value, str | int) else None
        if word in _YES or word in _NO:
            return word in _YES
        wrong(self.name(key), "oui ou non", value)

    def date(self, key: str) -> str | None:
        """A date as ``AAAA-MM-JJ``; ``JJ/MM/AAAA`` is accepted. Months over 12 exist in registry-less births."""
        value = self.text(key, max_chars=20)
        if value is None or _ISO_DATE.fullmatch(value):
            return value
        french = _FRENCH_DATE.fullmatch(value)
        if french is None:
            wrong(self.name(key), "une date AAAA-MM-JJ ou JJ/MM/AAAA", value)
        return f"{french[3]}-{french[2]}-{french[1]}"

    def items(self, key: str) -> list[tuple[str, object]]:
        """The elements of a list with their names for messages; a single value counts as a list of one."""
        value = self.get(key)
        if value is None or value == "":
            return []
        values = value if isinstance(value, list) else [value]
        if len(values) > 200:
            wrong(self.name(key), "une liste de 200 éléments au plus", value)
        return [(f"{self.name(key)}[{number}]", item) for number, item in enumerate(values, start=1)]

    def inner(self, key: str) -> "Keys":
        """An object below this one; absent = without keys."""
        return self.adopt(Keys(self.get(key) or None, self.name(key)))

    def adopt(self, keys: "Keys") -> "Keys":
        """Count the unknown keys of ``keys`` as ours."""
        self._inner.append(keys)
        return keys

    def all(self) -> dict[str, object]:
        """Every key, for objects whose keys are data."""
        self._asked.update(self._values)
        return dict(self._values)

    def __bool__(self) -> bool:
        return bool(self._values)

    def unknown(self) -> tuple[str, ...]:
        """Full names of the keys that nobody asked for; keys that start with ``_`` are comments."""
        own = [self.name(key) for key in self._values if key not in self._asked and not key.startswith("_")]
        return tuple(own) + tuple(name for keys in self._inner for name in keys.unknown())


class Attempts:
    """Reads one thing after the other, and notes what is wrong with each, so that everything is told at once."""

    def __init__(self) -> None:
        self.problems: list[BadDrop] = []

    def __call__(self, read: Callable[[], _T], instead: _T) -> _T:
        """What reading gives, or something in its place when it is wrong."""
        try:
            return read()
        except BadDrop as problem:
            self.problems.append(problem)
            return instead

    def text(self, keys: Keys, key: str, *, max_chars: int, lines: bool = False) -> str | None:
        """A text, or nothing when it is wrong."""
        return self(lambda: keys.text(key, max_chars=max_chars, lines=lines), None)

    def yes(self, keys: Keys, key: str, *, default: bool = False) -> bool:
        """Yes or no."""
        return self(lambda: keys.yes(key, default=default), default)

    def inner(self, keys: Keys, key: str) -> Keys:
        """An object; without keys when it is none."""
        return self(lambda: keys.inner(key), Keys(None))

    def items(self, keys: Keys, key: str) -> list[tuple[str, object]]:
        """The elements of a list as they are."""
        nothing: list[tuple[str, object]] = []
        return self(lambda: keys.items(key), nothing)

    def each(self, keys: Keys, key: str, read: Callable[[str, object], _T]) -> tuple[_T, ...]:
        """The elements of a list, without those that are wrong."""
        found = [self(partial(_some, read, name, item), None) for name, item in self.items(keys, key)]
        return tuple(one[0] for one in found if one is not None)


def _some(read: Callable[[str, object], _T], name: str, item: object) -> tuple[_T] | None:
    return (read(name, item),)

"""Lines of the technical log as they may leave the practice."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from connector.support.scrub import MASK, Scrubber

__all__ = ["scrubbed_lines"]

_PAIR = re.compile(r"""(\w+)=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+)(?:\s+|$)""")
_TRACEBACKS = frozenset({"exception", "exc_info"})
_NUMBERS = frozenset({
    "attempts", "count", "dropped_fields", "duration_ms", "folder_count", "pause_seconds", "pid", "port", "restarts",
    "size_bytes",
})  # fmt: skip
_WORDS = frozenset({
    "action", "box", "code", "component", "detail", "error", "event", "host", "id", "level", "logger", "outcome",
    "server", "state", "step", "submission", "timestamp", "url", "version", "worker",
})  # fmt: skip


def scrubbed_lines(lines: Iterable[str], scrubber: Scrubber) -> Iterator[str]:
    """Each line with what may stay of it; lines that are no events of ours are taken for parts of a traceback.

    Args:
        lines: of ``connector.log``, in either format.
        scrubber: decides about every text.
    """
    for line in lines:
        fields = _from_json(line) if line.startswith("{") else _from_pairs(line)
        if fields is not None:
            yield from _event(fields, scrubber)
        else:
            yield from scrubber.traceback(line).splitlines()


def _event(fields: dict[str, Any], scrubber: Scrubber) -> Iterator[str]:
    plain = {key: value for key, value in fields.items() if key not in _TRACEBACKS}
    yield " ".join(f"{name}={_value(name, value, scrubber)}" for name, value in plain.items() if _is_known(name))
    for name in _TRACEBACKS & fields.keys():
        yield from scrubber.traceback(str(fields[name])).splitlines()


def _is_known(name: str) -> bool:
    return name in _NUMBERS or name in _WORDS


def _value(name: str, value: Any, scrubber: Scrubber) -> str:
    if name in _NUMBERS:
        return str(value) if isinstance(value, int | float) else MASK
    return json.dumps(scrubber.text(str(value)), ensure_ascii=False)


def _from_json(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "event" in found else None


def _from_pairs(line: str) -> dict[str, Any] | None:
    """``key='value'`` pairs with values as Python writes them; ``None`` when the line is anything else."""
    if not line.startswith("timestamp="):
        return None
    fields, end = {}, 0
    while (pair := _PAIR.match(line, end)) is not None:
        fields[pair[1]] = _python(pair[2])
        end = pair.end()
    return fields if end == len(line) else None


def _python(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text

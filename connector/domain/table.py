"""The transition tables as a page shows them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

__all__ = ["states_as_markdown"]

_State = TypeVar("_State", bound=StrEnum)
_Event = TypeVar("_Event", bound=StrEnum)


def states_as_markdown(title: str, table: Mapping[_State, Mapping[_Event, _State]]) -> str:
    """One line per state: where each event leads; events that stay are named last.

    Args:
        title: heading of the table.
        table: state to event to state.
    """
    lines = [f"### {title}", "", "| state | leads to |", "|---|---|"]
    for state, row in table.items():
        ways: dict[_State, list[str]] = {}
        for event, after in row.items():
            ways.setdefault(after, []).append(event.value)
        text = "; ".join(f"**{after.value}** on {', '.join(events)}" for after, events in ways.items())
        lines.append(f"| `{state.value}` | {text or 'nowhere: final'} |")
    return "\n".join(lines) + "\n"

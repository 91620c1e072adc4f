"""``docs/conformity.md``: every rule has one row, and what a row names exists."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from connector.settings.model import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "conformity.md").read_text(encoding="utf-8")

SERIES = {
    "1.0": "1 2", "1.1": "1 2 3 4 5 6 7 8 9 10", "1.2": "1 2 3 4 5 6 7", "1.3": "x", "2.1": "1 2 3 4 5 6",
    "2.2": "1 2 3 4 5 6 7 8", "2.3": "1 2", "2.4": "1 2 3", "3.1": "1 2 3 4 5 6", "4.1": "1 2",
}  # fmt: skip
RULES = [f"ECO.{series}.{number}" for series, numbers in SERIES.items() for number in numbers.split()]
CHECKLIST = [str(number) for number in range(1, 24)]
QUESTIONS = [str(number) for number in range(1, 25)]
STATES = ("met", "partly", "not yet", "not found")


def section(title: str) -> str:
    """The text from a heading of level 2 to the next one."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row but headings and rules."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return [row for row in cells if not row[0].startswith("---") and row[0] not in ("rule", "no", "chosen", "")]


RULE_ROWS = rows(section("Rules of Ref#2"))
CHECK_ROWS = rows(section("Checklist of the connector"))
OPEN = section("Chosen where the specification leaves it open")
OPEN_ROWS = rows(OPEN.partition("Other choices")[0])
CHOICE_ROWS = rows(OPEN.partition("Other choices")[2])


def nodes_of(path: Path) -> Iterator[str]:
    """Node ids without parameters, as pytest would write them."""
    name = path.relative_to(ROOT).as_posix()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            yield from (f"{name}::{node.name}::{f.name}" for f in node.body if isinstance(f, ast.FunctionDef))
        elif isinstance(node, ast.FunctionDef):
            yield f"{name}::{node.name}"


def test_every_rule_has_exactly_one_row_in_order() -> None:
    assert [row[0] for row in RULE_ROWS] == RULES


def test_every_number_of_the_checklist_and_of_the_open_questions_has_one_row() -> None:
    assert [row[0] for row in CHECK_ROWS] == CHECKLIST
    assert [row[0] for row in OPEN_ROWS] == QUESTIONS


@pytest.mark.parametrize("row", RULE_ROWS + CHECK_ROWS, ids=lambda row: str(row[0]))
def test_a_state_is_an_allowed_word_with_its_reason_and_its_proof(row: list[str]) -> None:
    assert len(row) == 5
    state, _, reason = row[4].partition(": ")
    assert state in STATES
    assert bool(reason) == (state in ("partly", "not yet"))
    if state in ("met", "partly"):
        assert "::test_" in row[3]
        assert "`connector/" in row[2]


def test_every_test_that_is_named_exists() -> None:
    existing = {node for path in (ROOT / "tests").rglob("test_*.py") for node in nodes_of(path)}
    named = set(re.findall(r"`(tests/[^`]+::[^`]+)`", PAGE))
    assert named - existing == set()
    assert len(named) > 60


def test_every_module_and_page_that_is_named_exists() -> None:
    named = re.findall(r"`(connector/[^`]+)`", PAGE) + [
        f"docs/{link}" for link in re.findall(r"\]\(([^)#]+\.md)\)", PAGE)
    ]
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_counts_are_those_of_the_rows() -> None:
    shown = PAGE.partition("<!-- counts -->\n")[2].partition("\n<!-- /counts -->")[0]
    lines = ["| | " + " | ".join(STATES) + " |", "|---|---|---|---|---|"]
    for title, table in (("rules of Ref#2", RULE_ROWS), ("checklist", CHECK_ROWS)):
        counted = Counter(row[4].partition(":")[0] for row in table)
        lines.append(f"| {title} | " + " | ".join(str(counted[state]) for state in STATES) + " |")
    assert shown == "\n".join(lines)


SETTINGS = [(row[-3].strip("`"), row[-2].strip("`")) for row in OPEN_ROWS + CHOICE_ROWS if row[-3] != "–"]


@pytest.mark.parametrize(("key", "default"), SETTINGS, ids=[key for key, _ in SETTINGS])
def test_every_setting_that_is_named_exists_and_has_that_default(key: str, default: str) -> None:
    value = default_of(key)
    if default.startswith("see "):
        assert value
    else:
        assert default == ("–" if value is None else in_toml(value))


def default_of(key: str) -> Any:
    """The default of ``operators.<name>.tls.maximum``."""
    model: type[BaseModel] = Settings
    *sections, last = key.replace(".<name>", "").replace("[]", "").split(".")
    for name in sections:
        model = inner_model(model.model_fields[name].annotation)
    return model.model_fields[last].default if last in model.model_fields else pytest.fail(f"no setting {key}")


def inner_model(annotation: Any) -> type[BaseModel]:
    found = [a for a in (annotation, *get_args(annotation)) if isinstance(a, type) and issubclass(a, BaseModel)]
    return found[0]


def in_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else f'"{value}"'

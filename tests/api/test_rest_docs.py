"""docs/rest.md against the API itself: its table of operations, its codes, its examples."""

import os
import re
from pathlib import Path
from typing import Any

from connector.client.models.messages import SubmitModel
from connector.domain.catalogue import CATALOGUE
from connector.domain.scopes import Scope
from tests.api.api_scene import ApiScene
from tests.api.whole_api import whole_schema

DOCS = Path(__file__).resolve().parents[2] / "docs" / "rest.md"
TEXT = DOCS.read_text(encoding="utf-8")
HEAD = "| operation | scope | what it does |\n|---|---|---|\n"


def table(schema: dict[str, Any]) -> str:
    rows = []
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/api/"):
                scopes = ", ".join(f"`{one}`" for need in operation.get("security", []) for one in need["token"])
                rows.append(
                    f"| `{method.upper()} {path.removeprefix('/api/v1')}` | {scopes} | {operation['summary']} |"
                )
    return HEAD + "\n".join(rows) + "\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_table_of_operations_is_that_of_the_api(scene: ApiScene) -> None:
    shown = TEXT.partition("<!-- operations -->\n")[2].partition("<!-- /operations -->")[0]
    expected = table(whole_schema(scene))
    if os.environ.get("MSS_UPDATE_DOCS"):
        now = DOCS.read_text("utf-8")  # another test may have written it
        now = now.replace(f"<!-- operations -->\n{shown}", f"<!-- operations -->\n{expected}")
        DOCS.write_text(now, "utf-8", newline="\n")
        shown = expected
    assert shown == expected


def test_every_scope_is_explained() -> None:
    assert all(f"`{scope.value}`" in TEXT for scope in Scope)


def test_every_code_that_is_named_exists() -> None:
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)`", TEXT)) <= set(CATALOGUE)


def test_the_json_example_is_a_submission() -> None:
    (example,) = blocks("json")
    assert SubmitModel.model_validate_json(example).documents[0].name == "cr.xml"

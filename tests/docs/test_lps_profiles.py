"""``docs/lps-profiles.md`` names every profile, role and option, with the defaults of the code."""

import re
from enum import Enum
from pathlib import Path

import pytest
from pydantic import BaseModel

from connector.delivery.pattern import NAME_FIELDS
from connector.delivery.profile import FileRule, LpsProfile, load_profile, profile_names
from connector.exchange.arrival import PartRole
from connector.settings.lps import Hl7Options, LpsOptions
from connector.settings.routing import RouteSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "lps-profiles.md").read_text("utf-8")
OPTIONS = dict(re.findall(r"^\| `(\w+)` \| `([^|]*)` \|", PAGE, re.MULTILINE))


def written(value: object) -> str:
    bare = value.value if isinstance(value, Enum) else value
    return str(bare).lower() if isinstance(bare, bool) else f'"{bare}"' if isinstance(bare, str) else str(bare)


@pytest.mark.parametrize("name", [name for name in LpsOptions.model_fields if name != "hl7"])
def test_every_option_has_a_row_with_its_default(name: str) -> None:
    assert OPTIONS[name] == written(LpsOptions.model_fields[name].default)


def test_no_row_is_about_something_else() -> None:
    assert set(OPTIONS) <= LpsOptions.model_fields.keys()


@pytest.mark.parametrize("model", [LpsProfile, FileRule, Hl7Options, RouteSettings])
def test_every_key_is_named(model: type[BaseModel]) -> None:
    missing = [name for name in model.model_fields if name not in PAGE]
    assert missing == []


def test_every_profile_role_and_field_is_named() -> None:
    assert [name for name in profile_names() if f"| `{name}`" not in PAGE] == []
    assert [role.value for role in PartRole if f"`{role.value}`" not in PAGE] == []
    assert [name for name in NAME_FIELDS if f"{{{name}}}" not in PAGE] == []


def test_the_profile_of_the_page_can_be_used(tmp_path: Path) -> None:
    (text,) = [block for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "[[fichiers]]" in block]
    (tmp_path / "page.toml").write_text(text, "utf-8")
    assert load_profile("page", tmp_path).options.encodage == "cp850"

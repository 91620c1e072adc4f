"""Documentation that can be wrong is tested: states, steps, settings, commands and codes against the source."""

import ast
import os
import re
from pathlib import Path

from connector.cli.main import app
from connector.domain.states import INCOMING, OUTGOING
from connector.domain.table import states_as_markdown
from connector.settings.reference import settings_as_markdown

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"`((?:answer|claim|lot|mark|mllp|journal|report|send|deliver|status|taken)\.(?!key|sqlite|json|url)[a-z_]+)`"
)


def steps_in_source() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "connector").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and STEP.fullmatch(f"`{node.value}`"):
                found.add(node.value)
    return found


def test_the_state_tables_are_those_of_the_source() -> None:
    shown = ARCHITECTURE.partition("<!-- states -->\n")[2].partition("<!-- /states -->")[0]
    expected = states_as_markdown("Outgoing", OUTGOING) + "\n" + states_as_markdown("Incoming", INCOMING)
    if os.environ.get("MSS_UPDATE_DOCS"):
        text = ARCHITECTURE.replace(f"<!-- states -->\n{shown}", f"<!-- states -->\n{expected}")
        (ROOT / "docs" / "architecture.md").write_text(text, encoding="utf-8")
        shown = expected
    assert shown == expected


def test_every_crash_step_is_explained_and_every_explained_step_exists() -> None:
    assert set(STEP.findall(ARCHITECTURE)) == steps_in_source()


def test_the_readme_names_every_command() -> None:
    commands = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    missing = {
        name
        for name in commands - {"version"}
        if f"mss-connector {name}" not in README and f"connector {name}" not in README
    }
    assert missing == set()


def test_no_document_names_a_machine_path() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        assert not re.search(r"/(?:tmp|home|root|work)/[a-z]", path.read_text(encoding="utf-8")), path


def test_the_reference_of_the_settings_is_made_from_the_models() -> None:
    path = ROOT / "docs" / "settings.md"
    if os.environ.get("MSS_UPDATE_DOCS"):
        path.write_text(settings_as_markdown(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == settings_as_markdown()

"""``docs/identities.md``: its tables are those of the presets and of the source."""

import os
import re
from pathlib import Path

from connector.domain.catalogue import CATALOGUE
from connector.domain.table import states_as_markdown
from connector.identities.code import CODE_STATES
from connector.settings.matrix import matrix_as_markdown

PATH = Path(__file__).resolve().parents[2] / "docs" / "identities.md"
CODE = re.compile(r"`((?:JETON|CODE|MECANISME)_[A-Z_]+)`")


def compared(mark: str, expected: str) -> None:
    """The part between two marks is ``expected``; ``MSS_UPDATE_DOCS=1`` makes it so."""
    text = PATH.read_text(encoding="utf-8")
    shown = text.partition(f"<!-- {mark} -->\n")[2].partition(f"<!-- /{mark} -->")[0]
    if os.environ.get("MSS_UPDATE_DOCS"):
        updated = text.replace(f"<!-- {mark} -->\n{shown}", f"<!-- {mark} -->\n{expected}")
        PATH.write_text(updated, encoding="utf-8")
        shown = expected
    assert shown == expected


def test_the_matrix_is_that_of_the_presets() -> None:
    compared("matrix", matrix_as_markdown())


def test_the_states_of_a_session_with_a_code_are_those_of_the_source() -> None:
    compared("code-states", states_as_markdown("Session with a code", CODE_STATES).replace("### ", "#### "))


def test_every_code_of_the_page_is_in_the_catalogue_and_every_token_code_on_the_page() -> None:
    shown = set(CODE.findall(PATH.read_text(encoding="utf-8")))
    assert shown <= set(CATALOGUE)
    assert {code for code in CATALOGUE if code.startswith("JETON_")} <= shown

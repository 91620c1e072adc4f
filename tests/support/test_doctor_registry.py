"""Every code that a check can give has a cure, and the page of all findings is made from the registry."""

import ast
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from connector.domain.catalogue import CATALOGUE, api, card, drops, exchange, own, sessions, trust
from connector.domain.catalogue.doctor import DOCTOR_CODES
from connector.support.doctor import CHECKS, GROUP_WORDS, Check, Group, Severity
from connector.support.doctor import checks as checks_package
from connector.support.doctor.reference import findings_as_markdown

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "connector" / "support" / "doctor"
PAGE = ROOT / "docs" / "doctor.md"
BUILDERS = {"ok": Severity.OK, "warning": Severity.WARNING, "error": Severity.ERROR}


def given_in(path: Path) -> Iterator[tuple[Severity, str]]:
    """Every finding that the source of a file builds: which builder, with which code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BUILDERS:
            code = node.args[0]
            assert isinstance(code, ast.Constant), f"{path.name}:{node.lineno}: the code is not written out"
            yield BUILDERS[node.func.id], str(code.value)


def declared(check: Check) -> set[tuple[Severity, str]]:
    gives = check.gives
    pairs = ((Severity.OK, gives.ok), (Severity.WARNING, gives.warning), (Severity.ERROR, gives.error))
    return {(severity, code) for severity, codes in pairs for code in codes}


def modules() -> list[Path]:
    return sorted(path for path in (FOLDER / "checks").glob("*.py") if path.name != "__init__.py")


def checks_of(path: Path) -> list[Check]:
    module = getattr(checks_package, path.stem)
    assert isinstance(module, ModuleType)
    return list(module.CHECKS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_what_the_source_can_say_is_what_the_registry_declares(path: Path) -> None:
    given = set(given_in(path))
    if "expiry(" in path.read_text(encoding="utf-8"):
        given |= set(given_in(FOLDER / "expiry.py"))
    assert given == set().union(*(declared(check) for check in checks_of(path)))


def test_every_file_of_checks_is_in_the_registry() -> None:
    assert [check for path in modules() for check in checks_of(path) if check not in CHECKS] == []
    assert len(CHECKS) == sum(len(checks_of(path)) for path in modules())


def test_no_finding_is_built_where_nobody_looks() -> None:
    elsewhere = {path.name for path in FOLDER.glob("*.py") if list(given_in(path))}
    assert elsewhere == {"expiry.py", "run.py"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_code_of_a_check_has_a_cure(check: Check) -> None:
    for code in (*check.gives.own, *check.gives.passes):
        texts = CATALOGUE[code]
        assert all((texts.title_fr, texts.cure_fr, texts.title_en, texts.cure_en))
    assert check.gives.own.isdisjoint(check.gives.passes)


def test_what_the_runner_itself_says_has_a_cure() -> None:
    assert {code for _, code in given_in(FOLDER / "run.py")} == {"CONTROLE_INTERROMPU", "CONTROLE_TROP_LONG"}
    assert {code for _, code in given_in(FOLDER / "run.py")} <= set(CATALOGUE)


def test_every_code_of_the_doctor_is_given_by_a_check() -> None:
    given = set().union(*(check.gives.own for check in CHECKS)) | {"CONTROLE_INTERROMPU", "CONTROLE_TROP_LONG"}
    assert set(DOCTOR_CODES) - given == set()


def test_the_doctor_takes_no_code_of_another_room() -> None:
    others = (
        api.API_CODES, card.CARD_CODES, drops.DROP_CODES, exchange.EXCHANGE_CODES, own.OWN_CODES,
        sessions.SESSIONS_CODES, trust.TRUST_CODES,
    )  # fmt: skip
    assert [code for codes in others for code in codes if code in DOCTOR_CODES] == []


def test_names_of_checks_are_distinct_and_groups_stand_together() -> None:
    assert [name for name, count in Counter(check.name for check in CHECKS).items() if count > 1] == []
    order = [check.group for check in CHECKS]
    assert sorted(order, key=list(Group).index) == order
    assert set(GROUP_WORDS) == set(Group)


def test_every_check_has_a_limit() -> None:
    assert all(0 < check.seconds <= 120 for check in CHECKS)


def test_the_page_of_all_findings_is_made_from_the_registry() -> None:
    if os.environ.get("MSS_UPDATE_DOCS"):
        PAGE.write_text(findings_as_markdown(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == findings_as_markdown()

"""``mss-connector check``: exit codes, words for a person, JSON for a program."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from connector.cli.main import app
from connector.sandbox.samples import sample
from tests.cli.terminal import Terminal
from tests.validation.small_publication import publish

N1 = sample("cr-consultation-n1.xml")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.setenv("MSS_CONNECTOR_CONFIG", str(tmp_path / "nowhere.toml"))
    return Run(tmp_path)


class Run:
    """Without any settings on the machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, lang: str = "fr") -> Result:
        return CliRunner().invoke(app, ["check", *arguments], env={"MSS_LANG": lang, "COLUMNS": "200"})

    def file(self, name: str, content: bytes = N1) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)


def test_a_good_document_needs_no_settings(run: Run) -> None:
    result = run(run.file("a.xml"))
    assert result.exit_code == 0
    assert "serait pris" in result.stdout
    assert "0 erreur(s)" in result.stdout
    assert "Aucun réglage" in result.stdout


@pytest.mark.parametrize(("lang", "verdict"), [("fr", "serait refusé"), ("en", "would be refused")])
def test_what_is_wrong_is_told_with_place_and_cure(run: Run, lang: str, verdict: str) -> None:
    result = run(run.file("a.xml", N1.replace(b"<id ", b"<ids ", 1)), lang=lang)
    assert result.exit_code == 1
    for told in (verdict, "CDA_INVALIDE", "a.xml : line ", "/ClinicalDocument/id", "→ "):
        assert told in result.stdout


def test_a_warning_counts_only_when_it_is_asked_for(run: Run) -> None:
    path = run.file("a.xml", N1.replace(b'code="fr-FR"', b'code="en-US"'))
    assert run(path).exit_code == 0
    assert run(path, "--strict").exit_code == 1


def test_a_program_gets_everything_as_json(run: Run) -> None:
    result = run("--json", run.file("a.xml", b"<html></html>"), run.file("b.xml"))
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {drop["name"]: drop["refused"] for drop in report["drops"]} == {"a": True, "b": False}
    assert report["errors"] == sum(one["severity"] == "error" for drop in report["drops"] for one in drop["findings"])
    assert report["drops"][1]["sendings"][0]["messages"] == 1


def test_what_cannot_be_read_is_no_verdict(run: Run) -> None:
    assert run(str(run.folder / "nothing.xml")).exit_code == 2
    assert run(run.file("empty.xml", b"")).exit_code == 2


def test_nothing_is_written_or_moved(run: Run) -> None:
    path = run.file("a.xml")
    run(str(run.folder))
    assert [one.name for one in run.folder.iterdir()] == ["a.xml"]
    assert Path(path).read_bytes() == N1


def test_with_settings_the_mailbox_decides(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(N1)
    result = terminal.run("check", str(tmp_path / "a.xml"))
    assert result.exit_code == 1
    assert "DESTINATAIRE_INCONNU" in result.stdout
    assert "Aucun réglage" not in result.stdout
    assert terminal.run("check", str(tmp_path / "a.xml"), "--mailbox", "nobody").exit_code == 2


def test_official_schemas_can_be_named(run: Run, tmp_path: Path) -> None:
    path, schemas = run.file("a.xml", N1.replace(b'code="fr-FR"', b'code="en-US"')), str(publish(tmp_path))
    result = run(path, "--schemas", schemas)
    assert result.exit_code == 1
    assert "VALIDATION_XSD" in result.stdout
    assert "La langue n'est pas dans le jeu." in result.stdout
    (tmp_path / "empty").mkdir()
    assert run(path, "--schemas", str(tmp_path / "empty")).exit_code == 3

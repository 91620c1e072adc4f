"""``mss-connector config``: makes settings, says what is wrong with them, shows them without a secret."""

import json
import os
import stat
from pathlib import Path

import pytest

from connector.cli.exits import Exit
from connector.settings.load import read_settings
from tests.cli.terminal import Terminal

posix = pytest.mark.skipif(os.name != "posix", reason="rights are an access list there")


def test_init_writes_a_commented_example_that_is_valid(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "new" / "folder")
    result = terminal.run("config", "init")
    assert result.exit_code == Exit.OK
    assert "Réglages créés" in result.stdout
    assert str(terminal.config) in result.stdout
    assert "# " in terminal.config.read_text(encoding="utf-8")
    assert read_settings(terminal.config).mailboxes


def test_init_speaks_english(tmp_path: Path) -> None:
    assert "Settings made" in Terminal(tmp_path).run("config", "init", lang="en").stdout


@posix
def test_the_settings_are_private_from_birth(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "new")
    before = os.umask(0)
    try:
        terminal.run("config", "init")
    finally:
        os.umask(before)
    assert stat.S_IMODE(terminal.config.stat().st_mode) == 0o600
    assert stat.S_IMODE(terminal.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(("lang", "said"), [("fr", "existe déjà"), ("en", "exists already")])
def test_init_never_overwrites(terminal: Terminal, lang: str, said: str) -> None:
    before = terminal.config.read_bytes()
    result = terminal.run("config", "init", lang=lang)
    assert result.exit_code == Exit.USAGE
    assert said in result.stderr
    assert terminal.config.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = Terminal(tmp_path / "file").run("config", "init")
    assert result.exit_code != Exit.OK
    assert "Traceback" not in result.output
    assert len(result.stderr.splitlines()) == 1


def test_without_the_option_the_environment_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(tmp_path)
    monkeypatch.setenv("MSS_CONNECTOR_CONFIG", str(terminal.config))
    assert terminal.run("config", "init", config=False).exit_code == Exit.OK
    assert terminal.config.is_file()


@pytest.mark.parametrize(("lang", "said"), [("fr", "Les réglages sont valides."), ("en", "The settings are valid.")])
def test_valid_settings_are_called_valid(terminal: Terminal, lang: str, said: str) -> None:
    result = terminal.run("config", "check", lang=lang)
    assert (result.exit_code, result.stdout.strip(), result.stderr) == (Exit.OK, said, "")


@pytest.mark.parametrize(
    ("old", "new", "key", "fr", "en"),
    [
        ('"DEV935997"', '""', "software.product_reference", ("est vide", "Convergence"), ("is empty", "Convergence")),
        ('["igc.pem"]', "[]", "operators.op.tls.trust", ("est vide", "IGC-Santé"), ("is empty", "IGC-Santé")),
        ('"igc.pem"', '"no.pem"', "operators.op.tls.trust", ("n'est pas un fichier", "lire"), ("not a file", "read")),
        ('"alix.pem"', '"no.p12"', "mailboxes[0].identity.certificate", ("n'est pas un fichier", "lire"),
         ("not a file", "read")),
        ('"op"', '"autre"', "(file)", ("l'opérateur 'autre'", "op"), ("operator 'autre'", "op")),
        ('given = "Alix"', "", "mailboxes[0]", ("nom affiché", "given"), ("From label", "given")),
        ('root = "spool"', 'rot = "spool"', "spool.rot", ("n'est pas un réglage", "'root'"),
         ("is not a setting", "'root'")),
        ("port = 9", 'port = "x"', "operators.op.smtp.port", ("a la valeur 'x'", "nombre entier"),
         ("has the value 'x'", "whole number")),
        ("[spool]", "[spool", "connector.toml", ("TOML", "clé = valeur"), ("TOML", "key = value")),
    ],
    ids=["reference", "no trust", "trust file", "certificate", "operator", "label", "unknown key", "number", "TOML"],
)  # fmt: skip
def test_each_message_has_the_key_what_is_wrong_and_what_is_right_in_both_languages(
    terminal: Terminal, *, old: str, new: str, key: str, fr: tuple[str, str], en: tuple[str, str]
) -> None:
    terminal.edit(old, new)
    for lang, (wrong, right) in (("fr", fr), ("en", en)):
        result = terminal.run("config", "check", lang=lang)
        assert result.exit_code == Exit.SETTINGS
        line = next(line for line in result.stderr.splitlines() if key in line)
        assert line.index(key) < line.index(wrong) < line.rindex(right)


def test_a_missing_file_tells_how_to_make_one(tmp_path: Path) -> None:
    result = Terminal(tmp_path).run("config", "check")
    assert result.exit_code == Exit.SETTINGS
    assert "mss-connector config init" in result.stderr


def test_everything_that_is_wrong_is_said_at_once(terminal: Terminal) -> None:
    terminal.edit('"DEV935997"', '""')
    terminal.edit('"alix.pem"', '"no.p12"')
    assert len(terminal.run("config", "check").stderr.splitlines()) == 2


def test_a_key_in_brackets_is_shown_as_it_is_written(terminal: Terminal) -> None:
    terminal.edit('"alix.pem"', '"[red].p12"')
    assert "[red].p12" in terminal.run("config", "check").stderr


def test_show_gives_every_setting_with_its_default(terminal: Terminal) -> None:
    shown = json.loads(terminal.run("config", "show").stdout)
    assert shown["retry"]["deadline_hours"] == 48.0
    assert shown["software"]["product_reference"] == "DEV935997"
    assert shown["mailboxes"][0]["identity"]["auth"] == "external"


def test_show_names_the_place_of_a_secret_and_never_the_secret(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIX_P12", "hunter2")
    terminal.edit(
        "identity.certificate =", 'identity.certificate_password = { env = "ALIX_P12" }\nidentity.certificate ='
    )
    result = terminal.run("config", "show")
    assert "ALIX_P12" in result.stdout
    assert "hunter2" not in result.output


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("postgresql://mss:hunter2@db/mss", "postgresql://mss:***@db/mss"),
        ("postgresql://db/mss?user=mss&password=hunter2", "user=mss"),
        ("sqlite:///journal.sqlite", "sqlite:///journal.sqlite"),
        ("hunter2", "hidden"),
        ("", ""),
    ],
)
def test_show_hides_the_password_of_the_database(terminal: Terminal, url: str, kept: str) -> None:
    terminal.edit('key_store = "file"', f'key_store = "file"\nurl = "{url}"')
    result = terminal.run("config", "show")
    assert kept in json.loads(result.stdout)["journal"]["url"]
    assert "hunter2" not in result.output


def test_show_of_invalid_settings_says_why(terminal: Terminal) -> None:
    terminal.write("[api]\nport = -1\n")
    result = terminal.run("config", "show")
    assert result.exit_code == Exit.SETTINGS
    assert "api.port" in result.stderr


def test_schemas_that_are_not_there_are_told(terminal: Terminal) -> None:
    text = terminal.config.read_text("utf-8")
    terminal.config.write_text(f'{text}\n[validation]\nxsd = "warn"\nschemas = "nowhere"\n', "utf-8")
    result = terminal.run("config", "check")
    assert result.exit_code == Exit.SETTINGS
    assert "validation.schemas" in result.stderr + result.stdout

"""The settings file: defaults for everything, and every message names the key, the fault and the cure."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from connector.settings.data import data_folder
from connector.settings.load import InvalidSettings, Problem, load_settings, read_settings
from connector.settings.model import MailboxSettings, Settings

SMTP = {"host": "smtp.example", "port": 587}
IMAP = {"host": "imap.example", "port": 143}
MAILBOX: dict[str, Any] = {
    "address": "alix@cabinet.mssante.fr",
    "operator": "op",
    "given": "Alix",
    "family": "EXEMPLE",
    "identity": {"certificate": "alix.p12"},
}


def values(**changes: Any) -> dict[str, Any]:
    return {"operators": {"op": {"smtp": SMTP, "imap": IMAP}}, "mailboxes": [MAILBOX | changes]}


def problems(given: dict[str, Any], base: Path = Path("/base")) -> list[Problem]:
    with pytest.raises(InvalidSettings) as error:
        load_settings(given, base=base)
    return error.value.problems


def test_an_empty_file_is_valid_and_everything_has_a_default() -> None:
    assert load_settings({}, base=Path("/base")).spool.scan_seconds == 15.0


def test_the_commented_example_becomes_valid_settings() -> None:
    text = (data_folder() / "connector.example.toml").read_text(encoding="utf-8")
    settings = load_settings(tomllib.loads(text), base=Path("/base"))
    assert settings.mailboxes[0].folder == "alix-exemple"


def test_every_default_written_in_the_example_is_the_real_default() -> None:
    """The example shows defaults in comments; uncommenting them must change nothing."""
    text = (data_folder() / "connector.example.toml").read_text(encoding="utf-8")
    shown = [re.sub(r"^# (?=[a-z_]+ = )", "", line) for line in text.splitlines()]
    kept = [line for line in shown if not line.startswith(("sent_folder", "crl", "data_dir", "module"))]
    uncommented = load_settings(tomllib.loads("\n".join(kept)), base=Path("/base"))
    assert uncommented == load_settings(tomllib.loads(text), base=Path("/base"))


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    assert load_settings(values(), base=tmp_path).mailboxes[0].identity.certificate == tmp_path / "alix.p12"


def test_a_preset_gives_values_and_the_file_wins() -> None:
    operator = {"preset": "mailiz-formation", "smtp": {"port": 2587}, "max_message_bytes": 5}
    settings = load_settings(values() | {"operators": {"op": operator}}, base=Path("/base"))
    chosen = settings.operators["op"]
    assert (chosen.smtp.host, chosen.smtp.port) == ("mail-psc.formation.mailiz.mssante.fr", 2587)
    assert chosen.max_message_bytes == 5


@pytest.mark.parametrize("preset", ["inconnu", "../../etc/passwd", 7])
def test_an_unknown_preset_names_the_known_ones(preset: object) -> None:
    found = problems({"operators": {"op": {"preset": preset}}})
    assert found[0].key == "operators.op.preset"
    assert "mailiz-formation" in found[0].right.fr


@pytest.mark.parametrize(
    ("given", "key", "wrong", "right"),
    [
        ({"spol": {}}, "spol", "is not a setting", "did you mean 'spool'?"),
        ({"spool": {"scan_second": 3}}, "spool.scan_second", "is not a setting", "did you mean 'scan_seconds'?"),
        ({"spool": {"zzz": 3}}, "spool.zzz", "is not a setting", "known here: root, scan_seconds"),
        ({"api": {"host": "0.0.0.0"}}, "api.host", "'0.0.0.0'", "'127.0.0.1' or '::1'"),
        ({"api": {"port": "x"}}, "api.port", "'x'", "a whole number"),
        ({"retry": {"jitter": 2}}, "retry.jitter", "2", "< 1"),
        (values(address="sans arobase"), "mailboxes[0].address", "not a mailbox address", "expected an address"),
        (values(operator="autre"), "(file)", "unknown", "one of: op"),
        (values(family=""), "mailboxes[0]", "incomplete", "ECO.2.2.7"),
        (values(kind="ORG"), "mailboxes[0]", "no From label", "entity"),
        (values(kind="APP", entity="Labo"), "mailboxes[0]", "answers", "reply_to"),
        (values(identity={}), "mailboxes[0].identity", "needs a certificate", "certificate"),
        (values(identity={"auth": "plain"}), "mailboxes[0].identity", "needs a password", "password"),
        (values(identity={"auth": "plain", "password": {}}), "mailboxes[0].identity.password", "exactly one place",
         "one of keyring, file, env"),
        ({"operators": {"op": {"imap": IMAP}}}, "operators.op.smtp", "is missing", "required"),
        ({"operators": {"op": {"smtp": SMTP | {"prt": 1}, "imap": IMAP}}}, "operators.op.smtp.prt",
         "is not a setting", "did you mean 'port'?"),
        ({"operators": {"op": 3}}, "operators.op", "has the value 3", "a table"),
    ],
)  # fmt: skip
def test_each_message_names_the_key_what_is_wrong_and_what_would_be_right(
    given: dict[str, Any], key: str, wrong: str, right: str
) -> None:
    found = problems(given)
    assert found[0].key == key
    assert wrong in found[0].wrong.en
    assert right in found[0].right.en
    assert found[0].wrong.fr
    assert found[0].right.fr


def test_all_problems_are_told_at_once() -> None:
    assert len(problems({"spol": {}, "api": {"prt": 1}})) == 2


def test_two_mailboxes_cannot_share_an_address_or_a_folder() -> None:
    twice = values() | {"mailboxes": [MAILBOX, MAILBOX]}
    assert "same address" in problems(twice)[0].wrong.en
    other = MAILBOX | {"address": "alix@autre.mssante.fr", "box": "alix"}
    assert "same box" in problems(values() | {"mailboxes": [MAILBOX, other]})[0].wrong.en


def test_a_value_that_may_hold_a_secret_is_not_repeated() -> None:
    found = problems(values(identity={"certificate": "x", "certificate_password": ["hunter2"]}))
    assert "hunter2" not in str(found[0])


@pytest.mark.parametrize(
    ("content", "wrong"),
    [(None, "does not exist"), (b"a = ", "is not TOML"), (b"\xff\xfe\x00", "cannot be read")],
    ids=["missing", "not TOML", "not UTF-8"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, wrong: str) -> None:
    path = tmp_path / "connector.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidSettings) as error:
        read_settings(path)
    assert str(path) == error.value.problems[0].key
    assert wrong in error.value.problems[0].wrong.en


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "connector.toml"
    path.write_bytes(b"\xef\xbb\xbf[api]\nport = 9000\n")
    assert read_settings(path).api.port == 9000


@pytest.mark.parametrize(
    ("address", "folder"),
    [("dr.alix.exemple@x.fr", "dr-alix-exemple"), ("+++@x.fr", "boite"), ("a" * 60 + "@x.fr", "a" * 40)],
)
def test_the_folder_of_a_mailbox_is_made_from_its_address(address: str, folder: str) -> None:
    assert MailboxSettings.model_validate(MAILBOX | {"address": address}).folder == folder


def test_settings_can_be_shown_without_loss() -> None:
    settings = load_settings(values(), base=Path("/base"))
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings

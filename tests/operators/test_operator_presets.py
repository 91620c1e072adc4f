"""Operator presets and the place where they are found; building from settings."""

import tomllib
from pathlib import Path

import pytest

from connector.identities import IdentityServices
from connector.operators.factory import make_receiver, make_sender
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.settings import data
from connector.settings.model import IdentityMethod, IdentityRule, MailboxSettings, OperatorSettings
from tests.servers.clock import WallClock

PRESETS = sorted((data.data_folder() / "operators").glob("*.toml"))
SERVER = {"host": "mail.exemple.test"}


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_preset_is_valid_once_hosts_are_given(path: Path) -> None:
    preset = tomllib.loads(path.read_text(encoding="utf-8"))
    values = preset["operator"]
    filled = values | {"smtp": SERVER | values["smtp"], "imap": SERVER | values["imap"]}
    operator = OperatorSettings.model_validate(filled)
    assert (operator.smtp.tls, operator.imap.tls) == ("starttls", "starttls")
    assert operator.tls.maximum == "1.2"
    assert operator.tls.trust == []  # a preset never decides whom to trust
    assert preset["preset"]["label"]


def test_the_presets_of_the_product_are_there() -> None:
    assert {path.stem for path in PRESETS} >= {"generique", "mailiz", "mailiz-formation", "medimail"}


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_names_only_ways_in_that_smtp_and_imap_carry(path: Path) -> None:
    operator = tomllib.loads(path.read_text(encoding="utf-8"))["operator"]
    rules = [IdentityRule.model_validate(rule) for rule in operator["identities"]]
    assert IdentityMethod.CODE not in [method for rule in rules for method in rule.methods]


def test_an_installed_package_carries_its_data(tmp_path: Path) -> None:
    package = tmp_path / "connector"
    package.mkdir()
    assert data._find(package) == tmp_path / "config"
    (package / "_config").mkdir()
    assert data._find(package) == package / "_config"


def test_a_mailbox_gets_a_sender_and_a_receiver_without_opening_anything() -> None:
    mailbox = MailboxSettings.model_validate({
        "address": "dr.modele@cabinet.mssante.test", "operator": "op", "given": "Alix", "family": "Modele",
        "identity": {"certificate": "absent.pem"},
    })  # fmt: skip
    operator = OperatorSettings.model_validate({"smtp": SERVER | {"port": 587}, "imap": SERVER | {"port": 143}})
    made = [
        make(mailbox, operator, IdentityServices(read_secret=lambda ref: "", clock=WallClock()))
        for make in (make_sender, make_receiver)
    ]
    assert [type(one) for one in made] == [SmtpSender, ImapReceiver]

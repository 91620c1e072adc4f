"""``mss-connector trust`` and ``sandbox pki``: what a person sees and can do, in both languages."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

import connector.cli.trust as command
from connector.cli.exits import Exit
from connector.operators.trust import Trust, sources
from connector.operators.trust.certificates import fingerprint
from connector.platform.lock import InstanceLock
from connector.settings.model import Settings
from connector.testing.clock import FakeClock
from tests.cli.terminal import Terminal
from tests.trust.trust_scene import DER, NOW, Source, der, family, trust_in

ROOT, ORGANISATIONS = family().servers


class Machine:
    """A terminal on a machine whose ANS and Cryptolib are ours."""

    def __init__(self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.terminal = terminal
        self.coffre = terminal.folder / "Coffre"
        self.coffre.mkdir()
        self.source = family().source()
        self.clock = FakeClock()
        monkeypatch.setattr(command, "_trust", self.trust)
        monkeypatch.setattr(sources, "cryptolib_folders", lambda: [self.coffre])
        terminal.edit('tls.trust = ["igc.pem"]', "")

    def trust(self, settings: Settings) -> Trust:
        assert settings.software.data_dir is not None
        return trust_in(settings.software.data_dir, self.source, clock=self.clock, filled=False)

    def run(self, *arguments: str | Path, lang: str = "fr") -> tuple[int, str]:
        result = self.terminal.run("trust", *arguments, lang=lang)
        assert "Traceback" not in result.output
        return result.exit_code, result.output


@pytest.fixture
def machine(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(terminal, monkeypatch)


@pytest.mark.parametrize(("lang", "words"), [("fr", ("manque", "trust update")), ("en", ("missing", "trust update"))])
def test_an_empty_store_says_what_is_missing_and_what_to_do(
    machine: Machine, lang: str, words: tuple[str, str]
) -> None:
    code, said = machine.run("list", lang=lang)
    assert code == Exit.FINDINGS
    assert all(word in said for word in ("racine", "organisations", *words))


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_update_gets_authorities_and_lists_and_then_all_is_well(machine: Machine, lang: str) -> None:
    (machine.coffre / "racine.cer").write_bytes(ROOT.public_bytes(DER))
    code, said = machine.run("update", lang=lang)
    assert code == Exit.OK
    assert str(machine.coffre) in said.replace("\n", "")
    assert said.count("✓") == 4
    assert len(machine.source.asked) == 3  # the authority that Cryptolib lacks, and both lists
    code, said = machine.run("list", lang=lang)
    assert code == Exit.OK
    for text in (fingerprint(ROOT), fingerprint(ORGANISATIONS), "24 h"):
        assert text in said
    assert ("connue" if lang == "fr" else "pinned") in said


def test_update_asks_each_time_it_is_called(machine: Machine) -> None:
    machine.run("update")
    asked = len(machine.source.asked)
    code, said = machine.run("update")
    assert code == Exit.OK
    assert said.count("inchangée") == 2
    assert len(machine.source.asked) == asked + 2


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_host_that_refuses_is_told_with_code_and_reason(machine: Machine, lang: str) -> None:
    machine.source.content.clear()
    code, said = machine.run("update", lang=lang)
    assert code == Exit.FINDINGS
    assert said.count("✗") == 2
    assert "TELECHARGEMENT" in said
    assert "status 403" in said
    assert ("aucune n'est connue" if lang == "fr" else "none is known") in said


def test_a_forged_list_is_told(machine: Machine) -> None:
    machine.source.content[family().address("racine")] = der(family("test").root)
    code, said = machine.run("update")
    assert code == Exit.FINDINGS
    assert "CRL_INVALIDE" in said


@pytest.mark.parametrize(
    ("later", "word"), [(timedelta(days=8), "périmée"), (timedelta(days=600), "expirée")], ids=["list", "authority"]
)
def test_what_is_over_shows(machine: Machine, later: timedelta, word: str) -> None:
    machine.run("update")
    machine.clock.advance(by=later)
    assert word in machine.run("list")[1]


def test_for_a_program(machine: Machine) -> None:
    machine.run("update")
    whole: dict[str, Any] = json.loads(machine.run("list", "--json")[1])
    assert set(whole) == {"authorities", "revocation_lists", "missing", "unpinned"}
    root = next(one for one in whole["authorities"] if one["sha256"] == fingerprint(ROOT))
    assert (root["pinned"], root["serves"], root["igc"]) == (True, True, "production")
    assert root["revocation_list"]["issued_at"] == (NOW - timedelta(days=1)).isoformat()
    assert (whole["missing"], whole["unpinned"]) == ([], [])


def test_authorities_of_a_bench_in_the_settings_are_pointed_out(terminal: Terminal) -> None:
    terminal.edit('tls.trust = ["igc.pem"]', 'tls.trust = ["igc.pem", "absent.pem"]')
    result = terminal.run("trust", "list")
    assert result.exit_code == Exit.FINDINGS
    assert "hors IGC-Santé" in result.output
    assert "operators.op.tls.trust" in result.output
    (one,) = json.loads(terminal.run("trust", "list", "--json").output)["unpinned"]
    assert one["path"].endswith("igc.pem")


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_file_by_hand(machine: Machine, lang: str) -> None:
    file = machine.terminal.folder / "chain.pem"
    file.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in (ROOT, ORGANISATIONS)))
    code, said = machine.run("import", file, lang=lang)
    assert code == Exit.OK
    assert said.count("✓") == 2
    assert ("à la main" if lang == "fr" else "by hand") not in said
    assert machine.run("list")[0] == Exit.OK


def test_another_authority_needs_its_fingerprint(machine: Machine) -> None:
    file = machine.terminal.folder / "igc.pem"  # of the terminal's own certificate authority
    code, said = machine.run("import", file)
    assert (code, "AUTORITE_INCONNUE" in said) == (Exit.SETTINGS, True)
    sha256 = said.split("SHA-256 ")[1].split(")")[0]
    code, said = machine.run("import", file, "--accept", sha256, "--igc", "production")
    assert (code, "acceptée à la main" in said) == (Exit.OK, True)
    assert "à la main" in machine.run("list")[1]
    assert machine.run("import", file, "--accept", sha256, "--igc", "moon")[0] == Exit.USAGE


def test_a_person_sees_when_another_program_is_at_it(machine: Machine) -> None:
    machine.run("update")
    data_dir = machine.terminal.settings.software.data_dir
    assert data_dir is not None
    with InstanceLock(data_dir / "trust" / "crl"):
        assert "un autre programme" in machine.run("update")[1]


@pytest.mark.parametrize("igc", ["production", "test"])
def test_the_daemon_starts_when_the_authorities_of_its_operators_are_there(machine: Machine, igc: str) -> None:
    machine.terminal.edit("imap =", f'tls.igc = "{igc}"\nimap =')
    check = machine.terminal.run("config", "check")
    assert check.exit_code == Exit.SETTINGS
    assert "mss-connector trust update" in check.stderr
    sha256 = fingerprint(ROOT)
    file = machine.terminal.folder / "root.pem"
    file.write_bytes(ROOT.public_bytes(Encoding.PEM))
    machine.source = Source({})
    real = Trust(machine.terminal.folder / "data" / "trust", FakeClock())
    sources.import_file(real.store, file, accepted=[sha256], igc="test")
    assert machine.terminal.run("config", "check").exit_code == (Exit.OK if igc == "test" else Exit.SETTINGS)


def test_the_real_trust_is_the_one_of_the_data_folder(terminal: Terminal) -> None:
    assert command._trust(terminal.settings).folder == terminal.folder / "data" / "trust"


def test_a_vendor_makes_a_pki(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    for lang, word in (("fr", "Mot de passe"), ("en", "Password")):
        result = Terminal(tmp_path).run("sandbox", "pki", folder, "--base-url", "http://x", lang=lang, config=False)
        assert result.exit_code == Exit.OK
        assert word in result.output
    assert (folder / "serveurs" / "valable.pem").is_file()

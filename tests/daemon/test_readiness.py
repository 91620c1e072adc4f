"""What would keep the connector from working is said before it starts, each fault under its own key."""

from pathlib import Path
from typing import Any

import pytest

from connector.daemon.readiness import problems_before_start
from connector.operators.trust import Trust
from connector.operators.trust.certificates import fingerprint
from connector.sandbox.hierarchy import create_hierarchy
from connector.settings.load import load_settings
from connector.testing.clock import FakeClock

SERVER = {"host": "operator.example", "port": 587}


@pytest.fixture
def valid(tmp_path: Path) -> dict[str, Any]:
    """Settings whose files are all there."""
    for name in ("igc.pem", "list.crl", "alix.pem", "alix.key", "secret.txt"):
        (tmp_path / name).write_bytes(b"x")
    return {
        "software": {"product_reference": "DEV935997", "data_dir": "data"},
        "operators": {
            "op": {"smtp": SERVER, "imap": SERVER, "tls": {"trust": ["igc.pem"], "crl": ["list.crl"]}},
        },
        "mailboxes": [
            {
                "address": "alix@cabinet.mssante.fr", "operator": "op", "given": "Alix", "family": "EXEMPLE",
                "identity": {
                    "certificate": "alix.pem", "key": "alix.key", "certificate_password": {"file": "secret.txt"},
                },
            },
        ],
    }  # fmt: skip


def keys(values: dict[str, Any], base: Path) -> list[str]:
    problems = problems_before_start(load_settings(values, base=base))
    assert all(text for problem in problems for text in (*problem.wrong, *problem.right))
    return [problem.key for problem in problems]


def test_settings_that_fit_the_world_have_no_problem(valid: dict[str, Any], tmp_path: Path) -> None:
    assert keys(valid, tmp_path) == []


def test_nothing_is_sent_without_a_product_reference(valid: dict[str, Any], tmp_path: Path) -> None:
    valid["software"] = {"data_dir": "data"}
    assert keys(valid, tmp_path) == ["software.product_reference"]
    valid["mailboxes"][0]["send"] = False
    assert keys(valid, tmp_path) == []


def test_an_operator_without_authorities_is_refused(valid: dict[str, Any], tmp_path: Path) -> None:
    valid["operators"]["op"]["tls"] = {}
    (problem,) = problems_before_start(load_settings(valid, base=tmp_path))
    assert problem.key == "operators.op.tls.trust"
    assert "mss-connector trust update" in problem.right.fr


def test_the_authorities_that_this_machine_has_accepted_are_enough(valid: dict[str, Any], tmp_path: Path) -> None:
    store = Trust(tmp_path / "data" / "trust", FakeClock()).store
    authority = create_hierarchy(now=FakeClock().now()).root.certificate
    store.add(authority, source="x", accepted=[fingerprint(authority)], igc="test")
    valid["operators"]["op"]["tls"] = {"igc": "test"}
    assert keys(valid, tmp_path) == []
    valid["operators"]["op"]["tls"] = {"igc": "production"}
    assert keys(valid, tmp_path) == ["operators.op.tls.trust"]


def test_at_least_one_mailbox_is_needed(valid: dict[str, Any], tmp_path: Path) -> None:
    valid["mailboxes"] = []
    assert keys(valid, tmp_path) == ["mailboxes"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("igc.pem", "operators.op.tls.trust"),
        ("list.crl", "operators.op.tls.crl"),
        ("alix.pem", "mailboxes[0].identity.certificate"),
        ("alix.key", "mailboxes[0].identity.key"),
        ("secret.txt", "mailboxes[0].identity.certificate_password.file"),
    ],
)
def test_each_file_that_is_not_there_is_named_under_its_own_key(
    valid: dict[str, Any], tmp_path: Path, name: str, key: str
) -> None:
    (tmp_path / name).unlink()
    (problem,) = problems_before_start(load_settings(valid, base=tmp_path))
    assert problem.key == key
    assert str(tmp_path / name) in problem.wrong.fr
    (tmp_path / name).mkdir()
    assert keys(valid, tmp_path) == [key]


def test_the_file_of_a_login_password_is_looked_for_too(valid: dict[str, Any], tmp_path: Path) -> None:
    valid["mailboxes"][0]["identity"] = {"auth": "plain", "password": {"file": "absent.txt"}}
    assert keys(valid, tmp_path) == ["mailboxes[0].identity.password.file"]


def test_the_files_of_a_webhook_are_looked_for_too(valid: dict[str, Any], tmp_path: Path) -> None:
    hook = {"name": "lps", "url": "https://localhost:5005/", "trust": "lps.pem", "secret": {"file": "lps.secret"}}
    plain = {"name": "other", "url": "http://127.0.0.1:5006/"}
    valid["api"] = {"webhooks": [plain, hook]}
    assert keys(valid, tmp_path) == ["api.webhooks[1].trust", "api.webhooks[1].secret.file"]


def test_an_unknown_profile_is_answered_with_those_that_exist(valid: dict[str, Any], tmp_path: Path) -> None:
    valid["mailboxes"][0]["reception"] = {"profile": "../plat"}
    (problem,) = problems_before_start(load_settings(valid, base=tmp_path))
    assert problem.key == "mailboxes[0].reception.profile"
    assert "plat" in problem.right.en


def test_a_wrong_value_in_a_profile_is_said_under_the_profile(valid: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "lps").mkdir()
    (tmp_path / "lps" / "mien.toml").write_text(
        'description = "x"\n[options]\nencodage = "ebcdic"\n[[fichiers]]\nroles = ["pdf"]\nnom = "{id}.pdf"\n'
    )
    valid["mailboxes"][0]["reception"] = {"profile": "mien", "profiles": "lps", "options": {"drapeau": ".ok"}}
    (problem,) = problems_before_start(load_settings(valid, base=tmp_path))
    assert problem.key == "mailboxes[0].reception.profile (mien.toml: options.encodage)"
    assert problem.wrong.fr == "a la valeur 'ebcdic'"
    assert "'cp850'" in problem.right.fr


def test_options_of_a_mailbox_that_do_not_fit_its_profile_are_said(valid: dict[str, Any], tmp_path: Path) -> None:
    valid["mailboxes"][0]["reception"] = {"profile": "pdf_seul", "options": {"hprim_synthese": "toujours"}}
    (problem,) = problems_before_start(load_settings(valid, base=tmp_path))
    assert "'hprim'" in problem.wrong.fr


def test_routes_are_looked_at_too(valid: dict[str, Any], tmp_path: Path) -> None:
    line = {"host": "lps.cabinet", "port": 2575, "tls": True, "trust": "lps.pem"}
    valid["mailboxes"][0]["reception"] = {
        "mllp": {"port": 2575},
        "routes": [{"profile": "plt"}, {"profile": "pdf_seul", "mllp": {"port": 2575}}, {"mllp": line}],
    }
    assert keys(valid, tmp_path) == [
        "mailboxes[0].reception.mllp",
        "mailboxes[0].reception.routes[0].profile",
        "mailboxes[0].reception.routes[1].mllp",
        "mailboxes[0].reception.routes[2].mllp.trust",
    ]


def test_all_problems_are_found_at_once(valid: dict[str, Any], tmp_path: Path) -> None:
    valid["software"] = {"data_dir": "data"}
    valid["operators"]["op"]["tls"] = {}
    (tmp_path / "alix.pem").unlink()
    assert len(keys(valid, tmp_path)) == 3


# --- which identity where ---


def matrix(kind: str, *methods: str) -> dict[str, Any]:
    return {"kinds": [kind], "methods": list(methods)}


@pytest.mark.parametrize(
    ("rules", "is_taken"),
    [
        ([], True),
        ([matrix("PER", "certificate")], True),
        ([matrix("PER", "token"), matrix("PER", "card", "certificate")], True),
        ([matrix("PER", "token", "card")], False),
        ([matrix("APP", "certificate")], False),
    ],
    ids=["nothing is known", "taken", "taken by another rule", "not taken", "no such mailbox"],
)
def test_an_identity_that_the_operator_does_not_take_is_named_with_those_that_it_takes(
    valid: dict[str, Any], tmp_path: Path, rules: list[dict[str, Any]], is_taken: bool
) -> None:
    valid["operators"]["op"]["identities"] = rules
    problems = problems_before_start(load_settings(valid, base=tmp_path))
    assert [problem.key for problem in problems] == ([] if is_taken else ["mailboxes[0].identity"])


def test_the_sentence_names_operator_kind_and_both_ways(valid: dict[str, Any], tmp_path: Path) -> None:
    valid["operators"]["op"]["identities"] = [matrix("PER", "token", "card")]
    (problem,) = problems_before_start(load_settings(valid, base=tmp_path))
    assert problem.wrong.fr == "l'opérateur 'op' n'ouvre pas une boîte PER avec un certificat logiciel"
    assert problem.right.fr == "il accepte : Pro Santé Connect ou une carte CPS (operators.op.identities)"
    assert problem.wrong.en == "the operator 'op' does not open a PER mailbox with a software certificate"
    assert problem.right.en == "it takes: Pro Santé Connect or a CPS card (operators.op.identities)"


def test_a_kind_of_mailbox_that_the_operator_does_not_open_is_said(valid: dict[str, Any], tmp_path: Path) -> None:
    valid["operators"]["op"]["identities"] = [matrix("APP", "certificate")]
    (problem,) = problems_before_start(load_settings(valid, base=tmp_path))
    assert "rien pour une boîte PER" in problem.right.fr
    assert "nothing for a PER mailbox" in problem.right.en


@pytest.mark.parametrize(
    "rules", [[], [matrix("PER", "code")]], ids=["nothing is known", "even if the matrix says so"]
)
def test_a_one_time_code_is_carried_by_no_operator_of_this_version(
    valid: dict[str, Any], tmp_path: Path, rules: list[dict[str, Any]]
) -> None:
    valid["operators"]["op"]["identities"] = rules
    valid["mailboxes"][0]["identity"] = {"auth": "code", "password": {"env": "SECRET"}}
    assert keys(valid, tmp_path) == ["mailboxes[0].identity.auth"]


@pytest.mark.parametrize(
    ("preset", "identity", "fits"),
    [
        ("mailiz-formation", {"auth": "xoauth2"}, True),
        ("mailiz-formation", {"certificate": "alix.pem"}, False),
        ("mailiz", {"card": {}}, True),
        ("medimail", {"auth": "plain", "password": {"env": "SECRET"}}, False),
        ("generique", {"auth": "plain", "password": {"env": "SECRET"}}, True),
    ],
)
def test_the_presets_know_their_operators(
    valid: dict[str, Any], tmp_path: Path, preset: str, identity: dict[str, Any], fits: bool
) -> None:
    valid["operators"]["op"]["preset"] = preset
    valid["mailboxes"][0]["identity"] = identity
    assert (keys(valid, tmp_path) == []) == fits

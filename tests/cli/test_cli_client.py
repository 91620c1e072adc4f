"""``mss-connector client``: a token that is shown once, a list without it, an end at once."""

import json
from datetime import datetime, timedelta

import pytest

from connector.api.guard import token_hash
from connector.api.guard.tokens import Caller, client_of, verify
from connector.cli.exits import Exit
from connector.domain.scopes import ALL_SCOPES, Scope
from connector.journal.clients import ApiClient
from tests.cli.terminal import Terminal


def clients(terminal: Terminal) -> list[ApiClient]:
    with terminal.journal() as scene:
        return scene.journal.clients()


def test_a_token_is_shown_once_and_opens_what_it_should(terminal: Terminal) -> None:
    result = terminal.run("client", "add", "LPS du cabinet")
    assert result.exit_code == Exit.OK, result.output
    token = result.stdout.strip()
    assert "une fois" in result.stderr
    (client,) = clients(terminal)
    assert client.token_hash == token_hash(token)
    assert client.id == client_of(token)
    assert client.name == "LPS du cabinet"
    assert client.expires_at is not None
    assert client.expires_at - client.created_at == pytest.approx(timedelta(days=365), abs=timedelta(minutes=1))
    assert isinstance(verify(token, client, client.created_at), Caller)
    for shown in (terminal.run("client", "list"), terminal.run("client", "list", "--json")):
        assert token not in shown.output
        assert client.token_hash not in shown.output


def test_fewer_rights_and_no_end(terminal: Terminal) -> None:
    terminal.run("client", "add", "labo", "--scope", "messages:write", "--scope", "inbox:read", "--days", "0")
    (client,) = clients(terminal)
    assert client.scopes == {Scope.MESSAGES_WRITE, Scope.INBOX_READ}
    assert client.expires_at is None
    assert terminal.run("client", "add", "x", "--scope", "everything").exit_code == Exit.USAGE


def test_programs_get_everything_at_once(terminal: Terminal) -> None:
    made = json.loads(terminal.run("client", "add", "LPS", "--json").stdout)
    assert client_of(made["token"]) == made["id"]
    assert made["scopes"] == sorted(ALL_SCOPES)
    (listed,) = terminal.json("client", "list")
    assert "token" not in listed
    assert datetime.fromisoformat(listed["created_at"]).tzinfo is not None
    assert (listed["name"], listed["last_used_at"], listed["revoked_at"]) == ("LPS", None, None)


def test_a_revoked_client_is_gone_from_the_list_and_its_name_is_free(terminal: Terminal) -> None:
    terminal.run("client", "add", "LPS")
    assert "[CLIENT_EXISTE]" in terminal.run("client", "add", "LPS").stderr
    result = terminal.run("client", "revoke", "LPS", lang="en")
    assert (result.exit_code, result.stdout.strip()) == (Exit.OK, "“LPS” has no access any more.")
    assert terminal.json("client", "list") == []
    assert len(terminal.json("client", "list", "--all")) == 1
    assert terminal.run("client", "add", "LPS").exit_code == Exit.OK
    unknown = terminal.run("client", "revoke", "nobody")
    assert unknown.exit_code == Exit.FAILED
    assert "[CLIENT_INCONNU]" in unknown.stderr


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb", "a\x1b[31mb"])
def test_a_name_is_one_line(terminal: Terminal, name: str) -> None:
    assert terminal.run("client", "add", name).exit_code == Exit.USAGE
    assert clients(terminal) == []


@pytest.mark.parametrize(
    ("lang", "words"),
    [("fr", ("droits", "tous", "jamais", "révocation", "révoqué")), ("en", ("rights", "all", "never", "revocation"))],
)
def test_the_list_speaks_to_people(terminal: Terminal, lang: str, words: tuple[str, ...]) -> None:
    terminal.run("client", "add", "[bold]x[/bold]", "--days", "0")
    terminal.run("client", "add", "old", "--scope", "inbox:read")
    terminal.run("client", "revoke", "old")
    terminal.run("client", "add", "used", "--days", "1")
    with terminal.journal() as scene:
        scene.journal.note_client_use(scene.journal.clients()[-1].id)
    shown = terminal.run("client", "list", "--all", lang=lang).stdout
    for word in (*words, "[bold]x[/bold]", "inbox:read"):
        assert word in shown
    assert f"{datetime.now().astimezone():%d/%m/%Y}" in shown


def test_an_expired_client_is_listed_only_when_asked_for(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        scene.journal.add_client(
            "01CLIENT000000000000000001", name="old", token_hash="ab" * 32, scopes=[Scope.INBOX_READ],
            expires_at=scene.clock.now() - timedelta(seconds=1),
        )  # fmt: skip
    assert terminal.json("client", "list") == []
    assert "old" in terminal.run("client", "list", "--all").stdout


def test_every_right_is_explained(terminal: Terminal) -> None:
    for lang in ("fr", "en"):
        shown = terminal.run("client", "scopes", lang=lang, config=False).stdout
        assert all(scope.value in shown for scope in Scope)

"""How a folder is asked for what it holds: bounded answers, whatever its UIDs look like, and whatever it offers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.identities import PasswordIdentity, plain
from connector.operators.base import ServerMessage
from connector.operators.errors import TemporaryRefusal
from connector.operators.smtp_imap import ImapReceiver
from connector.operators.smtp_imap.listing import WINDOW, Wanted
from connector.settings.model import OperatorSettings
from connector.settings.reception import AfterDelivery
from tests.servers.moody import ScriptedImap, server_context
from tests.servers.pki import Pki

SELECT = ("* 2 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 1000001] x")
NO_KEYWORDS = (*SELECT, r"* OK [PERMANENTFLAGS (\Seen \Deleted)] x")
PLACES = [ServerMessage("INBOX", 7, uid, 10, f"<{uid}@x>") for uid in (4, 5)]


@contextmanager
def talking(pki: Pki, folder: Path, **server: Any) -> Iterator[tuple[ScriptedImap, ImapReceiver]]:
    """A receiver and the scripted server that it speaks to."""
    identity = PasswordIdentity(credentials=lambda: plain("moi", "secret"), label="moi")
    with ScriptedImap(server_context(pki.server), **server) as imap:
        table = {"host": "localhost", "port": imap.port}
        tls = {"trust": [pki.write_trust(folder / "trust.pem")], "revocation": "if_listed"}
        receiver = ImapReceiver(
            OperatorSettings.model_validate({"smtp": table, "imap": table, "tls": tls, "answer_seconds": 5}), identity
        )
        try:
            yield imap, receiver
        finally:
            receiver.close()


def said(server: ScriptedImap, *words: str) -> list[str]:
    """Commands that begin with one of these words, without UID."""
    bare = [command.removeprefix("UID ") for command in server.commands]
    return [command for command in bare if command.startswith(words)]


@given(
    after=st.integers(0, 2**32 - 1), length=st.integers(0, 40 * WINDOW), wanted_uid=st.integers(1, 2**32),
    is_bounded=st.booleans(),
)  # fmt: skip
def test_every_uid_is_asked_for_once_and_few_at_a_time(
    after: int, length: int, wanted_uid: int, is_bounded: bool
) -> None:
    end = after + length
    wanted = Wanted(after, end if is_bounded else None)
    windows = list(wanted.windows(end + 1))
    hits = [(first, last) for first, last in windows if first <= wanted_uid and (last is None or wanted_uid <= last)]
    assert len(hits) == (after < wanted_uid <= end or (wanted_uid > end and windows[-1:] == [(after + 1, None)]))
    assert all(last is None or last - first < WINDOW for first, last in windows)
    assert not is_bounded or all(last is not None for _, last in windows)


def test_a_folder_with_a_million_uids_is_asked_for_in_windows(pki: Pki, tmp_path: Path) -> None:
    since = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    with talking(pki, tmp_path, untagged={"SELECT": SELECT}) as (server, receiver):
        assert receiver.survey("INBOX", since=since).count == 0
        searches = said(server, "SEARCH")
    assert len(searches) == 1_000_000 // WINDOW
    assert searches[0] == "SEARCH UID 1:10000 SINCE 19-Nov-2026 UNKEYWORD $MSSConnectorDone"
    assert searches[-1].startswith("SEARCH UID 990001:1000000 ")


def test_only_as_many_are_described_as_were_asked_for(pki: Pki, tmp_path: Path) -> None:
    found = ("* SEARCH 1 2 3 4 5 6 7",)
    described = ("* 1 FETCH (UID 3 RFC822.SIZE 10)", "* 2 FETCH (UID 4 RFC822.SIZE 10)")
    untagged = {"SELECT": SELECT, "SEARCH": found, "FETCH": described}
    with talking(pki, tmp_path, untagged=untagged) as (server, receiver):
        places = receiver.list_new("INBOX", known_after=(7, 2), through=50, limit=2)
        assert [place.uid for place in places] == [3, 4]
        assert [command.split()[1] for command in said(server, "FETCH")] == ["3,4"]


@pytest.mark.parametrize("capabilities", ["AUTH=PLAIN UIDPLUS", "AUTH=PLAIN UIDPLUS MOVE"])
@pytest.mark.parametrize("after", [AfterDelivery.MOVE, AfterDelivery.DELETE])
def test_a_bare_expunge_is_never_sent(pki: Pki, tmp_path: Path, capabilities: str, after: AfterDelivery) -> None:
    untagged = {"SELECT": SELECT, "LIST": ('* LIST () "/" Traites',)}
    with talking(pki, tmp_path, untagged=untagged, capabilities=capabilities) as (server, receiver):
        receiver.mark_done(PLACES, after=after, move_to="Traites")
        assert "EXPUNGE" not in server.commands
        assert [command.split()[1] for command in said(server, "EXPUNGE", "MOVE")] == ["4,5"]


@pytest.mark.parametrize(("there", "copied"), [(("* SEARCH 1",), []), (("* SEARCH",), ["COPY 4,5 Traites"])])
def test_without_keywords_what_the_target_has_is_not_copied_again(
    pki: Pki, tmp_path: Path, there: tuple[str, ...], copied: list[str]
) -> None:
    untagged = {
        "SELECT": NO_KEYWORDS, "EXAMINE": NO_KEYWORDS, "SEARCH": there, "LIST": ('* LIST () "/" Traites',),
        "FETCH": ("* 1 FETCH (UID 4 FLAGS ())", "* 2 FETCH (UID 5 FLAGS ())"),
    }  # fmt: skip
    with talking(pki, tmp_path, untagged=untagged, capabilities="AUTH=PLAIN UIDPLUS") as (server, receiver):
        receiver.mark_done(PLACES, after=AfterDelivery.MOVE, move_to="Traites")
        assert [command.replace('"', "") for command in said(server, "COPY")] == copied
        assert said(server, "EXPUNGE") == ["EXPUNGE 4,5"]
        assert "$MSS" not in " ".join(said(server, "STORE"))


def test_a_folder_numbered_anew_while_it_is_tidied_is_left_alone(pki: Pki, tmp_path: Path) -> None:
    anew = tuple(line.replace("UIDVALIDITY 7", "UIDVALIDITY 8") for line in NO_KEYWORDS)
    untagged = {
        "SELECT": NO_KEYWORDS, "SEARCH": ("* SEARCH 1",), "LIST": ('* LIST () "/" Traites',),
        "FETCH": ("* 1 FETCH (UID 4 FLAGS ())", "* 2 FETCH (UID 5 FLAGS ())"),
    }  # fmt: skip

    class Restored(dict[str, tuple[str, ...]]):
        """Another generation, once the target has been looked into."""

        def get(self, key: str, default: Any = None) -> Any:
            if key == "SELECT" and any("EXAMINE" in command for command in server.commands):
                return anew
            return super().get(key, default)

    with talking(pki, tmp_path, untagged=Restored(untagged), capabilities="AUTH=PLAIN UIDPLUS") as (server, receiver):
        with pytest.raises(TemporaryRefusal):
            receiver.mark_done(PLACES, after=AfterDelivery.MOVE, move_to="Traites")
        assert said(server, "EXPUNGE", "COPY") == []

"""The loops of a mailbox: what they do when something fails, and what wakes them."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from connector.daemon import workers
from connector.daemon.supervisor import Bell
from connector.daemon.workers import (
    DeliverLoop,
    FolderLoop,
    Folders,
    Mood,
    PrepareLoop,
    ReceiveLoop,
    SendLoop,
    until_there,
)
from connector.domain.errors import ConfigurationError, Unavailable
from connector.domain.states import WaitingFor
from connector.exchange.collect import Collector
from connector.exchange.lookup import Inquirer
from connector.exchange.opening import Opener, TargetAway
from connector.exchange.prepare import Preparer
from connector.exchange.send import Dispatcher
from connector.identities import IdentityUnavailable
from connector.journal.journal import Journal
from connector.operators.base import Receiver, Sender
from connector.operators.errors import AuthenticationRefused, ConnectionFailed, FolderMissing, TokenRefused
from connector.settings.model import MailboxSettings, RetrySettings
from connector.support.health import Condition
from connector.testing.clock import FakeClock

DISK = Unavailable("DISQUE_PLEIN", "no space left")


class Script:
    """Plays answers one after the other, then stops the loop; an exception is raised."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.calls = 0

    def stopping(self) -> bool:
        return not self._answers

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls += 1
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class QuickBell(Bell):
    """Does not sleep, and remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return super().wait(0)


@pytest.fixture
def mood() -> Mood:
    return Mood("test", FakeClock())


@pytest.fixture
def bell() -> QuickBell:
    return QuickBell()


def mailbox(**identity: Any) -> MailboxSettings:
    return MailboxSettings.model_validate({
        "address": "alix@cabinet.mssante.fr", "operator": "op", "given": "Alix", "family": "EXEMPLE",
        "identity": identity or {"certificate": "x.pem"},
    })  # fmt: skip


def test_a_mood_is_logged_once_per_change_and_ends_when_it_works_again(mood: Mood) -> None:
    mood.bad(DISK)
    first = mood.since
    cast("FakeClock", mood.clock).advance(60)
    mood.bad(Unavailable("DISQUE_PLEIN", "still none"))
    assert (mood.since, mood.component().overall) == (first, Condition.WAITING)
    assert mood.component().detail == "still none"
    mood.good()
    assert mood.component().overall is Condition.OK


def test_a_folder_that_is_not_there_is_waited_for(mood: Mood, bell: QuickBell) -> None:
    script = Script(DISK, DISK, "built")
    assert until_there(script, bell, script.stopping, mood, 7.0) == "built"
    assert bell.waits == [7.0, 7.0]


def test_stopping_ends_the_wait_for_a_folder(mood: Mood, bell: QuickBell) -> None:
    script = Script(DISK)
    assert until_there(script, bell, script.stopping, mood, 7.0) is None


def test_preparing_goes_on_while_there_is_work_and_sleeps_when_there_is_none(mood: Mood, bell: QuickBell) -> None:
    script, prepared = Script(3, 1, 0), Script(*[None] * 9)
    loop = PrepareLoop(cast("Preparer", _with(run_once=script)), bell, prepared, script.stopping, mood)
    loop.run()
    assert (prepared.calls, len(bell.waits)) == (2, 1)


def test_a_full_disk_hinders_preparing_and_shows(mood: Mood, bell: QuickBell) -> None:
    script = Script(DISK)
    PrepareLoop(cast("Preparer", _with(run_once=script)), bell, Script(), script.stopping, mood).run()
    assert mood.component().code == "DISQUE_PLEIN"


def test_delivering_rests_when_it_is_hindered_and_tells_when_it_delivered(mood: Mood, bell: QuickBell) -> None:
    script, delivered = Script(DISK, 2, 0), Script(*[None] * 9)
    opener = cast("Opener", _with(run_once=script, next_due=lambda: None))
    DeliverLoop(lambda: opener, bell, delivered, script.stopping, mood).run()
    assert delivered.calls == 1
    assert bell.waits == [10.0, 60.0]


@pytest.mark.parametrize(("done", "told"), [(0, 0), (2, 1)])
def test_what_was_delivered_is_told_although_another_place_is_away(
    mood: Mood, bell: QuickBell, done: int, told: int
) -> None:
    script, delivered = Script(TargetAway(Unavailable("MLLP_INJOIGNABLE", "away"), done)), Script(None)
    opener = cast("Opener", _with(run_once=script, next_due=lambda: None))
    DeliverLoop(lambda: opener, bell, delivered, script.stopping, mood).run()
    assert (delivered.calls, mood.component().code) == (told, "MLLP_INJOIGNABLE")


@pytest.mark.parametrize(("due_in", "waited"), [(-3.0, 5.0), (30.0, 30.0), (900.0, 60.0)])
def test_delivering_wakes_when_something_that_was_postponed_is_due(
    mood: Mood, bell: QuickBell, due_in: float, waited: float
) -> None:
    script = Script(0)
    due = mood.clock.now() + timedelta(seconds=due_in)
    opener = cast("Opener", _with(run_once=script, next_due=lambda: due))
    DeliverLoop(lambda: opener, bell, Script(), script.stopping, mood).run()
    assert bell.waits == [waited]


class Holder:
    """An identity in the hand of the test."""

    label = "Alix"

    def __init__(self) -> None:
        self.needs: WaitingFor | None = None
        self.held = "first"

    def revision(self) -> str:
        return self.held

    def apply_to(self, context: object) -> None:
        if self.needs is not None:
            raise IdentityUnavailable("CARTE_ABSENTE", "no card", self.needs)

    def sasl(self) -> None:
        return None

    def needs_person(self) -> WaitingFor | None:
        return self.needs


def receive_loop(
    script: Script, bell: QuickBell, mood: Mood, box: MailboxSettings, *, holder: Holder | None = None,
    session: Callable[[], bool] = lambda: False, goes_on: Script | None = None, **state: object,
) -> tuple[ReceiveLoop, list[str]]:  # fmt: skip
    heard: list[str] = []

    def waited(folder: str, **_: object) -> bool:
        heard.append(f"waited in {folder}")
        return True

    receiver = _with(close=lambda: heard.append("closed"), wait=waited, drop_stale=session)
    lister = _with(goes_on=goes_on or (lambda: False), progress=lambda: "so far")
    collector = _with(**({"run_once": script, "watched": "INBOX", "hindered_by": None, "lister": lister} | state))
    loop = ReceiveLoop(
        mailbox=box,
        identity=holder or Holder(),
        make_receiver=lambda: cast("Receiver", receiver),
        collector=cast("Collector", collector),
        inquirer=cast("Inquirer", _with(run_once=lambda _: 1)),
        poll_seconds=1,
        retry=RetrySettings(first_seconds=4, jitter=0),
        bell=bell,
        stored=lambda: heard.append("stored"),
        settled=lambda: heard.append("settled"),
        stopping=script.stopping,
        mood=mood,
    )
    return loop, heard


def test_nobody_waits_for_news_while_a_history_goes_on(mood: Mood, bell: QuickBell) -> None:
    script = Script(200, 200, 0)
    loop, heard = receive_loop(script, bell, mood, mailbox(), goes_on=Script(True, True, False))
    loop.run()
    assert heard == ["stored", "settled", "stored", "settled", "settled", "waited in INBOX", "closed"]
    assert mood.component().detail == "so far"
    assert mood.component().overall is Condition.OK


def test_a_folder_that_is_not_there_shows_while_the_others_are_read(mood: Mood, bell: QuickBell) -> None:
    script = Script(1)
    trouble = FolderMissing("Résultats")
    loop, heard = receive_loop(script, bell, mood, mailbox(), watched="Labo", hindered_by=trouble)
    loop.run()
    assert heard == ["stored", "settled", "waited in Labo", "closed"]
    assert mood.component().code == "DOSSIER_BOITE_ABSENT"
    assert "Résultats" in mood.component().detail


def test_a_lost_connection_is_closed_and_tried_again_with_growing_pauses(mood: Mood, bell: QuickBell) -> None:
    cut = ConnectionFailed("OPERATEUR_INJOIGNABLE", "cut")
    script = Script(cut, cut, 5, 0)
    loop, heard = receive_loop(script, bell, mood, mailbox())
    loop.run()
    assert bell.waits[:2] == [4.0, 8.0]
    assert [word for word in heard if "waited" not in word] == [
        "closed",
        "closed",
        "stored",
        "settled",
        "settled",
        "closed",
    ]
    assert mood.component().overall is Condition.OK


def test_an_expired_certificate_shows_and_does_not_crash_the_receiver(mood: Mood, bell: QuickBell) -> None:
    script = Script(ConfigurationError("CERTIFICAT_EXPIRE", "expired"))
    loop, heard = receive_loop(script, bell, mood, mailbox())
    loop.run()
    assert heard == ["closed", "closed"]
    assert mood.component().code == "CERTIFICAT_EXPIRE"


def test_a_journal_that_is_busy_hinders_receiving_without_closing_the_connection(mood: Mood, bell: QuickBell) -> None:
    script = Script(Unavailable("JOURNAL_INDISPONIBLE", "locked"), 0)
    loop, heard = receive_loop(script, bell, mood, mailbox())
    loop.run()
    assert heard == ["settled", "waited in INBOX", "closed"]


@pytest.mark.parametrize(
    ("identity", "tries"),
    [({"certificate": "x.pem"}, 2), ({"auth": "plain", "password": {"env": "X"}}, 1)],
    ids=["a certificate is tried again after a quarter of an hour", "a password never"],
)
def test_a_refused_identity_is_never_hammered(
    identity: dict[str, Any], tries: int, mood: Mood, bell: QuickBell
) -> None:
    script = Script(AuthenticationRefused("AUTHENTIFICATION", "535"), 0)
    stop_after = iter(range(40))
    loop, _ = receive_loop(script, bell, mood, mailbox(**identity))
    loop.stopping = lambda: script.stopping() or next(stop_after) >= 30
    loop.run()
    assert script.calls == tries


class FakeSenderLoop:
    def __init__(self, *answers: object) -> None:
        self.script = Script(*answers)
        self.hindered_by: Unavailable | None = None
        self.forgotten = self.believed = 0

    async def run_once(self) -> int:
        return cast("int", self.script())

    def forget_pause(self) -> None:
        self.forgotten += 1

    def identity_changed(self) -> None:
        self.believed += 1

    def pause_seconds(self) -> float:
        return 9.0


class ClosedSender:
    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1

    async def drop_stale(self) -> int:
        return 0


def send_loop(
    dispatcher: FakeSenderLoop, bell: QuickBell, mood: Mood, journal: object
) -> tuple[SendLoop, ClosedSender]:
    sender = ClosedSender()
    loop = SendLoop(
        journal=cast("Journal", journal),
        mailbox=mailbox(),
        make_sender=lambda: cast("Sender", sender),
        make_dispatcher=lambda _: cast("Dispatcher", dispatcher),
        bell=bell,
        reported=lambda: None,
        stopping=dispatcher.script.stopping,
        clock=mood.clock,
        mood=mood,
        impatience=threading.Event(),
        identity_news=threading.Event(),
    )
    return loop, sender


def test_sending_sleeps_until_the_next_message_is_due_or_the_pause_ends(mood: Mood, bell: QuickBell) -> None:
    dispatcher = FakeSenderLoop(1, 0)
    journal = _with(next_due=lambda _: mood.clock.now() + timedelta(seconds=30))
    loop, sender = send_loop(dispatcher, bell, mood, journal)
    loop.run()
    assert bell.waits == [30.0]
    assert sender.closed == 1


def test_a_person_ends_the_pause_and_a_failure_shows(mood: Mood, bell: QuickBell) -> None:
    dispatcher = FakeSenderLoop(0, DISK)
    dispatcher.hindered_by = Unavailable("OPERATEUR_INJOIGNABLE", "refused")
    loop, _ = send_loop(dispatcher, bell, mood, _with(next_due=lambda _: mood.clock.now()))
    loop.impatience.set()
    loop.run()
    assert dispatcher.forgotten == 1
    assert bell.waits == [9.0, 9.0]
    assert mood.component().code == "DISQUE_PLEIN"


def folder_loop(
    outbox: object, reporter: object, script: Script, bell: QuickBell, mood: Mood
) -> tuple[FolderLoop, Any]:
    watch = _with(start=Script(None), stop=Script(None), check=Script(*[True] * 9))
    folders = cast("Any", Folders)(outbox, reporter, watch)
    received = Script(*[None] * 9)
    loop = FolderLoop(lambda: folders, 15.0, 2.0, bell, received, script.stopping, mood)
    return loop, (watch, received)


@pytest.mark.parametrize(("settling", "pause"), [(True, 2.0), (False, 15.0)])
def test_a_drop_that_is_settling_is_looked_at_sooner(
    settling: bool, pause: float, mood: Mood, bell: QuickBell
) -> None:
    script = Script(0)
    outbox = _with(recover=lambda: None, run_once=script, is_settling=settling, health=_with(code=None, detail=""))
    loop, (watch, received) = folder_loop(outbox, _with(run_once=lambda: 0), script, bell, mood)
    loop.run()
    assert bell.waits == [pause]
    assert (received.calls, watch.start.calls, watch.stop.calls) == (0, 1, 1)


def test_after_a_drop_was_taken_the_next_one_does_not_depend_on_events(mood: Mood, bell: QuickBell) -> None:
    script = Script(1, 0, 0)
    healthy = _with(code=None, detail="")
    outbox = _with(recover=lambda: None, run_once=script, is_settling=False, health=healthy)
    loop, (_, received) = folder_loop(outbox, _with(run_once=lambda: 0), script, bell, mood)
    loop.run()
    assert bell.waits == [0.05, 0.05]
    assert received.calls == 1


def test_a_vanished_share_shows_and_a_held_status_file_does_not_end_the_loop(mood: Mood, bell: QuickBell) -> None:
    script = Script(0, DISK)
    outbox = _with(
        recover=lambda: None, run_once=script, is_settling=False, health=_with(code="SPOOL_ABSENT", detail="x")
    )
    loop, _ = folder_loop(outbox, _with(run_once=lambda: 0), script, bell, mood)
    loop.run()
    assert mood.component().code == "DISQUE_PLEIN"
    assert bell.waits == [15.0, 15.0]


def test_a_folder_that_never_comes_lets_the_loop_stop(mood: Mood, bell: QuickBell, tmp_path: Path) -> None:
    script = Script(DISK)
    FolderLoop(script, 15.0, 2.0, bell, lambda: None, script.stopping, mood).run()
    assert mood.component().code == "DISQUE_PLEIN"


# --- waiting for a card, a PIN, a token, a code ---


def test_without_its_identity_the_receiver_says_nothing_to_the_server_and_shows_why(
    mood: Mood, bell: QuickBell
) -> None:
    holder, script = Holder(), Script(0)
    holder.needs = WaitingFor.CARD
    loop, heard = receive_loop(script, bell, mood, mailbox(), holder=holder)
    turns = iter(range(4))
    loop.stopping = lambda: next(turns) >= 3
    loop.run()
    assert (script.calls, bell.waits) == (0, [60.0, 60.0, 60.0])
    assert (mood.component().overall, mood.component().code) == (Condition.WAITING, "CARTE_ABSENTE")
    assert heard == ["closed"]


def test_the_bell_lets_the_receiver_go_on_at_once_when_the_card_is_there_again(mood: Mood) -> None:
    holder, script = Holder(), Script(0)
    holder.needs = WaitingFor.CARD

    class CardBell(QuickBell):
        def wait(self, seconds: float) -> bool:
            holder.needs = None
            return super().wait(seconds)

    bell = CardBell()
    loop, _ = receive_loop(script, bell, mood, mailbox(), holder=holder)
    loop.run()
    assert (script.calls, bell.waits[0]) == (1, 60.0)
    assert mood.component().overall is Condition.OK


def test_an_open_session_goes_on_although_a_new_one_could_not_be_opened(mood: Mood, bell: QuickBell) -> None:
    holder, script = Holder(), Script(0)
    holder.needs = WaitingFor.TOKEN
    loop, _ = receive_loop(script, bell, mood, mailbox(), holder=holder, session=lambda: True)
    loop.run()
    assert script.calls == 1


def test_a_refused_token_rests_like_a_lost_connection_and_not_for_a_quarter_of_an_hour(
    mood: Mood, bell: QuickBell
) -> None:
    script = Script(TokenRefused("JETON_REFUSE", "401"), 0)
    loop, _ = receive_loop(script, bell, mood, mailbox(auth="xoauth2"))
    loop.run()
    assert script.calls == 2
    assert bell.waits[0] == 4.0


@pytest.mark.parametrize("identity", [{"certificate": "x.pem"}, {"auth": "plain", "password": {"env": "X"}}])
def test_a_new_certificate_or_card_ends_the_rest_after_a_refusal(
    identity: dict[str, Any], mood: Mood, bell: QuickBell
) -> None:
    holder, script = Holder(), Script(AuthenticationRefused("AUTHENTIFICATION", "535"), 0)

    class ChangingBell(QuickBell):
        def wait(self, seconds: float) -> bool:
            holder.held = "second"
            return super().wait(seconds)

    loop, _ = receive_loop(script, ChangingBell(), mood, mailbox(**identity), holder=holder)
    loop.run()
    assert script.calls == 2


def test_rings_for_other_reasons_do_not_shorten_the_rest_after_a_refusal(mood: Mood) -> None:
    script = Script(AuthenticationRefused("AUTHENTIFICATION", "535"), 0)

    class BusyBell(QuickBell):
        def wait(self, seconds: float) -> bool:
            super().wait(seconds)
            return True

    turns = iter(range(200))
    loop, _ = receive_loop(script, BusyBell(), mood, mailbox())
    loop.stopping = lambda: next(turns) >= 100
    loop.run()
    assert script.calls == 1


def test_news_of_the_identity_reach_the_sender_once(mood: Mood, bell: QuickBell) -> None:
    dispatcher = FakeSenderLoop(0, 0)
    loop, _ = send_loop(dispatcher, bell, mood, _with(next_due=lambda _: None))
    loop.identity_news.set()
    loop.run()
    assert (dispatcher.believed, dispatcher.forgotten) == (1, 0)


def test_while_a_message_is_on_its_way_unused_sessions_of_a_pulled_card_are_closed(
    mood: Mood, bell: QuickBell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "STALE_SECONDS", 0.01)
    dispatcher = FakeSenderLoop(0)
    loop, sender = send_loop(dispatcher, bell, mood, _with(next_due=lambda _: None))
    dropped: list[str] = []
    thrice = asyncio.Event()

    async def drop_stale() -> int:
        dropped.append("idle")
        if len(dropped) == 3:
            thrice.set()
        return 0

    async def slow() -> int:
        await thrice.wait()
        return cast("int", dispatcher.script())

    monkeypatch.setattr(sender, "drop_stale", drop_stale)
    monkeypatch.setattr(dispatcher, "run_once", slow)
    loop.run()
    assert len(dropped) >= 3
    assert sender.closed == 1


def test_a_crash_while_sending_is_not_hidden_by_the_watch(mood: Mood, bell: QuickBell) -> None:
    loop, sender = send_loop(FakeSenderLoop(KeyError("unforeseen")), bell, mood, _with())
    with pytest.raises(KeyError):
        loop.run()
    assert sender.closed == 1


def _with(**attributes: object) -> Any:
    """A stand-in with these attributes."""
    return type("Stand", (), {name: staticmethod(v) if callable(v) else v for name, v in attributes.items()})()

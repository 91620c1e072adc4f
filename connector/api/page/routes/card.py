"""The card and the mailboxes: how they are, the PIN, one-time codes."""

from collections.abc import Callable
from functools import partial

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.mailboxes import find_mailbox, mailbox_models
from connector.api.page.card_words import CARD_WORDS, PRESENCE_WORDS
from connector.api.page.desk import Desk
from connector.api.page.entry import Entry, Form, PageRoute
from connector.api.page.render import Visit
from connector.domain.errors import ConnectorError
from connector.domain.states import WaitingFor
from connector.domain.text import Text
from connector.identities.card.status import CardPort, Presence
from connector.identities.code import CodeStatus
from connector.settings.model import IdentityMethod
from connector.support.words import WAITING_WORDS

__all__ = ["routes"]

_MARGIN_SECONDS = 5.0
_OPERATOR_SECONDS = 60.0
_WITH_PIN = (Presence.LOCKED, Presence.PIN_NEEDED, Presence.LAST_TRY)


def routes(desk: Desk, entry: Entry) -> APIRouter:
    """Card, mailboxes, sessions."""
    router = APIRouter(route_class=PageRoute)

    @router.get("/card")
    def show(visit: Visit = entry.visit) -> Response:
        """Readers, cards and mailboxes now."""
        return visit.page(
            "card.html", here="card", card=desk.api.cards.status() if desk.api.cards is not None else None,
            presence_words=PRESENCE_WORDS, card_words=CARD_WORDS, with_pin=_WITH_PIN, presences=Presence,
            boxes=mailbox_models(desk.api), codes=_code_states(desk),
            waiting_words={reason.value: word for reason, word in WAITING_WORDS.items()}, now=desk.clock.now(),
            kinds=set(WaitingFor),
        )  # fmt: skip

    if desk.api.cards is not None:
        _card_forms(router, desk, entry, desk.api.cards)
    if desk.api.codes is not None:
        _code_forms(router, desk, entry)
    return router


def _card_forms(router: APIRouter, desk: Desk, entry: Entry, cards: CardPort) -> None:
    limits = desk.settings.card
    pin_seconds = max(limits.pin_pad_seconds, limits.sign_seconds) + _MARGIN_SECONDS

    @router.post("/card/unlock")
    async def unlock(form: Form = entry.form) -> Response:
        """Give one PIN to one card, once; nothing keeps it."""
        if form.has("needs_word") and not form.has("accept_last_try"):
            form.visit.problem("CONFIRMATION_ABSENTE")
            return form.visit.go("/card")
        pin = None if form.has("pad") else form.text("pin")
        call = partial(cards.unlock, pin, serial=form.text("serial"), accept_last_try=form.has("accept_last_try"))
        await _try(desk, form.visit, call, pin_seconds, Text("La carte est ouverte.", "The card is open."))
        return form.visit.go("/card")

    @router.post("/card/lock")
    async def lock(form: Form = entry.form) -> Response:
        """Forget that the PIN was typed."""
        told = Text("La carte est verrouillée.", "The card is locked.")
        await _try(desk, form.visit, cards.lock, limits.sign_seconds + _MARGIN_SECONDS, told)
        return form.visit.go("/card")

    @router.post("/card/test")
    async def test(form: Form = entry.form) -> Response:
        """Let the card sign something meaningless."""
        call = partial(cards.test, serial=form.text("serial"))
        told = Text("La carte signe correctement.", "The card signs as it should.")
        await _try(desk, form.visit, call, limits.sign_seconds + _MARGIN_SECONDS, told)
        return form.visit.go("/card")


def _code_forms(router: APIRouter, desk: Desk, entry: Entry) -> None:
    codes = desk.api.codes
    assert codes is not None  # noqa: S101 - the caller looked

    @router.post("/mailboxes/{box}/code/{step}")
    async def code(box: str, step: str, form: Form = entry.form) -> Response:
        """Have a code sent, give it, or say that it is worth trying again."""
        mailbox = find_mailbox(desk.settings, box, IdentityMethod.CODE)
        if step == "start":
            told = Text("Le code vous est envoyé.", "The code is on its way to you.")
            await _try(desk, form.visit, partial(codes.start, mailbox), _OPERATOR_SECONDS, told)
        elif step == "give":
            told = Text("La session est ouverte.", "The session is open.")
            await _try(desk, form.visit, partial(codes.give, mailbox, form.text("code")), _OPERATOR_SECONDS, told)
        elif step == "unlock":
            told = Text("Vous pouvez demander un nouveau code.", "You can ask for a new code.")
            await _try(desk, form.visit, partial(codes.unlock, mailbox), _OPERATOR_SECONDS, told)
        return form.visit.go(f"/card#box-{mailbox.folder}")


async def _try(desk: Desk, visit: Visit, call: Callable[[], object], seconds: float, told: Text) -> None:
    """Run what waits for a card, a person or an operator; tell what came of it."""
    try:
        await desk.blocking.run(call, seconds)
    except ConnectorError as error:
        visit.problem(error.code)
    else:
        visit.done(told)
        desk.api.decided()


def _code_states(desk: Desk) -> dict[str, CodeStatus]:
    """Folder of a mailbox to where its session stands."""
    if desk.api.codes is None:
        return {}
    boxes = [find_mailbox(desk.settings, folder) for folder in desk.code_boxes]
    found: dict[str, CodeStatus] = {}
    for mailbox in boxes:
        try:
            found[mailbox.folder] = desk.api.codes.status(mailbox)
        except ConnectorError:  # its operator sends no codes: the doctor says so
            continue
    return found

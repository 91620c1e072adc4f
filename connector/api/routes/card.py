"""``/api/v1/card``: readers and cards, the PIN, a try."""

from datetime import datetime
from functools import partial

from fastapi import APIRouter

from connector.api.blocking import Blocking
from connector.api.requests import requires
from connector.client.models.card import (
    CardCertificateModel,
    CardStatusModel,
    CardTestModel,
    TestModel,
    TokenViewModel,
    UnlockModel,
)
from connector.domain.catalogue import explain
from connector.domain.ports import Clock
from connector.domain.scopes import Scope
from connector.identities.card.status import CardCertificate, CardPort, CardStatus, TokenView
from connector.settings.model import CardSettings

__all__ = ["card_status_model", "routes"]

_MARGIN_SECONDS = 5.0  # the card service has limits of its own, which tell more


def routes(cards: CardPort, settings: CardSettings, clock: Clock, blocking: Blocking) -> APIRouter:
    """All about the card.

    Args:
        cards: the card room.
        settings: how long a signature and a person at the pad may take.
        clock: to tell how long a certificate lasts.
        blocking: runs what waits for a card or a person.
    """
    router = APIRouter(prefix="/card", tags=["card"])
    sign_seconds = settings.sign_seconds + _MARGIN_SECONDS
    pin_seconds = max(settings.pin_pad_seconds, settings.sign_seconds) + _MARGIN_SECONDS
    may_use = [requires(Scope.CARD_USE)]

    @router.get("", summary="Readers and cards now", dependencies=[requires(Scope.STATUS_READ)])
    async def status() -> CardStatusModel:
        """Never blocks: what was seen last, at most a second or two ago."""
        return card_status_model(cards.status(), clock.now())

    @router.post("/unlock", summary="Give the PIN", dependencies=may_use)
    async def unlock(asked: UnlockModel) -> CardStatusModel:
        """Give one PIN to one card, once: it is never tried again after a refusal, and never kept.

        With ``last_try`` nothing is tried unless ``accept_last_try`` is true.
        """
        pin = asked.pin.get_secret_value() if asked.pin is not None else None
        call = partial(cards.unlock, pin, serial=asked.serial, accept_last_try=asked.accept_last_try)
        return card_status_model(await blocking.run(call, pin_seconds), clock.now())

    @router.post("/lock", summary="Forget that the PIN was typed", dependencies=may_use)
    async def lock() -> CardStatusModel:
        """Closes what was opened with it; mailboxes then wait for the PIN again."""
        return card_status_model(await blocking.run(cards.lock, sign_seconds), clock.now())

    @router.post("/test", summary="Let the card sign", dependencies=may_use)
    async def test(asked: TestModel) -> CardTestModel:
        """Sign something meaningless with the authentication key, and verify the signature."""
        call = partial(cards.test, serial=asked.serial)
        return CardTestModel(mechanism=await blocking.run(call, sign_seconds))

    return router


def card_status_model(status: CardStatus, now: datetime) -> CardStatusModel:
    """A status as it goes over the wire.

    Args:
        status: of the card room.
        now: wall clock.
    """
    texts = explain(status.code) if status.code else None
    return CardStatusModel(
        presence=status.presence.value, readers=list(status.readers),
        tokens=[_token(token, now) for token in status.tokens], middleware=status.middleware, code=status.code,
        detail=status.detail, signatures=status.signatures,
        title_fr=texts.title_fr if texts else "", cure_fr=texts.cure_fr if texts else "",
        title_en=texts.title_en if texts else "", cure_en=texts.cure_en if texts else "",
    )  # fmt: skip


def _token(token: TokenView, now: datetime) -> TokenViewModel:
    return TokenViewModel(
        reader=token.reader, serial=token.serial, label=token.label, presence=token.presence.value,
        certificate=_certificate(token.certificate, now) if token.certificate else None,
        tries_left_low=token.tries_left_low, pin_pad=token.pin_pad, can_pss=token.can_pss, code=token.code,
    )  # fmt: skip


def _certificate(certificate: CardCertificate, now: datetime) -> CardCertificateModel:
    return CardCertificateModel(
        common_name=certificate.common_name, name=certificate.name, surname=certificate.surname,
        given_name=certificate.given_name, holder=certificate.holder, profession=certificate.profession,
        organization=certificate.organization, issuer=certificate.issuer, label=certificate.label,
        not_before=certificate.not_before, not_after=certificate.not_after,
        days_left=(certificate.not_after - now).days, sha256=certificate.sha256,
    )  # fmt: skip

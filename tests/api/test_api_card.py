"""The card over the API: what is seen, one PIN given once, and nobody held up meanwhile."""

import asyncio
import threading
from typing import Any

import httpx
import pytest

from connector.api.blocking import Blocking
from connector.client.models.card import UnlockModel
from connector.domain.errors import NeedsPerson, Unavailable
from connector.identities.card.status import Presence
from tests.api.api_scene import PIN, PORT, ApiScene, FakeCards, card_token

CARD, UNLOCK = "/api/v1/card", "/api/v1/card/unlock"


def cards_of(scene: ApiScene) -> FakeCards:
    assert scene.cards is not None
    return scene.cards


def test_the_status_shows_readers_cards_and_what_to_do(scene: ApiScene) -> None:
    shown = scene.web().get(CARD).json()
    assert (shown["presence"], shown["code"], shown["readers"]) == ("pin_needed", "PIN", ["Lecteur 0"])
    assert shown["cure_fr"] == "Saisissez le code de la carte."
    assert shown["cure_en"] == "Type the PIN of the card."
    (token,) = shown["tokens"]
    assert token["certificate"]["holder"] == "899700012345"
    assert token["certificate"]["days_left"] == 25


def test_a_card_without_certificate_and_without_hindrance(scene: ApiScene) -> None:
    scene.cards = FakeCards(Presence.OPEN, (card_token(Presence.OPEN, certificate=None),), code="")
    shown = scene.web().get(CARD).json()
    assert (shown["code"], shown["title_fr"], shown["cure_en"]) == ("", "", "")
    assert shown["tokens"][0]["certificate"] is None


def test_an_expired_certificate_has_negative_days(scene: ApiScene) -> None:
    scene.clock.advance(26 * 24 * 3600)
    assert scene.web().get(CARD).json()["tokens"][0]["certificate"]["days_left"] == -1


def test_the_right_pin_opens_the_card(scene: ApiScene) -> None:
    answer = scene.web().post(UNLOCK, json={"pin": PIN, "serial": "28", "accept_last_try": True})
    assert (answer.status_code, answer.json()["presence"]) == (200, "open")
    assert cards_of(scene).given == [(PIN, "28", True)]


def test_without_pin_the_person_types_at_the_reader(scene: ApiScene) -> None:
    assert scene.web().post(UNLOCK, json={}).status_code == 200
    assert cards_of(scene).given == [(None, "", False)]


def test_a_wrong_pin_is_given_once_and_stands_nowhere(scene: ApiScene) -> None:
    answer = scene.web().post(UNLOCK, json={"pin": "9731"})
    assert (answer.status_code, answer.json()["code"]) == (403, "PIN_FAUX")
    assert "9731" not in answer.text
    assert cards_of(scene).given == [("9731", "", False)]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NeedsPerson("CARTE_ABSENTE", "no card"), 409),
        (NeedsPerson("PIN_DERNIER_ESSAI", "one try left"), 409),
        (NeedsPerson("CARTE_BLOQUEE", "blocked"), 409),
        (NeedsPerson("PIN_FORMAT", "four digits"), 422),
        (Unavailable("CARTE_DEFAILLANTE", "no answer"), 503),
    ],
)
def test_what_the_card_room_raises_is_a_problem(scene: ApiScene, error: Exception, status: int) -> None:
    cards_of(scene).error = error
    answer = scene.web().post(UNLOCK, json={"pin": PIN})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == getattr(error, "code", "")


def test_locking_and_trying(scene: ApiScene) -> None:
    web = scene.web()
    assert web.post("/api/v1/card/test", json={}).json() == {"mechanism": "SHA256_RSA_PKCS"}
    assert web.post("/api/v1/card/lock").json()["presence"] == "locked"


def test_a_connector_without_cards_has_no_card_routes(scene: ApiScene) -> None:
    scene.cards = None
    assert scene.web().get(CARD).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"pin": "8462" * 17}, {"pin": 8462}, {"pin": ["8462"]}, {"pin": {"8462": "8462"}}, {"pim": "8462"},
     {"8462": "8462"}, ["8462"], "8462"],
)  # fmt: skip
def test_a_pin_in_a_request_that_does_not_fit_is_not_echoed(scene: ApiScene, body: Any) -> None:
    answer = scene.web().post(UNLOCK, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "API_REQUETE_INVALIDE")
    assert "8462" not in answer.text
    assert answer.json()["errors"][0]["where"].startswith("body")
    assert cards_of(scene).given == []


def test_a_pin_in_broken_json_is_not_echoed(scene: ApiScene) -> None:
    answer = scene.web().post(UNLOCK, content=b'{"pin": "8462"', headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert "8462" not in answer.text


def test_a_pin_is_not_printed_with_its_model() -> None:
    assert PIN not in repr(UnlockModel.model_validate({"pin": PIN}))


def test_a_fault_of_our_own_quotes_nothing(scene: ApiScene, caplog: pytest.LogCaptureFixture) -> None:
    cards_of(scene).error = RuntimeError(f"we are at fault with {PIN}")
    answer = scene.web().post(UNLOCK, json={"pin": PIN})
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNE")
    assert PIN not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert PIN not in caplog.text


# --- nobody is held up ---


def asynchronous(scene: ApiScene) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(scene.app()), base_url=f"http://127.0.0.1:{PORT}",
        headers={"Authorization": f"Bearer {scene.owner.token}"},
    )  # fmt: skip


@pytest.mark.parametrize("body", ["_others_are_answered", "_one_more_is_told_to_come_back"])
def test_while_the_card_works(scene: ApiScene, body: str) -> None:
    asyncio.run(globals()[body](scene))


async def _others_are_answered(scene: ApiScene) -> None:
    cards = cards_of(scene)
    cards.hold = threading.Event()
    async with asynchronous(scene) as web:
        unlocking = asyncio.create_task(web.post(UNLOCK, json={"pin": PIN}))
        assert await asyncio.to_thread(cards.inside.acquire, timeout=10)
        for path in (CARD, "/health", "/api/v1/mailboxes"):
            assert (await web.get(path)).status_code == 200
        assert not unlocking.done()
        cards.hold.set()
        assert (await unlocking).json()["presence"] == "open"


async def _one_more_is_told_to_come_back(scene: ApiScene) -> None:
    cards = cards_of(scene)
    cards.hold = threading.Event()
    async with asynchronous(scene) as web:
        waiting = [asyncio.create_task(web.post("/api/v1/card/test", json={})) for _ in range(4)]
        for _ in waiting:
            assert await asyncio.to_thread(cards.inside.acquire, timeout=10)
        busy = await web.post(UNLOCK, json={"pin": PIN})
        assert (busy.status_code, busy.json()["code"]) == (503, "API_OCCUPEE")
        assert busy.headers["retry-after"] == "5"
        assert cards.given == []
        cards.hold.set()
        assert [(await each).status_code for each in waiting] == [200] * 4
        assert (await web.post(UNLOCK, json={"pin": PIN})).status_code == 200


def test_long_calls_have_an_end_for_the_one_who_waits() -> None:
    hold = threading.Event()

    async def body() -> None:
        blocking = Blocking(1)
        with pytest.raises(Unavailable) as late:
            await blocking.run(lambda: hold.wait(10), 0.01)
        assert late.value.code == "API_DELAI"
        with pytest.raises(Unavailable) as busy:
            await blocking.run(lambda: True, 1)
        assert busy.value.code == "API_OCCUPEE"
        (thread,) = (each for each in threading.enumerate() if each.name == "api-long-call")
        hold.set()
        await asyncio.to_thread(thread.join, 10)
        assert await blocking.run(lambda: True, 10)  # the late result went nowhere, and the place is free

    asyncio.run(body())


def test_a_result_that_comes_after_the_end_of_the_loop_is_dropped() -> None:
    hold, seen = threading.Event(), threading.Event()

    async def body() -> None:
        with pytest.raises(Unavailable):
            await Blocking(1).run(lambda: hold.wait(10), 0.01)

    asyncio.run(body())
    threads = [thread for thread in threading.enumerate() if thread.name == "api-long-call"]
    hold.set()
    for thread in threads:
        thread.join(10)
        seen.set()
    assert seen.is_set()

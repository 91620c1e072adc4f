"""Attacks on the page: each with what stops it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from connector.api.page.render import POLICY
from connector.api.page.sessions import COOKIE, IDLE_SECONDS, LINK_SECONDS
from connector.domain.scopes import Scope
from tests.api.api_scene import PORT
from tests.page.page_scene import BROWSER, PageScene, Visitor

BASE = f"http://127.0.0.1:{PORT}"
OWN = f"http://127.0.0.1:{PORT}"


def stranger(scene: PageScene, visitor: Visitor, **headers: str) -> TestClient:
    """Another browser at the same connector."""
    return TestClient(visitor.web.app, base_url=BASE, headers=BROWSER | headers, follow_redirects=False)


# --- the one-time link ---


def test_a_replayed_link_opens_nothing(scene: PageScene) -> None:
    visitor = scene.visitor()
    link = visitor.link()
    first, second = (stranger(scene, visitor).get(link) for _ in range(2))
    assert first.status_code == 303
    assert second.status_code == 401
    assert COOKIE not in second.headers.get("set-cookie", "")


def test_a_link_is_too_old_after_a_minute(scene: PageScene) -> None:
    visitor = scene.visitor()
    link = visitor.link()
    scene.clock.advance(LINK_SECONDS + 1)
    assert stranger(scene, visitor).get(link).status_code == 401


def test_a_thief_who_is_quicker_than_the_browser_loses_what_he_got(scene: PageScene) -> None:
    visitor = scene.visitor()
    link = visitor.link()
    thief = stranger(scene, visitor)
    root = thief.get(link).headers["location"]
    assert thief.get(root).status_code == 200
    assert stranger(scene, visitor).get(link).status_code == 401
    assert thief.get(root).status_code == 401


@pytest.mark.parametrize("header", [{"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}])
def test_a_browser_that_looks_ahead_does_not_use_the_link_up(scene: PageScene, header: dict[str, str]) -> None:
    visitor = scene.visitor()
    link = visitor.link()
    assert stranger(scene, visitor).get(link, headers=header).status_code == 401
    assert stranger(scene, visitor).get(link).status_code == 303


def test_a_page_on_the_web_cannot_open_a_session(scene: PageScene) -> None:
    """Login CSRF: nobody is led into a session by somebody else."""
    visitor = scene.visitor()
    link = visitor.link()
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert stranger(scene, visitor).get(link, headers=foreign).status_code == 403
    assert stranger(scene, visitor).get(link).status_code == 303


def test_an_application_cannot_ask_for_a_link(scene: PageScene) -> None:
    visitor = scene.visitor()
    token = scene.client_token(*Scope)
    programs = TestClient(visitor.web.app, base_url=BASE)
    answer = programs.post("/api/v1/page/link", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert programs.post("/api/v1/page/link").status_code == 401


def test_a_link_names_the_address_that_was_asked(scene: PageScene) -> None:
    visitor = scene.visitor()
    web = TestClient(visitor.web.app, base_url=f"http://[::1]:{PORT}")
    answer = web.post("/api/v1/page/link", headers={"Authorization": f"Bearer {scene.owner.token}"})
    assert answer.json()["url"].startswith(f"http://[::1]:{PORT}/open/")


# --- the session ---


def test_the_cookie_is_for_the_browser_only_and_for_this_session_only(scene: PageScene) -> None:
    visitor = scene.visitor()
    answer = stranger(scene, visitor).get(visitor.link())
    cookie, root = answer.headers["set-cookie"], answer.headers["location"].removesuffix("/")
    parts = [part.strip().lower() for part in cookie.split(";")]
    assert {"httponly", "samesite=strict", f"path={root}".lower()} <= set(parts)
    assert not any(part.startswith("domain") for part in parts)


def test_without_a_session_there_is_a_closed_door(scene: PageScene) -> None:
    visitor = scene.visitor()
    for path in ("/", f"{visitor.root}/", f"{visitor.root}/card", f"{visitor.root}/live"):
        answer = stranger(scene, visitor).get(path)
        assert answer.status_code == 401, path
        assert "mss-connector open" in answer.text


def test_no_route_of_a_session_can_be_reached_without_it(scene: PageScene) -> None:
    visitor = scene.visitor()
    inside = [(path, method) for path, method in _routes(visitor) if path.startswith("/p/")]
    assert len(inside) > 20
    values = {"{submission_id}": "01A", "{message_id}": "01A", "{number}": "0", "{index}": "0", "{rest:path}": "x",
              "{decision}": "retry", "{box}": "b", "{step}": "give", "{key}": visitor.root[3:]}  # fmt: skip
    for template, method in inside:
        path = template
        for name, value in values.items():
            path = path.replace(name, value)
        form = {"a": (None, b"b")} if method == "POST" else None
        answer = stranger(scene, visitor).request(method, path, files=form)
        assert answer.status_code == 401, (method, path)


def _routes(visitor: Visitor) -> Iterator[tuple[str, str]]:
    """Path and method of every route; newer versions of FastAPI keep included routers as they are."""
    app: Any = visitor.web.app
    for route in app.routes:
        flat = route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]
        for each in flat:
            yield from ((each.path, method) for method in each.methods)


@pytest.mark.parametrize("part", ["cookie", "key"])
def test_half_of_the_secret_opens_nothing(scene: PageScene, part: str) -> None:
    """Another user's server on this machine can get the cookie from the browser, and never sees the address."""
    visitor = scene.visitor()
    other = Visitor(stranger(scene, visitor), scene.owner.token).enter()
    cookie = visitor.web.cookies.get(COOKIE, path=visitor.root) or ""
    root = other.root if part == "cookie" else visitor.root
    sent = cookie if part == "cookie" else "x" * 43
    answer = stranger(scene, visitor).get(f"{root}/", headers={"Cookie": f"{COOKIE}={sent}"})
    assert answer.status_code == 401


def test_a_session_id_from_outside_is_never_taken_over(scene: PageScene) -> None:
    """Fixation: a planted cookie does not become the session."""
    visitor = scene.visitor()
    answer = stranger(scene, visitor).get(visitor.link(), headers={"Cookie": f"{COOKIE}=planted"})
    assert answer.status_code == 303
    assert "planted" not in answer.headers["set-cookie"]
    again = stranger(scene, visitor).get(answer.headers["location"], headers={"Cookie": f"{COOKIE}=planted"})
    assert again.status_code == 401


def test_a_cookie_stolen_before_logging_out_is_worth_nothing_after(scene: PageScene) -> None:
    visitor = scene.visitor()
    stolen = {"Cookie": f"{COOKIE}={visitor.web.cookies.get(COOKIE, path=visitor.root)}"}
    thief = stranger(scene, visitor)
    assert thief.get(f"{visitor.root}/", headers=stolen).status_code == 200
    left = visitor.post("/leave")
    assert left.status_code == 200
    assert "La session est fermée." in left.text
    assert thief.get(f"{visitor.root}/", headers=stolen).status_code == 401
    assert visitor.get().status_code == 401


def test_a_session_that_is_not_used_closes(scene: PageScene) -> None:
    visitor = scene.visitor()
    scene.clock.advance(IDLE_SECONDS + 1)
    assert visitor.get().status_code == 401


def test_a_bearer_token_is_no_session(scene: PageScene) -> None:
    visitor = scene.visitor()
    headers = {"Authorization": f"Bearer {scene.owner.token}"}
    assert stranger(scene, visitor).get(f"{visitor.root}/", headers=headers).status_code == 401


def test_a_session_is_no_bearer_token(scene: PageScene) -> None:
    visitor = scene.visitor()
    assert visitor.web.get("/api/v1/mailboxes").status_code == 401


# --- forms ---


@pytest.mark.parametrize("token", ["", "x", "é"])
def test_a_form_without_the_token_of_its_session_does_nothing(scene: PageScene, token: str) -> None:
    visitor = scene.visitor()
    submission = scene.submission(scene.prepared())
    answer = visitor.post(f"/outgoing/{submission}/cancel", token)
    assert answer.status_code == 403
    assert "FORMULAIRE_ETRANGER" in answer.text
    assert scene.journal.submission(submission).messages[0].state.value == "prepared"


def test_a_form_with_the_token_of_another_session_does_nothing(scene: PageScene) -> None:
    visitor = scene.visitor()
    other = Visitor(stranger(scene, visitor), scene.owner.token).enter()
    submission = scene.submission(scene.prepared())
    assert visitor.post(f"/outgoing/{submission}/cancel", other.form_token()).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://attaque.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:9999"},
     {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}],
)  # fmt: skip
def test_a_form_from_elsewhere_is_refused_at_the_gate(scene: PageScene, headers: dict[str, str]) -> None:
    visitor = scene.visitor()
    submission = scene.submission(scene.prepared())
    files = {"form_token": (None, visitor.form_token())}
    answer = visitor.web.post(f"{visitor.root}/outgoing/{submission}/cancel", files=files, headers=headers)
    assert answer.status_code == 403
    assert scene.journal.submission(submission).messages[0].state.value == "prepared"


def test_a_form_of_our_own_page_is_taken(scene: PageScene) -> None:
    visitor = scene.visitor()
    submission = scene.submission(scene.prepared())
    files = {"form_token": (None, visitor.form_token())}
    answer = visitor.web.post(f"{visitor.root}/outgoing/{submission}/cancel", files=files, headers={"Origin": OWN})
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [(b"form_token=x", "application/x-www-form-urlencoded", 415), (b"form_token=x", "text/plain", 415),
     (b'{"form_token": "x"}', "application/json", 403), (b"--x", "multipart/form-data", 400),
     (b"--x\r\nnonsense", "multipart/form-data; boundary=x", 403)],
)  # fmt: skip
def test_other_kinds_of_bodies_mean_nothing(scene: PageScene, content: bytes, content_type: str, status: int) -> None:
    visitor = scene.visitor()
    answer = visitor.web.post(f"{visitor.root}/leave", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert visitor.get().status_code == 200


def test_a_file_in_a_form_is_refused(scene: PageScene) -> None:
    visitor = scene.visitor()
    files: Any = {"form_token": (None, visitor.form_token()), "pin": ("a.txt", b"1234", "text/plain")}
    assert visitor.web.post(f"{visitor.root}/card/unlock", files=files).status_code == 400
    assert scene.cards is not None
    assert scene.cards.given == []


def test_a_form_with_too_many_fields_is_refused(scene: PageScene) -> None:
    visitor = scene.visitor()
    assert visitor.post("/leave", address=["x"] * 100).status_code == 400


def test_a_form_that_is_too_big_is_refused_before_it_is_read(scene: PageScene) -> None:
    visitor = scene.visitor()
    assert visitor.post("/leave", address="x" * 70_000).status_code == 413


@pytest.mark.parametrize(
    "back", ["https://attaque.example/", "//attaque.example", "/\\attaque.example", "", "/p/other/", "javascript:x"]
)
def test_the_language_switch_leads_nowhere_else(scene: PageScene, back: str) -> None:
    visitor = scene.visitor()
    assert visitor.post("/language", language="en", back=back).headers["location"] == f"{visitor.root}/"


def test_the_language_switch_stays_on_its_sheet(scene: PageScene) -> None:
    visitor = scene.visitor()
    answer = visitor.post("/language", language="en", back=f"{visitor.root}/card")
    assert answer.headers["location"] == f"{visitor.root}/card"
    assert "Card and mailboxes" in visitor.text("/card")
    visitor.post("/language", language="zz", back="")
    assert "Card and mailboxes" in visitor.text("/card")


# --- answers ---


@pytest.mark.parametrize("path", ["/", "/outgoing", "/received", "/card", "/checks", "/applications", "/nowhere"])
def test_every_sheet_runs_nothing_embeds_nothing_and_is_not_kept(scene: PageScene, path: str) -> None:
    headers = scene.visitor().get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_what_names_the_page_is_not_taken_for_html(scene: PageScene) -> None:
    """What others wrote – names, subjects, answers of servers – stays text."""
    attack = '"><script>alert(1)</script>'
    scene.sent(name=attack, reference=attack)
    incoming = scene.arrive(attack, sender=f'"{attack.replace(chr(34), "")}" <x@labo.mssante.fr>', body=attack)
    visitor = scene.visitor()
    for path in ("/", "/outgoing", "/received", f"/received/{incoming}", f"/outgoing?q={attack}&state={attack}"):
        text = visitor.text(path)
        assert "<script>alert" not in text, path


def test_static_files_are_looked_up_by_name_never_as_paths(scene: PageScene) -> None:
    visitor = scene.visitor()
    web = stranger(scene, visitor)
    assert web.get("/static/page.css").headers["cache-control"].startswith("public")
    for path in ("/static/../render.py", "/static/%2e%2e/render.py", "/static/nothing.css", "/static/"):
        assert web.get(path).status_code == 404, path
    assert web.get("/favicon.ico").headers["location"] == "/static/icon.svg"


def test_a_rebound_name_gets_nothing(scene: PageScene) -> None:
    visitor = scene.visitor()
    answer = stranger(scene, visitor).get(visitor.link(), headers={"Host": f"attaque.example:{PORT}"})
    assert answer.status_code == 421


def test_errors_before_a_session_is_known_tell_nothing(scene: PageScene) -> None:
    visitor = scene.visitor()
    answer = stranger(scene, visitor).get("/p/x/outgoing/01NOBODY")
    assert answer.status_code == 401
    assert "INTROUVABLE" not in answer.text


def test_two_browsers_have_two_sessions(scene: PageScene) -> None:
    visitor = scene.visitor()
    other = Visitor(stranger(scene, visitor), scene.owner.token).enter()
    assert visitor.root != other.root
    visitor.post("/leave")
    assert other.get().status_code == 200
    assert replace(other).root == other.root

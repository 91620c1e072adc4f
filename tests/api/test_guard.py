"""One test per attack on the local server, named after it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from connector.api.guard import GuardSettings, is_loopback_host
from connector.api.guard.rate import Allowance
from connector.daemon.endpoint import tell_endpoint
from connector.domain.errors import ConfigurationError
from connector.domain.scopes import Scope
from connector.platform.files import private_folder
from connector.platform.paths import DataPaths
from connector.settings.model import ApiSettings
from tests.api.api_scene import PIN, PORT, ApiScene, read_all, read_answer

CARD = "/api/v1/card"
UNLOCK = "/api/v1/card/unlock"
FOREIGN = "https://evil.example"


def given(scene: ApiScene) -> list[tuple[str | None, str, bool]]:
    assert scene.cards is not None
    return scene.cards.given


# --- another name for us: DNS rebinding ---


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8723", "localhost:8723", "LOCALHOST:8723", "[::1]:8723", "[0:0:0:0:0:0:0:1]:8723"]
)
def test_this_machine_is_served(scene: ApiScene, host: str) -> None:
    assert is_loopback_host(host, PORT)
    assert scene.web(host=host).get("/health").status_code == 200


@pytest.mark.parametrize(
    "host",
    ["127.evil.example:8723", "localhost.evil.example:8723", "127.0.0.1", "127.0.0.1:80", "0.0.0.0:8723",
     "[::ffff:127.0.0.1]:8723", "::ffff:127.0.0.1:8723", "127.0.0.1:8723:8723", "[::1", "[::1]x:8723", "[::1]:",
     "::1:8723", "", "evil", "127.0.0.1:", "127.0.0.1:٨٧٢٣", "127.0.0.1:987230", "user@127.0.0.1:8723",
     "2130706433:8723", "127.1:8723", "127.0.0.2:8723", "[127.0.0.1]:8723", "[localhost]:8723 ", "[::1%lo]:8723"],
)  # fmt: skip
def test_rebinding_and_the_prefix_trick(scene: ApiScene, host: str) -> None:
    assert not is_loopback_host(host, PORT)


def test_rebinding_gets_nothing_but_a_refusal(scene: ApiScene) -> None:
    answer = scene.web(host="evil.example:8723").post(UNLOCK, json={"pin": PIN})
    assert (answer.status_code, answer.json()["code"]) == (421, "API_HOTE_REFUSE")
    assert given(scene) == []


def test_port_80_may_be_left_out() -> None:
    assert is_loopback_host("localhost", 80)


def test_two_hosts_in_one_request(scene: ApiScene) -> None:
    with scene.live() as live:
        twice = live.head("GET", "/health", f"Host: 127.0.0.1:{live.endpoint.port}")
        assert b" 400 " in live.say(twice).splitlines()[0]  # h11 refuses it already
        assert b" 421 " in live.say(live.head(host="localhost")).splitlines()[0]


def test_a_request_without_host(scene: ApiScene) -> None:
    with scene.live() as live:
        assert b" 421 " in live.say(b"GET /health HTTP/1.0\r\n\r\n").splitlines()[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "localhost", ""])
def test_listening_to_the_network_cannot_be_set(host: str) -> None:
    with pytest.raises(ValidationError):
        ApiSettings.model_validate({"host": host})


def test_ipv6_loopback_is_served(scene: ApiScene) -> None:
    with scene.live(host="::1") as live:
        assert httpx.get(f"{live.endpoint.url}/health").status_code == 200


# --- pages of the web: CSRF ---


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "text/plain;charset=UTF-8", "application/xml",
                     "text/json", "application/json-patch+json", "", "application/json, text/plain"],
)  # fmt: skip
def test_csrf_by_a_body_that_needs_no_preflight(scene: ApiScene, content_type: str) -> None:
    answer = scene.web(content_type=content_type).post(UNLOCK, content=b'{"pin":"8462"}')
    assert (answer.status_code, answer.json()["code"]) == (415, "API_TYPE_CONTENU")
    assert given(scene) == []


def test_csrf_by_text_plain_that_looks_like_json_has_no_type_at_all(scene: ApiScene) -> None:
    with scene.live() as live:
        token = f"Authorization: Bearer {scene.owner.token}"
        sent = live.head("POST", UNLOCK, token, "Content-Length: 2")
        assert b" 415 " in live.say(sent, b"{}").splitlines()[0]
    assert given(scene) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": FOREIGN},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1:8723"},
        {"origin": "http://127.0.0.1:8723/"},
        {"origin": "http://[::1"},
        {"origin": "http://127.0.0.1:8723.evil.example"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "Same-Origin"},
        {"origin": "http://127.0.0.1:8723", "sec_fetch_site": "cross-site"},
        {"origin": "http://127.0.0.1:8723", "sec_fetch_site": "same-origin", "sec_fetch_mode": "navigate"},
        {"sec_fetch_mode": "navigate"},
    ],
)
def test_csrf_by_fetch_or_form(scene: ApiScene, headers: dict[str, str]) -> None:
    answer = scene.web(**headers).post(UNLOCK, json={"pin": PIN})
    assert (answer.status_code, answer.json()["code"]) == (403, "API_ORIGINE_REFUSEE")
    assert "access-control-allow-origin" not in answer.headers
    assert given(scene) == []


def test_csrf_by_embedding(scene: ApiScene) -> None:
    seen = scene.web(None, sec_fetch_site="cross-site", sec_fetch_mode="no-cors").get("/health")
    assert seen.status_code == 403
    assert seen.headers["cross-origin-resource-policy"] == "same-origin"


def test_two_origins_or_two_fetch_sites(scene: ApiScene) -> None:
    own = f"http://127.0.0.1:{PORT}"
    for name, value in (("Origin", own), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "cors")):
        web = scene.web()
        answer = web.get("/health", headers=[*web.headers.multi_items(), (name, value), (name, value)])
        assert answer.status_code == 403, name


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "http://127.0.0.1:8723"}, {"origin": "http://localhost:8723", "sec_fetch_site": "same-origin"},
     {"origin": "http://[::1]:8723", "sec_fetch_site": "same-origin", "sec_fetch_mode": "cors"}],
)  # fmt: skip
def test_programs_and_our_own_page_are_served(scene: ApiScene, headers: dict[str, str]) -> None:
    assert scene.web(**headers).post(UNLOCK, json={"pin": PIN}).status_code == 200


def test_a_typed_address_may_read(scene: ApiScene) -> None:
    assert scene.web(sec_fetch_site="none", sec_fetch_mode="navigate").get(CARD).status_code == 200


def test_a_preflight_of_a_page_that_is_not_listed(scene: ApiScene) -> None:
    asking = {"Origin": FOREIGN, "Access-Control-Request-Method": "POST"}
    answer = scene.web(None).options(UNLOCK, headers=asking)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_preflight_that_names_no_origin_grants_nothing(scene: ApiScene) -> None:
    answer = scene.web(None).options(UNLOCK, headers={"Access-Control-Request-Method": "POST"})
    assert answer.status_code == 204
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_listed_page_may_ask_and_read_with_a_token_only(scene: ApiScene) -> None:
    scene.guard = GuardSettings(port=PORT, allowed_origins=frozenset({FOREIGN}))
    page = {"origin": FOREIGN, "sec_fetch_site": "cross-site", "sec_fetch_mode": "cors"}
    preflight = scene.web(None, **page).options(UNLOCK, headers={"Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == FOREIGN
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in preflight.headers
    assert scene.web(None, **page).get(CARD).status_code == 401
    read = scene.web(**page).get(CARD)
    assert (read.status_code, read.headers["access-control-allow-origin"]) == (200, FOREIGN)
    assert "Origin" in read.headers["vary"]


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://*.lps.example", "https://lps.example/", "lps.example", "https://LPS.example",
               "https://lps.example:443", "http://lps.example:80", "https://a@lps.example", "ftp://lps.example",
               "https://lps.example:x", "https://"],
)  # fmt: skip
def test_only_exact_origins_can_be_listed(origin: str) -> None:
    with pytest.raises(ValidationError):
        ApiSettings(allowed_origins=[origin])


def test_origins_are_listed_as_browsers_send_them() -> None:
    listed = ["https://lps.example", "http://localhost:3000", "http://[::1]:3000"]
    assert ApiSettings(allowed_origins=listed).allowed_origins == listed


# --- who is it? tokens ---


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer x", "Bearer mss_owner_short", "mss_owner_" + "a" * 43,
     "Bearer mss_owner_" + "a" * 43, "Bearer mss_01ZZZZZZZZZZZZZZZZZZZZZZZZ_" + "a" * 43,
     "Bearer mss_" + "a" * 27 + "_" + "a" * 43, "Bearer mss_owner_" + "é" * 43],
)  # fmt: skip
def test_a_guessed_token(scene: ApiScene, value: str) -> None:
    answer = scene.web(None).get(CARD, headers={b"Authorization": value.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (401, "ACCES_JETON_INVALIDE")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_no_token_at_all(scene: ApiScene) -> None:
    answer = scene.web(None).get(CARD)
    assert (answer.status_code, answer.json()["code"]) == (401, "ACCES_SANS_JETON")


def test_two_tokens_in_one_request(scene: ApiScene) -> None:
    web = scene.web()
    twice = [*web.headers.multi_items(), ("Authorization", f"Bearer {scene.owner.token}")]
    assert web.get(CARD, headers=twice).status_code == 400


def test_replay_of_a_revoked_token(scene: ApiScene) -> None:
    token = scene.client_token(Scope.STATUS_READ)
    assert scene.web(token).get(CARD).status_code == 200
    scene.journal.revoke_client("LPS")
    answer = scene.web(token).get(CARD)
    assert (answer.status_code, answer.json()["code"]) == (401, "ACCES_JETON_INVALIDE")


def test_replay_of_an_expired_token(scene: ApiScene) -> None:
    token = scene.client_token(Scope.STATUS_READ, days=1)
    scene.clock.advance(24 * 3600 - 1)
    assert scene.web(token).get(CARD).status_code == 200
    scene.clock.advance(1)
    assert scene.web(token).get(CARD).json()["code"] == "ACCES_JETON_EXPIRE"


def test_replay_of_the_owner_token_of_an_earlier_start(scene: ApiScene, tmp_path: Path) -> None:
    earlier = ApiScene(scene.journal, scene.clock).owner.token
    assert scene.web(earlier).get(CARD).status_code == 401


def test_a_token_with_another_clients_name_on_it(scene: ApiScene) -> None:
    weak, strong = scene.client_token(Scope.STATUS_READ, name="a"), scene.client_token(name="b")
    forged = strong.rpartition("_")[0] + "_" + weak[-43:]
    assert scene.web(forged).get(CARD).status_code == 401


def test_more_than_the_scope_allows(scene: ApiScene) -> None:
    token = scene.client_token(Scope.STATUS_READ)
    answer = scene.web(token).post(UNLOCK, json={"pin": PIN})
    assert (answer.status_code, answer.json()["code"]) == (403, "ACCES_INSUFFISANT")
    assert 'scope="card:use"' in answer.headers["www-authenticate"]
    assert given(scene) == []


def test_a_stolen_journal_holds_no_token(scene: ApiScene, tmp_path: Path) -> None:
    token = scene.client_token()
    files = list((tmp_path / "data").iterdir())
    assert files
    for path in files:
        assert token[-43:].encode() not in path.read_bytes()


def test_a_token_never_shows_in_what_is_printed(scene: ApiScene) -> None:
    token = scene.client_token()
    assert scene.owner.token not in repr(scene.owner)
    client = scene.journal.clients()[0]
    assert client.token_hash not in repr(client)
    assert token not in scene.web(token + "x").get(CARD).text


# --- other users of the machine ---


def test_other_user_reading_the_discovery_file(scene: ApiScene, tmp_path: Path) -> None:
    """Neither the file nor its folder lets anybody else in, whatever the umask, from the first moment on."""
    paths, before = DataPaths(tmp_path / "mine"), os.umask(0)
    try:
        private_folder(paths.root)
        tell_endpoint(paths, host="127.0.0.1", port=1, instance="i", token=scene.owner.token)
    finally:
        os.umask(before)
    tmp_path.chmod(0o755)
    if sys.platform != "win32":
        assert (paths.root.stat().st_mode & 0o777, paths.endpoint.stat().st_mode & 0o777) == (0o700, 0o600)
    if sys.platform != "win32" and os.geteuid() == 0:
        as_other = subprocess.run(
            ["cat", str(paths.endpoint)], capture_output=True, user=65534, group=65534, extra_groups=[], check=False
        )
        assert (as_other.returncode, as_other.stdout) == (1, b"")


def test_other_user_planting_a_discovery_file(scene: ApiScene, tmp_path: Path) -> None:
    from connector.client import read_endpoint

    paths = DataPaths(tmp_path)
    tell_endpoint(paths, host="127.0.0.1", port=1, instance="i", token="t")
    paths.endpoint.chmod(0o644)
    with pytest.raises(ConfigurationError) as refused:
        read_endpoint(paths.endpoint)
    assert refused.value.code == "ACCES_LOCAL_EXPOSE"


# --- the head of a request ---


@pytest.mark.parametrize(
    "line",
    ["Idempotency-Key: a\rSet-Cookie: x=1", "Idempotency-Key: a\nSet-Cookie: x=1", "Bad Name: x", "X\x00Y: 1",
     "X-Nul: a\x00b", ": empty"],
)  # fmt: skip
def test_header_injection(scene: ApiScene, line: str) -> None:
    with scene.live() as live:
        answer = live.say(live.head("GET", "/health", line, "Connection: close"))
        assert answer.split()[1] in (b"200", b"400")
        assert b"set-cookie" not in answer.lower()
        assert b"idempotency" not in answer.lower()


def test_header_injection_by_the_path(scene: ApiScene) -> None:
    answer = scene.web().put(
        "/api/v1/mailboxes/psc%0d%0aSet-Cookie:x=1/token", json={"access_token": "t"}
    )  # fmt: skip
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_request_smuggling_by_two_lengths(scene: ApiScene) -> None:
    with scene.live() as live:
        body = b"0\r\n\r\nGET /api/v1/card HTTP/1.1\r\n\r\n"
        lines = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Transfer-Encoding: chunked")
        answer = live.say(live.head("POST", UNLOCK, *lines), body)
        assert answer.startswith(b"HTTP/1.1 400")
        assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "headers", [{f"X-{n}": "1" for n in range(70)}, {"X-Long": "a" * 17_000}], ids=["many", "long"]
)  # fmt: skip
def test_too_many_or_too_long_headers(scene: ApiScene, headers: dict[str, str]) -> None:
    answer = scene.web().get("/health", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (431, "API_ENTETES_TROP_GROS")


def test_an_endless_path(scene: ApiScene) -> None:
    assert scene.web().get("/" + "a" * 17_000).status_code == 431


def test_a_head_that_is_larger_than_any(scene: ApiScene) -> None:
    with scene.live() as live:
        answer = live.say(live.head("GET", "/health", *[f"X-{n}: {'a' * 8000}" for n in range(10)]))
        assert answer.split()[1] in (b"431", b"400")


# --- paths ---


@pytest.mark.parametrize(
    "path",
    ["/api/v1/mailboxes/../../health", "/api/v1/mailboxes/..%2f..%2fetc%2fpasswd/token",
     "/api/v1/mailboxes/%2e%2e/token", "/api/v1/mailboxes/..\\..\\windows/token", "/api/v1/mailboxes/%00/token",
     "/api/v1/mailboxes/psc;box=other/token", "//evil.example/api/v1/card", "/api/v1/card/", "/API/v1/card",
     "/openapi.json", "/docs", "/api/v1/mailboxes/" + "%27%20OR%201=1--" + "/token"],
)  # fmt: skip
def test_path_parameters_and_traversal(scene: ApiScene, path: str) -> None:
    with scene.live() as live:
        lines = (
            f"Authorization: Bearer {scene.owner.token}", "Content-Type: application/json", "Content-Length: 20",
            "Connection: close",
        )  # fmt: skip
        answer = live.say(live.head("PUT", path, *lines), b'{"access_token":"t"}')
        assert answer.split()[1] in (b"404", b"405"), answer[:200]
        assert b"passwd" not in answer


# --- too big ---


def test_oversize_is_refused_before_a_byte_of_it_is_read(scene: ApiScene) -> None:
    with scene.live() as live:
        lines = ("Content-Type: application/json", "Content-Length: 10000000000")
        with live.connect() as connection:
            connection.sendall(live.head("POST", UNLOCK, *lines))
            answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"API_CORPS_TROP_GROS" in answer


def test_oversize_that_is_sent_all_the_same_is_answered_readably(scene: ApiScene) -> None:
    with scene.live() as live:
        answer = httpx.post(
            f"{live.endpoint.url}{UNLOCK}", content=b" " * 900_000, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "API_CORPS_TROP_GROS")
        assert answer.headers["connection"] == "close"


def test_chunked_oversize(scene: ApiScene) -> None:
    scene.client_token()
    with scene.live() as live:
        answer = httpx.post(
            f"{live.endpoint.url}{UNLOCK}", content=(b" " * 8192 for _ in range(100)),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {scene.owner.token}"},
        )  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (413, "API_CORPS_TROP_GROS")
    assert given(scene) == []


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "1_0", " "])
def test_a_length_that_is_no_number(scene: ApiScene, length: str) -> None:
    with scene.live() as live:
        lines = ("Content-Type: application/json", f"Content-Length: {length}")
        sent = "\r\n".join([f"POST {UNLOCK} HTTP/1.1", f"Host: 127.0.0.1:{live.endpoint.port}", *lines, "", ""])
        assert live.say(sent.encode()).startswith(b"HTTP/1.1 4")


def test_a_small_body_that_unfolds_into_a_huge_one(scene: ApiScene) -> None:
    answer = scene.web(content_encoding="gzip").post(
        UNLOCK, content=b"{}", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 415


# --- too slow, too often ---


def test_slow_loris_in_the_head(scene: ApiScene) -> None:
    with scene.live(head_seconds=0.05) as live, live.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127")
        assert read_all(connection) == b""  # the server hung up; nothing else would end the reading


def test_slow_loris_that_says_nothing(scene: ApiScene) -> None:
    with scene.live(head_seconds=0.05) as live, live.connect() as connection:
        assert read_all(connection) == b""


def test_slow_loris_in_the_second_head(scene: ApiScene) -> None:
    with scene.live(head_seconds=0.05) as live, live.connect() as connection:
        connection.sendall(live.head())
        assert read_answer(connection).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /hea")
        assert read_all(connection) == b""


def test_slow_loris_in_the_body(scene: ApiScene) -> None:
    scene.guard = GuardSettings(port=0, body_seconds=0.05)
    with scene.live() as live, live.connect() as connection:
        lines = (
            f"Authorization: Bearer {scene.owner.token}", "Content-Type: application/json", "Content-Length: 100"
        )  # fmt: skip
        connection.sendall(live.head("POST", UNLOCK, *lines) + b'{"pin":')
        answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"API_TROP_LENT" in answer
    assert given(scene) == []


def test_a_request_that_is_answered_may_take_longer_than_a_head(scene: ApiScene) -> None:
    import threading

    assert scene.cards is not None
    scene.cards.hold = threading.Event()
    with scene.live(head_seconds=0.05) as live:
        threading.Timer(0.2, scene.cards.hold.set).start()
        answer = httpx.post(
            f"{live.endpoint.url}{UNLOCK}", json={"pin": PIN},
            headers={"Authorization": f"Bearer {scene.owner.token}"},
        )  # fmt: skip
        assert answer.status_code == 200


def test_flooding(scene: ApiScene) -> None:
    scene.guard = GuardSettings(
        port=PORT, known=Allowance(per_second=1, burst=3), unknown=Allowance(per_second=0.5, burst=2)
    )
    guest, token = scene.web(None), scene.client_token()
    assert [guest.get("/health").status_code for _ in range(3)] == [200, 200, 429]
    refused = guest.get("/health")
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("API_TROP_DE_REQUETES", "2")
    guest.headers["Authorization"] = f"Bearer {token}"
    assert [guest.get(CARD).status_code for _ in range(4)] == [200, 200, 200, 429]
    guest.headers["Authorization"] = f"Bearer {scene.owner.token}"
    assert guest.get(CARD).status_code == 200  # one client that runs wild takes nothing from another
    scene.clock.advance(1)
    guest.headers["Authorization"] = f"Bearer {token}"
    assert [guest.get(CARD).status_code for _ in range(2)] == [200, 429]


def test_flooding_with_guessed_tokens(scene: ApiScene) -> None:
    scene.guard = GuardSettings(port=PORT, unknown=Allowance(per_second=1, burst=2))
    web = scene.web("mss_owner_" + "a" * 43)
    assert [web.get(CARD).status_code for _ in range(3)] == [401, 401, 429]


# --- other protocols ---


def test_a_websocket(scene: ApiScene) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect) as closed, scene.web().websocket_connect("/api/v1/events"):
        raise AssertionError("a websocket was opened")
    assert closed.value.code == 1008


def test_an_upgrade_on_the_wire_is_an_ordinary_request(scene: ApiScene) -> None:
    with scene.live() as live:
        lines = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x")
        assert live.say(live.head("GET", "/api/v1/events", *lines)).startswith(b"HTTP/1.1 401")


# --- what every answer carries ---


@pytest.mark.parametrize("path", ["/health", CARD, "/nowhere", UNLOCK])
@pytest.mark.parametrize("host", ["127.0.0.1:8723", "evil.example"])
def test_every_answer_tells_the_browser_to_run_embed_and_keep_nothing(scene: ApiScene, path: str, host: str) -> None:
    headers = scene.web(host=host).get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; frame-ancestors 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_the_server_does_not_say_what_it_is_made_of(scene: ApiScene) -> None:
    with scene.live() as live:
        assert b"\r\nserver:" not in live.say(live.head("GET", "/health", "Connection: close")).lower()


def test_a_connection_that_breaks_off_costs_nothing(scene: ApiScene) -> None:
    with scene.live() as live:
        for _ in range(3):
            connection = live.connect()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            connection.sendall(live.head("POST", UNLOCK, "Content-Length: 5"))
            connection.close()
        assert httpx.get(f"{live.endpoint.url}/health").status_code == 200

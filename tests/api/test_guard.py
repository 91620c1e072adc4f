"""Attacks on the local server by a page on the web, and health for everybody on this machine."""

import pytest
from starlette.testclient import TestClient

from connector.api.app import create_app
from connector.api.guard import is_loopback_host
from connector.support.health import Component, Condition

PORT = 8723


def client(tree: Component, host: str = f"127.0.0.1:{PORT}") -> TestClient:
    return TestClient(
        create_app(lambda: tree, port=PORT), base_url=f"http://127.0.0.1:{PORT}", headers={"Host": host}
    )


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8723", "localhost:8723", "LOCALHOST:8723", "[::1]:8723", "[0:0:0:0:0:0:0:1]:8723"]
)
def test_this_machine_is_served(host: str) -> None:
    assert is_loopback_host(host, PORT)
    assert client(Component("connector"), host).get("/health").status_code == 200


@pytest.mark.parametrize(
    "host",
    ["127.evil.example:8723", "localhost.evil.example:8723", "127.0.0.1", "127.0.0.1:80", "0.0.0.0:8723",
     "[::ffff:127.0.0.1]:8723", "127.0.0.1:8723:8723", "[::1", "[::1]x:8723", "::1:8723", "", "evil", "127.0.0.1:",
     "127.0.0.1:٨٧٢٣", "127.0.0.1:987230", "user@127.0.0.1:8723", "2130706433:8723", "127.1:8723"],
)  # fmt: skip
def test_rebound_names_are_refused(host: str) -> None:
    assert not is_loopback_host(host, PORT)


def test_a_rebound_request_gets_nothing_but_a_refusal() -> None:
    answer = client(Component("connector"), "evil.example:8723").get("/health")
    assert answer.status_code == 421
    assert "connector" not in answer.text


def test_port_80_may_be_left_out() -> None:
    assert is_loopback_host("localhost", 80)


def test_two_host_headers_are_refused() -> None:
    twice = [("Host", f"127.0.0.1:{PORT}"), ("Host", f"127.0.0.1:{PORT}")]
    with TestClient(create_app(lambda: Component("connector"), port=PORT)) as web:
        assert web.get("/health", headers=twice).status_code == 421


@pytest.mark.parametrize(
    ("condition", "status"), [(Condition.OK, 200), (Condition.WAITING, 200), (Condition.ERROR, 503)]
)
def test_health_is_the_worst_of_its_parts(condition: Condition, status: int) -> None:
    part = Component("send", condition, "OPERATEUR_INJOIGNABLE", "2026-11-20T09:00:00+00:00", "refused")
    answer = client(Component("connector", parts=(Component("journal"), part))).get("/health")
    assert answer.status_code == status
    assert answer.json()["status"] == condition.value
    assert answer.json()["components"][1]["cure_fr"].startswith("Vérifiez la connexion")

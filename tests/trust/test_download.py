"""Fetching from a real server: bounded in size and time, and never led elsewhere."""

from collections.abc import Iterator

import pytest

from connector.domain.errors import Unavailable
from connector.operators.trust import download
from connector.operators.trust.download import fetch
from tests.trust.trust_scene import ListHost, Web


@pytest.fixture
def web() -> Iterator[Web]:
    with ListHost().running() as running:
        yield running


def refused(address: str, why: str, limit: int = 1000) -> None:
    with pytest.raises(Unavailable, match=rf"TELECHARGEMENT.*{why}"):
        fetch(address, limit)


def test_the_content_comes_as_it_is(web: Web) -> None:
    assert fetch(web.put("/a.crl", b"x" * 1000), 1000) == b"x" * 1000
    gzipped = b"\x1f\x8b\x08 not unpacked"
    assert fetch(web.put("/b.crl", gzipped, Content_Encoding="gzip"), 1000) == gzipped


@pytest.mark.parametrize("status", [403, 404, 429, 500, 304])
def test_another_status_is_a_failure(web: Web, status: int) -> None:
    refused(web.put("/a.crl", b"", status=status), f"status {status}")


def test_too_much_is_refused_before_it_has_come(web: Web) -> None:
    address = web.put("/a.crl", [b"x" * 1001, b"never read"])
    refused(address, "larger than 1000 bytes")
    assert not web.release.is_set()


def test_too_slow_is_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "WHOLE_SECONDS", 0.0)
    refused(web.put("/a.crl", b"x"), "more than 0 s")


def test_a_silent_host_is_given_up(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SILENCE_SECONDS", 0.05)
    refused(web.put("/a.crl", [b"x", b"y"]), "ReadTimeout")


def test_a_content_that_breaks_off_is_a_failure(web: Web) -> None:
    refused(web.put("/a.crl", b"half", Content_Length="8"), "RemoteProtocolError")


def test_the_same_host_may_lead_on(web: Web) -> None:
    web.put("/new.crl", b"content")
    assert fetch(web.put("/old.crl", b"", status=302, Location="/new.crl"), 1000) == b"content"


def test_another_host_is_never_followed(web: Web) -> None:
    web.put("/new.crl", b"content")
    address = web.put("/old.crl", b"", status=302, Location=web.url("/new.crl", "localhost"))
    refused(address, "leads to another host")
    assert web.asked == ["/old.crl"]


def test_circles_end(web: Web) -> None:
    refused(web.put("/a.crl", b"", status=302, Location="/a.crl"), "leads in circles")
    assert len(web.asked) == 4


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_another_way_than_http_is_never_followed(web: Web, location: str) -> None:
    refused(web.put("/a.crl", b"", status=302, Location=location), "")
    assert web.asked == ["/a.crl"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/x", "http://[bad/x", "ldap://x/y", "http://", "nothing"])
def test_what_cannot_be_reached_is_a_failure(address: str) -> None:
    refused(address, "")

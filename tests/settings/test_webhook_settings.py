"""Webhooks lead to this machine, whatever an address looks like."""

from pathlib import Path
from typing import Any

import pytest

from connector.settings.load import InvalidSettings, load_settings
from connector.settings.webhook import LoopbackUrl


def hook(**changes: Any) -> dict[str, Any]:
    return {"name": "lps", "url": "http://127.0.0.1:5005/mss", **changes}


def load(*hooks: dict[str, Any]) -> Any:
    return load_settings({"api": {"webhooks": list(hooks)}}, base=Path("/nowhere")).api.webhooks


def test_there_is_none_by_default() -> None:
    assert load_settings({}, base=Path()).api.webhooks == []


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://127.0.0.1:5005/mss", ("http", "127.0.0.1", 5005, "/mss")),
        ("https://localhost:443", ("https", "localhost", 443, "/")),
        ("http://[::1]:80/a/b?c=d&e", ("http", "::1", 80, "/a/b?c=d&e")),
        ("http://127.0.0.1:1?c=http://evil.example", ("http", "127.0.0.1", 1, "/?c=http://evil.example")),
    ],
)
def test_an_address_of_this_machine_is_taken_apart(url: str, parts: tuple[str, str, int, str]) -> None:
    (found,) = load(hook(url=url))
    assert found.address == LoopbackUrl(*parts)


@pytest.mark.parametrize(
    "url",
    [
        "", "lps", "/mss", "127.0.0.1:5005", "//127.0.0.1:5005/", "ftp://127.0.0.1:5005/", "file:///etc/passwd",
        "http://127.0.0.1/", "http://127.0.0.1:/", "http://127.0.0.1:0/", "http://127.0.0.1:65536/",
        "http://127.0.0.1:x/", "http://127.0.0.1:05005/", "http://127.0.0.1:+5/", "http://127.0.0.1.evil.example:80/",
        "http://evil.example:80/", "http://127.0.0.1:80@evil.example:80/", "http://a@127.0.0.1:80/",
        "http://a:b@127.0.0.1:80/", "http://127.0.0.1:80\\@evil.example:80/", "http://127.0.0.2:80/",
        "http://0.0.0.0:80/", "http://[::]:80/", "http://[::ffff:127.0.0.1]:80/", "http://2130706433:80/",
        "http://0x7f.1:80/", "http://127.1:80/", "http://localhost.:80/", "http://LOCALHOST:80/",
        "http://127.0.0.1:80/#x", "http://127.0.0.1:80/ x", "http://127.0.0.1:80/\tx", "http://127.0.0.1:80/\r\nX: y",
        "http://127.0.0.1:80/é", "http://ⓛocalhost:80/", "http://[::1:80/", "http://[::1%25lo]:80/",
    ],
)  # fmt: skip
def test_any_other_address_is_refused_with_the_key(url: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(hook(url=url))
    (problem,) = caught.value.problems
    assert problem.key == "api.webhooks[0].url"
    assert problem.wrong.en == "is not an address of this machine"


@pytest.mark.parametrize(
    ("hooks", "key"),
    [
        ([hook(), hook()], "api.webhooks"),
        ([hook(name="")], "api.webhooks[0].name"),
        ([hook(name="Dr X")], "api.webhooks[0].name"),
        ([hook(events=[])], "api.webhooks[0].events"),
        ([hook(events=["all"])], "api.webhooks[0].events[0]"),
        ([hook(secret="plain")], "api.webhooks[0].secret"),
        ([hook(name=f"h{n}") for n in range(9)], "api.webhooks"),
    ],
)
def test_other_values_that_do_not_fit_are_named(hooks: list[dict[str, Any]], key: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(*hooks)
    assert [problem.key for problem in caught.value.problems] == [key]


def test_paths_start_at_the_folder_of_the_file() -> None:
    (found,) = load(hook(trust="lps.pem", secret={"file": "lps.secret"}))
    assert (found.trust, found.secret.file) == (Path("/nowhere/lps.pem"), Path("/nowhere/lps.secret"))

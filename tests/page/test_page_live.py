"""News over server-sent events, the way a browser hears them; the worker that draws pages; the command that opens."""

import io
import queue
import struct
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from connector.api import pdf_worker
from connector.api.page.routes import live as live_module
from connector.daemon.endpoint import data_paths, tell_endpoint
from connector.documents.pdf import render_cda_pdf
from tests.api.api_scene import Live
from tests.cli.terminal import Terminal
from tests.documents.pdf.samples import document, section
from tests.page.page_scene import PageScene, open_scene


class Listener:
    """An open stream; its lines arrive in a queue."""

    def __init__(self, client: httpx.Client, url: str) -> None:
        self.lines: queue.Queue[str] = queue.Queue()
        self._client = client
        self._url = url
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        with self._client.stream("GET", self._url, timeout=20) as answer:
            self.status = answer.status_code
            for line in answer.iter_lines():
                self.lines.put(line)
        self.lines.put("END")

    def join(self) -> None:
        self._thread.join(20)

    def until(self, wanted: str) -> str:
        while True:
            line = self.lines.get(timeout=15)
            if wanted in line:
                return line


@contextmanager
def inside(scene: PageScene, live: Live) -> Iterator[tuple[httpx.Client, str]]:
    """A browser with a session."""
    with httpx.Client(base_url=live.endpoint.url, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {scene.owner.token}"}
        url = client.post("/api/v1/page/link", headers=headers).json()["url"]
        yield client, client.get(url).headers["location"].removesuffix("/")


@contextmanager
def listening(scene: PageScene) -> Iterator[tuple[Listener, httpx.Client, str]]:
    with scene.live() as live, inside(scene, live) as (client, root):
        listener = Listener(client, f"{root}/live")
        try:
            yield listener, client, root
        finally:
            client.post(f"{root}/leave", files={"form_token": (None, form_token(client, root))})
            listener.join()


def form_token(client: httpx.Client, root: str) -> str:
    return client.get(f"{root}/card").text.partition('name="form_token" value="')[2].partition('"')[0]


def test_a_change_reaches_an_open_page(scene: PageScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "BEAT_SECONDS", 0.2)
    with listening(scene) as (listener, _, _):
        listener.until("event: hello")
        scene.take()
        listener.until("event: change")
        assert listener.until("data:").startswith(f"data: {scene.journal.last_number()}.")


def test_what_is_not_in_the_journal_is_news_too(scene: PageScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "BEAT_SECONDS", 0.2)
    with listening(scene) as (listener, _, _):
        listener.until("event: hello")
        assert scene.cards is not None
        scene.cards.tokens = ()
        listener.until("event: change")


def test_a_stream_says_that_it_lives_and_ends_with_its_session(
    scene: PageScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "BEAT_SECONDS", 0.1)
    with listening(scene) as (listener, client, root):
        listener.until(": still here")
        token = form_token(client, root)
        assert client.post(f"{root}/leave", files={"form_token": (None, token)}).status_code == 200
        listener.until("event: closed")
        listener.until("END")


def test_too_many_listeners_are_told_not_to_come_back(scene: PageScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "MOST_LISTENERS", 0)
    with scene.live() as live, inside(scene, live) as (client, root):
        assert client.get(f"{root}/live").status_code == 204


# --- the worker that draws ---


def test_the_worker_draws_what_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = document(section("<br/>".join(["ligne"] * 200)))
    pdf = render_cda_pdf(opened.element, opened.document)
    out = io.BytesIO()
    monkeypatch.setattr(pdf_worker, "_limit", lambda: None)  # the limits are for a process of its own
    monkeypatch.setattr(sys, "argv", ["pdf_worker", "1", "1", "300"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pdf)))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out))
    pdf_worker.main()
    pages, length = struct.unpack_from(">II", out.getvalue())
    assert pages >= 2
    assert len(out.getvalue()) == 8 + length


def test_the_worker_may_neither_grow_nor_write_nor_run_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    pdf_worker._limit()
    assert limits[resource.RLIMIT_FSIZE] == (0, 0)
    assert set(limits) == {resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE}


def test_where_a_system_has_no_such_limits_the_time_has_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    pdf_worker._limit()


# --- mss-connector open ---


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[Terminal, PageScene]]:
    """A terminal whose settings lead to a connector that answers."""
    scene = open_scene(tmp_path / "page")
    terminal = Terminal(tmp_path).prepare()
    with scene.live() as live:
        paths = data_paths(terminal.settings)
        paths.root.mkdir(mode=0o700, exist_ok=True)
        endpoint = live.endpoint
        tell_endpoint(
            paths, host=endpoint.host, port=endpoint.port, instance=endpoint.instance, token=endpoint.token
        )  # fmt: skip
        yield terminal, scene
    scene.journal.close()


def test_the_command_opens_the_browser_with_a_link_that_works(
    told: tuple[Terminal, PageScene], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def browser(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", browser)
    monkeypatch.setenv("DISPLAY", ":0")
    result = told[0].run("open")
    assert (result.exit_code, opened[0] in result.output) == (0, False)
    assert httpx.get(opened[0], trust_env=False).status_code == 303


@pytest.mark.parametrize("reason", ["asked", "no screen", "no browser", "broken browser"])
def test_without_a_browser_the_link_is_printed(
    told: tuple[Terminal, PageScene], monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    def browser(_: str) -> bool:
        if reason == "broken browser":
            raise webbrowser.Error("none")
        return False

    monkeypatch.setattr("webbrowser.open", browser)
    monkeypatch.setattr("connector.cli.open.sys.platform", "linux" if reason == "no screen" else "darwin")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = told[0].run("open", *(["--print"] if reason == "asked" else []))
    link = result.output.strip().splitlines()[-1]
    assert httpx.get(link, trust_env=False).status_code == 303


def test_without_a_connector_the_command_says_so(tmp_path: Path) -> None:
    result = Terminal(tmp_path).prepare().run("open")
    assert result.exit_code != 0
    assert "SERVICE_ARRETE" in result.output

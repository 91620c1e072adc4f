"""A person at the terminal of a machine with valid settings, and short ways to bring the journal into a state."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from typer.testing import CliRunner, Result

from connector.api.guard import new_token
from connector.cli import secret_input
from connector.cli.main import app
from connector.client.proof import instance_proof
from connector.daemon.endpoint import data_paths, tell_endpoint
from connector.daemon.store import open_journal
from connector.settings.load import read_settings
from connector.settings.model import Settings
from connector.testing.clock import FakeClock
from tests.journal.journal_builders import BOX, Scene

__all__ = ["SETTINGS", "Terminal", "answering", "healthy_daemon", "serving", "type_at_terminal"]

SETTINGS = f"""
[software]
product_reference = "DEV935997"
data_dir = "data"

[spool]
root = "spool"

[journal]
key_store = "file"

[operators.op]
smtp = {{ host = "127.0.0.1", port = 9 }}
imap = {{ host = "127.0.0.1", port = 9 }}
tls.trust = ["igc.pem"]

[[mailboxes]]
address = "{BOX}"
operator = "op"
given = "Alix"
family = "EXEMPLE"
identity.certificate = "alix.pem"
"""
"""Valid, with all files that it names."""


@dataclass(frozen=True)
class Terminal:
    """Commands are called as ``mss-connector`` would call them."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "connector.toml"

    @property
    def settings(self) -> Settings:
        return read_settings(self.config)

    def prepare(self) -> "Terminal":
        """A self-made certificate, its authority, and settings that name them."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.folder / "igc.pem")
        authority.issue_cert(str(BOX)).private_key_and_cert_chain_pem.write_to_path(self.folder / "alix.pem")
        self.write(SETTINGS)
        return self

    def write(self, settings: str) -> None:
        self.config.write_text(settings, encoding="utf-8")

    def edit(self, old: str, new: str) -> None:
        before = self.config.read_text(encoding="utf-8")
        assert old in before
        self.write(before.replace(old, new))

    def run(self, *arguments: str | Path, lang: str = "fr", config: bool = True) -> Result:
        options = ["--config", str(self.config)] if config else []
        return CliRunner().invoke(app, [*map(str, arguments), *options], env={"MSS_LANG": lang, "COLUMNS": "200"})

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    @contextmanager
    def journal(self) -> Iterator[Scene]:
        """The same journal that the commands open."""
        journal = open_journal(self.settings, actor="test")
        try:
            yield Scene(journal, FakeClock(datetime.now(UTC)), self.folder)
        finally:
            journal.close()

    def submission_of(self, message_id: str) -> str:
        with self.journal() as scene:
            return scene.journal.outgoing(message_id).submission_id


@contextmanager
def serving(respond: Callable[[str, int], bytes], *, status: int = 200) -> Iterator[int]:
    """A server on a free port; ``respond`` gives the body for a path and the port. Yields the port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps the connection

        def do_GET(self) -> None:
            body = respond(self.path, port)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the standard library
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(body: bytes, *, status: int = 200) -> Iterator[int]:
    """A server that gives one and the same answer to everybody."""
    with serving(lambda path, port: body, status=status) as port:
        yield port


@contextmanager
def healthy_daemon(settings: Settings, health: object) -> Iterator[None]:
    """As if a daemon ran for these settings and reported this health, and could prove who it is."""
    instance, token = "test", new_token("owner")

    def respond(path: str, port: int) -> bytes:
        url = urlsplit(path)
        if url.path != "/api/v1/instance":
            return json.dumps(health).encode()
        nonce = parse_qs(url.query)["nonce"][0]
        proof = instance_proof(token, instance=instance, host="127.0.0.1", port=port, nonce=nonce)
        return json.dumps({"product": "x", "version": "0", "instance": instance, "proof": proof}).encode()

    paths = data_paths(settings)
    paths.root.mkdir(exist_ok=True)
    with serving(respond) as port:
        tell_endpoint(paths, host="127.0.0.1", port=port, instance=instance, token=token)
        yield


def type_at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input counts as a terminal without echo; its end is the person who gives up."""

    def read(prompt: str) -> str:
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")

    monkeypatch.setattr(secret_input, "_is_terminal", lambda: True)
    monkeypatch.setattr(secret_input, "getpass", read)

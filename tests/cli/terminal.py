"""A person at the terminal of a machine with valid settings, and short ways to bring the journal into a state."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from typer.testing import CliRunner, Result

from connector.cli.main import app
from connector.daemon.endpoint import data_paths, tell_endpoint
from connector.daemon.store import open_journal
from connector.settings.load import read_settings
from connector.settings.model import Settings
from connector.testing.clock import FakeClock
from tests.journal.journal_builders import BOX, Scene

__all__ = ["SETTINGS", "Terminal", "answering", "healthy_daemon"]

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
def answering(body: bytes, *, status: int = 200) -> Iterator[int]:
    """A server on a free port that gives one and the same answer to everybody; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the standard library
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def healthy_daemon(settings: Settings, health: object) -> Iterator[None]:
    """As if a daemon ran for these settings and reported this health."""
    paths = data_paths(settings)
    paths.root.mkdir(exist_ok=True)
    with answering(json.dumps(health).encode()) as port:
        tell_endpoint(paths, host="127.0.0.1", port=port)
        yield

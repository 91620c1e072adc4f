"""PIN, token and password go through a running connector; afterwards nothing that it wrote or shows holds them."""

import base64
import contextlib
import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.client import Connection, ServiceError, read_endpoint
from connector.daemon.endpoint import data_paths
from connector.demo import Stage, round_trip, stage
from tests.servers.dovecot import Dovecot
from tests.servers.operator import MailOperator

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at the process as Linux shows it"),
]

RIGHT_PIN, WRONG_PIN = "8642", "7391"

MORE = """
[operators.motdepasse]
smtp = {{ host = "localhost", port = {password.smtp_port} }}
imap = {{ host = "localhost", port = {password.imap_port} }}
tls = {{ trust = ["{password.trust}"], revocation = "if_listed" }}

[operators.jeton]
smtp = {{ host = "localhost", port = {token.smtp_port} }}
imap = {{ host = "localhost", port = {token.imap_port} }}
tls = {{ trust = ["{token.trust}"], revocation = "if_listed" }}

[[mailboxes]]
address = "{password_box}"
box = "motdepasse"
kind = "ORG"
entity = "Secretariat"
operator = "motdepasse"
identity = {{ auth = "plain", password = {{ file = "{password_file}" }} }}

[[mailboxes]]
address = "{token_box}"
box = "jeton"
kind = "ORG"
entity = "Secretariat"
operator = "jeton"
identity = {{ auth = "xoauth2" }}
"""


class Secrets:
    """What must not be found, in every form in which it travels."""

    def __init__(self, *, token: str, password: str, mailbox: str) -> None:
        plain = base64.b64encode(f"\0{mailbox}\0{password}".encode()).rstrip(b"=")
        self.long = {"token": token.encode(), "password": password.encode(), "password as SASL PLAIN": plain}
        self.pins = {name: re.compile(rb"(?<![0-9a-fA-F])%s(?![0-9a-fA-F])" % pin.encode()) for name, pin in
                     (("right PIN", RIGHT_PIN), ("wrong PIN", WRONG_PIN))}  # fmt: skip

    def found_in(self, content: bytes) -> list[str]:
        """Names of the secrets in some bytes."""
        long = [name for name, secret in self.long.items() if secret in content]
        return long + [name for name, pattern in self.pins.items() if pattern.search(content)]


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(Dovecot.PASSWORD)
    path.chmod(0o600)
    return path


@pytest.fixture
def scene(
    tmp_path: Path, password: Path, password_operator: MailOperator, token_operator: MailOperator
) -> Iterator[Stage]:
    settings = MORE.format(
        password=password_operator, token=token_operator, password_file=password,
        password_box=password_operator.new_mailbox(), token_box=token_operator.new_mailbox("secretariat"),
    )  # fmt: skip
    with stage(tmp_path / "run", with_card=True, pin=RIGHT_PIN, more_settings=settings) as running:
        yield running


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents; the connector is at work, so one may vanish meanwhile."""
    for parent, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                yield str(Path(parent, name).relative_to(folder)), Path(parent, name).read_bytes()


def test_no_file_holds_a_pin_a_token_or_a_password(
    scene: Stage, token_operator: MailOperator, tmp_path: Path
) -> None:
    endpoint = data_paths(scene.settings).endpoint
    token_box = next(box.address for box in scene.settings.mailboxes if box.box == "jeton")
    password_box = next(box.address for box in scene.settings.mailboxes if box.box == "motdepasse")
    token = token_operator.issuer.token(token_box)
    with Connection(read_endpoint(endpoint)) as connector:
        with pytest.raises(ServiceError, match="PIN_FAUX"):
            connector.unlock_card(WRONG_PIN)
        connector.put_token("jeton", token)

    assert round_trip(scene, lambda *_: None)  # types the right PIN

    with Connection(read_endpoint(endpoint)) as connector:
        waiting = [box.address for box in connector.mailboxes() if box.waiting_for]
        pid = read_endpoint(endpoint).pid
    assert waiting == []
    secrets = Secrets(token=token, password=Dovecot.PASSWORD, mailbox=str(password_box))
    assert secrets.found_in((tmp_path / "password").read_bytes()) == ["password"]  # the search finds what is there
    left = {name: secrets.found_in(content) for name, content in files_below(scene.folder)
            if Path(name).parts[0] not in ("operateur", "carte")}  # fmt: skip
    process = Path(f"/proc/{pid}")
    shown = {name: secrets.found_in((process / name).read_bytes()) for name in ("cmdline", "environ")}
    assert {name: found for name, found in (left | shown).items() if found} == {}


def test_a_crash_leaves_no_image_of_the_memory(scene: Stage) -> None:
    pid = read_endpoint(data_paths(scene.settings).endpoint).pid
    assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
    before = set(Path.cwd().glob("core*"))
    os.kill(pid, signal.SIGABRT)
    assert set(Path.cwd().glob("core*")) == before

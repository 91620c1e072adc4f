"""Where the demonstration plays: an embedded operator, a daemon of its own, a fresh folder."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connector.daemon.endpoint import ask_health
from connector.demo.card import DEMO_PIN, DemoCard, make_card
from connector.demo.waiting import DemoFailed, wait_for
from connector.sandbox.operator import EmbeddedOperator
from connector.settings.load import read_settings
from connector.settings.model import Settings

__all__ = ["COLLEAGUE", "LABORATORY", "PRACTITIONER", "Stage", "stage"]

LABORATORY = "resultats@labo-exemple.mssante.example"
PRACTITIONER = "dr.alix.exemple@cabinet-exemple.mssante.example"
COLLEAGUE = "dr.modele@test.mssante.example"
"""To whom the examples in ``spool/`` are addressed; nobody here reads this mailbox."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demonstration plays."""

    folder: Path
    config: Path
    settings: Settings
    operator: EmbeddedOperator
    card: DemoCard | None = None  # of the practitioner; None: a software certificate

    @property
    def outbox(self) -> Path:
        """Where the laboratory's software drops."""
        return self.settings.spool.root / "labo-exemple" / "A_ENVOYER"

    @property
    def inbox(self) -> Path:
        """Where the practitioner's software reads."""
        return self.settings.spool.root / "alix-exemple" / "RECUS"


@contextmanager
def stage(
    parent: Path, *, with_card: bool = False, pin: str = DEMO_PIN, card: DemoCard | None = None,
    more_settings: str = "",
) -> Iterator[Stage]:  # fmt: skip
    """Start the embedded operator and the daemon in a fresh folder below ``parent``; stop both at the end.

    Args:
        parent: gets a folder for this run.
        with_card: the practitioner has a card (SoftHSM) instead of a software certificate.
        pin: of that card.
        card: another card for the practitioner.
        more_settings: TOML tables after those of the demonstration, such as further mailboxes.

    Raises:
        DemoFailed: the daemon did not start, or SoftHSM is not there.
    """
    folder = _fresh_folder(parent)
    if with_card:
        card = make_card(folder / "carte", PRACTITIONER, pin=pin)
    operator = EmbeddedOperator(
        folder / "operateur", [LABORATORY, PRACTITIONER, COLLEAGUE], cards=card.holders if card else None
    )
    operator.start()
    try:
        config = folder / "connector.toml"
        config.write_text(_settings_text(folder, operator, card) + more_settings, encoding="utf-8")
        settings = read_settings(config)
        environment = card.environment if card else {}
        with _daemon(config, settings, folder / "connecteur.log", environment):
            yield Stage(folder, config, settings, operator, card)
    finally:
        operator.stop()


@contextmanager
def _daemon(config: Path, settings: Settings, log: Path, more: Mapping[str, str]) -> Iterator[None]:
    """The real daemon as its own process, exactly as a person starts it."""
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # Windows: Ctrl-Break reaches the child alone
    command = [sys.executable, "-m", "connector", "run", "--config", str(config)]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdout=output, stderr=output, creationflags=flags, env={**_environment(), **more},
            start_new_session=sys.platform != "win32",
        )  # fmt: skip
        try:
            wait_for("the connector to start", lambda: _has_started(process, settings, log))
            yield
        finally:
            process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _has_started(process: "subprocess.Popen[bytes]", settings: Settings, log: Path) -> bool | None:
    if process.poll() is not None:
        raise DemoFailed(f"the connector stopped at once:\n{log.read_text(encoding='utf-8', errors='replace')}")
    return True if ask_health(settings) else None


def _environment() -> dict[str, str]:
    """The child finds the same package, also from a source tree that is not installed."""
    root = str(Path(__file__).resolve().parents[2])
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


def _fresh_folder(parent: Path) -> Path:
    """A new folder for every run, so that it works again when run twice."""
    stamp = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    for number in range(1, 1000):
        folder = parent / (stamp if number == 1 else f"{stamp}-{number}")
        try:
            folder.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            continue
        return folder.resolve()
    raise DemoFailed(f"no free folder below {parent}")


def _settings_text(folder: Path, operator: EmbeddedOperator, card: DemoCard | None) -> str:
    """The settings of the demonstration; a person may read and change them."""
    return _TEMPLATE.format(
        smtp=operator.smtp_port,
        imap=operator.imap_port,
        trust=json.dumps(str(operator.trust_file)),
        crl=json.dumps(str(operator.crl_file)),
        root=json.dumps(str(folder / "ConnecteurMSS")),
        data=json.dumps(str(folder / "donnees")),
        laboratory=LABORATORY,
        laboratory_certificate=json.dumps(str(operator.client_certificate(LABORATORY))),
        practitioner=PRACTITIONER,
        practitioner_identity=_practitioner_identity(operator, card),
        card=f"[card]\nmodule = {json.dumps(str(card.module))}\n" if card else "",
    )


def _practitioner_identity(operator: EmbeddedOperator, card: DemoCard | None) -> str:
    if card is not None:
        return "{ card = {} }"
    return f"{{ certificate = {json.dumps(str(operator.client_certificate(PRACTITIONER)))} }}"


_TEMPLATE = """\
[software]
product_reference = "DEV000000"
environment = "test"
data_dir = {data}

[api]
port = 0

[spool]
root = {root}

[journal]
key_store = "file"

{card}
[operators.demo]
smtp = {{ host = "127.0.0.1", port = {smtp} }}
imap = {{ host = "127.0.0.1", port = {imap} }}
sent_folder = "Sent"
files_sent_messages = true
poll_seconds = 30
tls = {{ trust = [{trust}], crl = [{crl}] }}

[[mailboxes]]
address = "{laboratory}"
box = "labo-exemple"
kind = "APP"
entity = "Laboratoire Exemple"
reply_to_self = true
operator = "demo"
identity = {{ certificate = {laboratory_certificate} }}

[[mailboxes]]
address = "{practitioner}"
box = "alix-exemple"
kind = "PER"
title = "Dr"
given = "Alix"
family = "EXEMPLE"
entity = "Cabinet Exemple"
operator = "demo"
identity = {practitioner_identity}
"""

"""The demonstration: an operator, the connector and one document, on this machine and without any account.

A laboratory drops a CDA document in its outbox folder; the connector wraps it, sends it to the embedded operator,
fetches it for the practitioner and delivers it in the inbox folder. Each step is told when it really happened: the
story is read from the journal, the folders and the operator, not from a script.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from importlib import resources
from pathlib import Path
from typing import TypeVar

from connector.daemon.endpoint import ask_health
from connector.daemon.store import open_journal
from connector.domain.states import OutgoingState
from connector.journal.journal import Journal
from connector.journal.records import SubmissionView
from connector.sandbox.operator import EmbeddedOperator
from connector.settings.load import read_settings
from connector.settings.model import Settings

__all__ = ["DemoFailed", "Stage", "round_trip", "stage"]

LABORATORY = "resultats@labo-exemple.mssante.example"
PRACTITIONER = "dr.alix.exemple@cabinet-exemple.mssante.example"
COLLEAGUE = "dr.modele@test.mssante.example"
"""To whom the examples in ``spool/`` are addressed; nobody here reads this mailbox."""

PATIENCE_SECONDS = 60.0
_Found = TypeVar("_Found")
Tell = Callable[[str, str, Path | None], None]


class DemoFailed(Exception):
    """The story did not come to its end."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demonstration plays."""

    folder: Path
    config: Path
    settings: Settings
    operator: EmbeddedOperator

    @property
    def outbox(self) -> Path:
        """Where the laboratory's software drops."""
        return self.settings.spool.root / "labo-exemple" / "A_ENVOYER"

    @property
    def inbox(self) -> Path:
        """Where the practitioner's software reads."""
        return self.settings.spool.root / "alix-exemple" / "RECUS"


@contextmanager
def stage(parent: Path) -> Iterator[Stage]:
    """Start the embedded operator and the daemon in a fresh folder below ``parent``; stop both at the end.

    Raises:
        DemoFailed: the daemon did not start.
    """
    folder = _fresh_folder(parent)
    operator = EmbeddedOperator(folder / "operateur", [LABORATORY, PRACTITIONER, COLLEAGUE])
    operator.start()
    try:
        config = folder / "connector.toml"
        config.write_text(_settings_text(folder, operator), encoding="utf-8")
        settings = read_settings(config)
        with _daemon(config, settings, folder / "connecteur.log"):
            yield Stage(folder, config, settings, operator)
    finally:
        operator.stop()


def round_trip(scene: Stage, tell: Tell) -> bool:
    """Drop the sample document and follow it until it is delivered.

    Args:
        scene: from :func:`stage`.
        tell: called with a French and an English sentence and, where there is one, the path of the file.

    Returns:
        True when the delivered document is identical, byte for byte, to the dropped one.

    Raises:
        DemoFailed: a step did not happen in a minute.
    """
    dropped = _drop(scene, tell)
    journal = open_journal(scene.settings, actor="demo")
    try:
        _follow_sending(scene, journal, tell)
    finally:
        journal.close()
    delivered = _follow_delivery(scene, tell)
    same = delivered.read_bytes() == dropped
    tell(
        "Le document livré est identique à l'octet près." if same else "Le document livré est DIFFÉRENT.",
        "The delivered document is identical, byte for byte." if same else "The delivered document DIFFERS.",
        None,
    )
    return same


def _drop(scene: Stage, tell: Tell) -> bytes:
    """What a laboratory system does: the document, then its sidecar, each renamed into place."""
    document = _sample("cr-biologie-v1.xml")
    sidecar = {"version": 1, "reference": "REQ0417", "destinataires": [{"adresse": PRACTITIONER}]}
    for name, content in (("REQ0417.xml", document), ("REQ0417.mss.json", json.dumps(sidecar).encode())):
        part = scene.outbox / f"{name}.tmp"
        part.write_bytes(content)
        part.rename(scene.outbox / name)
    tell(
        "déposé par le logiciel du laboratoire", "dropped by the laboratory's software", scene.outbox / "REQ0417.xml"
    )
    return document


def _follow_sending(scene: Stage, journal: Journal, tell: Tell) -> None:
    view = _wait_for("the drop to be taken", lambda: next(iter(journal.submissions(limit=1)), None))
    tell("pris : le document est dans le journal", "taken: the document is in the journal", None)
    order = list(OutgoingState)

    def has_reached(state: OutgoingState) -> SubmissionView | None:
        current = journal.submission(view.id)
        states = [message.state for message in current.messages]
        refused = {OutgoingState.REJECTED, OutgoingState.FAILED, OutgoingState.BOUNCED} & set(states)
        if refused:
            raise DemoFailed(f"the message ended as {refused.pop().value}: {current.messages[0].detail}")
        return current if all(order.index(s) >= order.index(state) for s in states) else None

    _wait_for("the message to be wrapped", lambda: has_reached(OutgoingState.PREPARED))
    tell("emballé en IHE_XDM.zip avec son PDF/A-1", "wrapped in IHE_XDM.zip with its PDF/A-1", None)
    _wait_for("the operator to accept", lambda: has_reached(OutgoingState.SENT))
    sent = scene.settings.spool.root / "labo-exemple" / "ENVOYES"
    filed = _wait_for("the drop to be filed", lambda: next(iter(sorted(sent.rglob("REQ0417.xml"))), None))
    tell("envoyé : l'opérateur a répondu 250", "sent: the operator answered 250", filed)
    _tell_message(scene, tell)


def _tell_message(scene: Stage, tell: Tell) -> None:
    """What the recipient's operator holds."""
    raw = _wait_for("the message at the operator", lambda: next(iter(scene.operator.messages(PRACTITIONER)), None))
    message = message_from_bytes(raw, policy=policy.default)
    names = ", ".join(part.get_filename() or "" for part in message.iter_attachments())
    tell(f"reçu par l'opérateur : « {message['Subject']} »", f"at the operator: “{message['Subject']}”", None)
    tell(f"pièces jointes : {names}", f"attachments: {names}", None)


def _follow_delivery(scene: Stage, tell: Tell) -> Path:
    index = _wait_for("the delivery", lambda: next(iter(sorted(scene.inbox.glob("*.mss.json"))), None))
    content = json.loads(index.read_text(encoding="utf-8"))
    tell("livré dans le dossier du médecin", "delivered in the practitioner's folder", index)
    for piece in content["fichiers"]:
        tell(f"  {piece['role']}, {piece['taille']} octets", f"  {piece['role']}, {piece['taille']} bytes",
             scene.inbox / piece["nom"])  # fmt: skip
    names: list[str] = [piece["nom"] for piece in content["fichiers"] if piece["role"] == "cda"]
    if len(names) != 1:
        raise DemoFailed(f"{len(names)} documents were delivered")
    return scene.inbox / names[0]


def _wait_for(what: str, look: Callable[[], _Found | None]) -> _Found:
    """Look until something is there; a person is watching, so a look every tenth of a second is enough."""
    end = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        pause.wait(0.1)
    raise DemoFailed(f"waited {PATIENCE_SECONDS:.0f} s for {what}")


@contextmanager
def _daemon(config: Path, settings: Settings, log: Path) -> Iterator[None]:
    """The real daemon as its own process, exactly as a person starts it."""
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # Windows: Ctrl-Break reaches the child alone
    command = [sys.executable, "-m", "connector", "run", "--config", str(config)]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdout=output, stderr=output, creationflags=flags, env=_environment(),
            start_new_session=sys.platform != "win32",
        )  # fmt: skip
        try:
            _wait_for("the connector to start", lambda: _has_started(process, settings, log))
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
    root = str(Path(__file__).resolve().parents[1])
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


def _sample(name: str) -> bytes:
    return (resources.files("connector.sandbox") / "samples" / name).read_bytes()


def _settings_text(folder: Path, operator: EmbeddedOperator) -> str:
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
        practitioner_certificate=json.dumps(str(operator.client_certificate(PRACTITIONER))),
    )


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
identity = {{ certificate = {practitioner_certificate} }}
"""

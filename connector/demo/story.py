"""The story: each step is told when it really happened, read from the journal, the folders and the operator."""

import json
from collections.abc import Callable
from email import message_from_bytes, policy
from importlib import resources
from pathlib import Path

from connector.daemon.store import open_journal
from connector.demo.card import insert_card
from connector.demo.stage import PRACTITIONER, Stage
from connector.demo.waiting import DemoFailed, wait_for
from connector.domain.states import OutgoingState
from connector.journal.journal import Journal
from connector.journal.records import SubmissionView

__all__ = ["round_trip"]

Tell = Callable[[str, str, Path | None], None]


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
    _open_card(scene, tell)
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
    view = wait_for("the drop to be taken", lambda: next(iter(journal.submissions(limit=1)), None))
    tell("pris : le document est dans le journal", "taken: the document is in the journal", None)
    order = list(OutgoingState)

    def has_reached(state: OutgoingState) -> SubmissionView | None:
        current = journal.submission(view.id)
        states = [message.state for message in current.messages]
        refused = {OutgoingState.REJECTED, OutgoingState.FAILED, OutgoingState.BOUNCED} & set(states)
        if refused:
            raise DemoFailed(f"the message ended as {refused.pop().value}: {current.messages[0].detail}")
        return current if all(order.index(s) >= order.index(state) for s in states) else None

    wait_for("the message to be wrapped", lambda: has_reached(OutgoingState.PREPARED))
    tell("emballé en IHE_XDM.zip avec son PDF/A-1", "wrapped in IHE_XDM.zip with its PDF/A-1", None)
    wait_for("the operator to accept", lambda: has_reached(OutgoingState.SENT))
    sent = scene.settings.spool.root / "labo-exemple" / "ENVOYES"
    filed = wait_for("the drop to be filed", lambda: next(iter(sorted(sent.rglob("REQ0417.xml"))), None))
    tell("envoyé : l'opérateur a répondu 250", "sent: the operator answered 250", filed)
    _tell_message(scene, tell)


def _tell_message(scene: Stage, tell: Tell) -> None:
    """What the recipient's operator holds."""
    raw = wait_for("the message at the operator", lambda: next(iter(scene.operator.messages(PRACTITIONER)), None))
    message = message_from_bytes(raw, policy=policy.default)
    names = ", ".join(part.get_filename() or "" for part in message.iter_attachments())
    tell(f"reçu par l'opérateur : « {message['Subject']} »", f"at the operator: “{message['Subject']}”", None)
    tell(f"pièces jointes : {names}", f"attachments: {names}", None)


def _follow_delivery(scene: Stage, tell: Tell) -> Path:
    index = wait_for("the delivery", lambda: next(iter(sorted(scene.inbox.glob("*.mss.json"))), None))
    content = json.loads(index.read_text(encoding="utf-8"))
    tell("livré dans le dossier du médecin", "delivered in the practitioner's folder", index)
    for piece in content["fichiers"]:
        tell(f"  {piece['role']}, {piece['taille']} octets", f"  {piece['role']}, {piece['taille']} bytes",
             scene.inbox / piece["nom"])  # fmt: skip
    names: list[str] = [piece["nom"] for piece in content["fichiers"] if piece["role"] == "cda"]
    if len(names) != 1:
        raise DemoFailed(f"{len(names)} documents were delivered")
    return scene.inbox / names[0]


def _open_card(scene: Stage, tell: Tell) -> None:
    """The practitioner's mailbox has waited for the PIN until now; nothing was tried without it."""
    if scene.card is None:
        return
    holder, issuer = insert_card(scene.settings, scene.card)
    tell(
        f"carte lue : {holder}, certificat émis par {issuer} ; la boîte attendait son code",
        f"card read: {holder}, certificate issued by {issuer}; the mailbox was waiting for its PIN",
        None,
    )
    tell(
        "code accepté : la carte signe l'ouverture de la session, la clé reste sur la carte",
        "PIN accepted: the card signs the opening of the session, the key stays on the card",
        None,
    )


def _sample(name: str) -> bytes:
    return (resources.files("connector.sandbox") / "samples" / name).read_bytes()

"""Rules of Ref#2 that are true of the source or the settings as a whole; all others are shown in their own room."""

import ast
from pathlib import Path

import pytest
from pydantic import ValidationError

from connector.domain.limits import Limits
from connector.intake.assemble import ClaimedDrop, assemble
from connector.sandbox.samples import sample
from connector.settings.model import TlsSettings
from connector.settings.reception import AfterDelivery, ReceptionSettings
from tests.exchange.exchange_scene import LAB, PATIENT, Scene, sample_file
from tests.intake.bench import loose_desk, mailbox_settings

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = [
    path
    for path in sorted((ROOT / "connector").rglob("*.py"))
    if not {"sandbox", "testing"} & set(path.relative_to(ROOT).parts)
]
DELETING = {"expunge", "uid_expunge", "delete_messages", "delete_folder", "move", "set_flags"}
CONTEXT_MAKERS = {"SSLContext", "create_default_context", "_create_unverified_context"}
NEVER_CONNECTED = {  # contexts that show whether something works at all, in memory
    "connector/identities/base.py", "connector/identities/tls_key/self_check.py",
    "connector/support/doctor/checks/card.py",
}  # fmt: skip
THIS_MACHINE = {  # contexts for programs of this machine: no member of the space of trust is at the other end
    "connector/daemon/webhook_post.py", "connector/daemon/mllp.py", "connector/daemon/mllp_answers.py",
}  # fmt: skip


def test_tls_below_1_2_can_not_be_asked_for() -> None:
    """Ref#2 ECO.1.1.1."""
    assert TlsSettings().minimum == "1.2"
    for version in ("1.0", "1.1"):
        with pytest.raises(ValidationError):
            TlsSettings.model_validate({"minimum": version})


def test_messages_are_deleted_on_the_server_in_one_place_and_only_by_name() -> None:
    """Retention is the operator's and the person's: we mark what is done, and move or delete it only when told to."""
    called = {
        (path.name, node.func.attr)
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DELETING
    }
    assert called == {("tidying.py", "move"), ("tidying.py", "uid_expunge")}
    assert {path.name for path in PRODUCT if 'rb"\\Deleted"' in path.read_text(encoding="utf-8")} == {"tidying.py"}
    assert ReceptionSettings().after_delivery is AfterDelivery.SEEN


def test_no_connection_is_made_around_the_trust_of_the_space() -> None:
    """Ref#2 ECO.1.1.10: the one place that makes a TLS context for a connection knows the authorities."""
    makers = {
        path.relative_to(ROOT).as_posix()
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in CONTEXT_MAKERS
    }
    assert makers - NEVER_CONNECTED - THIS_MACHINE == {"connector/operators/tls.py"}


def test_the_contexts_that_are_made_elsewhere_never_see_a_network() -> None:
    for path in NEVER_CONNECTED:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert "socket" not in text


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("accuse_lecture", f"Disposition-Notification-To: {LAB}"),  # ECO.2.3.2
        ("accuse_reception", f"Return-Receipt-To: {LAB}"),  # ECO.2.3.1
        ("sans_reponse", "X-MSS-MES: FIN"),  # ECO.2.2.8
        ("urgent", "X-Priority: 1"),
    ],
)
def test_what_a_sidecar_asks_for_stands_in_the_message_and_only_then(tmp_path: Path, option: str, line: str) -> None:
    scene = Scene(tmp_path)
    for wish in ("true", "false"):
        sidecar = f'{{"destinataires": ["a@x.mssante.fr"], "options": {{"{option}": {wish}}}}}'.encode()
        files = (("X.xml", sample("cr-consultation-n1.xml")), ("X.mss.json", sidecar))
        drop = ClaimedDrop("01TEST00000000000000000001", "X", files)
        options = assemble(drop, loose_desk(mailbox_settings()), Limits()).options
        submission = scene.take(sample_file("cr-consultation-n1.xml"), to=(PATIENT,), options=options)
        scene.prepare()
        (content,) = scene.frozen_bytes(submission)
        assert (line.encode() in content.splitlines()) == (wish == "true")
    scene.journal.close()

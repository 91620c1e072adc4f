"""The example tree in ``spool/`` is what the connector really takes and really writes.

To make it anew after a change on purpose: ``python -m tests.intake.test_spool_examples``.
"""

import hashlib
import tempfile
from pathlib import Path

import pytest

from connector.delivery.inbox import Inbox
from connector.documents.cda.parse import parse_cda
from connector.domain.limits import Limits
from connector.domain.states import OutgoingState
from connector.exchange.arrival import Arrival, ArrivalDocument, ArrivalPerson
from connector.intake.sidecar import read_sidecar
from connector.sandbox.samples import sample, sample_names
from tests.intake.bench import CDA, PARIS, Bench
from tests.intake.conftest import MakeBench

EXAMPLE = Path(__file__).resolve().parents[2] / "spool" / "exemple"
DROPS = EXAMPLE / "A_ENVOYER"


def expected(bench: Bench) -> dict[str, bytes]:
    """What the connector writes for the laboratory report, for a file of an unknown format, and for an arrival."""
    for name in ("cr-biologie-v1.xml", "cr-biologie-v1.mss.json"):
        bench.drop(name, (DROPS / name).read_bytes())
    bench.scan()
    bench.send()
    bench.drop("courrier.docx", b"\x00anything")
    bench.settle()
    bench.reporter.run_once()
    Inbox(bench.mailbox, bench.layout, zone=PARIS).deliver(arrival(bench))
    wanted = ("STATUTS", "ERREURS", "RECUS")
    found = {
        f"{folder}/{name}": bench.layout.box / folder / name for folder in wanted for name in bench.names(folder)
    }
    return {name: path.read_bytes() for name, path in found.items() if not name.endswith(".docx")}


def arrival(bench: Bench) -> Arrival:
    document = ArrivalDocument(
        header=parse_cda(CDA), content=CDA, sha256=hashlib.sha256(CDA).hexdigest(), file_name="DOC00001.XML",
        label="CR-BIO",
    )  # fmt: skip
    return Arrival(
        incoming_id="01TEST00000000000007K3QF2X", received_at=bench.clock.now(), mailbox=bench.mailbox.address,
        sender=ArrivalPerson("labo@test.mssante.example", "Laboratoire fictif des Essais"),
        sender_kind="professional", recipients=(ArrivalPerson(str(bench.mailbox.address)),),
        subject_raw="XDM/1.0/DDM+CR d'examens biologiques", subject_display="CR d'examens biologiques",
        date=bench.clock.now(), message_id="<01TEST@test.mssante.example>", body="Bonjour, ci-joint le compte rendu.",
        documents=(document,), size_bytes=184_320,
    )  # fmt: skip


def test_what_is_shown_is_what_is_written(bench: Bench) -> None:
    shown = {
        str(path.relative_to(EXAMPLE)): path.read_bytes()
        for folder in ("STATUTS", "ERREURS", "RECUS")
        for path in (EXAMPLE / folder).iterdir()
    }
    assert shown == expected(bench)


def test_every_example_drop_is_taken(make_bench: MakeBench) -> None:
    bench = make_bench(default_recipients=[])
    for path in DROPS.iterdir():
        bench.drop(path.name, path.read_bytes())
    assert bench.scan() == 3
    assert bench.scan(after=2.0) == 1, "nothing in an INI file says where it ends"
    views = bench.submissions()
    assert {view.source_name for view in views} == {
        "LOT-0001", "cr-autopresentable", "cr-biologie-v1", "cr-consultation-n1",
    }  # fmt: skip
    assert {m.state for view in views for m in view.messages} == {OutgoingState.RECEIVED}
    assert [len(view.files) for view in views if view.source_name == "LOT-0001"] == [3]
    assert {view.warnings for view in views} == {()}
    assert bench.names("A_ENVOYER") == []
    assert bench.names("ERREURS") == []


@pytest.mark.parametrize("name", [name for name in sample_names() if (DROPS / name).exists()])
def test_the_example_documents_are_those_of_the_demo(name: str) -> None:
    assert (DROPS / name).read_bytes() == sample(name)


def test_the_sidecars_in_the_contract_are_read_without_a_warning() -> None:
    text = (EXAMPLE.parents[1] / "docs" / "folders.md").read_text("utf-8")
    for language, suffix in (("json", ".json"), ("ini", ".ini"), ("xml", ".xml")):
        block = text.split(f"```{language}\n", 1)[1].split("```", 1)[0]
        sidecar = read_sidecar(f"X.mss{suffix}", block.encode("utf-8"), Limits())
        assert sidecar.unknown_keys == ()
        assert sidecar.recipients


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        for file_name, content in expected(Bench.make(Path(temporary))).items():
            (EXAMPLE / file_name).parent.mkdir(exist_ok=True)
            (EXAMPLE / file_name).write_bytes(content)

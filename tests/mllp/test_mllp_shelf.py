"""A refused message where the person finds it: in ``ERREURS`` of its mailbox, once, also after a crash."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.daemon.mailbox import Shared
from connector.daemon.mllp import MllpLoop, make_mllp
from connector.daemon.supervisor import Supervisor
from connector.domain.ports import watch_steps
from connector.identities import IdentityServices
from connector.intake.desk import DeskMaker
from connector.intake.layout import KnownFolders
from connector.operators.trust import Trust
from connector.platform.keystore import resolve_secret
from connector.platform.paths import DataPaths
from connector.settings.mllp import MllpSettings
from connector.settings.model import Settings, SpoolSettings
from tests.hl7.hl7_messages import FLAGS, mdm
from tests.intake.bench import Bench
from tests.mllp.test_hl7_folder_answers import Killed, die_at
from tests.mllp.test_mllp_listener import code

WRONG = mdm(flags={**FLAGS, "MASQUE_PS": "Y"})


class Office:
    """One mailbox with its folders, and the listener as the daemon makes it."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench.make(folder)
        self.folder = folder

    def listener(self) -> MllpLoop:
        bench = self.bench
        settings = Settings.model_construct(
            spool=SpoolSettings(root=bench.root), mllp=MllpSettings(enabled=True, port=0), mailboxes=[bench.mailbox]
        )
        shared = Shared(
            settings=settings, journal=bench.journal, clock=bench.clock, ids=bench.ids,
            supervisor=Supervisor(bench.clock), known_folders=KnownFolders(self.folder / "known.json"),
            identities=IdentityServices(read_secret=resolve_secret, clock=bench.clock),
            desks=DeskMaker(settings, journal=bench.journal, clock=bench.clock, ids=bench.ids), owner="test",
            prepare_bells=(), trust=Trust.from_files_only(),
        )  # fmt: skip
        return make_mllp(settings, shared, DataPaths(self.folder / "data"))

    def errors(self) -> list[str]:
        return self.bench.names("ERREURS")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    assert made.bench.journal.violations() == []
    made.bench.journal.close()


def said(loop: MllpLoop, message: bytes = WRONG) -> tuple[str, str, list[str]]:
    answer = loop.answer(message)
    assert answer is not None
    return code(answer)


def test_it_stands_in_the_folder_with_its_note_and_in_the_list(office: Office) -> None:
    assert said(office.listener()) == ("AE", "MSG0001", ["207"])
    assert office.errors() == ["MSG0001.erreur.txt", "MSG0001.hl7"]
    (refused,) = office.bench.journal.refused_drops()
    assert (refused.code, refused.files) == ("HL7_DOCUMENT_MASQUE", ("MSG0001.hl7",))
    assert office.bench.work() == []
    assert (office.bench.layout.errors / "MSG0001.hl7").read_bytes() == WRONG


def test_a_sender_that_repeats_it_fills_no_disk_also_after_a_restart(office: Office) -> None:
    for _ in range(3):
        said(office.listener())
        office.bench.clock.advance(60)
    assert office.errors() == ["MSG0001.erreur.txt", "MSG0001.hl7"]
    assert len(office.bench.journal.refused_drops()) == 1


def test_ten_senders_at_once_do_not_write_over_each_other(office: Office) -> None:
    loop = office.listener()
    messages = [WRONG.replace(b"ANNE MARIE", f"ANNE {number}".encode()) for number in range(10)]
    threads = [threading.Thread(target=said, args=(loop, message)) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    files = [name for name in office.errors() if name.endswith(".hl7")]
    assert sorted((office.bench.layout.errors / name).read_bytes() for name in files) == sorted(messages)
    assert len([name for name in office.errors() if name.endswith(".erreur.txt")]) == 10


@pytest.mark.parametrize("step", ["claim.refused", "claim.filed"])
@pytest.mark.parametrize("who", ["sender", "folder"])
def test_after_a_crash_it_is_finished_once_by_whoever_comes_first(office: Office, step: str, who: str) -> None:
    watch_steps(die_at(step))
    try:
        with pytest.raises(Killed):
            said(office.listener())
    finally:
        watch_steps(None)
    finish: dict[str, Callable[[], object]] = {
        "sender": lambda: said(office.listener()), "folder": office.bench.again().outbox.recover,
    }  # fmt: skip
    finish[who]()
    said(office.listener())
    office.bench.again().outbox.recover()
    assert office.errors() == ["MSG0001.erreur.txt", "MSG0001.hl7"]
    assert len(office.bench.journal.refused_drops()) == 1
    assert office.bench.names("A_ENVOYER") == []
    assert office.bench.work() == []


def test_a_spool_that_is_away_changes_nothing_for_the_sender_and_it_is_shown_later(office: Office) -> None:
    marker = office.bench.layout.root / ".connecteur-mss"
    hidden = marker.rename(marker.with_suffix(".away"))
    loop = office.listener()
    assert said(loop)[0] == "AE"
    assert office.errors() == []
    hidden.rename(marker)
    said(loop)
    assert office.errors() == ["MSG0001.erreur.txt", "MSG0001.hl7"]

"""Files of several drops appear, grow and are renamed in any order, with a scan between any two steps.

Whatever the order: never a truncated document, never half a drop, never a file in two drops, and everything is taken
once the writers are done. What each readiness demands of a writer is the contract of ``docs/folders.md``:
``accompagne`` nothing at all, ``drapeau`` that the flag of a drop of several files comes last, ``stable`` that the
sidecar comes first.
"""

import hashlib
import json
import shutil
import tempfile
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connector.domain.states import OutgoingState
from connector.domain.submission import FileRole, Submission
from connector.intake.layout import KnownFolders, establish
from connector.intake.outbox import Outbox
from connector.journal.records import RefusedDrop, Taken
from connector.journal.requests import RequestKey
from connector.settings.model import SpoolSettings
from connector.testing.clock import CountingIds, FakeClock
from tests.intake.bench import loose_desk, mailbox_settings
from tests.intake.lot_samples import index_of

Files = dict[str, bytes]


def cda(word: str) -> bytes:
    """Enough of a document for its folder."""
    text = f'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>{word}</title>'
    return (text + "<!-- " + word * 20 + " --></ClinicalDocument>").encode()


def pdf(word: str) -> bytes:
    """Without the line end that may follow: a PDF is whole before it."""
    return b"%PDF-1.4\n" + word.encode() * 20 + b"\n%%EOF"


def sidecar(*names: str, **hashed: bytes) -> bytes:
    """A sidecar that lists files; of some it also gives the hash (by name without extension)."""
    hashes = {f"{name}.xml": hashlib.sha256(content).hexdigest() for name, content in hashed.items()}
    return json.dumps({"version": 1, "reference": "R", "fichiers": [*names, *hashes], "sha256": hashes}).encode()


@dataclass
class Writer:
    """One file on its way into the folder."""

    name: str
    content: bytes
    by_rename: bool
    after: list["Writer"] = field(default_factory=list)  # those that have to be finished before
    written: int = 0
    is_done: bool = False

    @property
    def may_start(self) -> bool:
        return all(other.is_done for other in self.after)

    def step(self, folder: Path, size: int) -> None:
        """Write some more; a flag is there at once."""
        place = folder / (f"{self.name}.part" if self.by_rename else self.name)
        with place.open("ab") as file:
            file.write(self.content[self.written : self.written + size])
        self.written += size
        if self.written >= len(self.content):
            self.is_done = True
            if self.by_rename:
                place.rename(folder / self.name)


@dataclass
class FakeJournal:
    taken: dict[str, Submission] = field(default_factory=dict)
    refused: list[RefusedDrop] = field(default_factory=list)

    def take(
        self, submission: Submission, *, deadline_at: datetime, duplicate_hours: float,
        request: RequestKey | None = None,
    ) -> Taken:  # fmt: skip
        assert deadline_at > submission.created_at
        assert duplicate_hours == 24
        assert submission.id not in self.taken, "taken twice"
        self.taken[submission.id] = submission
        return Taken(submission.id, submission.id, OutgoingState.RECEIVED)

    def has_submission(self, submission_id: str) -> bool:
        return submission_id in self.taken

    def refuse_drop(self, drop: RefusedDrop) -> None:
        self.refused.append(drop)


def accompanied(luck: st.DataObject) -> list[list[Writer]]:
    """Everything in any order; an index alone comes by rename, since nothing in a table says where it ends.

    Of two names that differ by case only, the hash says which is which while one of them is not there yet.
    """
    accent = "Hélène"
    drops: list[Files] = [
        {"X.xml": cda("x"), "X.pdf": pdf("x"), "X.mss.json": sidecar("X.xml", "X.pdf")},
        {"LOT.mss.json": sidecar("one.xml", "TWO.XML"), "one.xml": cda("one"), "two.xml": cda("two")},
        {unicodedata.normalize("NFD", f"{accent}.xml"): cda("h"), f"{accent}.mss.json": sidecar(f"{accent}.xml")},
        {"Case.xml": cda("C"), "Case.mss.json": sidecar(Case=cda("C"))},
        {"case.xml": cda("c"), "case.mss.json": sidecar(case=cda("c"))},
    ]
    writers = [[Writer(name, content, luck.draw(st.booleans())) for name, content in drop.items()] for drop in drops]
    batch = {"l1.xml": cda("l1"), "l2.xml": cda("l2"), "l2.pdf": pdf("l2")}
    index = Writer("INDEX.mss.csv", index_of("l1.xml", "L2.xml"), by_rename=True)
    index.after = [Writer("l2.pdf", batch["l2.pdf"], luck.draw(st.booleans()))]  # a copy that no line names
    lines = [Writer(name, batch[name], luck.draw(st.booleans())) for name in ("l1.xml", "l2.xml")]
    return [*writers, [*lines, *index.after, index]]


def flagged(luck: st.DataObject) -> list[list[Writer]]:
    """One document and its flag in any order; of several files the flag comes last."""
    alone = [[("a.xml", cda("a")), ("A.OK", b"")], [("b.xml", cda("b")), ("b.xml.ok", b"")],
             [("c.d.xml", cda("c")), ("c.d.fin", b"")]]  # fmt: skip
    drops = [[Writer(name, content, luck.draw(st.booleans())) for name, content in drop] for drop in alone]
    several = [Writer("X.xml", cda("x"), by_rename=False), Writer("X.pdf", pdf("x"), by_rename=True)]
    several.append(Writer("X.mss.json", sidecar(), luck.draw(st.booleans())))
    return [*drops, [*several, Writer("X.flag", b"", luck.draw(st.booleans()), after=list(several))]]


def settled(luck: st.DataObject) -> list[list[Writer]]:
    """The sidecar first, or one document alone, however long its writer pauses."""
    drops = []
    for base in ("X", "y.z", "É"):
        head = Writer(f"{base}.mss.json", sidecar(f"{base}.xml", f"{base}.pdf"), luck.draw(st.booleans()))
        rest = [(f"{base}.xml", cda(base)), (f"{base}.pdf", pdf(base))]
        followers = [Writer(name, content, luck.draw(st.booleans()), after=[head]) for name, content in rest]
        drops.append([head, *followers])
    alone = [Writer(f"alone{n}.xml", cda(f"alone{n}"), luck.draw(st.booleans())) for n in range(2)]
    return [*drops, *([writer] for writer in alone)]


WORLDS = {"accompagne": accompanied, "drapeau": flagged, "stable": settled}


class Drops(RuleBasedStateMachine):
    """Writers and scans in any order."""

    @initialize(readiness=st.sampled_from(sorted(WORLDS)), data=st.data())
    def begin(self, readiness: str, data: st.DataObject) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="drops-"))
        mailbox = mailbox_settings(readiness=readiness, incomplete_minutes=1e6)
        self.layout = establish(SpoolSettings(root=self.folder / "s"), mailbox, KnownFolders(self.folder / "k.json"))
        self.journal, self.clock = FakeJournal(), FakeClock()
        self.box = Outbox(
            mailbox, self.layout, journal=self.journal, clock=self.clock, ids=CountingIds(1),
            desk=lambda: loose_desk(mailbox),
        )  # fmt: skip
        self.drops = WORLDS[readiness](data)
        self.checked = 0

    @rule(data=st.data(), size=st.integers(1, 400))
    def write(self, data: st.DataObject, size: int) -> None:
        writers = [writer for drop in self.drops for writer in drop if not writer.is_done and writer.may_start]
        if writers:
            data.draw(st.sampled_from(writers)).step(self.layout.outbox, size)

    @rule(seconds=st.sampled_from([0.0, 0.1, 1.9, 2.0, 7.0]))
    def scan(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.box.run_once()

    @invariant()
    def what_was_taken_is_whole(self) -> None:
        for submission in list(self.journal.taken.values())[self.checked :] if hasattr(self, "journal") else []:
            self.check(submission)
        self.checked = len(self.journal.taken) if hasattr(self, "journal") else 0

    def check(self, submission: Submission) -> None:
        expected = next(files for base, files in self.expected() if base == submission.source_name)
        made = {file.name for file in submission.files if file.role is FileRole.SIDECAR} if submission.lot else set()
        found = {file.name: file.content for file in submission.files if file.name not in made}
        assert found == expected, f"{submission.source_name}: half a drop, or a truncated document"

    def expected(self) -> list[tuple[str, Files]]:
        """What each submission holds, by the name that the LPS knows it by."""
        found: list[tuple[str, Files]] = []
        for drop in self.drops:
            files = {unicodedata.normalize("NFC", writer.name): writer.content for writer in drop}
            if "INDEX.mss.csv" in files:
                found.append(("l1", {"l1.xml": files["l1.xml"]}))
                found.append(("L2", {name: files[name] for name in ("l2.xml", "l2.pdf")}))
            else:
                base = next(name for name in files if ".mss." in name or name.endswith(".xml"))
                sides = [name for name in files if ".mss." in name]
                base = (sides or [base])[0]
                found.append((base.removesuffix(".mss.json").removesuffix(".xml"), files))
        return found

    def teardown(self) -> None:
        if not hasattr(self, "journal"):
            return
        try:
            self._finish()
        finally:
            shutil.rmtree(self.folder)

    def _finish(self) -> None:
        while writers := [w for drop in self.drops for w in drop if not w.is_done and w.may_start]:
            for writer in writers:
                writer.step(self.layout.outbox, 10_000)
        for _ in range(4):
            self.scan(3.0)
        self.what_was_taken_is_whole()
        assert self.journal.refused == []
        names = sorted(submission.source_name for submission in self.journal.taken.values())
        assert names == sorted(base for base, _ in self.expected()), "not taken, or taken twice"
        assert list(self.layout.outbox.iterdir()) == []


Drops.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDrops = Drops.TestCase

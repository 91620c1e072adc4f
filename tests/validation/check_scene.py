"""A mailbox whose drops are examined, and the same mailbox with its real folders, journal and preparer."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from connector.domain.finding import Finding, Severity
from connector.domain.limits import Limits
from connector.domain.states import OutgoingState
from connector.exchange.prepare import Preparer
from connector.intake.assemble import ClaimedDrop
from connector.intake.check.gather import Examination
from connector.intake.check.rehearsal import Examined, Rehearsal
from connector.intake.check.stand_in import rehearsal_of
from connector.intake.outbox import Outbox
from connector.settings.model import MailboxSettings
from connector.testing.clock import CountingIds, FakeClock
from tests.intake.bench import Bench, desk_for

__all__ = ["check_refuses", "codes", "errors", "examine", "intake_refuses", "rehearsal"]

Files = Sequence[tuple[str, bytes]]


def rehearsal() -> Rehearsal:
    """Without settings."""
    return rehearsal_of(None, None, clock=FakeClock(), ids=CountingIds(1), limits=Limits())


def examine(*files: tuple[str, bytes]) -> Examined:
    """One drop, examined without settings."""
    return rehearsal().examine(ClaimedDrop("A" * 26, files[0][0].partition(".")[0], files))


def check_refuses(folder: Path, files: Files) -> bool:
    """What ``mss-connector check`` says of a folder with these files."""
    folder.mkdir()
    for name, content in files:
        (folder / name).write_bytes(content)
    judged = rehearsal()
    drops = list(Examination(judged, judged.rules.mailbox.outbox, Limits()).run([folder]))
    return any(drop.is_refused for drop in drops)


def errors(findings: Sequence[Finding]) -> list[str]:
    """The codes of what is refused."""
    return [finding.code for finding in findings if finding.severity is Severity.ERROR]


def codes(findings: Sequence[Finding]) -> set[str]:
    """All codes."""
    return {finding.code for finding in findings}


def intake_refuses(folder: Path, files: Files) -> bool:
    """What outbox and preparer of the same mailbox do with these files; with test identities, in the test space."""
    codes = _codes_of_intake(folder / "production", files, "production")
    if codes == {"INS_ENVIRONNEMENT"}:
        codes = _codes_of_intake(folder / "test", files, "test")
    return bool(codes)


def _codes_of_intake(folder: Path, files: Files, environment: str) -> set[str]:
    """Why anything of it is refused."""
    judged = rehearsal()
    folder.mkdir()
    bench = _bench(folder, judged.rules.mailbox, judged)
    for name, content in files:
        bench.drop(name, content)
    bench.settle()
    bench.scan(after=3600)
    bench.settle()
    software = judged.rules.software.model_copy(update={"environment": environment})
    rules = replace(judged.rules, software=software)
    while Preparer(bench.journal, lambda _: rules, "test").run_once():
        pass
    messages = [message for view in bench.submissions() for message in view.messages]
    found = {message.code or "" for message in messages if message.state is OutgoingState.REJECTED}
    found |= {"refused" for _ in bench.names("ERREURS")} | {"left behind" for _ in bench.names("A_ENVOYER")}
    bench.journal.close()
    return found


def _bench(folder: Path, mailbox: MailboxSettings, judged: Rehearsal) -> Bench:
    bench = Bench.make(folder)
    box = Outbox(
        mailbox, bench.layout, journal=bench.journal, clock=bench.clock, ids=bench.ids,
        desk=lambda: replace(
            desk_for(mailbox, bench.journal, bench.clock, bench.ids)(),
            correspondent=judged.desk().correspondent,
        ),
    )  # fmt: skip
    return replace(bench, mailbox=mailbox, outbox=box)

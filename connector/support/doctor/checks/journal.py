"""The journal: there, whole, of our version, with its key, its invariants and an unbroken trace."""

from collections.abc import Iterator

from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.journal.look import damage, look_at
from connector.journal.schema import REVISION
from connector.support.doctor.check import Check, Gives, Group, once
from connector.support.doctor.finding import Finding, error, ok, refusal, warning
from connector.support.doctor.world import World

__all__ = ["CHECKS"]

_SECONDS = 120.0  # reads all of it: gigabytes on a slow disk
_SUBJECT = "journal"


def _file(world: World) -> Iterator[Finding]:
    url = world.journal_url
    look = look_at(url)
    if look.revision is None:
        yield ok("JOURNAL_NOUVEAU", _SUBJECT)
        return
    versions = f"{look.revision} / {REVISION}"
    if look.revision > REVISION:
        yield error("JOURNAL_VERSION", _SUBJECT, versions)
    elif not look.is_current:
        yield warning("JOURNAL_A_CONVERTIR", _SUBJECT, versions)
    faults = damage(url)
    if faults:
        yield error("JOURNAL_ENDOMMAGE", _SUBJECT, "; ".join(faults[:3]))
    else:
        yield ok("JOURNAL_OK", _SUBJECT)


def _content(world: World) -> Iterator[Finding]:
    """With its key: invariants and the chain of the trace. A damaged file is told by the other check."""
    try:
        if not look_at(world.journal_url).is_current:
            return
    except ConnectorError:
        return
    with world.open_journal() as journal:
        if journal is None:
            return
        broken = journal.violations()
        if broken:
            yield error("JOURNAL_INCOHERENT", _SUBJECT, "; ".join(broken[:3]))
        try:
            entries = journal.verify_trace()
        except ConnectorError as failure:
            yield refusal(failure, _SUBJECT)
        else:
            text = f"{entries} entries, unbroken"
            yield ok("TRACE_OK", _SUBJECT, text, detail_fr=f"{entries} traces, chaîne intacte")


CHECKS = (
    Check(
        name="journal", group=Group.CONNECTOR, title=Text("journal", "journal"), parts=once(_file),
        seconds=_SECONDS,
        gives=Gives(
            ok=("JOURNAL_OK", "JOURNAL_NOUVEAU"), warning=("JOURNAL_A_CONVERTIR",),
            error=("JOURNAL_ENDOMMAGE", "JOURNAL_VERSION"),
            passes=("JOURNAL_ALTERE", "JOURNAL_INDISPONIBLE"),
        ),
    ),
    Check(
        name="trace", group=Group.CONNECTOR, title=Text("traces", "trace"), parts=once(_content), seconds=_SECONDS,
        gives=Gives(
            ok=("TRACE_OK",), error=("JOURNAL_INCOHERENT",),
            passes=(
                "CLE_ABSENTE", "CLE_FAUSSE", "CLE_INVALIDE", "CLE_PERMISSIONS", "JOURNAL_ALTERE",
                "JOURNAL_INDISPONIBLE", "SECRET_INDISPONIBLE", "TRACE_ALTEREE",
            ),
        ),
    ),
)  # fmt: skip
"""In the order in which they are told."""

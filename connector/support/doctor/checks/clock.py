"""The clock: TLS, tokens and traces all depend on it."""

from collections.abc import Iterator
from datetime import timedelta

from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.support.doctor.check import Check, Gives, Group, Need, once
from connector.support.doctor.finding import Finding, error, ok, warning
from connector.support.doctor.time_sources import ANSWER_SECONDS
from connector.support.doctor.world import World

__all__ = ["CHECKS"]

NOTICEABLE = timedelta(seconds=60)
HARMFUL = timedelta(minutes=10)  # as far as a revocation list may be dated ahead
BACKWARDS = timedelta(seconds=60)  # less is what time servers correct every day


def _against_others(world: World) -> Iterator[Finding]:
    """Ask until somebody answers."""
    silent = []
    for source in world.time_sources:
        try:
            there = source.ask()
        except (OSError, ValueError) as failure:
            silent.append(f"{source.name}: {type(failure).__name__}")
            continue
        yield _compared(world.clock.now() - there, source.name)
        return
    yield warning("HORLOGE_NON_VERIFIEE", "", "; ".join(silent))


def _compared(ahead: timedelta, name: str) -> Finding:
    seconds = round(abs(ahead).total_seconds())
    side_en, side_fr = ("ahead of", "en avance sur") if ahead > timedelta() else ("behind", "en retard sur")
    told = {"detail": f"{seconds} s {side_en} {name}", "detail_fr": f"{seconds} s {side_fr} {name}"}
    if abs(ahead) >= HARMFUL:
        return error("HORLOGE_FAUSSE", "", **told)
    if abs(ahead) >= NOTICEABLE:
        return warning("HORLOGE_DECALEE", "", **told)
    return ok("HORLOGE_OK", "", **told)


def _against_journal(world: World) -> Iterator[Finding]:
    """The journal's newest entry lies in the past; what hinders the journal itself is told by its own check."""
    try:
        with world.open_journal() as journal:
            newest = journal.trace(limit=1) if journal is not None else []
    except ConnectorError:
        return
    if newest and (late := newest[0].at - world.clock.now()) > BACKWARDS:
        text = f"the newest entry of the journal lies {round(late.total_seconds())} s in the future"
        french = f"la dernière trace du journal est {round(late.total_seconds())} s dans le futur"
        yield error("HORLOGE_RECULEE", "", text, detail_fr=french)
    else:
        yield ok("HORLOGE_SUIT", "")


CHECKS = (
    Check(
        name="clock", group=Group.MACHINE, title=Text("heure", "time"), parts=once(_against_others),
        needs=frozenset({Need.NETWORK}), seconds=4 * ANSWER_SECONDS,
        gives=Gives(
            ok=("HORLOGE_OK",), warning=("HORLOGE_DECALEE", "HORLOGE_NON_VERIFIEE"), error=("HORLOGE_FAUSSE",)
        ),
    ),
    Check(
        name="clock and journal", group=Group.MACHINE, title=Text("heure et journal", "time and journal"),
        parts=once(_against_journal),
        gives=Gives(ok=("HORLOGE_SUIT",), error=("HORLOGE_RECULEE",)),
    ),
)  # fmt: skip
"""In the order in which they are told."""

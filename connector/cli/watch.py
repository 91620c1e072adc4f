"""``mss-connector status --watch``: a night of sending, as bars that move; ends with Ctrl-C."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text as Shown

from connector.cli.exits import stdout
from connector.cli.words import say
from connector.journal.journal import Journal
from connector.support.progress import Look, Progress, progress_of

__all__ = ["watch"]

LOOK_SECONDS = 2.0
_BAR_COLUMNS = 30


def watch(journal: Journal, hours: float, *, looks: int | None = None) -> None:
    """Show how far everything is that was taken in the last hours.

    Args:
        journal: read only.
        hours: how far back.
        looks: how many times to look; ``None`` = until Ctrl-C.
    """
    since = datetime.now(UTC) - timedelta(hours=hours)
    first: dict[str, Look] = {}
    with Live(console=stdout, refresh_per_second=4, transient=False) as live:
        number = 0
        while looks is None or number < looks:
            if number:
                time.sleep(LOOK_SECONDS)
            live.update(_picture(journal, since, first))
            number += 1


def _picture(journal: Journal, since: datetime, first: dict[str, Look]) -> Group:
    table = Table(box=None, pad_edge=False, show_header=False)
    counts, at = journal.counts_since(since), time.monotonic()
    for mailbox, states in sorted(counts.items()):
        told = progress_of(states, first.get(mailbox), at)
        first.setdefault(mailbox, Look(at, told.left, told.total))
        table.add_row(escape(mailbox), ProgressBar(1.0, told.share, width=_BAR_COLUMNS), ", ".join(_words(told)))
    if not counts:
        table.add_row(say("rien depuis", "nothing since"), "", f"{since.astimezone():%d/%m %H:%M}")
    return Group(Shown(say("Ctrl-C pour finir", "Ctrl-C to end"), style="dim"), table)


def _words(told: Progress) -> Iterator[str]:
    yield say(f"{told.left} partis sur {told.total}", f"{told.left} of {told.total} left")
    if told.waiting:
        yield say(f"{told.waiting} en attente", f"{told.waiting} waiting")
    if told.failed:
        yield say(f"{told.failed} en échec", f"{told.failed} failed")
    if told.per_minute is not None:
        yield say(f"{told.per_minute:.0f} par minute", f"{told.per_minute:.0f} a minute")
    if told.under_way and told.minutes_to_go is not None:
        yield say(f"encore {told.minutes_to_go:.0f} min", f"{told.minutes_to_go:.0f} min to go")

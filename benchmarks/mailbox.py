"""The first connection to a full mailbox, and the same mailbox after the operator has numbered it anew.

The daemon is a process of its own; the software that takes what is delivered is played here. Half-way a message
arrives, and the time until it is delivered is measured.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from subprocess import Popen

from benchmarks.scene import Place, daemon_process, operator, place, rss_mb
from benchmarks.table import show
from connector.domain.address import MailboxAddress
from connector.journal.journal import Journal
from tests.servers.mail import message
from tests.servers.operator import MailOperator

__all__ = ["run"]

LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 1800.0
BODY = b"Bonjour.\r\n" * 100
URGENT = "<urgent@test>"


@dataclass
class _Watch:
    """Looks at the daemon until something is so; takes what it delivers."""

    where: Place
    process: "Popen[bytes]"
    journal: Journal
    memory: list[float] = field(default_factory=list)

    def until(self, holds: Callable[[], bool]) -> float:
        """Seconds until it was so."""
        start = time.monotonic()
        self.memory.append(rss_mb(self.process.pid))
        while not holds():
            assert self.process.poll() is None, "the daemon ended"
            assert time.monotonic() - start < PATIENCE_SECONDS, "it does not come to an end"
            self.memory.append(rss_mb(self.process.pid))
            for index in (self.where.box() / "RECUS").glob("*.mss.json"):
                for path in index.parent.glob(f"{index.name.removesuffix('.mss.json')}*"):
                    path.unlink()
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - start

    def states(self, *names: str) -> int:
        """Messages in these states."""
        counts = self.journal.counts().get(str(self.where.addresses[0]), {})
        return sum(counts.get(f"in:{name}", 0) for name in names)


def run(count: int = 20_000) -> None:
    """Print the tables.

    Args:
        count: messages in the mailbox.
    """
    with operator(demands_certificate=False) as servers:
        address = servers.new_mailbox()
        for number in range(count):
            servers.deliver(message(address, message_id=f"<{number:06}@test>", body=BODY), address)
        with place(servers, [address], send=False) as where:
            first = _first_connection(servers, where, address, count)
            _number_anew(servers, address)
            again = _after_numbering(where, count)
    columns = ["", "seconds", "messages/s", "memory at the begin, MB", "most memory, MB"]
    show(f"A mailbox with {count} messages of {len(BODY) // 1000} kB", columns, [first, again])


def _first_connection(servers: MailOperator, where: Place, address: MailboxAddress, count: int) -> list[object]:
    with daemon_process(where) as process, closing(where.journal()) as journal:
        watch = _Watch(where, process, journal)
        seconds = watch.until(lambda: watch.states("delivered", "acknowledged") >= count // 2)
        servers.deliver(message(address, message_id=URGENT), address)
        urgent = watch.until(lambda: _is_delivered(journal, URGENT))
        done = watch.states("delivered", "acknowledged")
        rest = watch.until(lambda: watch.states("acknowledged") >= count + 1)
    print(f"\nA message that arrived half-way was delivered after {urgent:.1f} s, when {count - done} were left.")
    return ["first connection", *_figures(watch, count, seconds + urgent + rest)]


def _after_numbering(where: Place, count: int) -> list[object]:
    with daemon_process(where) as process, closing(where.journal()) as journal:
        watch = _Watch(where, process, journal)
        seconds = watch.until(lambda: watch.states("acknowledged") >= 2 * (count + 1))
    return ["numbered anew, all known", *_figures(watch, count, seconds)]


def _figures(watch: _Watch, count: int, seconds: float) -> list[object]:
    return [seconds, count / seconds, watch.memory[0], max(watch.memory)]


def _is_delivered(journal: Journal, message_id: str) -> bool:
    newest = journal.incoming_messages(limit=1_000)
    return any(row.header_message_id == message_id and row.state in ("delivered", "acknowledged") for row in newest)


def _number_anew(servers: MailOperator, address: MailboxAddress) -> None:
    """As after a restore: other UIDs, no flags."""
    servers.change_uid_validity(address)
    for path in servers.maildir(address).glob("cur/*"):
        path.rename(path.parent.parent / "new" / path.name.partition(":")[0])

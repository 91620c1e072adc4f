"""The local API under load: 50 clients that read and one that listens, while a card signs all the time.

A program of a cabinet asks, shows, and asks again later, so each client pauses between an answer and its next
question; how many answers a second the server gives at most is measured too, without pauses and with no card at work.
A bare Starlette route, served by the same uvicorn to the same clients in the same run, tells what the machine gives.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.api_load import Connection, Samples, follow, read_on, repeat
from benchmarks.api_past import fill, let_in, submissions
from benchmarks.scene import rss_mb
from benchmarks.table import show, show_ratio
from connector.daemon.store import open_journal
from connector.settings.load import read_settings
from tests.card.rig import CPS3, HOLDER, PIN, CardRig, build_cardsim, make_deck, personal_objects
from tests.servers.pki import Pki

__all__ = ["run"]

CLIENTS = 50
SIGNATURE_MS = 500
PAUSE_SECONDS = 0.5
SENDING_SECONDS = 1.0
_LONGEST_TURN = 15.0  # seconds of each of the turns that only compare
AIM_P99_MS, AIM_GROWTH = 50.0, 1.03
_BARE = {"bare Starlette": ["/"]}

Paths = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class _Server:
    """One that listens."""

    port: int
    token: str = field(repr=False)
    pid: int


def run(seconds: float = 20.0, sent: int = 2000, received: int = 300, clients: int = CLIENTS) -> None:
    """Print the tables.

    Args:
        seconds: how long they read while the card signs; a quarter as long before, unmeasured.
        sent: submissions in the journal.
        received: messages in the inbox.
        clients: that read.
    """
    with _place() as (config, rig):
        settings = read_settings(config)
        with closing(open_journal(settings, actor="benchmark")) as journal:
            paths = fill(journal, settings.mailboxes[0].address, sent, received)
            tokens = let_in(journal, clients)
        with _server(str(config), rig) as real, _server("-", rig) as bare:
            rig.control(CPS3, f"slow={SIGNATURE_MS}")
            asyncio.run(_measure(real, bare, paths, tokens, seconds))


async def _measure(real: _Server, bare: _Server, paths: Paths, tokens: Sequence[str], seconds: float) -> None:
    memory, nobody = [rss_mb(real.pid)], [""] * len(tokens)
    turn = min(max(seconds / 8, 0.5), _LONGEST_TURN)
    async with Connection(real.port, real.token) as owner:
        await owner.ask("POST", "/api/v1/card/unlock", json.dumps({"pin": PIN}).encode())
    plain = await _crowd(bare, _BARE, nobody, turn, pause=PAUSE_SECONDS)
    reads = await _crowd(real, paths, tokens, seconds, pause=PAUSE_SECONDS, memory=memory)
    _show_reads(reads, plain, seconds)
    _show_memory(memory, reads, seconds)
    rates = [
        (await _crowd(server, what, who, turn, pause=0)).count() / turn
        for server, what, who in [(bare, _BARE, nobody), (real, paths, tokens)] * 2
    ]
    _show_rates(statistics.mean(rates[::2]), statistics.mean(rates[1::2]), len(tokens))


async def _crowd(
    server: _Server, paths: Paths, tokens: Sequence[str], seconds: float, *, pause: float,
    memory: list[float] | None = None,
) -> Samples:  # fmt: skip
    """What clients with these tokens see in that time; they have been at it for a quarter of it before.

    With ``memory`` a card signs besides, one client listens and one sends; RSS is added after warming up and at the
    end.
    """
    samples = Samples()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:

        async def connect(token: str) -> Connection:
            return await stack.enter_async_context(Connection(server.port, token))

        work: list[Coroutine[Any, Any, None]] = [
            read_on(await connect(token), paths, samples, seed=number, pause=pause)
            for number, token in enumerate(tokens)
        ]
        if memory is not None:
            owner = [await connect(server.token) for _ in range(3)]
            work += [
                repeat(owner[0], "signatures", "/api/v1/card/test", cycle([{}]), samples, pause=0),
                repeat(owner[1], "sent", "/api/v1/messages", submissions(), samples, pause=SENDING_SECONDS),
                follow(owner[2], samples),
            ]
        tasks = [group.create_task(one) for one in work]
        for time in (seconds / 4, seconds):
            samples.clear()
            await asyncio.sleep(time)
            if memory is not None:
                memory.append(rss_mb(server.pid))
        for task in tasks:
            task.cancel()
    return samples


# --- tables ---


def _show_reads(reads: Samples, plain: Samples, seconds: float) -> None:
    title = f"Local API, {CLIENTS} clients, a card that signs ({SIGNATURE_MS} ms each), {seconds:.0f} s"
    every = [one for kind in reads.seconds.values() for one in kind]
    rows = [
        _row("bare Starlette", plain.seconds["bare Starlette"]),
        *(_row(what, taken) for what, taken in sorted(reads.seconds.items())),
        _row("all reads", every),
    ]
    show(title, ["ms", "p50", "p95", "p99", "worst", "reads"], rows)
    others = [*reads.done.items(), ("events", reads.events), ("reads a second", round(len(every) / seconds))]
    print("\n" + ", ".join(f"{what} {number}" for what, number in others), flush=True)
    p99 = float(str(rows[-1][3]))
    show_ratio("reads while a card signs, p99, ms", p99, AIM_P99_MS, at_most=True)
    print(f"\np99 / p99 of bare Starlette: {p99 / float(str(rows[0][3])):.1f}", flush=True)


def _row(what: str, seconds: Sequence[float]) -> list[object]:
    milliseconds = sorted(1000 * one for one in seconds)
    ranks = [milliseconds[int(len(milliseconds) * share)] for share in (0.5, 0.95, 0.99)]
    return [what, *ranks, milliseconds[-1], len(milliseconds)]


def _show_memory(memory: Sequence[float], reads: Samples, seconds: float) -> None:
    start, warm, end = memory
    rows = [["at the start", start], ["after warming up", warm], ["at the end", end], ["growth", end - warm]]
    show(f"Local API, RSS over {seconds:.0f} s, {reads.done.get('sent', 0)} messages taken", ["MB", "RSS"], rows)
    show_ratio("RSS at the end / after warming up", end / warm, AIM_GROWTH, at_most=True)


def _show_rates(bare: float, real: float, clients: int) -> None:
    rows = [["bare Starlette", bare], ["local API, the same mix of reads", real]]
    show(f"Local API at its limit, {clients} clients without pauses", ["answers a second", ""], rows)
    print(f"\nanswers a second / bare Starlette: {real / bare:.2f}", flush=True)


# --- where it plays ---


@contextmanager
def _place() -> Iterator[tuple[Path, CardRig]]:
    """Settings of a mailbox with a card in the reader, in a folder that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mss-bench-"))
    try:
        rig = CardRig(folder, build_cardsim(folder))
        rig.deal(make_deck(folder / "deck", ("CPS", personal_objects(Pki(), HOLDER))))
        rig.control(CPS3)
        config = folder / "connector.toml"
        config.write_text(_settings(folder, rig.module), encoding="utf-8")
        yield config, rig
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settings(folder: Path, module: Path) -> str:
    def quoted(path: Path) -> str:
        return json.dumps(str(path))

    return f"""\
[software]
product_reference = "DEV000000"
environment = "test"
data_dir = {quoted(folder / "data")}
[spool]
root = {quoted(folder / "spool")}
[journal]
key_store = "file"
[log]
level = "error"
[card]
module = {quoted(module)}
[operators.local]
smtp = {{ host = "127.0.0.1", port = 9 }}
imap = {{ host = "127.0.0.1", port = 9 }}
[[mailboxes]]
address = "dr.modele@exemple.mssante.fr"
box = "dr-modele"
operator = "local"
given = "Alix"
family = "MODELE"
identity = {{ card = {{}} }}
"""


@contextmanager
def _server(config: str, rig: CardRig) -> Iterator[_Server]:
    command = [sys.executable, "-m", "benchmarks.api_server", config]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, env=os.environ | rig.environment
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            yield _Server(told["port"], told["token"], process.pid)
        finally:
            process.stdin.close()
            process.wait(30)

"""``python -m benchmarks.api_server SETTINGS``: the local API as the daemon serves it, with a journal and a card.

``-`` instead of settings serves one bare Starlette route by the same uvicorn, to compare with. Prints one line of
JSON when it listens; ends when its standard input does.
"""

import json
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connector.api.app import create_app
from connector.api.guard.connection import server_for
from connector.api.services import ApiServices, OwnerAccess
from connector.daemon.store import open_journal
from connector.identities.card.service import CardService
from connector.intake.desk import DeskMaker
from connector.platform.memory import settle_after_start, share_heaps
from connector.platform.system import SystemClock, SystemIds
from connector.settings.load import read_settings
from connector.support.health import Component


def main() -> None:
    """Serve until standard input ends."""
    share_heaps()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if sys.argv[1] == "-":
        bare = Starlette(routes=[Route("/", _hello)])
        bare.state.before_stop = _nothing
        _serve(bare, socket.create_server(("127.0.0.1", 0)), "")
        return
    listener = socket.create_server(("127.0.0.1", 0))
    with _services(Path(sys.argv[1])) as services:
        _serve(create_app(services, port=listener.getsockname()[1]), listener, services.owner.token)


async def _hello(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def _nothing() -> None:
    """No streams to end."""


@contextmanager
def _services(config: Path) -> Iterator[ApiServices]:
    settings, clock = read_settings(config), SystemClock()
    journal, cards = open_journal(settings, actor="benchmark"), CardService(settings.card, clock)
    cards.start()
    tree = Component("connector", parts=tuple(Component(mailbox.folder) for mailbox in settings.mailboxes))
    try:
        yield ApiServices(
            settings=settings, report=lambda: tree, journal=journal, clock=clock, owner=OwnerAccess.new(uuid4()),
            cards=cards, desks=DeskMaker(settings, journal=journal, clock=clock, ids=SystemIds()),
        )  # fmt: skip
    finally:
        cards.close()
        journal.close()


def _serve(app: Starlette, listener: socket.socket, token: str) -> None:
    server = server_for(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    settle_after_start()
    print(json.dumps({"port": listener.getsockname()[1], "token": token}), flush=True)
    sys.stdin.read()
    server.should_exit = True
    thread.join()
    listener.close()


if __name__ == "__main__":
    main()

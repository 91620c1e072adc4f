"""``mss-connector open``: the page of the running connector, in the person's browser."""

import os
import sys
import webbrowser
from typing import Annotated

import typer

from connector.cli.exits import errors_to_person, stdout
from connector.cli.place import ConfigOption, settings_at
from connector.cli.words import say
from connector.client.connection import Connection
from connector.client.discovery import read_endpoint
from connector.client.models.pairing import PageLinkModel
from connector.daemon.endpoint import data_paths

__all__ = ["open_"]


def open_(
    config: ConfigOption = None,
    print_only: Annotated[bool, typer.Option("--print", help="Affiche le lien sans lancer de navigateur.")] = False,
) -> None:
    """Ouvre la page du connecteur : ce qui est parti, arrivé, en attente, et ce qu'il faut faire."""
    with errors_to_person():
        with Connection(read_endpoint(data_paths(settings_at(config)).endpoint)) as connector:
            answer = connector.ask("POST", "/api/v1/page/link")
        link = PageLinkModel.model_validate_json(answer.content)
        if not print_only and _has_screen() and _in_browser(link.url):
            stdout.print(say("La page s'ouvre dans le navigateur.", "The page opens in the browser."))
            return
        stdout.print(
            say(
                f"Ouvrez ce lien dans le navigateur de cet ordinateur, une fois, dans les {link.seconds} secondes :",
                f"Open this link in the browser of this computer, once, within {link.seconds} seconds:",
            ),
            soft_wrap=True,
        )
        stdout.print(link.url, soft_wrap=True, markup=False)


def _has_screen() -> bool:
    """False where only a browser for terminals could be started, which cannot show the page."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _in_browser(url: str) -> bool:
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False

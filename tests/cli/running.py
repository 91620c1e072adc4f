"""The real local API behind the discovery file of a terminal's settings."""

from collections.abc import Iterator
from contextlib import contextmanager

from connector.daemon.endpoint import data_paths, tell_endpoint
from connector.platform.files import private_folder
from tests.api.api_scene import ApiScene, Live
from tests.cli.terminal import Terminal

__all__ = ["running"]


@contextmanager
def running(terminal: Terminal, scene: ApiScene) -> Iterator[Live]:
    """As if the daemon ran with these settings."""
    paths = data_paths(terminal.settings)
    private_folder(paths.root)
    with scene.live() as live:
        end = live.endpoint
        tell_endpoint(paths, host=end.host, port=end.port, instance=end.instance, token=end.token)
        yield live

"""The local HTTP server: bound first, then told where it is, stopped last."""

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator

import structlog

from connector.api.app import create_app
from connector.api.checkup import Checkup
from connector.api.guard.connection import server_for
from connector.api.page import PageOptions
from connector.api.services import ApiServices
from connector.daemon.api_tls import local_certificate
from connector.daemon.endpoint import forget_endpoint, tell_endpoint
from connector.domain.errors import ConfigurationError
from connector.platform.paths import DataPaths
from connector.platform.system import SystemIds

__all__ = ["listen", "serving"]

_log = structlog.get_logger(__name__)

STOP_SECONDS = 10.0


@contextlib.contextmanager
def serving(services: ApiServices, paths: DataPaths, checkup: Checkup | None = None) -> Iterator[None]:
    """Serve in a thread of its own for the time of the block, with the file that tells where.

    Args:
        services: behind the API and the page.
        paths: with the data folder.
        checkup: the doctor on the page.

    Raises:
        ConfigurationError: ``PORT_OCCUPE``.
        Unavailable: the certificate cannot be written.
    """
    api, owner = services.settings.api, services.owner
    tls = local_certificate(paths.api_tls, services.clock.now()) if api.tls else None
    listener = listen(api.host, api.port)
    port = listener.getsockname()[1]
    app = create_app(services, port=port, page=PageOptions(checkup=checkup, ids=SystemIds()))
    server = server_for(app, **(tls.server_options if tls else {}))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="http", daemon=True)
    thread.start()
    tell_endpoint(
        paths, host=api.host, port=port, instance=owner.instance, token=owner.token,
        certificate_sha256=tls.sha256 if tls else "",
    )  # fmt: skip
    _log.info("listening", host=api.host, port=port)
    try:
        yield
    finally:
        forget_endpoint(paths)
        server.should_exit = True
        thread.join(STOP_SECONDS)
        listener.close()


def listen(host: str, port: int) -> socket.socket:
    """Bind the local server.

    Raises:
        ConfigurationError: ``PORT_OCCUPE``.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there the option would let two programs share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # whoever reads the discovery file early waits instead of being refused
    except OSError as error:
        listener.close()
        raise ConfigurationError("PORT_OCCUPE", f"port {port} cannot be bound: {error.strerror}") from error
    return listener

"""Small tools to start real servers: free ports, readiness by connecting, orderly stop."""

import contextlib
import socket
import subprocess
import time
from pathlib import Path

__all__ = ["free_port", "new_folder", "stop", "wait_until_listening"]

START_SECONDS = 30.0


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_listening(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return as soon as the server accepts connections.

    Raises:
        RuntimeError: it ended, or never listened; with the end of its log.
    """
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.settimeout(START_SECONDS)
            if connection.recv(1):  # the greeting: it serves, not only listens
                return
        time.sleep(0.02)
    text = log.read_text(errors="replace")[-3000:] if log.exists() else "(no log)"
    raise RuntimeError(f"{process.args!r} does not listen on {port}; status {process.poll()}\n{text}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a server that we started."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def new_folder(prefix: str) -> Path:
    """A folder with a short path (unix sockets live in it) that the servers' own users may enter."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    folder.chmod(0o755)
    return folder

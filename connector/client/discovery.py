"""The discovery file: where the running connector answers, and the key of the person who started it.

``<data_dir>/endpoint.json``, readable by its owner only. Whoever can read it may do everything that the person may
do, as long as this start of the connector lives.
"""

import json
import os
import re
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.client.failure import ServiceUnreachable
from connector.domain.errors import ConfigurationError

__all__ = ["Endpoint", "read_endpoint"]

_MOST_BYTES = 16 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to ask, whom, and with which token."""

    host: str
    port: int
    pid: int = 0
    instance: str = ""
    token: str = field(default="", repr=False)
    scheme: str = "http"
    certificate_sha256: str = ""
    """With https: of the only certificate that the connector shows, in DER, lower-case hexadecimal."""

    @property
    def url(self) -> str:
        """Without path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def as_json(self) -> bytes:
        """Content of the discovery file."""
        values = {
            "host": self.host, "port": self.port, "pid": self.pid, "instance": self.instance, "token": self.token,
            "scheme": self.scheme,
        }  # fmt: skip
        if self.certificate_sha256:
            values["certificate_sha256"] = self.certificate_sha256
        return json.dumps(values).encode()


def read_endpoint(path: Path) -> Endpoint:
    """Read the discovery file.

    Raises:
        ServiceUnreachable: ``SERVICE_ARRETE``: there is none, or it is damaged.
        ConfigurationError: ``ACCES_LOCAL_EXPOSE``: others could have read or written it.
    """
    try:
        values = json.loads(_private_bytes(path))
        return _endpoint(values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceUnreachable(f"no usable {path.name} ({type(error).__name__})") from error


def _endpoint(values: Any) -> Endpoint:
    host, port = values["host"], values["port"]
    if not isinstance(host, str) or not isinstance(port, int) or not 0 < port < 65536:
        raise ValueError("host or port")
    scheme, pin = values.get("scheme", "http"), values.get("certificate_sha256", "")
    if scheme not in ("http", "https") or (scheme == "https" and not _SHA256.fullmatch(pin)):
        raise ValueError("scheme or certificate")
    return Endpoint(
        host=host, port=port, pid=int(values.get("pid", 0)), instance=str(values.get("instance", "")),
        token=str(values.get("token", "")), scheme=scheme, certificate_sha256=pin,
    )  # fmt: skip


def _private_bytes(path: Path) -> bytes:
    """The content, through one handle whose owner and rights were looked at.

    On Windows the rights are those of the data folder, which the connector locks when it makes it.
    """
    with path.open("rb") as file:
        if sys.platform != "win32":
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
                raise ConfigurationError("ACCES_LOCAL_EXPOSE", f"{path.name} is not private to this user")
        return file.read(_MOST_BYTES)

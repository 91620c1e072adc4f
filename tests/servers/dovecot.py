"""A real Dovecot in a folder of its own, in the foreground, on a free loopback port."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.pki import Issued, Pki
from tests.servers.process import free_port, stop, wait_until_listening
from tests.servers.tokens import TokenIssuer

__all__ = ["Dovecot"]

_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
info_log_path = {folder}/dovecot.log
instance_name = {name}
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
ssl_ca = <{folder}/trust.pem
ssl_require_crl = no
ssl_min_protocol = TLSv1.2
ssl_verify_client_cert = {ask}
auth_ssl_require_client_cert = {demand}
auth_ssl_username_from_cert = {demand}
ssl_cert_username_field = commonName
auth_mechanisms = {mechanisms}
auth_username_chars = abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890.-_@+
auth_failure_delay = 0
disable_plaintext_auth = yes
mail_location = maildir:{folder}/mail/%d/%n
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
mail_max_userip_connections = 200
maildir_very_dirty_syncs = no
mailbox_list_index = no
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
}}
passdb {{
  driver = {passdb}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%d/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


@dataclass
class Dovecot:
    """IMAP with STARTTLS.

    Certificate demanded and SASL EXTERNAL, or passwords (the same for everybody), or the tokens of an issuer.
    """

    folder: Path
    pki: Pki
    demands_certificate: bool = True
    server: Issued | None = None
    issuer: TokenIssuer | None = None
    extra: str = ""  # more lines of the configuration; the last word on a setting wins
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    PASSWORD = "Mot2Passe-kX7q"  # found nowhere by chance

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    def start(self) -> None:
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir(exist_ok=True)
        self.mail.chmod(0o777)
        (self.server or self.pki.server).write(self.folder / "server.pem")
        self.pki.write_trust(self.folder / "trust.pem")
        config = self.folder / "dovecot.conf"
        config.write_text(self._config())
        with (self.folder / "dovecot.out").open("ab") as output:
            command = ["dovecot", "-F", "-c", str(config)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=os.environ | self.environment
            )
        wait_until_listening(self.port, self._process, self.folder / "dovecot.log")

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def log(self) -> str:
        return (self.folder / "dovecot.log").read_text(errors="replace")

    def _config(self) -> str:
        demand = self.demands_certificate
        passdb = f"static\n  args = {'nopassword=y' if demand else 'password=' + self.PASSWORD}"
        mechanisms = "external" if demand else "plain login"
        if self.issuer is not None:
            passdb, mechanisms = f"oauth2\n  args = {self.issuer.write()}", "xoauth2 oauthbearer"
        return _CONFIG.format(
            folder=self.folder, name=self.folder.name, port=self.port, passdb=passdb,
            ask="yes" if demand else "no", demand="yes" if demand else "no",
            mechanisms=mechanisms,
        ) + self.extra  # fmt: skip

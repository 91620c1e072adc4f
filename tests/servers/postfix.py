"""A real Postfix in a folder of its own: private queue, data and configuration, free loopback ports."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.answers import AnswerMap
from tests.servers.pki import Issued, Pki
from tests.servers.process import free_port, stop, wait_until_listening

__all__ = ["Postfix"]

_MAIN = """
compatibility_level = 3.7
config_directory = {config}
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = operateur.mssante.test
mydestination =
mynetworks =
alias_maps =
alias_database =
local_transport = error:no local delivery
default_transport = error:5.1.2 no relay
relay_domains =
message_size_limit = 31457280
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {mail}
virtual_mailbox_maps = hash:{config}/mailboxes
virtual_minimum_uid = 1
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
sender_bcc_maps = regexp:{config}/sent
smtputf8_enable = no
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 2000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
anvil_rate_time_unit = 1s
smtpd_banner = $myhostname ESMTP
smtpd_forbid_bare_newline = yes
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = {folder}/server.pem
smtpd_tls_CAfile = {folder}/trust.pem
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_fingerprint_digest = sha256
smtpd_tls_received_header = yes
smtpd_tls_session_cache_database =
smtpd_recipient_restrictions =
  check_recipient_access socketmap:inet:127.0.0.1:{answers_port}:access,
  {permit}, reject
smtpd_relay_restrictions = {permit}, reject
{clients}
"""

_DEMAND_CERTIFICATE = """
smtpd_tls_ask_ccert = yes
smtpd_tls_req_ccert = yes
smtpd_tls_auth_only = yes
smtpd_client_restrictions =
"""

_PASSWORDS = """
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth}
smtpd_tls_auth_only = yes
broken_sasl_auth_clients = no
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       1       1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""


@dataclass
class Postfix:
    """SMTP submission with STARTTLS that delivers into Dovecot's Maildirs and files a copy in Sent."""

    folder: Path
    pki: Pki
    mail: Path  # root of the Maildirs
    domains: tuple[str, ...]
    auth_socket: Path | None = None  # of Dovecot; None = client certificates instead of passwords
    server: Issued | None = None
    port: int = field(default_factory=free_port)
    mailboxes: frozenset[str] = frozenset()
    extra: str = ""  # more lines of main.cf; the last word on a parameter wins
    answers: AnswerMap = field(default_factory=AnswerMap)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def config(self) -> Path:
        return self.folder / "postfix"

    def start(self) -> None:
        for folder in (self.config, self.folder / "queue", self.folder / "data"):
            folder.mkdir(exist_ok=True)
        shutil.chown(self.folder / "data", "postfix")
        (self.server or self.pki.server).write(self.folder / "server.pem")
        self.pki.write_trust(self.folder / "trust.pem")
        self.answers.start()
        self._write_config()
        with (self.folder / "postfix.out").open("ab") as output:
            # "check" makes the queue; the master itself is our child ("postfix start-fg" would be a shell around it,
            # which dies alone), and -s makes it leader of a session, because at its end it kills its whole group.
            subprocess.run(["postfix", "-c", str(self.config), "check"], check=True, stdout=output, stderr=output)
            command = ["/usr/lib/postfix/sbin/master", "-c", str(self.config), "-s"]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_until_listening(self.port, self._process, self.folder / "postfix.log")

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)
            self._process = None
        self.answers.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def log(self) -> str:
        return (self.folder / "postfix.log").read_text(errors="replace")

    def add_mailbox(self, address: str) -> None:
        """One that was not there at the start; costs a reload."""
        self.mailboxes |= {address}
        self._write_mailboxes()
        subprocess.run(["postfix", "-c", str(self.config), "reload"], check=True, capture_output=True)

    def _write_config(self) -> None:
        permit = "permit_sasl_authenticated" if self.auth_socket else "permit_tls_all_clientcerts"
        clients = _PASSWORDS.format(auth=self.auth_socket) if self.auth_socket else _DEMAND_CERTIFICATE
        text = _MAIN.format(
            folder=self.folder, config=self.config, mail=self.mail, domains=", ".join(self.domains), permit=permit,
            clients=clients, answers_port=self.answers.port,
        )  # fmt: skip
        (self.config / "main.cf").write_text(text + self.extra)
        (self.config / "master.cf").write_text(_MASTER.format(port=self.port))
        (self.config / "sent").write_text(r"/^([^+@]+)@(.+)$/ ${1}+sent@${2}" + "\n")
        self._write_mailboxes()

    def _write_mailboxes(self) -> None:
        entries = {}
        for address in self.mailboxes:
            local, _, domain = address.partition("@")
            entries[address] = f"{domain}/{local}/"
            entries[f"{local}+sent@{domain}"] = f"{domain}/{local}/.Sent/"
        path = self.config / "mailboxes"
        path.write_text("".join(f"{key} {value}\n" for key, value in sorted(entries.items())))
        subprocess.run(["postmap", "-c", str(self.config), f"hash:{path}"], check=True, capture_output=True)

"""pcscd under a test's control: a daemon of our own on a socket of our own, so that it disturbs nobody.

pcscd has its socket's path compiled in, but takes a listening socket from systemd. We hand it one of ours in the same
way; clients find it through ``PCSCLITE_CSOCK_NAME``. Several can run on one machine, also beside the system's.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.process import free_port, new_folder, stop
from tests.virtual_card.reader import ReaderSlot

__all__ = ["Pcscd"]

PCSCD = "/usr/sbin/pcscd"
DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
RUN_FOLDER = Path("/run/pcscd")  # where it writes its pid, and leaves the folder behind
READER_NAME = "Lecteur virtuel"
START_SECONDS = 30.0
_EXEC = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)  # PR_SET_PDEATHSIG: it ends with the test run, however that ends
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""
_READER = """FRIENDLYNAME "{name}"
DEVICENAME /dev/null:{port}
LIBPATH {driver}
CHANNELID {port}
"""
_OPENSC = """app default {
    card_drivers = PIV-II;
    framework pkcs15 {
        use_file_caching = no;
        use_pin_caching = false;
    }
}
"""


def _new_slots() -> tuple[ReaderSlot, ReaderSlot]:
    """Two slots with neighbouring ports, as the driver wants them."""
    while True:
        first = free_port()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", first + 1))
            except (OSError, OverflowError):
                continue
        return ReaderSlot(first), ReaderSlot(first + 1)


@dataclass
class Pcscd:
    """One pcscd with one virtual reader of two slots.

    Attributes:
        slots: the two slots; a card in them survives a restart of pcscd.
    """

    folder: Path = field(default_factory=lambda: new_folder("mss-pcscd-"))
    slots: tuple[ReaderSlot, ReaderSlot] = field(default_factory=_new_slots)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to reach this pcscd, and OpenSC to keep no PIN and no file."""
        return {"PCSCLITE_CSOCK_NAME": str(self._socket), "OPENSC_CONF": str(self._opensc)}

    @property
    def log(self) -> str:
        """What pcscd said since it was started first."""
        path = self._log
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, reader: str | None = READER_NAME) -> None:
        """Start it and come back when it is ready.

        Args:
            reader: the name of its reader; ``None`` = no reader at all.
        """
        self._opensc.write_text(_OPENSC)
        self._write_readers(reader)
        with socket.socket(socket.AF_UNIX) as listener, self._log.open("ab") as log:
            begin = log.tell()
            listener.bind(str(self._socket))
            listener.listen()
            command = [sys.executable, "-c", _EXEC, str(listener.fileno()), PCSCD]
            self._process = subprocess.Popen(
                [*command, "--foreground", "--info", "--config", str(self._readers)],
                pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._wait_ready(begin)

    def stop(self) -> None:
        """End it; its clients find nobody. Nothing happens when it does not run."""
        if self._process is not None:
            stop(self._process)
            self._process = None
        self._socket.unlink(missing_ok=True)
        for slot in self.slots:
            slot.lose_power()

    def restart(self, reader: str | None = READER_NAME) -> None:
        """Stop and start; another name is another reader to all clients.

        pcscd 1.9.9 does not look at its configuration again while it runs, so a reader comes and goes with a restart.
        """
        self.stop()
        self.start(reader)

    def remove(self) -> None:
        """Pull all cards, stop, and delete everything that it wrote."""
        for slot in self.slots:
            slot.pull()
        self.stop()
        shutil.rmtree(self.folder)
        with contextlib.suppress(OSError):  # another pcscd lives there
            RUN_FOLDER.rmdir()

    @property
    def _socket(self) -> Path:
        return self.folder / "pcscd.comm"

    @property
    def _readers(self) -> Path:
        return self.folder / "readers"

    @property
    def _log(self) -> Path:
        return self.folder / "pcscd.log"

    @property
    def _opensc(self) -> Path:
        return self.folder / "opensc.conf"

    def _write_readers(self, name: str | None) -> None:
        self._readers.mkdir(exist_ok=True)
        text = _READER.format(name=name, port=self.slots[0].port, driver=DRIVER) if name else ""
        (self._readers / "virtual").write_text(text)

    def _wait_ready(self, begin: int) -> None:
        assert self._process is not None
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if "daemon ready" in self.log[begin:]:
                return
            time.sleep(0.01)
        raise RuntimeError(f"pcscd does not start; status {self._process.poll()}\n{self.log[begin:][-3000:]}")

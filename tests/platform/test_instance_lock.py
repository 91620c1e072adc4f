"""Only one connector per data folder, and the lock ends with its process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connector.platform.lock import AlreadyRunning, InstanceLock

HOLDER = """
import sys
from pathlib import Path
from connector.platform.lock import InstanceLock
with InstanceLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_connector_is_told_who_is_first(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunning) as caught:
            InstanceLock(tmp_path).acquire()
        assert (caught.value.code, caught.value.pid) == ("DEJA_LANCE", process.pid)
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    with InstanceLock(tmp_path) as lock:
        assert lock.holder() == os.getpid()


def test_the_lock_can_be_taken_again_after_its_release(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    lock.acquire()
    lock.release()
    lock.release()
    with InstanceLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_holder_that_did_not_say_its_number_is_still_a_holder(tmp_path: Path) -> None:
    with InstanceLock(tmp_path):
        (tmp_path / "lock").write_text("")
        with pytest.raises(AlreadyRunning, match="another process") as caught:
            InstanceLock(tmp_path).acquire()
    assert caught.value.pid is None
    assert InstanceLock(tmp_path / "none").holder() is None


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        InstanceLock(tmp_path / "none").acquire()

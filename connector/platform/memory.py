"""What the process keeps in memory stays there: no image of it is ever written to a disk.

PIN, tokens, passwords and the journal's key are in memory while they are used. A core file, or a crash report that
holds one, would put them on the disk and in somebody's support mail.
"""

import ctypes
import gc
import sys
from contextlib import suppress

__all__ = ["forbid_memory_images", "settle_after_start", "share_heaps"]

_M_ARENA_MAX = -8  # malloc.h
_PR_SET_DUMPABLE = 4  # linux/prctl.h
_WER_FAULT_REPORTING_FLAG_NOHEAP = 1  # werapi.h: a report holds no heap
_SEM_NOGPFAULTERRORBOX = 2  # errhandlingapi.h


def forbid_memory_images() -> None:
    """Let a crash of this process leave no core file and no report with memory in it.

    Linux: also no other process of the same user may read our memory (``prctl PR_SET_DUMPABLE``). Never raises: where
    the system does not know a way, its own setting stays.
    """
    if sys.platform == "win32":
        _windows()
        return
    import resource  # noqa: PLC0415 - not on Windows

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def share_heaps() -> None:
    """Let all threads allocate from two heaps (glibc): one each, as usual, keeps what it has once needed for good.

    To be called before threads start. Elsewhere it does nothing.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def settle_after_start() -> None:
    """What was made while starting stays for good: the collector of cycles need not walk through it again and again.

    Without this a full collection walks through several hundred thousand objects and holds every thread up meanwhile.
    """
    gc.collect()
    gc.freeze()


def _windows() -> None:
    libraries = getattr(ctypes, "windll", None)
    with suppress(OSError, AttributeError):
        libraries.wer.WerSetFlags(_WER_FAULT_REPORTING_FLAG_NOHEAP)  # type: ignore[union-attr]  # Windows only
        libraries.kernel32.SetErrorMode(_SEM_NOGPFAULTERRORBOX)  # type: ignore[union-attr]  # Windows only

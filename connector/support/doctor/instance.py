"""Whether a connector runs on a data folder, told by the lock that it holds."""

from connector.platform.lock import AlreadyRunning, InstanceLock
from connector.platform.paths import DataPaths

__all__ = ["lock_holder"]


def lock_holder(paths: DataPaths) -> int | None:
    """The process that holds the lock, 0 when it does not say; ``None`` when nobody does.

    To find out, the lock is taken and given back at once; a lock that was never made is not made.
    """
    if not paths.lock.exists():
        return None
    try:
        with InstanceLock(paths.root):
            return None
    except AlreadyRunning as running:
        return running.pid or 0
    except OSError:
        return None  # the data folder has a check of its own

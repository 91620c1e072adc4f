"""A short notice on the person's desktop: one port, one file per operating system. No library, no network.

Texts go to a program of the system as arguments or environment, never into a script. They hold no patient data: who
calls sees to that.
"""

import sys
from typing import Protocol

from connector.platform.notice.linux import LinuxNotices
from connector.platform.notice.macos import MacNotices
from connector.platform.notice.windows import WindowsNotices

__all__ = ["LinuxNotices", "MacNotices", "Notices", "WindowsNotices", "system_notices"]


class Notices(Protocol):
    """Shows notices."""

    def show(self, title: str, text: str) -> bool:
        """Show one; False when this desktop cannot. Never raises, returns within seconds."""
        ...


def system_notices() -> Notices:
    """Those of this machine."""
    if sys.platform == "win32":
        return WindowsNotices()
    return MacNotices() if sys.platform == "darwin" else LinuxNotices()

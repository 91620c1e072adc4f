"""Notices of freedesktop desktops, by ``notify-send`` (libnotify)."""

import shutil
from html import escape

from connector.platform.notice.command import one_line, ran

__all__ = ["LinuxNotices"]


class LinuxNotices:
    """See :class:`connector.platform.notice.Notices`."""

    def show(self, title: str, text: str) -> bool:
        """Bodies may hold markup by the specification, so ours is escaped."""
        program = shutil.which("notify-send")
        if program is None:
            return False
        return ran([program, "--app-name=Connecteur MSSanté", "--", one_line(title), escape(one_line(text))])

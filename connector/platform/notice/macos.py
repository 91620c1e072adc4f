"""Notices of macOS, by ``osascript``; title and text are arguments of a fixed script."""

from connector.platform.notice.command import one_line, ran

__all__ = ["MacNotices"]

_SCRIPT = (
    "on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run",
)  # fmt: skip


class MacNotices:
    """See :class:`connector.platform.notice.Notices`."""

    def show(self, title: str, text: str) -> bool:
        """Needs no right beyond that of the person's session."""
        lines = [part for line in _SCRIPT for part in ("-e", line)]
        return ran(["/usr/bin/osascript", *lines, one_line(title), one_line(text)])

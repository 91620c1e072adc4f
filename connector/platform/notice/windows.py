"""Notices of Windows 10 and later, by PowerShell and the toast interface; the texts come in by the environment."""

import os
from pathlib import Path

from connector.platform.notice.command import one_line, ran

__all__ = ["WindowsNotices"]

_SCRIPT = """
$m = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$x = $m::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)
$n = $x.GetElementsByTagName('text')
$null = $n.Item(0).AppendChild($x.CreateTextNode($env:MSS_NOTICE_TITLE))
$null = $n.Item(1).AppendChild($x.CreateTextNode($env:MSS_NOTICE_TEXT))
$id = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe'
$m::CreateToastNotifier($id).Show([Windows.UI.Notifications.ToastNotification]::new($x))
"""


class WindowsNotices:
    """See :class:`connector.platform.notice.Notices`."""

    def show(self, title: str, text: str) -> bool:
        """Shown by the person's session only: a service has no desktop."""
        system = Path(os.environ.get("SystemRoot", r"C:\Windows"))  # noqa: SIM112 - its name on Windows
        program = system / "System32" / "WindowsPowerShell" / "v1.0" / "powershell.exe"
        texts = {"MSS_NOTICE_TITLE": one_line(title), "MSS_NOTICE_TEXT": one_line(text)}
        return ran([str(program), "-NoProfile", "-NonInteractive", "-Command", _SCRIPT], texts)

"""SMTP submission and IMAP reception, both over STARTTLS (Ref#2 ECO.1.0.1, ECO.1.0.2)."""

from connector.operators.smtp_imap.receiver import ImapReceiver
from connector.operators.smtp_imap.sender import SmtpSender

__all__ = ["ImapReceiver", "SmtpSender"]

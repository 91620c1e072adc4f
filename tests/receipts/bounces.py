"""Bounces as the servers of the field write them; synthetic, each in the words and the shape of its server."""

from connector.domain.limits import Limits
from connector.mail.parse import OpenedMessage, open_message

OURS = "<01JDFZ0000000000000000ABCD@labo-exemple.mssante.fr>"
ALIX = "alix@cabinet-exemple.mssante.fr"
BEA = "bea@clinique-exemple.mssante.fr"
LAB = "resultats-bio@labo-exemple.mssante.fr"
RETURNED = f"From: <{LAB}>\nTo: {ALIX}\nMessage-ID: {OURS}\nSubject: XDM/1.0/DDM+CR VIAL Paul 26/11/1978\n"


def opened(text: str) -> OpenedMessage:
    """A message as it would be fetched."""
    return open_message(text.strip("\n").encode().replace(b"\n", b"\r\n"), Limits())


def plain(head: str, body: str) -> str:
    """A bounce without parts."""
    return f"Return-Path: <>\nTo: {LAB}\n{head}\n\n{body}"


EXIM = plain(
    f"From: Mail Delivery System <Mailer-Daemon@mx.exemple.fr>\nX-Failed-Recipients: {ALIX}\n"
    "Auto-Submitted: auto-replied\nSubject: Mail delivery failed: returning message to sender",
    f"""This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {ALIX}
    SMTP error from remote mail server after RCPT TO:<{ALIX}>:
    host mx2.exemple.fr [192.0.2.1]: 550 5.1.1 <{ALIX}>: Recipient address rejected

------ This is a copy of the message, including all the headers. ------

Return-path: <{LAB}>
{RETURNED}
Bonjour
""",
)
EXIM_ALIAS = EXIM.replace(f"X-Failed-Recipients: {ALIX}\n", "").replace(
    f"  {ALIX}\n    SMTP", f"  interne@ailleurs-exemple.fr\n    (ultimately generated from {ALIX})\n    SMTP"
)
EXIM_WARNING = plain(
    "From: Mail Delivery System <Mailer-Daemon@mx.exemple.fr>\nAuto-Submitted: auto-replied\n"
    "Subject: Warning: message 1sEabc-0001 delayed 24 hours",
    f"""This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.exemple.fr.

The message identifier is:     1sEabc-0001
The subject of the message is: CR

The address to which the message has not yet been delivered is:

  {ALIX}
    Delay reason: host mx2.exemple.fr [192.0.2.1]: 451 4.3.0 try later

No action is required on your part. Message-ID was {OURS}
""",
)
QMAIL = plain(
    "From: MAILER-DAEMON@qmail.exemple.fr\nSubject: failure notice",
    f"""Hi. This is the qmail-send program at qmail.exemple.fr.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{ALIX}>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 no such user
Giving up on 192.0.2.1.

<{BEA}>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <{LAB}>
{RETURNED}
""",
)
SENDMAIL = plain(
    "From: Mail Delivery Subsystem <MAILER-DAEMON@vieux.exemple.fr>\nSubject: Returned mail: User unknown",
    f"""The original message was received at Mon, 3 Jun 2024 10:15:03 +0200
from labo.exemple.fr [192.0.2.9]

   ----- The following addresses had permanent fatal errors -----
<{ALIX}>
    (reason: 550 5.1.1 <{ALIX}>... User unknown)

   ----- Transcript of session follows -----
... while talking to mx2.exemple.fr.:
>>> RCPT To:<{ALIX}>
<<< 550 5.1.1 <{ALIX}>... User unknown
550 5.1.1 <{ALIX}>... User unknown

   ----- Original message follows -----

Return-Path: <{LAB}>
{RETURNED}
""",
)
SENDMAIL_WARNING = plain(
    "From: Mail Delivery Subsystem <MAILER-DAEMON@vieux.exemple.fr>\n"
    "Subject: Warning: could not send message for past 4 hours",
    f"""    **********************************************
    **      THIS IS A WARNING MESSAGE ONLY      **
    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **
    **********************************************

   ----- The following addresses had transient non-fatal errors -----
<{ALIX}>

   ----- Transcript of session follows -----
<{ALIX}>... Deferred: Connection timed out with mx2.exemple.fr.
Warning: message still undelivered after 4 hours

   ----- Original message follows -----
{RETURNED}
""",
)
POSTFIX_FLAT = plain(
    "From: Mail Delivery System <MAILER-DAEMON@mx.exemple.fr>\nSubject: Undelivered Mail Returned to Sender",
    f"""This is the mail system at host mx.exemple.fr.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<interne@ailleurs-exemple.fr> (expanded from <{ALIX}>): host mx2.exemple.fr[192.0.2.1]
    said: 550 5.2.1 Mailbox disabled (in reply to RCPT TO command)

--- Original message ---
{RETURNED}
""",
)
EXCHANGE_55 = plain(
    f"From: System Administrator <postmaster@hopital-exemple.fr>\nSubject: Undeliverable: CR\nIn-Reply-To: {OURS}",
    f"""Your message

  To:      {ALIX}
  Subject: CR
  Sent:    Mon, 3 Jun 2024 10:15:03 +0200

did not reach the following recipient(s):

{ALIX} on Mon, 3 Jun 2024 10:15:05 +0200
    The recipient name is not recognized
        The MTS-ID of the original message is: c=fr;a= ;p=hopital;l=EX1
    MSEXCH:IMS:HOPITAL:EX1:EX1 0 (000C05A6) Unknown Recipient
""",
)
EXCHANGE_FR = plain(
    f"From: Microsoft Outlook <postmaster@hopital-exemple.fr>\nSubject: Non remis : CR\nReferences: {OURS}",
    f"""La remise a échoué pour les destinataires ou groupes suivants :

{ALIX}<mailto:{ALIX}>
L’adresse de messagerie que vous avez entrée est introuvable.

Informations de diagnostic destinées aux administrateurs :

Serveur de génération : EX1.hopital-exemple.fr

{ALIX}
Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found'

En-têtes du message d'origine :

{RETURNED}
""",
)
EXCHANGE_NAMED = plain(
    f"From: Microsoft Outlook <postmaster@hopital-exemple.fr>\nSubject: Undeliverable: CR\nReferences: {OURS}",
    f"""Delivery has failed to these recipients or groups:

Alix EXEMPLE ({ALIX})
The recipient's mailbox is full and can't accept messages now.

Diagnostic information for administrators:
#550 5.2.2 STOREDRV.Deliver; mailbox full ##

Original message headers:

{RETURNED}
""",
)
DOMINO = plain(
    "From: Postmaster@notes.exemple.fr\nSubject: DELIVERY FAILURE: User alix not listed in Domino Directory\n"
    f"In-Reply-To: {OURS}",
    f"""Your message

  Subject: CR

was not delivered to:

  {ALIX}

because:

  User alix ({ALIX}) not listed in Domino Directory
""",
)

FAILURES = {
    "exim": (EXIM, ALIX, "5.1.1", 550),
    "exim through an alias": (EXIM_ALIAS, ALIX, "5.1.1", 550),
    "qmail": (QMAIL, ALIX, "5.1.1", 550),
    "sendmail": (SENDMAIL, ALIX, "5.1.1", 550),
    "postfix without parts": (POSTFIX_FLAT, ALIX, "5.2.1", 550),
    "exchange 5.5": (EXCHANGE_55, ALIX, "", 0),
    "exchange in french": (EXCHANGE_FR, ALIX, "5.1.10", 550),
    "exchange with a name": (EXCHANGE_NAMED, ALIX, "5.2.2", 550),
    "domino": (DOMINO, ALIX, "", 0),
}
WARNINGS = {"exim": EXIM_WARNING, "sendmail": SENDMAIL_WARNING}

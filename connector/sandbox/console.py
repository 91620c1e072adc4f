"""The sandbox operator on its own: its settings for the connector, and a few words to make it misbehave."""

from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from connector.sandbox.moods import MoodKind
from connector.sandbox.operator import EmbeddedOperator

__all__ = ["obey", "run_console", "settings_toml"]

HELP = """\
Commandes :
  humeur NOM [ADRESSE|*] [FOIS] [SECONDES]
                                   rend l'opérateur fautif : {moods}
  calme                            tout redevient normal
  coupe                            coupe toutes les connexions
  depose ADRESSE FICHIER           dépose un message (.eml) dans une boîte
  liste ADRESSE [DOSSIER]          nombre et taille des messages d'une boîte
  aide, fin
"""


def settings_toml(operator: EmbeddedOperator, *, name: str = "bac-a-sable") -> str:
    """The operator and its mailboxes as tables of the connector's settings file.

    Args:
        operator: started, so that its ports are known.
        name: of the table under ``[operators]``.
    """
    lines = [
        f'[operators."{name}"]',
        f'smtp = {{ host = "{operator.host}", port = {operator.smtp_port} }}',
        f'imap = {{ host = "{operator.host}", port = {operator.imap_port} }}',
        'sent_folder = "Sent"',
        "files_sent_messages = true",
        f"max_message_bytes = {operator.max_message_bytes}",
        f'[operators."{name}".tls]',
        f"trust = ['{operator.trust_file}']",
        f"crl = ['{operator.crl_file}']",
    ]
    for address in operator.mailboxes:
        lines += [
            "",
            "[[mailboxes]]",
            f'address = "{address}"',
            f'operator = "{name}"',
            'kind = "ORG"',
            f'entity = "{address.partition("@")[0].upper()} (TEST)"',
            f"identity = {{ certificate = '{operator.client_certificate(address)}', auth = \"external\" }}",
            f"# mot de passe pour auth = plain ou login : {operator.password(address)}",
        ]
    return "\n".join(lines) + "\n"


def run_console(operator: EmbeddedOperator, commands: Iterable[str], out: TextIO) -> None:
    """Obey commands until ``fin`` or the end of the input.

    Args:
        operator: running.
        commands: lines, e.g. ``sys.stdin``.
        out: where the answers go.
    """
    for line in commands:
        words = line.split()
        if words and words[0] == "fin":
            return
        try:
            answer = obey(operator, words)
        except (KeyError, ValueError, IndexError, OSError) as error:
            answer = f"non compris : {error} (aide pour la liste)"
        out.write(answer.rstrip("\n") + "\n")
        out.flush()


def obey(operator: EmbeddedOperator, words: list[str]) -> str:
    """Do one command; gives back what to show.

    Raises:
        KeyError: unknown mailbox or folder.
        ValueError: unknown mood or number.
        IndexError: a word is missing.
        OSError: the file cannot be read.
    """
    match words:
        case ["humeur", *details]:
            return _change_mood(operator, details)
        case ["calme"]:
            operator.calm()
            return "tout redevient normal"
        case ["coupe"]:
            operator.drop_connections()
            return "connexions coupées"
        case ["depose", address, file]:
            operator.deliver(address, Path(file).expanduser().read_bytes())
            return f"déposé chez {address}"
        case ["liste", address, *folder]:
            return _list(operator, address, *folder[:1])
        case _:
            return HELP.format(moods=", ".join(MoodKind))


def _change_mood(operator: EmbeddedOperator, details: list[str]) -> str:
    address = details[1] if len(details) > 1 else ""
    operator.mood(
        details[0],
        address="" if address == "*" else address,
        times=int(details[2]) if len(details) > 2 else None,
        seconds=float(details[3]) if len(details) > 3 else 0.0,
    )
    return f"humeur : {details[0]}"


def _list(operator: EmbeddedOperator, address: str, folder: str = "INBOX") -> str:
    messages = operator.messages(address, folder)
    return "\n".join([f"{len(messages)} message(s)", *(f"  {len(content)} octets" for content in messages)])

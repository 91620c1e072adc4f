"""``python -m connector.sandbox``: run the embedded operator alone and say how to reach it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from connector.sandbox.console import run_console, settings_toml
from connector.sandbox.operator import EmbeddedOperator

DEFAULT_MAILBOXES = ("labo-fictif@test.mssante.example", "dr.modele@test.mssante.example")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until ``fin``, the end of the input, or Ctrl-C.

    Args:
        arguments: command line without the program's name; ``None`` = that of the process.

    Returns:
        Exit code 0.
    """
    options = _parser().parse_args(arguments)
    operator = EmbeddedOperator(
        options.folder,
        options.mailboxes or DEFAULT_MAILBOXES,
        require_client_certificate=not options.no_client_certificate,
        ports=(options.smtp_port, options.imap_port),
    )
    with operator:
        sys.stdout.write(settings_toml(operator) + "\n# aide pour la liste des commandes\n")
        sys.stdout.flush()
        try:
            run_console(operator, sys.stdin, sys.stdout)
        except KeyboardInterrupt:
            sys.stdout.write("\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m connector.sandbox", description=__doc__)
    parser.add_argument("mailboxes", nargs="*", metavar="ADRESSE", help="boîtes à ouvrir")
    parser.add_argument("--folder", type=Path, default=Path("bac-a-sable"), help="dossier privé de l'opérateur")
    parser.add_argument("--smtp-port", type=int, default=0, help="0 = un port libre")
    parser.add_argument("--imap-port", type=int, default=0, help="0 = un port libre")
    parser.add_argument("--no-client-certificate", action="store_true", help="ne pas exiger de certificat client")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

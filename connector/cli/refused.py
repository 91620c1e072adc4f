"""``mss-connector queue refused``: drops that never left, why, and where their files are."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from connector.cli.exits import errors_to_person, stdout
from connector.cli.found import only_match
from connector.cli.place import ACTOR, ConfigOption, journal_of, settings_at
from connector.cli.words import say
from connector.domain.address import MailboxAddress
from connector.domain.catalogue import explain
from connector.intake.layout import folders_of
from connector.journal.journal import Journal
from connector.journal.records import RefusedDrop
from connector.settings.model import Settings

__all__ = ["refused", "refused_today"]


def refused(
    config: ConfigOption = None,
    seen: Annotated[
        list[str] | None,
        typer.Option("--seen", help="Marque comme vu : identifiant complet, ou ses derniers caractères."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Aussi ceux qui ont été vus.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Pour un programme.")] = False,
) -> None:
    """Montre les dépôts refusés, qui ne sont jamais partis : pourquoi, que faire, où sont les fichiers."""
    with errors_to_person():
        settings = settings_at(config)
        with journal_of(settings) as journal:
            ids = [_find(journal, text) for text in seen or []]
            told = [journal.see_refused_drop(drop_id, by=ACTOR) for drop_id in ids]
            drops = told if seen else journal.refused_drops(unseen=not all_, limit=limit)
        _show(drops, settings, as_json=as_json, are_seen=bool(seen))


def refused_today(journal: Journal) -> dict[str, dict[str, int]]:
    """Mailbox to ``unseen`` and ``today`` to number; mailboxes that have neither are left out."""
    today = journal.refused_since(datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0))
    unseen = {mailbox: counts["unseen"] for mailbox, counts in journal.refused_counts().items() if counts["unseen"]}
    return {
        mailbox: {"unseen": unseen.get(mailbox, 0), "today": today.get(mailbox, 0)}
        for mailbox in sorted(unseen.keys() | today.keys())
    }


def _show(drops: list[RefusedDrop], settings: Settings, *, as_json: bool, are_seen: bool) -> None:
    if as_json:
        stdout.print_json(json.dumps([_as_dict(drop) for drop in drops], ensure_ascii=False))
        return
    if are_seen:
        for drop in drops:
            stdout.print(f"{drop.id[-6:]}{say(' : marqué comme vu.', ': marked as seen.')}")
        return
    folders = {mailbox.address: str(folders_of(settings.spool, mailbox).errors) for mailbox in settings.mailboxes}
    for drop in drops:
        for line in _lines(drop, folders):
            stdout.print(line, soft_wrap=True)
    if not drops:
        stdout.print(say("Aucun dépôt refusé à voir.", "No refused drop to see."))


def _lines(drop: RefusedDrop, folders: Mapping[MailboxAddress, str]) -> Iterator[str]:
    """One refusal as a person reads it: what, why, what to do, where."""
    texts = explain(drop.code)
    yield f"[bold]{escape(drop.name)}[/bold]  {drop.id}"
    yield escape(f"  {drop.at.astimezone():%d/%m %H:%M:%S}  {say('boîte', 'mailbox')} {drop.mailbox}")
    yield escape(f"  {say(texts.title_fr, texts.title_en)} ({drop.code})")
    if drop.sentence:
        yield escape(f"  {drop.sentence}")
    yield escape(f"  → {say(texts.cure_fr, texts.cure_en)}")
    where = folders.get(drop.mailbox, "ERREURS")
    yield escape(
        f"  {say('Fichiers dans ', 'Files in ')}{where}{say(' : ', ': ')}{', '.join((*drop.files, drop.note))}"
    )
    if drop.seen_at is not None:
        yield escape(f"  {say('vu le', 'seen')} {drop.seen_at.astimezone():%d/%m %H:%M}")


def _find(journal: Journal, text: str) -> str:
    """By full id, or by the only refusal that ends so.

    Raises:
        InvalidSubmission: ``INTROUVABLE``, or ``IDENTIFIANT_AMBIGU`` when several end so.
    """
    matches = journal.find_refused_drops(text.strip().upper())
    return only_match(matches, "no refused drop ends with this identifier")


def _as_dict(drop: RefusedDrop) -> dict[str, Any]:
    return {
        "id": drop.id, "mailbox": str(drop.mailbox), "at": drop.at.isoformat(), "code": drop.code, "name": drop.name,
        "files": list(drop.files), "note": drop.note, "sentence": drop.sentence,
        "seen_at": drop.seen_at.isoformat() if drop.seen_at else None, "seen_by": drop.seen_by,
    }  # fmt: skip

"""What must be true once everything is settled, however often the process died on the way."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from connector.domain.states import OutgoingState
from tests.crash.crash_samples import message_id_of
from tests.crash.crash_site import CrashSite

__all__ = ["check_what_the_lps_sees", "prove"]


def prove(site: CrashSite) -> None:
    """Each document exactly once at the operator and exactly once delivered, and every folder tells the truth.

    Raises:
        AssertionError: what is not so.
    """
    sent = _journal(site)
    _operator(site, sent)
    _outgoing_folders(site)
    _received(site, sent)
    assert site.work_left() == []
    assert list(site.outbox.iterdir()) == []


def _journal(site: CrashSite) -> dict[str, str]:
    """The journal is sound and knows each drop once; gives back Message-ID by base name."""
    with site.journal() as journal:
        assert journal.violations() == []
        assert journal.verify_trace() > 0 or not (site.dropped or site.delivered_by_others)
        views = journal.submissions(limit=1000)
        refusals = Counter(entry.subject_id for entry in journal.trace(limit=100_000) if entry.action == "refuse")
        drops = {drop.name: drop for drop in journal.refused_drops(unseen=True, limit=1000)}
    left = {view.source_name: view for view in views if view.messages[0].state is not OutgoingState.REJECTED}
    rejected = {view.source_name for view in views} - left.keys()
    assert sorted(left) == sorted(site.dropped), "a drop was lost, or taken twice"
    assert len(views) == len(left) + len(rejected)
    claimed_and_refused = {base for base in site.refused if base.startswith("BAD")}
    assert rejected == site.refused.keys() - claimed_and_refused
    assert sorted(refusals.values()) == [1] * len(claimed_and_refused), "a refusal was lost, or traced twice"
    assert drops.keys() == claimed_and_refused, "a refusal that nobody is told of"
    assert {drop.id for drop in drops.values()} == refusals.keys()
    assert all(
        (site.box / "ERREURS" / name).is_file() for drop in drops.values() for name in (*drop.files, drop.note)
    )
    messages = {base: view.messages for base, view in left.items()}
    assert all(len(one) == 1 and one[0].state is OutgoingState.DELIVERED for one in messages.values())
    return {base: one[0].header_message_id or "" for base, one in messages.items()}


def _operator(site: CrashSite, sent: dict[str, str]) -> None:
    """The recipient's mailbox, the Sent folder and the receipts hold each message once, marked as done."""
    expected = Counter([*sent.values(), *site.delivered_by_others])
    assert set(expected.values()) <= {1}
    assert Counter(map(message_id_of, site.operator_inbox(site.doctor))) == expected
    assert Counter(map(message_id_of, site.operator_inbox(site.labo, "Sent"))) == Counter(sent.values())
    receipts = site.operator_inbox(site.labo)
    assert len(receipts) == len(sent), "as many delivery receipts as messages"
    for mailbox in (site.labo, site.doctor):
        unread = [
            p.name for p in site.operator.maildir(mailbox).glob("[cn]*/*") if "S" not in p.name.partition(":2,")[2]
        ]
        assert unread == [], "not marked on the server"


def _outgoing_folders(site: CrashSite) -> None:
    """ENVOYES, ERREURS and STATUTS hold what they should, once, whole, and nothing else."""
    envoyes = {path.name: path.read_bytes() for path in site.box.glob("ENVOYES/*/*")}
    assert len(list(site.box.glob("ENVOYES/*/*"))) == len(envoyes)
    parts = {base for bases in site.lots.values() for base in bases}
    rest = {f"{lot}{end}" for lot in site.lots for end in (".mss.csv", ".ok")}
    assert envoyes.keys() == {f"{base}{end}" for base in site.dropped for end in _ends(base, parts)} | rest
    assert {base: envoyes[f"{base}.xml"] for base in site.dropped} == site.dropped

    erreurs = {path.name: path.read_bytes() for path in site.box.glob("ERREURS/*")}
    notes = {f"{base}.erreur.txt" for base in site.refused}
    assert erreurs.keys() == {f"{base}{end}" for base in site.refused for end in _ends(base, parts)} | notes
    assert {base: erreurs[f"{base}.xml"] for base in site.refused} == site.refused
    assert all(erreurs[f"{base}.erreur.txt"] for base in site.refused)

    statuts = {path.name for path in site.box.glob("STATUTS/*")}
    told = {f"{base}.{end}" for base in site.dropped for end in ("statut.json", "statut.txt", "envoye")}
    failed = (*site.refused, *site.lots)
    wanted = told | {f"{base}.{end}" for base in failed for end in ("statut.json", "statut.txt", "erreur")}
    assert statuts == wanted, sorted(statuts ^ wanted)
    for base in site.dropped:
        status = _json(site.box / "STATUTS" / f"{base}.statut.json")
        assert (status["etat"], status["reference"], status["erreurs"]) == ("remis", base, [])
        assert (site.box / status["emplacement"] / f"{base}.xml").is_file()


def _ends(base: str, parts: set[str]) -> tuple[str, ...]:
    """Suffixes of the originals of a drop; the flag of a lot is that of the lot."""
    return (".xml", ".mss.json") if base in parts else (".xml", ".mss.json", ".ok")


def _received(site: CrashSite, sent: dict[str, str]) -> None:
    """Each message was given once, in RECUS or taken from there: index and flag, every file, whole, and no other."""
    check_what_the_lps_sees(site)
    documents = {sent[base]: content for base, content in site.dropped.items()} | site.delivered_by_others
    found: list[str] = []
    for folder in site.received_folders():
        named: set[str] = set()
        for index in map(_json, folder.glob("*.mss.json")):
            found.append(index["message_id"])
            (cda,) = [piece["nom"] for piece in index["fichiers"] if piece["role"] == "cda"]
            assert (folder / cda).read_bytes() == documents[index["message_id"]], "not byte-identical"
            named |= {f"{index['prefixe']}{end}" for end in (".mss.json", ".ok")}
            named |= {piece["nom"] for piece in index["fichiers"]}
        assert {path.name for path in folder.iterdir()} == named, "a file without index, or missing"
    assert Counter(found) == Counter(documents.keys()), "a message was lost, or delivered twice"
    if site.routed:
        copies = [_json(index)["message_id"] for index in site.archive.glob("*/*.mss.json")]
        assert Counter(copies) == Counter(documents.keys()), "the other place was forgotten, or given twice"
    other = [path for name in ("ERREURS", "ENVOYES", "STATUTS") for path in (site.received.parent / name).glob("*")]
    assert other == []


def check_what_the_lps_sees(site: CrashSite) -> None:
    """At any moment, also between a kill and the next start: what is told is true, what is visible is whole.

    Raises:
        AssertionError: an index without its files, a flag without its index, half a status file.
    """
    for folder in site.received_folders():
        for flag in folder.glob("*.ok"):
            assert (folder / f"{flag.name.removesuffix('.ok')}.mss.json").is_file(), "a flag before its index"
        for path in folder.glob("*.mss.json"):
            for piece in _json(path)["fichiers"]:
                content = (folder / piece["nom"]).read_bytes()
                assert hashlib.sha256(content).hexdigest() == piece["sha256"], "an index before its files"
    for folder in site.archive.glob("[!.]*/"):
        (index,) = folder.glob("*.mss.json")
        named = {piece["nom"]: piece["sha256"] for piece in _json(index)["fichiers"]}
        whole = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path != index
        }
        assert whole == named, "a folder that is not whole"
    for path in site.box.glob("STATUTS/*.statut.json"):
        status = _json(path)
        if status["etat"] == "remis":
            assert status["reference"] in site.dropped


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content

"""What would keep the connector from working, found before it starts: valid settings that do not fit the world."""

from collections.abc import Iterator
from pathlib import Path

from connector.daemon.endpoint import data_paths
from connector.daemon.target import route_profile
from connector.delivery.inbox import mailbox_profile
from connector.delivery.profile import InvalidProfile
from connector.domain.catalogue import explain
from connector.domain.errors import ConfigurationError
from connector.domain.text import Text
from connector.exchange.arrival import PartRole
from connector.exchange.deep.judge import DeepJudge
from connector.operators.trust import Trust
from connector.platform.system import SystemClock
from connector.settings.load import Problem
from connector.settings.matrix import METHOD_WORDS, taken_methods
from connector.settings.mllp import MllpTarget
from connector.settings.model import IdentityMethod, IdentitySettings, MailboxSettings, OperatorSettings, Settings

__all__ = ["problems_before_start"]


def problems_before_start(settings: Settings) -> list[Problem]:
    """Every reason why sending or receiving cannot work with these settings, and what this machine has accepted."""
    return [
        *_software(settings), *_operators(settings), *_mailboxes(settings), *_webhooks(settings),
        *_validation(settings),
    ]  # fmt: skip


def _software(settings: Settings) -> Iterator[Problem]:
    sends = any(mailbox.send for mailbox in settings.mailboxes)
    if sends and not settings.software.product_reference:
        yield Problem(
            "software.product_reference",
            Text(
                "est vide, or chaque message doit la porter (X-MSS-NIL)",
                "is empty, and every message must carry it (X-MSS-NIL)",
            ),
            Text(
                "attendu : la référence donnée par Convergence, p. ex. DEV935997",
                "expected the reference given by Convergence, e.g. DEV935997",
            ),
        )


def _operators(settings: Settings) -> Iterator[Problem]:
    accepted = Trust(data_paths(settings).trust, SystemClock())
    for name, operator in settings.operators.items():
        if not operator.tls.trust and not accepted.authorities(operator.tls.igc):
            yield Problem(
                f"operators.{name}.tls.trust",
                Text(
                    f"est vide, et aucune autorité IGC-Santé ({operator.tls.igc}) n'est acceptée sur cette machine",
                    f"is empty, and no authority of IGC-Santé ({operator.tls.igc}) is accepted on this machine",
                ),
                Text("lancez une fois : mss-connector trust update", "run once: mss-connector trust update"),
            )
        for key, paths in (("trust", operator.tls.trust), ("crl", operator.tls.crl)):
            yield from _missing_files(f"operators.{name}.tls.{key}", paths)


def _mailboxes(settings: Settings) -> Iterator[Problem]:
    if not settings.mailboxes:
        yield Problem(
            "mailboxes",
            Text("il n'y en a aucune", "there is none"),
            Text("attendu : au moins une table [[mailboxes]]", "expected at least one [[mailboxes]] table"),
        )
    for index, mailbox in enumerate(settings.mailboxes):
        key = f"mailboxes[{index}]"
        yield from _identity(f"{key}.identity", mailbox.identity)
        yield from _way_in(f"{key}.identity", mailbox, settings.operators[mailbox.operator])
        yield from _delivery(f"{key}.reception", mailbox)


def _identity(key: str, identity: IdentitySettings) -> Iterator[Problem]:
    """Files that are named and not there, each under its own key."""
    places = {"certificate_password": identity.certificate_password, "password": identity.password}
    named = {"certificate": identity.certificate, "key": identity.key}
    named |= {f"{name}.file": place.file for name, place in places.items() if place}
    for name, path in named.items():
        if path is not None:
            yield from _missing_files(f"{key}.{name}", [path])


def _way_in(key: str, mailbox: MailboxSettings, operator: OperatorSettings) -> Iterator[Problem]:
    """An identity that this operator does not take for this kind of mailbox, with those that it takes."""
    if mailbox.identity.method is IdentityMethod.CODE:
        yield Problem(
            f"{key}.auth",
            Text("un code à usage unique ne passe ni par SMTP ni par IMAP", "SMTP and IMAP carry no one-time code"),
            Text("attendu : une autre valeur, p. ex. xoauth2", "expected another value, e.g. xoauth2"),
        )
        return
    taken = taken_methods(operator.identities, mailbox.kind)
    if taken is None or mailbox.identity.method in taken:
        return
    kind, name, given = mailbox.kind.value, mailbox.operator, METHOD_WORDS[mailbox.identity.method]
    words = [METHOD_WORDS[method] for method in taken]
    french = " ou ".join(word.fr for word in words) or f"rien pour une boîte {kind}"
    english = " or ".join(word.en for word in words) or f"nothing for a {kind} mailbox"
    yield Problem(
        key,
        Text(
            f"l'opérateur {name!r} n'ouvre pas une boîte {kind} avec {given.fr}",
            f"the operator {name!r} does not open a {kind} mailbox with {given.en}",
        ),
        Text(
            f"il accepte : {french} (operators.{name}.identities)",
            f"it takes: {english} (operators.{name}.identities)",
        ),
    )


def _delivery(key: str, mailbox: MailboxSettings) -> Iterator[Problem]:
    """Profiles that are not there or cannot be used, a sentence each under the key that chooses them."""
    reception = mailbox.reception
    yield from _profile(key, mailbox, "", reception.mllp)
    for index, route in enumerate(reception.routes):
        yield from _profile(f"{key}.routes[{index}]", mailbox, route_profile(route), route.mllp)


def _profile(key: str, mailbox: MailboxSettings, name: str, line: MllpTarget | None) -> Iterator[Problem]:
    try:
        profile = mailbox_profile(mailbox, name)
    except InvalidProfile as error:
        for problem in error.problems:
            place = "" if problem.key == "profile" else f" ({problem.key})"
            yield Problem(f"{key}.profile{place}", problem.wrong, problem.right)
        return
    if line is None:
        return
    if profile.rule(PartRole.HL7) is None:
        yield Problem(
            f"{key}.mllp",
            Text("le profil ne fait pas de message HL7 v2", "the profile makes no HL7 v2 message"),
            Text('attendu : profile = "hl7"', 'expected profile = "hl7"'),
        )
    if line.trust is not None:
        yield from _missing_files(f"{key}.mllp.trust", [line.trust])


def _webhooks(settings: Settings) -> Iterator[Problem]:
    for index, webhook in enumerate(settings.api.webhooks):
        named = {"trust": webhook.trust, "secret.file": webhook.secret.file if webhook.secret else None}
        for name, path in named.items():
            if path is not None:
                yield from _missing_files(f"api.webhooks[{index}].{name}", [path])


def _validation(settings: Settings) -> Iterator[Problem]:
    """The schemas that documents are to be held against, and the program that runs schematrons."""
    try:
        DeepJudge(settings.validation).prepare()
    except ConfigurationError as error:
        texts = explain(error.code)
        key = "validation.schematron" if error.code == "SCHEMATRON_NON_INSTALLE" else "validation.schemas"
        french, english = texts.title_fr.rstrip("."), texts.title_en.rstrip(".")
        yield Problem(key, Text(f"{french} ({error.detail})", f"{english} ({error.detail})"),
                      Text(texts.cure_fr, texts.cure_en))  # fmt: skip


def _missing_files(key: str, paths: list[Path]) -> Iterator[Problem]:
    for path in paths:
        if not path.is_file():
            yield Problem(
                key,
                Text(f"{path} n'est pas un fichier", f"{path} is not a file"),
                Text(
                    "attendu : un fichier que le connecteur peut lire", "expected a file that the connector can read"
                ),
            )

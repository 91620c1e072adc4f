"""A chain after the handshake: approved, or refused with the one code that says why; lists are fetched elsewhere."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from connector.operators.errors import UntrustedServer
from connector.operators.trust import Trust, hierarchies_in_use
from connector.operators.trust.revocation import Fetched, Outcome
from connector.operators.trust.service import Approval
from connector.sandbox.authority import Authority, Issued
from connector.sandbox.pki import sandbox_name
from connector.settings.model import OperatorSettings, TlsSettings
from connector.testing.clock import FakeClock
from tests.trust.trust_scene import NOW, SITE, der, family, trust_in

ONE = family()
OWN = f"{SITE}/production/of-this-server.crl"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Desk:
    """A machine that has accepted the authorities, and what it says of a server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.source = ONE.source()
        self.source.content[OWN] = der(ONE.organisations)
        self.trust = self.open()

    def open(self) -> Trust:
        return trust_in(self.folder, self.source, clock=self.clock)

    def filled(self) -> "Desk":
        self.trust.refresh(["production"])
        self.source.asked.clear()
        return self

    def approve(self, server: Issued, *given: bytes, **settings: Any) -> Approval:
        lists = [x509.load_der_x509_crl(data) for data in given]
        return self.trust.approve(ONE.chain(server), TlsSettings(**settings), ONE.servers, lists)

    def refusal(self, server: Issued, *given: bytes, **settings: Any) -> UntrustedServer:
        with pytest.raises(UntrustedServer) as refused:
            self.approve(server, *given, **settings)
        assert self.trust.settle(20)
        return refused.value

    def code(self, server: Issued, *given: bytes, **settings: Any) -> str:
        return self.refusal(server, *given, **settings).code


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


SERVER, LISTED = ONE.server(), ONE.server(lists_at=[OWN])


def test_a_server_is_approved_until_its_list_ends(desk: Desk) -> None:
    approval = desk.filled().approve(SERVER)
    assert approval == Approval(NOW + timedelta(days=7), DAY, in_grace=False)
    assert desk.source.asked == []


def test_an_approval_never_outlives_a_certificate(desk: Desk) -> None:
    soon = ONE.server(days=3)
    assert desk.filled().approve(soon).until == soon.certificate.not_valid_after_utc
    assert desk.approve(soon, revocation="off") == Approval(soon.certificate.not_valid_after_utc)


@pytest.mark.parametrize(
    ("server", "code"),
    [(ONE.server(starts=-400, days=300), "SERVEUR_EXPIRE"), (ONE.server(starts=30), "SERVEUR_FUTUR")],
    ids=["expired", "future"],
)
def test_dates_are_looked_at_by_our_clock_too(desk: Desk, server: Issued, code: str) -> None:
    """A resumed session, or a clock that was set right meanwhile: OpenSSL has not looked again."""
    assert desk.filled().code(server) == code


def test_a_revoked_server_is_refused(desk: Desk) -> None:
    desk.source.content[ONE.address("organisations")] = der(ONE.organisations, SERVER)
    desk.filled()
    refusal = desk.refusal(SERVER)
    assert (refusal.code, "localhost" in refusal.detail) == ("SERVEUR_REVOQUE", True)
    assert desk.approve(LISTED).list_age == DAY


def test_a_revoked_authority_is_refused_whatever_it_says_itself(desk: Desk) -> None:
    withdrawn = Issued(ONE.organisations.certificate, ONE.organisations.key)
    desk.source.content[ONE.address("racine")] = der(ONE.root, withdrawn)
    assert desk.filled().code(SERVER) == "SERVEUR_REVOQUE"


def test_a_public_authority_is_refused(desk: Desk) -> None:
    public = Authority.root(sandbox_name("Public Trust"), now=NOW)
    server = public.issue(sandbox_name("localhost"), [], now=NOW)
    for chain in ([server.certificate, public.certificate], [server.certificate], []):
        with pytest.raises(UntrustedServer, match="SERVEUR_AUTORITE"):
            desk.trust.approve(chain, TlsSettings(revocation="off"), ONE.servers)


def test_the_authority_of_persons_makes_no_server_trusted_though_the_root_is_the_same(desk: Desk) -> None:
    server = ONE.persons.issue(sandbox_name("localhost"), [], now=NOW)
    chain = [server.certificate, ONE.persons.certificate, ONE.root.certificate]
    with pytest.raises(UntrustedServer, match=r"SERVEUR_AUTORITE.*PERSONNES"):
        desk.trust.approve(chain, TlsSettings(revocation="off"), ONE.servers)
    bench = TlsSettings(revocation="off", trust=[Path("root.pem")])  # there the person says whom to trust
    assert desk.trust.approve(chain, bench, ONE.servers).list_age is None


def test_a_missing_list_is_fetched_once_in_the_background_and_the_next_connection_passes(desk: Desk) -> None:
    assert desk.code(LISTED) == "CRL_ABSENTE"
    assert sorted(desk.source.asked) == [OWN, ONE.address("racine")]
    assert desk.approve(LISTED).list_age == DAY


def test_a_server_that_names_no_list_goes_by_what_is_known_of_its_authority(desk: Desk) -> None:
    desk.code(SERVER)
    assert sorted(desk.source.asked) == [ONE.address("organisations"), ONE.address("racine")]
    assert desk.approve(SERVER).list_age == DAY


def test_a_host_that_refuses_is_not_asked_for_each_connection(desk: Desk) -> None:
    desk.source.content.clear()
    for _ in range(50):
        assert desk.code(LISTED) == "CRL_ABSENTE"
    assert sorted(desk.source.asked) == [OWN, ONE.address("racine")]
    desk.clock.advance(by=HOUR)
    desk.code(LISTED)
    assert len(desk.source.asked) == 4


def test_a_download_does_not_hold_up_the_connections(desk: Desk) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        inside.set()
        assert go_on.wait(20)

    desk.source.before = hold
    for _ in range(3):
        with pytest.raises(UntrustedServer, match="CRL_ABSENTE"):
            desk.approve(SERVER)
        assert inside.wait(20)
    assert not desk.trust.settle(0)
    go_on.set()
    assert desk.trust.settle(20)
    assert len(desk.source.asked) == 2


def test_a_forged_list_is_told_apart_from_a_missing_one(desk: Desk) -> None:
    forger = Authority.root(ONE.root.certificate.subject, now=NOW)
    desk.source.content[ONE.address("racine")] = der(forger)
    assert desk.code(SERVER) == "CRL_ABSENTE"  # not looked at yet
    assert desk.code(SERVER) == "CRL_INVALIDE"


@pytest.mark.parametrize(
    ("hours_late", "grace", "passes"), [(1, 0, False), (1, 4, True), (4, 4, True), (5, 4, False)]
)
def test_the_last_list_serves_until_its_end_and_the_grace_then_the_door_is_shut(
    desk: Desk, hours_late: int, grace: int, passes: bool
) -> None:
    desk.filled()
    desk.source.content.clear()  # the host is gone
    desk.clock.advance(by=timedelta(days=7, hours=hours_late))
    if passes:
        approval = desk.approve(SERVER, crl_grace_hours=grace)
        assert (approval.in_grace, approval.until) == (True, NOW + timedelta(days=7, hours=grace))
    else:
        assert desk.code(SERVER, crl_grace_hours=grace) == "CRL_PERIMEE"


def test_without_any_network_a_machine_works_until_the_lists_end(desk: Desk) -> None:
    desk.filled()
    desk.source.content.clear()
    for _ in range(7):
        assert desk.open().approve(ONE.chain(SERVER), TlsSettings(), ONE.servers).list_age is not None
        desk.trust.refresh(["production"])
        desk.clock.advance(by=timedelta(hours=23))


def test_a_list_given_by_hand_is_used_before_the_fetched_one(desk: Desk) -> None:
    desk.filled()
    by_hand = der(ONE.organisations, SERVER, lasts=timedelta(days=2))
    assert desk.code(SERVER, by_hand) == "SERVEUR_REVOQUE"
    assert desk.approve(LISTED, by_hand).until == NOW + timedelta(days=2)


def test_a_list_given_by_hand_that_is_past_its_end_gives_way_to_the_fetched_one(desk: Desk) -> None:
    stale = der(ONE.organisations, lasts=-HOUR)
    assert desk.code(SERVER, stale) == "CRL_ABSENTE"  # of the root; and that of its issuer is fetched, too
    assert sorted(desk.source.asked) == [ONE.address("organisations"), ONE.address("racine")]
    assert desk.approve(SERVER, stale).until == NOW + timedelta(days=7)


def test_with_lists_by_hand_for_all_nothing_is_fetched(desk: Desk) -> None:
    desk.source.content.clear()
    assert desk.approve(LISTED, der(ONE.root), der(ONE.organisations)).list_age == DAY
    assert (desk.source.asked, desk.trust.lists.kept()) == ([], [])


def test_if_listed_looks_only_at_what_is_given(desk: Desk) -> None:
    modest = {"revocation": "if_listed"}
    assert desk.approve(SERVER, **modest).list_age is None
    assert desk.approve(SERVER, der(ONE.organisations), **modest).list_age == DAY
    assert desk.code(SERVER, der(ONE.organisations, SERVER), **modest) == "SERVEUR_REVOQUE"
    assert desk.code(SERVER, der(ONE.organisations, lasts=-HOUR), **modest) == "CRL_PERIMEE"
    forger = Authority.root(ONE.organisations.certificate.subject, now=NOW)
    assert desk.code(SERVER, der(forger), **modest) == "CRL_INVALIDE"
    assert desk.source.asked == []


def test_off_looks_at_nothing(desk: Desk) -> None:
    assert desk.approve(SERVER, der(ONE.organisations, SERVER), revocation="off").list_age is None


def test_a_full_disk_does_not_spoil_the_lists_that_are_there(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.filled()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("connector.operators.trust.revocation.write_atomic", full)
    assert desk.approve(LISTED).list_age == DAY
    desk.clock.advance(by=2 * DAY)
    desk.trust.fetch_soon()
    assert desk.trust.settle(20)
    with pytest.raises(OSError, match="No space"):
        desk.trust.refresh(["production"])


# -- keeping fresh


def test_the_lists_of_the_accepted_authorities_are_there_before_the_first_connection(desk: Desk) -> None:
    told: list[Fetched] = []
    desk.trust.refresh(["production"], tell=told.append)
    assert {(one.address, one.outcome) for one in told} == {
        (ONE.address("racine"), Outcome.FETCHED), (ONE.address("organisations"), Outcome.FETCHED),
    }  # fmt: skip
    assert {one.outcome for one in desk.trust.refresh(["production"])} == {Outcome.NOT_DUE}


def test_nothing_is_fetched_for_a_hierarchy_that_nobody_uses(desk: Desk) -> None:
    assert desk.trust.refresh([]) == []
    assert desk.trust.refresh(["test"]) == []
    assert desk.source.asked == []


def test_the_revision_tells_when_connections_are_to_be_made_anew(desk: Desk) -> None:
    before = desk.trust.revision()
    desk.filled()
    fetched = desk.trust.revision()
    assert fetched != before
    desk.clock.advance(by=DAY)
    desk.source.content.clear()
    desk.trust.refresh(["production"])
    assert desk.trust.revision() == fetched  # a failure changes nothing
    desk.trust.store.add(family("test").root.certificate, source="x")
    assert desk.trust.revision() != fetched


def test_the_hierarchies_in_use_are_those_of_operators_without_files_of_their_own() -> None:
    server = {"host": "mail.test", "port": 587}

    def operator(**tls: Any) -> OperatorSettings:
        return OperatorSettings.model_validate({"smtp": server, "imap": server, "tls": tls})

    assert hierarchies_in_use({}) == set()
    assert hierarchies_in_use({"a": operator(), "b": operator(igc="test")}) == {"production", "test"}
    assert hierarchies_in_use({"a": operator(trust=["bench.pem"])}) == set()


def test_files_alone_keep_and_fetch_nothing() -> None:
    trust = Trust.from_files_only()
    assert (trust.authorities("production"), trust.refresh(["production"], force=True)) == ([], [])
    trust.fetch_soon()
    assert trust.settle(0)
    now = trust.clock.now()
    assert now.tzinfo is not None
    assert trust.clock.monotonic() <= trust.clock.monotonic()

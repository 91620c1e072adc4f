"""What people are told of the trust on this machine, as values."""

from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from connector.operators.trust.report import list_views, missing_authorities, trust_views, unpinned_files
from connector.settings.model import OperatorSettings
from connector.testing.clock import FakeClock
from tests.trust.trust_scene import NOW, Source, der, family, trust_in

ONE = family()
DAY = timedelta(days=1)
SERVER = {"host": "mail.test", "port": 587}


def test_servers_come_first_and_each_authority_shows_its_newest_list(tmp_path: Path) -> None:
    source = ONE.source()
    trust = trust_in(tmp_path, source)
    trust.refresh(["production"])
    other = "http://igc.test/newer.crl"
    source.content[other] = der(ONE.organisations, at=NOW + timedelta(hours=1))
    trust.lists.want(other, ONE.organisations.certificate)
    trust.refresh(["production"])
    views = trust_views(trust)
    assert [view.serves for view in views] == [True, True, False]
    lists = [view.revocation_list for view in views]
    assert [one.address if one else None for one in lists] == [other, ONE.address("racine"), None]
    assert lists[1] is not None
    assert (lists[1].issued_at, lists[1].valid_until, lists[1].asked_at, lists[1].code) == (
        NOW - DAY, NOW + 7 * DAY, NOW, "",
    )  # fmt: skip


def test_a_list_that_could_not_be_had_shows_why(tmp_path: Path) -> None:
    trust = trust_in(tmp_path, Source({}), clock=FakeClock())
    trust.refresh(["production"])
    assert [(one.issued_at, one.code) for one in list_views(trust)] == [(None, "TELECHARGEMENT")] * 2
    assert all(one.issuer.startswith("TEST ") for one in list_views(trust))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    trust = trust_in(tmp_path, filled=False)
    assert missing_authorities(trust, "production") == ["racine", "organisations"]
    trust.store.add(ONE.root.certificate, source="x")
    assert missing_authorities(trust, "production") == ["organisations"]


def test_authorities_in_the_settings_that_are_not_pinned_are_found(tmp_path: Path) -> None:
    both, broken = tmp_path / "both.pem", tmp_path / "broken.pem"
    stranger = family("test").root.certificate
    both.write_bytes(ONE.root.certificate.public_bytes(Encoding.PEM) + stranger.public_bytes(Encoding.PEM))
    broken.write_bytes(b"broken")
    tls = {"trust": [both, broken, tmp_path / "absent.pem"]}
    operators = {"op": OperatorSettings.model_validate({"smtp": SERVER, "imap": SERVER, "tls": tls})}
    (found,) = unpinned_files(operators, ONE.pins)
    assert (found.operator, found.path, found.name) == ("op", both, "TEST RACINE test")
    assert len(unpinned_files(operators)) == 2

"""Text that may leave the practice: programs' words stay, people's words go."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.domain.catalogue import CATALOGUE
from connector.support.log_lines import scrubbed_lines
from connector.support.scrub import MASK, Scrubber
from connector.support.vocabulary import VOCABULARY

LABELS = {
    "dr.modele@exemple.mssante.fr": "boite-1", "dr-modele": "boite-1", "mailiz": "operateur-1",
    "/srv/cabinet modele": "chemin-1", "/srv/cabinet modele/spool": "chemin-2",
}  # fmt: skip
SCRUBBER = Scrubber(LABELS, frozenset({"smtp.operateur.example", "127.0.0.1"}))

_FIRST_NAMES = """
    jean marie pierre michel andre philippe alain bernard jacques daniel patrick nicolas christophe laurent louis
    paul francois marc eric sophie nathalie isabelle sylvie catherine martine christine francoise anne monique julie
    camille lea manon emma chloe ines jade louise alice lucas hugo gabriel jules adam raphael leo arthur nathan
    grace rose mark may will dane jack ruth faith hope ella lola noe tom max clement felix victor rene
"""
_FAMILY_NAMES = """
    martin bernard dubois thomas robert richard petit durand leroy moreau simon laurent lefebvre michel garcia david
    bertrand roux vincent fournier morel girard andre lefevre mercier dupont lambert bonnet francois martinez
    legrand garnier faure rousseau blanc guerin muller henry roussel nicolas perrin morin mathieu clement gauthier
    dumont lopez fontaine chevalier robin masson sanchez gerard nguyen boyer denis lemaire duval joly gautier roger
    roche roy noel meyer lucas meunier jean perez marchand dufour blanchard marie barbier brun dumas brunet schmitt
    leroux colas page fernandez picard arnaud grand grant young king white brown smith jones
"""


def test_no_name_of_a_person_is_a_word_of_programs() -> None:
    assert VOCABULARY.isdisjoint(_FIRST_NAMES.split())
    assert VOCABULARY.isdisjoint(_FAMILY_NAMES.split())


@pytest.mark.parametrize(
    "text",
    [
        "Jean DUPONT", "M. Petit", "né le 12/03/1956", "1956-03-12", "12.03.56", "279035121518989",
        "2 79 03 51 215 189 89", "06 12 34 56 78", "0612345678", "DUPONT_Jean_2026.pdf", "compte-rendu.xml",
        "mme.durand@patient.mssante.fr", "confrere@autre.mssante.fr", "hunter2", "C:\\Users\\dupont\\cr.pdf",
        "/home/dupont/x.pdf", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIi", "Ünïcode", "\u202eDUPONT", "1234567890", "19560312",
        "insuffisance cardiaque", "DupontError.pdf", "DUPONT.Error",
    ],
)  # fmt: skip
def test_what_could_be_about_a_person_goes(text: str) -> None:
    assert SCRUBBER.text(text) == MASK
    assert SCRUBBER.text(f"connection refused: {text}") == f"connection refused: {MASK}"


@pytest.mark.parametrize(
    "text",
    [
        "connection refused", "the server refused the credentials", "550 5.1.1 user unknown", "AUTHENTIFICATION",
        "01JDFZ0000000000000000ABCD", "ssl.SSLError", "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384", "0x8010001D",
        "smtp.operateur.example:587", "127.0.0.1:8723", "2026-11-20T09:00:00.123456+00:00", "412 MB free",
        "84162 MB free of 270553 MB", "prepare-1", "revocation_list", "[Errno 2] No such file or directory:",
        "operators.smtp.host", "", "-- ;", "connector.operators.errors.ConnectionFailed: timed out",
    ],
)  # fmt: skip
def test_what_programs_say_stays(text: str) -> None:
    assert SCRUBBER.text(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the mailbox dr.modele@exemple.mssante.fr is locked", "the mailbox boite-1 is locked"),
        ("<DR.MODELE@exemple.mssante.fr>: refused", "<boite-1>: refused"),
        ("dr-modele:send", "boite-1:send"),
        ("operators.mailiz.tls.trust", "operators.operateur-1.tls.trust"),
        ("/srv/cabinet modele/spool is full", "chemin-2 is full"),
        ("xdr.modele@exemple.mssante.fr", MASK),
        ("dr.modele@exemple.mssante.fr.example", MASK),
        ("dr-modele-2:send", MASK),
    ],
)
def test_private_things_that_are_known_get_their_label(text: str, expected: str) -> None:
    assert SCRUBBER.text(text) == expected


def test_neighbours_that_go_leave_one_mark_and_lines_stay_lines() -> None:
    assert SCRUBBER.text("file of Jean Paul DUPONT not found\nby Marie") == f"file of {MASK} not found\nby {MASK}"


def test_a_traceback_keeps_where_and_what_and_nothing_else() -> None:
    told = SCRUBBER.traceback(
        "Traceback (most recent call last):\n"
        '  File "/home/dupont/app/connector/daemon/workers.py", line 12, in run\n'
        '    open("DUPONT.pdf")\n'
        '  File "/usr/lib/python3.11/ssl.py", line 1315, in do_handshake\n'
        "    self._sslobj.do_handshake()\n"
        '  File "/home/dupont/secret", line 1, in <module>\n'
        "FileNotFoundError: [Errno 2] No such file or directory: '/home/dupont/DUPONT.pdf'\n"
        "\n"
        "During handling of the above exception, another exception occurred:\n"
        "\n"
        "connector.operators.errors.ConnectionFailed: OPERATEUR_INJOIGNABLE: no answer for DUPONT\n"
        "KeyboardInterrupt\n"
        "DUPONT: is a patient"
    )
    assert told.splitlines() == [
        "Traceback (most recent call last):",
        '  File "connector/daemon/workers.py", line 12, in run',
        '  File "ssl.py", line 1315, in do_handshake',
        f'  File "{MASK}", line 1, in <module>',
        f"FileNotFoundError: [Errno 2] No such file or directory: {MASK}",
        "During handling of the above exception, another exception occurred:",
        f"connector.operators.errors.ConnectionFailed: OPERATEUR_INJOIGNABLE: no answer for {MASK}",
        "KeyboardInterrupt",
        f"{MASK} is a {MASK}",
    ]


PRIVATE = st.text(st.characters(codec="utf-8", categories=["Lu", "Ll", "Nd"]), min_size=4, max_size=12).filter(
    lambda word: not word.isdecimal() and word.lower() not in VOCABULARY and word not in CATALOGUE
)


@given(st.lists(st.one_of(PRIVATE, st.sampled_from(sorted(VOCABULARY))), max_size=8))
@example(["2", "79", "03"])
def test_no_word_that_is_not_known_comes_out(tokens: list[str]) -> None:
    told = SCRUBBER.text(" ".join(tokens))
    assert [token for token in told.split() if token != MASK] == [
        token for token in tokens if token.lower() in VOCABULARY
    ]
    assert SCRUBBER.text(told) == told


@given(st.text())
def test_any_text_can_be_scrubbed_and_what_comes_out_is_harmless(text: str) -> None:
    told = SCRUBBER.text(text)
    assert SCRUBBER.text(told).split() == told.split()


def lines(*raw: str) -> list[str]:
    return list(scrubbed_lines(raw, SCRUBBER))


def test_events_keep_their_fields_in_both_formats() -> None:
    pairs = (
        "timestamp='2026-11-20T09:00:01Z' level='warning' event='worker_failed' worker='dr-modele:send' "
        "code='AUTHENTIFICATION' detail=\"refused for DUPONT's mailbox\" count=3 pause_seconds=1.5"
    )
    as_json = (
        '{"event": "worker_failed", "level": "warning", "timestamp": "2026-11-20T09:00:01Z", '
        '"worker": "dr-modele:send", "code": "AUTHENTIFICATION", "detail": "refused for DUPONT’s mailbox", '
        '"count": 3, "pause_seconds": 1.5}'
    )
    for told in (*lines(pairs), *lines(as_json)):
        assert 'event="worker_failed"' in told
        assert 'worker="boite-1:send"' in told
        assert f'detail="refused for {MASK} mailbox"' in told
        assert "count=3" in told
        assert "pause_seconds=1.5" in told


def test_fields_that_are_not_known_go_and_numbers_must_be_numbers() -> None:
    (told,) = lines('{"event": "taken", "patient": "DUPONT", "count": "DUPONT", "size_bytes": 123456}')
    assert told == f'event="taken" count={MASK} size_bytes=123456'


def test_an_exception_of_an_event_follows_it() -> None:
    told = lines(
        "timestamp='2026-11-20T09:00:01Z' level='error' event='crashed' exception='Traceback (most recent call "
        'last):\\n  File "/x/connector/a.py", line 1, in f\\n    g("DUPONT")\\nValueError: DUPONT\''
    )
    assert told[1:] == [
        "Traceback (most recent call last):", '  File "connector/a.py", line 1, in f', f"ValueError: {MASK}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        "DUPONT Jean 1956", '{"patient": "DUPONT"}', "{DUPONT", "timestamp=DUPONT Jean",
        "timestamp='x' event='a DUPONT",
        "[1, 2]", "    print('DUPONT')", "timestamp='2026' event=DUPONT(", "",
    ],
)  # fmt: skip
def test_lines_of_others_are_scrubbed_as_a_whole(raw: str) -> None:
    assert "DUPONT" not in "\n".join(lines(raw))

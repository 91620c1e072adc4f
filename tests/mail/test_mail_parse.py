"""Opening what arrives: ordinary, sloppy and hostile messages."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.limits import Limits
from connector.mail.addresses import Contact
from connector.mail.mime import header_block
from connector.mail.parse import MssHeaders, OpenedMessage, SenderOrigin, open_message

LIMITS = Limits()

ZIP = b"PK\x03\x04" + bytes(range(256))
PDF = b"%PDF-1.4\n%copy"


def lines(text: str) -> bytes:
    """A message written with bare line ends, as the wire has it."""
    return text.strip("\n").encode().replace(b"\n", b"\r\n")


def b64(content: bytes) -> str:
    return base64.encodebytes(content).decode().strip()


def opened(text: str, limits: Limits = LIMITS) -> OpenedMessage:
    return open_message(lines(text), limits)


RESULT = f"""
Return-Path: <resultats-bio@labo-exemple.mssante.fr>
Date: Mon, 03 Jun 2024 10:15:02 +0200
From: =?utf-8?q?Laboratoire_=C3=89xemple?= <resultats-bio@labo-exemple.mssante.fr>
Reply-To: secretariat-bio@labo-exemple.mssante.fr
To: dr.marie.martin@cabinet-exemple.mssante.fr,
 Autre <autre@cabinet-exemple.mssante.fr>
Cc: copie@cabinet-exemple.mssante.fr
Message-ID: <20240603101502.4f2c9e@labo-exemple.mssante.fr>
In-Reply-To: <p@x.fr>
References: <g@x.fr>
 <p@x.fr>
Disposition-Notification-To: Labo <resultats-bio@labo-exemple.mssante.fr>
Subject: XDM/1.0/DDM+CR d'examens biologiques VIAL Paul 26/11/1978
X-MSS-NIL: DEV000000
X-MSS-CODECDA: 11502-2,34112-3
X-MSS-INS: O
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b1"

préambule
--b1
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

R=C3=A9sultat ci-joint.
--b1
Content-Type: application/zip; name="IHE_XDM.zip"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="IHE_XDM.zip"

{b64(ZIP)}
--b1
Content-Type: application/pdf
Content-Transfer-Encoding: base64
Content-Disposition: attachment;
 filename*0*=UTF-8''20220531_CR%20d%27imagerie%20m%C3%A9;
 filename*1*=dicale_CORSE.pdf

{b64(PDF)}
--b1--
épilogue
"""


def test_a_result_gives_its_headers() -> None:
    message = opened(RESULT)
    assert message.sender == Contact("Laboratoire Éxemple", "resultats-bio@labo-exemple.mssante.fr")
    assert [contact.address for contact in message.to] == [
        "dr.marie.martin@cabinet-exemple.mssante.fr",
        "autre@cabinet-exemple.mssante.fr",
    ]
    assert message.cc == (Contact("", "copie@cabinet-exemple.mssante.fr"),)
    assert message.reply_to == (Contact("", "secretariat-bio@labo-exemple.mssante.fr"),)
    assert message.date == datetime(2024, 6, 3, 10, 15, 2, tzinfo=timezone(timedelta(hours=2)))
    assert message.message_id == "<20240603101502.4f2c9e@labo-exemple.mssante.fr>"
    assert message.in_reply_to == ("<p@x.fr>",)
    assert message.references == ("<g@x.fr>", "<p@x.fr>")
    assert message.read_receipt_to == "resultats-bio@labo-exemple.mssante.fr"
    assert message.return_path == "resultats-bio@labo-exemple.mssante.fr"
    assert message.subject_raw == "XDM/1.0/DDM+CR d'examens biologiques VIAL Paul 26/11/1978"
    assert message.subject_display == "CR d'examens biologiques VIAL Paul 26/11/1978"
    assert message.mss == MssHeaders("DEV000000", ("11502-2", "34112-3"), "O", "")
    assert message.media_type == "multipart/mixed"
    assert message.sender_kind is SenderOrigin.PROFESSIONAL
    assert message.sender_ins == ""


def test_a_result_gives_its_text_and_parts() -> None:
    message = opened(RESULT)
    assert message.body == "Résultat ci-joint."
    archive, pdf = message.parts
    assert (archive.name, archive.media_type, archive.content) == ("IHE_XDM.zip", "application/zip", ZIP)
    assert (archive.disposition, archive.depth, archive.forwarded) == ("attachment", 1, False)
    assert (pdf.name, pdf.sniffed_type) == ("20220531_CR d'imagerie médicale_CORSE.pdf", "application/pdf")
    assert pdf.content == PDF


def test_bare_line_ends_read_the_same() -> None:
    unix = open_message(lines(RESULT).replace(b"\r\n", b"\n"), LIMITS)
    assert unix == opened(RESULT)


@pytest.mark.parametrize(
    ("sender", "name", "ins"),
    [
        ("Leo Dupond <279035121518989@patient.mssante.fr>", "Leo Dupond", "279035121518989"),
        ("279035121518989@PATIENT.MSSANTE.FR", "279035121518989@patient.mssante.fr", "279035121518989"),
        ("Leo Dupond <288091234567823@patient.mssante.fr>", "Leo Dupond", ""),
    ],
)
def test_a_citizen_is_told_from_a_professional(sender: str, name: str, ins: str) -> None:
    message = opened(f"From: {sender}\n\nBonjour")
    assert message.sender_kind is SenderOrigin.USAGER
    assert message.sender_name == name
    assert message.sender_ins == ins


def test_a_lookalike_domain_is_no_citizen() -> None:
    message = opened("From: 279035121518989@patient.mssante.fr.example.org\n\nx")
    assert message.sender_kind is SenderOrigin.PROFESSIONAL


def test_absent_headers_are_empty() -> None:
    message = opened("Subject: x\n\nbonjour")
    assert message.sender == Contact("", "")
    assert (message.message_id, message.read_receipt_to, message.auto_submitted) == ("", "", "")
    assert message.date is None
    assert message.return_path is None
    assert message.media_type == "text/plain"
    assert message.body == "bonjour"


def test_the_null_return_path_differs_from_an_absent_one() -> None:
    assert opened("Return-Path: <>\n\nx").return_path == ""


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("Mon, 03 Jun 2024 10:15:02 -0000", datetime(2024, 6, 3, 10, 15, 2, tzinfo=UTC)),
        ("3 Jun 2024 10:15", datetime(2024, 6, 3, 10, 15, tzinfo=UTC)),
        ("hier", None),
        ("Mon, 99 Jun 2024 10:15:02 +0000", None),
        ("Mon, 03 Jun 2024 10:15:02 +9999", None),
        ("", None),
    ],
)
def test_dates(value: str, date: datetime | None) -> None:
    assert opened(f"Date: {value}\n\nx").date == date


@given(st.text(alphabet="0123456789 :+-,JunMonGMT.()", max_size=40))
def test_no_date_is_an_error(value: str) -> None:
    date = opened(f"Date: {value}\n\nx").date
    assert date is None or date.tzinfo is not None


def test_of_duplicate_headers_the_first_counts() -> None:
    message = opened("Subject: un\nSubject: deux\nTo: a@x.fr\nTo: b@x.fr\nFrom: a@x.fr\nFrom: b@x.fr\n\nx")
    assert message.subject_raw == "un"
    assert message.sender.address == "a@x.fr"
    assert len(message.to) == 2


def test_plain_text_is_preferred_to_html() -> None:
    message = opened(
        "Content-Type: multipart/alternative; boundary=b\n\n"
        "--b\nContent-Type: text/html\n\n<p>riche</p>\n--b\nContent-Type: text/plain\n\nsimple\n--b--"
    )
    assert message.body == "simple"
    assert message.parts == ()


def test_html_alone_is_stripped_to_its_text() -> None:
    message = opened("Content-Type: text/html; charset=iso-8859-1\n\n<p>Bonjour<br>docteur</p>")
    assert message.body == "Bonjour\ndocteur"


def test_several_pieces_of_text_follow_each_other() -> None:
    message = opened("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nun\n--b\n\n\n--b\n\ndeux\n--b--")
    assert message.body == "un\n\ndeux"


def test_a_text_file_is_a_part() -> None:
    message = opened(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nbonjour\n"
        "--b\nContent-Type: text/plain; name=r.hpr\n\nH|x\n--b\nContent-Disposition: attachment\n\nseul\n--b--"
    )
    assert message.body == "bonjour"
    assert [part.name for part in message.parts] == ["r.hpr", "piece_jointe_2.txt"]


FORWARD = f"""
Subject: TR: un result
Content-Type: multipart/mixed; boundary="out"

--out

Voir le message joint.
--out
Content-Type: message/rfc822

{RESULT.strip()}
--out--
"""


def test_the_parts_of_a_forwarded_message_are_found() -> None:
    message = opened(FORWARD)
    assert message.body == "Voir le message joint."
    assert [(part.name, part.depth, part.forwarded) for part in message.parts] == [
        ("piece_jointe_1.eml", 1, False),
        ("IHE_XDM.zip", 3, True),
        ("20220531_CR d'imagerie médicale_CORSE.pdf", 3, True),
    ]
    assert message.parts[1].content == ZIP


def test_a_forward_in_base64_is_opened_too() -> None:
    message = opened("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + b64(lines(RESULT)))
    assert [part.name for part in message.parts][1] == "IHE_XDM.zip"


def test_a_digest_holds_messages() -> None:
    message = opened("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\nx\n--b--")
    assert [part.declared_type for part in message.parts] == ["message/rfc822"]


@pytest.mark.parametrize(
    ("declared", "content", "media_type", "name"),
    [
        ("application/octet-stream", PDF, "application/pdf", "piece_jointe_1.pdf"),
        ("application/octet-stream", b"\n\n" + PDF, "application/pdf", "piece_jointe_1.pdf"),
        ("application/x-zip-compressed", ZIP, "application/zip", "piece_jointe_1.zip"),
        ("application/octet-stream", b"<?xml version='1.0'?>", "application/xml", "piece_jointe_1.xml"),
        ("application/vnd.oasis.opendocument.text", ZIP, "application/vnd.oasis.opendocument.text", None),
        ("zip", ZIP, "application/zip", "piece_jointe_1.zip"),
        ("application/x-other", b"?", "application/x-other", "piece_jointe_1.bin"),
    ],
)
def test_the_content_tells_what_a_generic_type_does_not(
    declared: str, content: bytes, media_type: str, name: str | None
) -> None:
    head = f"Subject: x\nContent-Type: {declared}\nContent-Transfer-Encoding: base64\n\n"
    part = opened(head + b64(content)).parts[0]
    assert part.media_type == media_type
    assert name in (None, part.name)


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ('"../../etc/passwd"', "passwd"),
        (r'"C:\\temp\\a.pdf"', "a.pdf"),
        ('"a\x00\x1b:b?.pdf"', "a-b-.pdf"),
        ('"fdp.\u202egnp.exe"', "fdp.gnp.exe"),
        ('" .. "', "piece_jointe_1.bin"),
        ('"' + "a" * 300 + '.pdf"', "a" * 251 + ".pdf"),
        ('"' + "a" * 300 + '"', "a" * 255),
    ],
)
def test_a_part_name_is_safe_to_show(declared: str, name: str) -> None:
    head = "Subject: x\nContent-Type: application/x-other\nContent-Disposition: attachment; filename="
    assert opened(f"{head}{declared}\n\nx").parts[0].name == name


@pytest.mark.parametrize(
    ("encoded", "content"),
    [("QUJD", b"ABC"), ("QU JD\n!", b"ABC"), ("QUI", b"AB"), ("QUJDR", b"ABC"), ("", b""), ("QUI=QUI=", b"AB")],
)
def test_damaged_base64_gives_every_whole_byte(encoded: str, content: bytes) -> None:
    head = "Subject: x\nContent-Type: a/b\nContent-Transfer-Encoding: BASE64\n\n"
    assert opened(head + encoded).parts[0].content == content


def test_an_unknown_encoding_is_left_as_it_is() -> None:
    assert opened("Content-Type: a/b\nContent-Transfer-Encoding: x-mine\n\nQUJD").parts[0].content == b"QUJD"


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/mixed",
        'multipart/mixed; boundary=""',
        "multipart/mixed; boundary=zz",
        "multipart/mixed; boundary=" + "b" * 300,
    ],
)
def test_a_multipart_without_usable_boundary_is_text(content_type: str) -> None:
    assert opened(f"Content-Type: {content_type}\n\n--b\n\nbonjour").body == "--b\n\nbonjour"


def test_a_missing_closing_boundary_is_forgiven() -> None:
    message = opened("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nbonjour\n--b\nContent-Type: a/b\n\nfin")
    assert message.body == "bonjour"
    assert message.parts[0].content == b"fin"


def test_empty_parts_and_padded_boundaries() -> None:
    message = opened("Content-Type: multipart/mixed; boundary=b\n\n--b \t\n--b\n--b\nContent-Type: a/b\n\n\n--b--  ")
    assert [part.content for part in message.parts] == [b""]
    assert message.body == ""


def test_a_longer_boundary_is_another_one() -> None:
    message = opened("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nun\n--bb\nsuite\n--b--")
    assert message.body == "un\n--bb\nsuite"


def test_raw_accents_in_headers_are_read() -> None:
    message = open_message("Subject: Échographie\r\nFrom: Hôpital <a@x.fr>\r\n\r\nx".encode("cp1252"), LIMITS)
    assert message.subject_raw == "Échographie"
    assert message.sender.name == "Hôpital"


def test_null_bytes_and_junk_header_lines_are_tolerated() -> None:
    message = open_message(b"From mbox line\nSub\0ject: no\nSubject: o\0k\n: nameless\n\nbon\0jour", LIMITS)
    assert message.subject_raw == "ok"
    assert message.body == "bonjour"


def test_a_header_block_without_body() -> None:
    message = open_message(b"Subject: x", LIMITS)
    assert (message.subject_raw, message.body) == ("x", "")


def test_headers_can_be_read_from_within_a_buffer() -> None:
    headers, body = header_block(b"xxA: 1\r\n\r\nrest", start=2)
    assert (headers.get_all("a"), headers.get("b"), body) == (("1",), "", 10)

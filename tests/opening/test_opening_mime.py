"""MIME of any shape: everything in it is found, named and marked; what cannot be read is kept as it is."""

import pytest

from connector.exchange.arrival import PartRole
from connector.mail.flowed import unflow
from tests.opening.opened import N1, arrival, attached, forwarded, message, text, xdm

PDF = b"%PDF-1.4\n% copie\n%%EOF\n"
WINMAIL = b"\x78\x9f\x3e\x22\x01\x00" + b"\x00" * 40


def multipart(kind: str, boundary: str, *pieces: tuple[str, bytes]) -> tuple[str, bytes]:
    """A multipart as a piece of another one."""
    whole = message(*pieces, boundary=boundary)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"', whole.partition(b"\r\n\r\n")[2]


def test_nested_multiparts_give_text_and_files() -> None:
    alternative = multipart("alternative", "c", text("Bonjour."), text("<p>Non</p>", "text/html"))
    related = multipart("related", "d", alternative, attached("logo.png", b"\x89PNG\r\n\x1a\n", "image/png"))
    found = arrival(message(related, attached("IHE_XDM.zip", xdm(N1))))
    assert found.body == "Bonjour."
    assert [d.content for d in found.documents] == [N1]
    assert [(p.name, p.role) for p in found.parts] == [
        ("logo.png", PartRole.OTHER), ("IHE_XDM.zip", PartRole.XDM),
    ]  # fmt: skip


def test_what_a_forwarded_message_holds_is_found_and_marked() -> None:
    inner = message(text("Dedans."), attached("IHE_XDM.zip", xdm(N1)), attached("cr.pdf", PDF), boundary="z")
    found = arrival(message(text("Voir."), forwarded(inner), attached("note.bin", b"\x01")))
    assert found.body == "Voir."
    assert [(d.content, d.forwarded) for d in found.documents] == [(N1, True)]
    assert [(p.name, p.forwarded) for p in found.parts] == [
        ("piece_jointe_1.eml", False), ("IHE_XDM.zip", True), ("cr.pdf", True), ("note.bin", False),
    ]  # fmt: skip
    assert found.parts[0].content.startswith(b"From: Labo"), "the inner message is kept whole"


def test_a_forward_in_a_forward_is_marked_too() -> None:
    inner = message(forwarded(message(attached("cr.xml", N1), boundary="z")), boundary="y")
    (document,) = arrival(message(forwarded(inner))).documents
    assert (document.content, document.forwarded) == (N1, True)


@pytest.mark.parametrize(
    "piece",
    [
        attached("winmail.dat", WINMAIL, "application/ms-tnef"),
        attached("piece.bin", WINMAIL),
        attached("WINMAIL.DAT", b"anything"),
    ],
)
def test_what_outlook_wraps_is_kept_and_told(piece: tuple[str, bytes]) -> None:
    found = arrival(message(text("x"), piece))
    assert found.warnings == ("PIECE_TNEF",)
    assert [(p.role, p.warnings) for p in found.parts] == [(PartRole.OTHER, ("PIECE_TNEF",))]


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ("filename*=UTF-8''r%C3%A9sultat.pdf", "résultat.pdf"),
        ("filename*0*=iso-8859-1''r%E9sul;\r\n filename*1*=tat;\r\n filename*2=\".pdf\"", "résultat.pdf"),
        ('filename="=?utf-8?Q?r=C3=A9sultat.pdf?="', "résultat.pdf"),
        ('filename="=?iso-8859-1?B?cul6dWx0YXQucGRm?="', "rézultat.pdf"),
        ("filename*=x-inconnu''r%C3%A9sultat.pdf", "résultat.pdf"),
    ],
)
def test_names_in_every_encoding(parameter: str, name: str) -> None:
    headers = f"Content-Type: application/pdf\r\nContent-Disposition: attachment; {parameter}"
    assert [p.name for p in arrival(message((headers, PDF))).parts] == [name]


@pytest.mark.parametrize(
    ("charset", "content"),
    [
        ("utf-8", "Résultat".encode("cp1252")),
        ("x-unknown", "Résultat".encode()),
        ("us-ascii", "Résultat".encode("cp1252")),
        ("macintosh", "Résultat".encode("mac-roman")),
        ("'iso-8859-15'", "Résultat".encode("iso-8859-15")),
    ],
)
def test_wrong_and_unknown_charsets_are_read(charset: str, content: bytes) -> None:
    assert arrival(message((f"Content-Type: text/plain; charset={charset}", content))).body == "Résultat"


@pytest.mark.parametrize("head", ["Content-Type: multipart/mixed", "Content-Type: multipart/mixed; boundary=autre"])
def test_a_missing_or_wrong_boundary_is_found_again(head: str) -> None:
    found = arrival(message(text("Bonjour."), attached("cr.xml", N1), head=head))
    assert (found.body, [d.content for d in found.documents]) == ("Bonjour.", [N1])


def test_the_uuencoded_stays_text() -> None:
    words = "Bonjour\nbegin 644 a.txt\n#0V%T\n`\nend"
    assert arrival(message(text(words))).body == words


def test_html_alone_is_read() -> None:
    found = arrival(message(text("<p>Bonjour</p><script>alert(1)</script>", "text/html")))
    assert found.body == "Bonjour"


def test_flowed_lines_are_joined() -> None:
    found = arrival(message(text("Un long \nparagraphe.\n-- \nDr", "text/plain; charset=utf-8; format=Flowed")))
    assert found.body == "Un long paragraphe.\n-- \nDr"


@pytest.mark.parametrize(
    ("written", "delete_space", "read"),
    [
        ("a \nb", False, "a b"),
        ("a \nb", True, "ab"),
        ("a\nb", False, "a\nb"),
        (" >a\n From", False, ">a\nFrom"),
        ("> a \n> b\nc", False, "> a b\nc"),
        ("> a \n>> b", False, "> a \n>> b"),
        (">> a \nb", False, ">> a \nb"),
        ("a \n-- \nb", False, "a \n-- \nb"),
        ("", False, ""),
    ],
)
def test_flowed_text(written: str, delete_space: bool, read: str) -> None:
    assert unflow(written, delete_space=delete_space) == read


def test_delsp_takes_the_blank_away() -> None:
    assert arrival(message(text("a \nb", "text/plain; format=flowed; delsp=yes"))).body == "ab"


def test_a_citizen_is_shown_with_what_the_space_of_trust_says() -> None:
    raw = message(text("Merci"), head=(
        "X-MSS-NIL: MES\r\nX-MSS-MES: FIN\r\nIn-Reply-To: <a@b>\r\nReferences: <z@b> <a@b>\r\n"
        "Content-Type: multipart/mixed; boundary=b"
    )).replace(b"Labo <labo@labo.mssante.fr>", b"Zoe Exemple <251033306312374@patient.mssante.fr>")  # fmt: skip
    found = arrival(raw)
    assert (found.sender_kind, found.sender.name, found.sender_ins) == ("usager", "Zoe Exemple", "251033306312374")
    assert (found.mss.product_reference, found.mss.no_reply) == ("MES", "FIN")
    assert (found.in_reply_to, found.references) == (("<a@b>",), ("<z@b>", "<a@b>"))
    assert found.patients == (), "who writes is not whom it is about"

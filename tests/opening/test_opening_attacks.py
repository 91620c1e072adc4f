"""One message for each attack: measured before it is expanded, set aside with its reason, or harmless as it is."""

import io
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from connector.documents.cda.html import cda_html
from connector.documents.cda.parse import open_cda
from connector.documents.pdf import render_cda_pdf
from connector.domain.errors import MalformedMessage
from connector.domain.limits import Limits
from connector.domain.states import IncomingState as I
from connector.exchange.arrival import PartRole
from connector.xdm.archive import base_name
from tests.exchange.exchange_scene import LAB, Scene
from tests.opening.opened import N1, N3, arrival, attached, forwarded, hprim, message, text, unzipped, xdm, zipped

MEBIBYTE = 1 << 20


def with_files(archive: bytes, **more: bytes) -> bytes:
    """The archive with more files beside its document."""
    inner = {f"IHE_XDM/SUBSET01/{name.replace('_', '.')}": content for name, content in more.items()}
    return zipped(unzipped(archive) | inner)


def with_metadata(change: Callable[[bytes], bytes]) -> bytes:
    files = unzipped(xdm(N1))
    name = next(name for name in files if base_name(name) == "METADATA.XML")
    return zipped(files | {name: change(files[name])})


def linked() -> bytes:
    target = io.BytesIO(xdm(N1))
    with zipfile.ZipFile(target, "a") as archive:
        info = zipfile.ZipInfo("IHE_XDM/SUBSET01/DOC0009.XML")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return target.getvalue()


def overlapping() -> bytes:
    """Many entries of the directory that share the bytes of a single one."""
    data = zipped({"IHE_XDM/SUBSET01/METADATA.XML": b"<a/>" + b" " * MEBIBYTE})
    end = data.rindex(b"PK\x05\x06")
    start = struct.unpack("<I", data[end + 16 : end + 20])[0]
    entry = data[start:end]
    entries = b"".join(entry.replace(b"SUBSET01", b"SUB%05d" % number) for number in range(150))
    tail = data[end : end + 8] + struct.pack("<HHII", 150, 150, len(entries), start) + b"\0\0"
    return data[:start] + entries + tail


def doctype(data: bytes) -> bytes:
    entity = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "&x;&x;">]>'
    declaration, end, rest = data.partition(b"?>")
    return declaration + end + entity + rest


def deep(data: bytes) -> bytes:
    return data[: data.rindex(b"</")] + b"<a>" * 300 + b"</a>" * 300 + data[data.rindex(b"</") :]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(with_files(xdm(N1), BOMB_BIN=b"\0" * 20 * MEBIBYTE), "ARCHIVE_DANGEREUSE", id="ratio"),
        pytest.param(
            zipped(unzipped(xdm(N1)) | {f"x/{n}": b"" for n in range(300)}), "ARCHIVE_DANGEREUSE", id="entries"
        ),
        pytest.param(overlapping(), "ARCHIVE_DANGEREUSE", id="overlapping entries"),
        pytest.param(zipped(unzipped(xdm(N1)) | {"../../x": b"x"}), "ARCHIVE_DANGEREUSE", id="traversal"),
        pytest.param(zipped(unzipped(xdm(N1)) | {"/etc/cron.d/x": b"x"}), "ARCHIVE_DANGEREUSE", id="absolute"),
        pytest.param(zipped(unzipped(xdm(N1)) | {"C:\\x": b"x"}), "ARCHIVE_DANGEREUSE", id="drive"),
        pytest.param(zipped(unzipped(xdm(N1)) | {"a\u202egpj.exe": b"x"}), "ARCHIVE_DANGEREUSE", id="reversed name"),
        pytest.param(linked(), "ARCHIVE_DANGEREUSE", id="link"),
        pytest.param(with_metadata(doctype), "XML_INVALIDE", id="external entity in the metadata"),
        pytest.param(with_metadata(deep), "TROP_GROS", id="nesting in the metadata"),
        pytest.param(doctype(N1), "XML_INVALIDE", id="external entity in a document"),
        pytest.param(deep(N1), "TROP_GROS", id="nesting in a document"),
    ],
)
def test_an_attack_is_set_aside_with_its_reason(tmp_path: Path, content: bytes, code: str) -> None:
    scene = Scene(tmp_path)
    raw = message(attached("IHE_XDM.zip", content))
    scene.operator.deliver(LAB, raw)
    scene.receive()
    (aside,) = scene.inbox.quarantined.values()
    assert (aside.code, aside.raw, scene.inbox.delivered) == (code, raw, {})
    assert scene.incoming_states() == [I.QUARANTINED]


def test_many_archives_expand_no_further_than_one_may() -> None:
    padding = bytes(range(256)) * 2000
    one = with_files(xdm(N1), PAD_BIN=padding)
    raw = message(*[attached("IHE_XDM.zip", one) for _ in range(5)])
    limits = replace(Limits(), max_expanded_bytes=2_000_000)
    assert len(arrival(message(attached("a.zip", one)), limits=limits).documents) == 1
    with pytest.raises(MalformedMessage) as caught:
        arrival(raw, limits=limits)
    assert caught.value.code == "ARCHIVE_DANGEREUSE"


def test_zips_in_zips_are_opened_one_level_down_only() -> None:
    nested = xdm(N1)
    for level in range(4):
        nested = zipped({f"{level}.zip": nested})
    found = arrival(message(attached("a.zip", nested)))
    assert (found.documents, [p.role for p in found.parts]) == ((), [PartRole.OTHER])


def test_a_bomb_in_an_ordinary_zip_is_given_closed() -> None:
    bomb = zipped({"a.xml": b"\0" * 20 * MEBIBYTE, "b.zip": xdm(N1)})
    tracemalloc.start()
    try:
        found = arrival(message(attached("a.zip", bomb)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found.parts[0].content, found.parts[0].warnings) == (bomb, ("ARCHIVE_FERMEE",))
    assert peak < 5 * MEBIBYTE


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(message(*[text("x")] * 10_000), id="10 000 parts"),
        pytest.param(message(*[forwarded(message(text("x"), boundary="z"))] * 400), id="forwards by the hundred"),
        pytest.param(b"Subject: x\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 5000, id="endless forwards"),
        pytest.param(
            b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(500)),
            id="multiparts in multiparts",
        ),
        pytest.param(b"Subject: x\r\nX: " + b"y" * 300_000 + b"\r\n\r\nx", id="endless header"),
    ],
)
def test_a_monstrous_message_is_set_aside(raw: bytes) -> None:
    with pytest.raises(MalformedMessage) as caught:
        arrival(raw)
    assert caught.value.code == "MESSAGE_ILLISIBLE"


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "C:\\Windows\\a.exe", "a\u202efdp.exe", "a\x00b.pdf", "CON", "x" * 5000, "..", "a\r\nb"],
)
def test_a_hostile_name_stays_a_word(name: str) -> None:
    escaped = "".join(f"%{byte:02X}" for byte in name.encode())
    headers = f"Content-Type: a/b\r\nContent-Disposition: attachment; filename*=UTF-8''{escaped}"
    (part,) = arrival(message((headers, b"x"))).parts
    assert part.name.isprintable()
    assert not set('/\\:*?"<>|') & set(part.name)
    assert 0 < len(part.name) <= 255
    assert part.name.strip(". ")


SCRIPTS = [
    b"<script>alert(1)</script>",
    b'<linkHtml href="javascript:alert(1)">x</linkHtml>',
    b'<paragraph onclick="alert(1)" styleCode="x:expression(alert(1))">x</paragraph>',
    b'<content ID="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;">&lt;script&gt;alert(1)&lt;/script&gt;</content>',
    b'<renderMultiMedia referencedObject="http://espion.example/x"/>',
    b'<table><tbody><tr><td styleCode="background:url(javascript:alert(1))">x</td></tr></tbody></table>',
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_in_the_narrative_is_neither_run_nor_passed_on(script: bytes) -> None:
    start = N3.index(b"<text>") + len(b"<text>")
    (document,) = arrival(message(attached("a.xml", N3[:start] + script + N3[start:]))).documents
    opened = open_cda(document.content)
    html = cda_html(opened, image_url=str).html.lower()
    assert "<script" not in html
    tags = " ".join(piece.partition(">")[0] for piece in html.split("<"))
    assert not [word for word in (" on", "href", "javascript", "style", "http") if word in tags]
    pdf = render_cda_pdf(opened.element, opened.document)
    assert b"/JavaScript" not in pdf
    assert b"/Launch" not in pdf


def test_a_style_sheet_of_the_sender_is_never_run() -> None:
    evil = (
        b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="evil.xsl"?>'
        b'<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        b"<xsl:template match='/'><xsl:message terminate='yes'/></xsl:template>"
        b'<c:Contenu xmlns:c="urn:asip-sante:ci-sis">' + N1.partition(b"?>")[2] + b"</c:Contenu></xsl:stylesheet>"
    )
    (document,) = arrival(message(attached("a.xml", evil))).documents
    assert (document.header.is_self_presenting, document.content) == (True, evil)


def test_a_result_without_end_is_looked_at_within_bounds() -> None:
    record = hprim(coded=b"RES|K|K|N|6.9|||5.0|HH|F\r\n" * 200_000)
    found = arrival(message(attached("r.hpr", record)))
    assert (found.alerts, len(found.parts[0].patients)) == (("HH",), 1)


def test_an_endless_hl7_message_names_nobody() -> None:
    endless = b"MSH|^~\\&|a\r" + b"PID|||1\r" * 300_000
    assert arrival(message(attached("r.hl7", endless))).patients == ()

"""HPRIM files made for the tests; patients, laboratories and numbers are invented, keys are right on purpose."""

from connector.documents.hprim.encoding import LineEnd

__all__ = ["ENCODINGS", "EXAMPLE", "LINE_ENDS", "SANTE", "example", "header", "record"]

ENCODINGS = (
    "cp1252", "iso8859-1", "iso8859-15", "cp850", "cp437", "mac_roman", "utf-8", "utf-8-sig", "utf-16",
)  # fmt: skip
LINE_ENDS = tuple(LineEnd)

EXAMPLE = """\
L2026-0417
TESTUT
Camille
12 RUE DES ESSAIS             
 
62000 ARRAS
17/01/1999
1990175999998 49
REQ0417
20/11/2026
        LB LABORATOIRE FICTIF DES ESSAIS
        42 DR EXEMPLE Alix
 
                    HEMATOLOGIE
Hémoglobine                    13,3 g/dL      (12,5 à 15,5)
****LAB****
TEX|                    HEMATOLOGIE
TEX|Hémoglobine                    13,3 g/dL      (12,5 à 15,5)
RES|Hémoglobine|HB|N|13.3|g/dL|12.5|15.5|N|F|133|g/L|125|155
****FIN****
L2026-0418
MAQUETTE
Noé
 
 
59000 LILLE
02/07/1985
 
REQ0418
20/11/2026
        LB LABORATOIRE FICTIF DES ESSAIS
        42 DR EXEMPLE Alix
 
Compte rendu transmis en pièce jointe (PDF).
****FIN****
****FINFICHIER****
"""  # noqa: W291, W293 - laboratories pad with blanks

SANTE = """\
H|~^\\&|L0417.HPR||L620009999~LABO FICTIF|..|ORU|||CAB42~CABINET EXEMPLE||P|H2.2~C|202611201015
P|1|IPP1|LAB1|199017599999849|TESTUT~Camille~Alix|TESTUT|19990117|F||12 RUE DES ESSAIS~~ARRAS~~62000
OBR|1|REQ0417||HB~Hémoglobine
OBX|1|NM|HB~Hémo
A|globine||13.3|g/dL|12.5-15.5|N|||F
C|1|L|Prélèvement à jeun
P|2|IPP2|LAB2||MAQUETTE~Noé|MAQUETTE|19850702|M
AP|1|2850701001001 96
OBR|1|REQ0418||GLY~Glycémie
L|1||2|10|
"""


def example(encoding: str, line_end: LineEnd = LineEnd.CRLF, text: str = EXAMPLE) -> bytes:
    return text.replace("\n", line_end.text).encode(encoding)


def header(**changed: str) -> list[str]:
    """Twelve lines; each test says what is different (``family``, ``birth``, ``nir`` …)."""
    lines = {
        "code": "L1", "family": "TESTUT", "given": "Camille", "address_1": "1 RUE", "address_2": " ",
        "town": "62000 ARRAS", "birth": "17/01/1999", "nir": "1990175999998 49", "request": "REQ1",
        "date": "20/11/2026", "sender": "        LB LABORATOIRE", "recipient": "        42 DR EXEMPLE",
    }  # fmt: skip
    assert changed.keys() <= lines.keys()
    return list((lines | changed).values())


def record(*text: str, coded: tuple[str, ...] = (), end: tuple[str, ...] = ("****FIN****",), **changed: str) -> str:
    """One record, LF line ends."""
    part = ("****LAB****", *coded) if coded else ()
    return "\n".join([*header(**changed), " ", *text, *part, *end]) + "\n"

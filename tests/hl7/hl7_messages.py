"""Messages made for the tests: one good order in each form, in which each test replaces what it is about."""

import base64
from collections.abc import Mapping, Sequence

from tests.xdm.cda_samples import cda

__all__ = [
    "FLAGS", "PATIENT_ADDRESS", "PROFESSIONAL_ADDRESS", "b64", "classic_oru", "flag_rows", "mdm", "n1_and_n3", "oru",
    "problems_of", "rct",
]  # fmt: skip

PROFESSIONAL_ADDRESS = "paul.destinataire@medecin.test.mssante.fr"
PATIENT_ADDRESS = "248066319988747@patient.mssante.fr"

FLAGS = {
    "MASQUE_PS": "N", "INVISIBLE_PATIENT": "Y", "INVISIBLE_REP_LEGAUX": "N", "CONNEXION_SECRETE": "N",
    "MODIF_CONF_CODE": "N", "DESTDMP": "N", "DESTMSSANTEPS": "Y", "DESTMSSANTEPAT": "N", "ACK_RECEPTION": "Y",
    "ACK_LECTURE_MSS": "N",
}  # fmt: skip
"""To professionals only."""

_ACTIONS = {"T02": ("NW", "F"), "T10": ("RO", "C"), "T04": ("CA", "D")}
_TYPE = "11488-4^Consultation^LN"
_PID = (
    "PID|||248066319988747^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS~IPP-0042^^^&1.2.250.1.999.1.1.2&ISO^PI||"
    "EXEMPLE^ANNE^ANNE MARIE^^^^L~DUPRES^ANNIE^^^^^D||19480615|F|||^^^^^^BDL^^63199|||||||DOS-7|||||||||||||N|VALI"
)
_SB = (
    "PRT||UC||SB^Send by^participation|"
    "899700000017^TESTEUR^CLAIRE^^^^^^ASIP-SANTE- PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS|||"
    "CABINET D'EXEMPLE^^^^^ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO^FINEG^^^1010000017"
)


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def rct(address: str = PROFESSIONAL_ADDRESS, *, role: str = "RCT", field: int = 15) -> str:
    return f"PRT||UC||{role}^^participation" + "|" * (field - 4) + f"^^X.400^{address}"


def flag_rows(values: Mapping[str, str], *, kind: str = "CWE", first: int = 2) -> list[str]:
    return [
        f"OBX|{number}|{kind}|{code}^libellé^MetaDMPMSS||{value}^^expandedYes-NoIndicator||||||F|"
        for number, (code, value) in enumerate(values.items(), first)
    ]


def mdm(
    *,
    event: str = "T02",
    document: bytes | str | None = None,
    flags: Mapping[str, str] = FLAGS,
    participants: Sequence[str] = (_SB, rct()),
    more: Sequence[str] = (),
    txa_12: str = "1.2.250.1.999.1.1.7000.1",
    txa_13: str = "",
    version: str = "2.6",
    profile: str = "2.1^CISIS_CDA_HL7_V2",
    replace: Mapping[str, str] | None = None,
    charset: str = "UNICODE UTF-8",
    codec: str = "utf-8",
) -> bytes:
    """MDM; ``replace`` puts texts in place of others in the finished message."""
    order, status = _ACTIONS[event]
    data = document if isinstance(document, str) else b64(cda() if document is None else document)
    msh = rf"MSH|^~\&|LPS-EX|CABINET-EX|CONNECTEUR|CABINET-EX|20260310151500||MDM^{event}^MDM_T02|MSG0001|P|{version}"
    return _finished([
        f"{msh}|||||FRA|{charset}|||{profile}",
        "EVN||20260310151500",
        _PID,
        "PV1|1|N",
        f"ORC|{order}",
        f"OBR|1|||{_TYPE}",
        f"TXA|1|11488-4|TEXT|20260310151200||||||||{txa_12}|{txa_13}||||AU",
        f"OBX|1|ED|{_TYPE}||^text^XML^Base64^{data}||||||{status}",
        *participants,
        *flag_rows(flags),
        *more,
    ], replace or {}, codec)  # fmt: skip


def oru(
    *,
    documents: Sequence[bytes] = (),
    order: str = "NW",
    status: str = "F",
    flags: Mapping[str, str] = FLAGS,
    participants: Sequence[str] = (_SB, rct()),
    more: Sequence[str] = (),
    profile: str = "2.1^CISIS_CDA_HL7_V2",
    replace: Mapping[str, str] | None = None,
) -> bytes:
    """ORU^R01 with one document or two."""
    found = documents or (cda(),)
    rows = [f"OBX|{n}|ED|{_TYPE}||^TEXT^XML^Base64^{b64(one)}||||||{status}|" for n, one in enumerate(found, 1)]
    msh = r"MSH|^~\&|SIL-EX|LABO-EX|CONNECTEUR|CABINET-EX|20260310151500||ORU^R01^ORU_R01|MSG0002|P|2.5"
    return _finished([
        f"{msh}|||||FRA|UNICODE UTF-8|||{profile}",
        _PID,
        "PV1|1|N",
        *([f"ORC|{order}"] if order else []),
        f"OBR|1||FIL0001|{_TYPE}",
        rows[0],
        *participants,
        *rows[1:],
        *flag_rows(flags, kind="CE", first=len(rows) + 1),
        *more,
    ], replace or {}, "utf-8")  # fmt: skip


def classic_oru(value: str, *, status: str = "F", more: Sequence[str] = ()) -> bytes:
    """What a laboratory system sends that knows nothing of the ANS volets; ``value`` is OBX-5."""
    return _finished([
        r"MSH|^~\&|SIL-EX|LABO-EX|||20260310151500||ORU^R01|17|P|2.3.1",
        "PID|1||4711^^^LABO||EXEMPLE^ANNE||19480615|F",
        "PV1|1|O||||||899700000033^REFERENT^LEA",
        "ORC|RE||FIL0001",
        "OBR|1||FIL0001|BIO^Bilan||||||||||||899700000025^DESTINATAIRE^PAUL~899700000017^TESTEUR^CLAIRE",
        "OBX|1|NM|GLU^Glucose^L||0.95|g/L|0.7-1.1|N|||F",
        f"OBX|2|ED|PDF^Compte rendu^L||{value}||||||{status}",
        *more,
    ], {}, "utf-8")  # fmt: skip


def n1_and_n3(**second: str) -> tuple[bytes, bytes]:
    """Two documents of one content: a level 1 and a structured one."""
    body = "<component><structuredBody><component><section/></component></structuredBody></component>"
    pieces = {"document_id": '<id root="1.2.250.1.999.1.1.7000.3"/>', "body": body} | second
    return cda(), cda(**pieces)


def problems_of(error: object) -> list[tuple[str, int, str]]:
    """Code, ERR-3 and place of each problem, to be compared."""
    return [(one.code, int(one.err3), one.location) for one in getattr(error, "problems", ())]


def _finished(lines: Sequence[str], replace: Mapping[str, str], codec: str) -> bytes:
    text = "".join(f"{line}\r" for line in lines)
    for old, new in replace.items():
        assert old in text
        text = text.replace(old, new)
    return text.encode(codec)

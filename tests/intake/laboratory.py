"""What ``spool/laboratoire`` holds; made anew by ``python -m tests.intake.laboratory``."""

import base64
import json
from pathlib import Path

from connector.documents.pdf.sheets import text_to_pdf
from tests.hl7.hl7_messages import mdm
from tests.xdm.cda_samples import cda, level_1

__all__ = ["EXAMPLE", "drops"]

EXAMPLE = Path(__file__).resolve().parents[2] / "spool" / "laboratoire"

_SIDECAR = {
    "reference": "REQ0417",
    "destinataires": [{"adresse": "dr.modele@test.mssante.example"}],
    "fichiers": [{"nom": "REQ0417.pdf", "type": "CR-BIO", "titre": "Bilan", "date": "2026-11-20"}],
    "patient": {
        "nom_naissance": "TESTUT", "prenoms": ["Camille"], "naissance": "1999-01-17", "sexe": "M",
        "lieu_naissance": "75999", "identifiant": {"valeur": "D-4711"},
        "ins": {"valeur": "199017599999849", "oid": "1.2.250.1.213.1.4.10", "qualifiee": True},
    },
}  # fmt: skip
_INDEX = """\
fichier;destinataires;reference;nom_naissance;prenoms;naissance;sexe;type;objet
LOT-A.pdf;dr.modele@test.mssante.example;REQ0501;TESTUT;Camille;17/01/1999;M;CR-BIO;
LOT-B.pdf;"dr.modele@test.mssante.example,dr.autre@test.mssante.example";REQ0502;MAQUETTE;Noé;02/07/1985;M;CR-BIO;
"""


def drops() -> dict[str, bytes]:
    """Every file of ``A_ENVOYER``."""
    n1 = cda(body=level_1(base64.b64encode(_report("EXEMPLE Anne", "Consultation")).decode()))
    return {
        "REQ0417.pdf": _report("TESTUT Camille", "Bilan"),
        "REQ0417.mss.json": (json.dumps(_SIDECAR, ensure_ascii=False, indent=2) + "\n").encode(),
        "nuit.mss.csv": _INDEX.replace("\n", "\r\n").encode("cp1252"),
        "LOT-A.pdf": _report("TESTUT Camille", "Hémoglobine 13,3 g/dL"),
        "LOT-B.pdf": _report("MAQUETTE Noé", "Glycémie 0,95 g/L"),
        "MSG0001.hl7": mdm(document=n1),
    }


def _report(who: str, what: str) -> bytes:
    return text_to_pdf(f"LABORATOIRE DES TILLEULS (exemple inventé)\n\n{who}\n\n{what}\n", what)


if __name__ == "__main__":
    folder = EXAMPLE / "A_ENVOYER"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in drops().items():
        (folder / name).write_bytes(content)

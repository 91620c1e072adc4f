"""Codes of the rules of PDF/A-1b (ISO 19005-1) that a PDF breaks."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["PDFA_CODES"]

_CURE_FR = (
    "Faites produire un PDF/A-1b par le logiciel, ou laissez le connecteur convertir (message.pdfa = « convert »)."
)
_CURE_EN = 'Have the software make a PDF/A-1b, or let the connector convert it (message.pdfa = "convert").'

_RULES = {
    "ILLISIBLE": ("Le PDF ne peut pas être ouvert.", "The PDF cannot be opened."),
    "CHIFFREMENT": ("Le PDF est chiffré (6.1.3).", "The PDF is encrypted (6.1.3)."),
    "ENTETE": ("L'en-tête du PDF n'est pas conforme (6.1.2).", "The header of the PDF does not conform (6.1.2)."),
    "FIN": ("Des données suivent la fin du PDF (6.1.3).", "Data follow the end of the PDF (6.1.3)."),
    "IDENTIFIANT_ABSENT": ("Le PDF n'a pas d'identifiant (6.1.3).", "The PDF has no identifier (6.1.3)."),
    "FLUX_DE_REFERENCES": (
        "La table des références est un flux, que PDF 1.4 ne connaît pas (6.1.4).",
        "The cross-reference is a stream, which PDF 1.4 does not have (6.1.4).",
    ),
    "FICHIER_EMBARQUE": ("Un fichier est joint dans le PDF (6.1.11).", "A file is embedded in the PDF (6.1.11)."),
    "FLUX_EXTERNE": (
        "Une partie du PDF est dans un autre fichier (6.1.7).", "A part of the PDF lies in another file (6.1.7).",
    ),
    "LZW": ("Le PDF utilise la compression LZW (6.1.10).", "The PDF uses LZW compression (6.1.10)."),
    "CONTENU_OPTIONNEL": ("Le PDF a du contenu optionnel (6.1.13).", "The PDF has optional content (6.1.13)."),
    "INTENTION_ABSENTE": (
        "Le PDF n'a pas de profil de couleur de sortie (6.2.2).", "The PDF has no output intent (6.2.2).",
    ),
    "IMAGE": (
        "Une image a des variantes, des données OPI ou une interpolation (6.2.4).",
        "An image has alternates, OPI data or interpolation (6.2.4).",
    ),
    "POSTSCRIPT": ("Le PDF contient du PostScript (6.2.5, 6.2.7).", "The PDF holds PostScript (6.2.5, 6.2.7)."),
    "REFERENCE": (
        "Une partie d'une page est dans un autre document (6.2.6).",
        "A part of a page lies in another document (6.2.6).",
    ),
    "TRANSFERT": ("Le PDF a une fonction de transfert (6.2.8).", "The PDF has a transfer function (6.2.8)."),
    "POLICE_NON_EMBARQUEE": ("Une police n'est pas incorporée (6.3.4).", "A font is not embedded (6.3.4)."),
    "POLICE_COMPOSITE": (
        "Une police composite n'a pas sa table de glyphes (6.3.3).", "A composite font has no glyph map (6.3.3).",
    ),
    "TRANSPARENCE": ("Le PDF utilise la transparence (6.4).", "The PDF uses transparency (6.4)."),
    "ANNOTATION": (
        "Une annotation est d'un genre interdit, ou cachée (6.5).",
        "An annotation is of a forbidden kind, or hidden (6.5).",
    ),
    "JAVASCRIPT": ("Le PDF contient du JavaScript (6.6.1).", "The PDF has JavaScript (6.6.1)."),
    "ACTION": ("Une action du PDF est d'un genre interdit (6.6.1).", "An action of the PDF is forbidden (6.6.1)."),
    "ACTION_AUTOMATIQUE": ("Le PDF agit de lui-même (6.6.2).", "The PDF acts by itself (6.6.2)."),
    "METADONNEES": (
        "Les métadonnées XMP sont absentes ou illisibles (6.7.2).",
        "The XMP metadata are absent or unreadable (6.7.2).",
    ),
    "METADONNEES_INCOHERENTES": (
        "Les métadonnées du PDF se contredisent (6.7.3).", "The metadata of the PDF contradict each other (6.7.3).",
    ),
    "MARQUEUR": (
        "Le PDF ne dit pas qu'il est PDF/A-1 (6.7.11).", "The PDF does not say that it is PDF/A-1 (6.7.11).",
    ),
    "FORMULAIRE": (
        "Le formulaire a besoin d'un programme pour s'afficher (6.9).", "The form needs a program to show it (6.9).",
    ),
    "TROP_D_OBJETS": (
        "Le PDF a trop d'objets pour être contrôlé en entier.",
        "The PDF has too many objects to be checked as a whole.",
    ),
}  # fmt: skip

PDFA_CODES = {
    f"PDFA_{rule}": Explanation(french, _CURE_FR, english, _CURE_EN) for rule, (french, english) in _RULES.items()
}
"""Code to texts."""

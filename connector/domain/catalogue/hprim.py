"""Codes of HPRIM Médecin and HPRIM Santé: what refuses a file, and what was put right while it was read."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["HPRIM_CODES"]

_NOTHING_FR = "Rien à faire ; signalez-le à l'éditeur du logiciel qui a produit le fichier."
_NOTHING_EN = "Nothing to do; tell the vendor of the software that made the file."

HPRIM_CODES = {
    "HPRIM_INVALIDE": Explanation(
        "Le fichier HPRIM Médecin n'a pas un en-tête de douze lignes avec le nom du patient.",
        "Exportez le résultat de nouveau depuis votre logiciel, ou corrigez l'en-tête.",
        "The HPRIM Médecin file has no header of twelve lines with the name of a patient.",
        "Export the result again from your software, or correct its header.",
    ),
    "HPRIM_SANTE_INVALIDE": Explanation(
        "Le fichier HPRIM Santé ne peut pas être lu : segment H, P ou L absent ou mal formé.",
        "Exportez le fichier de nouveau depuis votre logiciel.",
        "The HPRIM Santé file cannot be read: segment H, P or L missing or malformed.",
        "Export the file again from your software.",
    ),
    "HPRIM_HTML": Explanation(
        "Le fichier HPRIM contenait du code HTML (&eacute;, <br />) : il a été lu comme du texte.",
        _NOTHING_FR,
        "The HPRIM file held HTML (&eacute;, <br />): it was read as text.",
        _NOTHING_EN,
    ),
    "HPRIM_ENCODAGE_DEVINE": Explanation(
        "Le jeu de caractères du fichier HPRIM n'est pas certain.",
        "Vérifiez les accents du nom du patient.",
        "The character set of the HPRIM file is not certain.",
        "Check the accents of the patient's name.",
    ),
    "HPRIM_ACCENTS_REPARES": Explanation(
        "Les accents du fichier HPRIM étaient abîmés (È à la place de é) : ils ont été rétablis.",
        _NOTHING_FR,
        "The accents of the HPRIM file were damaged (È in place of é): they were put right.",
        _NOTHING_EN,
    ),
    "HPRIM_ACCENTS_DOUTEUX": Explanation(
        "Des accents du fichier HPRIM semblent abîmés (È à la place de é) : le texte est resté tel quel.",
        "Vérifiez le nom du patient et le texte.",
        "Accents of the HPRIM file seem damaged (È in place of é): the text was left as it is.",
        "Check the patient's name and the text.",
    ),
    "HPRIM_BALISE_ABSENTE": Explanation(
        "Une balise de fin (****FIN****) manque dans le fichier HPRIM.",
        "Vérifiez que le dernier résultat est complet.",
        "An end tag (****FIN****) is missing in the HPRIM file.",
        "Check that the last result is complete.",
    ),
    "HPRIM_DEUX_RESULTATS": Explanation(
        "Un résultat du fichier HPRIM a deux parties codées : une balise de fin manque, deux patients sont peut-être "
        "mêlés.",
        "N'utilisez pas ce résultat sans vérifier à quel patient chaque valeur appartient ; faites-le exporter de "
        "nouveau.",
        "A result of the HPRIM file has two coded parts: an end tag is missing, two patients may be mixed up.",
        "Do not use this result before checking to which patient each value belongs; have it exported again.",
    ),
    "HPRIM_EN_TETE_DECALE": Explanation(
        "L'en-tête du fichier HPRIM était décalé par des lignes vides : il a été remis en place.",
        _NOTHING_FR,
        "The header of the HPRIM file was shifted by empty lines: it was put in place.",
        _NOTHING_EN,
    ),
    "HPRIM_SUITE_IGNOREE": Explanation(
        "Le fichier HPRIM contient, après le dernier résultat, un texte qui n'en fait pas partie.",
        "Vérifiez que rien d'important n'a été ajouté à la fin du fichier.",
        "Behind its last result the HPRIM file holds a text that is no part of it.",
        "Check that nothing important was added at the end of the file.",
    ),
    "HPRIM_NAISSANCE_INCONNUE": Explanation(
        "La date de naissance du fichier HPRIM est absente ou n'est pas une date certaine.",
        "Vérifiez l'identité du patient.",
        "The date of birth in the HPRIM file is missing or is no certain date.",
        "Check the identity of the patient.",
    ),
    "HPRIM_NIR_INVALIDE": Explanation(
        "Le numéro de sécurité sociale du fichier HPRIM est incomplet ou sa clé est fausse.",
        "Vérifiez l'identité du patient ; ce numéro n'est pas utilisé.",
        "The social security number in the HPRIM file is incomplete or its key is wrong.",
        "Check the identity of the patient; this number is not used.",
    ),
}

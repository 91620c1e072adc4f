"""Codes of the documents that the connector makes itself: CDA level 1 around a file, PDF/A-1b."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["DOCUMENT_CODES"]

DOCUMENT_CODES = {
    "TYPE_DOCUMENT_INCONNU": Explanation(
        "Le type de document indiqué n'existe pas dans la nomenclature de santé (JDV_J07).",
        "Indiquez un code de la liste, par exemple 11502-2 (biologie) ou 11488-4 (consultation), ou un nom court "
        "comme CR-BIO.",
        "The document type that was given is not in the French health value set (JDV_J07).",
        "Give a code of the list, such as 11502-2 (laboratory) or 11488-4 (consultation), or a short name such as "
        "CR-BIO.",
    ),
    "TYPE_DOCUMENT_ABSENT": Explanation(
        "Le type du document n'est pas indiqué.",
        "Indiquez le type dans le fichier d'accompagnement (loinc ou type), par exemple CR-BIO.",
        "The type of the document is not given.",
        "Give the type in the sidecar (loinc or type), for example CR-BIO.",
    ),
    "CODE_REGLAGE_INCONNU": Explanation(
        "Un code de l'auteur ou de la structure n'existe pas dans les nomenclatures de santé.",
        "Corrigez le réglage indiqué (mailboxes.author ou mailboxes.structure).",
        "A code of the author or of the structure is in none of the French health value sets.",
        "Correct the setting that is named (mailboxes.author or mailboxes.structure).",
    ),
    "AUTEUR_INCOMPLET": Explanation(
        "L'auteur des documents n'est pas réglé : le document ne peut pas être préparé.",
        "Renseignez la table [mailboxes.author] : au moins rpps, et le nom si la boîte n'est pas personnelle.",
        "The author of the documents is not set: the document cannot be made.",
        "Fill the table [mailboxes.author]: at least rpps, and the name unless the mailbox is a person's.",
    ),
    "STRUCTURE_INCOMPLETE": Explanation(
        "La structure (cabinet, laboratoire) n'est pas réglée : le document ne peut pas être préparé.",
        "Renseignez la table [mailboxes.structure] : finess, siret ou siren, name, facility et setting.",
        "The structure (practice, laboratory) is not set: the document cannot be made.",
        "Fill the table [mailboxes.structure]: finess, siret or siren, name, facility and setting.",
    ),
    "PATIENT_INCOMPLET": Explanation(
        "L'identité du patient est incomplète : le document ne peut pas être préparé.",
        "Complétez dans votre logiciel les rubriques indiquées : nom de naissance, prénoms, date de naissance, sexe.",
        "The identity of the patient is incomplete: the document cannot be made.",
        "Complete the named items in your software: birth name, first names, date of birth, sex.",
    ),
    "DOCUMENT_INCOMPLET": Explanation(
        "Il manque une information pour préparer le document de santé.",
        "Complétez les rubriques indiquées dans votre logiciel ou dans les réglages.",
        "Something is missing to make the health document.",
        "Complete the named items in your software or in the settings.",
    ),
    "TEXTE_INTERDIT": Explanation(
        "Un texte contient un caractère invisible qui ne peut pas être transmis.",
        "Effacez puis retapez la rubrique indiquée dans votre logiciel.",
        "A text holds an invisible character that cannot be transmitted.",
        "Clear the named item in your software and type it again.",
    ),
    "IMAGE_ILLISIBLE": Explanation(
        "L'image ne peut pas être lue.",
        "Enregistrez-la de nouveau au format JPEG, PNG ou TIFF.",
        "The image cannot be read.",
        "Save it again as JPEG, PNG or TIFF.",
    ),
    "PDFA_CONVERTI": Explanation(
        "Le PDF n'était pas au format PDF/A-1 : il a été converti avant l'envoi.",
        "Rien à faire ; demandez à votre éditeur de produire du PDF/A-1 pour que le fichier parte inchangé.",
        "The PDF was not PDF/A-1: it was converted before sending.",
        "Nothing to do; ask your vendor to make PDF/A-1 so that the file leaves unchanged.",
    ),
    "PDFA_CONVERTI_IMAGES": Explanation(
        "Le PDF n'était pas au format PDF/A-1 : ses pages ont été converties en images avant l'envoi.",
        "Le texte ne peut plus être copié ; installez Ghostscript, ou demandez du PDF/A-1 à votre éditeur.",
        "The PDF was not PDF/A-1: its pages were turned into pictures before sending.",
        "Its text can no longer be copied; install Ghostscript, or ask your vendor for PDF/A-1.",
    ),
    "PDFA_NON_CONVERTI": Explanation(
        "Le PDF n'est pas au format PDF/A-1 et n'a pas pu être converti : il est parti inchangé.",
        "Demandez à votre éditeur de produire du PDF/A-1.",
        "The PDF is not PDF/A-1 and could not be converted: it left unchanged.",
        "Ask your vendor to make PDF/A-1.",
    ),
    "PDFA_REFUSE": Explanation(
        "Le PDF n'est pas au format PDF/A-1 : l'envoi est refusé par le réglage message.pdfa.",
        "Exportez le document en PDF/A-1, ou mettez le réglage message.pdfa sur convert ou warn.",
        "The PDF is not PDF/A-1: the setting message.pdfa refuses to send it.",
        "Export the document as PDF/A-1, or set message.pdfa to convert or warn.",
    ),
}

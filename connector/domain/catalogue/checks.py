"""Codes of what ``mss-connector check`` finds beside refusals: CDA headers, XDM packages, HPRIM lines."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["CHECK_CODES"]

_DOCUMENT_FR = "Faites corriger par l'éditeur la production du document, à l'endroit indiqué."
_DOCUMENT_EN = "Have the vendor correct how the document is made, at the place that is told."
_ARCHIVE_FR = "Faites corriger par l'éditeur la production de l'archive IHE_XDM, à l'endroit indiqué."
_ARCHIVE_EN = "Have the vendor correct how the IHE_XDM archive is made, at the place that is told."


def _document(french: str, english: str) -> Explanation:
    return Explanation(french, _DOCUMENT_FR, english, _DOCUMENT_EN)


def _archive(french: str, english: str) -> Explanation:
    return Explanation(french, _ARCHIVE_FR, english, _ARCHIVE_EN)


CHECK_CODES = {
    "CDA_ELEMENT_ABSENT": _document(
        "L'en-tête du document n'a pas un élément que le CI-SIS exige.",
        "The header of the document lacks an element that the CI-SIS requires.",
    ),
    "CDA_ATTRIBUT_REQUIS": _document(
        "Un élément de l'en-tête n'a pas un attribut que le CI-SIS exige.",
        "An element of the header lacks an attribute that the CI-SIS requires.",
    ),
    "CDA_ELEMENT_REPETE": _document(
        "Un élément de l'en-tête est répété alors qu'il doit être unique.",
        "An element of the header is repeated, and it must be the only one.",
    ),
    "CDA_VALEUR_INATTENDUE": _document(
        "Un élément du document n'a pas la valeur que le CI-SIS attend.",
        "An element of the document has not the value that the CI-SIS expects.",
    ),
    "CDA_MODELE_ABSENT": _document(
        "Un identifiant de modèle (templateId) manque ou ne convient pas.",
        "An identifier of a model (templateId) is missing or does not fit.",
    ),
    "CDA_DATE_INVALIDE": _document(
        "Une date de l'en-tête n'a pas la forme attendue.",
        "A date of the header has not the expected form.",
    ),
    "CDA_VERSION": _document(
        "Le numéro de version et le document remplacé ne vont pas ensemble.",
        "The number of the version and the replaced document do not go together.",
    ),
    "CDA_INS_APRES": _document(
        "Le matricule INS n'est pas le premier identifiant du patient.",
        "The matricule INS is not the first identifier of the patient.",
    ),
    "CDA_NOM_QUALIFICATIF": _document(
        "Un nom de famille du patient n'est qualifié ni de naissance (BR) ni d'usage (CL).",
        "A family name of the patient is qualified neither as of birth (BR) nor as used (CL).",
    ),
    "CDA_TRAIT_ABSENT": _document(
        "Il manque un trait d'identité que le matricule INS exige.",
        "A trait of identity that goes with the matricule INS is missing.",
    ),
    "CDA_AUTEUR": _document(
        "L'auteur du document n'est pas décrit complètement.",
        "The author of the document is not described completely.",
    ),
    "CDA_ACTE_PRINCIPAL": _document(
        "Aucun acte n'a de début, d'exécutant et de cadre d'exercice : l'acte principal n'est pas reconnaissable.",
        "No act has start, performer and practice setting: the main act cannot be told.",
    ),
    "CDA_ATTRIBUT_ABSENT": _document(
        "Une métadonnée de l'archive ne pourra pas être tirée de ce document.",
        "A piece of metadata of the archive cannot be derived from this document.",
    ),
    "CDA_CODE_HORS_JEU": _document(
        "Un code du document n'est pas dans le jeu de valeurs de l'ANS.",
        "A code of the document is not in the value set of the ANS.",
    ),
    "CDA_CLASSE_TYPE": _document(
        "La classe du document n'est pas celle qui va avec son type.",
        "The class of the document is not the one that goes with its type.",
    ),
    "INS_DE_TEST": Explanation(
        "Le matricule INS est celui d'une identité de test.",
        "Rien à faire pour un essai ; en production, un tel document est refusé.",
        "The matricule INS is that of a test identity.",
        "Nothing to do for a trial; in production such a document is refused.",
    ),
    "INS_C_OBSOLETE": Explanation(
        "Le document porte encore un INS-C, qui n'est plus en usage.",
        "Retirez cet identifiant ; qualifiez l'identité par le téléservice INSi.",
        "The document still has an INS-C, which is no longer in use.",
        "Remove this identifier; qualify the identity with the INSi service.",
    ),
    "XDM_NOM_8_3": _archive(
        "Un nom de l'archive n'est pas de la forme 8.3 en capitales (ISO 9660).",
        "A name in the archive is not of the form 8.3 in capitals (ISO 9660).",
    ),
    "XDM_INDEX_ABSENT": _archive("L'archive n'a pas d'INDEX.HTM.", "The archive has no INDEX.HTM."),
    "XDM_README_ABSENT": _archive("L'archive n'a pas de README.TXT.", "The archive has no README.TXT."),
    "XDM_README_ASCII": _archive("README.TXT n'est pas en ASCII.", "README.TXT is not ASCII."),
    "XDM_README_CRLF": _archive(
        "Les lignes de README.TXT ne finissent pas toutes par CR LF.",
        "The lines of README.TXT do not all end with CR LF.",
    ),
    "XDM_METADATA_ABSENT": _archive("L'archive n'a pas de METADATA.XML.", "The archive has no METADATA.XML."),
    "XDM_SCHEMA": _archive(
        "METADATA.XML ne respecte pas le schéma ebRIM.", "METADATA.XML does not follow the ebRIM schema."
    ),
    "XDM_ID_REPETE": _archive(
        "Deux objets de METADATA.XML ont le même identifiant.", "Two objects of METADATA.XML have the same id."
    ),
    "XDM_LOT_UNIQUE": _archive(
        "METADATA.XML ne contient pas exactement un lot de soumission.",
        "METADATA.XML does not hold exactly one submission set.",
    ),
    "XDM_ATTRIBUT_ABSENT": _archive(
        "Une métadonnée exigée manque dans METADATA.XML.", "A required piece of metadata is missing in METADATA.XML."
    ),
    "XDM_FICHIER_ABSENT": _archive(
        "METADATA.XML annonce un fichier qui n'est pas dans l'archive.",
        "METADATA.XML names a file that is not in the archive.",
    ),
    "XDM_URI_CASSE": _archive(
        "L'URI d'un document et son nom dans l'archive diffèrent.",
        "The URI of a document and its name in the archive differ.",
    ),
    "XDM_FICHIER_NON_LISTE": _archive(
        "L'archive contient un fichier que METADATA.XML n'annonce pas.",
        "The archive holds a file that METADATA.XML does not name.",
    ),
    "XDM_UNIQUEID_REPETE": _archive(
        "Deux documents de l'archive ont le même uniqueId.", "Two documents of the archive have the same uniqueId."
    ),
    "XDM_URI_REPETEE": _archive(
        "Deux documents de l'archive ont la même URI.", "Two documents of the archive have the same URI."
    ),
    "XDM_PATIENT_UNIQUE": _archive(
        "Les documents de l'archive n'ont pas tous le même patient.",
        "The documents of the archive do not all have the same patient.",
    ),
    "XDM_HASMEMBER_ABSENT": _archive(
        "Un document n'est pas rattaché au lot de soumission.", "A document is not tied to the submission set."
    ),
    "XDM_CODE_HORS_JEU": _archive(
        "Un code de METADATA.XML n'est pas dans le jeu de valeurs de l'ANS.",
        "A code of METADATA.XML is not in the value set of the ANS.",
    ),
    "XDM_CLASSE_TYPE": _archive(
        "La classe d'un document n'est pas celle qui va avec son type.",
        "The class of a document is not the one that goes with its type.",
    ),
    "XDM_EMPREINTE_FAUSSE": _archive(
        "L'empreinte d'un document n'est pas celle qu'annonce METADATA.XML.",
        "The hash of a document is not the one in METADATA.XML.",
    ),
    "XDM_TAILLE_FAUSSE": _archive(
        "La taille d'un document n'est pas celle qu'annonce METADATA.XML.",
        "The size of a document is not the one in METADATA.XML.",
    ),
    "XDM_CDA_INVALIDE": _archive(
        "Un document de l'archive n'est pas un CDA utilisable.", "A document of the archive is not a usable CDA."
    ),
    "XDM_UNIQUEID_INCOHERENT": _archive(
        "L'uniqueId de METADATA.XML n'est pas l'identifiant du document.",
        "The uniqueId of METADATA.XML is not the id of the document.",
    ),
    "XDM_PATIENT_INCOHERENT": _archive(
        "Le patient de METADATA.XML n'est pas celui du document.",
        "The patient of METADATA.XML is not that of the document.",
    ),
    "XDM_TYPE_INCOHERENT": _archive(
        "Le type de METADATA.XML n'est pas celui du document.",
        "The type of METADATA.XML is not that of the document.",
    ),
    "XDM_METADONNEE_INCOHERENTE": _archive(
        "Une métadonnée ne dit pas la même chose que le document.",
        "A piece of metadata does not say what the document says.",
    ),
    "XDM_ACTION_ABSENTE": _archive(
        "Une version suivante est transmise sans l'action de remplacement.",
        "A later version comes without the action of a replacement.",
    ),
    "HPRIM_DESTINATAIRE_ABSENT": _document(
        "L'en-tête HPRIM ne nomme aucun destinataire (ligne 12).", "The HPRIM header names no recipient (line 12)."
    ),
    "HPRIM_LIGNE": _document(
        "Une ligne de résultat HPRIM (RES) n'a pas la forme attendue.",
        "A result line of HPRIM (RES) has not the expected form.",
    ),
    "VALIDATION_REFUSEE": Explanation(
        "Le document ne respecte pas le schéma ou les règles officielles ; il n'a pas été envoyé.",
        "Faites corriger le document par l'éditeur du logiciel, puis déposez-le de nouveau.",
        "The document does not follow the official schema or rules; it was not sent.",
        "Have the vendor of the software correct the document, then drop it again.",
    ),
    "VALIDATION_XSD": _document(
        "Le document ne respecte pas le schéma CDA.", "The document does not follow the CDA schema."
    ),
    "VALIDATION_SCHEMATRON": _document(
        "Le document ne respecte pas une règle officielle (schématron).",
        "The document breaks an official rule (schematron).",
    ),
    "SCHEMAS_ABSENTS": Explanation(
        "Les schémas officiels qui servent à contrôler les documents ne sont pas là.",
        "Indiquez dans validation.schemas le dossier où la publication de l'ANS a été dépliée.",
        "The official schemas that documents are checked against are not there.",
        "Name in validation.schemas the folder into which the publication of the ANS was unpacked.",
    ),
    "SCHEMAS_INVALIDES": Explanation(
        "Un schéma ou un schématron officiel ne peut pas être utilisé.",
        "Dépliez de nouveau la publication de l'ANS, sans rien y changer.",
        "An official schema or schematron cannot be used.",
        "Unpack the publication of the ANS again, without changing anything in it.",
    ),
    "SCHEMATRON_NON_INSTALLE": Explanation(
        "Les schématrons demandent un module qui n'est pas installé.",
        "Installez mssante-connector[schematron], ou réglez validation.schematron sur « off ».",
        "Schematrons need a module that is not installed.",
        'Install mssante-connector[schematron], or set validation.schematron to "off".',
    ),
    "LOT_PARTAGE": Explanation(
        "Ce dépôt serait partagé en plusieurs envois.",
        "Vérifiez que c'est bien ce qui est voulu ; sinon déposez chaque document seul.",
        "This drop would be divided into several sendings.",
        "Make sure that this is what is wanted; else drop each document by itself.",
    ),
    "CONTROLE_SANS_REGLAGES": Explanation(
        "Aucun réglage : destinataires, auteur, structure et correspondants n'ont pas été contrôlés.",
        "Indiquez le fichier de réglages (--config) pour contrôler comme la boîte le fera.",
        "There are no settings: recipients, author, structure and correspondents were not checked.",
        "Name the settings file (--config) to check as the mailbox will.",
    ),
    "CONTROLE_SANS_JOURNAL": Explanation(
        "Le dépôt désigne un envoi précédent, que seul le connecteur qui l'a fait peut connaître.",
        "Contrôlez par l'API du connecteur en service (POST /api/v1/check).",
        "The drop means an earlier sending, which only the connector that made it can know.",
        "Check through the API of the running connector (POST /api/v1/check).",
    ),
}
"""Code to texts."""

"""Every stable code with its texts for people: what happened, and what to do.

French first, for the practitioner and the secretary; English second. The texts never hold patient data: what is
particular to one case (a file name, an address) is added by whoever shows them. A test fails when the source
raises a code that is not here, and when one of the four texts is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CATALOGUE", "Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means to a person: what happened and what to do, in two languages."""

    title_fr: str
    cure_fr: str
    title_en: str
    cure_en: str


UNKNOWN_CODE = Explanation(
    "Une erreur non répertoriée s'est produite.",
    "Conservez le fichier et transmettez le code à votre éditeur.",
    "An error without a description occurred.",
    "Keep the file and give the code to your vendor.",
)


def explain(code: str) -> Explanation:
    """The texts of ``code``; a general sentence for one that this version does not know."""
    return CATALOGUE.get(code, UNKNOWN_CODE)


_CALL_VENDOR_FR = "Transmettez le code et l'heure à votre éditeur."
_CALL_VENDOR_EN = "Give the code and the time to your vendor."

CATALOGUE: Mapping[str, Explanation] = MappingProxyType(
    {
        # --- what the LPS dropped -------------------------------------------------------------------------------
        "INCOMPLET": Explanation(
            "Le fichier est resté incomplet.",
            "Exportez le document de nouveau depuis votre logiciel, puis supprimez l'ancien fichier.",
            "The file stayed incomplete.",
            "Export the document again from your software, then remove the old file.",
        ),
        "FORMAT_INCONNU": Explanation(
            "Le format du fichier n'est pas reconnu.",
            "Déposez un document CDA (.xml) ou une archive IHE_XDM.zip.",
            "The format of the file is not recognised.",
            "Drop a CDA document (.xml) or an IHE_XDM.zip archive.",
        ),
        "FORMAT_NON_PRIS_EN_CHARGE": Explanation(
            "Ce format est reconnu, mais cette version du connecteur ne l'envoie pas encore.",
            "Déposez le document au format CDA (.xml) ou dans une archive IHE_XDM.zip.",
            "This format is recognised, but this version of the connector does not send it yet.",
            "Drop the document as CDA (.xml) or in an IHE_XDM.zip archive.",
        ),
        "ENCODAGE": Explanation(
            "Le jeu de caractères du fichier n'est pas lisible.",
            "Exportez le fichier en UTF-8 ou en Windows-1252.",
            "The character set of the file cannot be read.",
            "Export the file as UTF-8 or Windows-1252.",
        ),
        "SIDECAR_INVALIDE": Explanation(
            "Le fichier d'accompagnement (.mss) contient une erreur.",
            "Corrigez la rubrique indiquée, puis déposez de nouveau l'ensemble.",
            "The sidecar file (.mss) has an error.",
            "Correct the key that is named, then drop everything again.",
        ),
        "DESTINATAIRE_INCONNU": Explanation(
            "Aucune adresse de destinataire n'a été trouvée.",
            "Indiquez l'adresse MSSanté du destinataire, puis déposez de nouveau le document.",
            "No recipient address was found.",
            "Give the recipient's MSSanté address, then drop the document again.",
        ),
        "DESTINATAIRE_INVALIDE": Explanation(
            "L'adresse d'un destinataire n'est pas valide.",
            "Vérifiez l'adresse MSSanté, puis déposez de nouveau le document.",
            "The address of a recipient is not valid.",
            "Check the MSSanté address, then drop the document again.",
        ),
        "DESTINATAIRE_HORS_ESPACE": Explanation(
            "Un destinataire n'appartient pas à l'espace de confiance MSSanté.",
            "Utilisez une adresse MSSanté de ce correspondant.",
            "A recipient is not in the MSSanté space of trust.",
            "Use an MSSanté address of this correspondent.",
        ),
        "INS_INVALIDE": Explanation(
            "Le matricule INS du patient n'est pas valide.",
            "Vérifiez l'identité du patient dans votre logiciel, puis exportez de nouveau le document.",
            "The patient's matricule INS is not valid.",
            "Check the patient's identity in your software, then export the document again.",
        ),
        "INS_NON_QUALIFIEE": Explanation(
            "Un envoi au patient demande une identité INS qualifiée.",
            "Qualifiez l'INS du patient, ou retirez son adresse des destinataires.",
            "Sending to the patient needs a qualified INS identity.",
            "Qualify the patient's INS, or take the patient's address off the recipients.",
        ),
        "INS_ENVIRONNEMENT": Explanation(
            "L'INS du patient ne correspond pas à l'environnement (test ou production).",
            "N'utilisez que des identités de test en test, et réelles en production.",
            "The patient's INS does not fit the environment (test or production).",
            "Use test identities in test only, and real ones in production.",
        ),
        "PATIENT_DESTINATAIRE": Explanation(
            "L'adresse du patient destinataire n'est pas celle du patient du document.",
            "Vérifiez le patient et le destinataire : rien n'a été envoyé.",
            "The patient address is not that of the patient of the document.",
            "Check patient and recipient: nothing was sent.",
        ),
        "DOCUMENT_MASQUE": Explanation(
            "Le document est masqué à l'un de ses destinataires.",
            "Retirez ce destinataire, ou levez le masquage dans votre logiciel.",
            "The document is hidden from one of its recipients.",
            "Take this recipient off, or lift the masking in your software.",
        ),
        "PATIENTS_MULTIPLES": Explanation(
            "Les documents déposés ensemble ne concernent pas le même patient.",
            "Déposez les documents de chaque patient séparément.",
            "The documents dropped together are not about the same patient.",
            "Drop the documents of each patient separately.",
        ),
        "CDA_INVALIDE": Explanation(
            "Le document CDA ne peut pas être lu ou il lui manque une information obligatoire.",
            "Exportez de nouveau le document ; si l'erreur revient, prévenez l'éditeur de votre logiciel.",
            "The CDA document cannot be read, or lacks something mandatory.",
            "Export the document again; if the error comes back, tell your software's vendor.",
        ),
        "XDM_INVALIDE": Explanation(
            "L'archive IHE_XDM ne peut pas être lue ou ne correspond pas à son contenu.",
            "Exportez de nouveau l'archive ; si l'erreur revient, prévenez l'éditeur de votre logiciel.",
            "The IHE_XDM archive cannot be read or does not agree with its content.",
            "Export the archive again; if the error comes back, tell your software's vendor.",
        ),
        "XML_INVALIDE": Explanation(
            "Le fichier XML n'est pas lisible ou contient une construction interdite.",
            "Exportez de nouveau le document.",
            "The XML file cannot be read or holds a forbidden construct.",
            "Export the document again.",
        ),
        "ARCHIVE_DANGEREUSE": Explanation(
            "L'archive n'a pas été ouverte, car elle pourrait être dangereuse.",
            "Ne l'ouvrez pas vous-même ; prévenez l'expéditeur.",
            "The archive was not opened, because it may be dangerous.",
            "Do not open it yourself; tell the sender.",
        ),
        "PDF_INVALIDE": Explanation(
            "Le PDF du document ne peut pas être utilisé.",
            "Exportez de nouveau le document avec un PDF lisible (PDF/A-1).",
            "The PDF of the document cannot be used.",
            "Export the document again with a readable PDF (PDF/A-1).",
        ),
        "PDF_NON_CONFORME": Explanation(
            "Le PDF joint n'est pas au format PDF/A-1 demandé.",
            "L'envoi a eu lieu ; demandez à votre éditeur de produire du PDF/A-1.",
            "The attached PDF is not PDF/A-1 as demanded.",
            "It was sent; ask your vendor to make PDF/A-1.",
        ),
        "TROP_GROS": Explanation(
            "Le message dépasse la taille acceptée.",
            "Envoyez les documents séparément ou réduisez les images.",
            "The message is over the accepted size.",
            "Send the documents separately or reduce the images.",
        ),
        "VIRUS_OU_TYPE_INTERDIT": Explanation(
            "Ce type de fichier ne peut pas être envoyé.",
            "Retirez le fichier du dépôt.",
            "This kind of file cannot be sent.",
            "Take the file off the drop.",
        ),
        "DOUBLON": Explanation(
            "Les mêmes documents ont déjà été remis pour les mêmes destinataires.",
            "Rien n'a été envoyé une seconde fois. Pour forcer l'envoi : mss-connector queue release.",
            "The same documents were already given for the same recipients.",
            "Nothing was sent a second time. To force it: mss-connector queue release.",
        ),
        "OBJET_RESERVE": Explanation(
            "L'objet « [FIN] » est réservé à la fin d'un échange avec un patient.",
            "Choisissez un autre objet.",
            "The subject “[FIN]” is reserved for the end of an exchange with a patient.",
            "Choose another subject.",
        ),
        "ENTETE_INVALIDE": Explanation(
            "Une valeur du document ne peut pas figurer dans l'en-tête d'un message.",
            "Exportez de nouveau le document ; si l'erreur revient, prévenez l'éditeur de votre logiciel.",
            "A value of the document cannot stand in a message header.",
            "Export the document again; if the error comes back, tell your software's vendor.",
        ),
        # --- folders ---------------------------------------------------------------------------------------------
        "SPOOL_ABSENT": Explanation(
            "Le dossier d'échange est introuvable.",
            "Vérifiez que le disque ou le partage réseau est accessible ; l'envoi reprendra seul.",
            "The exchange folder cannot be found.",
            "Check that the disk or network share can be reached; sending resumes by itself.",
        ),
        "SPOOL_REFUSE": Explanation(
            "Le système refuse l'accès au dossier d'échange.",
            "Rendez les droits de lecture et d'écriture sur le dossier au connecteur.",
            "The system refuses access to the exchange folder.",
            "Give the connector the rights to read and write the folder.",
        ),
        "DISQUE_PLEIN": Explanation(
            "Le disque est plein.",
            "Libérez de la place ; le connecteur reprendra seul.",
            "The disk is full.",
            "Free some space; the connector resumes by itself.",
        ),
        "FICHIER_OCCUPE": Explanation(
            "Un fichier est encore utilisé par un autre logiciel.",
            "Fermez le document dans l'autre logiciel ; le connecteur réessaie seul.",
            "A file is still used by another program.",
            "Close the document in the other program; the connector tries again by itself.",
        ),
        # --- operator --------------------------------------------------------------------------------------------
        "OPERATEUR_REFUS": Explanation(
            "L'opérateur de messagerie a refusé le message.",
            "Lisez la réponse de l'opérateur, corrigez le destinataire ou le document, puis renvoyez-le.",
            "The mail operator refused the message.",
            "Read the operator's answer, correct recipient or document, then send it again.",
        ),
        "OPERATEUR_DIFFERE": Explanation(
            "L'opérateur de messagerie demande de réessayer plus tard.",
            "Il n'y a rien à faire : le connecteur réessaie seul.",
            "The mail operator asks to try again later.",
            "Nothing to do: the connector tries again by itself.",
        ),
        "OPERATEUR_INJOIGNABLE": Explanation(
            "L'opérateur de messagerie ne répond pas.",
            "Vérifiez la connexion à internet ; le connecteur réessaie seul.",
            "The mail operator does not answer.",
            "Check the internet connection; the connector tries again by itself.",
        ),
        "SERVEUR_NON_FIABLE": Explanation(
            "Le certificat du serveur de messagerie n'est pas reconnu : rien ne lui a été transmis.",
            "Prévenez votre éditeur ou l'opérateur ; n'acceptez aucun autre certificat.",
            "The certificate of the mail server is not trusted: nothing was given to it.",
            "Tell your vendor or the operator; accept no other certificate.",
        ),
        "STARTTLS_ABSENT": Explanation(
            "Le serveur de messagerie n'offre pas de connexion chiffrée.",
            "Prévenez votre opérateur : le connecteur n'envoie jamais en clair.",
            "The mail server offers no encrypted connection.",
            "Tell your operator: the connector never sends in clear.",
        ),
        "AUTHENTIFICATION": Explanation(
            "L'opérateur de messagerie refuse notre identité.",
            "Vérifiez le certificat ou le mot de passe de la boîte ; les envois attendent.",
            "The mail operator refuses our identity.",
            "Check the mailbox's certificate or password; what is to be sent waits.",
        ),
        "ISSUE_INCONNUE": Explanation(
            "La connexion s'est coupée pendant l'envoi : on ne sait pas si le message est parti.",
            "Il n'est pas renvoyé sans vérification. Demandez au destinataire, puis : mss-connector queue release "
            "(renvoyer) ou cancel (ne pas renvoyer).",
            "The connection broke while sending: it is not known whether the message left.",
            "It is not sent again unchecked. Ask the recipient, then: mss-connector queue release (send again) "
            "or cancel (do not).",
        ),
        "DELAI_DEPASSE": Explanation(
            "Le message n'a pas pu partir dans le délai prévu.",
            "Prévenez le destinataire par une autre voie, ou relancez : mss-connector queue retry.",
            "The message could not leave in the time foreseen.",
            "Tell the recipient in another way, or try again: mss-connector queue retry.",
        ),
        "REMISE_ECHEC": Explanation(
            "Le message n'a pas pu être remis à un destinataire.",
            "Vérifiez l'adresse et utilisez une autre voie si le document est urgent.",
            "The message could not be delivered to a recipient.",
            "Check the address and use another way if the document is urgent.",
        ),
        "CARTE_ABSENTE": Explanation(
            "La carte CPS n'est pas dans le lecteur.",
            "Insérez la carte ; les envois reprendront seuls.",
            "The CPS card is not in the reader.",
            "Insert the card; sending resumes by itself.",
        ),
        "PIN": Explanation(
            "Le code de la carte CPS est demandé.",
            "Saisissez le code de la carte.",
            "The PIN of the CPS card is needed.",
            "Type the PIN of the card.",
        ),
        # --- reception -------------------------------------------------------------------------------------------
        "MESSAGE_ILLISIBLE": Explanation(
            "Un message reçu ne peut pas être ouvert sans risque.",
            "Le message original est conservé ; consultez-le dans votre messagerie et prévenez l'expéditeur.",
            "A received message cannot be opened safely.",
            "The original is kept; read it in your webmail and tell the sender.",
        ),
        "EMPREINTE_FAUSSE": Explanation(
            "Un document reçu ne correspond pas à son empreinte.",
            "Ne l'intégrez pas ; demandez un nouvel envoi à l'expéditeur.",
            "A received document does not agree with its hash.",
            "Do not file it; ask the sender to send it again.",
        ),
        "PATIENT_INCOHERENT": Explanation(
            "Le patient de l'archive n'est pas celui du document.",
            "N'intégrez pas le document ; prévenez l'expéditeur.",
            "The patient of the archive is not that of the document.",
            "Do not file the document; tell the sender.",
        ),
        "XDM_DEGRADE": Explanation(
            "L'archive reçue est incomplète ; le document a été retrouvé par son contenu.",
            "Vérifiez le patient avant d'intégrer le document.",
            "The received archive is incomplete; the document was found by its content.",
            "Check the patient before filing the document.",
        ),
        # --- the connector itself --------------------------------------------------------------------------------
        "REGLAGE_INVALIDE": Explanation(
            "Un réglage du connecteur n'est pas valide.",
            "Corrigez le réglage indiqué : mss-connector config check.",
            "A setting of the connector is not valid.",
            "Correct the setting that is named: mss-connector config check.",
        ),
        "REFERENCE_PRODUIT_ABSENTE": Explanation(
            "La référence du produit (X-MSS-NIL) n'est pas réglée : rien ne peut partir.",
            "Renseignez software.product_reference avec la référence donnée par Convergence.",
            "The product reference (X-MSS-NIL) is not set: nothing can leave.",
            "Set software.product_reference to the reference given by Convergence.",
        ),
        "CERTIFICAT_INVALIDE": Explanation(
            "Le certificat de la boîte ne peut pas être utilisé.",
            "Vérifiez le fichier, son mot de passe et ses dates de validité.",
            "The certificate of the mailbox cannot be used.",
            "Check the file, its password and its dates.",
        ),
        "SECRET_INDISPONIBLE": Explanation(
            "Un secret (mot de passe ou clé) n'est pas accessible pour le moment.",
            "Ouvrez la session ou déverrouillez le trousseau ; le connecteur réessaie seul.",
            "A secret (password or key) cannot be had right now.",
            "Log in or unlock the key store; the connector tries again by itself.",
        ),
        "TRUST_VIDE": Explanation(
            "Aucune autorité de confiance n'est réglée pour l'opérateur.",
            "Renseignez operators.<nom>.tls.trust avec les autorités IGC-Santé.",
            "No trusted authority is set for the operator.",
            "Set operators.<name>.tls.trust to the IGC-Santé authorities.",
        ),
        "DEJA_LANCE": Explanation(
            "Le connecteur est déjà lancé.",
            "Il n'y a rien à faire ; un seul connecteur peut tourner à la fois.",
            "The connector is already running.",
            "Nothing to do; only one connector can run at a time.",
        ),
        "CLE_PERMISSIONS": Explanation(
            "Le fichier de clé peut être lu par d'autres utilisateurs.",
            "Retirez les droits des autres utilisateurs sur ce fichier.",
            "The key file can be read by other users.",
            "Take the rights of other users off this file.",
        ),
        "CLE_ABSENTE": Explanation(
            "La clé du journal est introuvable alors que le journal existe.",
            "Restaurez la clé depuis votre sauvegarde ; rien n'a été effacé.",
            "The key of the journal is missing although the journal exists.",
            "Restore the key from your backup; nothing was deleted.",
        ),
        "PAYLOAD_ALTERE": Explanation(
            "Un contenu du journal est altéré.",
            "Ne supprimez rien ; " + _CALL_VENDOR_FR[0].lower() + _CALL_VENDOR_FR[1:],
            "A content of the journal is altered.",
            "Delete nothing; " + _CALL_VENDOR_EN[0].lower() + _CALL_VENDOR_EN[1:],
        ),
        "PAYLOAD_ABSENT": Explanation(
            "Le contenu demandé n'est plus conservé dans le journal.",
            "Le délai de conservation est passé ; le document reste dans votre logiciel.",
            "The content asked for is no longer kept in the journal.",
            "Its retention time is over; the document is still in your software.",
        ),
        "TRACE_ALTEREE": Explanation(
            "La chaîne des traces est rompue.",
            "Ne supprimez rien ; " + _CALL_VENDOR_FR[0].lower() + _CALL_VENDOR_FR[1:],
            "The chain of the trace is broken.",
            "Delete nothing; " + _CALL_VENDOR_EN[0].lower() + _CALL_VENDOR_EN[1:],
        ),
        "JOURNAL_VERSION": Explanation(
            "Le journal a été écrit par une version plus récente du connecteur.",
            "Installez la version la plus récente du connecteur.",
            "The journal was written by a newer version of the connector.",
            "Install the newest version of the connector.",
        ),
        "JOURNAL_INDISPONIBLE": Explanation(
            "Le journal du connecteur n'est pas accessible pour le moment.",
            "Vérifiez le disque ; le connecteur réessaie seul.",
            "The connector's journal cannot be reached right now.",
            "Check the disk; the connector tries again by itself.",
        ),
        "INTROUVABLE": Explanation(
            "Aucun envoi ne porte cet identifiant.",
            "Vérifiez l'identifiant : mss-connector queue list.",
            "No submission has this identifier.",
            "Check the identifier: mss-connector queue list.",
        ),
        "TRANSITION": Explanation(
            "Cette action n'est pas possible dans l'état actuel du message.",
            "Consultez l'état : mss-connector queue show.",
            "This action is not possible in the current state of the message.",
            "Look at the state: mss-connector queue show.",
        ),
        "INTERNE": Explanation(
            "Une erreur interne s'est produite ; le document est conservé.",
            _CALL_VENDOR_FR,
            "An internal error occurred; the document is kept.",
            _CALL_VENDOR_EN,
        ),
    }
)
"""Code to texts."""

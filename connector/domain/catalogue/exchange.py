"""Codes of the way to the operator and back, and of what arrives."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["EXCHANGE_CODES"]

EXCHANGE_CODES = {
    "PREUVE_ECHOUEE": Explanation(
        "Le message construit ne correspond pas exactement au document : rien n'est parti.",
        "Vérifiez le document ou l'archive ; si le problème revient, envoyez le dossier de support à l'éditeur.",
        "The message that was built does not agree exactly with the document: nothing left.",
        "Check the document or the archive; if it happens again, send the support bundle to the vendor.",
    ),
    "REMPLACEMENT_INCOHERENT": Explanation(
        "Le remplacement ou l'annulation ne désigne pas le document concerné.",
        "Le document doit nommer la version qu'il remplace, ou être joint lorsqu'il est annulé.",
        "The replacement or deletion does not name the document concerned.",
        "The document must name the version that it replaces, or be enclosed when it is withdrawn.",
    ),
    "INS_SANS_TRAITS": Explanation(
        "Le document porte un matricule INS sans tous les traits de l'identité : il ne doit pas être transmis.",
        "Qualifiez l'identité du patient dans le logiciel, ou produisez le document sans matricule INS.",
        "The document has a matricule INS without all traits of the identity: it must not be transmitted.",
        "Qualify the patient's identity in the software, or make the document without a matricule INS.",
    ),
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
    "DOSSIER_BOITE_ABSENT": Explanation(
        "Un dossier de la boîte aux lettres n'existe pas chez l'opérateur ; les autres sont lus.",
        "Corrigez son nom dans les réglages (reception.folders), ou créez-le dans la messagerie.",
        "A folder of the mailbox does not exist at the operator's; the others are read.",
        "Correct its name in the settings (reception.folders), or make it in the webmail.",
    ),
    "RANGEMENT_IMPOSSIBLE": Explanation(
        "L'opérateur ne permet pas de déplacer ou de supprimer un message sans toucher aux autres.",
        'Les messages remis restent dans la boîte, marqués. Choisissez reception.after_delivery = "seen".',
        "The operator offers no way to move or delete a message without touching others.",
        'Delivered messages stay in the mailbox, marked. Choose reception.after_delivery = "seen".',
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
    "OPERATEUR_SANS_8BIT": Explanation(
        "L'opérateur n'accepte pas les caractères accentués de ce message.",
        "Transmettez le code et l'heure à votre éditeur.",
        "The operator does not accept the accented characters of this message.",
        "Give the code and the time to your vendor.",
    ),
    "ACCUSE_PRECOCE": Explanation(
        "Un accusé est arrivé avant la fin de l'envoi qu'il concerne.",
        "Il n'y a rien à faire : il sera traité dans un instant.",
        "A receipt came before the end of the sending that it is about.",
        "Nothing to do: it is dealt with in a moment.",
    ),
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
}
"""Code to texts."""

"""Codes of HL7 v2 messages: what makes one unreadable, incoherent or unlike its document, and what was put right."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["HL7_CODES"]

HL7_CODES = {
    "HL7_NUMERO_REUTILISE": Explanation(
        "Un autre message HL7 de ce logiciel porte déjà ce numéro (MSH-10).",
        "Demandez à l'éditeur de donner un numéro nouveau à chaque message, puis exportez de nouveau.",
        "Another HL7 message of this software has this number already (MSH-10).",
        "Ask the vendor to give each message a new number, then export it again.",
    ),
    "HL7_ILLISIBLE": Explanation(
        "Le fichier n'est pas un message HL7 v2 lisible.",
        "Exportez de nouveau le message depuis votre logiciel ; s'il revient, prévenez son éditeur.",
        "The file is not a readable HL7 v2 message.",
        "Export the message from your software again; if it comes back, tell its vendor.",
    ),
    "HL7_LOT_INCOMPLET": Explanation(
        "Le lot de messages HL7 est incomplet.",
        "Exportez de nouveau le lot entier depuis votre logiciel.",
        "The batch of HL7 messages is incomplete.",
        "Export the whole batch from your software again.",
    ),
    "HL7_JEU_CARACTERES": Explanation(
        "Le jeu de caractères du message HL7 n'est pas celui qu'il annonce (MSH-18).",
        "Réglez l'export de votre logiciel sur UNICODE UTF-8 ou 8859/15.",
        "The character set of the HL7 message is not the one that it states (MSH-18).",
        "Set the export of your software to UNICODE UTF-8 or 8859/15.",
    ),
    "HL7_TYPE_INCONNU": Explanation(
        "Ce type de message HL7 n'est pas pris en charge.",
        "Réglez votre logiciel pour envoyer ORU^R01 ou MDM^T02, T04 et T10.",
        "This type of HL7 message is not supported.",
        "Set your software to send ORU^R01, or MDM^T02, T04 and T10.",
    ),
    "HL7_EVENEMENT_INCONNU": Explanation(
        "L'événement de ce message HL7 n'est pas pris en charge.",
        "Réglez votre logiciel pour envoyer ORU^R01 ou MDM^T02, T04 et T10.",
        "The event of this HL7 message is not supported.",
        "Set your software to send ORU^R01, or MDM^T02, T04 and T10.",
    ),
    "HL7_TRAITEMENT_INCONNU": Explanation(
        "Le mode de traitement du message HL7 (MSH-11) n'est pas connu.",
        "Demandez à votre éditeur d'indiquer P (production), T (test) ou D (mise au point).",
        "The processing id of the HL7 message (MSH-11) is not known.",
        "Ask your vendor to give P (production), T (test) or D (debugging).",
    ),
    "HL7_VERSION_INCONNUE": Explanation(
        "La version HL7 du message (MSH-12) n'est pas prise en charge.",
        "Réglez votre logiciel sur HL7 2.5 pour ORU, 2.6 pour MDM.",
        "The HL7 version of the message (MSH-12) is not supported.",
        "Set your software to HL7 2.5 for ORU, 2.6 for MDM.",
    ),
    "HL7_PROFIL_RECEPTION": Explanation(
        "Ce message HL7 est destiné à un logiciel qui reçoit : il n'est pas à envoyer.",
        "Ne déposez ici que les messages que votre logiciel prépare pour l'envoi.",
        "This HL7 message is meant for software that receives: it is not one to send.",
        "Drop here only the messages that your software makes for sending.",
    ),
    "HL7_SEGMENT_ABSENT": Explanation(
        "Il manque une partie obligatoire au message HL7.",
        "Transmettez le code et l'emplacement indiqués à l'éditeur de votre logiciel.",
        "A required segment of the HL7 message is missing.",
        "Give the code and the place that are shown to the vendor of your software.",
    ),
    "HL7_CHAMP_ABSENT": Explanation(
        "Il manque une information obligatoire au message HL7.",
        "Complétez le dossier (patient, destinataire, type de document), puis exportez de nouveau.",
        "A required field of the HL7 message is missing.",
        "Complete the record (patient, recipient, type of document), then export again.",
    ),
    "HL7_VALEUR_INVALIDE": Explanation(
        "Une information du message HL7 est mal écrite.",
        "Transmettez le code et l'emplacement indiqués à l'éditeur de votre logiciel.",
        "A value of the HL7 message is badly formed.",
        "Give the code and the place that are shown to the vendor of your software.",
    ),
    "HL7_CODE_INCONNU": Explanation(
        "Le message HL7 emploie un code qui n'est pas dans la table prévue.",
        "Transmettez le code et l'emplacement indiqués à l'éditeur de votre logiciel.",
        "The HL7 message uses a code that is not in its table.",
        "Give the code and the place that are shown to the vendor of your software.",
    ),
    "HL7_CARDINALITE": Explanation(
        "Le message HL7 contient trop d'éléments du même genre.",
        "Envoyez un message par document et par patient.",
        "The HL7 message holds too many items of one kind.",
        "Send one message for each document and each patient.",
    ),
    "HL7_DOCUMENT_INVALIDE": Explanation(
        "Le document contenu dans le message HL7 n'est pas lisible.",
        "Exportez de nouveau le document ; s'il revient, prévenez l'éditeur de votre logiciel.",
        "The document inside the HL7 message cannot be read.",
        "Export the document again; if it comes back, tell the vendor of your software.",
    ),
    "HL7_ACTION_INCOHERENTE": Explanation(
        "Le message HL7 se contredit : envoi, remplacement ou suppression ?",
        "Refaites l'envoi, le remplacement ou la suppression depuis votre logiciel.",
        "The HL7 message contradicts itself: first sending, replacement or deletion?",
        "Do the sending, the replacement or the deletion again from your software.",
    ),
    "HL7_DRAPEAUX_INCOHERENTS": Explanation(
        "Les choix de diffusion du message HL7 se contredisent.",
        "Vérifiez dans votre logiciel les destinataires et le masquage du document.",
        "The distribution flags of the HL7 message contradict one another.",
        "Check the recipients and the masking of the document in your software.",
    ),
    "HL7_DOCUMENT_MASQUE": Explanation(
        "Le message HL7 demande d'envoyer un document à quelqu'un à qui il est masqué.",
        "Retirez ce destinataire, ou levez le masquage dans votre logiciel.",
        "The HL7 message asks to send a document to someone from whom it is hidden.",
        "Take this recipient off, or lift the masking in your software.",
    ),
    "HL7_DMP_SEUL": Explanation(
        "Le message HL7 ne demande que l'alimentation du DMP, que le connecteur ne fait pas.",
        "Choisissez l'envoi par MSSanté dans votre logiciel, ou alimentez le DMP par un autre outil.",
        "The HL7 message only asks to feed the DMP, which the connector does not do.",
        "Choose MSSanté in your software, or feed the DMP with another tool.",
    ),
    "HL7_SANS_DESTINATION": Explanation(
        "Le message HL7 ne demande d'envoi ni à un professionnel, ni au patient.",
        "Choisissez l'envoi par MSSanté et un destinataire dans votre logiciel.",
        "The HL7 message asks for no sending, neither to a professional nor to the patient.",
        "Choose MSSanté and a recipient in your software.",
    ),
    "HL7_PATIENT_DIFFERENT": Explanation(
        "Le patient du message HL7 n'est pas celui du document.",
        "N'envoyez pas ce document. Vérifiez le patient dans votre logiciel, puis exportez de nouveau.",
        "The patient of the HL7 message is not that of the document.",
        "Do not send this document. Check the patient in your software, then export again.",
    ),
    "HL7_DOCUMENT_DIFFERENT": Explanation(
        "Le message HL7 et le document ne disent pas la même chose (type, identifiant ou version).",
        "Exportez de nouveau le document ; s'il revient, prévenez l'éditeur de votre logiciel.",
        "The HL7 message and the document disagree (type, identifier or version).",
        "Export the document again; if it comes back, tell the vendor of your software.",
    ),
    "HL7_BASE64_REPARE": Explanation(
        "Le codage du document dans le message HL7 était incomplet ; il a été rétabli.",
        "Rien à faire. Signalez-le à l'éditeur de votre logiciel : le remplissage Base64 manque.",
        "The encoding of the document in the HL7 message was incomplete; it was put right.",
        "Nothing to do. Tell the vendor of your software: the Base64 padding is missing.",
    ),
    "HL7_BASE64_TRONQUE": Explanation(
        "Un contenu du message HL7 finissait par un caractère de trop ; il a été lu sans lui.",
        "Vérifiez le document envoyé et signalez-le à l'éditeur de votre logiciel.",
        "A content of the HL7 message ended with a stray character; it was read without it.",
        "Check the document that was sent and tell the vendor of your software.",
    ),
    "HL7_JEU_DEVINE": Explanation(
        "Le message HL7 n'annonçait pas son jeu de caractères, ou pas le bon ; il a été reconnu.",
        "Vérifiez les accents, et réglez l'export de votre logiciel sur UNICODE UTF-8.",
        "The HL7 message did not state its character set, or not the right one; it was recognised.",
        "Check the accents, and set the export of your software to UNICODE UTF-8.",
    ),
    "HL7_LIGNE_COUPEE": Explanation(
        "Le message HL7 contenait des retours à la ligne dans ses champs ; ils ont été rétablis.",
        "Rien à faire. Signalez-le à l'éditeur de votre logiciel.",
        "The HL7 message had line ends inside its fields; they were put right.",
        "Nothing to do. Tell the vendor of your software.",
    ),
    "HL7_VERSION_INATTENDUE": Explanation(
        "La version HL7 du message n'est pas celle du volet ; il a été lu quand même.",
        "Rien à faire. Le volet prévoit HL7 2.5 pour ORU, 2.6 pour MDM.",
        "The HL7 version of the message is not that of the specification; it was read all the same.",
        "Nothing to do. The specification has HL7 2.5 for ORU, 2.6 for MDM.",
    ),
    "HL7_PROFIL_INCONNU": Explanation(
        "Le message HL7 n'annonce pas un volet connu (MSH-21) ; il a été lu comme le volet 2.1.",
        "Rien à faire. Signalez-le à l'éditeur de votre logiciel.",
        "The HL7 message does not state a known profile (MSH-21); it was read as profile 2.1.",
        "Nothing to do. Tell the vendor of your software.",
    ),
    "HL7_DRAPEAU_ABSENT": Explanation(
        "Un choix de diffusion manque dans le message HL7 ; il a été lu comme « non ».",
        "Rien à faire. Signalez-le à l'éditeur de votre logiciel.",
        "A distribution flag is missing in the HL7 message; it was read as “no”.",
        "Nothing to do. Tell the vendor of your software.",
    ),
    "HL7_DRAPEAUX_TOLERES": Explanation(
        "Les choix de visibilité du message HL7 sont inhabituels ; il part aux professionnels seulement.",
        "Vérifiez dans votre logiciel si le patient doit voir ce document.",
        "The visibility flags of the HL7 message are unusual; it goes to professionals only.",
        "Check in your software whether the patient may see this document.",
    ),
    "HL7_DMP_IGNORE": Explanation(
        "Le message HL7 demande aussi l'alimentation du DMP ; le connecteur n'envoie que par MSSanté.",
        "Alimentez le DMP depuis votre logiciel ou par un autre outil.",
        "The HL7 message also asks to feed the DMP; the connector sends by MSSanté only.",
        "Feed the DMP from your software or with another tool.",
    ),
    "HL7_DESTINATAIRE_ECARTE": Explanation(
        "Un destinataire du message HL7 a été écarté par les choix de diffusion.",
        "Si ce destinataire devait recevoir le document, corrigez les choix dans votre logiciel.",
        "A recipient of the HL7 message was left out by the distribution flags.",
        "If this recipient was meant to have the document, correct the flags in your software.",
    ),
    "HL7_ID_REMPLACE_ABSENT": Explanation(
        "Le message HL7 de remplacement ne nomme pas le document remplacé ; celui du document fait foi.",
        "Rien à faire. Signalez-le à l'éditeur de votre logiciel.",
        "The HL7 replacement does not name the replaced document; what the document says counts.",
        "Nothing to do. Tell the vendor of your software.",
    ),
    "HL7_CORPS_ILLISIBLE": Explanation(
        "Le texte d'accompagnement du message HL7 n'est pas lisible ; un texte par défaut le remplace.",
        "Vérifiez le message envoyé et signalez-le à l'éditeur de votre logiciel.",
        "The accompanying text of the HL7 message cannot be read; a default text takes its place.",
        "Check the message that was sent and tell the vendor of your software.",
    ),
    "HL7_FIN_SANS_PATIENT": Explanation(
        "La fin d'échange est demandée dans le message HL7, mais rien n'est envoyé au patient.",
        "Rien à faire : la demande est sans effet.",
        "The HL7 message asks for the end of the exchange, but nothing is sent to the patient.",
        "Nothing to do: the request has no effect.",
    ),
}

"""Codes of receipts that arrive, of silence, and of our own answers to received messages."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["RECEIPT_CODES"]

RECEIPT_CODES = {
    "SANS_NOUVELLES": Explanation(
        "Aucun accusé n'est revenu du destinataire dans le délai prévu.",
        "Il est parti ; appelez le destinataire si le document est urgent. Un accusé tardif sera pris en compte.",
        "No receipt came back from the recipient in the time foreseen.",
        "The message left; call the recipient if the document is urgent. A late receipt will still count.",
    ),
    "ACCUSE_NON_RATTACHE": Explanation(
        "Cet accusé ou cet avis d'échec ne correspond de façon sûre à aucun destinataire d'un de vos envois.",
        "Lisez-le : il dit peut-être qu'un document n'est pas arrivé. Rien n'a été changé sur cette base.",
        "This receipt or bounce cannot be tied with certainty to a recipient of anything that you sent.",
        "Read it: it may say that a document has not arrived. Nothing was changed on its strength.",
    ),
    "ACCUSE_NON_DEMANDE": Explanation(
        "L'expéditeur n'a pas demandé d'accusé de lecture.",
        "Il n'y a rien à faire ; répondez-lui par un message si vous le souhaitez.",
        "The sender asked for no read receipt.",
        "Nothing to do; answer with a message if you wish.",
    ),
    "ACCUSE_JAMAIS": Explanation(
        "Les réglages de cette boîte interdisent les accusés de lecture.",
        "Pour les permettre : read_receipt dans la section reception de la boîte.",
        "The settings of this mailbox forbid read receipts.",
        "To allow them: read_receipt in the reception section of the mailbox.",
    ),
    "ACCUSE_ACCORD": Explanation(
        "L'expéditeur demande un accusé de lecture : c'est à vous de décider.",
        "Envoyez l'accusé depuis la page ou le logiciel, ou ne faites rien.",
        "The sender asks for a read receipt: it is for you to decide.",
        "Send the receipt from the page or the software, or do nothing.",
    ),
    "ACCUSE_ADRESSE": Explanation(
        "L'adresse qui demande l'accusé n'est pas celle de l'expéditeur : aucun accusé automatique n'est envoyé.",
        "Vérifiez l'adresse ; envoyez l'accusé vous-même si elle est légitime.",
        "The address that asks for the receipt is not that of the sender: no automatic receipt is sent.",
        "Check the address; send the receipt yourself if it is legitimate.",
    ),
    "ACCUSE_BOUCLE": Explanation(
        "Ce message a été envoyé par un automate : aucune réponse n'y est jamais faite, pour éviter les boucles.",
        "Il n'y a rien à faire ; prévenez l'expéditeur par une autre voie si c'est utile.",
        "This message was sent by a machine: it is never answered, so that no loop can begin.",
        "Nothing to do; tell the sender in another way if that is useful.",
    ),
    "ACCUSE_DEJA_ENVOYE": Explanation(
        "Une réponse a déjà été envoyée pour ce message : il n'y en a qu'une.",
        "Il n'y a rien à faire ; écrivez à l'expéditeur s'il faut lui en dire plus.",
        "An answer was already sent for this message: there is only one.",
        "Nothing to do; write to the sender if there is more to say.",
    ),
    "REPONSE_VIDE": Explanation(
        "La réponse ne contient aucun texte.",
        "Écrivez un texte, puis envoyez de nouveau.",
        "The answer has no words.",
        "Write something, then send it again.",
    ),
    "REPONSE_DECLINEE": Explanation(
        "Vous avez choisi de ne pas envoyer cette réponse à l'expéditeur.",
        "Il n'y a rien à faire ; elle peut encore être envoyée depuis le message si vous changez d'avis.",
        "You chose not to send this answer to the sender.",
        "Nothing to do; it can still be sent from the message if you change your mind.",
    ),
    "KO_SANS_ADRESSE": Explanation(
        "Le logiciel n'a pas pu intégrer ce message, et personne d'autre n'en est averti.",
        "Intégrez le document à la main. Pour prévenir quelqu'un : failure_notice_to dans les réglages de la boîte.",
        "The software could not integrate this message, and nobody else is told.",
        "Integrate the document by hand. To have somebody told: failure_notice_to in the settings of the mailbox.",
    ),
    "KO_CODE_INCONNU": Explanation(
        "Le code d'échec d'intégration n'est pas un de ceux de la norme.",
        "Attendu : un code de 900 à 906 ; 906 quand aucun autre ne convient.",
        "The code of the integration failure is not one of the standard.",
        "Expected: a code from 900 to 906; 906 when no other fits.",
    ),
    "KO_900": Explanation(
        "Le document remplace ou annule une version qui n'est pas celle que détient le logiciel.",
        "Demandez à l'expéditeur la version manquante, ou intégrez le document à la main.",
        "The document replaces or withdraws a version that is not the one that the software holds.",
        "Ask the sender for the missing version, or integrate the document by hand.",
    ),
    "KO_901": Explanation(
        "L'auteur n'est pas autorisé à remplacer ou à annuler ce document.",
        "Vérifiez auprès de l'auteur du premier document avant toute modification.",
        "The author is not allowed to replace or withdraw this document.",
        "Check with the author of the first document before anything is changed.",
    ),
    "KO_902": Explanation(
        "Le patient du document est inconnu du logiciel.",
        "Créez ou retrouvez le dossier du patient, puis intégrez le document.",
        "The patient of the document is unknown to the software.",
        "Make or find the patient's record, then integrate the document.",
    ),
    "KO_903": Explanation(
        "Le document ne porte pas de matricule INS.",
        "Rattachez-le au patient à la main, après vérification de l'identité.",
        "The document has no matricule INS.",
        "Attach it to the patient by hand, after checking the identity.",
    ),
    "KO_904": Explanation(
        "Le matricule INS ou les traits d'identité diffèrent de ceux du logiciel.",
        "Ne rattachez rien avant d'avoir vérifié l'identité du patient.",
        "The matricule INS or the traits of identity differ from those of the software.",
        "Attach nothing before the patient's identity is checked.",
    ),
    "KO_905": Explanation(
        "Les traits d'identité qui accompagnent le matricule INS sont incomplets.",
        "Demandez à l'expéditeur un document dont l'identité est complète.",
        "The traits of identity that go with the matricule INS are incomplete.",
        "Ask the sender for a document with the complete identity.",
    ),
    "KO_906": Explanation(
        "Le logiciel n'a pas pu intégrer le document pour une autre raison.",
        "Lisez le détail donné par le logiciel, et intégrez le document à la main.",
        "The software could not integrate the document for another reason.",
        "Read the detail given by the software, and integrate the document by hand.",
    ),
}

"""Codes of what is noticed in a received message: none of them keeps it from the LPS by itself."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["RECEPTION_CODES"]

RECEPTION_CODES = {
    "XDM_ABSENT": Explanation(
        "Le message annonce une archive de documents et n'en contient pas.",
        "Lisez le message ; si le document manque, demandez un nouvel envoi à l'expéditeur.",
        "The message announces an archive of documents and holds none.",
        "Read the message; if the document is missing, ask the sender to send it again.",
    ),
    "PIECE_TNEF": Explanation(
        "Une pièce jointe est au format d'Outlook (winmail.dat) : elle est remise telle quelle.",
        "Demandez à l'expéditeur d'envoyer ses pièces jointes au format standard.",
        "An attachment is in Outlook's own format (winmail.dat): it is given as it is.",
        "Ask the sender to send attachments in the standard format.",
    ),
    "ARCHIVE_FERMEE": Explanation(
        "Une archive jointe n'a pas été ouverte, car elle pourrait être dangereuse.",
        "Ne l'ouvrez que si vous connaissez l'expéditeur et savez ce qu'elle contient.",
        "An attached archive was not opened, because it may be dangerous.",
        "Open it only if you know the sender and what it holds.",
    ),
    "PLUSIEURS_PATIENTS": Explanation(
        "Le message contient des documents de plusieurs patients.",
        "Classez chaque document dans le dossier du patient qu'il nomme.",
        "The message holds documents of several patients.",
        "File each document under the patient that it names.",
    ),
    "INS_RECU_CLE_FAUSSE": Explanation(
        "Le matricule INS du document reçu est faux : sa clé ne correspond pas.",
        "Comparez les traits du patient à l'écran avant de classer le document, et prévenez l'expéditeur.",
        "The matricule INS of the received document is wrong: its key does not fit.",
        "Compare the patient's traits on the screen before filing the document, and tell the sender.",
    ),
    "INS_RECU_DE_TEST": Explanation(
        "Le document reçu porte une identité de test.",
        "Ne le classez pas dans le dossier d'un patient ; prévenez l'expéditeur.",
        "The received document is about a test identity.",
        "Do not file it under a patient; tell the sender.",
    ),
    "INS_RECU_NON_QUALIFIE": Explanation(
        "Le document reçu porte un matricule INS sans tous les traits de l'identité.",
        "Comparez les traits du patient à l'écran avant de classer le document.",
        "The received document has a matricule INS without all traits of the identity.",
        "Compare the patient's traits on the screen before filing the document.",
    ),
    "RECUS_NON_PRIS": Explanation(
        "Des messages reçus n'ont pas été intégrés par votre logiciel.",
        "Ouvrez la réception de votre logiciel et intégrez-les ; lisez-les ici en attendant.",
        "Received messages have not been integrated by your software.",
        "Open the reception of your software and integrate them; read them here meanwhile.",
    ),
    "COMPTE_RENDU_INCONNU": Explanation(
        "Le compte rendu d'intégration ne correspond à aucun message remis.",
        "Prévenez l'éditeur de votre logiciel : le nom du fichier doit commencer comme ceux du message.",
        "The report of integration fits no message that was delivered.",
        "Tell the vendor of your software: the name of the file must begin like those of the message.",
    ),
    "COMPTE_RENDU_ILLISIBLE": Explanation(
        "Le compte rendu d'intégration ne peut pas être lu.",
        "Prévenez l'éditeur de votre logiciel : le fichier doit être un texte de moins de 16 Ko.",
        "The report of integration cannot be read.",
        "Tell the vendor of your software: the file must be a text of less than 16 kB.",
    ),
    "RECU_HORS_PROFIL": Explanation(
        "Une partie de ce message n'a pas de place dans la forme que votre logiciel lit.",
        "Ouvrez le message en entier dans le dossier AUTRES, à côté de ce que votre logiciel a reçu.",
        "Some of this message has no place in the form that your software reads.",
        "Open the whole message in the folder AUTRES, beside what your software got.",
    ),
    "HPRIM_NON_FABRIQUE": Explanation(
        "Un document reçu n'a pas pu être traduit en HPRIM.",
        "Lisez le document lui-même ; il est remis tel qu'il est arrivé.",
        "A received document could not be written as HPRIM.",
        "Read the document itself; it is given as it came.",
    ),
    "LISIBLE_IMPOSSIBLE": Explanation(
        "Un document reçu n'a pas pu être mis en page pour la lecture.",
        "Ouvrez le document lui-même, ou regardez-le dans la page du connecteur.",
        "A received document could not be laid out for reading.",
        "Open the document itself, or look at it on the page of the connector.",
    ),
    "RECU_REFUSE_PAR_LOGICIEL": Explanation(
        "Votre logiciel n'a pas intégré un document de ce message.",
        "Ouvrez le message dans le dossier AUTRES et classez le document vous-même ; l'expéditeur est prévenu.",
        "Your software did not integrate a document of this message.",
        "Open the message in the folder AUTRES and file the document yourself; the sender is told.",
    ),
}
"""Code to texts."""

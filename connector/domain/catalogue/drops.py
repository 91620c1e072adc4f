"""Codes of what the LPS gives: formats, recipients, patients, documents."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["DROP_CODES"]

DROP_CODES = {
    "MLLP_SANS_BOITE": Explanation(
        "Aucune boîte n'est prévue pour le système qui a envoyé ce message HL7.",
        "Ajoutez une route [[mllp.routes]] pour ce système dans les réglages.",
        "No mailbox is meant for the system that sent this HL7 message.",
        "Add a route [[mllp.routes]] for this system to the settings.",
    ),
    "MLLP_REPONSE_REFUSEE": Explanation(
        "Le logiciel émetteur a refusé une réponse HL7 (ZAM) du connecteur.",
        "L'envoi lui-même n'est pas touché. Donnez à l'éditeur le numéro du message et le journal.",
        "The sending software refused an HL7 answer (ZAM) of the connector.",
        "The sending itself is not affected. Give its vendor the number of the message and the connector's log.",
    ),
    "MLLP_INJOIGNABLE": Explanation(
        "Le logiciel qui doit recevoir les réponses HL7 ne répond pas.",
        "Vérifiez que ce logiciel est lancé et écoute ; le connecteur réessaie seul.",
        "The software that must receive HL7 answers does not answer.",
        "Check that this software runs and listens; the connector tries again by itself.",
    ),
    "REMPLACE_INCONNU": Explanation(
        "Ce qui doit être remplacé ou annulé n'a pas été trouvé parmi les envois de cette boîte.",
        "Indiquez la référence donnée lors du premier envoi ; après la durée de conservation, renvoyez le document "
        "complet depuis le logiciel.",
        "What is to be replaced or withdrawn was not found among what this mailbox sent.",
        "Give the reference of the first sending; after the retention time, send the whole document from the "
        "software.",
    ),
    "CORRESPONDANTS_INVALIDES": Explanation(
        "La table des correspondants n'est pas lisible ; l'ancienne reste en vigueur.",
        "Corrigez la ligne indiquée du fichier CSV (colonnes code et adresse).",
        "The table of correspondents cannot be read; the one before stays in force.",
        "Correct the line that is named in the CSV file (columns code and adresse).",
    ),
    "LOT_PARTIEL": Explanation(
        "Une partie du lot n'est pas partie.",
        "Le dossier ERREURS tient chaque partie concernée avec la raison : corrigez celles-là, puis déposez-les de "
        "nouveau. Le reste du lot est parti.",
        "A part of the batch did not leave.",
        "The folder ERREURS holds each part concerned with the reason: correct those, then drop them again. The rest "
        "of the batch has left.",
    ),
    "LOT_REFUSE": Explanation(
        "Rien de ce lot n'est parti.",
        "Le dossier ERREURS tient chaque partie avec la raison : corrigez, puis déposez de nouveau.",
        "Nothing of this batch left.",
        "The folder ERREURS holds each part with the reason: correct them, then drop them again.",
    ),
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
        "Cet objet est réservé : « [FIN] » termine un échange, « XDM/1.0/DDM » annonce des documents.",
        "Choisissez un autre objet.",
        "This subject is reserved: “[FIN]” ends an exchange, “XDM/1.0/DDM” announces documents.",
        "Choose another subject.",
    ),
    "ENTETE_INVALIDE": Explanation(
        "Une valeur du document ne peut pas figurer dans l'en-tête d'un message.",
        "Exportez de nouveau le document ; si l'erreur revient, prévenez l'éditeur de votre logiciel.",
        "A value of the document cannot stand in a message header.",
        "Export the document again; if the error comes back, tell your software's vendor.",
    ),
    "PDF_ABSENT": Explanation(
        "Un document n'a pas de copie PDF à joindre.",
        "Exportez de nouveau le document avec son PDF.",
        "A document has no PDF copy to attach.",
        "Export the document again with its PDF.",
    ),
    "PIECES_INCOHERENTES": Explanation(
        "L'archive et les documents du message ne vont pas ensemble.",
        "Exportez de nouveau les documents ; si l'erreur revient, prévenez l'éditeur de votre logiciel.",
        "The archive and the documents of the message do not fit together.",
        "Export the documents again; if the error comes back, tell your software's vendor.",
    ),
    "DOCUMENT_REPETE": Explanation(
        "Le même document figure deux fois dans le dépôt.",
        "Déposez chaque document une seule fois.",
        "The same document is twice in the drop.",
        "Drop each document once.",
    ),
    "TROP_DE_DOCUMENTS": Explanation(
        "Le dépôt contient trop de documents pour un seul message.",
        "Déposez les documents en plusieurs fois.",
        "The drop holds too many documents for one message.",
        "Drop the documents in several parts.",
    ),
    "SANS_DESTINATAIRE": Explanation(
        "Le message n'a pas de destinataire principal.",
        "Indiquez au moins un destinataire qui ne soit pas en copie.",
        "The message has no main recipient.",
        "Give at least one recipient that is not a copy.",
    ),
    "DESTINATAIRES_MELANGES": Explanation(
        "Un patient et un professionnel figurent dans le même message.",
        "Séparez les envois, ou laissez le connecteur les séparer (message.split_patients_and_professionals).",
        "A patient and a professional are in the same message.",
        "Separate them, or let the connector do it (message.split_patients_and_professionals).",
    ),
    "FIN_SANS_PATIENT": Explanation(
        "La fin d'échange est demandée, mais aucun destinataire n'est un patient.",
        "Retirez cette option, ou envoyez au patient.",
        "The end of the exchange is asked for, but no recipient is a patient.",
        "Take this option off, or send to the patient.",
    ),
    "OBJET_TROP_LONG": Explanation(
        "L'objet du message est trop long.",
        "Raccourcissez l'objet.",
        "The subject of the message is too long.",
        "Shorten the subject.",
    ),
    "MESSAGE_MALFORME": Explanation(
        "Le message préparé n'a pas la forme exigée par le protocole ; il n'a pas été envoyé.",
        "Transmettez le code et l'heure à votre éditeur.",
        "The prepared message has not the form that the protocol demands; it was not sent.",
        "Give the code and the time to your vendor.",
    ),
    "PATIENT_DIFFERENT": Explanation(
        "Le fichier d'accompagnement ne concerne pas le même patient que le document.",
        "Vérifiez le patient dans votre logiciel, puis déposez de nouveau l'ensemble.",
        "The sidecar is not about the same patient as the document.",
        "Check the patient in your software, then drop everything again.",
    ),
    "SIDECAR_CLE_INCONNUE": Explanation(
        "Le fichier d'accompagnement contient une rubrique inconnue, qui a été ignorée.",
        "Demandez à votre éditeur de vérifier le nom des rubriques.",
        "The sidecar has an unknown key, which was ignored.",
        "Ask your vendor to check the names of the keys.",
    ),
    "SIDECAR_CLE_IGNOREE": Explanation(
        "Une rubrique du fichier d'accompagnement est sans effet pour ce dépôt.",
        "Il n'y a rien à faire : le document ou le résultat indique lui-même ce qu'il corrige.",
        "A key of the sidecar has no effect on this drop.",
        "Nothing to do: the document or the result says itself what it corrects.",
    ),
    "PDF_SANS_DOCUMENT": Explanation(
        "Un PDF du dépôt n'est la copie d'aucun document déposé avec lui.",
        "Donnez au PDF le même nom qu'à son document CDA, puis déposez de nouveau l'ensemble.",
        "A PDF of the drop is not the copy of any document dropped with it.",
        "Give the PDF the same name as its CDA document, then drop everything again.",
    ),
    "PDF_NON_IDENTIQUE": Explanation(
        "Le PDF déposé diffère de celui que contient le document ; c'est ce dernier qui est joint.",
        "Vérifiez que les deux PDF disent la même chose, et prévenez l'éditeur de votre logiciel.",
        "The dropped PDF differs from the one inside the document; the latter is attached.",
        "Check that both PDF say the same, and tell your software's vendor.",
    ),
}
"""Code to texts."""

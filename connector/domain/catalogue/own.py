"""Codes of the connector itself: folders, settings, secrets, journal."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["OWN_CODES"]

OWN_CODES = {
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
        "Ne supprimez rien ; transmettez le code et l'heure à votre éditeur.",
        "A content of the journal is altered.",
        "Delete nothing; give the code and the time to your vendor.",
    ),
    "PAYLOAD_ABSENT": Explanation(
        "Le contenu demandé n'est plus conservé dans le journal.",
        "Le délai de conservation est passé ; le document reste dans votre logiciel.",
        "The content asked for is no longer kept in the journal.",
        "Its retention time is over; the document is still in your software.",
    ),
    "TRACE_ALTEREE": Explanation(
        "La chaîne des traces est rompue.",
        "Ne supprimez rien ; transmettez le code et l'heure à votre éditeur.",
        "The chain of the trace is broken.",
        "Delete nothing; give the code and the time to your vendor.",
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
    "IDENTIFIANT_AMBIGU": Explanation(
        "Plusieurs envois ont un identifiant qui se termine ainsi.",
        "Donnez davantage de caractères ; les identifiants possibles sont cités.",
        "Several submissions have an identifier that ends so.",
        "Give more characters; the possible identifiers are listed.",
    ),
    "TRANSITION": Explanation(
        "Cette action n'est pas possible dans l'état actuel du message.",
        "Consultez l'état : mss-connector queue show.",
        "This action is not possible in the current state of the message.",
        "Look at the state: mss-connector queue show.",
    ),
    "INTERNE": Explanation(
        "Une erreur interne s'est produite ; le document est conservé.",
        "Transmettez le code et l'heure à votre éditeur.",
        "An internal error occurred; the document is kept.",
        "Give the code and the time to your vendor.",
    ),
    "PORT_OCCUPE": Explanation(
        "Le port local du connecteur est déjà utilisé par un autre logiciel.",
        "Choisissez un autre port dans api.port, ou 0 pour un port libre.",
        "The connector's local port is already used by another program.",
        "Choose another port in api.port, or 0 for a free one.",
    ),
    "CERTIFICAT_EXPIRE": Explanation(
        "Le certificat de la boîte a expiré.",
        "Demandez un nouveau certificat et remplacez le fichier.",
        "The certificate of the mailbox has expired.",
        "Ask for a new certificate and replace the file.",
    ),
    "CERTIFICAT_FUTUR": Explanation(
        "Le certificat de la boîte n'est pas encore valable.",
        "Vérifiez la date et l'heure de cette machine.",
        "The certificate of the mailbox is not valid yet.",
        "Check date and time of this machine.",
    ),
    "CERTIFICAT_MOT_DE_PASSE": Explanation(
        "Le mot de passe du certificat est faux.",
        "Corrigez le mot de passe enregistré pour ce certificat.",
        "The password of the certificate is wrong.",
        "Correct the password that is stored for this certificate.",
    ),
    "CLE_FAUSSE": Explanation(
        "La clé enregistrée n'est pas celle du journal.",
        "Restaurez la clé du journal depuis votre sauvegarde ; rien n'a été effacé.",
        "The stored key is not that of the journal.",
        "Restore the key of the journal from your backup; nothing was deleted.",
    ),
    "CLE_INVALIDE": Explanation(
        "La clé du journal est endommagée.",
        "Restaurez la clé du journal depuis votre sauvegarde ; rien n'a été effacé.",
        "The key of the journal is damaged.",
        "Restore the key of the journal from your backup; nothing was deleted.",
    ),
    "SECRET_ABSENT": Explanation(
        "Un secret nommé dans les réglages n'existe pas.",
        "Enregistrez le mot de passe à l'endroit indiqué dans les réglages.",
        "A secret named in the settings does not exist.",
        "Store the password at the place that the settings name.",
    ),
    "LIBELLE_EXPEDITEUR_ABSENT": Explanation(
        "Le nom affiché de l'expéditeur est incomplet.",
        "Renseignez given et family, ou entity, pour cette boîte.",
        "The display name of the sender is incomplete.",
        "Set given and family, or entity, for this mailbox.",
    ),
    "JOURNAL_ALTERE": Explanation(
        "Le journal contient un état impossible.",
        "Ne supprimez rien ; transmettez le code et l'heure à votre éditeur.",
        "The journal holds an impossible state.",
        "Delete nothing; give the code and the time to your vendor.",
    ),
}
"""Code to texts."""

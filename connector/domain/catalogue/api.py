"""Codes of the local HTTP server: who may talk to it, how, and with what."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["API_CODES"]

_TO_EDITOR_FR = "Transmettez le code à l'éditeur du logiciel."
_TO_EDITOR_EN = "Give the code to the vendor of the software."

API_CODES = {
    "API_HOTE_REFUSE": Explanation(
        "Le connecteur ne répond qu'à cette machine.",
        "Utilisez l'adresse http://127.0.0.1 avec le port du connecteur.",
        "The connector answers this machine only.",
        "Use the address http://127.0.0.1 with the port of the connector.",
    ),
    "API_ORIGINE_REFUSEE": Explanation(
        "Une page web a tenté d'utiliser le connecteur.",
        "Si cette page est celle de votre logiciel, ajoutez son origine à api.allowed_origins.",
        "A web page tried to use the connector.",
        "If the page belongs to your software, add its origin to api.allowed_origins.",
    ),
    "API_TYPE_CONTENU": Explanation(
        "Ce type de contenu n'est pas accepté.",
        "Envoyez du JSON (application/json) ou du multipart/form-data.",
        "This type of content is not accepted.",
        "Send JSON (application/json) or multipart/form-data.",
    ),
    "API_CORPS_TROP_GROS": Explanation(
        "La requête est trop grosse.",
        "Réduisez les documents, ou augmentez api.max_body_bytes.",
        "The request is too large.",
        "Make the documents smaller, or raise api.max_body_bytes.",
    ),
    "API_ENTETES_TROP_GROS": Explanation(
        "Les en-têtes de la requête sont trop nombreux ou trop longs.",
        _TO_EDITOR_FR,
        "The request has too many headers, or too long ones.",
        _TO_EDITOR_EN,
    ),
    "API_ENTETE_AMBIGU": Explanation(
        "Un en-tête de la requête se contredit.",
        _TO_EDITOR_FR,
        "A header of the request contradicts itself.",
        _TO_EDITOR_EN,
    ),
    "API_TROP_LENT": Explanation(
        "La requête n'est pas arrivée en entier à temps.",
        "Recommencez ; si cela se répète, transmettez le code à l'éditeur du logiciel.",
        "The request did not arrive completely in time.",
        "Try again; if it happens repeatedly, give the code to the vendor of the software.",
    ),
    "API_TROP_DE_REQUETES": Explanation(
        "Trop de requêtes en peu de temps.",
        "Attendez la durée indiquée par l'en-tête Retry-After, puis recommencez.",
        "Too many requests in a short time.",
        "Wait as long as the Retry-After header says, then try again.",
    ),
    "API_PROTOCOLE": Explanation(
        "Ce protocole n'est pas servi ici.",
        "Utilisez HTTP ; les événements sont servis par /api/v1/events.",
        "This protocol is not served here.",
        "Use HTTP; events are served by /api/v1/events.",
    ),
    "ACCES_SANS_JETON": Explanation(
        "Le logiciel ne s'est pas fait connaître.",
        "Créez un accès avec : mss-connector client add, et donnez le jeton au logiciel.",
        "The software did not say who it is.",
        "Make an access with: mss-connector client add, and give the token to the software.",
    ),
    "ACCES_JETON_INVALIDE": Explanation(
        "Le jeton du logiciel n'est pas valable.",
        "Vérifiez le jeton, ou créez un nouvel accès : mss-connector client add.",
        "The token of the software is not valid.",
        "Check the token, or make a new access: mss-connector client add.",
    ),
    "ACCES_JETON_EXPIRE": Explanation(
        "L'accès du logiciel a expiré.",
        "Créez un nouvel accès : mss-connector client add.",
        "The access of the software has expired.",
        "Make a new access: mss-connector client add.",
    ),
    "ACCES_INSUFFISANT": Explanation(
        "Le logiciel n'a pas le droit de faire cela.",
        "Créez un accès avec ce droit : mss-connector client add --scope.",
        "The software may not do that.",
        "Make an access with this right: mss-connector client add --scope.",
    ),
    "API_REQUETE_INVALIDE": Explanation(
        "La requête n'est pas comprise.",
        "Corrigez les champs nommés dans « errors » ; la description est dans docs/rest.md.",
        "The request is not understood.",
        "Correct the fields named in “errors”; docs/rest.md describes them.",
    ),
    "API_ROUTE_INCONNUE": Explanation(
        "Cette adresse n'existe pas dans le connecteur.",
        "Vérifiez l'adresse ; la liste est dans docs/rest.md.",
        "This address does not exist in the connector.",
        "Check the address; docs/rest.md lists them.",
    ),
    "API_METHODE_REFUSEE": Explanation(
        "Cette adresse existe, mais pas pour cette opération.",
        "Utilisez une des méthodes nommées dans l'en-tête Allow.",
        "This address exists, but not for this operation.",
        "Use one of the methods named in the Allow header.",
    ),
    "API_OCCUPEE": Explanation(
        "Trop d'opérations longues sont déjà en cours.",
        "Attendez la fin de celles qui sont en cours, puis recommencez.",
        "Too many long operations are going on already.",
        "Wait until those have ended, then try again.",
    ),
    "API_DELAI": Explanation(
        "L'opération dure plus longtemps que prévu.",
        "Consultez l'état avant de recommencer ; un code de carte n'est jamais présenté deux fois.",
        "The operation takes longer than it should.",
        "Look at the state before you try again; a PIN is never given to a card twice.",
    ),
    "WEBHOOK_INJOIGNABLE": Explanation(
        "Un logiciel de ce poste n'a pas pu être prévenu de ce qui s'est passé.",
        "Lancez ce logiciel ; le connecteur réessaie et n'oublie rien.",
        "A program of this machine could not be told what happened.",
        "Start that program; the connector tries again and forgets nothing.",
    ),
    "WEBHOOK_REFUSE": Explanation(
        "Un logiciel de ce poste refuse d'être prévenu de ce qui s'est passé.",
        "Consultez son journal, ou retirez-le de api.webhooks ; le connecteur réessaie et n'oublie rien.",
        "A program of this machine refuses to be told what happened.",
        "Look at its log, or take it out of api.webhooks; the connector tries again and forgets nothing.",
    ),
    "APERCU_IMPOSSIBLE": Explanation(
        "Ce document ne peut pas être affiché.",
        "Enregistrez-le et ouvrez-le avec un logiciel prévu pour ce format, si vous connaissez l'expéditeur.",
        "This document cannot be shown.",
        "Save it and open it with software for this format, if you know the sender.",
    ),
    "BOITE_INCONNUE": Explanation(
        "Aucune boîte ne porte ce nom.",
        "Utilisez le nom du dossier de la boîte ou son adresse, comme dans les réglages.",
        "No mailbox has this name.",
        "Use the name of the mailbox's folder or its address, as in the settings.",
    ),
    "BOITE_AUTRE_IDENTITE": Explanation(
        "Cette boîte ne s'ouvre pas de cette façon.",
        "Vérifiez identity.auth dans les réglages de la boîte.",
        "This mailbox is not opened in this way.",
        "Check identity.auth in the settings of the mailbox.",
    ),
    "CLE_DEJA_UTILISEE": Explanation(
        "Cette clé d'idempotence a déjà servi pour une autre demande : rien n'a été pris en charge.",
        "Utilisez une nouvelle clé pour chaque nouvel envoi.",
        "This idempotency key was used for another request: nothing was taken.",
        "Use a new key for each new submission.",
    ),
    "BOITE_SANS_ENVOI": Explanation(
        "Cette boîte n'envoie pas.",
        "Choisissez une autre boîte, ou mettez send = true dans ses réglages.",
        "This mailbox does not send.",
        "Choose another mailbox, or set send = true in its settings.",
    ),
    "CLIENT_INCONNU": Explanation(
        "Aucun accès ne porte ce nom.",
        "Consultez la liste : mss-connector client list.",
        "No access has this name.",
        "Look at the list: mss-connector client list.",
    ),
    "CLIENT_EXISTE": Explanation(
        "Un accès en cours porte déjà ce nom.",
        "Choisissez un autre nom, ou révoquez l'accès : mss-connector client revoke.",
        "A valid access has this name already.",
        "Choose another name, or revoke it: mss-connector client revoke.",
    ),
    "SERVICE_ARRETE": Explanation(
        "Le service du connecteur n'est pas lancé.",
        "Lancez-le : mss-connector run.",
        "The service of the connector is not running.",
        "Start it: mss-connector run.",
    ),
    "SERVICE_INCONNU": Explanation(
        "Un autre programme répond à la place du connecteur : rien de secret ne lui a été envoyé.",
        "Relancez le connecteur ; s'il ne démarre pas, cherchez quel programme occupe son port.",
        "Another program answers in place of the connector: nothing secret was sent to it.",
        "Start the connector again; if it does not start, find out which program holds its port.",
    ),
    "ACCES_LOCAL_EXPOSE": Explanation(
        "Le fichier d'accès au service peut être lu ou écrit par d'autres utilisateurs.",
        "Retirez les droits des autres utilisateurs sur le dossier de données, puis relancez le connecteur.",
        "The file that gives access to the service can be read or written by other users.",
        "Take the rights of other users off the data folder, then start the connector again.",
    ),
}
"""Code to texts."""

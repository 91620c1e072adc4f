"""Codes of authorities, revocation, and what an operator's certificate is refused for."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["TRUST_CODES"]

TRUST_CODES: dict[str, Explanation] = {
    "SERVEUR_NON_FIABLE": Explanation(
        "Le certificat du serveur de messagerie n'est pas valable : rien ne lui a été transmis.",
        "Prévenez votre éditeur ou l'opérateur ; n'acceptez aucun autre certificat.",
        "The certificate of the mail server is not valid: nothing was given to it.",
        "Tell your vendor or the operator; accept no other certificate.",
    ),
    "SERVEUR_AUTORITE": Explanation(
        "Le certificat du serveur de messagerie ne vient pas de l'IGC-Santé : rien ne lui a été transmis.",
        "Vérifiez que le réseau n'intercepte pas les connexions (antivirus, proxy), et le réglage "
        "operators.<nom>.tls.igc (production ou test) ; sinon prévenez l'opérateur.",
        "The certificate of the mail server does not come from IGC-Santé: nothing was given to it.",
        "Check that nothing on the network intercepts connections (antivirus, proxy), and the setting "
        "operators.<name>.tls.igc (production or test); otherwise tell the operator.",
    ),
    "SERVEUR_NOM": Explanation(
        "Le certificat du serveur de messagerie est celui d'une autre adresse : rien ne lui a été transmis.",
        "Vérifiez smtp.host et imap.host dans les réglages ; sinon prévenez l'opérateur.",
        "The certificate of the mail server is that of another host: nothing was given to it.",
        "Check smtp.host and imap.host in the settings; otherwise tell the operator.",
    ),
    "SERVEUR_EXPIRE": Explanation(
        "Le certificat du serveur de messagerie a expiré : rien ne lui a été transmis.",
        "Vérifiez la date et l'heure de cette machine ; si elles sont justes, prévenez l'opérateur.",
        "The certificate of the mail server has expired: nothing was given to it.",
        "Check date and time of this machine; if they are right, tell the operator.",
    ),
    "SERVEUR_FUTUR": Explanation(
        "Le certificat du serveur de messagerie n'est pas encore valable : rien ne lui a été transmis.",
        "Vérifiez la date et l'heure de cette machine ; si elles sont justes, prévenez l'opérateur.",
        "The certificate of the mail server is not valid yet: nothing was given to it.",
        "Check date and time of this machine; if they are right, tell the operator.",
    ),
    "SERVEUR_REVOQUE": Explanation(
        "Le certificat du serveur de messagerie a été révoqué : rien ne lui a été transmis.",
        "Prévenez l'opérateur sans attendre ; n'essayez pas de contourner ce refus.",
        "The certificate of the mail server has been revoked: nothing was given to it.",
        "Tell the operator at once; do not try to get around this refusal.",
    ),
    "CRL_ABSENTE": Explanation(
        "La liste de révocation de l'IGC-Santé manque : rien n'a été transmis au serveur.",
        "Le connecteur la demande seul, une fois par heure au plus. Pour la demander maintenant : "
        "mss-connector trust update. Le port 80 vers igc-sante.esante.gouv.fr doit être ouvert.",
        "The revocation list of IGC-Santé is missing: nothing was given to the server.",
        "The connector asks for it by itself, once an hour at most. To ask for it now: mss-connector trust update. "
        "Port 80 to igc-sante.esante.gouv.fr must be open.",
    ),
    "CRL_PERIMEE": Explanation(
        "La liste de révocation de l'IGC-Santé est périmée : rien n'a été transmis au serveur.",
        "Lancez mss-connector trust update ; vérifiez l'accès à internet (port 80) et l'heure de cette machine.",
        "The revocation list of IGC-Santé is out of date: nothing was given to the server.",
        "Run mss-connector trust update; check the way to the internet (port 80) and the time of this machine.",
    ),
    "CRL_INVALIDE": Explanation(
        "La liste de révocation n'est pas authentique ou ne peut pas être lue : rien n'a été transmis au serveur.",
        "Lancez mss-connector trust update. Si cela se répète, un équipement du réseau (proxy) remplace la liste, "
        "ou l'heure de cette machine est fausse.",
        "The revocation list is not genuine or cannot be read: nothing was given to the server.",
        "Run mss-connector trust update. If it happens again, something on the network (a proxy) replaces the list, "
        "or the time of this machine is wrong.",
    ),
    "TLS_NON_CONFORME": Explanation(
        "Le serveur de messagerie ne propose pas le chiffrement exigé par MSSanté.",
        "Prévenez votre opérateur : TLS 1.2 et une des quatre suites du référentiel sont demandés.",
        "The mail server does not offer the encryption that MSSanté demands.",
        "Tell your operator: TLS 1.2 and one of the reference's four suites are asked for.",
    ),
    "TLS_INTERROMPU": Explanation(
        "Le serveur de messagerie a raccroché pendant la mise en place du chiffrement, sans dire pourquoi.",
        "Le connecteur réessaie seul. Si cela dure, l'opérateur n'offre peut-être pas TLS 1.2 avec une des suites du "
        "référentiel : prévenez-le.",
        "The mail server hung up while encryption was being set up, without saying why.",
        "The connector tries again by itself. If it lasts, the operator may not offer TLS 1.2 with one of the "
        "reference's suites: tell it.",
    ),
    "TRUST_VIDE": Explanation(
        "Aucune autorité de l'IGC-Santé n'est encore acceptée sur cette machine.",
        "Lancez une fois : mss-connector trust update.",
        "No authority of IGC-Santé is accepted on this machine yet.",
        "Run once: mss-connector trust update.",
    ),
    "TRUST_ILLISIBLE": Explanation(
        "Un fichier d'autorité ou de liste de révocation ne peut pas être lu.",
        "Remplacez le fichier indiqué (réglages operators.<nom>.tls.trust et tls.crl).",
        "A file with an authority or a revocation list cannot be read.",
        "Replace the file that is named (settings operators.<name>.tls.trust and tls.crl).",
    ),
    "AUTORITE_INCONNUE": Explanation(
        "Ce certificat n'est pas celui d'une autorité connue de l'IGC-Santé : il n'a pas été accepté.",
        "Comparez son empreinte avec celle que publie l'ANS. Pour une autorité de test, et seulement à dessein : "
        "mss-connector trust import FICHIER --accept EMPREINTE.",
        "This certificate is not one of a known authority of IGC-Santé: it was not accepted.",
        "Compare its fingerprint with the one that the ANS publishes. For a test authority, and only on purpose: "
        "mss-connector trust import FILE --accept FINGERPRINT.",
    ),
    "TELECHARGEMENT": Explanation(
        "Un fichier de l'IGC-Santé n'a pas pu être téléchargé.",
        "Vérifiez l'accès à internet (port 80). Le serveur de l'ANS refuse pendant des heures ceux qui demandent "
        "trop souvent : réessayez plus tard, ou importez le fichier : mss-connector trust import.",
        "A file of IGC-Santé could not be downloaded.",
        "Check the way to the internet (port 80). The server of the ANS refuses for some hours those who ask too "
        "often: try again later, or import the file: mss-connector trust import.",
    ),
}
"""Code to texts."""

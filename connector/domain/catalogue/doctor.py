"""Codes of the doctor's own findings; what other rooms raise keeps the code that it has there."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["DOCTOR_CODES"]


def _fine(title_fr: str, title_en: str) -> Explanation:
    """Something that is as it should be."""
    return Explanation(title_fr, "Il n'y a rien à faire.", title_en, "Nothing to do.")


_DOCTOR = {
    "CONTROLE_INTERROMPU": Explanation(
        "Un contrôle du diagnostic s'est interrompu.",
        "Les autres contrôles sont valables ; transmettez le code et le détail à votre éditeur.",
        "A check of the doctor broke off.",
        "The other checks hold; give the code and the detail to your vendor.",
    ),
    "CONTROLE_TROP_LONG": Explanation(
        "Un contrôle du diagnostic n'a pas abouti à temps.",
        "Un disque, un partage réseau ou un lecteur ne répond plus : vérifiez ce que nomme le contrôle, puis "
        "relancez le diagnostic.",
        "A check of the doctor did not end in time.",
        "A disk, a network share or a reader does not answer any more: see to what the check names, then run the "
        "doctor again.",
    ),
}

_MACHINE = {
    "PYTHON_OK": _fine("La version de Python convient.", "The version of Python fits."),
    "PYTHON_NON_ESSAYE": Explanation(
        "Cette version de Python est plus récente que celles qui ont été essayées.",
        "Si tout fonctionne il n'y a rien à faire ; sinon utilisez Python 3.11 à 3.14.",
        "This version of Python is newer than those that were tried.",
        "Nothing to do while everything works; otherwise use Python 3.11 to 3.14.",
    ),
    "PYTHON_ANCIEN": Explanation(
        "Cette version de Python est trop ancienne.",
        "Installez Python 3.11 ou plus récent, ou l'installeur du connecteur, qui apporte le sien.",
        "This version of Python is too old.",
        "Install Python 3.11 or newer, or the connector's installer, which brings its own.",
    ),
    "OPENSSL_OK": _fine("La version d'OpenSSL convient.", "The version of OpenSSL fits."),
    "OPENSSL_ANCIEN": Explanation(
        "Ce Python n'utilise pas OpenSSL 3 ou plus récent.",
        "Utilisez un Python lié à OpenSSL 3, ou l'installeur du connecteur.",
        "This Python does not use OpenSSL 3 or newer.",
        "Use a Python that is linked with OpenSSL 3, or the connector's installer.",
    ),
    "CLE_TLS_OK": _fine(
        "Ce Python peut se servir d'une clé qui reste sur la carte.",
        "This Python can use a key that stays on the card.",
    ),
    "FUSEAUX_OK": _fine("Les fuseaux horaires sont connus.", "The time zones are known."),
    "FUSEAUX_ABSENTS": Explanation(
        "Les données des fuseaux horaires manquent : le connecteur ne peut pas démarrer.",
        "Installez le paquet tzdata (système ou Python).",
        "The time zone data is missing: the connector cannot start.",
        "Install the package tzdata (of the system or of Python).",
    ),
    "DISQUE_OK": _fine("Il y a assez de place sur le disque.", "There is enough room on the disk."),
    "DISQUE_BIENTOT_PLEIN": Explanation(
        "Il reste peu de place sur le disque.",
        "Libérez de la place avant que le disque soit plein : il resterait des documents non envoyés.",
        "There is little room left on the disk.",
        "Free some space before the disk is full: documents would be left unsent.",
    ),
    "HORLOGE_OK": _fine("Cette machine est à l'heure.", "The clock of this machine is right."),
    "HORLOGE_SUIT": _fine(
        "L'heure de cette machine suit celle du journal.", "The clock of this machine follows that of the journal."
    ),
    "HORLOGE_DECALEE": Explanation(
        "L'heure de cette machine est décalée.",
        "Activez la mise à l'heure automatique du système.",
        "The clock of this machine is off.",
        "Switch on the automatic time of the system.",
    ),
    "HORLOGE_FAUSSE": Explanation(
        "L'heure de cette machine est fausse : certificats et listes de révocation seront refusés à tort.",
        "Mettez la machine à l'heure et activez la mise à l'heure automatique du système.",
        "The clock of this machine is wrong: certificates and revocation lists will be refused without reason.",
        "Set the clock, and switch on the automatic time of the system.",
    ),
    "HORLOGE_RECULEE": Explanation(
        "L'heure de cette machine est antérieure à la dernière trace du journal.",
        "Mettez la machine à l'heure ; si elle l'est, elle était fausse auparavant : prévenez votre éditeur.",
        "The clock of this machine is behind the newest entry of the journal.",
        "Set the clock; if it is right, it was wrong before: tell your vendor.",
    ),
    "HORLOGE_NON_VERIFIEE": Explanation(
        "L'heure de cette machine n'a pas pu être comparée.",
        "Vérifiez vous-même la date et l'heure ; personne n'a répondu (ports 80 et 123).",
        "The clock of this machine could not be compared.",
        "Look at date and time yourself; nobody answered (ports 80 and 123).",
    ),
}

_CONNECTOR = {
    "REGLAGES_OK": _fine("Les réglages sont valables.", "The settings are valid."),
    "DONNEES_OK": _fine("Le dossier de données est en ordre.", "The data folder is in order."),
    "DONNEES_NOUVELLES": Explanation(
        "Le dossier de données n'existe pas encore.",
        "Il sera créé au premier lancement : mss-connector run.",
        "There is no data folder yet.",
        "It is made at the first start: mss-connector run.",
    ),
    "DONNEES_OUVERTES": Explanation(
        "D'autres utilisateurs de cette machine peuvent entrer dans le dossier de données.",
        "Retirez-leur ces droits (chmod 700) ; le connecteur le fait aussi à chaque lancement.",
        "Other users of this machine can enter the data folder.",
        "Take these rights off them (chmod 700); the connector does so at each start too.",
    ),
    "DONNEES_REFUSEES": Explanation(
        "Le dossier de données ne peut pas être lu et écrit.",
        "Lancez le diagnostic avec le compte qui lance le connecteur, et rendez-lui les droits sur ce dossier.",
        "The data folder cannot be read and written.",
        "Run the doctor as the user who runs the connector, and give that user the rights on the folder.",
    ),
    "DONNEES_SUR_PARTAGE": Explanation(
        "Le dossier de données est sur un partage réseau : le journal peut y être endommagé.",
        "Réglez software.data_dir sur un disque de cette machine, et déplacez-y le dossier, connecteur arrêté.",
        "The data folder is on a network share: the journal may be damaged there.",
        "Set software.data_dir to a disk of this machine, and move the folder there while the connector is stopped.",
    ),
    "DONNEES_SYNCHRONISEES": Explanation(
        "Le dossier de données est dans un dossier synchronisé : le journal peut y être endommagé.",
        "Réglez software.data_dir ailleurs, et déplacez-y le dossier, connecteur arrêté.",
        "The data folder is inside a synchronised folder: the journal may be damaged there.",
        "Set software.data_dir elsewhere, and move the folder there while the connector is stopped.",
    ),
    "SECRET_OK": _fine("Le mot de passe enregistré est accessible.", "The stored password can be had."),
    "SERVICE_OK": _fine("Le service du connecteur est en marche.", "The service of the connector is running."),
    "SERVICE_MUET": Explanation(
        "Le service du connecteur est lancé mais ne répond pas.",
        "Attendez une minute et relancez le diagnostic ; s'il ne répond toujours pas, relancez le service.",
        "The service of the connector is running but does not answer.",
        "Wait a minute and run the doctor again; if it still does not answer, restart the service.",
    ),
    "PORT_OK": _fine("Le port local est libre.", "The local port is free."),
    "JOURNAL_OK": _fine("Le fichier du journal est intact.", "The file of the journal is whole."),
    "JOURNAL_NOUVEAU": Explanation(
        "Il n'y a pas encore de journal.",
        "Il sera créé au premier lancement : mss-connector run.",
        "There is no journal yet.",
        "It is made at the first start: mss-connector run.",
    ),
    "JOURNAL_A_CONVERTIR": Explanation(
        "Le journal a été écrit par une version plus ancienne du connecteur.",
        "Il sera mis à jour au prochain lancement ; faites-en une copie auparavant.",
        "The journal was written by an older version of the connector.",
        "It is brought up to date at the next start; make a copy of it before.",
    ),
    "JOURNAL_ENDOMMAGE": Explanation(
        "Le fichier du journal est endommagé.",
        "Arrêtez le connecteur, ne supprimez rien, faites une copie du dossier de données, puis prévenez votre "
        "éditeur.",
        "The file of the journal is damaged.",
        "Stop the connector, delete nothing, make a copy of the data folder, then tell your vendor.",
    ),
    "JOURNAL_INCOHERENT": Explanation(
        "Le journal contient des lignes qui se contredisent.",
        "Ne supprimez rien ; transmettez le code et le détail à votre éditeur.",
        "The journal holds rows that contradict each other.",
        "Delete nothing; give the code and the detail to your vendor.",
    ),
    "TRACE_OK": _fine("La chaîne des traces est intacte.", "The chain of the trace is unbroken."),
}

_FOLDERS = {
    "DOSSIERS_OK": _fine("Les dossiers d'échange sont en ordre.", "The exchange folders are in order."),
    "DOSSIERS_NOUVEAUX": Explanation(
        "Les dossiers d'échange de la boîte n'existent pas encore.",
        "Ils seront créés au premier lancement : mss-connector run.",
        "The exchange folders of the mailbox do not exist yet.",
        "They are made at the first start: mss-connector run.",
    ),
    "DOSSIER_REFUSE": Explanation(
        "Le connecteur ne peut pas travailler dans un dossier d'échange.",
        "Rendez au compte qui lance le connecteur les droits de lecture et d'écriture sur ce dossier.",
        "The connector cannot work in an exchange folder.",
        "Give the user who runs the connector the rights to read and write this folder.",
    ),
    "DOSSIER_OUVERT": Explanation(
        "Tous les utilisateurs de cette machine peuvent entrer dans les dossiers d'échange.",
        "Ils contiennent des documents de santé : ne laissez les droits qu'aux comptes du logiciel et du connecteur.",
        "Every user of this machine can enter the exchange folders.",
        "They hold health documents: leave the rights to the users of the software and of the connector only.",
    ),
    "DOSSIER_SYNCHRONISE": Explanation(
        "Un dossier d'échange est synchronisé vers un service en ligne ou d'autres machines.",
        "Déplacez spool.root hors du dossier synchronisé : des documents de santé quittent la machine, et des "
        "fichiers supprimés peuvent revenir.",
        "An exchange folder is synchronised with an online service or other machines.",
        "Move spool.root out of the synchronised folder: health documents leave the machine, and deleted files may "
        "come back.",
    ),
    "DOSSIER_SUR_PARTAGE": Explanation(
        "Un dossier d'échange est sur un partage réseau.",
        "Cela fonctionne, plus lentement. Si c'est voulu, réglez spool.share = true ; sinon prenez un disque local.",
        "An exchange folder is on a network share.",
        "That works, more slowly. If it is meant so, set spool.share = true; otherwise take a local disk.",
    ),
    "PARTAGE_NON_DECLARE": Explanation(
        "Un dossier d'échange est sur un partage réseau, et les réglages disent le contraire.",
        'Réglez spool.share = true ou "auto" : des fichiers seraient pris avant d\'être complets.',
        "An exchange folder is on a network share, and the settings say that it is not.",
        'Set spool.share = true or "auto": files would be taken before they are complete.',
    ),
}

_CARD = {
    "LECTEUR_OK": _fine("Le lecteur de carte est vu.", "The card reader is seen."),
    "MIDDLEWARE_OK": _fine("La bibliothèque de la carte est en place.", "The library of the card is there."),
    "CARTE_OUVERTE": _fine("La carte est ouverte.", "The card is open."),
    "CARTE_SANS_PIN": _fine(
        "La carte est en place ; son code n'est pas demandé pour le moment.",
        "The card is there; its PIN is not asked for at the moment.",
    ),
    "CARTE_ATTEND_PIN": Explanation(
        "La carte attend son code : les envois attendent avec elle.",
        "Saisissez le code : mss-connector card unlock.",
        "The card waits for its PIN, and what is to be sent waits with it.",
        "Type the PIN: mss-connector card unlock.",
    ),
    "CARTE_NON_EXAMINEE": Explanation(
        "La carte n'a pas pu être examinée.",
        "Consultez mss-connector card status ; le diagnostic ne touche pas à une carte dont un autre programme se "
        "sert.",
        "The card could not be looked at.",
        "Look at mss-connector card status; the doctor does not touch a card that another program uses.",
    ),
    "PIN_ESSAI_PERDU": Explanation(
        "Un code faux a été saisi depuis le dernier code juste.",
        "Saisissez le code avec soin : après trois erreurs la carte est bloquée.",
        "A wrong PIN was typed since the last right one.",
        "Type the PIN with care: after three errors the card is blocked.",
    ),
}

_IDENTITIES = {
    "CERTIFICAT_OK": _fine("Le certificat est en cours de validité.", "The certificate is in date."),
    "CERTIFICAT_A_RENOUVELER": Explanation(
        "Le certificat expire dans moins de 90 jours.",
        "Prévoyez son renouvellement : carte CPS et certificat logiciel sont délivrés par l'ANS.",
        "The certificate expires in less than 90 days.",
        "Plan its renewal: CPS cards and software certificates are issued by the ANS.",
    ),
    "CERTIFICAT_BIENTOT_EXPIRE": Explanation(
        "Le certificat expire dans moins de 30 jours.",
        "Demandez maintenant son renouvellement à l'ANS, ou suivez la demande en cours.",
        "The certificate expires in less than 30 days.",
        "Ask the ANS for its renewal now, or follow the request that was made.",
    ),
    "CERTIFICAT_DERNIERS_JOURS": Explanation(
        "Le certificat expire dans moins de 7 jours : plus rien ne partira ensuite.",
        "Mettez en place le nouveau certificat ou la nouvelle carte sans attendre.",
        "The certificate expires in less than 7 days: nothing will leave after that.",
        "Put the new certificate or the new card in place at once.",
    ),
    "CERTIFICAT_SANS_CHAINE": Explanation(
        "Le fichier du certificat ne contient pas celui de son autorité.",
        "Ajoutez le certificat de l'autorité intermédiaire à la fin du fichier : des serveurs refusent sans lui.",
        "The file of the certificate does not hold that of its authority.",
        "Add the certificate of the intermediate authority to the end of the file: some servers refuse without it.",
    ),
    "CERTIFICAT_USAGE": Explanation(
        "Ce certificat n'est pas fait pour s'authentifier auprès d'un serveur.",
        "Utilisez un certificat d'authentification (SSL client), pas un certificat de serveur ou de signature.",
        "This certificate is not made to authenticate to a server.",
        "Use a certificate for authentication (SSL client), not one of a server or for signatures.",
    ),
}

_TRUST = {
    "AUTORITES_OK": _fine("Les autorités de confiance sont connues.", "The trusted authorities are known."),
    "AUTORITES_INCOMPLETES": Explanation(
        "Des autorités de l'IGC-Santé ne sont pas encore acceptées sur cette machine.",
        "Lancez : mss-connector trust update.",
        "Some authorities of IGC-Santé are not accepted on this machine yet.",
        "Run: mss-connector trust update.",
    ),
    "AUTORITE_HORS_IGC": Explanation(
        "Une autorité qui n'est pas de l'IGC-Santé est acceptée pour un opérateur.",
        "Hors d'un banc d'essai, retirez-la de operators.<nom>.tls.trust.",
        "An authority that is not of IGC-Santé is accepted for an operator.",
        "Unless this is a test bench, take it out of operators.<name>.tls.trust.",
    ),
    "AUTORITE_BIENTOT_EXPIREE": Explanation(
        "Une autorité de confiance arrive à son terme.",
        "Installez la version la plus récente du connecteur, puis : mss-connector trust update.",
        "A trusted authority comes to its end.",
        "Install the newest version of the connector, then: mss-connector trust update.",
    ),
    "AUTORITE_EXPIREE": Explanation(
        "Une autorité de confiance a expiré.",
        "Installez la version la plus récente du connecteur, puis : mss-connector trust update.",
        "A trusted authority has expired.",
        "Install the newest version of the connector, then: mss-connector trust update.",
    ),
    "CRL_OK": _fine("La liste de révocation est à jour.", "The revocation list is up to date."),
    "CRL_EN_SURSIS": Explanation(
        "La liste de révocation est périmée et ne sert plus que par la tolérance réglée.",
        "Lancez mss-connector trust update ; le port 80 vers igc-sante.esante.gouv.fr doit être ouvert.",
        "The revocation list is out of date and serves only by the grace that the settings give.",
        "Run mss-connector trust update; port 80 to igc-sante.esante.gouv.fr must be open.",
    ),
    "REVOCATION_IGNOREE": Explanation(
        "La révocation des certificats n'est pas vérifiée pour cet opérateur.",
        "Hors d'un banc d'essai, réglez tls.revocation = \"required\".",
        "Revocation of certificates is not checked for this operator.",
        'Unless this is a test bench, set tls.revocation = "required".',
    ),
}

_OPERATORS = {
    "DNS_ECHEC": Explanation(
        "Le nom du serveur de messagerie est introuvable.",
        "Vérifiez l'accès à internet et le DNS de la machine, puis smtp.host et imap.host dans les réglages.",
        "The name of the mail server cannot be found.",
        "Check the way to the internet and the DNS of the machine, then smtp.host and imap.host in the settings.",
    ),
    "SERVEUR_JOIGNABLE": _fine("Le serveur de messagerie est joignable.", "The mail server can be reached."),
    "SERVEUR_REFUSE": Explanation(
        "Le serveur de messagerie refuse la connexion sur ce port.",
        "Vérifiez le port dans les réglages ; s'il est juste, l'opérateur est en panne : réessayez plus tard.",
        "The mail server refuses the connection on this port.",
        "Check the port in the settings; if it is right, the operator is down: try again later.",
    ),
    "SERVEUR_MUET": Explanation(
        "Le serveur de messagerie ne répond pas sur ce port.",
        "Un pare-feu (box, antivirus, réseau de l'établissement) bloque sans doute ce port : faites-le ouvrir.",
        "The mail server does not answer on this port.",
        "A firewall (router, antivirus, network of the institution) probably blocks this port: have it opened.",
    ),
    "TLS_OK": _fine(
        "La connexion chiffrée est conforme et le serveur est de confiance.",
        "The encrypted connection is as demanded and the server is trusted.",
    ),
    "TLS_SANS_IDENTITE": Explanation(
        "Le serveur attend notre certificat avant de terminer la connexion chiffrée.",
        "Ouvrez la carte (mss-connector card unlock) ou corrigez le certificat de la boîte, puis relancez le "
        "diagnostic.",
        "The server waits for our certificate before it completes the encrypted connection.",
        "Open the card (mss-connector card unlock) or correct the certificate of the mailbox, then run the doctor "
        "again.",
    ),
    "SERVEUR_BIENTOT_EXPIRE": Explanation(
        "Le certificat du serveur de messagerie expire bientôt.",
        "L'opérateur doit le renouveler ; prévenez-le si cela dure.",
        "The certificate of the mail server expires soon.",
        "The operator has to renew it; tell them if it goes on.",
    ),
    "CONNEXION_OK": _fine("L'opérateur accepte l'identité de la boîte.", "The operator accepts the mailbox."),
    "CONNEXION_NON_ESSAYEE": Explanation(
        "La connexion de la boîte n'a pas été essayée.",
        "Levez l'empêchement indiqué, puis relancez le diagnostic ; rien n'est essayé qui puisse bloquer une carte "
        "ou un compte.",
        "The login of the mailbox was not tried.",
        "Remove the hindrance that is named, then run the doctor again; nothing is tried that could block a card or "
        "an account.",
    ),
}

DOCTOR_CODES: dict[str, Explanation] = (
    _DOCTOR | _MACHINE | _CONNECTOR | _FOLDERS | _CARD | _IDENTITIES | _TRUST | _OPERATORS
)
"""Code to texts."""

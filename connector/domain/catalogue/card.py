"""Codes of the smart card and its reader."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["CARD_CODES"]

CARD_CODES: dict[str, Explanation] = {
    "CARTE_TLS12": Explanation(
        "Cette carte ne sait pas faire TLS 1.3, que les réglages de l'opérateur exigent.",
        'Mettez tls.minimum = "1.2" pour cet opérateur, ou utilisez une carte plus récente (CPS4).',
        "This card cannot do TLS 1.3, which the operator's settings demand.",
        'Set tls.minimum = "1.2" for this operator, or use a newer card (CPS4).',
    ),
    "CARTE_SANS_PSS": Explanation(
        "L'opérateur exige TLS 1.3 ou des signatures PSS, et cette carte ne sait faire ni l'un ni l'autre.",
        "Demandez une carte plus récente (CPS4), ou à l'opérateur d'accepter TLS 1.2 avec RSA PKCS#1.",
        "The operator wants TLS 1.3 or PSS signatures, and this card can do neither.",
        "Ask for a newer card (CPS4), or ask the operator to accept TLS 1.2 with RSA PKCS#1.",
    ),
    "SIGNATURE_IMPOSSIBLE": Explanation(
        "La clé privée n'a pas donné de signature valable.",
        "Retirez puis remettez la carte ; si cela recommence, transmettez le journal à votre éditeur.",
        "The private key gave no valid signature.",
        "Take the card out and put it back; if it happens again, give the log to your vendor.",
    ),
    "TLS_CLE_IMPOSSIBLE": Explanation(
        "Ce Python ne peut pas utiliser une carte ni un magasin de clés.",
        "Installez le connecteur avec le Python de python.org (Windows, macOS) ou celui de la distribution (Linux).",
        "This Python cannot use a card or a key store.",
        "Install the connector with the Python of python.org (Windows, macOS) or of the distribution (Linux).",
    ),
    "MAGASIN_ABSENT": Explanation(
        "Ce système n'a pas de magasin de certificats utilisable.",
        "key_store ne sert que sous Windows et macOS ; ailleurs, utilisez card = {} ou un fichier de certificat.",
        "This system has no key store that can be used.",
        "key_store is for Windows and macOS; elsewhere use card = {} or a certificate file.",
    ),
    "MAGASIN_SANS_CERTIFICAT": Explanation(
        "Le magasin de clés du système ne contient pas de certificat d'authentification qui convient.",
        "Insérez la carte ; si elle y est, vérifiez identity.key_store (subject, issuer, sha256).",
        "The key store of the system holds no authentication certificate that fits.",
        "Insert the card; if it is there, check identity.key_store (subject, issuer, sha256).",
    ),
    "MAGASIN_CERTIFICATS": Explanation(
        "Plusieurs certificats du magasin de clés conviennent : le connecteur ne choisit pas au hasard.",
        "Précisez identity.key_store : issuer, subject, ou l'empreinte sha256 du bon certificat.",
        "Several certificates of the key store fit: the connector does not guess.",
        "Say more in identity.key_store: issuer, subject, or the sha256 fingerprint of the right one.",
    ),
    "MAGASIN_ANNULE": Explanation(
        "Le système a demandé le code de la carte et ne l'a pas obtenu.",
        "Le système le redemandera dans un quart d'heure ; redémarrez le connecteur pour ne pas attendre.",
        "The system asked for the PIN of the card and did not get it.",
        "The system will ask again in a quarter of an hour; restart the connector so as not to wait.",
    ),
    "MAGASIN_REFUS": Explanation(
        "Le magasin de clés du système ne répond pas ou refuse de signer.",
        "Retirez puis remettez la carte ; si cela continue, transmettez le journal à votre éditeur.",
        "The key store of the system does not answer or refuses to sign.",
        "Take the card out and put it back; if it goes on, give the log to your vendor.",
    ),
    "MODULE_ABSENT": Explanation(
        "Le composant de lecture des cartes CPS (Cryptolib CPS) n'est pas installé.",
        "Installez la Cryptolib CPS de l'ANS (esante.gouv.fr) ; elle est reconnue sans redémarrage.",
        "The component that reads CPS cards (Cryptolib CPS) is not installed.",
        "Install Cryptolib CPS from the ANS (esante.gouv.fr); it is found without a restart.",
    ),
    "MODULE_ARCHITECTURE": Explanation(
        "Le composant de lecture des cartes n'est pas fait pour ce programme (32 ou 64 bits, processeur).",
        "Installez la Cryptolib CPS 64 bits (ou, sur Mac, celle de votre processeur), ou corrigez card.module.",
        "The component that reads cards is not made for this program (32 or 64 bits, processor).",
        "Install the 64-bit Cryptolib CPS (on a Mac, that of your processor), or correct card.module.",
    ),
    "MODULE_ILLISIBLE": Explanation(
        "Le composant de lecture des cartes est là, mais le système ne peut pas le charger.",
        "Réinstallez la Cryptolib CPS ; si card.module est réglé, ce fichier doit être une bibliothèque PKCS#11.",
        "The component that reads cards is there, but the system cannot load it.",
        "Install Cryptolib CPS again; if card.module is set, check that this file is a PKCS#11 library.",
    ),
    "MODULE_REFUSE": Explanation(
        "Le composant de lecture des cartes ne démarre pas.",
        "Fermez les autres logiciels qui utilisent la carte, puis redémarrez l'ordinateur ; sinon, réinstallez-le.",
        "The component that reads cards does not start.",
        "Close other software that uses the card, then restart the computer, or else install it again.",
    ),
    "LECTEUR_ABSENT": Explanation(
        "Aucun lecteur de carte n'est branché.",
        "Branchez le lecteur ; s'il l'est, changez de prise USB ou installez son pilote.",
        "No card reader is connected.",
        "Connect the reader; if it is, use another USB port or install its driver.",
    ),
    "SERVICE_CARTES_ARRETE": Explanation(
        "Le service de cartes à puce du système ne fonctionne pas.",
        "Démarrez-le (Linux : systemctl start pcscd ; Windows : « Carte à puce ») ou redémarrez l'ordinateur.",
        "The smart card service of the system does not run.",
        'Start it (Linux: systemctl start pcscd; Windows: service "Smart Card"), or restart the computer.',
    ),
    "SERVICE_CARTES_ABSENT": Explanation(
        "Le service de cartes à puce n'est pas installé sur ce système.",
        "Installez-le (Debian, Ubuntu : apt install pcscd libccid).",
        "The smart card service is not installed on this system.",
        "Install it (Debian, Ubuntu: apt install pcscd libccid).",
    ),
    "SERVICE_CARTES_INTERDIT": Explanation(
        "Ce compte n'a pas le droit d'utiliser le lecteur de carte.",
        "Lancez le connecteur dans la session du praticien, ou autorisez son compte (règle polkit de pcscd).",
        "This account may not use the card reader.",
        "Run the connector in the practitioner's session, or allow its account (polkit rule of pcscd).",
    ),
    "CARTE_INCONNUE": Explanation(
        "La carte dans le lecteur n'est pas reconnue.",
        "Insérez votre carte CPS (et non une carte Vitale ou bancaire), puce en avant.",
        "The card in the reader is not recognised.",
        "Insert your CPS card (not a Vitale or bank card), chip first.",
    ),
    "CARTE_MUETTE": Explanation(
        "La carte dans le lecteur ne répond pas.",
        "Retirez-la et remettez-la dans l'autre sens, puce en avant ; essuyez la puce.",
        "The card in the reader does not answer.",
        "Take it out and put it in the other way round, chip first; wipe the chip.",
    ),
    "CARTE_SANS_CERTIFICAT": Explanation(
        "La carte ne contient pas de certificat d'authentification utilisable.",
        "Insérez une carte CPS ; si c'en est une, vérifiez card.issuers, ou contactez l'ANS.",
        "The card holds no authentication certificate that can be used.",
        "Insert a CPS card; if it is one, check card.issuers, or contact the ANS.",
    ),
    "CARTE_CERTIFICATS": Explanation(
        "La carte contient plusieurs certificats d'authentification : le connecteur ne choisit pas au hasard.",
        "Indiquez l'émetteur du bon certificat dans card.issuers.",
        "The card holds several authentication certificates: the connector does not guess.",
        "Name the issuer of the right one in card.issuers.",
    ),
    "CARTE_EXPIREE": Explanation(
        "Le certificat de la carte est expiré.",
        "Utilisez la nouvelle carte ; si vous ne l'avez pas reçue, contactez l'ANS.",
        "The certificate of the card has expired.",
        "Use the new card; if you have not received it, contact the ANS.",
    ),
    "CARTES_MULTIPLES": Explanation(
        "Plusieurs cartes conviennent.",
        "Retirez les autres, ou indiquez le numéro de série de la bonne.",
        "Several cards fit.",
        "Take the others out, or name the serial number of the right one.",
    ),
    "CARTE_AUTRE_PORTEUR": Explanation(
        "La carte dans le lecteur n'est pas celle du titulaire de cette boîte.",
        "Insérez la carte du titulaire, ou changez card.holder dans les réglages de la boîte.",
        "The card in the reader is not that of the holder of this mailbox.",
        "Insert the holder's card, or change card.holder in the settings of the mailbox.",
    ),
    "CARTE_BLOQUEE": Explanation(
        "La carte est bloquée : trop de codes faux ont été saisis.",
        "Débloquez-la avec son code de déblocage (PUK) dans l'outil de gestion de carte, ou contactez l'ANS.",
        "The card is blocked: too many wrong PINs were typed.",
        "Unblock it with its unblocking code (PUK) in the card management tool, or contact the ANS.",
    ),
    "CARTE_DEFAILLANTE": Explanation(
        "La carte ou son lecteur ne répond plus.",
        "Retirez la carte, débranchez et rebranchez le lecteur, puis remettez la carte.",
        "The card or its reader does not answer any more.",
        "Take the card out, disconnect and reconnect the reader, then put the card back.",
    ),
    "CARTE_SANS_CLE": Explanation(
        "La carte ne contient pas la clé de son certificat d'authentification.",
        "Contactez l'ANS : la carte doit être remplacée.",
        "The card does not hold the key of its authentication certificate.",
        "Contact the ANS: the card must be replaced.",
    ),
    "CLE_PIN_A_CHAQUE_FOIS": Explanation(
        "Cette carte demande son code à chaque signature, ce que le connecteur ne fait pas : il devrait le garder.",
        "Utilisez une carte CPS.",
        "This card wants its PIN for each signature; the connector does not do that: it would have to keep it.",
        "Use a CPS card.",
    ),
    "PIN_FAUX": Explanation(
        "Le code de la carte est faux. Il ne sera pas réessayé.",
        "Saisissez-le de nouveau avec soin : après trois codes faux, la carte est bloquée.",
        "The PIN of the card is wrong. It will not be tried again.",
        "Type it again with care: three wrong PINs block the card.",
    ),
    "PIN_FORMAT": Explanation(
        "Le code d'une carte CPS a quatre chiffres. Rien n'a été envoyé à la carte.",
        "Saisissez les quatre chiffres.",
        "The PIN of a CPS card has four digits. Nothing was sent to the card.",
        "Type the four digits.",
    ),
    "PIN_DERNIER_ESSAI": Explanation(
        "Il ne reste qu'un essai : un code faux bloquerait la carte. Rien n'a été essayé.",
        "Si vous êtes sûr du code, confirmez le dernier essai (mss-connector card unlock --accept-last-try).",
        "One try is left: a wrong PIN would block the card. Nothing was tried.",
        "If you are sure of the PIN, confirm the last try (mss-connector card unlock --accept-last-try).",
    ),
    "PIN_AU_LECTEUR": Explanation(
        "Ce lecteur a son propre clavier : le code se saisit là. Rien n'a été envoyé à la carte.",
        "Lancez la saisie (mss-connector card unlock), puis tapez le code sur le lecteur.",
        "This reader has a pad of its own: the PIN is typed there. Nothing was sent to the card.",
        "Start the entry (mss-connector card unlock), then type the PIN on the reader.",
    ),
    "PIN_ABANDONNE": Explanation(
        "Le code n'a pas été saisi au lecteur.",
        "Recommencez et tapez le code sur le lecteur dans le temps imparti.",
        "The PIN was not typed at the reader.",
        "Start again and type the PIN on the reader in time.",
    ),
    "PIN_NON_INITIALISE": Explanation(
        "La carte n'accepte pas encore, ou plus, de code.",
        "Activez-la dans l'outil de gestion de carte, ou contactez l'ANS.",
        "The card does not take a PIN yet, or not any more.",
        "Activate it in the card management tool, or contact the ANS.",
    ),
}
"""Code to texts."""

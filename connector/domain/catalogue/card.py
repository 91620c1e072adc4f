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
}
"""Code to texts."""

"""Codes of tokens, one-time codes, passwords: what opens a session with an operator."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["SESSIONS_CODES"]

_TOKEN_CODES = {
    "JETON_ABSENT": Explanation(
        "La connexion Pro Santé Connect de la boîte n'est pas ouverte.",
        "Connectez-vous à Pro Santé Connect dans votre logiciel ; les envois et la réception reprendront seuls.",
        "The Pro Santé Connect session of the mailbox is not open.",
        "Log in to Pro Santé Connect in your software; sending and receiving resume by themselves.",
    ),
    "JETON_EXPIRE": Explanation(
        "La connexion Pro Santé Connect de la boîte est arrivée à son terme.",
        "Gardez votre logiciel ouvert, ou reconnectez-vous à Pro Santé Connect ; tout reprendra seul.",
        "The Pro Santé Connect session of the mailbox has run out.",
        "Keep your software open, or log in to Pro Santé Connect again; everything resumes by itself.",
    ),
    "JETON_REFUSE": Explanation(
        "L'opérateur de messagerie a refusé la connexion Pro Santé Connect.",
        "Reconnectez-vous à Pro Santé Connect avec l'identité du titulaire de la boîte ; tout reprendra seul.",
        "The mail operator refused the Pro Santé Connect session.",
        "Log in to Pro Santé Connect again as the holder of the mailbox; everything resumes by itself.",
    ),
    "JETON_DIFFERE": Explanation(
        "L'opérateur de messagerie n'accepte pour le moment aucune connexion Pro Santé Connect, même récente.",
        "Il n'y a rien à faire : le connecteur réessaie seul. Si cela dure, prévenez l'opérateur.",
        "The mail operator accepts no Pro Santé Connect session for the moment, not even a recent one.",
        "Nothing to do: the connector tries again by itself. If it goes on, tell the operator.",
    ),
    "JETON_INVALIDE": Explanation(
        "Le jeton transmis par votre logiciel n'est pas un jeton d'accès.",
        "Transmettez le code et l'heure à l'éditeur de votre logiciel.",
        "What your software handed over is not an access token.",
        "Give the code and the time to the vendor of your software.",
    ),
    "MECANISME_ABSENT": Explanation(
        "L'opérateur de messagerie n'offre pas ce moyen d'authentification.",
        "Choisissez pour la boîte un moyen que l'opérateur accepte (identity.auth), ou prévenez l'opérateur.",
        "The mail operator does not offer this way to authenticate.",
        "Choose a way that the operator takes for the mailbox (identity.auth), or tell the operator.",
    ),
}

_CODE_CODES = {
    "CODE_ATTENDU": Explanation(
        "La session de la boîte doit être ouverte avec un code à usage unique.",
        "Demandez un code, puis saisissez celui que vous recevez ; tout reprendra seul.",
        "The session of the mailbox has to be opened with a one-time code.",
        "Ask for a code, then type the one that you receive; everything resumes by itself.",
    ),
    "CODE_SANS_OPERATEUR": Explanation(
        "Le code à usage unique n'existe que par les Web Services : SMTP et IMAP ne le transportent pas.",
        "Choisissez un autre moyen pour la boîte (identity.auth) : jeton, carte, certificat ou mot de passe.",
        "One-time codes exist over the Web Services only: SMTP and IMAP do not carry them.",
        "Choose another way for the mailbox (identity.auth): token, card, certificate or password.",
    ),
    "CODE_FORMAT": Explanation(
        "Ce n'est pas un code à usage unique : rien n'a été transmis.",
        "Saisissez les chiffres reçus, sans autre caractère.",
        "This is not a one-time code: nothing was handed over.",
        "Type the digits that you received, and nothing else.",
    ),
    "CODE_NON_DEMANDE": Explanation(
        "Aucun code n'est attendu pour le moment.",
        "Demandez d'abord un code, puis saisissez celui que vous recevez.",
        "No code is expected at the moment.",
        "Ask for a code first, then type the one that you receive.",
    ),
    "CODE_DEJA_DONNE": Explanation(
        "Ce code a déjà été utilisé : il n'a pas été transmis une seconde fois.",
        "Demandez un nouveau code.",
        "This code was used already: it was not handed over a second time.",
        "Ask for a new code.",
    ),
    "CODE_PERIME": Explanation(
        "Le délai pour saisir le code est passé.",
        "Demandez un nouveau code.",
        "The time to type the code is over.",
        "Ask for a new code.",
    ),
    "CODE_REFUSE": Explanation(
        "L'opérateur a refusé le code.",
        "Demandez un nouveau code et saisissez-le avec soin : après plusieurs erreurs le compte peut être bloqué.",
        "The operator refused the code.",
        "Ask for a new code and type it with care: after several errors the account may be blocked.",
    ),
    "CODE_INCERTAIN": Explanation(
        "La connexion s'est coupée après la saisie du code : il ne peut plus servir.",
        "Vérifiez la connexion à internet, puis demandez un nouveau code.",
        "The connection broke after the code was typed: it cannot be used any more.",
        "Check the internet connection, then ask for a new code.",
    ),
    "CODE_TROP_TOT": Explanation(
        "Un code vient d'être demandé, ou une erreur vient de se produire.",
        "Attendez un instant avant d'en demander un nouveau, pour que le compte ne soit pas bloqué.",
        "A code was asked for a moment ago, or an error just happened.",
        "Wait a moment before you ask for another one, so that the account is not blocked.",
    ),
    "CODE_EN_COURS": Explanation(
        "Une demande de code est déjà en cours pour cette boîte.",
        "Attendez la réponse.",
        "A code is being dealt with for this mailbox already.",
        "Wait for the answer.",
    ),
    "CODE_VERROUILLE": Explanation(
        "Trop d'erreurs de suite : plus rien n'est transmis, pour que l'opérateur ne bloque pas le compte.",
        "Vérifiez identifiant et mot de passe auprès de l'opérateur, puis déverrouillez la session de la boîte.",
        "Too many errors in a row: nothing more is handed over, so that the operator does not block the account.",
        "Check login and password with the operator, then unlock the session of the mailbox.",
    ),
    "IDENTIFIANTS_REFUSES": Explanation(
        "L'opérateur a refusé l'identifiant ou le mot de passe.",
        "Corrigez le mot de passe de la boîte avant de demander un code : rien n'est réessayé seul.",
        "The operator refused login or password.",
        "Correct the password of the mailbox before you ask for a code: nothing is tried again by itself.",
    ),
    "COMPTE_BLOQUE": Explanation(
        "L'opérateur a bloqué le compte ou le moyen de réception des codes.",
        "Faites-le débloquer par l'opérateur, puis déverrouillez la session de la boîte.",
        "The operator has blocked the account or the way by which codes are received.",
        "Have it unblocked by the operator, then unlock the session of the mailbox.",
    ),
}

SESSIONS_CODES: dict[str, Explanation] = _TOKEN_CODES | _CODE_CODES
"""Code to texts."""

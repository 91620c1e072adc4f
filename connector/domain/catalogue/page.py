"""Codes of the page that people look at."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["PAGE_CODES"]

PAGE_CODES: dict[str, Explanation] = {
    "FORMULAIRE_ETRANGER": Explanation(
        "Ce formulaire ne vient pas de cette page, ou la page est restée ouverte trop longtemps : rien n'a été fait.",
        "Revenez à l'accueil et recommencez.",
        "This form does not come from this page, or the page was open for too long: nothing was done.",
        "Go back to the start and try again.",
    ),
    "CONFIRMATION_ABSENTE": Explanation(
        "Il manque votre confirmation : rien n'a été fait.",
        "Lisez l'avertissement, cochez la case, puis recommencez.",
        "Your confirmation is missing: nothing was done.",
        "Read the warning, tick the box, then try again.",
    ),
}
"""Code to texts."""

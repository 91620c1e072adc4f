"""Synthetic CDA documents and sidecars: patients, practitioners, structures and results are all invented.

INS values are under the test authority 1.2.250.1.213.1.4.10 and have valid keys; addresses end in ``.example``.

=========================== ==========================================================================
``cr-biologie-v1.xml``      N3 laboratory report: tables, sub/sup, nested lists, footnote, PNG, PDF copy
``cr-biologie-v2.xml``      version 2 of it, ``relatedDocument`` RPLC
``cr-consultation-n1.xml``  N1 around a PDF/A-1b
``cr-autopresentable.xml``  laboratory report inside an ``xsl:stylesheet`` (element ``Contenu``)
``lot-1-ordonnance.xml``    N1, first of two documents of the same patient
``lot-2-synthese.xml``      structured body, second of them
``*.mss.json|ini|xml``      sidecars of the document with the same stem
=========================== ==========================================================================
"""

from importlib.resources import files

__all__ = ["sample", "sample_names"]


def sample_names(suffix: str = "") -> list[str]:
    """File names of the samples, sorted.

    Args:
        suffix: only names that end so; ``.xml`` leaves the sidecars out unless it is ``.mss.xml``.
    """
    names = sorted(entry.name for entry in files(__name__).iterdir() if entry.name[0] not in "_.")
    wanted = [name for name in names if name.endswith(suffix)]
    return [name for name in wanted if ".mss." not in name] if suffix == ".xml" else wanted


def sample(name: str) -> bytes:
    """The bytes of one sample.

    Raises:
        FileNotFoundError: no such sample.
    """
    if name not in sample_names():
        raise FileNotFoundError(name)
    return files(__name__).joinpath(name).read_bytes()

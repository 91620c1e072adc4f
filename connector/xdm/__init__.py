"""IHE XDM: the package (zip), its metadata (ebRIM) and what derives from a CDA document. Pure.

Entry points: :func:`connector.xdm.pack.pack` (documents to package), :func:`connector.xdm.package_reader.read_xdm`
(package to documents), :func:`connector.xdm.check.check_xdm` (what is wrong with a package).
"""

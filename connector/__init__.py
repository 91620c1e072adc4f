"""The MSSanté connector: local practice software on one side, secure health mail on the other."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("mssante-connector")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+source"

__all__ = ["__version__"]

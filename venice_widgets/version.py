"""The version of this package, for the distribution's metadata and the User-Agent."""

__version__ = "0.1.0"

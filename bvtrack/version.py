"""The library's version, the only place it is written."""

__version__ = "1.0.0"

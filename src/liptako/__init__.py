"""Liptako: the working system of an alliance of sovereign States."""

__version__ = "0.1.0"

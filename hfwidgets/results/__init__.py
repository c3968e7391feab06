"""Typed results: plain values where the field expects them, each with a static, safe repr."""

from hfwidgets.results._meta import Meta
from hfwidgets.results._record import Elements, Record, Text

__all__ = ["Elements", "Meta", "Record", "Text"]

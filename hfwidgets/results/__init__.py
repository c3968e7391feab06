"""Typed results: plain values where the field expects them, each with a static, safe repr."""

from hfwidgets.core.meta import Meta
from hfwidgets.results.record import Elements, Record, Text

__all__ = ["Elements", "Meta", "Record", "Text"]

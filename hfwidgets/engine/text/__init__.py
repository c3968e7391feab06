"""Capabilities for text and tables."""

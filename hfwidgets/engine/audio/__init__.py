"""Capabilities for speech and audio."""

"""Capabilities for images and documents."""

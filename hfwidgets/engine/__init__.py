"""The embedded engine: a loopback server of small real models, one capability per module."""

"""The embedded engine: a loopback server with real small models, one capability a module."""

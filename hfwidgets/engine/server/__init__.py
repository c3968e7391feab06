"""The loopback server: routes, access control, the request queue, and its process."""

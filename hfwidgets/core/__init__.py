"""The steps of a call, streams, and event streams: no HTTP and no notebook."""

"""What calls are made of: steps, streams, tokens and the environment; no HTTP, no notebook."""

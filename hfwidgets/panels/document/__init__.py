"""The mirrored document: what a panel sends to the page, and when."""

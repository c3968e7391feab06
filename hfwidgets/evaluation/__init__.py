"""Which model is best for my data: several models, the same labeled rows, honest statistics."""

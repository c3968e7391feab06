"""Small models for text and tables."""

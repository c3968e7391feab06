"""Small models for speech and audio."""

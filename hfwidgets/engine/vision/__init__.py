"""Small models for images and documents."""

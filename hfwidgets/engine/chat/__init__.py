"""The chat model: text generation, tools, and JSON schemas."""

"""Capabilities of the chat model: chat, text generation, tools, and answers built on it."""

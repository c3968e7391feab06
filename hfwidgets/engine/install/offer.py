"""Offer the standard set to who opens the demo: asked once, and never decided for them."""

from pathlib import Path

from hfwidgets import engine_process

QUESTION = "Install the standard set, too? Its model gives better answers."


def was_declined() -> bool:
    """True if the user has already answered no."""
    return _answer_file().exists()


def is_accepted(reply: str) -> bool:
    """True for a yes; anything else is remembered as a no."""
    if reply.strip().lower() in ("y", "yes"):
        return True
    engine_process.make_cache_dir()
    _answer_file().touch()
    return False


def describe_chat_model() -> str:
    """Return which model answers chats."""
    from hfwidgets.engine.registry import find_capabilities

    return f"Chats are answered by {find_capabilities('chat-completion')[0].model}."


def _answer_file() -> Path:
    return engine_process.cache_dir() / "standard-set-declined"

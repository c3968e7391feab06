"""MODEL and MODEL:PROVIDER, with the session's short names."""

from collections.abc import Mapping

from hfwidgets import providers
from hfwidgets.notebook.session import current_session


def split_model(
    text: str | None, aliases: Mapping[str, str] | None = None
) -> tuple[str | None, str | None]:
    """Split MODEL:PROVIDER into model and provider; a suffix that is not a provider stays."""
    aliases = current_session().aliases if aliases is None else aliases
    text = aliases.get(text, text) if text else None
    if not text:
        return None, None
    # From the right, as an endpoint's address has colons too. A short name may precede a provider.
    model, colon, provider = text.rpartition(":")
    if colon and provider in providers.names():
        return aliases.get(model, model) or None, provider
    return text, None

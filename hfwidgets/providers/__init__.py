"""Providers, one module each; a provider's name is its module's name."""

import functools
import pkgutil
from importlib import import_module

from hfwidgets import errors
from hfwidgets.providers._provider import Address, Hosts, Provider


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all providers, in the alphabet's order."""
    return tuple(
        sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(__path__) if m.name[0] != "_")
    )


@functools.cache
def get(name: str) -> Provider:
    """The provider of this name; UnknownProviderError with near names otherwise."""
    if name not in names():
        raise errors.UnknownProviderError(
            f"There is no provider {name!r}.{errors.near(name, names())} "
            f"There are: {', '.join(names())}."
        )
    found: Provider = import_module(f"{__name__}.{name.replace('-', '_')}").provider
    found.name = name
    return found


__all__ = ["Address", "Hosts", "Provider", "get", "names"]

"""Providers, one module each; a provider's name is its module's name.

Packages add their own through the entry point group `hfwidgets.providers`: the entry's name is the
provider's, its object a `Provider`.

    [project.entry-points."hfwidgets.providers"]
    acme = "acme_inference:provider"
"""

import functools
from importlib import import_module
from typing import TYPE_CHECKING

from hfwidgets import errors
from hfwidgets.providers._provider import Address, Hosts, Provider, is_secret

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "hfwidgets.providers"


@functools.cache
def builtin_names() -> frozenset[str]:
    """The names of the providers in this folder."""
    import pkgutil

    found = (module.name for module in pkgutil.iter_modules(__path__))
    return frozenset(name.replace("_", "-") for name in found if name[0] != "_")


@functools.cache
def plugin_entry_points() -> dict[str, "EntryPoint"]:
    """The providers of other packages by their names; one of ours is not replaced."""
    from importlib import metadata  # as slow to import as a client, and seldom needed

    return {
        e.name: e
        for e in metadata.entry_points(group=ENTRY_POINT_GROUP)
        if e.name not in builtin_names()
    }


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all providers, in the alphabet's order."""
    return tuple(sorted({*builtin_names(), *plugin_entry_points()}))


@functools.cache
def get(name: str) -> Provider:
    """The provider of this name.

    Raises:
        UnknownProviderError: there is none; with near names.
        ConfigurationError: a package's entry point does not lead to a `Provider`.
    """
    if name in builtin_names():
        found = import_module(f"{__name__}.{name.replace('-', '_')}").provider
    elif name in plugin_entry_points():
        found = _load_plugin(name)
    else:
        raise errors.UnknownProviderError(
            f"There is no provider {name!r}.{errors.did_you_mean(name, names())} "
            f"There are: {', '.join(names())}."
        )
    assert isinstance(found, Provider)
    found.name = name
    return found


def _load_plugin(name: str) -> object:
    entry = plugin_entry_points()[name]
    try:
        found = entry.load()
    except Exception as error:  # whatever another package's import raises
        raise errors.ConfigurationError(
            f"The provider {name!r} ({entry.value}) cannot be loaded: {error!r}. Reinstall or "
            "remove the package that brings it."
        ) from error
    if not isinstance(found, Provider):
        raise errors.ConfigurationError(
            f"The provider {name!r} ({entry.value}) should be a hfwidgets.providers.Provider; it "
            f"is {type(found).__name__}."
        )
    return found


__all__ = [
    "ENTRY_POINT_GROUP",
    "Address",
    "Hosts",
    "Provider",
    "builtin_names",
    "get",
    "is_secret",
    "names",
]

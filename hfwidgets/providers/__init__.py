"""Providers, one module each; a provider's name is its module's name.

Packages add their own through the entry point group `hfwidgets.providers`: the entry's name is the
provider's, its object a `Provider`. Everything that a provider's module needs is imported from
here:

    from hfwidgets.providers import openai_compatible

    provider = openai_compatible("https://api.acme.example", "/v1", "feature-extraction")

    # in pyproject.toml
    [project.entry-points."hfwidgets.providers"]
    acme = "acme_inference:provider"
"""

import functools
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hfwidgets import errors
from hfwidgets.core.flow import CancelOnExit, Flow, Infer, Send, Sleep
from hfwidgets.errors.excerpt import show_value
from hfwidgets.providers._provider import (
    Address,
    Hosts,
    Provider,
    RouteHandler,
    bearer_headers,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from hfwidgets.providers._answers import (
        decode_base64_answer,
        fetch_file,
        get_value,
        job_error,
        parse_json,
    )
    from hfwidgets.providers._hub import HubProvider, post_task
    from hfwidgets.providers._jobs import url_path, wait_for_job
    from hfwidgets.providers._openai import (
        first_image,
        openai_compatible,
        post_chat,
        size_options,
    )

_MODULES = {
    "HubProvider": "_hub",
    "decode_base64_answer": "_answers",
    "fetch_file": "_answers",
    "first_image": "_openai",
    "get_value": "_answers",
    "job_error": "_answers",
    "openai_compatible": "_openai",
    "parse_json": "_answers",
    "post_chat": "_openai",
    "post_task": "_hub",
    "size_options": "_openai",
    "url_path": "_jobs",
    "wait_for_job": "_jobs",
}
"""Map what authors of providers use to its module; loaded on first use, since clients must
start fast.
"""

ENTRY_POINT_GROUP = "hfwidgets.providers"


@functools.cache
def builtin_names() -> frozenset[str]:
    """Return the names of the providers in this folder."""
    import pkgutil

    # By the files' names: importing every provider to list them would slow
    # down each client's start.
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return frozenset(name.replace("_", "-") for name in found if name[0] != "_")


@functools.cache
def plugin_entry_points() -> dict[str, "EntryPoint"]:
    """Return the providers of other packages by name; they do not replace built-in ones."""
    from importlib import metadata  # as slow to import as a client, and seldom needed

    return {
        e.name: e
        for e in metadata.entry_points(group=ENTRY_POINT_GROUP)
        # A package that took over a built-in name would receive that provider's key.
        if e.name not in builtin_names()
    }


@functools.cache
def names() -> tuple[str, ...]:
    """Return the names of all providers, sorted."""
    return tuple(sorted({*builtin_names(), *plugin_entry_points()}))


@functools.cache
def get(name: str) -> Provider:
    """Return the provider of this name.

    Raises:
        UnknownProviderError: No provider has this name; similar names are suggested.
        ConfigurationError: A package's entry point does not lead to a `Provider`.
    """
    if name in builtin_names():
        found = import_module(f"{__name__}.{name.replace('-', '_')}").provider
    elif name in plugin_entry_points():
        found = _load_plugin(name)
    else:
        raise errors.UnknownProviderError(
            f"Unknown provider {show_value(name)}.{errors.did_you_mean(name, names())} "
            f"Providers: {', '.join(names())}."
        )
    assert isinstance(found, Provider)
    found.name = name
    return found


def embedded() -> Provider:
    """Return the provider that runs on this machine as part of hfwidgets."""
    return get("local")


def is_embedded(name: str | None) -> bool:
    """True if a provider of this name runs on this machine as part of hfwidgets."""
    return name is not None and name in names() and get(name).is_embedded


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
            f"The provider {name!r} ({entry.value}) must be a hfwidgets.providers.Provider; it "
            f"is {type(found).__name__}."
        )
    return found


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "ENTRY_POINT_GROUP",
    "Address",
    "CancelOnExit",
    "Flow",
    "Hosts",
    "HubProvider",
    "Infer",
    "Provider",
    "RouteHandler",
    "Send",
    "Sleep",
    "bearer_headers",
    "builtin_names",
    "decode_base64_answer",
    "embedded",
    "fetch_file",
    "first_image",
    "get",
    "get_value",
    "is_embedded",
    "job_error",
    "names",
    "openai_compatible",
    "parse_json",
    "post_chat",
    "post_task",
    "size_options",
    "url_path",
    "wait_for_job",
]

"""The views of results, each registered by its kind in a separate module.

Every module of this folder whose name ends in `_view` is imported when the first result is shown.
It declares a `View` Struct, whose tag the front end registers too, and a function that builds it:

    class Bars(View, tag="bars", kw_only=True):
        rows: list[LabelRow]

    @register_view(Bars, priority=70)
    def build_bars(result, context, name):
        return Bars(...) or None

The functions are tried by priority, lowest first: those that recognize a type before those that
recognize fields. A function returns None for a result it does not show; what none of them shows
gets the generic view.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hfwidgets.panels.document.protocol import View

V = TypeVar("V", bound=View)

# The context's class builds views through this module, so it cannot be named here.
ViewBuilder = Callable[..., View | None]
"""Builds the view of (result, ViewContext, name of its files), or returns None."""

StaticRenderer = Callable[[Any, Any], str]
"""Renders (view, result) as safe HTML."""


@dataclass(frozen=True)
class RegisteredView:
    """A kind of view with its builder; `render_static` is None where the result's own HTML does."""

    kind: type[View]
    priority: int
    build: ViewBuilder
    render_static: StaticRenderer | None


_registered: dict[str, RegisteredView] = {}


def register_view(
    kind: type[V], *, priority: int, render_static: Callable[[V, Any], str] | None = None
) -> Callable[[ViewBuilder], ViewBuilder]:
    """Register the decorated builder for a kind of view.

    Args:
        kind: the View Struct, whose tag names the kind.
        priority: builders with lower numbers are tried first.
        render_static: renders (view, result) as safe HTML; None uses the result's own HTML.
    """
    tag = str(kind.__struct_config__.tag)

    def register(build: ViewBuilder) -> ViewBuilder:
        _registered[tag] = RegisteredView(kind, priority, build, render_static)
        return build

    return register


def view_kind(view: View) -> str:
    """Return the name of a view's kind, as the front end registers it."""
    return str(view.__struct_config__.tag)


def find_view(kind: str) -> RegisteredView | None:
    """Return what is registered for a kind; None if nothing is."""
    _import_view_modules()
    return _registered.get(kind)


def registered_views() -> list[RegisteredView]:
    """Return all registered views by priority."""
    _import_view_modules()
    # Types of the same priority exclude each other, so their order does not matter.
    return sorted(_registered.values(), key=lambda view: view.priority)


@functools.cache
def _import_view_modules() -> None:
    # Discovered rather than listed, so that adding a view touches one Python module.
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.endswith("_view"):
            importlib.import_module(f"{package}.{module.name}")

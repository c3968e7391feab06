"""Find the engine's capabilities: those of this package, of other packages and of the user.

A capability is one module with a `CAPABILITY`. A module in one of the folders of `DOMAINS` is found
by scanning. Another package names its own in the entry point group `hfwidgets.capabilities`:

    [project.entry-points."hfwidgets.capabilities"]
    shout = "acme_shout:CAPABILITY"

where `acme_shout.py` is, in whole:

    from hfwidgets.engine.base.capability import Capability, LoadedModels

    def text_generation(models: LoadedModels, inputs: str, *, marks: int = 1) -> object:
        return [{"generated_text": inputs.upper() + "!" * marks}]

    CAPABILITY = Capability(
        name="shout",
        model="acme/shout",
        serves={"text-generation": text_generation},
        weights=(),
        license="MIT",
        languages=("English",),
        limits="Uppercase only.",
    )

A model that the user names on the command line, or a test, is passed to `register`.
"""

import functools
import logging
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.base.llama import Llama
from hfwidgets.errors import did_you_mean
from hfwidgets.tasks import TASKS

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

log = logging.getLogger(__name__)

DOMAINS = ("chat", "text", "audio", "vision")
"""The folders that hold capabilities, in the order in which models are listed."""

ENTRY_POINT_GROUP = "hfwidgets.capabilities"

_REGISTERED: list[Capability] = []


def register(capability: Capability) -> None:
    """Serve a model of the user's; for its tasks it comes before all others."""
    _REGISTERED.insert(0, capability)


def registered() -> tuple[Capability, ...]:
    """Return the user's models, the last registered first."""
    return tuple(_REGISTERED)


@functools.cache
def builtin_capabilities() -> tuple[Capability, ...]:
    """Return the capabilities of this package.

    A model that several of them use comes first with the capability that it was made for, so that
    its name alone leads there.
    """
    found = [capability for domain in DOMAINS for capability in _scan_domain(domain)]
    return tuple(sorted(found, key=lambda capability: capability.is_derived))


def _scan_domain(domain: str) -> Iterator[Capability]:
    """Import the modules of a folder and yield their capabilities."""
    package = import_module(f"hfwidgets.engine.{domain}")
    for module in pkgutil.iter_modules(package.__path__):
        found = getattr(import_module(f"{package.__name__}.{module.name}"), "CAPABILITY", None)
        # Most modules only help others, and declare nothing.
        if isinstance(found, Capability):
            yield found


@functools.cache
def plugin_capabilities() -> tuple[Capability, ...]:
    """Return the capabilities that other installed packages name in their entry points.

    One that cannot be loaded is logged and left out: it must not take the others with it.
    """
    from importlib import metadata

    loaded = map(_load_plugin, metadata.entry_points(group=ENTRY_POINT_GROUP))
    return tuple(capability for capability in loaded if capability is not None)


def _load_plugin(entry: "EntryPoint") -> Capability | None:
    try:
        found = entry.load()
    except Exception:  # an import of another package may raise anything
        log.exception("capability %s (%s) cannot be loaded", entry.name, entry.value)
        return None
    if isinstance(found, Capability):
        return found
    log.error("capability %s (%s) is not a Capability: %r", entry.name, entry.value, type(found))
    return None


def all_capabilities() -> tuple[Capability, ...]:
    """Return everything that this process can serve, the preferred first.

    The user's models precede those of the package. A plug-in comes last: installing a package adds
    tasks and models, but does not change who answers the tasks already served.
    """
    return (*_REGISTERED, *builtin_capabilities(), *plugin_capabilities())


# Placeholders that clients send as the model's name when the server has only one.
DEFAULT_MODEL_NAMES = frozenset({"", "default", "tgi", "dummy"})

_OTHER_PROVIDER_ADVICE = "use another provider, or your own endpoint (model='http://...')"
_ADVICE_BY_TASK: Mapping[str, str] = {
    "translation": "install Apertium (on Debian and Ubuntu: apt install apertium-eng-spa), or "
    + _OTHER_PROVIDER_ADVICE,
    "visual-question-answering": "use document-question-answering for text in an image, or another "
    "provider's chat model that reads images",
    "zero-shot-object-detection": "use object-detection to find faces, or "
    + _OTHER_PROVIDER_ADVICE,
}


def find_capabilities(task: str) -> list[Capability]:
    """Return the capabilities that serve a task, the preferred one first.

    Raises:
        RefusedError: none does; 501 for a task, 404 for an unknown name.
    """
    found = [capability for capability in all_capabilities() if task in capability.serves]
    # The sort is stable, so within a rank the order of all_capabilities() holds.
    found.sort(key=_preference)
    reasons = [reason for reason in (one.why_unavailable() for one in found) if reason]
    usable = [capability for capability in found if capability.why_unavailable() is None]
    if not usable:
        raise _not_served_error(task, reasons)
    return usable


@functools.cache
def installed_upgrades() -> frozenset[str]:
    """Return the names of the upgrades that this process uses.

    Decided once: the model that answers must not change in the middle of a session because weights
    arrive. The next engine uses them.
    """
    return frozenset(
        one.name for one in builtin_capabilities() if one.is_upgrade and not one.missing_weights
    )


def _preference(capability: Capability) -> int:
    """Sort custom models first, then installed upgrades, and upgrades that are missing last."""
    if capability in _REGISTERED:
        return 0
    if not capability.is_upgrade:
        return 2
    return 1 if capability.name in installed_upgrades() else 3


def chat_processes() -> list[Llama]:
    """Return the chat models of capabilities that do not use the engine's own."""
    found = (one.llama for one in all_capabilities())
    return list(dict.fromkeys(llama for llama in found if llama is not None))


def choose_capability(
    model: str, task: str | None, *, builtin: bool = False
) -> tuple[Capability, str]:
    """Return the capability of this model, and its task when none is named.

    `builtin` limits the choice to what the user did not register, for routes that are written for
    the engine's own models.
    """
    if model in DEFAULT_MODEL_NAMES and not builtin:
        task = task or "text-generation"
        return find_capabilities(task)[0], task
    candidates = find_capabilities(task) if task else list(all_capabilities())
    if builtin:
        # A custom model's function may take other inputs than the route was written for.
        candidates = [one for one in candidates if one not in _REGISTERED]
        if model in DEFAULT_MODEL_NAMES and candidates and task:
            return candidates[0], task
    for capability in candidates:
        if model in model_names(capability):
            return capability, task or capability.main_task
    known = sorted({capability.model for capability in candidates})
    purpose = f" for {task}" if task else ""
    raise RefusedError(
        404,
        f"The local engine has no model {model!r}{purpose}; it has {', '.join(known)}. "
        f"Leave out the model to get the default.{did_you_mean(model, known)}",
        kind="model_not_found",
        parameter="model",
    )


def model_names(capability: Capability) -> set[str]:
    """Return the names that select a capability's model: its id, with and without owner, and its
    short name."""
    return {capability.model, capability.model.rpartition("/")[2], capability.name}


def list_served_tasks() -> list[str]:
    """Return the tasks that this engine serves, sorted, whether or not weights are installed."""
    usable = [
        capability for capability in all_capabilities() if capability.why_unavailable() is None
    ]
    return sorted({task for capability in usable for task in capability.serves})


def _not_served_error(task: str, reasons: list[str]) -> RefusedError:
    """Build the 501 for a task without a usable model, or the 404 for an unknown task."""
    if task not in TASKS and task not in _ADVICE_BY_TASK:
        known = sorted(TASKS)
        return RefusedError(
            404,
            f"Unknown task {task!r}.{did_you_mean(task, known)} Tasks: {', '.join(known)}.",
        )
    why = f"The local engine has no {task} model."
    if reasons:
        why = f"The local engine cannot run {task} here: {' '.join(reasons)}."
    return RefusedError(
        501,
        f"{why} It serves {', '.join(list_served_tasks())}. "
        f"For {task}, {_ADVICE_BY_TASK.get(task, _OTHER_PROVIDER_ADVICE)}.",
        kind="not_served",
    )

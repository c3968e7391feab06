"""Describe the engine's models to the user: before, after and between installs."""

from collections.abc import Iterator, Sequence

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.weights import WeightPackage, format_megabytes


def describe_download(name: str, missing: Sequence[WeightPackage]) -> Iterator[str]:
    """Yield what an install will download."""
    download = format_megabytes(sum(weight.download_size for weight in missing))
    disk = format_megabytes(sum(weight.disk_size for weight in missing))
    yield f"The engine's {name} set, once: {download} to download, {disk} on disk."
    for weight in missing:
        size = format_megabytes(weight.download_size)
        yield f"  {weight.description}: {size}, {weight.license}; {weight.package} {weight.version}"


def describe_installed(installed: Sequence[WeightPackage]) -> Iterator[str]:
    """Yield what an install has added."""
    for weight in installed:
        kept = f"{format_megabytes(weight.disk_size)} kept, {weight.license}"
        yield f"  {weight.package} {weight.version}: sha256 {weight.sha256} verified, {kept}"
        if weight.source:
            yield f"    from {weight.source}"
    yield f"Installed in {weights.weights_root()}."


def describe_removal(name: str, removed: Sequence[WeightPackage]) -> str:
    """Return what a removal has freed."""
    if not removed:
        return f"Nothing of the {name} set is installed."
    packages = ", ".join(weight.package for weight in removed)
    return f"Removed {packages}: {format_megabytes(sum(weight.disk_size for weight in removed))}."


def describe_status() -> Iterator[str]:
    """Yield the running engine, the sets, and each capability with its model and limits."""
    from hfwidgets.engine.registry import all_capabilities

    yield describe_engine()
    for name in weights.PACKAGES_BY_SET:
        missing = weights.missing_packages(name)
        size = format_megabytes(sum(weight.download_size for weight in missing))
        state = f"{size} missing: hfwidgets engine install {name}" if missing else "installed"
        yield f"The {name} set: {state}."
    for capability in all_capabilities():
        yield from _describe_capability(capability)


def find_default_models() -> dict[str, str]:
    """Return, by task, the installed model that answers where no model is named."""
    from hfwidgets.engine.registry import find_capabilities, list_served_tasks

    preferred = {task: find_capabilities(task)[0] for task in list_served_tasks()}
    return {task: one.model for task, one in preferred.items() if not one.missing_weights}


def describe_engine() -> str:
    """Return whether an engine runs, and its address."""
    engine = engine_process.find_running()
    if engine is None:
        return "No engine is running; provider='local' starts one."
    return f"Engine running: process {engine.pid}, {engine.url}, version {engine.version}."


def _describe_capability(capability: Capability) -> Iterator[str]:
    reason = capability.why_unavailable()
    if reason is None and capability.missing_weights:
        reason = f"not installed: {', '.join(one.package for one in capability.missing_weights)}"
    sizes = f", {format_megabytes(capability.disk_size)}" if capability.weight_packages else ""
    yield f"{', '.join(capability.serves)}: {reason or 'ready'}{sizes}"
    languages = f"; {', '.join(capability.languages)}" if capability.languages else ""
    yield f"  {capability.model} ({capability.license}){languages}"
    yield f"  {capability.limits}"
    for task, (right, total) in capability.measured.items():
        yield f"  {task}: {right} of {total} held-out items right"
    for source in dict.fromkeys(weight.source for weight in capability.weight_packages):
        if source:
            yield f"  from {source}"
    yield from _describe_upgrades(capability)


def _describe_upgrades(capability: Capability) -> Iterator[str]:
    """Yield which better model answers a capability's tasks, or which command brings it."""
    from hfwidgets.engine.registry import builtin_capabilities

    for other in builtin_capabilities():
        shared = ", ".join(task for task in capability.serves if task in other.serves)
        if not other.is_upgrade or not shared or capability.is_upgrade:
            continue
        if missing := other.missing_weights:
            sets = dict.fromkeys(map(weights.smallest_set, missing))
            commands = " and ".join(f"hfwidgets engine install {name}" for name in sets)
            yield f"  better for {shared}: {other.model} ({commands})"
        else:
            yield f"  answered by {other.model}: {shared}"

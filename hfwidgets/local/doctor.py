"""What the engine adds to `hfwidgets doctor`: which of its models are here."""

from collections.abc import Iterator

from hfwidgets import engine
from hfwidgets.errors import EngineError
from hfwidgets.local import manage, weights


def models() -> Iterator[str]:
    """The running engine and its sets of models; nothing where the engine is not installed."""
    try:
        engine.require()
    except EngineError:
        return
    yield f"Engine: {manage.running()}"
    for name in weights.SETS:
        missing = len(weights.missing(name))
        state = f"{missing} packages missing: hfwidgets engine install {name}"
        yield f"  the {name} set: {state if missing else 'installed'}"

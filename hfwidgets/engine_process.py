"""Find or start the embedded engine's process; no HTTP happens here.

One engine serves all of a user's kernels. It leaves a state file, `<cache>/engine.json` (mode 600,
in a directory of mode 700), with its address, key and process. A state file whose process is gone,
or that another version left, counts as no engine; whoever starts next replaces it. The engine
itself holds `<cache>/engine.lock` for its whole life: of two started at once one steps back.
"""

import importlib.util
import json
import os
import secrets
import site
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from hfwidgets._version import __version__
from hfwidgets.errors import EngineError

REQUIRED_MODULES = ("filelock", "msgspec", "psutil", "starlette", "uvicorn", "xllamacpp")
MISSING_MESSAGE = (
    'The embedded engine is not installed ({} missing): pip install "hfwidgets[local]"'
)
_LOG_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class EngineState:
    """A running engine: where it listens, its key, its process and its version."""

    url: str
    key: str = field(repr=False)
    pid: int
    version: str
    created: float
    """The process's start time in epoch seconds, which tells it from a later one of the same id."""


def cache_dir() -> Path:
    """The user's cache directory of hfwidgets: HFWIDGETS_CACHE, else the platform's own place."""
    if chosen := os.environ.get("HFWIDGETS_CACHE"):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("hfwidgets", appauthor=False))


def state_path() -> Path:
    """The state file of the running engine."""
    return cache_dir() / "engine.json"


def log_path() -> Path:
    """What the engine's process printed; it holds no key and no text of a request."""
    return cache_dir() / "engine.log"


def lock_path() -> Path:
    """The file that a managed engine keeps locked for its whole life."""
    return cache_dir() / "engine.lock"


def find_running() -> EngineState | None:
    """The engine that runs now, of this version; None when there is none."""
    engine = read_state()
    return engine if engine and engine.version == __version__ and is_alive(engine) else None


def read_state() -> EngineState | None:
    """What the state file says, dead or alive; None when it is missing, broken or not ours."""
    path = state_path()
    try:
        if hasattr(os, "getuid") and path.stat().st_uid != os.getuid():
            return None  # another user's file could lead our requests to another user's server
        return EngineState(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def is_alive(engine: EngineState) -> bool:
    """Whether the engine's own process lives, and not a later one with the same number."""
    created = process_start_time(engine.pid)
    return created is not None and abs(created - engine.created) < 1


def process_start_time(pid: int) -> float | None:
    """When a process started, in epoch seconds; None when there is no such living process."""
    try:
        import psutil
    except ImportError:
        return None
    try:
        process = psutil.Process(pid)
        dead = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return None if dead else float(process.create_time())
    except (psutil.Error, ValueError, OverflowError):
        return None


def require_modules() -> None:
    """Raise EngineError with what to install when the engine's libraries are missing."""
    missing = [name for name in REQUIRED_MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineError(MISSING_MESSAGE.format(", ".join(missing)))


def start_engine() -> "subprocess.Popen[bytes]":
    """Start the engine in a process of its own, which outlives this one.

    `running()` tells when it is up. The engine knows this process as its first user. It exits with
    status 0 when another engine has come first, and with another status when it failed
    (`log_tail()` says why).
    """
    require_modules()
    make_private_dir(cache_dir())
    with _open_log() as log:
        return subprocess.Popen(  # noqa: S603 (our own command, nothing from outside)
            [*python_command(), "serve", "--managed", "--client", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=subprocess_environment(),
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )


def python_command() -> list[str]:
    """How this interpreter runs hfwidgets, whatever the working directory holds."""
    return [sys.executable, "-P", "-m", "hfwidgets"]


def subprocess_environment() -> dict[str, str]:
    """The environment for `command()`: a copy of ours from which hfwidgets is importable."""
    root = str(Path(__file__).resolve().parent.parent)
    if root in site.getsitepackages() or root == site.getusersitepackages():
        return dict(os.environ)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def stop_engine() -> bool:
    """End the recorded engine, of whatever version, and wait for its end; False when none runs."""
    engine = read_state()
    if engine is None or not is_alive(engine):
        return False
    import psutil

    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(engine.pid)
        process.terminate()
        if not _wait_for_end(engine):
            process.kill()
            _wait_for_end(engine)
    return True


def _wait_for_end(engine: EngineState, seconds: float = 10) -> bool:
    """Wait for the engine's end; one that its parent has not waited for yet has ended too."""
    last = time.monotonic() + seconds
    while is_alive(engine):
        if time.monotonic() > last:
            return False
        time.sleep(0.05)
    return True


def read_log_tail(lines: int = 15) -> str:
    """The last lines that the engine's process printed."""
    try:
        text = log_path().read_text("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def write_state(url: str, key: str) -> EngineState:
    """Write the state file for this very process; called by the engine once it listens."""
    created = process_start_time(os.getpid()) or 0.0
    engine = EngineState(url, key, os.getpid(), __version__, created)
    make_private_dir(cache_dir())
    target = state_path()
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(engine), file)
    part.replace(target)
    return engine


def remove_state() -> None:
    """Remove the state file if it is this process's own."""
    engine = read_state()
    if engine and engine.pid == os.getpid():
        state_path().unlink(missing_ok=True)


def acquire_lock(wait: float = 15) -> Any:
    """The lock that the one managed engine holds; None when another engine serves already.

    An engine that is ending may still hold it, so it is waited for up to `wait` seconds; an engine
    of another version is ended first, since its clients could not be told from ours.
    """
    from filelock import FileLock, Timeout

    make_private_dir(cache_dir())
    if (other := read_state()) and other.version != __version__:
        stop_engine()
    lock = FileLock(lock_path())
    for _ in range(max(1, round(wait / 0.25))):
        try:
            lock.acquire(timeout=0.25, poll_interval=0.05)
            return lock
        except Timeout:
            if find_running():
                return None
    raise EngineError(
        f"Another engine holds {lock_path().name} and does not answer; see engine.log."
    )


def make_private_dir(directory: Path) -> Path:
    """Make a directory that its owner alone can enter; one that exists stays as it is."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _open_log() -> BinaryIO:
    """The log file, open for appending; begun anew when it has grown large."""
    path = log_path()
    grown = path.exists() and path.stat().st_size > _LOG_BYTES
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if grown else os.O_APPEND), 0o600
    )
    return os.fdopen(descriptor, "ab")

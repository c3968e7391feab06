"""Find or start the embedded engine's process; no HTTP happens here.

One engine serves all kernels of a user. It leaves a state file, `<cache>/engine.json` (mode 600, in
a directory of mode 700), with its address, key and process. A state file whose process is gone, or
that another version left, counts as no engine; the next one to start replaces it. The engine itself
holds `<cache>/engine.lock` for its whole life: of two started at once, one gives way.
"""

import importlib.util
import json
import os
import re
import secrets
import site
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hfwidgets._version import __version__
from hfwidgets.errors import EngineError
from hfwidgets.errors.secrets import is_secret_variable

if TYPE_CHECKING:
    from filelock import FileLock

REQUIRED_MODULES = (
    "filelock",
    "msgspec",
    "onnxruntime",
    "psutil",
    "starlette",
    "uvicorn",
    "xllamacpp",
)
MISSING_MESSAGE = (
    'The embedded engine is not installed ({} missing): pip install "hfwidgets[local]"'
)

SERVE_PORT = 8880
"""The port at which `hfwidgets serve` listens if none is chosen."""

# What Python, its libraries and the system need. All else stays out of the engine's processes,
# which compute on what clients send and need no account.
_ENGINE_VARIABLES = re.compile(
    r"PATH|PATHEXT|HOME|USER|LOGNAME|USERPROFILE|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA|"
    r"PROGRAMDATA|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|NUMBER_OF_PROCESSORS|PROCESSOR_\w+|"
    r"LANG|LANGUAGE|LC_\w+|TZ|TMP|TEMP|TMPDIR|XDG_\w+|"
    r"PYTHON\w*|VIRTUAL_ENV|CONDA_PREFIX|LD_LIBRARY_PATH|DYLD_\w+|"
    r"HFWIDGETS_\w+|HF_HOME|HF_HUB_\w+|HF_ENDPOINT|TRANSFORMERS_\w+|TORCH_\w+|"
    r"CUDA_\w+|NVIDIA_\w+|HIP_\w+|ROCR_\w+|OMP_\w+|OPENBLAS_\w+|MKL_\w+|ESPEAK_DATA_PATH|"
    r"(HTTP|HTTPS|ALL|NO)_PROXY|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE",
    re.IGNORECASE,
)
_CREDENTIALS_IN_URL = re.compile(r"//[^/@\s]*@")
_LOG_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class EngineState:
    """A running engine: its address, key, process and version."""

    url: str
    key: str = field(repr=False)
    pid: int
    version: str
    created: float
    """The process's start time in epoch seconds, which tells it from a later one with its id."""


def cache_dir() -> Path:
    """Return hfwidgets' cache directory: HFWIDGETS_CACHE, else the platform's."""
    if chosen := os.environ.get("HFWIDGETS_CACHE"):
        # Not by Path.expanduser, which raises an error for a user without a home folder.
        return Path(os.path.expanduser(chosen))  # noqa: PTH111
    import platformdirs

    return Path(platformdirs.user_cache_dir("hfwidgets", appauthor=False))


def state_path() -> Path:
    """Return the path of the running engine's state file."""
    return cache_dir() / "engine.json"


def log_path() -> Path:
    """Return the path of the engine's log, which holds no key and no text of a request."""
    return cache_dir() / "engine.log"


def lock_path() -> Path:
    """Return the path of the file that a managed engine keeps locked for its whole life."""
    return cache_dir() / "engine.lock"


def find_running() -> EngineState | None:
    """Return the running engine of this version; None if there is none."""
    engine = read_state()
    return engine if engine and engine.version == __version__ and is_alive(engine) else None


def read_state() -> EngineState | None:
    """Return the content of the state file, dead or alive; None if missing, broken or not ours."""
    path = state_path()
    try:
        if hasattr(os, "getuid") and path.stat().st_uid != os.getuid():
            return None  # another user's file could lead our requests to another user's server
        # TypeError stands for the file of another version, which may have other fields.
        return EngineState(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def is_alive(engine: EngineState) -> bool:
    """True if the engine's own process is alive, and not a later one with the same id."""
    created = process_start_time(engine.pid)
    # psutil derives start times from the boot time, which moves a little when the clock is set.
    return created is not None and abs(created - engine.created) < 1


def process_start_time(pid: int) -> float | None:
    """Return when a process started, in epoch seconds; None if it is not alive."""
    try:
        import psutil
    except ImportError:
        return None
    try:
        process = psutil.Process(pid)
        # A process that has ended keeps its id until its parent has read its status.
        dead = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return None if dead else float(process.create_time())
    except (psutil.Error, ValueError, OverflowError):
        return None


def require_modules() -> None:
    """Raise EngineError with what to install if the engine's libraries are missing."""
    missing = [name for name in REQUIRED_MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineError(MISSING_MESSAGE.format(", ".join(missing)))


def start_engine() -> "subprocess.Popen[bytes]":
    """Start the engine in a separate process that outlives this one.

    `find_running()` returns it once it listens; it counts this process as its first user. It exits
    with status 0 if another engine came first, and with another status if it failed
    (`read_log_tail()` has the reason).
    """
    require_modules()
    make_cache_dir()
    with _open_log() as log:
        return subprocess.Popen(  # noqa: S603 (our own command, nothing from outside)
            [*python_command(), "serve", "--managed", "--client", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=engine_environment(),
            # Control-C in the terminal of a kernel must not end an engine that other kernels use.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )


def python_command() -> list[str]:
    """Return the command that runs hfwidgets with this interpreter, in any working directory."""
    # -P: else files in the working directory, such as a user's json.py, would be imported first.
    return [sys.executable, "-P", "-m", "hfwidgets"]


def read_default_models() -> dict[str, str]:
    """Return, by task, the installed model that a new engine would answer with; none is started.

    Empty if the engine is not installed, or if the user's own models would come first.
    """
    if os.environ.get("HFWIDGETS_CHAT_MODEL") or os.environ.get("HFWIDGETS_MODELS"):
        return {}
    command = [*python_command(), "engine", "models"]
    # In a process of its own: the engine's modules stay out of notebooks.
    done = subprocess.run(  # noqa: S603 - this interpreter, with fixed arguments
        command, env=subprocess_environment(), capture_output=True, check=False
    )
    if done.returncode:
        return {}
    # The last line: a plug-in may print as it is imported.
    models: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return models


def subprocess_environment() -> dict[str, str]:
    """Return a copy of this process's environment from which hfwidgets is importable."""
    root = str(Path(__file__).resolve().parent.parent)
    if root in site.getsitepackages() or root == site.getusersitepackages():
        return dict(os.environ)
    # A clone or an unpacked package may be importable only by the sys.path of this process.
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def engine_environment() -> dict[str, str]:
    """Return the environment of the engine's processes: what they need, and no secrets."""
    return {
        name: value
        for name, value in subprocess_environment().items()
        if _ENGINE_VARIABLES.fullmatch(name)
        and not is_secret_variable(name)
        and not _CREDENTIALS_IN_URL.search(value)
    }


def stop_engine() -> bool:
    """End the recorded engine, of whatever version, and wait for its end; False if none runs."""
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
    """Wait for the engine's end; a zombie that its parent has not waited for counts as ended."""
    last = time.monotonic() + seconds
    while is_alive(engine):
        if time.monotonic() > last:
            return False
        time.sleep(0.05)
    return True


def read_log_tail(lines: int = 15) -> str:
    """Return the last lines that the engine's process printed."""
    try:
        text = log_path().read_text("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def write_state(url: str, key: str) -> EngineState:
    """Write the state file for this process; called by the engine once it listens."""
    created = process_start_time(os.getpid()) or 0.0
    engine = EngineState(url, key, os.getpid(), __version__, created)
    make_cache_dir()
    target = state_path()
    # Written next to it and renamed, so that a reader never sees half a file. The mode applies from
    # the creation on: the key is never in a file that others can read.
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(engine), file)
    part.replace(target)
    return engine


def remove_state() -> None:
    """Remove the state file if it belongs to this process."""
    engine = read_state()
    if engine and engine.pid == os.getpid():
        state_path().unlink(missing_ok=True)


def acquire_lock(wait: float = 15) -> "FileLock | None":
    """Acquire the lock of the one managed engine; None if another engine serves already.

    An ending engine may still hold it, so this waits for up to `wait` seconds. An engine of another
    version is ended first, since its clients could not be told from ours.
    """
    from filelock import FileLock, Timeout

    make_cache_dir()
    if (other := read_state()) and other.version != __version__:
        stop_engine()
    lock = FileLock(lock_path())
    # In short steps, to give way as soon as the engine that holds the lock has written its state.
    for _ in range(max(1, round(wait / 0.25))):
        try:
            lock.acquire(timeout=0.25, poll_interval=0.05)
            return lock
        except Timeout:
            if find_running():
                return None
    raise EngineError(
        f"Another engine holds {lock_path().name} and does not respond; see engine.log."
    )


def make_cache_dir() -> Path:
    """Create hfwidgets' cache directory; EngineError if nothing can be written there."""
    directory = cache_dir()
    try:
        make_private_dir(directory)
        # Written to, because a read-only disk lets a directory be made that exists already.
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        raise EngineError(
            f"hfwidgets cannot write to its cache, {directory}: {error.strerror}.",
            advice="Set HFWIDGETS_CACHE to a folder in which you may write.",
        ) from error


def make_private_dir(directory: Path) -> Path:
    """Create a directory that only its owner can enter; an existing one stays unchanged."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _open_log() -> BinaryIO:
    """Open the log file for appending; a large one starts again empty."""
    path = log_path()
    grown = path.exists() and path.stat().st_size > _LOG_BYTES
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if grown else os.O_APPEND), 0o600
    )
    return os.fdopen(descriptor, "ab")

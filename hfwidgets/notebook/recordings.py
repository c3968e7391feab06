"""Recorded answers in this session: `%hf recordings`, `--cache`, `--no-cache`, `--replay`."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.calls.settings import InterceptedCall
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.notebook.listing import Listing
from hfwidgets.recorder import Recorder
from hfwidgets.recorder import recordings as switch


def get_recorder(mode: str | None = None) -> Recorder:
    """Return the recordings in use, else those of the usual folder; the same object each time.

    Args:
        mode: auto, record or replay; None is the mode in use, else that of HFWIDGETS_RECORDINGS.
    """
    used = switch.current
    path = used.path if used else Recorder(mode=mode).path
    return _cached_recorder(path, mode or (used.mode if used else Recorder().mode))


# The same object for the same folder: shared clients are found by the identity of their recordings.
@functools.cache
def _cached_recorder(path: Path, mode: str) -> Recorder:
    return Recorder(path, mode)


# A client with `recordings=None` uses those in use, so leaving them out takes an interceptor.
class _PassThrough:
    """An interceptor that lets every call through."""

    blocks_requests = False

    def intercept(self, call: InterceptedCall, ask: Infer) -> Flow[Any]:
        """Return the provider's answer."""
        return (yield from call.ask_provider(ask))

    def blocked_error(self, method: str, url: str) -> Exception:
        """Return an error that is never raised, since nothing is held back."""
        return errors.NotRecordedError(f"{method} {url} was held back.")


_pass_through = _PassThrough()


def without_recordings() -> _PassThrough:
    """Return the `recordings=` of a client that neither replays nor records.

    Raises:
        NotRecordedError: recordings are being replayed, so nothing may be sent.
    """
    if get_recorder().blocks_requests:
        raise errors.NotRecordedError(
            "Recordings are being replayed, so nothing is sent, not even with --no-cache. "
            "Run %hf recordings off, or unset HFWIDGETS_RECORDINGS, to let calls through."
        )
    return _pass_through


def recordings(verb: str | None = None, path: str | os.PathLike[str] | None = None) -> Any:
    """Switch recordings on or off, list them, delete them, or return their folder.

    Args:
        verb: `on` (use recorded answers, record new ones), `record` (send and record every call),
            `replay` (nothing is sent), `off`, `clear`, `path`; None lists them.
        path: the folder; None is the one in use, else `.hfwidgets/recordings`.

    Raises:
        ConfigurationError: the verb is unknown, or does not accept a folder.
    """
    folder = path or (switch.path if switch.current else None)
    actions: dict[str | None, Callable[[], Any]] = {
        None: lambda: Listing(switch.list(path), f"Nothing is recorded in {_folder_label(path)}."),
        "on": lambda: switch.on(folder),  # HFWIDGETS_RECORDINGS may choose replay
        "record": lambda: switch.on(folder, "record"),
        "replay": lambda: switch.on(folder, "replay"),
        "off": switch.off,
        "clear": lambda: switch.clear(path),
        "path": lambda: switch.path,
    }
    if verb not in actions:
        known = [name for name in actions if name]
        raise errors.ConfigurationError(
            f"Unknown command {verb!r} of recordings."
            f"{errors.did_you_mean(str(verb), known)} The commands are: {', '.join(known)}."
        )
    if path is not None and verb in ("off", "path"):
        raise errors.ConfigurationError(
            f"recordings {verb} does not accept a folder: it applies to the one in use."
        )
    return actions[verb]()


def _folder_label(path: str | os.PathLike[str] | None) -> str:
    return str(path or switch.path)

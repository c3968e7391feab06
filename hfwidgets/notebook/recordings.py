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
    """The folder of recordings that is in use, else the usual one; the same object each time.

    Args:
        mode: auto, record or replay; None is the mode in use, else what HFWIDGETS_RECORDINGS says.
    """
    used = switch.current
    path = used.path if used else Recorder(mode=mode).path
    return _cached_recorder(path, mode or (used.mode if used else Recorder().mode))


@functools.cache
def _cached_recorder(path: Path, mode: str) -> Recorder:
    return Recorder(path, mode)


class _PassThrough:
    """Lets calls through as if there were no recordings."""

    blocks_requests = False

    def intercept(self, call: InterceptedCall, ask: Infer) -> Flow[Any]:
        """The provider's answer."""
        return (yield from call.ask_provider(ask))

    def blocked_error(self, method: str, url: str) -> Exception:
        """Never raised: nothing is held back."""
        return errors.NotRecordedError(f"{method} {url} was held back.")


_pass_through = _PassThrough()


def without_recordings() -> _PassThrough:
    """What a client's `recordings=` takes to ask anew and record nothing.

    Raises:
        NotRecordedError: recordings are replayed, so that nothing may be sent.
    """
    if get_recorder().blocks_requests:
        raise errors.NotRecordedError(
            "Recordings are replayed, so nothing is sent, not even with --no-cache. "
            "%hf recordings off, or leaving HFWIDGETS_RECORDINGS out, lets calls through."
        )
    return _pass_through


def recordings(verb: str | None = None, path: str | os.PathLike[str] | None = None) -> Any:
    """Switch recordings on or off, list them, delete them, or say where they are.

    Args:
        verb: `on` (take recorded answers, record new ones), `record` (ask anew and record),
            `replay` (nothing is sent), `off`, `clear`, `path`; None lists them.
        path: the folder; left out, the one in use, else `.hfwidgets/recordings`.

    Raises:
        ConfigurationError: there is no such verb, or it takes no folder.
    """
    folder = path or (switch.path if switch.current else None)
    actions: dict[str | None, Callable[[], Any]] = {
        None: lambda: Listing(switch.list(path), f"Nothing is recorded in {_folder_label(path)}."),
        "on": lambda: switch.on(folder),  # the environment may say that nothing is sent
        "record": lambda: switch.on(folder, "record"),
        "replay": lambda: switch.on(folder, "replay"),
        "off": switch.off,
        "clear": lambda: switch.clear(path),
        "path": lambda: switch.path,
    }
    if verb not in actions:
        known = [name for name in actions if name]
        raise errors.ConfigurationError(
            f"recordings takes {', '.join(known)}, not {verb!r}"
            f".{errors.did_you_mean(str(verb), known)}"
        )
    if path is not None and verb in ("off", "path"):
        raise errors.ConfigurationError(
            f"recordings {verb} takes no folder: it is about the one in use."
        )
    return actions[verb]()


def _folder_label(path: str | os.PathLike[str] | None) -> str:
    return str(path or switch.path)

"""Switch recording and replaying on and off for the whole process: `hf.recordings`."""

import os
from pathlib import Path
from typing import TypeAlias

from hfwidgets.calls import settings
from hfwidgets.recorder.recorder import Recorder
from hfwidgets.recorder.store import Recording
from hfwidgets.results import Elements

PathLike: TypeAlias = str | os.PathLike[str]


class Recordings:
    """Switches recordings on and off, lists and deletes them.

    `with hf.recordings("folder"):` applies to a block, `on` until `off`; a block takes precedence.
    """

    def __init__(self) -> None:
        self._active: Recorder | None = None

    def __call__(self, path: PathLike | None = None, *, mode: str | None = None) -> Recorder:
        """Return a folder of recordings, for a `with` block or a client's `recordings=`."""
        return Recorder(path, mode)

    def on(self, path: PathLike | None = None, mode: str | None = None) -> Recorder:
        """Record and replay all calls from now on; see `Recorder` for the modes."""
        recorder = Recorder(path, mode)
        self.off()
        # First in the list, which is read from its end: blocks take precedence.
        settings.interceptors.insert(0, recorder)
        self._active = recorder
        return recorder

    def off(self) -> None:
        """Stop: calls are sent again, and nothing is stored."""
        if self._active is not None:
            settings.interceptors.remove(self._active)
            self._active = None

    @property
    def current(self) -> Recorder | None:
        """The recorder that calls use now; None while recordings are off."""
        found = (item for item in reversed(settings.interceptors) if isinstance(item, Recorder))
        return next(found, None)

    @property
    def path(self) -> Path:
        """The folder in use, else the one that `on()` would use."""
        return (self.current or Recorder(mode="auto")).path

    @property
    def mode(self) -> str | None:
        """`auto`, `record` or `replay`; None while recordings are off."""
        return self.current.mode if self.current else None

    def list(self, path: PathLike | None = None) -> Elements[Recording]:
        """Return the recordings in a folder, the latest first; without a path, in `path`."""
        return self._recorder_for(path).store.list()

    def clear(self, path: PathLike | None = None) -> int:
        """Delete the recordings in a folder, and nothing else; return their number."""
        return self._recorder_for(path).store.clear()

    def _recorder_for(self, path: PathLike | None) -> Recorder:
        return Recorder(self.path if path is None else path, "auto")

    def __repr__(self) -> str:
        folder = (self.current or Recorder(mode="auto")).display_path
        return f"<recordings: {self.mode or 'off'}, {folder}>"


recordings = Recordings()

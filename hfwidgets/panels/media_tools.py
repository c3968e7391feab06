"""Tools of tasks about images, audio and video: trimming, a video's first frame, files of pages."""

import asyncio
import contextlib
from collections.abc import Iterable

from hfwidgets import errors, media
from hfwidgets.notebook import background_loop
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.form.inputs import PanelInputs
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.history import History
from hfwidgets.panels.views.video_view import VideoView
from hfwidgets.results.audio import Audio


class MediaTools(Panel):
    """Adds to a task's panel what its media allow."""

    inputs: PanelInputs
    _hfw_history: History

    def _hfw_set_media_input(self, name: str, value: object, label: str) -> None:
        """Set a media input from the page."""
        raise NotImplementedError

    def _hfw_send_media(self, name: str) -> None:
        # Images are decoded and scaled down, which takes longer than a message handler may.
        background_loop.submit(self._hfw_send_media_async(name))

    async def _hfw_send_media_async(self, name: str) -> None:
        try:
            await asyncio.to_thread(super()._hfw_send_media, name)
        except errors.HfWidgetsError as error:
            self._hfw_show_error(error)

    def _hfw_do_trim(self, name: str, start: float, end: float) -> None:
        """Keep audio from `start` to `end`, in seconds."""
        # Decoding takes longer than a message handler may.
        background_loop.submit(self._hfw_trim_audio(name, start, end))

    async def _hfw_trim_audio(self, name: str, start: float, end: float) -> None:
        # Without the range of an earlier trim, which the label would collect.
        label = self.inputs.label_of(name).partition(" · ")[0]
        try:
            found = await asyncio.to_thread(previews.load_media, self.inputs[name], "audio")
            audio = Audio(await asyncio.to_thread(found.read))
            part = await asyncio.to_thread(audio.cut, start, end)
            self._hfw_set_media_input(name, part, f"{label} · {start:.2f} to {end:.2f} s")
        except errors.HfWidgetsError as error:
            self._hfw_show_error(error)

    def _hfw_do_poster(self, number: int, buffers: Iterable[bytes]) -> None:
        """Keep a video's first frame, which only the page can decode, for the static form."""
        background_loop.submit(self._hfw_store_poster(number, b"".join(buffers)))

    async def _hfw_store_poster(self, number: int, frame: bytes) -> None:
        # The static form shows the last result, whose source is in memory and so can change.
        item = self._hfw_history.last_item
        if item is None or item.number != number or not isinstance(item.view, VideoView):
            return
        source = item.source.get()
        if source.poster is not None:
            return
        # The frame is optional, so one that cannot be read is not reported.
        with contextlib.suppress(errors.HfWidgetsError):
            loaded = await asyncio.to_thread(previews.load_media, frame, "image")
            source.poster = await asyncio.to_thread(media.open_upright, loaded)
            await asyncio.to_thread(self._hfw_refresh_static)

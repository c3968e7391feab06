"""Audio with its waveform; several tracks can be switched while they play."""

import re

from hfwidgets.panels.document.protocol import Save, View
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.context import ViewContext, as_records, label_rows
from hfwidgets.panels.views.previews import AudioTrack
from hfwidgets.panels.views.registry import register_view
from hfwidgets.panels.views.table_view import rest_of_items
from hfwidgets.results.audio import Audio


class AudioView(View, tag="audio", kw_only=True):
    """One or several tracks; each can be saved as a file."""

    tracks: list[AudioTrack]


@register_view(AudioView, priority=10)
def build_audio(result: object, context: ViewContext, name: str) -> AudioView | None:
    """Build the view of audio, or of records with a `blob` of audio each."""
    if isinstance(result, Audio):
        return AudioView(tracks=[audio_track(context, "", result, name)])
    items = as_records(result)
    if items is None or not all(isinstance(item.get("blob"), bytes) for item in items):
        return None
    rows = label_rows(items)
    tracks = [
        audio_track(context, row.label, Audio(item["blob"]), str(at))
        for at, (item, row) in enumerate(zip(items, rows, strict=True))
    ]
    before = input_audio_track(context, "input")
    if before is not None:
        before.saves = []  # the user has this file already
        tracks.insert(0, before)
    rest = rest_of_items(items, ("blob", "content_type", "content-type"))
    # Not None, which would add files of the whole result: each track has its save already.
    return AudioView(tracks=tracks, saves=[], rest=rest)


def audio_track(context: ViewContext, label: str, audio: Audio, name: str) -> AudioTrack:
    """Register audio as a file and describe it for a player."""
    mime = audio.mime or "audio/wav"
    key = context.add_file(name, lambda: (bytes(audio), mime))
    track = previews.describe_audio(audio)
    track.label, track.id = label, key
    track.saves = [_audio_save(key, mime.partition("/")[2], label)]
    return track


def input_audio_track(context: ViewContext, label: str = "") -> AudioTrack | None:
    """Describe the input audio; None if it is not available."""
    found = context.input_media("audio")
    return audio_track(context, label, Audio(found.read()), "heard") if found else None


def _audio_save(key: str, extension: str, label: str) -> Save:
    """Name a file by its label, which tells several tracks apart."""
    extension = extension.removeprefix("x-")
    name = re.sub(r"[^\w-]+", "_", label)[:40] or "audio"
    title = f"{label} {extension.upper()}" if label else extension.upper()
    return Save(label=title, id=key, name=f"{name}.{extension}")

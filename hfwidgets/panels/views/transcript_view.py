"""A transcript whose parts lead to their moment in the audio."""

from hfwidgets.panels.document.protocol import Part, View
from hfwidgets.panels.views.audio_view import input_audio_track
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.previews import AudioTrack, text_file
from hfwidgets.panels.views.registry import register_view
from hfwidgets.panels.views.table_view import rest_of_text
from hfwidgets.results.audio import AutomaticSpeechRecognitionOutput


class TranscriptChunk(Part, kw_only=True):
    """A part of a transcript; `start` and `end` are seconds, an open end is None."""

    start: float | None
    end: float | None
    text: str


class TranscriptView(View, tag="transcript", kw_only=True):
    """A text, its timed parts and the audio it was heard in."""

    text: str
    chunks: list[TranscriptChunk]
    audio: AudioTrack | None = None


@register_view(TranscriptView, priority=10)
def build_transcript(result: object, context: ViewContext, name: str) -> TranscriptView | None:
    """Build the view of transcribed speech."""
    if not isinstance(result, AutomaticSpeechRecognitionOutput):
        return None
    text = result.text or ""
    chunks = [
        TranscriptChunk(start=chunk.start, end=chunk.end, text=chunk.text or "")
        for chunk in result.chunks or []
    ]
    # Subtitles need times, which a server only sends if it was asked for them.
    saves = [context.add_save("txt.txt", "TXT", lambda: text_file(text))]
    if chunks:
        saves.append(context.add_save("srt.srt", "SRT", lambda: text_file(result.to_srt())))
        saves.append(context.add_save("vtt.vtt", "VTT", lambda: text_file(result.to_vtt())))
    return TranscriptView(
        text=text,
        chunks=chunks,
        audio=input_audio_track(context),
        saves=saves,
        rest=rest_of_text(result),
    )

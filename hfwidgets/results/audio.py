"""Results of the audio tasks: audio to play, and transcripts with their times."""

import base64
import functools
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hfwidgets import errors
from hfwidgets.core.meta import Meta
from hfwidgets.media import HEAD_SIZE, Media, encode_wav, sniff
from hfwidgets.results import html_table, show, subtitles
from hfwidgets.results.record import Elements, Record, TextRecord, fields_beyond

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    Samples = np.ndarray[Any, np.dtype[np.float32]]

R = TypeVar("R", bound=Record)
T = TypeVar("T")

EMBED_LIMIT = 2 << 20
"""The largest audio that is put into a notebook, in bytes."""


class AudioClassificationOutputElement(Record):
    """A label and its score, between 0 and 1."""

    label: str
    score: float


class Audio(bytes):
    """Encoded audio, as the server sent it: the bytes of a file, and its samples.

    Attributes:
        mime: its type, by its first bytes; None when it is not recognized.
    """

    meta: Meta | None = None

    @classmethod
    def of(cls, samples: "ArrayLike", sampling_rate: int) -> "Audio":
        """Encode samples between -1 and 1, of shape (n,) or (n, channels), as a WAV file."""
        return cls(encode_wav(samples, sampling_rate))

    @functools.cached_property
    def mime(self) -> str | None:
        return sniff(self[:HEAD_SIZE], "audio")

    @functools.cached_property
    def _header(self) -> tuple[int, int]:
        """Return the samples per channel and per second, without decoding."""
        import soundfile  # type: ignore[import-untyped]

        info = self._read_with_soundfile(soundfile.info)
        return int(info.frames), int(info.samplerate)

    @functools.cached_property
    def _samples(self) -> "Samples":
        import soundfile

        read: Any = functools.partial(soundfile.read, dtype="float32")
        samples: Samples = self._read_with_soundfile(read)[0]
        return samples

    def _read_with_soundfile(self, read: Callable[[io.BytesIO], T]) -> T:
        """Return the outcome of a function of soundfile's; OutputError for an unsupported type."""
        import soundfile

        try:
            return read(io.BytesIO(self))
        except soundfile.SoundFileError as error:
            raise errors.OutputError(
                f"This audio ({self.mime or 'of unknown type'}, {len(self):,} bytes) cannot be "
                f"decoded by soundfile: {error}. Its bytes can be saved as they are."
            ) from error

    @property
    def array(self) -> "Samples":
        """Return the samples as float32 between -1 and 1, of shape (n,) or (n, channels)."""
        return self._samples

    @property
    def sampling_rate(self) -> int:
        """Return the samples per second, in hertz."""
        return self._header[1]

    @property
    def seconds(self) -> float:
        """Return the duration in seconds."""
        frames, rate = self._header
        return frames / rate

    def cut(self, start: float, end: float | None = None) -> "Audio":
        """Return the part between two times in seconds, as WAV; to the end without `end`."""
        first = max(0, round(start * self.sampling_rate))
        last = len(self.array) if end is None else round(end * self.sampling_rate)
        return Audio.of(self.array[first : max(last, first + 1)], self.sampling_rate)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the audio to a file; .wav, .flac and .ogg convert it to that format."""
        target = Path(path)
        if (
            target.suffix.lower() in _SUFFIX_MIMES
            and _SUFFIX_MIMES[target.suffix.lower()] != self.mime
        ):
            import soundfile

            soundfile.write(target, self.array, self.sampling_rate)
        else:
            target.write_bytes(self)
        return target

    def plot(self) -> "Figure":
        """Return the waveform as a matplotlib figure."""
        from hfwidgets.results import plot

        return plot.plot_waveform(self.array, self.sampling_rate)

    def __repr__(self) -> str:
        try:
            length = f", {self.seconds:.2f} s, {self.sampling_rate:,} Hz"
        except errors.OutputError:
            length = ""
        return f"<Audio {self.mime or 'of unknown type'}{length}, {len(self):,} bytes>"

    __str__ = __repr__  # not the bytes: a print would flood the notebook

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return show.show_result(self.__repr__, self._html_, self.meta)

    def _html_(self) -> str:
        """Return a player that never starts by itself."""
        return player_html(self, self.mime, "audio", EMBED_LIMIT)


_SUFFIX_MIMES = {".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg"}


def player_html(data: bytes, mime: str | None, element: str, limit: int) -> str:
    """Return an HTML player for audio or video up to `limit` bytes, a note for larger ones."""
    if mime is None or not mime.startswith(f"{element}/") or len(data) > limit:
        size = f"{len(data):,} bytes of {show.escape_html(mime or 'unknown type')}"
        return f"<p>{size}: not shown here; .save(path) writes them to a file.</p>"
    # The type is the server's word, which may hold a quote.
    source = f"data:{show.escape_attribute(mime)};base64,{base64.b64encode(data).decode()}"
    style = ' style="max-width:100%"' if element == "video" else ""
    return (
        f'<{element} controls preload="metadata" aria-label="{element}" src="{source}"{style}>'
        f"</{element}>"
    )


class AudioToAudioOutputElement(Record):
    """One track of the result: its label, its type as the server named it, the audio."""

    required_fields = frozenset({"blob"})

    label: str
    content_type: str
    blob: Audio

    def _html_(self) -> str:
        name = show.paragraph_html(str(self.label or "audio"))
        others = fields_beyond(self, {"label", "blob", "content-type", "content_type"})
        table = html_table.fields_to_html(others) if others else ""
        return name + (self.blob._html_() if isinstance(self.blob, Audio) else "") + table


class AudioTracks(Elements[R]):
    """The tracks of a result, each with its player."""

    def plot(self) -> "Figure":
        """Return the waveforms below each other, as a matplotlib figure."""
        from hfwidgets.results import plot

        named = [(str(item.get("label") or "audio"), item["blob"]) for item in self]
        return plot.plot_waveforms(
            [(name, audio.array, audio.sampling_rate) for name, audio in named]
        )

    def _html_(self) -> str:
        return "".join(item._html_() for item in self) if self else "<p>The answer is empty.</p>"


class SourceAudio:
    """The audio that was transcribed, decoded when a part of it is first needed."""

    def __init__(self, media: Media) -> None:
        self._media = media

    @functools.cached_property
    def audio(self) -> Audio:
        """Return the whole recording."""
        return Audio(self._media.read())


class AutomaticSpeechRecognitionOutputChunk(Record):
    """A part of a transcript: `timestamp` is [start, end] in seconds; the last end may be None."""

    text: str
    timestamp: list[float | None]

    @property
    def start(self) -> float:
        """Return when the chunk begins, in seconds."""
        return float((self.timestamp or [0.0])[0] or 0.0)

    @property
    def end(self) -> float | None:
        """Return when the chunk ends, in seconds; None where the server does not report it."""
        end = (self.timestamp or [])[1:2]
        return float(end[0]) if end and end[0] is not None else None

    @property
    def audio(self) -> Audio:
        """Return this part of the recording as WAV; InputError when it cannot be read any more."""
        return _find_recording(self).audio.cut(self.start, self.end)


class AutomaticSpeechRecognitionOutput(TextRecord):
    """A transcript; `chunks` are its parts with their times, where these were requested."""

    text: str  # pyright: ignore[reportIncompatibleMethodOverride] - a field takes its place
    chunks: list[AutomaticSpeechRecognitionOutputChunk] | None

    def to_srt(self) -> str:
        """Return subtitles in the SubRip format; requires `return_timestamps=True`."""
        return subtitles.to_srt(self._cues())

    def to_vtt(self) -> str:
        """Return subtitles in the WebVTT format; requires `return_timestamps=True`."""
        return subtitles.to_vtt(self._cues())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the transcript to a file: subtitles for .srt and .vtt, else the text."""
        target = Path(path)
        convert = {".srt": self.to_srt, ".vtt": self.to_vtt}.get(target.suffix.lower())
        target.write_text(convert() if convert else self.text or "", encoding="utf-8")
        return target

    def to_pandas(self) -> Any:
        """Return a DataFrame with one row per chunk: start and end in seconds, text."""
        from hfwidgets.results import table

        names = ("start", "end", "text")
        return table.to_frame(dict(zip(names, cue, strict=True)) for cue in self._cues())

    def plot(self) -> "Figure":
        """Return the recording's waveform with each chunk's text, as a matplotlib figure.

        Raises:
            InputError: the recording cannot be read any more.
            OutputError: the transcript has no chunks: request them with return_timestamps=True.
        """
        from hfwidgets.results import plot

        cues = self._cues()
        audio = _find_recording((self.chunks or [])[0]).audio
        return plot.plot_transcript(audio.array, audio.sampling_rate, cues)

    def _cues(self) -> list[subtitles.Cue]:
        if not self.chunks:
            raise errors.OutputError(
                "The transcript has no times: request them with return_timestamps=True."
            )
        starts = [chunk.start for chunk in self.chunks[1:]] + [None]
        pairs = zip(self.chunks, starts, strict=True)
        return [(c.start, self._chunk_end(c, after), c.text or "") for c, after in pairs]

    def _chunk_end(
        self, chunk: AutomaticSpeechRecognitionOutputChunk, after: float | None
    ) -> float:
        """Return the end of a chunk: its own, else the next one's start, else the recording's."""
        known = chunk.end if chunk.end is not None else after
        if known is not None:
            # A server's times may run backward, which subtitles must not.
            return max(known, chunk.start)
        try:
            return max(_find_recording(chunk).audio.seconds, chunk.start)
        except errors.HfWidgetsError:
            return chunk.start + 2.0  # long enough to read a line

    def _html_(self) -> str:
        if not self.chunks:
            return super()._html_() if self.text else show.paragraph_html("No speech found.")
        rows = [
            {"start": subtitles.format_time(c.start), "text": c.text or ""} for c in self.chunks
        ]
        others = self.fields_beyond_text()
        table = html_table.records_to_html(rows)
        return table + html_table.fields_to_html(others) if others else table

    def fields_beyond_text(self) -> dict[str, Any]:
        """Return the fields that are neither the text nor its chunks."""
        return fields_beyond(self, {"text", "chunks"})


def _find_recording(chunk: AutomaticSpeechRecognitionOutputChunk) -> SourceAudio:
    recording: SourceAudio | None = vars(chunk).get("_source_audio")
    if recording is None:
        raise errors.InputError(
            "The recording is not available: only results of a call refer to it."
        )
    return recording


def link_source_audio(
    output: AutomaticSpeechRecognitionOutput, media: Media
) -> AutomaticSpeechRecognitionOutput:
    """Let the chunks of a transcript refer to the recording, and return the transcript."""
    recording = SourceAudio(media)
    for chunk in output.chunks or []:
        if "timestamp" not in chunk and "timestamps" in chunk:  # the older name
            chunk["timestamp"] = chunk.pop("timestamps")
        # Setting an attribute of a record would add a field to the answer.
        vars(chunk)["_source_audio"] = recording
    return output

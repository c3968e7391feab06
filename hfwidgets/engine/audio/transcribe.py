"""Transcribe speech, as one text or with times."""

from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

from hfwidgets.engine.audio.whisper import (
    MODEL,
    SAMPLE_RATE,
    DecodingOptions,
    SpeechSegment,
    Whisper,
)
from hfwidgets.engine.base import audio
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.runtimes import require_modules

Temperature = Annotated[float, msgspec.Meta(ge=0, le=1)]


class TranscriptionParameters(msgspec.Struct, forbid_unknown_fields=True):
    """How the text is generated, in the names of the Hub's task."""

    temperature: Temperature | None = None
    do_sample: bool | None = None
    num_beams: Annotated[int, msgspec.Meta(ge=1, le=5)] = 5
    max_new_tokens: Annotated[int, msgspec.Meta(ge=1, le=224)] = 224
    """Tokens per window of 30 s."""


class TimedText(TypedDict):
    """A segment or word with its start and end in seconds."""

    text: str
    timestamp: list[float]


class Transcript(TypedDict):
    """A transcript, with chunks when times were requested."""

    text: str
    chunks: NotRequired[list[TimedText]]


def automatic_speech_recognition(
    models: LoadedModels,
    inputs: bytes,
    *,
    return_timestamps: bool | Literal["word"] = False,
    generation_parameters: TranscriptionParameters | None = None,
) -> Transcript:
    """Return the text, and with timestamps its segments or words as chunks."""
    settings = generation_parameters or TranscriptionParameters()
    temperature = settings.temperature
    if settings.do_sample is not None:
        # As in transformers: do_sample alone means temperature 1, and False overrides any other.
        temperature = (temperature or 1.0) if settings.do_sample else 0.0
    decoding = DecodingOptions(temperature, settings.num_beams, settings.max_new_tokens)
    samples = audio.read_samples(inputs, SAMPLE_RATE)
    words = return_timestamps == "word"
    parts = list(models.get(Whisper).transcribe(samples, decoding, words=words))
    answer: Transcript = {"text": join_segments(parts)}
    if return_timestamps:
        answer["chunks"] = [
            {"text": part.text, "timestamp": [round(part.start, 2), round(part.end, 2)]}
            for part in parts
        ]
    return answer


def join_segments(parts: list[SpeechSegment]) -> str:
    """Return the text of all segments or words."""
    return "".join(part.text for part in parts).strip()


CAPABILITY = Capability(
    name="transcribe",
    model=MODEL,
    serves={"automatic-speech-recognition": automatic_speech_recognition},
    weights=("whisper",),
    measured={"automatic-speech-recognition": (40, 40)},
    license="MIT",
    languages=("multilingual",),
    limits=(
        f"Audio of at most {audio.MAX_SECONDS // 60} minutes; best at English and the other large "
        "languages of Europe."
    ),
    why_unavailable=require_modules("faster_whisper", "soxr"),
)
